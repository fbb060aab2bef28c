# SPDX-License-Identifier: MIT
"""Labelled photographs on which two classifiers part, for the window: both are asked, in a job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from latent_explorer.app.engine.events import JobEnded, JobEvent
from latent_explorer.app.exploration.updates import ModelOpened
from latent_explorer.app.overview.labelled_folder import FolderQuestion, first_question
from latent_explorer.app.overview.mistakes import NO_LABELS
from latent_explorer.app.overview.mistakes_jobs import LOOKING, inspect_folder
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Progress
from latent_explorer.common.format import shortened
from latent_explorer.data.threads import run_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.counterfactuals.confusion import JudgedPhotos  # noqa: TC004  # it imports torch
    from latent_explorer.explain.report.versions import Parted  # noqa: TC004  # it imports torch
    from latent_explorer.models.summary import ExplainerSummary

Ids = tuple[str, str]


@dataclass(frozen=True, eq=False)
class PartedFolder:
    """The photographs of a folder as two classifiers judged them, and those on which they part."""

    question: FolderQuestion
    photos: tuple[JudgedPhotos, JudgedPhotos]
    parted: Parted


def reading(found: PartedFolder) -> str:
    """Return how the folder was read, as a sentence: which values are which classes, and which pictures they are."""
    question = found.question
    values = ", ".join(f"{value} is {name}" for value, name in question.classes.items() if name)
    side = "" if question.side == "all" else f", {question.side} side"
    guess = " by their order" if question.guessed else ""
    return f"{question.path.name}: by {question.label}{side}, {values}{guess}."


class PartedPhotographs:
    """Folder of labelled photographs that both classifiers are asked about.

    `on_change` is called when a job begins, goes on or ends. Methods are called on the window's thread.
    """

    def __init__(self, explorer: Explorer, on_change: Callable[[], None]) -> None:
        self._explorer, self._on_change = explorer, on_change
        self._known: dict[Ids, PartedFolder | str] = {}
        self._job: int | None = None
        self._asked: Ids | None = None
        self.path: Path | None = None
        self.progress: Progress | None = None
        updates = explorer.updates
        updates.on(ModelOpened, lambda _update: self._forget())
        updates.on(JobEvent, self._go_on)
        updates.on(JobEnded, self._end)

    @property
    def asking(self) -> bool:
        return self._job is not None

    def found(self, ids: Ids) -> PartedFolder | None:
        """Return what is known of two classifiers, or None."""
        known = self._known.get(ids)
        return known if isinstance(known, PartedFolder) else None

    def problem(self, ids: Ids) -> str:
        """Return why there is nothing to know, as a sentence; "" if there is no problem."""
        known = self._known.get(ids)
        return known if isinstance(known, str) else ""

    def open(self, path: Path, ids: Ids) -> None:
        """Ask two classifiers about a folder or a zip, with the labels that fit the first best."""
        self.stop()
        self._known.clear()
        self.path = path
        self.ask(ids)

    def ask(self, ids: Ids) -> None:
        """Ask two other classifiers about the folder, if one was opened."""
        summary = self._explorer.summary
        if self.path is None or summary is None or ids in self._known or ids == self._asked or ids[0] == ids[1]:
            return
        self.stop()
        name = f"Asking both classifiers about {shortened(self.path.name, 40)}"
        job = partial(_judge_both, path=self.path, summary=summary, ids=ids)
        self._job = self._explorer.start_model_job(name, job, partial(self._take, self.path, ids))
        self._asked = ids if self._job is not None else None
        self._on_change()

    def stop(self) -> None:
        """Stop asking."""
        if self._job is not None:
            self._explorer.cancel(self._job)
        self._job = self._asked = self.progress = None

    def _take(self, path: Path, ids: Ids, found: PartedFolder | str) -> None:
        if path == self.path:  # the job may have ended before its result comes
            self._known[ids] = found
            self._on_change()

    def _go_on(self, update: JobEvent) -> None:
        if update.job == self._job and isinstance(update.event, Progress):
            self.progress = update.event
            self._on_change()

    def _end(self, update: JobEnded) -> None:
        if update.job == self._job:
            self._job = self._asked = self.progress = None
            self._on_change()

    def _forget(self) -> None:
        self._known.clear()
        self.path = self._job = self._asked = self.progress = None


def _judge_both(
    host: ModelHost, budget: StepBudget, *, path: Path, summary: ExplainerSummary, ids: Ids
) -> Generator[Event, None, PartedFolder | str]:
    from latent_explorer.data.dataset import open_dataset
    from latent_explorer.explain.counterfactuals.confusion import judge
    from latent_explorer.explain.report.versions import parted_photos

    explainer = replace(host.explainer, classifiers=host.explainer.classifiers | host.guests)
    names = explainer.classifiers[ids[0]].config.class_names
    _path, data, problem = yield from inspect_folder(path)
    if data is None:
        return problem
    question = first_question(path, data, summary, names)
    if question is None:
        return NO_LABELS.format(name=path.name)
    size = explainer.generator.config.resolution
    try:
        selection = question.selection
        pictures = yield from run_in_thread(lambda: open_dataset(path, **selection), LOOKING)
        judged = []
        for key in ids:
            job = judge(explainer.classifiers[key], pictures, question.side, size, device=host.device, budget=budget)
            judged.append((yield from job))
    except UserError as error:
        return str(error)
    photos = judged[0], judged[1]
    return PartedFolder(question, photos, parted_photos(photos, names, size))
