# SPDX-License-Identifier: MIT
"""Mistakes on a labelled folder, for the window: its confusion matrix, the photographs of a cell, what turns them.

Each is a job; a newer question replaces the one before. `on_change` is called when something more is known.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from latent_explorer import __version__
from latent_explorer.app.engine.events import JobEnded, JobEvent
from latent_explorer.app.exploration.document import attribute_key, shown_attributes
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import MainPicture, Message, ModelOpened
from latent_explorer.app.overview.labelled_folder import (
    LEFT_OUT,
    MOST_GROUPS,
    FolderQuestion,
    first_question,
    with_label,
)
from latent_explorer.app.overview.mistakes_jobs import (
    LOOKING,
    Asked,
    CellKey,
    CellPhoto,
    count_mistakes,
    explain_photos_of,
    inspect_folder,
)
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Kept, Progress
from latent_explorer.common.format import shortened
from latent_explorer.data.threads import run_in_thread
from latent_explorer.explain.counterfactuals.mistakes_text import cell_sentence, no_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.data.summary import DataSummary
    from latent_explorer.explain.counterfactuals.confusion import Confusion, JudgedPhotos
    from latent_explorer.explain.counterfactuals.mistakes import CellExplanation
    from latent_explorer.models.attributes import Attribute

STOPPED = "Counting was stopped, so there is no matrix yet."
COUNTING, EXPLAINING, WRITING = "Counting mistakes", "Explaining a cell", "Writing"
MOST_ATTRIBUTES = 20  # tried on each photograph
NO_LABELS = (
    "{name} has no labels, so nothing in it can be a mistake. Sort the pictures into one folder per class, or put a "
    "labels.csv beside them that names the file and the class of each."
)


class MistakesController:
    """What the page shows. Methods are called on the window's thread."""

    def __init__(self, explorer: Explorer, on_change: Callable[[], None]) -> None:
        self._explorer, self._on_change = explorer, on_change
        self._jobs: dict[str, int] = {}  # by kind, those of the newest question
        self._asked: Asked | None = None  # of the matrix, or of the job that counts it
        self._explained: dict[CellKey, CellExplanation] = {}
        self._tried: dict[CellKey, tuple[str, ...]] = {}  # what they were explained with
        self._waiting = False  # for a model that is being opened
        self.path: Path | None = None
        self.data: DataSummary | None = None  # what the folder holds
        self.question: FolderQuestion | None = None
        self.judged: JudgedPhotos | None = None
        self.matrix: Confusion | None = None  # also by the column
        self.columns: tuple[str, ...] = ()  # that can be counted by
        self.by: str | None = None  # column that is counted by
        self.cell: CellKey | None = None
        self.photos: tuple[CellPhoto, ...] = ()
        self.problem = ""  # why there is no matrix, as a sentence
        self.stopped = False  # by the person
        self.cell_problem = ""  # why there is no explanation
        self.progress: dict[str, Progress] = {}  # by kind of job
        updates = explorer.updates
        updates.on(ModelOpened, lambda _update: self._forget())
        updates.on(MainPicture, lambda _update: self._model_ready())
        updates.on(JobEvent, self._take_event)
        updates.on(JobEnded, self._end)

    # What is shown -------------------------------------------------------------------------------

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of the selected classifier; empty without one."""
        state, summary = self._explorer.state, self._explorer.summary
        classifier = classifier_of(state, summary) if state and summary else None
        return classifier.class_names if classifier else ()

    @property
    def explanation(self) -> CellExplanation | None:
        """What turns the photographs of the cell, once it is known."""
        return self._explained.get(self.cell) if self.cell is not None else None

    def running(self, kind: str) -> bool:
        """Return True while a job of a kind runs or waits."""
        return kind in self._jobs

    def count_of(self, cell: CellKey) -> int:
        """Return how many photographs a cell holds."""
        return 0 if self.matrix is None else self.matrix.rate(cell.label, cell.verdict, cell.group).count

    # What the person does ------------------------------------------------------------------------

    def open(self, path: Path) -> None:
        """Look at a folder or a zip, and count with the labels that fit the classifier best."""
        self._drop(LOOKING, COUNTING)
        self.path, self.data, self.question = path, None, None
        self._clear()
        name = f"{LOOKING}: {shortened(path.name, 40)}"
        self._start(LOOKING, self._explorer.start_job(name, lambda _budget: inspect_folder(path), self._inspected))

    def count(self) -> None:
        """Ask the classifier about the folder."""
        self._drop(COUNTING)
        self._clear()
        asked, state = self._now(), self._explorer.state
        if asked is None or state is None:
            return
        self._asked = asked
        try:
            selection = asked.question.selection
        except UserError as error:
            self.problem = str(error)
            self._on_change()
            return
        job = partial(count_mistakes, asked=asked, selection=selection)
        number = self._explorer.start_model_job(COUNTING, job, partial(self._counted, asked))
        self._waiting = number is None
        self._start(COUNTING, number)

    def ask(self, question: FolderQuestion) -> None:
        """Count with other choices."""
        if question != self.question:
            self.question = question
            self.count()

    def ask_label(self, label: str) -> None:
        """Take the labels from another column."""
        summary = self._explorer.summary
        if self.question is not None and self.data is not None and summary is not None:
            self.ask(with_label(self.question, label, self.data, summary, self.class_names))

    def count_by(self, column: str | None) -> None:
        """Count also by the values of a column."""
        if column != self.by:
            self.by = column
            self.matrix = None if self.judged is None else self.judged.confusion(column)
            if self.cell is not None and self.cell.group is not None:
                self._leave_cell()
            self._on_change()

    def choose(self, cell: CellKey) -> None:
        """Show the photographs of a cell, and explain them if they are mistakes. The newest cell wins."""
        tried = tuple(attribute_key(each) for each in self._attributes(cell.label))
        if self._tried.get(cell) != tried:  # others are listed by now
            self._explained.pop(cell, None)
            self._tried[cell] = tried
        elif cell == self.cell and (self.running(EXPLAINING) or self.explanation is not None):
            return
        self._leave_cell()
        self.cell = cell
        self._explain()

    def stop(self, kind: str) -> None:
        """Stop a job; what is shown stays."""
        if kind in self._jobs:
            self._explorer.cancel(self._jobs[kind])

    def refresh(self) -> None:
        """Count again if the classifier, or its classes, are others than those that were asked."""
        if self.data is None or self.question is None or self._asked == self._now():
            return
        if set(self.question.classes.values()) <= {*self.class_names, LEFT_OUT}:
            self.count()
        else:
            self._ask_first()

    def sentence(self) -> str:
        """Return what turns the photographs of the cell, to be copied; "" while it is not known."""
        found = self.explanation
        return cell_sentence(found, self.judged.class_names) if found and self.judged else ""

    def export(self, folder: Path) -> None:
        """Write the matrix, and the cell in view with the other explained ones, into a folder."""
        summary, state, judged = self._explorer.summary, self._explorer.state, self.judged
        classifier = classifier_of(state, summary) if state and summary else None
        if summary is None or judged is None or classifier is None:
            return
        explained = tuple(found for key, found in self._explained.items() if key.by in (None, self.by))
        names, by = (summary.name, classifier.name), self.by

        def write() -> list[Path]:
            from latent_explorer.explain.counterfactuals.mistakes_files import Mistakes, write_mistakes

            return write_mistakes(folder, Mistakes(*names, __version__, judged, by, explained))

        def job(_budget: StepBudget) -> Generator[Event, None, list[Path]]:
            return run_in_thread(write, f"Writing into {folder.name}")

        name = f"{WRITING} into {shortened(folder.name)}"
        self._start(WRITING, self._explorer.start_job(name, job, partial(self._saved, folder)))

    # Inside --------------------------------------------------------------------------------------

    def _start(self, kind: str, job: int | None) -> None:
        if job is not None:
            self._jobs[kind] = job
        self._on_change()

    def _inspected(self, found: tuple[Path, DataSummary | None, str]) -> None:
        path, data, problem = found
        if path != self.path:
            return
        self.data, self.problem = data, problem
        if data is not None:
            self._ask_first()
        self._on_change()

    def _ask_first(self) -> None:
        """Begin with the choices that fit the folder and the classifier best."""
        summary = self._explorer.summary
        if summary is None or self.data is None or self.path is None:
            return
        self.question = first_question(self.path, self.data, summary, self.class_names)
        if self.question is None:
            self._clear()
            self.problem = NO_LABELS.format(name=shortened(self.path.name))
        else:
            self.count()

    def _counted(self, asked: Asked, found: JudgedPhotos | str) -> None:
        if asked != self._asked:
            return
        if isinstance(found, str):
            self.problem = found
        else:
            self.judged, self.columns = found, _columns(found)
            if self.by not in self.columns:
                self.by = None
            self.matrix = found.confusion(self.by)
        self._on_change()

    def _explain(self) -> None:
        cell, judged, asked = self.cell, self.judged, self._asked
        if cell is None or judged is None or asked is None:
            return
        attributes = self._attributes(cell.label)
        wanted = cell.label != cell.verdict and self.count_of(cell) > 0 and self.explanation is None
        if wanted and not attributes:
            name = self._explorer.summary.name if self._explorer.summary else ""
            self.cell_problem = no_attributes(name, judged.class_names[cell.label])
        job = partial(
            explain_photos_of,
            judged=judged,
            cell=cell,
            attributes=attributes if wanted else (),
            key=asked.classifier_id,
        )
        title = f"{EXPLAINING}: {_words(cell, judged.class_names)}"
        number = self._explorer.start_model_job(title, job, partial(self._take_explanation, asked, cell))
        self._start(EXPLAINING, number)

    def _attributes(self, label: int) -> tuple[Attribute, ...]:
        """Return the attributes towards a class, with the user's names, in their order."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return ()
        towards = msgspec.structs.replace(state, target_class=label, edits=())
        listed = shown_attributes(self._explorer.document, summary, towards)
        return tuple(each for each in listed if each.target == label)[:MOST_ATTRIBUTES]

    def _take_explanation(self, asked: Asked, cell: CellKey, found: CellExplanation | str | None) -> None:
        if asked != self._asked:
            return
        if isinstance(found, str):
            if cell == self.cell:
                self.cell_problem = found
        elif found is not None:
            self._explained[cell] = found
        self._on_change()

    def _take_event(self, update: JobEvent) -> None:
        kind = next((kind for kind, job in self._jobs.items() if job == update.job), None)
        if kind is None:
            return
        if isinstance(update.event, Progress):
            self.progress[kind] = update.event
        elif isinstance(update.event, Kept) and kind == EXPLAINING:
            self.photos = update.event.value
        else:
            return
        self._on_change()

    def _end(self, update: JobEnded) -> None:
        kind = next((kind for kind, job in self._jobs.items() if job == update.job), None)
        if kind is None:
            return
        del self._jobs[kind]
        self.progress.pop(kind, None)
        if update.outcome == "cancelled":
            if kind == COUNTING:
                self.problem, self.stopped = STOPPED, True
            elif kind == EXPLAINING:
                self.cell_problem = "The explanation was stopped. Click the cell to begin again."
        self._on_change()

    def _saved(self, folder: Path, files: Sequence[Path]) -> None:
        page = next(path for path in files if path.suffix == ".html")
        text = f"Saved {len(files)} files in {shortened(folder.name)}: figures, table, sheets and a report."
        self._explorer.updates.emit(Message(text, file=page))

    def _now(self) -> Asked | None:
        state = self._explorer.state
        if state is None or self.question is None or not self.class_names:
            return None
        return Asked(self.question, state.model_hash, state.classifier_id)

    def _clear(self) -> None:
        """Forget what was counted."""
        self.judged, self.matrix, self.columns = None, None, ()
        self._asked, self._waiting, self.problem = None, False, ""
        self.stopped = False
        self._explained.clear()
        self._tried.clear()
        self._leave_cell()

    def _leave_cell(self) -> None:
        self._drop(EXPLAINING)
        self.cell, self.photos, self.cell_problem = None, (), ""

    def _drop(self, *kinds: str) -> None:
        """Stop jobs whose results nobody waits for any more."""
        for kind in kinds:
            self.stop(kind)
            self._jobs.pop(kind, None)
            self.progress.pop(kind, None)

    def _model_ready(self) -> None:
        if self._waiting:
            self.count()

    def _forget(self) -> None:
        """Forget what another model was asked; its jobs have been cancelled."""
        looking = self._jobs.get(LOOKING)
        self._jobs = {} if looking is None else {LOOKING: looking}
        self.progress.clear()
        self._clear()
        self.question = None
        if self.data is not None:
            self._ask_first()
        self._on_change()


def _columns(judged: JudgedPhotos) -> tuple[str, ...]:
    """Return the columns that photographs can be counted by."""
    table = ((key, {cells[row] for row in judged.rows}) for key, cells in judged.data.columns.items())
    return tuple(key for key, values in table if key != "file" and 1 < len(values) <= MOST_GROUPS)


def _words(cell: CellKey, names: Sequence[str]) -> str:
    return f"{shortened(names[cell.label], 30)} called {shortened(names[cell.verdict], 30)}"
