# SPDX-License-Identifier: MIT
"""Estimate of a training's time on this machine and its space on the disk, measured with steps of its own.

The steps are those of the same networks and the same classifier, on the chosen device, with pictures of noise; nothing
is written.
The figures exclude the training of a classifier, the export and the search for attributes, which a run may include.
"""

from __future__ import annotations

import shutil
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.events import Event, Progress
from latent_explorer.models.classifier_file import read_classifier
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.device import choose_device
from latent_explorer.models.perceptual import perceptual_for
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.models.processes import SINGLE_PROCESS, World
from latent_explorer.training.batches import BatchStream
from latent_explorer.training.config import ClassifierTraining
from latent_explorer.training.networks import Networks
from latent_explorer.training.stylex_trainer import BANK, Trainer

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.training.config import TrainConfig

PICTURES = 64  # of noise
REPEATS = 3
LONG = 1.0  # seconds after which a kind of step is not repeated
SLOW = 4.0  # seconds of a step to which the warm-up adds little
NEVER = 1 << 30  # an interval that no step meets
CLASSIFIER = "classifier"
# Parts of a step that not every step or picture has, by the field with their interval.
LAZY = {
    CLASSIFIER: "classifier_every",
    "latent": "latent_every",
    "r1": "r1_every",
    "path length": "path_length_every",
}
RECONSTRUCTION = (CLASSIFIER, "latent")  # those before the discriminator takes part
CHECKPOINTS = 4  # two, the best, and one that is being written
SHEET_SHARE = 0.7  # a PNG's size as a share of its pixels'
SHEET_PICTURES = 64
LINE = 400  # bytes of figures every 50 steps
# Most multiply-adds of a generator pass on a CPU: larger steps are measured with a smaller batch.
CPU_LIMIT = 8e9
CLASSIFIER_LIMIT = 0.4  # likewise: seconds that the classifier takes for a batch; with its gradient three times that


@dataclass(frozen=True)
class Estimate:
    """Time and space that a training will take. Rates are None for a stage that the schedule does not have."""

    seconds: float
    images_per_second_reconstruction: float | None
    images_per_second_full: float | None
    disk_bytes: int
    free_bytes: int | None  # on the disk of the run; None without a folder
    classifier_share: float = 0.0  # of a step's time, to ask the classifier forward and backward
    asking_seconds: float = 0.0  # of `seconds`: verdicts on the pictures, and validations


def estimate(
    config: TrainConfig, num_classes: int, folder: Path | None = None, pictures: int = 0
) -> Generator[Event, None, Estimate]:
    """Time a few steps of each stage. A job that yields Progress.

    folder    where the run would be
    pictures  of the data, about which the classifier is asked first

    Takes about five seconds if a step takes 0.3. Raises UserError for a config that cannot be trained.
    """
    trainer = synthetic_trainer(config, num_classes, bounded=True)
    # Images before the discriminator takes part.
    first = 0 if config.mode == "stylegan2" else max(min(config.adversarial_start, config.images), 0)
    rest = config.images - first
    reconstruction, share = (yield from _rate(trainer, 0, RECONSTRUCTION)) if first else (None, 0.0)
    full, share = (yield from _rate(trainer, config.images, tuple(LAZY))) if rest else (None, share)
    asking = 0.0
    if trainer.classifier is not None:
        asking = asking_passes(config, pictures) * _seconds_of(trainer.classifier, config.resolution)
    return Estimate(
        first / (reconstruction or 1) + rest / (full or 1) + asking,
        reconstruction,
        full,
        _disk_bytes(config, trainer),
        None if folder is None else _free_bytes(folder),
        share,
        asking,
    )


