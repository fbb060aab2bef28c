# SPDX-License-Identifier: MIT
"""Files as people have them: a small torchvision network and a small StyleGAN2, and pictures for the former."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torchvision import models

from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.classifier_file import write_classifier
from latent_explorer.models.importers.classifiers.file import import_classifier, inspect_classifier
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.models.stylegan2 import Generator


def write_brightness_checkpoint(path: Path, classes: int = 2, **beside: Any) -> Path:
    """Write a SqueezeNet for pictures of 0 to 1, or as ImageNet's, that says how bright they are: dark, bright, ..."""
    torch.manual_seed(0)
    network = models.squeezenet1_1(num_classes=classes)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.fill_(0 if name.endswith("bias") else 1 / parameter[0].numel())
        network.classifier[1].weight[0], network.classifier[1].bias[0] = 0, 0.05
    torch.save({"state_dict": network.state_dict(), **beside}, path)
    return path


def write_small_classifier(path: Path, checkpoint: Path) -> Path:
    """Write the classifier of a checkpoint as a .classifier that is shown 32 px: many pictures are soon asked."""
    write_classifier(path, import_classifier(inspect_classifier(checkpoint), "x", (), Preprocessing(32)), {})
    return path


def write_shades(folder: Path, names: tuple[str, str] = ("dark", "bright"), count: int = 8) -> Path:
    """Write dark and bright pictures into class folders of these names."""
    rng = np.random.default_rng(0)
    for name, value in zip(names, (10, 245), strict=True):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            noise = rng.integers(-9, 9, (32, 32, 3))
            Image.fromarray((value + noise).clip(0, 255).astype(np.uint8)).save(folder / name / f"{i}.png")
    return folder


def write_generator(path: Path, classes: int = 0) -> Path:
    """Write the state dict of a StyleGAN2 of 16 px in NVIDIA's names."""
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig((6, 5, 4), z_dim=7, w_dim=8, c_dim=classes, mapping_layers=2))
    torch.save({"G_ema": generator.state_dict()}, path)
    return path
