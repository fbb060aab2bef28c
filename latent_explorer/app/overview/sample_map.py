# SPDX-License-Identifier: MIT
"""Map of samples for the overview: asked for in the background, with the picture on the canvas placed on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from latent_explorer.app.engine.events import JobEnded, JobEvent, PictureReady
from latent_explorer.app.exploration.picture_requests import shifted_value
from latent_explorer.app.exploration.updates import MainPicture, ModelOpened
from latent_explorer.app.overview.samples import LARGE, request_of
from latent_explorer.common.events import Event, Kept, Progress
from latent_explorer.common.jobs import forward_events
from latent_explorer.explain.recipe import Base, DirectionShift, SampleBase, SeedBase
from latent_explorer.explain.report.map_values import Kind, MapAxes, MapPictures

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.recipe import Edit, Picture, PictureRequest
    from latent_explorer.models.summary import ExplainerSummary

SLOT = "map"
JOB = "Drawing the map"
MOST, MOST_OF_LARGE = 400, 40  # pictures of the file, and seeds; above LARGE px each takes a second on a CPU


@dataclass(frozen=True)
class SampleMap:
    """Pictures with their places (n, 2) on two axes, and probabilities (n, K), NaN where not yet known."""

    bases: tuple[Base, ...]
    places: np.ndarray
    probs: np.ndarray
    axes: MapAxes
    target: int


@dataclass(frozen=True)
class _Asked:
    """What a map is of: the first fields determine its pictures, the last two its axes."""

    of_pictures: tuple[Any, ...]
    kind: Kind
    target: int


class SampleMapController:
    """Keeps the newest map. `on_change` is called when more of it is known, `on_picture` with a picture to look at."""

    def __init__(
        self, explorer: Explorer, on_change: Callable[[], None], on_picture: Callable[[Base, Picture], None]
    ) -> None:
        self._explorer = explorer
        self._on_change, self._on_picture = on_change, on_picture
        self._asked: _Asked | None = None
        self._waiting: Kind | None = None  # for the model, which is still being opened
        self._job: int | None = None
        self._pictures: MapPictures | None = None  # all of them known
        self._of_pictures: tuple[Any, ...] = ()
        self._requests: list[Any] = []
        self.found: SampleMap | None = None
        self.progress: Progress | None = None
        self.refusal = ""  # why there are no such axes, as a sentence
        explorer.updates.on(ModelOpened, lambda _update: self._forget())
        explorer.updates.on(MainPicture, lambda _update: self._model_ready())
        explorer.updates.on(JobEvent, self._take_event)
        explorer.updates.on(JobEnded, self._end)
        explorer.updates.on(PictureReady, self._take_picture, slot=SLOT)

    def ask(self, kind: Kind) -> None:
        """Ask for the map of the selected classifier, target class and truncation, unless it is known or under way."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return
        of_pictures = (state.model_hash, state.classifier_id, state.truncation_psi, state.truncation_cutoff)
        asked = _Asked(of_pictures, kind, state.target_class)
        if asked == self._asked:
            return
        self.stop()
        if self._of_pictures != of_pictures:
            self._pictures = None
        self._asked, self._of_pictures, self.refusal = asked, of_pictures, ""
        job = partial(_map, asked=asked, seeds=_seeds(summary), rows=_rows(summary), known=self._pictures)
        self._job = self._explorer.start_model_job(JOB, job, partial(self._take, asked))
        if self._job is None:
            self._asked, self._waiting = None, kind

    def stop(self) -> None:
        """Stop asking; what is known stays."""
        self._waiting = None
        if self._job is not None:
            self._explorer.cancel(self._job)
            self._asked, self._job, self.progress = None, None, None

    def look_at(self, base: Base | None) -> None:
        """Ask for the picture of a latent, without edits; None for none."""
        self._requests = [] if base is None else [self._request_of(base)]
        self._explorer.request_pictures(SLOT, self._requests)

    def _request_of(self, base: Base) -> PictureRequest:
        """Return the request of a picture as it is on the map: seeds are truncated."""
        request = request_of(self._explorer, base)
        if not isinstance(base, SeedBase) or not self._of_pictures:
            return request
        _model, _classifier, psi, cutoff = self._of_pictures
        recipe = msgspec.structs.replace(
            request.recipe, truncation_psi=psi, truncation_cutoff=None if psi == 1 else cutoff
        )
        return msgspec.structs.replace(request, recipe=recipe)

    def present(self) -> np.ndarray | None:
        """Return the place (2,) of the picture on the canvas, with its edits; None until it is known."""
        shown, state, summary = self._explorer.shown, self._explorer.state, self._explorer.summary
        if self.found is None or shown is None or state is None or summary is None:
            return None
        axes, styles = self.found.axes, shown.result.styles
        if len(styles) < axes.by_styles.shape[1]:
            return None  # of another model
        place: np.ndarray = (
            axes.by_styles @ styles[: axes.by_styles.shape[1]]
            + axes.offset
            + moved_place(axes, state.edits, styles, summary)
        )
        return place

    def _take(self, asked: _Asked, result: tuple[MapPictures, MapAxes | None, str]) -> None:
        if asked == self._asked:
            self._pictures, axes, self.refusal = result
            self._show(asked, self._pictures, axes)
            self._on_change()

    def _show(self, asked: _Asked, pictures: MapPictures, axes: MapAxes | None) -> None:
        if axes is None:
            self.found = None
            return
        bases: list[Base] = [SeedBase(seed) for seed in range(pictures.seeds)]
        bases += [SampleBase(row) for row in pictures.rows]
        self.found = SampleMap(tuple(bases), axes.places(pictures.w), pictures.probs, axes, asked.target)

    def _take_event(self, update: JobEvent) -> None:
        if update.job != self._job or self._asked is None:
            return
        if isinstance(update.event, Kept):
            pictures, axes, self.refusal = update.event.value
            self._show(self._asked, pictures, axes)
        elif isinstance(update.event, Progress):
            self.progress = update.event
        else:
            return
        self._on_change()

    def _end(self, update: JobEnded) -> None:
        if update.job == self._job:
            self._job, self.progress = None, None
            if update.outcome != "finished":
                self._asked = None
            self._on_change()

    def _take_picture(self, event: PictureReady) -> None:
        if event.request in self._requests:
            self._on_picture(event.request.recipe.base, event.result.after)

    def _model_ready(self) -> None:
        if self._waiting is not None:
            self.ask(self._waiting)

    def _forget(self) -> None:
        state = self._explorer.state
        if state is None or self._asked is None or self._asked.of_pictures[0] != state.model_hash:
            self._asked = self._job = self._pictures = self.found = self.progress = None
            self._on_change()


