# SPDX-License-Identifier: MIT
"""Time of a quick look with large classifiers, by the share of pictures that its losses ask them about.

Method. `estimate`, whose figure the window shows before a training, measures the steps of both stages with a classifier
of random weights, with and without asking it. From these measurements the time is computed for every share; the column
before it is the part of verdicts on the pictures and of validations. It is processor time of one thread, so that other
programs change it less. Left out are export and attributes.

    python benchmarks/large_classifier.py [--preset quick-look] [--pictures 7204] [NETWORK:SIZE ...]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import torch

from latent_explorer.models.classifier_file import write_classifier
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.training import estimate
from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.presets import apply

if TYPE_CHECKING:
    from latent_explorer.training.stylex_trainer import Trainer

NETWORKS = ("resnet18:64", "resnet18:224", "resnet50:64", "resnet50:224", "vit_b_16:224")  # of torchvision, and px
EVERY = (1, 2, 4)


def stage(trainer: Trainer, images: int, names: tuple[str, ...]) -> tuple[float, float]:
    """Return seconds an image for all but the classifier, and for the classifier if asked about every picture."""
    config = trainer.config
    estimate._seconds(trainer, images, None)
    plain = estimate._median(trainer, images, None)
    added = {name: estimate._median(trainer, images, name) - plain for name in names}
    asked = added.pop(estimate.CLASSIFIER)
    rest = plain + sum(more / getattr(config, estimate.LAZY[name]) for name, more in added.items())
    return rest / config.batch, asked / config.batch


def row(network: str, preset: str, pictures: int, folder: Path) -> str:
    """Measure one classifier; return a row of the table."""
    name, _, size = network.partition(":")
    about = ClassifierConfig("x", f"torchvision:{name}", ("a", "b"), Preprocessing(int(size)))
    path = folder / f"{name}.classifier"
    write_classifier(path, Classifier(about), {})
    config = apply(preset, TrainConfig(DataConfig(""), str(path), device="cpu"))
    trainer = estimate.synthetic_trainer(config, 2, bounded=True)
    assert trainer.classifier is not None
    first = config.adversarial_start
    stages = [
        (first, *stage(trainer, 0, estimate.RECONSTRUCTION)),
        (config.images - first, *stage(trainer, config.images, tuple(estimate.LAZY))),
    ]
    a_pass = statistics.median(estimate._seconds_of(trainer.classifier, config.resolution) for _ in range(3))
    asking = estimate.asking_passes(config, pictures) * a_pass
    cells = []
    for every in EVERY:
        steps = sum(images * (rest + asked / every) for images, rest, asked in stages)
        cells.append(f"{(steps + asking) / 3600:.2f} h")
    rest, asked = stages[1][1:]
    return f"| {name}, {size} px | {asked / (rest + asked):.0%} | {asking / 3600:.2f} h | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--preset", default="quick-look")
    parser.add_argument("--pictures", type=int, default=7204, help="of the data, asked about once and mirrored")
    options = parser.parse_args()
    torch.set_num_threads(1)
    estimate.time = SimpleNamespace(perf_counter=time.process_time)  # type: ignore[attr-defined]
    heads = " | ".join("every picture" if n == 1 else f"one in {n}" for n in EVERY)
    print(f"| classifier | its share of a step | outside steps | {heads} |")
    print("| --- |" + " ---: |" * (2 + len(EVERY)))
    with tempfile.TemporaryDirectory() as folder:
        for network in options.networks:
            print(row(network, options.preset, options.pictures, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
