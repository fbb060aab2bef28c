# SPDX-License-Identifier: MIT
"""Photographs that are to be explained: each is refined once, then asked again whenever the question changes.

Call the methods on the window's thread; changes are announced by `PhotographsChanged`. One job runs at a time, the
photograph in view first. No method raises for user input or for the contents of a file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from latent_explorer.app.engine.events import JobEnded, JobEvent
from latent_explorer.app.exploration.document import shown_attributes
from latent_explorer.app.exploration.updates import (
    DocumentChanged,
    Message,
    ModelOpened,
    PhotographsChanged,
    StateChanged,
    report_errors,
)
from latent_explorer.app.photograph.search import PhotoQuestion, WarmSearch, refine
from latent_explorer.app.projection.photos import (
    MAX_PHOTOS,
    Photo,
    PhotoReader,
    ReadingDone,
    UnreadablePhoto,
)
from latent_explorer.common.events import Kept, Metric, Progress
from latent_explorer.common.format import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.data.crop import Crop
    from latent_explorer.explain.counterfactuals.photo import Change, PhotoExplanation
    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.summary import ClassifierSummary

    Refine = Callable[[ModelHost, StepBudget, Photo, str], Generator[Event, None, list[ProjectedPicture]]]
    Explain = Callable[[ModelHost, ProjectedPicture, PhotoQuestion], Generator[Event, None, PhotoExplanation]]

Stage = Literal["refine", "explain"]


class Case:
    """A photograph and what is known of it."""

    def __init__(self, photo: Photo) -> None:
        self.photo = photo
        self.only: np.ndarray | None = None  # (R, R), 0 to 1, painted: where a change is allowed
        self.best: ProjectedPicture | None = None  # the copy so far
        self.refined_for = ""  # classifier_id, once `best` is the refined copy
        self.explanation: PhotoExplanation | None = None  # so far, while its question is asked
        self.answered: PhotoQuestion | None = None  # the question of a complete explanation
        self.chosen = 0  # place of the change that is looked at
        self.problem = ""  # why it ended without an answer
        self.stopped = False  # by the person, or by a failure: not begun again by itself

    @property
    def change(self) -> Change | None:
        """The change that is looked at; None where there is none."""
        changes = self.explanation.changes if self.explanation is not None else ()
        return changes[min(self.chosen, len(changes) - 1)] if changes else None

    @property
    def looked_at(self) -> PhotoExplanation | None:
        """The explanation with the change that is looked at first."""
        if self.explanation is None or self.change is None:
            return self.explanation
        others = tuple(each for each in self.explanation.changes if each is not self.change)
        return replace(self.explanation, changes=(self.change, *others))


@dataclass
class Run:
    """The running job."""

    job: int
    case: Case
    stage: Stage
    question: PhotoQuestion
    progress: Progress | None = None
    lpips: float | None = None  # of the copy so far
    given_up: bool = False  # cancelled here, as something else is asked now


class PhotographController:
    """Photographs, the question that is asked about them, and the answers."""

    def __init__(
        self,
        explorer: Explorer,
        post: Callable[[Callable[[], None]], None],
        *,
        refine: Refine = refine,
        explain: Explain | None = None,
    ) -> None:
        self.cases: tuple[Case, ...] = ()
        self.current = 0
        self.target: int | None = None  # class to turn to; None: the runner-up of each photograph
        self.active = False  # nothing runs otherwise
        self.run: Run | None = None
        self._classifier_id = ""  # chosen here; empty: as in the main window
        self._explorer, self._post = explorer, post
        self._refine, self._given_explain = refine, explain
        self._explain: Explain = explain or WarmSearch().explain
        self._reader = PhotoReader(post, self._take_read)
        self._look_at_next = self._closed = False
        updates = explorer.updates
        updates.on(ModelOpened, lambda _update: self._model_opened())
        updates.on(DocumentChanged, lambda _update: self._document_changed())
        updates.on(StateChanged, self._state_changed)
        updates.on(JobEvent, self._job_event)
        updates.on(JobEnded, self._job_ended)

    # What is asked -------------------------------------------------------------------------------

    @property
    def case(self) -> Case | None:
        """The photograph in view; None without photographs."""
        return self.cases[self.current] if self.cases else None

    @property
    def classifiers(self) -> tuple[ClassifierSummary, ...]:
        summary = self._explorer.summary
        return summary.classifiers if summary else ()

    @property
    def classifier(self) -> ClassifierSummary | None:
        """The classifier that is asked: the one chosen here, or else that of the main window."""
        known = {each.classifier_id: each for each in self.classifiers}
        state = self._explorer.state
        return known.get(self._classifier_id) or (known.get(state.classifier_id) if state else None)

    def attributes(self) -> tuple[Attribute, ...]:
        """Return what the panel of attributes lists for this classifier, of every class, with the person's names."""
        summary, state, classifier = self._explorer.summary, self._explorer.state, self.classifier
        if summary is None or state is None or classifier is None:
            return ()
        document, key = self._explorer.document, classifier.classifier_id
        found: list[Attribute] = []
        for target in range(len(classifier.class_names)):
            asked = msgspec.structs.replace(state, classifier_id=key, target_class=target)
            found += [a for a in shown_attributes(document, summary, asked) if a.target == target]
        return tuple(found)

    def question(self, case: Case) -> PhotoQuestion | None:
        """Return what is to be asked about a photograph; None where there is no classifier."""
        classifier = self.classifier
        if classifier is None:
            return None
        return PhotoQuestion(classifier.classifier_id, self.attributes(), self.target, case.only)

    def is_known(self, case: Case) -> bool:
        """Return True if the explanation of a photograph answers what is asked now."""
        question = self.question(case)
        return case.explanation is not None and question is not None and question.same_as(case.answered)

    # Photographs ---------------------------------------------------------------------------------

    def open_photos(self, paths: Sequence[Path]) -> None:
        """Read pictures, and folders of pictures, and explain them. Unreadable ones are reported one by one."""
        self._look_at_next = True
        self._reader.read(paths, MAX_PHOTOS - len(self.cases))

    def add(self, *photos: Photo) -> None:
        """Explain photographs; one that is there already, in the same frame, is only shown."""
        self._add(photos, look=True)

    def _add(self, photos: Sequence[Photo], *, look: bool) -> None:
        """Explain photographs, and look at the first of them if asked."""
        for photo in photos:
            there = next((i for i, each in enumerate(self.cases) if _same(each.photo, photo)), None)
            if there is None and len(self.cases) < MAX_PHOTOS:
                self.cases = (*self.cases, Case(photo))
                there = len(self.cases) - 1
            if there is None:
                self._warn(f"At most {MAX_PHOTOS} photographs can be explained at a time. Remove some first.")
                break
            if look:
                self.current, look = there, False
        self._go_on()

    def select(self, index: int) -> None:
        """Show another photograph."""
        self.current = min(max(index, 0), max(0, len(self.cases) - 1))
        self._go_on()

    def remove(self, index: int) -> None:
        """Remove a photograph, and stop what runs for it."""
        if self.run is not None and self.run.case is self.cases[index]:
            self._give_up()
        self.cases = self.cases[:index] + self.cases[index + 1 :]
        self.select(self.current - (index < self.current))

    def set_crop(self, crop: Crop) -> None:
        """Explain another square of the photograph in view."""
        if self.case is not None and crop != self.case.photo.crop:
            self._replace(Case(replace(self.case.photo, crop=crop)))

    def set_target(self, target: int | None) -> None:
        """Choose the class to turn to; None: the runner-up of each photograph."""
        if target != self.target:
            self.target = target
            self._ask_again()

    def set_classifier(self, classifier_id: str) -> None:
        """Choose the classifier that is asked. Copies are refined again: its word takes part in that."""
        if self.classifier is not None and classifier_id != self.classifier.classifier_id:
            self._classifier_id, self.target = classifier_id, None
            self._ask_again()

    def paint(self, only: np.ndarray) -> None:
        """Allow a change of the photograph in view only where a region (R, R), 0 to 1, was painted; else everywhere."""
        if self.case is not None:
            self.case.only = only.astype(np.float32) if only.any() else None
            self._ask_again()

    def stop(self) -> None:
        """Stop what runs, and begin nothing by itself until `go_on`."""
        for case in self.cases:
            case.stopped = True
        if self.run is not None:
            self._explorer.cancel(self.run.job)

    def go_on(self) -> None:
        """Ask about every photograph that has no answer."""
        for case in self.cases:
            case.stopped, case.problem = False, ""
        self._go_on()

    def set_active(self, on: bool) -> None:
        """Work while the window is open; when it closes, cancel what runs."""
        self.active = on
        if not on:
            self._give_up()
        self._go_on()

    def close(self) -> None:
        """End reading; to be called when the application closes."""
        self._closed = True
        self._reader.close()

    def save(self, path: Path) -> None:
        """Write what is known: a sheet of the pictures, or its figures where the name ends in .json."""
        from latent_explorer.explain.counterfactuals.photo_files import write_explanations

        found = [each.looked_at for each in self.cases if each.looked_at is not None]
        classifier = self.classifier
        if found and classifier is not None:
            with report_errors(self._explorer.updates.emit, f"Writing {shortened(path.name)}"):
                write_explanations(path, found, classifier.class_names)
                self._explorer.updates.emit(Message(f"Saved {shortened(path.name)}.", file=path))

    def _changed(self) -> None:
        self._explorer.updates.emit(PhotographsChanged())

    # Inside --------------------------------------------------------------------------------------

    def _take_read(self, read: Photo | UnreadablePhoto | ReadingDone) -> None:
        if self._closed:
            return
        if isinstance(read, Photo):  # the first one read is looked at, and what the person chooses then stays
            look, self._look_at_next = self._look_at_next, False
            self._add([read], look=look)
        elif isinstance(read, UnreadablePhoto):
            self._warn(read.sentence)
        elif read.found == 0:
            self._warn("There is no picture in that folder. Choose another one, or a picture.")
        elif read.left_out:
            self._warn(
                f"At most {MAX_PHOTOS} photographs can be explained at a time; {read.left_out} were left out. "
                "Remove some, or use `latent-explorer explain-photo` for many."
            )

    def _warn(self, sentence: str) -> None:
        self._explorer.updates.emit(Message(sentence, "warning"))

    def _replace(self, case: Case) -> None:
        """Put another case in the place of the one in view."""
        if self.run is not None and self.run.case is self.case:
            self._give_up()
        cases = list(self.cases)
        cases[self.current] = case
        self.cases = tuple(cases)
        self._go_on()

    def _ask_again(self) -> None:
        """Ask what has changed. A copy that is being refined is only given up where it is for another classifier."""
        classifier_id = self.classifier.classifier_id if self.classifier is not None else ""
        for case in self.cases:
            case.stopped, case.problem = False, ""
            if case.refined_for not in ("", classifier_id):  # an answer under another classifier's names would be wrong
                case.best, case.refined_for, case.explanation, case.answered = None, "", None, None
        run = self.run
        if run is not None and not run.given_up:
            asked = self.question(run.case)
            kept = asked is not None and asked.classifier_id == run.question.classifier_id
            if not (run.question.same_as(asked) or (kept and run.stage == "refine")):
                self._give_up()
        self._go_on()

    def _give_up(self) -> None:
        """Cancel what runs, as it is not asked any more."""
        if self.run is not None:
            self.run.given_up = True
            self._explorer.cancel(self.run.job)

    def _go_on(self) -> None:
        """Start the next job, if none runs."""
        if self.run is None and self.active and not self._closed:
            waiting = [each for each in (self.case, *self.cases) if each is not None]
            for case in waiting:
                if not case.stopped and not self.is_known(case) and self._start(case):
                    break
        self._changed()

    def _start(self, case: Case) -> bool:
        """Start the job that a photograph needs next; False where there is nothing to ask, or no model is ready."""
        question = self.question(case)
        if question is None or not question.attributes:
            return False
        if case.refined_for != question.classifier_id or case.best is None:
            case.best, case.refined_for, case.explanation, case.answered = None, "", None, None
            stage: Stage = "refine"
            job = partial(self._refining, case.photo, question.classifier_id)
        else:
            stage, job = "explain", partial(self._explaining, case.best, question)
        name = f"{'Refining' if stage == 'refine' else 'Explaining'} {shortened(case.photo.name)}"
        number = self._explorer.start_model_job(name, job, partial(self._take, case, question))
        if number is None:
            return False
        self.run = Run(number, case, stage, question)
        return True

    def _refining(self, photo: Photo, classifier_id: str, host: ModelHost, budget: StepBudget) -> Any:
        return self._refine(host, budget, photo, classifier_id)

    def _explaining(self, best: ProjectedPicture, question: PhotoQuestion, host: ModelHost, _budget: StepBudget) -> Any:
        return self._explain(host, best, question)

    def _take(self, case: Case, question: PhotoQuestion, value: Any) -> None:
        """Take what a finished job returned; the job that it belongs to has ended just before."""
        asked = self.question(case)
        if asked is None or asked.classifier_id != question.classifier_id:
            pass  # another classifier was chosen in the last moment
        elif isinstance(value, list):
            case.best, case.refined_for = value[0], question.classifier_id
        else:
            case.explanation, case.answered = self._named(value), question
        self._go_on()

    def _job_event(self, update: JobEvent) -> None:
        run, event = self.run, update.event
        if run is None or run.given_up or update.job != run.job:
            return
        if isinstance(event, Progress):
            run.progress = event
        elif isinstance(event, Metric):
            run.lpips = event.values.get("lpips", run.lpips)
        elif isinstance(event, Kept) and run.stage == "refine":
            run.case.best = event.value[0]
        elif isinstance(event, Kept):
            run.case.explanation, run.case.answered = self._named(event.value), None
        self._changed()

    def _job_ended(self, update: JobEnded) -> None:
        run = self.run
        if run is None:
            self._post(self._go_on)  # a job could not start before this call was done
            return
        if update.job != run.job:
            return
        self.run = None
        if update.outcome == "failed" and update.failure is not None:
            run.case.stopped, run.case.problem = True, update.failure.message
        if update.outcome == "finished":
            return  # `_take` goes on
        if not run.given_up:  # cancelled by the person
            run.case.stopped = True
        self._go_on()

    def _named(self, explanation: PhotoExplanation) -> PhotoExplanation:
        """Return an explanation with the names that the exploration has for its attributes."""
        name_of = self._explorer.document.name_of
        changes = tuple(
            replace(c, attributes=tuple(msgspec.structs.replace(a, name=name_of(a)) for a in c.attributes))
            for c in explanation.changes
        )
        return replace(explanation, changes=changes)

    def _document_changed(self) -> None:
        for case in self.cases:
            if case.explanation is not None:
                case.explanation = self._named(case.explanation)
        self._go_on()

    def _state_changed(self, update: StateChanged) -> None:
        """Ask another classifier where another is chosen in the main window, unless one was chosen here."""
        if update.old.classifier_id != update.new.classifier_id and not self._classifier_id:
            self.target = None
            self._ask_again()

    def _model_opened(self) -> None:
        """Keep the photographs, and begin again: the jobs of the model before were cancelled."""
        self.run, self.target, self._classifier_id = None, None, ""
        self._explain = self._given_explain or WarmSearch().explain
        self.cases = tuple(Case(each.photo) for each in self.cases)
        self._changed()  # the next job starts when the call that opened the model has ended


def _same(one: Photo, other: Photo) -> bool:
    return (one.name, one.crop) == (other.name, other.crop) and np.array_equal(one.image, other.image)
