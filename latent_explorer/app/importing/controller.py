# SPDX-License-Identifier: MIT
"""Import of one file of another program for a dialog: what it is, verdicts, and the file that is made of it.

Methods are called on the window's thread; `updates` passes on what changed. The work is done by jobs of the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latent_explorer.app.engine.events import JobEnded, JobEvent
from latent_explorer.app.exploration.updates import Message
from latent_explorer.app.importing.jobs import ClassifierChoices, ImportSession
from latent_explorer.app.importing.updates import (
    CheckEnded,
    CheckShown,
    CheckStep,
    ClassifierFacts,
    ClassifierSaved,
    FileInspected,
    NetworkRefused,
    PicturesOpened,
    WorkEnded,
)
from latent_explorer.common import paths
from latent_explorer.common.events import Kept, Progress
from latent_explorer.common.format import free_name, shortened
from latent_explorer.common.jobs import forward_until
from latent_explorer.common.update_hub import UpdateHub

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.importing.jobs import GeneratorChoices
    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget

SUFFIX = ".classifier"


class ImportController:
    """Controller of one import. Close it with its dialog."""

    def __init__(self, explorer: Explorer, path: Path) -> None:
        self.updates = UpdateHub()
        self.path = path
        self.pictures: Path | None = None
        self._explorer = explorer
        self._session = ImportSession(path)
        self._asked = 0  # number of the last check that was asked for; earlier ones end
        self._check: int | None = None  # the engine's job of the last check
        self._work: int | None = None  # that of what is being written
        self._ends: int | None = None  # the job after which the import is over
        self._inspection: int | None = None
        self._reading: int | None = None  # the job that reads the file as another network
        self._facts: ClassifierFacts | None = None
        self._own: set[int] = set()  # all jobs of this import
        self._closed = False
        self._subscriptions = [
            explorer.updates.on(JobEvent, self._job_event),
            explorer.updates.on(JobEnded, self._job_ended),
        ]

    @property
    def name(self) -> str:
        """Name of the file as plain text."""
        return shortened(self.path.name)

    @property
    def working(self) -> bool:
        """True while a classifier or an explainer is being written."""
        return self._work is not None

    @property
    def waiting(self) -> str:
        """Sentence on the jobs of others that go first, since jobs run one after another; "" if there are none."""
        names = [name for job, name in self._explorer.jobs.items() if job not in self._own]
        ended = f"Waiting until this has ended: {shortened(', '.join(names))}."
        return f"{ended} To stop it, close this dialog first." if names else ""

    @property
    def checking(self) -> bool:
        """True while the classifier is asked about pictures."""
        return self._check is not None

    def inspect(self) -> None:
        """Find out what the file is. Emits `FileInspected`."""
        self._inspection = self._start(f"Looking at {self.name}", lambda _budget: self._session.inspect())

    def run_program(self) -> None:
        """Run the file, which is a program, and remember that it may run. Emits `FileInspected`."""
        self._asked += 1
        self._inspection = self._start(f"Running {self.name}", lambda _budget: self._session.run_program())

    def read_as(self, network: str) -> None:
        """Read the file as a network of a library. Emits `FileInspected` or `NetworkRefused`. A check ends."""
        self._asked += 1
        name = f"Reading {self.name} as {shortened(network)}"
        self._reading = self._start(name, lambda _budget: self._session.read_as(network))

    def open_pictures(self, path: Path, label: str | None = None) -> None:
        """Open a folder or zip of pictures. Emits `PicturesOpened`. A check of other pictures ends."""
        self._asked += 1
        self._start(f"Looking at {shortened(path.name)}", lambda _budget: self._session.open_pictures(path, label))

    def check(self, choices: ClassifierChoices) -> None:
        """Ask the classifier about the opened pictures. Emits `CheckStep` and `CheckShown`, or `CheckEnded`.

        A check that still runs ends: the latest wins.
        """
        if self.pictures is None:
            return
        self._asked += 1
        number = self._asked

        def job(budget: StepBudget) -> Generator[Event, None, CheckShown | str | None]:
            return forward_until(self._session.check(choices, budget), lambda: number != self._asked)

        self._check = self._start("Asking the classifier", job)

    def save_classifier(self, choices: ClassifierChoices, target: Path) -> None:
        """Write the classifier as it is chosen. Emits `ClassifierSaved`."""

        def saved(path: Path) -> None:
            self._explorer.updates.emit(Message(f"Saved {shortened(path.name)}.", file=path))

        self._write(choices, target, saved)

    def explain(self, choices: ClassifierChoices) -> None:
        """Write the classifier into the user's folder, under a name that is free. Emits `ClassifierSaved`.

        A .classifier that was not changed is used where it is.
        """
        facts = self._facts
        unchanged = facts is not None and choices == ClassifierChoices(facts.class_names, facts.preprocessing)
        if unchanged and self.path.suffix.lower() == SUFFIX:
            self.updates.emit(ClassifierSaved(self.path))
            return
        target = free_place(paths.plain_stem(self.path))
        self._write(choices, target, lambda path: self.updates.emit(ClassifierSaved(path)))
        self._ends = self._work

    def add_to_explainer(self, choices: ClassifierChoices, explainer: Path, out: Path) -> None:
        """Write a copy of an explainer that holds the classifier, too, and open that, asking it. Can be cancelled."""
        self._asked += 1
        self._work = self._explorer.start_job(
            f"Making {shortened(out.name)}",
            lambda budget: self._session.add_to_explainer(choices, explainer, out, budget),
            lambda made: self._explorer.open_asking(*made),
        )

    def make_explainer(self, choices: GeneratorChoices) -> None:
        """Write an explainer of the generator and open it. The job can be cancelled."""
        self._work = self._explorer.start_job(
            f"Making {shortened(choices.out.name)}",
            lambda budget: self._session.write_explainer(choices, budget),
            self._explorer.open_path,
        )

    def close(self) -> None:
        """End the check as the dialog closes; what is being written is finished."""
        if self._closed:
            return
        self._closed = True
        self._asked += 1
        for disconnect in self._subscriptions:
            disconnect()
        if self._inspection is not None:
            self._explorer.cancel(self._inspection)
        if self.pictures is not None:  # later: the check reads them until its step ends
            self._explorer.start_job("Closing the pictures", self._closing, lambda _none: None)

    def _closing(self, _budget: StepBudget) -> Generator[Event, None, None]:
        yield from ()
        self._session.close()

    def _start(self, name: str, job: Callable[[StepBudget], Generator[Event, None, Any]]) -> int | None:
        return self._run(name, job, self._take)

    def _run(
        self, name: str, job: Callable[[StepBudget], Generator[Event, None, Any]], done: Callable[[Any], None]
    ) -> int | None:
        number = self._explorer.start_job(name, job, done)
        if number is not None:
            self._own.add(number)
        return number

    def _write(self, choices: ClassifierChoices, target: Path, done: Callable[[Path], None]) -> None:
        self._asked += 1  # what is asked now ends: jobs run one after the other

        def job(_budget: StepBudget) -> Generator[Event, None, Path]:
            return self._session.write_classifier(choices, target)

        self._work = self._run(f"Writing {shortened(target.name)}", job, done)

    def _take(self, result: object) -> None:
        """Pass on the result of a job; None is that of a check that a later one replaced."""
        if isinstance(result, str):
            self.updates.emit(CheckEnded(result))
        elif result is not None:
            if isinstance(result, FileInspected):
                self._facts = result.classifier
                if result.trusted:
                    self._explorer.trust_programs(result.trusted)
            if isinstance(result, PicturesOpened):
                self.pictures = self.pictures if result.problem else result.path
            self.updates.emit(result)

    def _job_event(self, update: JobEvent) -> None:
        if update.job != self._check:
            return
        if isinstance(update.event, Progress):
            self.updates.emit(CheckStep(update.event))
        elif isinstance(update.event, Kept):
            self.updates.emit(update.event.value)

    def _job_ended(self, update: JobEnded) -> None:
        failed = update.outcome != "finished"  # else the result follows
        if update.job == self._check:
            self._check = None
            if failed:
                self.updates.emit(CheckEnded())
        elif update.job == self._work:
            self._work = None
            self.updates.emit(WorkEnded(stays=failed or update.job != self._ends))
        elif update.job == self._reading:
            self._reading = None
            if failed:
                self.updates.emit(NetworkRefused(f"{self.name} was not read."))
        elif update.job == self._inspection:
            self._inspection = None
            if failed:
                self.updates.emit(FileInspected(self.path, problem=f"{self.name} was not read."))


def free_place(name: str) -> Path:
    """Return where a new classifier is kept: in the user's folder, under its name or the first that is free."""
    folder = paths.user_data_dir() / "classifiers"
    stem = free_name(paths.safe_file_name(name) or "classifier", lambda each: (folder / f"{each}{SUFFIX}").exists())
    return folder / f"{stem}{SUFFIX}"
