# SPDX-License-Identifier: MIT
"""Trainings that take seconds: coloured discs, tiny networks, and the command line as a process that can be killed.

Run as a script it is the whole program with a stand-in for LPIPS, whose weights a bare clone lacks.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import torch
from PIL import Image

from latent_explorer.common.jobs import run_job
from latent_explorer.models.classifier_file import write_classifier
from latent_explorer.training.config import ClassifierTraining, DataConfig, TrainConfig
from latent_explorer.training.run_folder import RunFolder
from latent_explorer.training.train_classifier import train_classifier

ROOT = Path(__file__).resolve().parents[2]


CHANNELS = {"red": 0, "green": 1, "blue": 2}


def write_discs(folder: Path, count: int = 30, colours: tuple[str, ...] = ("green", "red")) -> Path:
    """Pictures of a disc in class folders, one a colour."""
    rng = np.random.default_rng(0)
    grid = np.mgrid[:16, :16]
    for name in colours:
        (folder / name).mkdir(parents=True)
        for i in range(count):
            centre = rng.uniform(5, 11, (2, 1, 1))
            disc = ((grid - centre) ** 2).sum(axis=0) < 16
            image = np.zeros((16, 16, 3), np.uint8)
            image[disc, CHANNELS[name]] = rng.integers(150, 255)
            Image.fromarray(image).save(folder / name / f"{i}.png")
    return folder


def classifier_training(data: Path) -> ClassifierTraining:
    """Enough to tell the discs apart."""
    return ClassifierTraining(DataConfig(str(data)), resolution=16, widths=(8, 16), steps=80, batch=16, confidence=0.9)


def write_disc_classifier(data: Path, path: Path) -> Path:
    """A classifier of the discs."""
    write_classifier(path, *run_job(train_classifier(classifier_training(data))))
    return path


def tiny_config(data: Path, classifier: Path | str, **changes: object) -> TrainConfig:
    """Twenty steps through all stages of the schedule."""
    config = TrainConfig(
        DataConfig(str(data)),
        str(classifier),
        resolution=16,
        channels=(8, 8, 8),
        z_dim=8,
        w_dim=8,
        hidden=16,
        images=160,
        batch=8,
        kl_start=0,
        kl_ramp=1,
        adversarial_start=40,
        adversarial_ramp=1,
        mapped=2,
        repaired=2,
        discriminated=4,
        validate_every=80,
        sheet_every=80,
        path_length_every=4,
        r1_every=4,
        mapping_steps=20,
        device="cpu",
    )
    return msgspec.structs.replace(config, **changes)


def started(config: TrainConfig, folder: Path) -> RunFolder:
    """Return a run folder as the first step finds it."""
    run = RunFolder(folder)
    run.create(config)
    return run


def same_tensors(a: object, b: object) -> bool:
    """Return True if two checkpoints are equal, bit for bit."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_tensors(a[k], b[k]) for k in a)  # type: ignore[attr-defined,index]
    if isinstance(a, list | tuple):
        return all(same_tensors(x, y) for x, y in zip(a, b, strict=True))  # type: ignore[call-overload]
    return a == b


class FakePerceptual(torch.nn.Module):
    """Stand-in for LPIPS in `perceptual_for`: a bare clone lacks its weights, and it is slow."""

    key, name = "lpips", "squared error"

    def __init__(self, classifier: object, name: str | None = None) -> None:
        super().__init__()

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a - b).square().mean(dim=(1, 2, 3))


PERCEPTUAL_USERS = ("setup", "export")


def program(*arguments: object, output: Path | None = None) -> subprocess.Popen[bytes]:
    """Start the command line with FakePerceptual as a process of its own; its output is appended to `output`."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    sink = output.open("ab") if output else subprocess.DEVNULL
    try:
        return subprocess.Popen(
            [sys.executable, __file__, *map(str, arguments)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    finally:
        if output:
            sink.close()  # type: ignore[union-attr]


def main() -> int:
    """Run the command line; FILE_LIMIT stands for a disk that is full for files of so many bytes."""
    import importlib

    for user in PERCEPTUAL_USERS:
        module = importlib.import_module(f"latent_explorer.training.{user}")
        module.perceptual_for = FakePerceptual  # type: ignore[attr-defined]
    from latent_explorer.training import train

    train.LOG_EVERY = 2
    if limit := os.environ.get("FILE_LIMIT"):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    from latent_explorer.cli.root import main as command_line

    return command_line()


if __name__ == "__main__":
    sys.exit(main())
