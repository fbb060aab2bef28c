# SPDX-License-Identifier: MIT
"""Training of a small classifier from a label column, with figures of its quality."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Metric, Progress
from latent_explorer.common.statistics import wilson_interval
from latent_explorer.data.dataset import open_dataset, read_all
from latent_explorer.data.split_words import SPLITS
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.explainer_header import classifier_problems
from latent_explorer.models.metrics import calibration_error
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.training.batches import require_sides, to_img

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.training.config import ClassifierTraining, DataConfig


def open_labelled_data(config: DataConfig) -> ImageDataset:
    """Open the data set of a config. Raises UserError unless it has classes, and pictures on all sides of the split.

    Labels that can be understood in two ways are refused, too, with both.
    """
    data = open_dataset(**msgspec.structs.asdict(config))
    if data.question:
        data.close()
        raise UserError(data.question)
    require_sides(data, SPLITS)
    if data.labels is None or len(data.class_names) < 2:
        raise UserError("A classifier needs at least two classes. Name the column of labels.csv as Label (--label).")
    return data


def augment(img: Tensor, blur: float, generator: torch.Generator) -> Tensor:
    """Mirror, shift by up to 4 px, change brightness and contrast a little, blur some by shrinking and enlarging.

    A shift uncovers black, the background of cut-outs; on photographs the black strip is one more small disturbance.
    """
    n, _, height, width = img.shape
    mirrored = torch.rand(n, generator=generator) < 0.5
    img = torch.where(mirrored[:, None, None, None], img.flip(3), img)
    dy, dx = torch.randint(-4, 5, (2,), generator=generator).tolist()
    img = F.pad(img, (4, 4, 4, 4), value=-1)[:, :, 4 + dy : 4 + dy + height, 4 + dx : 4 + dx + width]
    gain = 1 + 0.2 * (torch.rand(n, 1, 1, 1, generator=generator) - 0.5)
    shift = 0.1 * (torch.rand(n, 1, 1, 1, generator=generator) - 0.5)
    ground = img <= -0.99  # the black background of cut-outs stays black
    img = torch.where(ground, img, (img * gain + shift).clamp(-1, 1))
    factor = 0.4 + 0.6 * float(torch.rand((), generator=generator))
    small = F.interpolate(img, scale_factor=factor, mode="bilinear", antialias=True)
    soft = F.interpolate(small, (height, width), mode="bilinear")
    return torch.where((torch.rand(n, generator=generator) < blur)[:, None, None, None], soft, img)


def mask_center(img: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Cover a square about the middle of some pictures with one grey, 0.6 to 0.9 of a side long.

    Random erasing of the object: only its surroundings are left to learn from.
    """
    n, _, height, width = img.shape
    side, grey, chance = torch.rand(3, n, 1, 1, 1, generator=generator)
    half = 0.3 + 0.15 * side  # of a side
    y = (torch.arange(height).add(0.5) / height - 0.5).abs()[None, None, :, None]
    x = (torch.arange(width).add(0.5) / width - 0.5).abs()[None, None, None, :]
    return torch.where((chance < share) & (y < half) & (x < half), 2 * grey - 1, img)


@torch.no_grad()
def predict(classifier: Classifier, img: Tensor, batch: int = 128) -> Tensor:
    """Return logits (N, K) of pictures (N, 3, H, W)."""
    return torch.cat([classifier.logits(img[i : i + batch]) for i in range(0, len(img), batch)])


def fit_temperature(logits: Tensor, confidence: float) -> float:
    """Return the temperature at which the median top probability is `confidence`, by bisection in log space."""
    low, high = math.log(0.05), math.log(20.0)
    for _ in range(50):
        middle = (low + high) / 2
        median = float((logits / math.exp(middle)).softmax(dim=1).amax(dim=1).median())
        low, high = (middle, high) if median > confidence else (low, middle)
    return math.exp(low)


