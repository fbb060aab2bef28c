# SPDX-License-Identifier: MIT
"""A training controller beside a headless explorer, with the window's second played by `wait`, and trainings that
learn nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import fake_training
from headless import HeadlessExplorer, of_type

from latent_explorer.app.exploration import updates
from latent_explorer.app.training.controller import TrainingController
from latent_explorer.app.training.plan import TrainingPlan

WAIT = 60.0
PROGRAM = [sys.executable, str(Path(fake_training.__file__))]


class TrainingHarness:
    """Headless explorer with a training controller, whose updates are noted in `told`.

    `wait` polls as the window's timer does.
    """

    def __init__(self, headless: HeadlessExplorer, folder: Path) -> None:
        self.headless, self.folder = headless, folder
        self.told: list = []
        self.open()

    def open(self) -> None:
        """Make a new controller, as a window that opens does."""
        self.controller = TrainingController(self.headless.explorer, data_dir=self.folder / "data")
        self.controller.updates.on(object, self.told.append)
        self.controller.begin()

    def wait(self, until: Callable[[], object]) -> None:
        deadline = time.monotonic() + WAIT
        while not until():
            assert time.monotonic() < deadline, [type(u).__name__ for u in self.told[-5:]]
            time.sleep(0.02)
            self.controller.poll()

    def of_type(self, kind: type) -> list:
        return [u for u in self.told if isinstance(u, kind)]

    def messages(self) -> list[str]:
        """Return the messages to the person since the last time."""
        told = self.headless.settle()
        troubles = [u.failure.message for u in of_type(told, updates.ErrorReport)]
        return [*troubles, *(u.text for u in of_type(told, updates.Message))]


def behave(plan: TrainingPlan, how: str) -> TrainingPlan:
    (plan.data / "behave").write_text(how)
    return plan
