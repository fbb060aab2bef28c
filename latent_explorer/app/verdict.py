# SPDX-License-Identifier: MIT
"""What turns the verdict of the picture on the canvas: asked of the engine a few pictures at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.app.engine.events import PictureFailed, PictureReady
from latent_explorer.app.exploration import picture_requests, turning_requests
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.app.exploration.updates import (
    DocumentChanged,
    ErrorReport,
    GestureEnded,
    MainPicture,
    ModelOpened,
    StateChanged,
    TimelineFrame,
    TimelinePlaying,
    TurningSet,
    VerdictOffers,
)
from latent_explorer.explain.counterfactuals import turning_sets
from latent_explorer.explain.counterfactuals.turning_sets import AttributeTuple, Search
from latent_explorer.explain.recipe import MovesRequest, Picture, StyleShift
from latent_explorer.models.attributes import Attribute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.models.attributes import AttributeEntry
    from latent_explorer.models.summary import ExplainerSummary

SLOT = "verdict"


@dataclass
class _Run:
    """Search for one picture, or its result."""

    state: ExplorerState
    listed: AttributeTuple  # candidates of the list when it began
    margin: float
    everywhere: bool = False
    tried: int = 0
    search: Search | None = None
    offered: list[AttributeTuple] = field(default_factory=list)  # whose exact pictures are awaited


class VerdictTurner:
    """Emits `VerdictOffers` for every picture that stays on the canvas and is not of the target class.

    Whatever changes the state ends the search; an answer for another state is dropped.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._run: _Run | None = None
        self._requests: list[Any] = []
        self._answers: dict[int, Any] = {}
        self._playing = False
        updates = explorer.updates
        for kind in (ModelOpened, StateChanged, DocumentChanged, MainPicture, TimelineFrame, GestureEnded):
            updates.on(kind, lambda _update: self._consider())
        updates.on(TimelinePlaying, self._play)
        updates.on(PictureReady, self._take, slot=SLOT)
        updates.on(PictureFailed, self._report, slot=SLOT)

    def search_everywhere(self) -> None:
        """Search among all style coordinates, beginning with those whose gradient promises most for this picture."""
        run = self._new_run()
        if run is not None:
            run.everywhere, self._run = True, run
            request = picture_requests.resolve(run.state, self._summary)
            self._ask([MovesRequest(request, run.state.target_class, turning_sets.MAX_CANDIDATES)])

    def _play(self, update: TimelinePlaying) -> None:
        self._playing = update.playing
        self._consider()

    def _consider(self) -> None:
        """Begin another search if the picture on the canvas, its target or the attributes have changed."""
        run, session = self._new_run(), self._explorer.session
        old = self._run
        if run is not None and old is not None and (run.state, run.listed) == (old.state, old.listed):
            return
        if old is not None:
            self._run = None
            self._ask([])
        if run is not None and session is not None and not session.in_gesture:
            self._run = run
            if run.listed:
                self._start(run, run.listed)
            else:  # every slider is at its end
                self._emit(run, [])

    def _new_run(self) -> _Run | None:
        """Return the search for the picture on the canvas; None if it is not the state's, or of the target class."""
        shown, state = self._explorer.shown, self._explorer.state
        if self._playing or not self._explorer.editable:
            return None
        if shown is None or state is None or shown.request != picture_requests.resolve(state, self._summary):
            return None
        logits = shown.result.after.logits
        if len(logits) < 2 or not 0 <= state.target_class < len(logits):
            return None
        margin = float(turning_sets.margins(logits[None], state.target_class)[0])
        if margin > 0:
            return None
        return _Run(state, turning_requests.candidates(self._explorer.attributes(), state), margin)

    @property
    def _summary(self) -> ExplainerSummary:
        assert self._explorer.summary is not None
        return self._explorer.summary

    def _start(self, run: _Run, attributes: Sequence[Attribute]) -> None:
        run.tried = len(attributes)
        run.search = turning_sets.search(attributes, run.margin)
        self._advance(run, None)

    def _advance(self, run: _Run, answer: np.ndarray | None) -> None:
        """Ask for the next sets of the search, or for the pictures of those that it found."""
        assert run.search is not None
        try:
            sets = next(run.search) if answer is None else run.search.send(answer)
        except StopIteration as stop:
            run.search, run.offered = None, stop.value
            self._ask(turning_requests.offer_requests(run.state, self._summary, run.offered))
            if not run.offered:
                self._emit(run, [])
        else:
            self._ask(turning_requests.trial_requests(run.state, self._summary, sets))

    def _ask(self, requests: Sequence[Any]) -> None:
        self._requests, self._answers = list(requests), {}
        self._explorer.request_pictures(SLOT, requests)

    def _take(self, event: PictureReady) -> None:
        """Collect the answers; go on when all are there."""
        run = self._run
        if run is None or event.request not in self._requests[event.index : event.index + 1]:
            return  # for another picture
        self._answers[event.index] = event.result
        if len(self._answers) < len(self._requests):
            return
        answers = [self._answers[i] for i in range(len(self._requests))]
        if run.search is not None:
            self._advance(run, turning_sets.margins(np.concatenate(answers), run.state.target_class))
        elif run.offered:
            self._ask([])
            self._emit(run, [answer.after for answer in answers])
        else:
            self._start(run, _unmoved(answers[0], run.state))

    def _emit(self, run: _Run, pictures: Sequence[Picture]) -> None:
        target = run.state.target_class
        sets = tuple(
            TurningSet(attributes, picture)
            for attributes, picture in zip(run.offered, pictures, strict=True)
            if int(picture.logits.argmax()) == target
        )
        request = picture_requests.resolve(run.state, self._summary)
        self._explorer.updates.emit(VerdictOffers(request, target, sets, run.tried, run.everywhere))

    def _report(self, event: PictureFailed) -> None:
        self._ask([])
        self._explorer.updates.emit(ErrorReport(event.failure, "Trying what turns the verdict", SLOT))


def _unmoved(entries: Sequence[AttributeEntry], state: ExplorerState) -> list[Attribute]:
    """Return attributes of single coordinates, without those that the state moves already."""
    moved = {edit.style_index for edit in state.edits if isinstance(edit, StyleShift)}
    return [Attribute("", state.target_class, (entry,)) for entry in entries if entry.style_index not in moved]