def figures(logits: Tensor, labels: Tensor) -> dict[str, Any]:
    """Return the figures of a split: accuracy with interval, per class, confidence, calibration error."""
    probs = logits.softmax(dim=1)
    correct = probs.argmax(dim=1) == labels
    per_class = [float(correct[labels == k].double().mean()) for k in range(logits.shape[1])]
    return {
        "n": len(labels),
        "accuracy": float(correct.double().mean()),
        "interval": wilson_interval(int(correct.sum()), len(labels)),
        "per_class": per_class,
        "median_top_probability": float(probs.amax(dim=1).median()),
        "calibration_error": calibration_error(probs, labels),
    }


def train_classifier(config: ClassifierTraining) -> Generator[Event, None, tuple[Classifier, dict[str, Any]]]:
    """Train a classifier. A job that yields Progress and Metric; returns the classifier and facts about it."""
    size = config.resolution
    data = open_labelled_data(config.data)
    description = _described(config, data.class_names)
    data, pixels = yield from read_all(data, size)
    require_sides(data, SPLITS)
    assert data.labels is not None
    labels = torch.from_numpy(data.labels)
    rows = {split: data.indices(split) for split in SPLITS}
    torch.manual_seed(config.seed)  # initial weights only
    classifier = Classifier(description)
    yield from _fit(config, classifier, pixels, labels, rows["train"])
    classifier.eval().requires_grad_(False)

    def logits_of(split: str) -> Tensor:
        return predict(classifier, to_img(pixels[rows[split]]))

    if config.confidence:
        temperature = fit_temperature(logits_of("val"), config.confidence)
        # The weights stay as they are; logits are divided by the temperature.
        classifier.config = msgspec.structs.replace(classifier.config, temperature=temperature)
    about = {
        "data": data.describe(),
        "settings": {name: getattr(config, name) for name in config.__struct_fields__ if name != "data"},
        "temperature": classifier.config.temperature,
        "val": figures(logits_of("val"), labels[rows["val"]]),
        "test": figures(logits_of("test"), labels[rows["test"]]),
        "milliseconds_a_picture": _milliseconds(classifier, size),
    }
    return classifier, about


def _described(config: ClassifierTraining, class_names: tuple[str, ...]) -> ClassifierConfig:
    """Describe the classifier. Raises UserError before the training for one that a file may not contain."""
    label = config.data.label or "class"
    described = ClassifierConfig(
        name=f"{label}, frame only" if config.frame_only else f"{label} ({config.architecture})",
        architecture=config.architecture,
        class_names=tuple(class_names),
        preprocessing=Preprocessing(config.resolution),
        widths=config.widths if config.architecture == "small-resnet" else (),
        frame_only=config.frame_only,
    )
    if problem := next(classifier_problems(described), None):
        raise UserError(f"No classifier was trained: {problem}. Change that setting.")
    return described


def _fit(
    config: ClassifierTraining, classifier: Classifier, pixels: np.ndarray, labels: Tensor, rows: np.ndarray
) -> Generator[Event, None, None]:
    generator = torch.Generator().manual_seed(config.seed)
    decayed = [p for p in classifier.parameters() if p.dim() > 1]
    plain = [p for p in classifier.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=config.lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.lr, total_steps=config.steps)
    classifier.train()
    started = time.monotonic()
    for step in range(config.steps):
        pick = rows[torch.randint(len(rows), (config.batch,), generator=generator).numpy()]
        img = augment(to_img(pixels[pick]), config.blur, generator)
        if config.covered:
            img = mask_center(img, config.covered, generator)
        loss = F.cross_entropy(classifier.logits(img), labels[pick], label_smoothing=config.label_smoothing)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        if (step + 1) % 20 == 0:
            left = (time.monotonic() - started) / (step + 1) * (config.steps - step - 1)
            yield Progress(step + 1, config.steps, "Training the classifier", left)
            yield Metric(step + 1, {"loss": float(loss.detach())})


@torch.no_grad()
def _milliseconds(classifier: Classifier, size: int, repeats: int = 30) -> float:
    """Measure the median milliseconds of one picture at batch 1 on this machine, for the report."""
    img = torch.zeros(1, 3, size, size)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        classifier.logits(img)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))
