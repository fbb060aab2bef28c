# SPDX-License-Identifier: MIT
"""Full training with the real program on forty pictures: close the window, pause, resume, open the result."""

from __future__ import annotations

import os
import queue
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny_training

from latent_explorer.app import library
from latent_explorer.app.exploration import updates
from latent_explorer.app.explorer import Explorer
from latent_explorer.app.training import child
from latent_explorer.app.training import updates as training_updates
from latent_explorer.app.training.controller import TrainingController
from latent_explorer.app.training.plan import TrainingPlan

WAIT = 100.0
TINY = {
    "resolution": 16, "channels": (8, 8, 8), "z_dim": 8, "w_dim": 8, "hidden": 16, "mapping_steps": 20, "kl_start": 0,
    "kl_ramp": 1, "adversarial_start": 80, "adversarial_ramp": 1, "validate_every": 400, "sheet_every": 400,
    "attributes": 8, "classifier.steps": 80, "classifier.widths": (8, 16), "classifier.batch": 16, "images": 1600,
    "device": "cpu",
}  # fmt: skip


class Window:
    """Real explorer and controller; `wait` plays the window's event loop."""

    def __init__(self, folder: Path) -> None:
        self.posted: queue.Queue = queue.Queue()
        self.told: list = []
        self.explorer = Explorer(self.posted.put, data_dir=folder, config_dir=folder)
        self.explorer.updates.on(object, self.told.append)
        self.controller = TrainingController(self.explorer, data_dir=folder)
        self.controller.updates.on(object, self.told.append)
        self.controller.begin()

    def wait(self, until: Callable[[], object], *, moving: bool = False) -> None:
        """With `moving` somebody moves a slider all the time: then the training hardly gets on."""
        deadline = time.monotonic() + WAIT
        while not until():
            troubles = [u.failure.details for u in self.told if isinstance(u, updates.ErrorReport)]
            assert not troubles, troubles
            assert time.monotonic() < deadline, self.controller.attached and self.controller.attached.log
            time.sleep(0.05)
            if moving:
                self.controller.attached.folder.busy()
            self.controller.poll()
            while not self.posted.empty():
                self.posted.get()()

    def close(self) -> None:
        self.controller.close()
        self.explorer.close()

    def count(self, kind: type) -> int:
        return sum(isinstance(update, kind) for update in self.told)


@pytest.fixture
def program(tmp_path, monkeypatch) -> Iterator[None]:
    """Make children run the real command line, with a stand-in for LPIPS."""
    root = tiny_training.ROOT
    monkeypatch.setenv("LATENT_EXPLORER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PYTHONPATH", f"{root}{os.pathsep}{root / 'tests'}")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    script = [sys.executable, tiny_training.__file__]
    monkeypatch.setattr(child, "self_command", lambda *arguments: [*script, *arguments])
    monkeypatch.setattr(library, "bundled", list)
    yield
    for pid in list(child._children):
        child.end_child(pid)


@pytest.mark.timeout(300)
def test_from_a_folder_of_pictures_to_an_opened_explainer(program, tmp_path):
    data = tiny_training.write_discs(tmp_path / "discs", 20)
    plan = TrainingPlan(data=data, name="discs", settings=TINY)
    assert plan.problems() == []

    window = Window(tmp_path)
    window.controller.check(plan)
    window.wait(lambda: not window.controller.checking)
    (done,) = [u for u in window.told if isinstance(u, training_updates.CheckDone)]
    assert (done.problem, done.report.pictures, done.report.can_train) == ("", 40, True)
    assert done.estimate.seconds > 0
    assert done.estimate.free_bytes > done.estimate.disk_bytes
    assert window.controller.start(plan)
    window.wait(lambda: window.controller.attached.status and window.controller.attached.status.images > 200)
    window.close()

    window = Window(tmp_path)
    controller = window.controller
    assert controller.attached is controller.running
    assert controller.attached.name == "discs"
    controller.open_current()
    window.wait(lambda: not controller.snapshot_busy and window.count(updates.ModelOpened), moving=True)
    assert window.explorer.summary.name.startswith("discs, ")
    controller.pause()
    window.wait(lambda: controller.running is None, moving=True)
    assert controller.attached.state == "paused"
    seen = controller.attached.status.images
    assert 200 < seen < 1600

    assert controller.resume()
    window.wait(lambda: window.count(training_updates.RunEnded) == 2)
    assert (controller.attached.state, controller.attached.status.images) == ("finished", 1600)
    assert controller.attached.series["val_agreement"]
    assert controller.attached.sheets
    controller.open_result()
    window.wait(lambda: window.count(updates.ModelOpened) == 2 and window.explorer.shown)
    assert window.explorer.summary.name == "discs"
    assert window.explorer.summary.attribute_sets
    window.close()
