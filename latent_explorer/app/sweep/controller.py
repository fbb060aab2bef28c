# SPDX-License-Identifier: MIT
"""Controller of class sweeps in the window: what can move the pictures, the sweep that is shown, and its export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from latent_explorer.app.directions import find_directions
from latent_explorer.app.engine.events import JobEnded, JobEvent
from latent_explorer.app.exploration.document import shown_directions
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import MainPicture, Message, ModelOpened
from latent_explorer.app.export.scene import ExportContext
from latent_explorer.app.sweep.export import SweepFiles, export_sweeps
from latent_explorer.app.sweep.job import SweepPictures, sweep_pictures
from latent_explorer.app.sweep.plan import USUAL, attributes_sweep, direction_sweep, sweep_bases, target_of
from latent_explorer.common.events import Kept, Progress
from latent_explorer.explain.direction_search.settings import Method, SearchSettings
from latent_explorer.explain.directions.direction import MAX_TYPICAL, Direction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.sweep.plan import ClassSweep

JOB = "Class sweep"
SEARCH: Method = "guided"
ATTRIBUTES = "Its attributes together"


@dataclass(frozen=True)
class SweepSource:
    """What can move the pictures: a direction, or the attributes of the class (None); `leads` to the class by name."""

    name: str
    direction: Direction | None
    leads: bool

    @property
    def guided(self) -> bool:
        """True for a direction that the classifier guided to the class."""
        return self.leads and self.direction is not None and self.direction.name.startswith(SEARCH)


class SweepController:
    """Renders one class sweep at a time. `on_change` is called when more of it is known, or it ended."""

    def __init__(self, explorer: Explorer, on_change: Callable[[], None]) -> None:
        self._explorer = explorer
        self._on_change = on_change
        self._asked: tuple[object, ...] | None = None
        self._job: int | None = None
        self._waiting: ClassSweep | None = None  # for the model, which is still being opened
        self._search: int | None = None
        self.found: SweepPictures | None = None  # what is known of the sweep that was chosen last
        self.progress: Progress | None = None  # of its rendering; None while nothing is rendered
        explorer.updates.on(ModelOpened, lambda _update: self._forget())
        explorer.updates.on(MainPicture, lambda _update: self._model_ready())
        explorer.updates.on(JobEvent, self._take_event)
        explorer.updates.on(JobEnded, self._end)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of the selected classifier; empty without one."""
        state, summary = self._explorer.state, self._explorer.summary
        classifier = classifier_of(state, summary) if state and summary else None
        return classifier.class_names if classifier else ()

    @property
    def searching(self) -> bool:
        """True while a direction is being searched for from here."""
        return self._search is not None

    def sources(self, target: int) -> list[SweepSource]:
        """Return what can move pictures towards a class: guided directions first, the directions of others last."""
        state, summary, names = self._explorer.state, self._explorer.summary, self.class_names
        if state is None or summary is None or not names:
            return []
        document = self._explorer.document
        directions = [
            SweepSource(document.direction_name(each), each, target_of(each, names) == target)
            for each in shown_directions(document, state)
        ]
        first = sorted((each for each in directions if each.leads), key=lambda each: not each.guided)
        together = []
        if attributes_sweep(target, document, summary, state, ()) is not None:
            together.append(SweepSource(ATTRIBUTES, None, True))
        return [*first, *together, *(each for each in directions if not each.leads)]

    def sweep(
        self, target: int, source: SweepSource, count: int = USUAL, length: float = MAX_TYPICAL
    ) -> ClassSweep | None:
        """Return the sweep of a source; None where the class has lost its attributes, or no model is open."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return None
        bases = sweep_bases(summary, state.classifier_id, target, count)
        if source.direction is None:
            return attributes_sweep(target, self._explorer.document, summary, state, bases)
        return direction_sweep(target, source.direction, bases, length, source.name)

    def show(self, sweep: ClassSweep | None) -> None:
        """Render a sweep, unless it is the one that is shown or under way; None stops."""
        context = self._context()
        if sweep is None or context is None:
            self.stop()
            return
        state = context.state
        truncation = state.truncation_psi, state.truncation_cutoff, state.truncate_encoded
        asked = (state.model_hash, sweep, state.classifier_id, state.noise, *truncation)
        if asked == self._asked and (self._job is not None or self._complete):
            return
        self.stop()
        self._asked, self.found = asked, None
        self._job = self._explorer.start_model_job(
            JOB, lambda host, _budget: sweep_pictures(sweep, context, host), lambda _found: None
        )
        self._waiting = sweep if self._job is None else None
        self._on_change()

    def stop(self) -> None:
        """Stop rendering; what is known stays."""
        self._waiting = None
        if self._job is not None:
            self._explorer.cancel(self._job)
            self._job, self._asked, self.progress = None, None, None

    def find(self, target: int) -> None:
        """Search for the direction that the classifier guides to a class; it becomes a slider, too."""
        if not self.searching:
            self._search = find_directions(self._explorer, SearchSettings(SEARCH, target=target))
            self._on_change()

    def export(self, folder: Path, sweeps: list[ClassSweep], suffix: str = ".gif", size: int = 0) -> int | None:
        """Start writing sweeps into a folder. Returns the job; None while no model is ready."""
        context = self._context()
        if context is None:
            return None
        return self._explorer.start_model_job(
            f"Writing into {folder.name}",
            lambda host, _budget: export_sweeps(folder, sweeps, context, host, suffix=suffix, size=size),
            self._saved,
            model_hash=context.summary.model_hash,
        )

    @property
    def _complete(self) -> bool:
        return self.found is not None and bool(self.found.control_curve()[0])

    def _context(self) -> ExportContext | None:
        state, summary = self._explorer.state, self._explorer.summary
        return None if state is None or summary is None else ExportContext(state, summary)

    def _take_event(self, update: JobEvent) -> None:
        if update.job != self._job:
            return
        if isinstance(update.event, Kept):
            self.found = update.event.value
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
        elif update.job == self._search:
            self._search = None
        else:
            return
        self._on_change()

    def _saved(self, written: SweepFiles) -> None:
        count = len(written.items)
        text = f"Saved {count} sweep{'s' * (count != 1)} and their table in {written.folder.name}."
        self._explorer.updates.emit(Message(text, file=written.together or written.folder / written.items[0].file))

    def _model_ready(self) -> None:
        if self._waiting is not None:
            self.show(self._waiting)

    def _forget(self) -> None:
        """Forget what is of another model than the open one; its jobs have been cancelled."""
        state = self._explorer.state
        if state is None or self._asked is None or self._asked[0] != state.model_hash:
            self._asked = self._job = self._search = self.found = self.progress = None
            self._on_change()
