# SPDX-License-Identifier: MIT
"""Evidence for the listed attributes in a folder of real pictures, for the window: measured on demand, as a job."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from latent_explorer.app.engine.events import JobEnded, JobEvent
from latent_explorer.app.exploration.document import attribute_key, listed_set, shown_attributes
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import EvidenceFound, Message, ModelOpened, report_errors
from latent_explorer.app.overview.labelled_folder import MOST_CLASSES, first_question
from latent_explorer.common.events import Progress
from latent_explorer.common.format import shortened
from latent_explorer.data.dataset import evenly_spaced_rows, open_dataset
from latent_explorer.data.summary import summarise_data
from latent_explorer.data.threads import run_in_thread
from latent_explorer.media.report.evidence import Evidence
from latent_explorer.media.report.evidence_page import write_evidence_page, write_evidence_table
from latent_explorer.models.attributes import Attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.exploration.updates import AttributeId
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.media.report.evidence import AttributeEvidence
    from latent_explorer.models.summary import ExplainerSummary

NAME = "Looking at real pictures"  # of the job
MOST = 40  # attributes towards each class


@dataclass(frozen=True)
class Question:
    """What is asked of which real pictures."""

    folder: Path
    split: str  # "train", "val", "test" or "all"
    n: int  # pictures at most
    classifier_id: str
    attributes: tuple[Attribute, ...]
    pair: tuple[int, int] | None


@dataclass(frozen=True)
class Answer:
    """Evidence, and how the labels of the folder were taken."""

    evidence: Evidence
    labels: str


class RealPictures:
    """Keeps the newest evidence of the open explainer. `on_change` is called when it begins, goes on, or is known."""

    def __init__(self, explorer: Explorer, on_change: Callable[[], None]) -> None:
        self._explorer = explorer
        self._on_change = on_change
        self._question: Question | None = None  # of `_answer`
        self._answer: Answer | None = None
        self._job: int | None = None
        self.progress: Progress | None = None  # of the job
        explorer.updates.on(ModelOpened, lambda _update: self._forget())
        explorer.updates.on(JobEvent, self._go_on)
        explorer.updates.on(JobEnded, self._end)

    @property
    def measuring(self) -> bool:
        """True while pictures are looked at."""
        return self._job is not None

    @property
    def folder(self) -> Path | None:
        """Folder of real pictures that was chosen last."""
        known = self._explorer.settings.pictures_folder
        return Path(known) if known else None

    @property
    def made_from(self) -> str:
        """Name of the pictures that the explainer was made from, as its file says; empty if it says nothing."""
        data = self._explorer.summary.provenance.get("data") if self._explorer.summary else None
        source = data.get("source") if isinstance(data, dict) else None
        return shortened(source, 40) if isinstance(source, str) else ""

    @property
    def answer(self) -> Answer | None:
        """What is known for the selected classifier."""
        state = self._explorer.state
        fits = state is not None and self._question is not None and self._question.classifier_id == state.classifier_id
        return self._answer if fits else None

    @property
    def found(self) -> dict[AttributeId, AttributeEvidence]:
        """Evidence by attribute, for the selected classifier."""
        if self.answer is None or self._question is None:
            return {}
        asked = self._question.attributes
        keys = [(attribute_key(attribute), attribute.target) for attribute in asked]
        return dict(zip(keys, self.answer.evidence.attributes, strict=True))

    @property
    def has_encoder(self) -> bool:
        """True if the open explainer can bring pictures in."""
        summary = self._explorer.summary
        return summary is not None and summary.has_encoder

    def choose_folder(self, folder: Path) -> None:
        """Remember a folder, or a zip, of real pictures."""
        self._explorer.change_settings(pictures_folder=str(folder))
        self._on_change()

    def attributes(self) -> tuple[Attribute, ...]:
        """Return what is listed towards every class of the selected classifier, each once, at most MOST of a class."""
        explorer = self._explorer
        state, summary = explorer.state, explorer.summary
        classifier = classifier_of(state, summary) if state and summary else None
        if state is None or summary is None or classifier is None:
            return ()
        listed: dict[AttributeId, Attribute] = {}
        for target in range(len(classifier.class_names)):
            at = msgspec.structs.replace(state, target_class=target)
            for each in shown_attributes(explorer.document, summary, at)[:MOST]:
                listed.setdefault((attribute_key(each), each.target), each)
        return tuple(listed.values())

    def measure(self, split: str, n: int) -> None:
        """Look for the listed attributes in the folder. One job runs at a time."""
        state, summary, folder = self._explorer.state, self._explorer.summary, self.folder
        attributes = self.attributes()
        if self.measuring or state is None or summary is None or folder is None or not attributes:
            return
        listed = listed_set(self._explorer.document, summary, state)
        pair = listed.pair if listed else None
        asked = Question(folder, split, n, state.classifier_id, attributes, pair)
        job = partial(_measure, asked=asked, summary=summary)
        self.progress = None
        self._job = self._explorer.start_model_job(NAME, job, partial(self._take, asked))
        self._on_change()

    def cancel(self) -> None:
        """Stop looking; what was known before stays."""
        if self._job is not None:
            self._explorer.cancel(self._job)

    def export(self, path: Path) -> None:
        """Write what is known as a page, or as a table for .csv."""
        answer = self.answer
        if answer is None:
            return
        with report_errors(self._explorer.updates.emit, f"Writing {shortened(path.name)}"):
            write = write_evidence_table if path.suffix.lower() == ".csv" else write_evidence_page
            write(path, answer.evidence)
            self._explorer.updates.emit(Message(f"Saved {shortened(path.name)}.", file=path))

    def _take(self, asked: Question, answer: Answer) -> None:
        self._question, self._answer = asked, answer
        keys = [(attribute_key(attribute), attribute.target) for attribute in asked.attributes]
        found = dict(zip(keys, answer.evidence.attributes, strict=True))
        self._explorer.updates.emit(EvidenceFound(asked.classifier_id, answer.evidence, found))
        self._on_change()

    def _go_on(self, update: JobEvent) -> None:
        if update.job == self._job and isinstance(update.event, Progress):
            self.progress = update.event
            self._on_change()

    def _end(self, update: JobEnded) -> None:
        if update.job == self._job:
            self._job = self.progress = None
            self._on_change()

    def _forget(self) -> None:
        self._question = self._answer = self._job = self.progress = None


def open_labelled(
    folder: Path, summary: ExplainerSummary, class_names: Sequence[str]
) -> Generator[Event, None, tuple[ImageDataset, str]]:
    """Open real pictures with the labels that fit the classes best, and say in a sentence which. A job. UserError.

    Labels whose classes could only be guessed from their order are left out, since here nobody confirms them.
    """
    data = yield from run_in_thread(partial(summarise_data, folder, values=(1, MOST_CLASSES)), NAME)
    question = first_question(folder, data, summary, class_names)
    known = question is not None and not question.guessed and any(question.classes.values())
    if question is None or not known:
        pictures = yield from run_in_thread(partial(open_dataset, folder), NAME)
        return pictures, "No labels that are its classes: the classifier's own verdicts stand in for them."
    pictures = yield from run_in_thread(partial(open_dataset, folder, **question.selection), NAME)
    among = f", pictures with {shortened(', '.join(question.where), 60)}" if question.where else ""
    return pictures, f"Labels: {shortened(question.label, 30)}{among}."


def _measure(
    host: ModelHost, budget: StepBudget, *, asked: Question, summary: ExplainerSummary
) -> Generator[Event, None, Answer]:
    from latent_explorer.explain.report.evidence import data_set_evidence

    names = host.explainer.classifiers[asked.classifier_id].config.class_names
    pictures, labels = yield from open_labelled(asked.folder, summary, names)
    with closing(pictures):
        found = yield from data_set_evidence(
            host.explainer,
            pictures,
            evenly_spaced_rows(pictures.indices(asked.split), asked.n),
            attributes=asked.attributes,
            pair=asked.pair,
            classifier_id=asked.classifier_id,
            device=host.device,
            budget=budget,
        )
    return Answer(found, labels)
