# SPDX-License-Identifier: MIT
"""Training processes: killed at any moment, asked to end, or on a full disk. Only time may be lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import torch
from tiny_training import program, same_tensors, tiny_config

from latent_explorer.models.explainer_file import info
from latent_explorer.training.checkpoints import Checkpoints
from latent_explorer.training.config import TrainConfig
from latent_explorer.training.run_folder import RunFolder, RunStatus

# four programs that start one after the other, on a machine that may be busy
pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them"), pytest.mark.timeout(400)]
PATIENCE = 100.0  # seconds


@pytest.fixture(scope="module")
def config(discs: Path, classifier_file: Path) -> TrainConfig:
    return tiny_config(discs, classifier_file, images=320, checkpoint_seconds=0.2, attributes=0)


@pytest.fixture
def children() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Kill the trainings that a test leaves."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for child in started:
        if child.poll() is None:
            child.kill()
        child.wait()


def begun(config: TrainConfig, folder: Path) -> RunFolder:
    run = RunFolder(folder)
    run.create(config)
    return run


def go_on(run: RunFolder, children: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    child = program("train", "--resume", "--out", run.path, "--json", output=run.path / "output.txt")
    children.append(child)
    return child


def finish(run: RunFolder, children: list[subprocess.Popen[bytes]]) -> RunStatus:
    code = go_on(run, children).wait(PATIENCE)
    assert code == 0, (run.path / "output.txt").read_text()
    return status_of(run)


def status_of(run: RunFolder) -> RunStatus:
    status = run.status()
    assert status is not None
    return status


def wait_for_images(run: RunFolder, child: subprocess.Popen[bytes], images: float) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and child.poll() is None:
        rows, _ = run.metrics()
        if rows and rows[-1]["images"] >= images:
            return
        time.sleep(0.01)
    pytest.fail((run.path / "output.txt").read_text())


def wait_at_most(seconds: float, run: RunFolder) -> None:
    """Until any moment (in a step, in a checkpoint, in a line) but the end, which a fast machine soon reaches."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and run.metrics()[0][-1]["images"] < 240:
        time.sleep(0.002)


def lines(run: RunFolder) -> list[dict[str, float]]:
    """Return metrics.jsonl with all digits, without values that depend on the clock."""
    rows = [msgspec.json.decode(line) for line in run.metrics_file.read_bytes().splitlines()]
    return [{k: v for k, v in row.items() if k != "images_per_second"} for row in rows]


def test_a_run_that_is_killed_twice_equals_a_straight_one(
    config: TrainConfig, tmp_path: Path, children: list[subprocess.Popen[bytes]]
) -> None:
    straight, killed = begun(config, tmp_path / "straight"), begun(config, tmp_path / "killed")
    finish(straight, children)
    for images in (48, 160):
        child = go_on(killed, children)
        wait_for_images(killed, child, images)
        wait_at_most(random.uniform(0, 0.5), killed)
        child.kill()
        assert child.wait() == -signal.SIGKILL
        assert not killed.is_alive()
    assert status_of(killed).state == "running"  # it could not say otherwise
    assert finish(killed, children).state == "finished"
    assert lines(straight) == lines(killed)
    assert lines(straight)[-1]["images"] == 320
    a, b = (Checkpoints(run).load() for run in (straight, killed))
    assert isinstance(a["networks"]["G"]["synthesis.b4.const"], torch.Tensor)
    assert same_tensors(a, b)
    assert info(straight.result).header.model_hash == info(killed.result).header.model_hash


def test_signals_and_requests_end_a_training_between_two_steps(
    config: TrainConfig, tmp_path: Path, children: list[subprocess.Popen[bytes]]
) -> None:
    run = begun(config, tmp_path / "run")
    child = go_on(run, children)
    wait_for_images(run, child, 48)
    assert run.is_alive()
    child.send_signal(signal.SIGTERM)
    assert child.wait(PATIENCE) == 130
    paused = status_of(run)
    assert (paused.state, paused.pid) == ("paused", child.pid)
    assert Checkpoints(run).load()["images"] == paused.images
    child = go_on(run, children)
    wait_for_images(run, child, paused.images + 16)
    run.request("stop")
    assert child.wait(PATIENCE) == 0
    assert status_of(run).state == "stopped"
    assert info(run.result).header.provenance["images"] == status_of(run).images


def test_a_full_disk_ends_in_a_sentence_and_the_run_goes_on_with_space(
    config: TrainConfig, tmp_path: Path, children: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first checkpoint fits; later ones, with Adam's moments, do not."""
    run = begun(msgspec.structs.replace(config, images=160), tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setenv("FILE_LIMIT", str(_size_of_first_checkpoint(config, tmp_path) + 10_000))
        assert go_on(run, children).wait(PATIENCE) == 1
    failed = status_of(run)
    assert failed.state == "failed"
    assert "A checkpoint could not be written" in failed.message
    assert "--resume" in failed.message
    last = (run.path / "output.txt").read_text().splitlines()[-1]
    assert "A checkpoint could not be written" in last
    assert [path.name for path in run.checkpoints.iterdir()] == ["00000000.pt"]
    assert finish(run, children).state == "finished"


def _size_of_first_checkpoint(config: TrainConfig, tmp_path: Path) -> int:
    from latent_explorer.training.networks import Networks

    path = tmp_path / "size.pt"
    torch.save(Networks(config, 2).state(), path)
    return os.stat(path).st_size
