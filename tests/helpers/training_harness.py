# SPDX-License-Identifier: MIT
"""A training desk on a stage, with the window's second played by `wait`, and trainings that learn nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import fake_training
from headless import Stage, of

from latent_explorer.app.exploration import updates
from latent_explorer.app.training.controller import TrainingDesk
from latent_explorer.app.training.plan import TrainingPlan

WAIT = 30.0
PROGRAM = [sys.executable, str(Path(fake_training.__file__))]


class Office:
    """A stage with a desk, its updates written down; `wait` plays the window's second."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder = stage, folder
        self.told: list = []
        self.open()

    def open(self) -> None:
        """A window opens: a new desk."""
        self.desk = TrainingDesk(self.stage.explorer, data_dir=self.folder / "data")
        self.desk.listeners.append(self.told.append)
        self.desk.begin()

    def wait(self, until: Callable[[], object]) -> None:
        deadline = time.monotonic() + WAIT
        while not until():
            assert time.monotonic() < deadline, [type(u).__name__ for u in self.told[-5:]]
            time.sleep(0.02)
            self.desk.poll()

    def of(self, kind: type) -> list:
        return [u for u in self.told if isinstance(u, kind)]

    def said(self) -> list[str]:
        """What the window said to the person since the last time."""
        told = self.stage.settle()
        troubles = [u.failure.message for u in of(told, updates.Trouble)]
        return [*troubles, *(u.text for u in of(told, updates.Told))]


def behave(plan: TrainingPlan, how: str) -> TrainingPlan:
    (plan.data / "behave").write_text(how)
    return plan
