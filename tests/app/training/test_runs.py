# SPDX-License-Identifier: MIT
"""Views of run folders and their history: half-written, damaged, foreign, alive, interrupted, deleted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from latent_explorer.app.training import child
from latent_explorer.app.training.runs import RunHistory, RunView, add_figure
from latent_explorer.common.errors import UserError
from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.run_folder import RunFolder, RunStatus

HOLD = """
import sys, time
from pathlib import Path
from latent_explorer.training.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).hold():
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("LATENT_EXPLORER_RUNS", str(folder))
    return folder


def begun(path: Path, state: str = "running", images: int = 8, **fields) -> RunFolder:
    run = RunFolder(path)
    run.create(TrainConfig(DataConfig("leaves")))
    status = RunStatus(state, "explainer", images=images, total=100, updated=time.time(), **fields)
    run.write_status(status)
    return run


def holder(path: Path) -> subprocess.Popen:
    """Start a process that holds the lock of a run."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_view_reads_what_is_there_and_then_only_what_is_new(runs):
    run = begun(runs / "a")
    view = RunView(run.path)
    assert view.poll()
    assert not view.poll()
    run.append_metrics(8, {"l1": 0.5, "kl": 1.0})
    run.append_metrics(16, {"l1": 0.25})
    run.log_line("It began.")
    run.write_sheet(16, np.zeros((4, 4, 3), np.uint8))
    assert view.poll()
    assert view.series == {"l1": [(8, 0.5), (16, 0.25)], "kl": [(8, 1.0)]}
    assert [sheet.name for sheet in view.sheets] == ["00000016.png"]
    assert view.log[0].endswith("It began.")
    assert not view.poll()
    run.append_metrics(24, {"l1": 0.125})
    assert view.poll()
    assert view.series["l1"][-1] == (24, 0.125)


def test_polling_reads_no_file_while_nothing_changes(runs, monkeypatch):
    view = RunView(begun(runs / "a", "finished").path)
    view.poll()

    def refuse(*_args):
        raise AssertionError("a file was read")

    for name in ("status", "metrics", "log", "config", "sheets", "is_alive"):
        monkeypatch.setattr(RunFolder, name, refuse)
    for _ in range(10):
        assert not view.poll()


def test_figures_that_a_resumed_run_writes_again_replace_the_old_ones():
    series = [(8.0, 1.0), (16.0, 2.0), (24.0, 3.0)]
    add_figure(series, 16, 5.0)
    assert series == [(8.0, 1.0), (16, 5.0)]


def test_what_a_crash_cut_off_is_read_when_it_is_whole(runs):
    run = begun(runs / "a")
    view = RunView(run.path)
    with run.metrics_file.open("w") as file:
        file.write('{"images": 8, "l1": 0.5}\n{"images": 16, "l1"')
        file.flush()
        view.poll()
        assert view.series == {"l1": [(8, 0.5)]}
        file.write(": 0.25}\n")
    view.poll()
    assert view.series["l1"] == [(8, 0.5), (16, 0.25)]


def test_a_run_that_says_it_runs_while_nobody_holds_it_was_interrupted(runs):
    view = RunView(begun(runs / "a").path)
    assert (view.alive, view.state) == (False, "interrupted")
    assert "Resume" in view.message


def test_a_run_that_another_process_holds_is_alive_until_it_is_killed(runs):
    run = begun(runs / "a")
    process = holder(run.path)
    try:
        view = RunView(run.path)
        assert (view.alive, view.state) == (True, "running")
        run.request("pause")
        view.refresh_status()
        assert view.requested == "pause"
        with pytest.raises(UserError, match="being trained"):
            RunHistory().delete(view)
        assert RunHistory().running().path == run.path
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    view.refresh_status()
    assert (view.alive, view.state, view.requested) == (False, "interrupted", "")


def test_the_last_word_of_a_failed_process_stands_after_a_new_window_opens(runs):
    run = begun(runs / "a")
    error = {"event": "error", "kind": "memory", "message": "There is not enough memory."}
    (run.path / "output.txt").write_text(f"noise\n{json.dumps(error)}\n")
    assert (RunView(run.path).state, RunView(run.path).message) == ("failed", error["message"])
    # A later process that came further makes it old.
    os.utime(run.path / "output.txt", (1.0, 1.0))
    assert RunView(run.path).state == "interrupted"


@pytest.mark.parametrize("name", ["config.json", "status.json", "metrics.jsonl", "log.txt"])
@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe\x00", b"[1, 2]", b"null"])
def test_damaged_files_are_no_trouble(runs, name, raw):
    run = begun(runs / "a", "finished")
    (run.path / name).write_bytes(raw)
    view = RunView(run.path)
    view.poll()
    assert view.series == {}
    assert view.state in ("finished", "interrupted")


def test_folders_instead_of_files_and_other_folders_are_no_trouble(runs):
    for name in ("metrics.jsonl", "log.txt", "status.json"):
        (runs / "odd" / name).mkdir(parents=True)
    (runs / "odd" / "config.json").write_text("{}")
    (runs / "pictures").mkdir()
    (runs / "file").touch()
    assert [view.name for view in RunHistory().views()] == []
    RunView(runs / "odd").poll()
    RunView(runs / "gone").poll()


def test_the_history_is_newest_first_and_keeps_its_views(runs, tmp_path):
    for name, updated in (("old", 10.0), ("new", 30.0), ("middle", 20.0)):
        RunFolder(runs / name).create(TrainConfig(DataConfig("leaves")))
        RunFolder(runs / name).write_status(RunStatus("paused", "explainer", updated=updated))
    history = RunHistory()
    views = history.views()
    assert [view.name for view in views] == ["new", "middle", "old"]
    assert [id(v) for v in history.views()] == [id(v) for v in views]
    external_folders = begun(tmp_path / "external_folders" / "mine", "paused")
    assert history.add(external_folders.path).name == "mine"
    assert history.views()[0].name == "mine"
    with pytest.raises(UserError, match="not a run folder"):
        history.add(tmp_path)


def test_new_names_are_fit_for_folders_and_free(runs):
    history = RunHistory()
    assert history.new("leaves, quick look").name == "leaves quick look"
    assert history.new('../..\\ "x"?*').name == "x"
    assert history.new("???").name == "training"
    (runs / "x").mkdir()
    assert history.new("x").name == "x 2"


def test_a_run_is_deleted_with_everything_in_it(runs):
    run = begun(runs / "a", "finished")
    run.append_metrics(8, {"l1": 0.5})
    run.write_sheet(8, np.zeros((4, 4, 3), np.uint8))
    (run.checkpoints / "00000008.pt").touch()
    for name in ("result.explainer", "output.txt", ".status-ab_c1d2e.json", "Thumbs.db"):
        (run.path / name).touch()
    history = RunHistory()
    (view,) = history.views()
    history.delete(view)
    assert list(runs.iterdir()) == []
    assert history.views() == []


def test_what_is_not_of_a_run_is_never_deleted(runs, tmp_path):
    history = RunHistory()
    run = begun(runs / "a", "finished")
    (view,) = history.views()
    for foreign in (
        "holiday.jpg", "samples/holiday.jpg", "samples/holiday.png", "checkpoints/mine.pt", "notes.txt",
        "mine.explainer", ".env", ".gitignore",
    ):  # fmt: skip
        (run.path / foreign).touch()
        with pytest.raises(UserError, match="more than a training"):
            history.delete(view)
        (run.path / foreign).unlink()
    (run.path / "pictures").mkdir()
    with pytest.raises(UserError, match="pictures"):
        history.delete(view)
    (run.path / "pictures").rmdir()
    (run.path / "config.json").unlink()
    with pytest.raises(UserError, match="not a run folder"):
        history.delete(view)
    assert run.path.is_dir()


def test_a_folder_of_another_program_is_never_deleted(runs):
    (runs / "model" / "samples").mkdir(parents=True)
    (runs / "model" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UserError, match="not a run folder"):
        RunHistory().delete(RunView(runs / "model"))
    assert (runs / "model" / "config.json").exists()


def test_what_could_not_be_deleted_stays_in_the_history(runs, tmp_path, monkeypatch):
    history = RunHistory()
    view = history.add(begun(tmp_path / "external_folders" / "mine", "finished").path)

    def refuse(*_args):
        raise PermissionError(13, "Permission denied", str(view.path))

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(UserError, match="Permission denied"):
        history.delete(view)
    assert history.views() == [view]
    assert history.elsewhere == [view.path]


def test_without_a_place_for_runs_there_are_none(tmp_path, monkeypatch):
    """A training that is begun there says so: tests/cli/test_encodings.py."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("LATENT_EXPLORER_RUNS", str(tmp_path / "file" / "runs"))
    assert RunHistory().views() == []
    assert RunHistory().new("x") == tmp_path / "file" / "runs" / "x"


