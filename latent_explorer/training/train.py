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
from latent_explorer.data.folder import ImageDataset, open_dataset
from latent_explorer.models.classifier_file import read_classifier
from latent_explorer.models.explainer import hash_classifier
from latent_explorer.models.perceptual import Perceptual
from latent_explorer.training.loop import Trainer
from latent_explorer.training.networks import Networks
from latent_explorer.training.run import RunFolder
from latent_explorer.training.stream import BatchStream
from latent_explorer.training.validate import Validation

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.training.config import DataConfig, TrainConfig

LOG_EVERY = 50  # steps


def open_data(config: DataConfig) -> ImageDataset:
    """The data set of a config; UserError where a side of the split is empty."""
    data = open_dataset(
        config.path,
        label=config.label,
        classes=config.classes,
        where=config.where,
        group=config.group,
        split=config.split,
    )
    for split in ("train", "val"):
        if len(data.indices(split)) == 0:
            raise UserError(
                f"The split leaves no pictures for {split}. Give more pictures or another --group."
            )
    return data


def train(config: TrainConfig, folder: Path, resume: bool = False) -> Generator[Event, None, Path]:
    """Train until `config.images` were seen. Yields Metric, Preview, Progress; last Result(folder).

    `resume` takes everything but the length from the folder. Closing the generator writes a checkpoint.
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
        run.save(trainer.state())
    yield Result(folder)
    return folder


def _set_up(config: TrainConfig) -> tuple[Trainer, Validation, dict[str, object]]:
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
        if time.monotonic() - saved > config.checkpoint_seconds:
            run.save(trainer.state())
            saved = time.monotonic()


def _crossed(before: int, after: int, every: int) -> bool:
    return before // every != after // every
