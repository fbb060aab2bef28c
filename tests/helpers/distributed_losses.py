# SPDX-License-Identifier: MIT
"""The losses of twenty steps of a tiny training, by as many processes as torchrun starts.

torchrun --nproc-per-node 2 tests/helpers/distributed_losses.py RUN LOSSES.json
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch
from tiny_training import FakePerceptual, tiny_config

from latent_explorer.common.jobs import run_job
from latent_explorer.models.processes import process_group
from latent_explorer.training import setup, stylex_trainer
from latent_explorer.training.config import TrainConfig
from latent_explorer.training.run_folder import RunFolder

STEPS = 20


def sharing_config(data: Path, classifier: Path) -> TrainConfig:
    """Everything takes part from the first step, and divides by two."""
    return tiny_config(
        data,
        classifier,
        adversarial_start=-1,
        discriminated=8,
        mapped=4,
        repaired=4,
        ada_target=-1.0,  # D is always surer than that: p rises at every step
        ada_images=200,
        path_length_every=2,
        r1_every=2,
        latent_every=2,
    )


def losses(folder: Path) -> list[dict[str, float]]:
    """What each step logs; in every process the same."""
    torch.set_num_threads(1)
    setup.perceptual_for = FakePerceptual  # type: ignore[assignment]
    stylex_trainer.BANK = 32  # so that the alignment takes part, too
    with process_group() as world:
        run = RunFolder(folder)
        data, pixels = run_job(setup.read_pictures(run, world))
        trainer, _ = run_job(setup.build_training(run, data, pixels, fresh=True, world=world))
        found = [trainer.step() for _ in range(STEPS)]
        # Not the first alone: a broken average would leave each process its own.
        return [{name: float(world.mean(v)) for name, v in step.items()} for step in found]


def _threads() -> list[str]:
    return [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]


if __name__ == "__main__":
    found = losses(Path(sys.argv[1]))
    # A group that something still holds aborts the process now and then, when the interpreter ends before its threads.
    assert not [name for name in _threads() if "gloo" in name]
    if os.environ["RANK"] == "0":
        Path(sys.argv[2]).write_text(json.dumps(found))
