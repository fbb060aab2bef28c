# SPDX-License-Identifier: MIT
"""What turns the picture on the canvas where only a painted part of it may change: asked a few pictures at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer.app.engine.events import PictureFailed, PictureReady
from latent_explorer.app.exploration import turning_requests
from latent_explorer.app.exploration.document import shown_attributes
from latent_explorer.app.exploration.picture_requests import resolve
from latent_explorer.app.exploration.state import ExplorerState, with_attributes
from latent_explorer.app.exploration.updates import (
    DocumentChanged,
    ErrorReport,
    GestureEnded,
    MainPicture,
    ModelOpened,
    RegionFound,
    StateChanged,
    TimelineFrame,
    TimelinePlaying,
)
from latent_explorer.explain.counterfactuals.region import (
    InRegion,
    RegionQuestion,
    RegionStudy,
    Study,
    study,
    with_control,
)
from latent_explorer.explain.counterfactuals.turning_sets import AttributeTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Edit, RegionLooks, RegionRequest, RenderResult

SLOT = "region"


@dataclass
class _Run:
    """Study of one picture and one mask."""

    state: ExplorerState
    attributes: AttributeTuple
    mask: np.ndarray
    question: RegionQuestion
    searching: Study | None = None
    found: RegionStudy | None = None
    awaited: list[InRegion] = field(default_factory=list)  # whose random edits are asked about, in turn

    def is_same(self, other: _Run) -> bool:
        """Return True if both ask the same."""
        mine, its = self.question, other.question
        same = (self.state, self.attributes, mine.target) == (other.state, other.attributes, its.target)
        return same and self.mask is other.mask


class RegionStudier:
    """Emits `RegionFound` for the part that was painted last, of whatever picture stays on the canvas.

    The answer comes first, then once more with each of its controls. Another stroke or another picture ends what is
    asked; an answer that still comes is dropped.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._mask: np.ndarray | None = None
        self._run: _Run | None = None
        self._requests: list[RegionRequest] = []
        self._answers: dict[int, RegionLooks] = {}
        self._playing = False
        updates = explorer.updates
        for kind in (ModelOpened, StateChanged, DocumentChanged, MainPicture, TimelineFrame, GestureEnded):
            updates.on(kind, lambda _update: self._consider())
        updates.on(TimelinePlaying, self._play)
        updates.on(PictureReady, self._take, slot=SLOT)
        updates.on(PictureFailed, self._report, slot=SLOT)

    def show(self, mask: np.ndarray | None) -> None:
        """Ask about a painted part, (R, R) from 0 to 1; None or an empty one ends it."""
        self._mask = mask if mask is not None and mask.any() else None
        self._consider()

    def _play(self, update: TimelinePlaying) -> None:
        self._playing = update.playing
        self._consider()

    def _consider(self) -> None:
        """Begin another study if the picture, its attributes or the mask have changed."""
        old, run, session = self._run, self._new_run(), self._explorer.session
        if run is not None and old is not None and run.is_same(old):
            return
        if old is not None:
            self._run = None
            self._ask([])
        if run is None or session is None or session.in_gesture:
            return
        self._run = run
        if run.attributes:
            run.searching = study(run.question, run.attributes)
            self._search(run, None)
        else:
            assert self._explorer.shown is not None
            probs = self._explorer.shown.result.after.probs
            self._emit(run, RegionStudy(run.question.target, run.question.area, probs, (), ()))

    def _new_run(self) -> _Run | None:
        """Return the study for the picture on the canvas; None if nothing is painted, or it is not the state's."""
        explorer = self._explorer
        shown, state, summary = explorer.shown, explorer.state, explorer.summary
        if self._mask is None or self._playing or not explorer.editable:
            return None
        if shown is None or state is None or summary is None or self._mask.shape != (summary.resolution,) * 2:
            return None
        request = resolve(state, summary)
        if shown.request != request or len(shown.result.after.logits) < 2:
            return None
        aim = aim_of(shown.result, state.target_class)
        listed = shown_attributes(explorer.document, summary, msgspec.structs.replace(state, target_class=aim))

        def edits_of(attributes: AttributeTuple) -> tuple[Edit, ...]:
            return resolve(with_attributes(state, attributes), summary).recipe.edits

        question = RegionQuestion(request, aim, self._mask, edits_of)
        return _Run(state, turning_requests.candidates(listed, state), self._mask, question)

    def _search(self, run: _Run, answers: list[RegionLooks] | None) -> None:
        """Ask for what the study wants to know next, or tell what it found and ask for the controls."""
        assert run.searching is not None
        try:
            self._ask(next(run.searching) if answers is None else run.searching.send(answers))
        except StopIteration as stop:
            run.searching, run.found = None, stop.value
            assert run.found is not None
            run.awaited = run.found.to_control()
            self._emit(run, run.found)
            self._control(run)

    def _control(self, run: _Run) -> None:
        """Ask for random edits beside the next of what was found."""
        self._ask(run.question.controls(run.awaited[0].attributes) if run.awaited else [])

    def _ask(self, requests: Sequence[RegionRequest]) -> None:
        self._requests, self._answers = list(requests), {}
        self._explorer.request_pictures(SLOT, requests)

    def _take(self, event: PictureReady) -> None:
        """Collect the answers; go on when all are there."""
        run = self._run
        if run is None or event.request not in self._requests[event.index : event.index + 1]:
            return  # of an earlier stroke or picture
        self._answers[event.index] = event.result
        if len(self._answers) < len(self._requests):
            return
        answers = [self._answers[i] for i in range(len(self._requests))]
        if run.searching is not None:
            self._search(run, answers)
        elif run.found is not None and run.awaited:
            result = with_control(run.awaited.pop(0), answers, run.question.target)
            run.found = run.found.with_result(result)
            self._emit(run, run.found)
            self._control(run)

    def _emit(self, run: _Run, found: RegionStudy) -> None:
        done = run.searching is None and not run.awaited
        self._explorer.updates.emit(RegionFound(run.question.request, found, done))

    def _report(self, event: PictureFailed) -> None:
        self._ask([])
        self._explorer.updates.emit(ErrorReport(event.failure, "Trying what turns the painted region", SLOT))


def aim_of(result: RenderResult, target: int) -> int:
    """Return the class to turn a picture to: the target, or the runner-up where it has the target already."""
    if result.after.verdict != target and 0 <= target < len(result.after.probs):
        return target
    return int(np.argsort(result.after.probs, kind="stable")[-2])