@pytest.mark.parametrize(
    ("state", "seconds", "shown"),
    [("paused", 60, "paused"), ("finished", 60, "finished"), ("running", 60, "failed"), ("paused", -60, "failed")],
)  # fmt: skip
def test_how_a_process_says_it_ended_goes_before_its_exit(runs, monkeypatch, state, seconds, shown):
    """A process that crashes at its exit has done its work; one that never began has not."""
    run = begun(runs / "a", state)
    view = RunView(run.path)
    monkeypatch.setattr(child, "is_running", lambda _pid: True)
    view.launched(123)
    run.write_status(RunStatus(state, "explainer", updated=time.time() + seconds))
    monkeypatch.setattr(child, "is_running", lambda _pid: False)
    monkeypatch.setattr(child, "failure_of_child", lambda *_: "It crashed (exit -11).")
    view.refresh_status()
    assert view.state == shown


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_links_in_a_run_lead_nowhere_when_it_is_deleted(runs, tmp_path):
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "00000001.png").touch()
    run = begun(runs / "a", "finished")
    run.samples.rmdir()
    run.samples.symlink_to(treasure)
    history = RunHistory()
    (view,) = history.views()
    with pytest.raises(UserError, match="samples"):
        history.delete(view)
    run.samples.unlink()
    run.samples.mkdir()
    (run.samples / "1.png").symlink_to(treasure / "00000001.png")
    with pytest.raises(UserError, match=r"samples/1\.png"):
        history.delete(view)
    assert (treasure / "00000001.png").exists()
    (runs / "link").symlink_to(run.path)
    assert [v.name for v in history.views()] == ["a"]
