# SPDX-License-Identifier: MIT
"""`train`: set-up, the loop over steps with figures, sheets and checkpoints, and going on where a run stopped."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Metric, Notice, Preview, Progress, Result
from latent_explorer.models.classifier_file import read_classifier
from latent_explorer.models.explainer import hash_classifier
from latent_explorer.models.perceptual import Perceptual
from latent_explorer.training.loop import Trainer
from latent_explorer.training.networks import Networks
from latent_explorer.training.run import RunFolder
from latent_explorer.training.stream import BatchStream, open_data
from latent_explorer.training.validate import Validation

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.training.config import TrainConfig

LOG_EVERY = 50  # steps


def train(config: TrainConfig, folder: Path, resume: bool = False) -> Generator[Event, None, Path]:
    """Train until `config.images` were seen. Yields Metric, Preview, Progress; last Result(folder).

    `resume` takes everything but the length from the folder. Closing the generator writes a checkpoint. A training
    that diverges ends with a UserError and leaves the last sound checkpoint as it is.
    """
    run = RunFolder(folder)
    if resume:
        config = msgspec.structs.replace(
            run.config(), images=max(config.images, run.config().images)
        )
    trainer, validation, provenance = _set_up(config)
    if resume:
        trainer.load_state(run.load())
        run.forget_after(trainer.images)
        yield Notice(f"Going on at {trainer.images} images.")
    else:
        run.create(config, provenance)
    try:
        yield from _loop(config, trainer, validation, run)
    finally:
        if trainer.is_sound():
            run.save(trainer.state())
    yield Result(folder)
    return folder


def _set_up(config: TrainConfig) -> tuple[Trainer, Validation, dict[str, object]]:
    _check_batch(config)
    data = open_data(config.data)
    pixels = data.read_all(config.resolution)
    classifier, about = read_classifier(Path(config.classifier))
    perceptual = Perceptual("alex")
    generator = torch.Generator().manual_seed(config.seed)
    networks = Networks(config, classifier.num_classes)
    rows = data.indices("val")
    # An evenly spread sample in a fixed order that mixes the classes.
    rows = np.random.default_rng(0).permutation(rows)[: config.validate_pictures]
    validation = Validation(pixels[rows], classifier, perceptual)
    stream = BatchStream(
        pixels[data.indices("train")], classifier, config.batch, config.flip, generator
    )
    provenance: dict[str, object] = {
        "data": data.describe(),
        "classifier": about,
        "classifier_id": hash_classifier(classifier),
    }
    return (
        Trainer(config, networks, stream, classifier, perceptual, generator),
        validation,
        provenance,
    )


def _check_batch(config: TrainConfig) -> None:
    """Every part of a step is taken from its one batch."""
    parts = {
        "discriminated": config.discriminated,
        "mapped + repaired": config.mapped + config.repaired,
    }
    for name, size in parts.items():
        if not 1 <= size <= config.batch:
            raise UserError(
                f"{name} is {size}, but a batch has {config.batch} pictures. Choose 1 to {config.batch}."
            )


def _loop(
    config: TrainConfig, trainer: Trainer, validation: Validation, run: RunFolder
) -> Generator[Event, None, None]:
    started, first = time.monotonic(), trainer.images
    saved = started
    sums: dict[str, list[torch.Tensor]] = {}
    while trainer.images < config.images:
        before = trainer.images
        for name, value in trainer.step().items():
            sums.setdefault(name, []).append(value)
        if trainer.step_count % LOG_EVERY == 0:
            if not trainer.is_sound():
                raise UserError(
                    f"The training diverged before {trainer.images} images: its weights are no numbers any more. "
                    "The checkpoint before that can be exported; start again with a smaller lr."
                )
            rate = (trainer.images - first) / (time.monotonic() - started)
            values = {name: float(torch.stack(v).mean()) for name, v in sums.items()} | {
                "images_per_second": rate
            }
            sums.clear()
            run.log(trainer.images, values)
            yield Metric(trainer.images, values)
            left = (config.images - trainer.images) / rate
            yield Progress(trainer.images, config.images, "Training (images)", left)
        if _crossed(before, trainer.images, config.validate_every):
            values = validation.measure(trainer.networks)
            run.log(trainer.images, values)
            yield Metric(trainer.images, values)
        if _crossed(before, trainer.images, config.sheet_every):
            sheet = validation.sheet(trainer.networks)
            run.sheet(trainer.images, sheet)
            yield Preview(sheet, f"{trainer.images} images")
        if time.monotonic() - saved > config.checkpoint_seconds and trainer.is_sound():
            run.save(trainer.state())
            saved = time.monotonic()


def _crossed(before: int, after: int, every: int) -> bool:
    return before // every != after // every
