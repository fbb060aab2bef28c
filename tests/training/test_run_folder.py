# SPDX-License-Identifier: MIT
"""Run folder: its lock, requests, status, figures and log."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from latent_explorer.common.errors import UserError
from latent_explorer.training import run_folder
from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.run_folder import RunFolder, RunStatus


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    run.create(TrainConfig(DataConfig("pictures"), "x.classifier"))
    return run


def test_a_folder_without_a_run_has_nothing_to_say(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "none")
    assert not run.exists()
    assert not run.is_alive()
    assert run.status() is None
    assert (run.metrics(), run.log(), run.sheets()) == (([], 0), [], [])
    with pytest.raises(UserError, match="not a run folder"):
        run.config()
    assert not run.path.exists()  # looking leaves no trace


def test_only_one_process_trains_in_a_folder(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folder, "LOCK_SECONDS", 0.0)
    with run.hold():
        assert run.is_alive()
        assert RunFolder(run.path).is_alive()
        with pytest.raises(UserError, match="Another process trains"), run.hold():
            pass
    assert not run.is_alive()


def test_a_killed_process_holds_nothing(run: RunFolder) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from latent_explorer.training.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).hold():\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(run.path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert run.is_alive()
        child.kill()
    assert not run.is_alive()
    with run.hold():
        pass


def test_a_request_is_taken_once_and_forgotten_by_the_next_run(run: RunFolder) -> None:
    run.request("pause")
    assert run.pop_request() == "pause"
    assert run.pop_request() is None
    run.request("stop")
    with run.hold():
        assert run.pop_request() is None
    (run.path / "request").write_text("dance")
    assert run.pop_request() is None


def test_what_a_kill_left_half_written_is_removed(run: RunFolder) -> None:
    left = [run.checkpoints / ".00000080-x1.pt", run.path / ".status-x2.json"]
    others = [run.path / ".current-x3.explainer", run.path / ".request-x4"]
    for path in (*left, *others):
        path.touch()
    with run.hold():
        assert not any(path.exists() for path in left)
        assert all(path.exists() for path in others)


def test_a_training_gives_way_to_the_window(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run.wait_while_busy() < 0.05
    monkeypatch.setattr(run_folder, "BUSY_SECONDS", 0.2)
    run.busy()
    assert 0.1 < run.wait_while_busy() < 1.0
    monkeypatch.setattr(run_folder, "BUSY_SECONDS", 100.0)
    monkeypatch.setattr(run_folder, "MAX_BUSY_WAIT_SECONDS", 0.2)
    run.busy()
    assert 0.15 < run.wait_while_busy() < 1.0


def test_a_status_comes_back(run: RunFolder) -> None:
    said = RunStatus("running", "explainer", images=8, total=16, updated=time.time())
    run.write_status(said)
    assert run.status() == said
    (run.path / "status.json").write_text('{"state": "runn')
    assert run.status() is None


def test_a_full_disk_still_lets_a_run_say_that_it_failed(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run.write_status(RunStatus("running", "explainer", message="x" * 100))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_folder, "atomic_path", full)
    run.write_status(RunStatus("failed", "explainer", message="The disk is full."))
    status = run.status()
    assert status is not None
    assert (status.state, status.message) == ("failed", "The disk is full.")


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with (
        pytest.raises(UserError, match=r"could not be written in .*Permission denied"),
        RunFolder(tmp_path / "run").hold(),
    ):
        pass


def test_sheets_and_sentences_are_in_order(run: RunFolder) -> None:
    for images in (200, 80):
        run.write_sheet(images, np.zeros((4, 4, 3), np.uint8))
    assert [sheet.stem for sheet in run.sheets()] == ["00000080", "00000200"]
    run.log_line("Started.")
    run.log_line("Going\non.")
    assert [line.split("  ", 1)[1] for line in run.log()] == ["Started.", "Going on."]