def moved_place(axes: MapAxes, edits: tuple[Edit, ...], styles: np.ndarray, summary: ExplainerSummary) -> np.ndarray:
    """Return how far (2,) edits move a picture of unedited `styles` (num_styles,) on the map."""
    moved = np.zeros(2)
    rows = sorted({layer.ws_row for layer in summary.layout.conv_layers})
    for edit in edits:
        if isinstance(edit, DirectionShift):
            shift = edit.direction.shift(summary.layout.num_ws)[rows].mean(axis=0)
            moved += edit.amount * (axes.vectors @ shift)
        elif (
            summary.style_stats is not None and edit.style_index < axes.by_styles.shape[1]
        ):  # toRGB's tell nothing of w
            j = edit.style_index
            moved += axes.by_styles[:, j] * (shifted_value(edit, summary.style_stats, styles) - styles[j])
    return moved


def _seeds(summary: ExplainerSummary) -> int:
    return MOST if summary.resolution <= LARGE else MOST_OF_LARGE


def _rows(summary: ExplainerSummary) -> list[int]:
    """Return pictures of the file, evenly spaced."""
    count = len(summary.samples.ids) if summary.samples else 0
    return [int(row) for row in np.linspace(0, count - 1, min(count, _seeds(summary))).round()]


def _map(
    host: ModelHost, budget: StepBudget, *, asked: _Asked, seeds: int, rows: list[int], known: MapPictures | None
) -> Generator[Event, None, tuple[MapPictures, MapAxes | None, str]]:
    """Return the pictures and the axes, or why there are none; what is known so far is `Kept`."""
    from latent_explorer.common.errors import UserError
    from latent_explorer.explain.report.sample_map import map_axes, map_pictures

    first: list[MapAxes | None] = []

    def with_axes(pictures: MapPictures, kind: Kind) -> tuple[MapPictures, MapAxes | None, str]:
        try:
            return pictures, map_axes(host.explainer, pictures, kind, asked.target), ""
        except UserError as error:
            return pictures, None, str(error)

    def interim(event: Event) -> Event:
        if not isinstance(event, Kept):
            return event
        if not first:  # the direction of the margin needs all verdicts
            first.append(with_axes(event.value, "components")[1])
        return Kept((event.value, first[0], ""))

    if known is None:
        _model, classifier_id, psi, cutoff = asked.of_pictures
        settings: dict[str, Any] = {"psi": psi, "cutoff": cutoff, "classifier_id": classifier_id or None}
        job = map_pictures(host.explainer, seeds, rows, device=host.device, budget=budget, **settings)
        known = yield from forward_events(job, interim)
    return with_axes(known, asked.kind)
