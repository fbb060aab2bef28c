# SPDX-License-Identifier: MIT
"""A flipped bit in a checkpoint is never trained on: the older one is taken, and that is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from latent_explorer.training.checkpoints import Checkpoints, read_state
from latent_explorer.training.config import TrainConfig
from latent_explorer.training.run_folder import RunFolder


def state(images: int) -> dict[str, object]:
    draw = torch.Generator().manual_seed(images)
    return {
        "images": images,
        "best": 0.5,
        "last": None,
        "networks": {"generator": {"w": torch.randn(40, 40, generator=draw), "half": torch.ones(3).bfloat16()}},
        "optimiser": {
            "state": {0: {"step": torch.tensor(3.0), "flags": torch.tensor([True, False])}},
            "groups": [(1,)],
        },
    }


def test_every_flipped_bit_falls_back_to_the_older_and_says_so(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create(TrainConfig(data="d"))
    for images in (8, 16):
        Checkpoints(run).save(state(images))
    newest = run.checkpoints / "00000016.pt"
    sound = newest.read_bytes()
    rng = np.random.default_rng(0)
    fallen = 0
    for at in rng.integers(0, len(sound), 60):
        newest.write_bytes(sound[:at] + bytes([sound[at] ^ (1 << rng.integers(8))]) + sound[at + 1 :])
        checkpoints = Checkpoints(run)
        found = checkpoints.load()
        fallen += found["images"] == 8
        expected = state(int(found["images"]))
        assert torch.equal(found["networks"]["generator"]["w"], expected["networks"]["generator"]["w"])  # type: ignore[index]
        assert checkpoints.damaged == ("00000016.pt" if found["images"] == 8 else "")
    assert fallen > 30
    assert any("00000016.pt" in line for line in run.log())


def test_a_checkpoint_of_an_earlier_version_has_no_digest_and_is_read(tmp_path: Path) -> None:
    torch.save(state(8), tmp_path / "x.pt")
    found = read_state(tmp_path / "x.pt")
    assert found is not None
    assert found["images"] == 8
