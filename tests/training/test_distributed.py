# SPDX-License-Identifier: MIT
"""Several processes: their shares, and agreement with one process of the same total batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import distributed_losses
import msgspec
import pytest
import torch
from tiny_training import ROOT, FakePerceptual, started

from latent_explorer.models.discriminator import minibatch_stddev
from latent_explorer.models.processes import SINGLE_PROCESS, World, process_group
from latent_explorer.training import setup
from latent_explorer.training.checkpoints import Checkpoints
from latent_explorer.training.run_folder import RunFolder
from latent_explorer.training.step_inputs import BatchPositions
from latent_explorer.training.train import train

TIMEOUT = 100.0


def test_shares_are_strided_and_together_whole() -> None:
    shares = [World(rank, 3).share(9, first=4) for rank in range(3)]
    assert sorted(i for share in shares for i in share) == list(range(4, 13))
    assert list(shares[1]) == [5, 8, 11]


def test_one_process_alone_gives_everything_back() -> None:
    with process_group() as world:
        assert world is SINGLE_PROCESS
    x = torch.arange(3.0, requires_grad=True)
    x.sum().backward()
    SINGLE_PROCESS.average_gradients([x])
    assert SINGLE_PROCESS.mean(x) is x
    assert SINGLE_PROCESS.gather(x) is x
    assert SINGLE_PROCESS.broadcast(True)
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1, 1]


def test_groups_of_the_discriminator_never_span_processes() -> None:
    """Strided groups of a strided share are groups of the whole batch."""
    x = torch.randn(16, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    whole = minibatch_stddev(x)[:, -1]
    for rank in range(2):
        assert torch.allclose(minibatch_stddev(x[rank::2])[:, -1], whole[rank::2])


def test_all_positions_of_a_step_belong_to_one_process_each(tmp_path: Path) -> None:
    config = distributed_losses.sharing_config(tmp_path, tmp_path)
    alone = BatchPositions(config, SINGLE_PROCESS)
    parts = [BatchPositions(config, World(rank, 2)) for rank in range(2)]
    for name in ("encoded", "mapped", "repaired", "real", "mapped_partner", "repaired_partner"):
        together = sorted(i for part in parts for i in getattr(part, name))
        assert together == sorted(getattr(alone, name))


def _torchrun(processes: int, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]  # any free port
    path = f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'helpers'}"
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ended(process: subprocess.Popen[str]) -> None:
    """Wait for the process; the failure shows its errors."""
    _, complaints = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, complaints[-3000:]


def test_two_processes_agree_with_one_of_the_same_total_batch(
    discs: Path, classifier_file: Path, tmp_path: Path
) -> None:
    """A wrong sum would show at once, since everything takes part from the first step. Rounding grows on the way.

    From 4e-7 at the eighth step to 1e-2 at the twentieth, with one classifier on one processor: Adam follows the sign
    of gradients that are nearly zero.
    """
    config = distributed_losses.sharing_config(discs, classifier_file)
    found = []
    for processes in (1, 2):
        run = started(config, tmp_path / f"run{processes}")
        run.classifier.write_bytes(classifier_file.read_bytes())
        written = tmp_path / f"{processes}.json"
        _ended(_torchrun(processes, ROOT / "tests" / "helpers" / "distributed_losses.py", run.path, written))
        found.append(json.loads(written.read_text()))
    alone, together = found
    assert {"align", "r1", "path_length", "ada_p", "latent", "kl"} <= set(alone[2])
    for step, (a, b) in enumerate(zip(alone[:8], together[:8], strict=True)):
        assert b == pytest.approx(a, rel=1e-4, abs=1e-6), f"step {step}"
    assert together[-1]["ada_p"] == pytest.approx(alone[-1]["ada_p"])
    assert alone[-1]["ada_p"] > 0.5


def _started_by_command(discs: Path, classifier: Path, folder: Path) -> subprocess.Popen[str]:
    config = distributed_losses.sharing_config(discs, classifier)
    names = ("resolution", "z_dim", "w_dim", "hidden", "discriminated", "mapped", "repaired")
    settings = [f"{name}={getattr(config, name)}" for name in names]
    settings += ["channels=8,8,8", "images=100000", "attributes=0", "device=cpu"]
    options = [option for setting in settings for option in ("--set", setting)]
    script = ROOT / "tests" / "helpers" / "tiny_training.py"
    return _torchrun(2, script, "train", discs, "--classifier", config.classifier, *options, "--out", folder)


def test_what_the_first_process_refuses_is_a_sentence_of_each(discs: Path, tmp_path: Path) -> None:
    """Nothing is trained, not even a classifier, and no process waits for one that has ended."""
    folder = tmp_path / "run"
    process = _torchrun(2, "-m", "latent_explorer", "train", discs, "--out", folder)
    _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode != 0
    assert "2 processes cannot share this evenly: discriminated (4)" in said
    assert not folder.exists()
    assert "latent_explorer/" not in said  # no traceback of ours


def test_all_processes_pause_at_the_same_step_and_one_goes_on_alone(
    discs: Path, classifier_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "run")
    process = _started_by_command(discs, classifier_file, run.path)
    deadline = time.monotonic() + TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        if run.exists() and len(run.metrics()[0]) > 2:
            run.request("pause")
            break
        time.sleep(0.1)
    _ended(process)
    status = run.status()
    assert status is not None
    assert status.state == "paused"
    images = Checkpoints(run).load()["images"]
    assert 0 < images < 100_000

    monkeypatch.setattr(setup, "perceptual_for", FakePerceptual)
    run.change_config(msgspec.structs.replace(run.config(), images=images + 16))
    list(train(run))
    assert Checkpoints(run).load()["images"] == images + 16