def asking_passes(config: TrainConfig, pictures: int) -> int:
    """Return how many pictures the classifier sees outside of steps: verdicts on `pictures`, and validations."""
    # Features of the real pictures once; in each validation those of reconstructions and of random samples.
    validations = 1 + 2 * (config.images // config.validate_every)
    return pictures * (1 + config.flip) + validations * config.validate_pictures


def _rate(trainer: Trainer, images: int, lazy: tuple[str, ...]) -> Generator[Event, None, tuple[float, float]]:
    """Measure images per second of a stage, and the classifier's share of its time.

    Measured are plain steps, which have none of LAZY, and what each of these adds by its interval.
    """
    config = trainer.config
    yield Progress(0, 1 + len(lazy), "Measuring the speed")
    first = _seconds(trainer, images, None)  # warm-up: memory is allocated and kernels are chosen
    plain, added = 0.0, dict.fromkeys(LAZY, 0.0)
    for done, name in enumerate((None, *lazy)):
        yield Progress(done, 1 + len(lazy), "Measuring the speed")
        seconds = first if name is None and first > SLOW else _median(trainer, images, name)
        if name is None:
            plain = seconds
        else:
            added[name] = max(seconds - plain, 0) / max(getattr(config, LAZY[name]), 1)
    whole = plain + sum(added.values())
    return config.batch / whole, added[CLASSIFIER] / whole


def _median(trainer: Trainer, images: int, lazy: str | None) -> float:
    times: list[float] = []
    while len(times) < REPEATS and sum(times) < LONG:
        times.append(_seconds(trainer, images, lazy))
    return statistics.median(times)


def _seconds(trainer: Trainer, images: int, lazy: str | None) -> float:
    """Time one step after `images` seen images, with the part of LAZY of that name and without the others."""
    config = trainer.config
    intervals = {field: 1 if name == lazy else NEVER for name, field in LAZY.items()}
    trainer.config = msgspec.structs.replace(config, **intervals)
    trainer.images, trainer.step_count = images, 1
    started = time.perf_counter()
    losses = trainer.step()
    torch.stack([value.float() for value in losses.values()]).tolist()  # waits for the device
    trainer.config = config
    return time.perf_counter() - started


def synthetic_trainer(
    config: TrainConfig,
    num_classes: int,
    world: World = SINGLE_PROCESS,
    *,
    bounded: bool = False,
) -> Trainer:
    """Return a trainer on pictures of noise; `bounded`: with a smaller batch, if a step would take long on a CPU.

    Its classifier is the config's, else one as large as those that `train-classifier` makes.
    """
    device, size = world.device(config.device), config.resolution
    pixels = np.random.default_rng(0).integers(0, 256, (PICTURES, size, size, 3), dtype=np.uint8)
    classifier, perceptual = None, None
    if config.mode == "stylex":
        with torch.random.fork_rng(devices=[]):
            names = tuple(f"class {k}" for k in range(num_classes))
            widths = (config.classifier_training or ClassifierTraining(config.data)).widths
            if config.classifier:
                classifier = read_classifier(Path(config.classifier))[0]
            else:
                small = ClassifierConfig("noise", "small-resnet", names, Preprocessing(size), widths=widths)
                classifier = Classifier(small)
            num_classes = classifier.num_classes
        classifier = classifier.to(device).eval().requires_grad_(False)
        perceptual = perceptual_for(classifier)
    if perceptual is not None:
        perceptual = perceptual.to(device)
    if bounded:
        config = _bounded(config, 0.0 if classifier is None else _seconds_of(classifier, size))
    networks = Networks(config, num_classes, device)
    probs = torch.rand(1 + config.flip, PICTURES, num_classes, generator=torch.Generator()).softmax(dim=2)
    stream = BatchStream(pixels, None if classifier is None else probs, config, world, device)
    trainer = Trainer(config, networks, stream, classifier, perceptual, world)
    trainer.bank = torch.randn(BANK, config.w_dim, generator=torch.Generator()).to(device)
    return trainer


@torch.no_grad()
def _seconds_of(classifier: Classifier, size: int) -> float:
    """Return the seconds that a classifier takes for one picture."""
    img = torch.zeros(1, 3, size, size, device=classifier.mean.device)
    classifier.logits(img)
    started = time.perf_counter()
    float(classifier.logits(img).sum())  # waits for the device
    return time.perf_counter() - started


def _bounded(config: TrainConfig, classifier_seconds: float) -> TrainConfig:
    """Shrink the batch until a step on a CPU takes seconds; images per second hardly depend on it."""
    widths = config.channels
    work = sum(9 * (4 << k) ** 2 * width * (width + widths[max(k - 1, 0)]) for k, width in enumerate(widths))
    cost = max(work / CPU_LIMIT, classifier_seconds / CLASSIFIER_LIMIT)
    on_cpu = choose_device(config.device).type == "cpu"
    while on_cpu and config.batch >= 4 and config.batch * cost > 1:
        parts = ("batch", "discriminated", "mapped", "repaired")
        config = msgspec.structs.replace(config, **{name: -(-getattr(config, name) // 2) for name in parts})
    return config


def _disk_bytes(config: TrainConfig, trainer: Trainer) -> int:
    checkpoint = _tensor_bytes(trainer.state())
    networks = trainer.networks
    kept = [m for m in (networks.G, networks.E, networks.D) if m is not None]
    explainer = 2 * sum(p.numel() for module in kept for p in module.parameters())  # fp16
    pixels = SHEET_PICTURES * 3 * config.resolution**2
    sheets = config.images / config.sheet_every * pixels * SHEET_SHARE
    figures = config.images / config.batch / 50 * LINE
    return int(CHECKPOINTS * checkpoint + explainer + sheets + figures)


def _tensor_bytes(value: Any) -> int:
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    values = value.values() if isinstance(value, dict) else value
    return sum(_tensor_bytes(v) for v in values) if isinstance(value, dict | list | tuple) else 0


def _free_bytes(folder: Path) -> int:
    """Return the free space where `folder` is or would be."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
