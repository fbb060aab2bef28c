# SPDX-License-Identifier: MIT
"""Small explainers for tests: random weights, 16 px, a few channels; and a classifier whose verdict is known."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from latent_explorer.models.architecture import GeneratorConfig, TrunkConfig
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.discriminator import Encoder
from latent_explorer.models.explainer import Explainer, Samples, hash_classifier, style_statistics
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.models.stylegan2 import Generator

CHANNELS = (8, 8, 6)  # 16 px; S = 8 + 8 + 8 + 8 + 6 = 38


class MeanColour(nn.Module):
    """Logits (K): `gain` times the mean of the first K colour channels, with input in [-1, 1]."""

    def __init__(self, classes: int, gain: float = 20.0) -> None:
        super().__init__()
        self.classes, self.gain = classes, gain

    def features(self, x: Tensor) -> Tensor:
        return x  # of a trunk that leaves the picture as it is; the classifier takes the mean

    def forward(self, x: Tensor) -> Tensor:
        return self.gain * x.mean(dim=(2, 3))[:, : self.classes]


def tiny_classifier(classes: int = 2, gain: float = 20.0) -> Classifier:
    names = tuple("abc"[:classes])
    config = ClassifierConfig("tiny", "small-resnet", names, Preprocessing(16), widths=(4, 8))
    classifier = Classifier(config)
    classifier.network = MeanColour(classes, gain)
    return classifier


def tiny_generator(classes: int = 2, seed: int = 0) -> Generator:
    torch.manual_seed(seed)
    config = GeneratorConfig(CHANNELS, z_dim=16, w_dim=16, num_classes=classes, mapping_layers=2, mapping_lr_mul=1.0)
    generator = Generator(config)
    for layer in generator.synthesis.layout.conv_layers:
        nn.init.constant_(generator.synthesis.layer(layer.name).noise_strength, 0.05)
    generator.mapping.w_avg.copy_(generator.mapping(torch.randn(256, 16)).mean(dim=0).detach())
    return generator


def tiny_explainer(classes: int = 2, n: int = 24, *, classifier: Classifier | None = None, seed: int = 0) -> Explainer:
    """Random generator and encoder, `n` samples drawn by the mapping, the mean-colour classifier."""
    generator = tiny_generator(classes, seed)
    encoder = Encoder(TrunkConfig(CHANNELS, outputs=16, hidden=16))
    classifier = classifier or tiny_classifier(classes)
    key = hash_classifier(classifier)
    with torch.no_grad():
        ws = generator.broadcast(generator.mapping(torch.randn(n, 16))).contiguous()
        cond = torch.softmax(torch.randn(n, classes), dim=1)
        probs = classifier.probs(generator.synthesis(ws, cond, generator.synthesis.noise_const()))
    return Explainer(
        "tiny",
        generator,
        encoder,
        classifiers={key: classifier},
        conditioned_on=key,
        samples=Samples(ws, cond, probs, tuple(f"leaf-{i:02d}" for i in range(n))),
        style_stats=style_statistics(generator, ws, cond),
    )


def random_images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)
