# SPDX-License-Identifier: MIT
"""A training controller that trains nothing: it remembers what it was asked, and says what a test lets it say."""

from __future__ import annotations

import contextlib
from pathlib import Path

from latent_explorer.app.training.controller import SharedDevice
from latent_explorer.app.training.plan import TrainingPlan
from latent_explorer.app.training.runs import RunView
from latent_explorer.app.training.updates import (
    CheckDone,
    DataInspected,
    RunAttached,
    RunChanged,
    RunEnded,
    RunsChanged,
)
from latent_explorer.common.update_hub import UpdateHub
from latent_explorer.data.check import DataReport, Finding
from latent_explorer.data.summary import DataSummary

OFFER = DataSummary(
    "PlantVillage",
    14_529,
    {
        "healthy": {"0": 9_800, "1": 4_729},
        "crop": {"apple": 3_171, "bell pepper": 2_475, "strawberry": 1_565, "tomato": 7_318},
    },
    {"healthy": {"0": "diseased", "1": "healthy"}},
    label="healthy",
    group="group",
)
REPORT = DataReport(
    (
        Finding("good", "All 14,529 pictures can be read."),
        Finding("note", "Split by groups of 'group': 11,604 train, 1,466 val, 1,459 test."),
        Finding("warning", "Classes: diseased 9,800, healthy 4,729: 'diseased' has 2.1 times as many as 'healthy'."),
        Finding("note", "3 pictures are marked as rotated by the camera: turned upright.", ("a.jpg", "b.jpg")),
    ),
    14_529,
    (),
    (("diseased", 9_800), ("healthy", 4_729)),
    "PlantVillage",
    32,
)  # fmt: skip


class FakeTrainingController:
    """Fake with the interface of `TrainingController`; every call is noted in `asked`."""

    def __init__(self, runs: Path | None = None, plan: TrainingPlan | None = None) -> None:
        self.updates = UpdateHub()
        self.asked: list[tuple] = []
        self.plan = plan or TrainingPlan()
        self.device = SharedDevice()
        self.device.choices = (("auto", "Automatic: CPU, 2 threads"), ("cpu", "CPU, 2 threads"))
        self.offer: DataSummary | None = OFFER
        self.report: DataReport | None = REPORT
        self.estimate = None
        self.problem = ""
        self.refuses = False
        self.checking = False
        self.snapshot_busy = False
        self.attached: RunView | None = None
        self.running: RunView | None = None
        self._runs = runs
        self._views: dict[Path, RunView] = {}
        self._locks = contextlib.ExitStack()

    # used by tests ------------------------------------------------------------------------

    def go(self, view: RunView) -> None:
        """Hold the run's lock from now on, as a training does."""
        self._locks.enter_context(view.folder.hold())
        self.running = self.attached = view
        view.poll()
        self.updates.emit(RunAttached(view))

    def halt(self) -> None:
        """Release the lock: the training has ended."""
        self._locks.close()
        view, self.running = self.running, None
        if view is not None:
            view.poll()
            self.updates.emit(RunEnded(view))

    def finish_check(self) -> None:
        """End the check that was asked for."""
        self.checking = False
        plan = next(call[1] for call in reversed(self.asked) if call[0] == "check")
        self.updates.emit(CheckDone(plan, self.report, self.estimate, self.problem))

    # interface -------------------------------------------------------------------------------

    def remember_plan(self, plan: TrainingPlan) -> None:
        self.plan = plan
        self.asked.append(("remember_plan", plan))

    def inspect_data(self, path: Path) -> None:
        self.asked.append(("inspect_data", path))
        problem = "" if self.offer else f"{path.name} holds no pictures."
        self.updates.emit(DataInspected(path, self.offer, problem))

    def describe_classifier(self, path: Path) -> None:
        self.asked.append(("describe_classifier", path))

    def check(self, plan: TrainingPlan) -> None:
        self.checking = True
        self.asked.append(("check", plan))

    def cancel_check(self) -> None:
        self.asked.append(("cancel_check",))
        if self.checking:
            self.report = self.estimate = None
            self.finish_check()

    def start(self, plan: TrainingPlan) -> bool:
        self.asked.append(("start", plan))
        return not self.refuses

    def begin(self) -> None:
        self.asked.append(("begin",))

    def poll(self) -> None:
        if self.attached is not None and self.attached.poll():
            self.updates.emit(RunChanged(self.attached))

    def attach(self, view: RunView | None) -> None:
        self.asked.append(("attach", view))
        self.attached = view
        if view is not None:
            view.poll()
        self.updates.emit(RunAttached(view))

    def pause(self) -> None:
        self.asked.append(("pause",))

    def stop(self) -> None:
        self.asked.append(("stop",))

    def resume(self, images: int | None = None, data: Path | None = None) -> bool:
        self.asked.append(("resume", images) if data is None else ("resume", images, data))
        return not self.refuses

    def open_current(self) -> None:
        self.asked.append(("open_current",))

    def open_result(self) -> None:
        self.asked.append(("open_result",))

    def runs(self) -> list[RunView]:
        folders = sorted(self._runs.iterdir()) if self._runs else []
        for path in folders:
            self._views.setdefault(path, RunView(path))
        return [self._views[path] for path in folders]

    def open_folder(self, path: Path) -> None:
        self.asked.append(("open_folder", path))

    def delete(self, view: RunView) -> bool:
        import shutil

        self.asked.append(("delete", view))
        shutil.rmtree(view.path)
        self.updates.emit(RunsChanged())
        return True

    def close(self) -> None:
        self._locks.close()
