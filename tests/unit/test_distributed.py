# SPDX-License-Identifier: MIT
"""Several processes that train one model: shares, and agreement with one process of the same total batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sharing
import torch
from tiny_training import ROOT, started, write_disc_classifier, write_discs

from latent_explorer.models.trunk import minibatch_stddev
from latent_explorer.training import loop, setup
from latent_explorer.training.distributed import ALONE, World, joined
from latent_explorer.training.generated import Positions


def test_shares_are_strided_and_together_whole() -> None:
    shares = [World(rank, 3).share(9, first=4) for rank in range(3)]
    assert sorted(i for share in shares for i in share) == list(range(4, 13))
    assert list(shares[1]) == [5, 8, 11]


def test_one_process_alone_gives_everything_back() -> None:
    with joined() as world:
        assert world is ALONE
    x = torch.arange(3.0, requires_grad=True)
    x.sum().backward()
    ALONE.average_gradients([x])
    assert ALONE.mean(x) is x
    assert ALONE.gather(x) is x
    assert ALONE.decide(True)
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1, 1]


def test_groups_of_the_discriminator_never_span_processes() -> None:
    """Strided groups of a strided share are groups of the whole batch."""
    x = torch.randn(16, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    whole = minibatch_stddev(x)[:, -1]
    for rank in range(2):
        assert torch.allclose(minibatch_stddev(x[rank::2])[:, -1], whole[rank::2])


def test_all_positions_of_a_step_belong_to_one_process_each(tmp_path: Path) -> None:
    config = sharing.sharing_config(tmp_path, tmp_path)
    alone = Positions(config, ALONE)
    parts = [Positions(config, World(rank, 2)) for rank in range(2)]
    for name in ("encoded", "mapped", "repaired", "real", "mapped_partner", "repaired_partner"):
        together = sorted(i for part in parts for i in getattr(part, name))
        assert together == sorted(getattr(alone, name))


def _torchrun(processes: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    command += ["--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    path = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, *map(str, arguments)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_two_processes_agree_with_one_of_the_same_total_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    discs = write_discs(tmp_path / "discs")
    classifier = write_disc_classifier(discs, tmp_path / "discs.classifier")
    config = sharing.sharing_config(discs, classifier)
    for name in ("one", "two"):
        run = started(config, tmp_path / name)
        run.classifier.write_bytes(classifier.read_bytes())
    done = _torchrun(2, ROOT / "tests" / "sharing.py", tmp_path / "two", tmp_path / "two.json")
    assert done.returncode == 0, done.stderr[-2000:]
    together = json.loads((tmp_path / "two.json").read_text())
    monkeypatch.setattr(setup, "perceptual_for", setup.perceptual_for)  # `losses` replaces them
    monkeypatch.setattr(loop, "BANK", loop.BANK)
    alone = sharing.losses(tmp_path / "one")
    assert {"align", "r1", "path_length", "ada_p", "latent", "kl"} <= set(alone[2])
    for step, (a, b) in enumerate(zip(alone, together, strict=True)):
        assert b == pytest.approx(a, rel=1e-4, abs=1e-6), f"step {step}"
    assert alone[-1]["ada_p"] > 0.5
