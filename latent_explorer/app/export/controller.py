# SPDX-License-Identifier: MIT
"""The export controller: what can be exported, the choices made last, estimates and previews, and the jobs.

Call its methods on the window's thread; none raises for user input. The jobs are those of the command line.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.state import slider_amount
from latent_explorer.app.export.batch import BatchResult, export_all, pictures_of
from latent_explorer.app.export.estimate import Estimate, Estimator
from latent_explorer.app.export.job import animation
from latent_explorer.app.export.scene import ExportContext, Scene, flip_timeline, sweep_timeline, unedited_recipe
from latent_explorer.app.export.sheets import SheetPlan, sheet, sheet_of
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import size_text
from latent_explorer.common.jobs import forward_until
from latent_explorer.explain.recipe import ProjectedBase
from latent_explorer.media.sheet import draw

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    import numpy as np

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.export.job import Render
    from latent_explorer.app.settings import ExportChoices
    from latent_explorer.common.events import Event
    from latent_explorer.explain.recipe import Base, Slider
    from latent_explorer.media.animation.settings import AnimationSettings
    from latent_explorer.media.animation.writer import WrittenAnimation

ESTIMATE_JOB, PREVIEW_JOB = "Estimating the size", "Drawing the sheet"  # names of jobs started by dialogs


@dataclass(frozen=True)
class AnimationSource:
    """Something that can be animated: a timeline of the exploration, or the sweep of a slider."""

    name: str
    scene: Scene
    is_timeline: bool


class ExportController:
    """Exports of the explorer's exploration; its engine renders the frames."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._estimator = Estimator()
        self._stale = threading.Event()  # set once the last sheet's preview is cancelled

    @property
    def choices(self) -> ExportChoices:
        """The choices made last."""
        return self._explorer.settings.export

    def save_choices(self, **fields: Any) -> None:
        """Save choices, also for the next start."""
        self._explorer.change_settings(export=msgspec.structs.replace(self.choices, **fields))

    def sources(self) -> list[AnimationSource]:
        """Return what can be animated: timelines with keyframes, then sweeps of all sliders."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return []
        sources = [
            AnimationSource(timeline.name, Scene(timeline, state, summary), True)
            for timeline in state.timelines
            if timeline.keyframes
        ]
        for attribute in self._explorer.attributes():
            scene = Scene(sweep_timeline(state, summary, attribute), state, summary)
            sources.append(AnimationSource(f"Sweep: {attribute.name}", scene, False))
        for direction in self._explorer.directions():
            name = self._explorer.document.direction_name(direction)
            scene = Scene(sweep_timeline(state, summary, direction, name), state, summary)
            sources.append(AnimationSource(f"Sweep: {name}", scene, False))
        return sources

    def default_source(self, current: str = "") -> int:
        """Return the source to offer first: the timeline called `current`, else the sweep moved most."""
        state, sources = self._explorer.state, self.sources()
        for place, source in enumerate(sources):
            if source.is_timeline and source.name == current:
                return place
        if state is None:
            return 0
        sliders: list[Slider] = [*self._explorer.attributes(), *self._explorer.directions()]
        moved = [abs(slider_amount(state, slider)) for slider in sliders]
        timelines = sum(source.is_timeline for source in sources)
        if moved and (max(moved) > 0 or not timelines):
            return timelines + moved.index(max(moved))
        return 0

    @property
    def blocked_reason(self) -> str:
        """The reason why estimates and previews have to wait, as a sentence; empty if they do not."""
        others = [name for name in self._explorer.jobs.values() if name not in (ESTIMATE_JOB, PREVIEW_JOB)]
        return f"Waits for: {others[0]}" if others else ""

    @property
    def resolution(self) -> int:
        """Size of the open model's pictures, in px; 0 while none is open."""
        return self._explorer.summary.resolution if self._explorer.summary else 0

    @property
    def rows(self) -> int:
        """Rows of a latent of the open model, at least 1."""
        return self._explorer.summary.layout.num_ws if self._explorer.summary else 1

    @property
    def samples_are(self) -> str:
        """What the samples of the open model are: "encoded pictures" or "generated pictures"."""
        return self._explorer.summary.samples_are if self._explorer.summary else ""

    def bases(self, kind: str, count: int) -> list[Base]:
        """Return at most `count` latents of a kind: "shown", "samples", "seeds", "favourites" or "projected"."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return []
        document = self._explorer.document
        by_kind: dict[str, Sequence[Base]] = {
            "shown": [state.base],
            "samples": pictures_of(summary, count) if summary.samples else [],
            "seeds": pictures_of(summary, count, seeds=True),
            "favourites": document.favourites,
            "projected": [ProjectedBase(latent_id) for latent_id in document.projected],
        }
        return list(by_kind[kind][:count])

    def flip_scene(self, base: Base) -> Scene | None:
        """Return the first animation of `export_all` on this picture, for a preview; None without attributes."""
        context = self.context(1)
        if context is None or not context.attributes:
            return None
        timeline = flip_timeline(unedited_recipe(context, base), context.attributes[0], 1.0)
        return Scene(timeline, context.state, context.summary)

    def export(self, path: Path, scene: Scene, settings: AnimationSettings) -> int | None:
        """Start writing an animation. Returns the job; None while no model is ready."""
        return self._explorer.start_model_job(
            f"Writing {path.name}",
            lambda host, _budget: animation(path, scene, settings, host.render),
            self._saved,
            model_hash=scene.state.model_hash,
        )

    def export_all(
        self,
        folder: Path,
        top: int,
        bases: Sequence[Base],
        settings: AnimationSettings,
        suffix: str = ".gif",
        *,
        model_hash: str = "",
    ) -> int | None:
        """Start writing an animation of each of the first `top` attributes on each picture. Returns the job.

        `model_hash` is the model that they were chosen on, by default the open one.
        """
        context = self.context(top)
        if context is None:
            return None
        return self._explorer.start_model_job(
            f"Writing into {folder.name}",
            lambda host, _budget: export_all(folder, context, bases, settings, host.render, suffix),
            self._saved_all,
            model_hash=model_hash,
        )

    def export_sheet(self, path: Path, plan: SheetPlan, *, model_hash: str = "") -> int | None:
        """Start writing a sheet, planned on the model `model_hash`, by default the open one. Returns the job."""
        context = self.context()
        if context is None:
            return None
        return self._explorer.start_model_job(
            f"Writing {path.name}",
            lambda host, _budget: sheet(path, plan, context, host.render),
            lambda written: self._explorer.updates.emit(updates.Message(f"Saved {written.name}.", file=written)),
            model_hash=model_hash,
        )

    def context(self, top: int | None = None) -> ExportContext | None:
        """Return what exports need of the current state, with the first `top` attributes of the list (None: all)."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return None
        latents = self._explorer.latents
        photos = {p.latent_id: p.target for p in latents.all()}
        attributes = self._explorer.attributes()[:top]
        return ExportContext(state, summary, attributes, photos, latents.noise_of)

    def estimate(
        self, scene: Scene, settings: AnimationSettings, suffix: str, on_result: Callable[[Estimate], None]
    ) -> None:
        """Estimate the size of the file and how it will look. Drops an estimate still at work."""
        estimate_request = self._estimator.estimate_request(scene, settings, suffix)
        self._explorer.start_model_job(
            ESTIMATE_JOB,
            lambda host, _budget: self._estimator.job(estimate_request, host.render),
            lambda found: None if found is None else on_result(found),
            model_hash=scene.state.model_hash,
        )

    def cancel_estimate(self) -> None:
        """Drop the estimate at work; its callback is not called."""
        self._estimator.cancel()

    def preview_sheet(self, plan: SheetPlan, on_result: Callable[[np.ndarray | None, str], None]) -> None:
        """Draw a sheet, (H, W, 3) uint8, or give the reason why it cannot be drawn. Drops a preview still at work."""
        context = self.context()
        if context is None:
            return
        self.cancel_preview()
        stale = self._stale = threading.Event()
        self._explorer.start_model_job(
            PREVIEW_JOB,
            lambda host, _budget: _drawn(plan, context, host.render, stale),
            lambda found: None if stale.is_set() else on_result(*found),
        )

    def cancel_preview(self) -> None:
        """Drop the preview at work; its callback is not called."""
        self._stale.set()

    def _saved(self, written: WrittenAnimation) -> None:
        beside = f" and {written.table.name}" if written.table not in (None, written.path) else ""
        text = f"Saved {written.path.name}{beside} ({size_text(written.bytes)})."
        self._explorer.updates.emit(updates.Message(text, file=written.path))

    def _saved_all(self, written: BatchResult) -> None:
        count = len(written.items)
        text = f"Saved {count} animation{'s' * (count != 1)} and their manifest in {written.folder.name}."
        self._explorer.updates.emit(updates.Message(text, file=written.manifest))


def _drawn(
    plan: SheetPlan, context: ExportContext, render: Render, stale: threading.Event
) -> Generator[Event, None, tuple[np.ndarray | None, str]]:
    try:
        sheet = yield from forward_until(sheet_of(plan, context, render), stale.is_set)
    except UserError as error:
        return None, str(error)
    return None if sheet is None else draw(sheet), ""
