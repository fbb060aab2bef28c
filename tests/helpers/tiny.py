# SPDX-License-Identifier: MIT
"""A tiny explainer for tests: every part is there, nothing is trained."""

from __future__ import annotations

import torch

from latent_explorer.models.architecture import GeneratorConfig, TrunkConfig
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.discriminator import Encoder
from latent_explorer.models.explainer import Explainer, Samples, hash_classifier, style_statistics
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.models.stylegan2 import Generator

CLASS_NAMES = ("healthy", "diseased")


@torch.no_grad()
def make_explainer(resolution: int = 16, samples: int = 12, seed: int = 0) -> Explainer:
    """Random weights from `seed`: two classes, an encoder, a classifier, encoded samples, ranges and two attributes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        channels = tuple(max(4, 32 >> k) for k in range(resolution.bit_length() - 2))
        generator = Generator(GeneratorConfig(channels, z_dim=16, w_dim=16, num_classes=2, mapping_layers=2))
        encoder = Encoder(TrunkConfig(channels, outputs=16, hidden=16))
        classifier = Classifier(
            ClassifierConfig("tiny", "small-resnet", CLASS_NAMES, Preprocessing(resolution), widths=(8, 8))
        )
        _warm_up(classifier, resolution)
        images = torch.rand(samples, 3, resolution, resolution) * 2 - 1
        cond = torch.randn(samples, 2).softmax(dim=1)  # an untrained classifier would tell all the same
    classifier.eval()
    ws = generator.broadcast(encoder(images)).contiguous()
    _balance(classifier, generator.synthesis(ws, cond, generator.synthesis.noise_const()))
    probs = classifier.probs(images)
    key = hash_classifier(classifier)
    return Explainer(
        name="tiny",
        generator=generator,
        encoder=encoder,
        classifiers={key: classifier},
        conditioned_on=key,
        samples=Samples(ws, cond, probs, tuple(f"sample-{i}.png" for i in range(samples))),
        style_stats=style_statistics(generator, ws, cond),
        attribute_sets=(_attributes(key, samples),),
        provenance={"data": "random numbers", "licence": "MIT"},
        figures={"agreement": 0.5},
    )


def _warm_up(classifier: Classifier, resolution: int) -> None:
    """Give the batch norms statistics: untrained ones leave every picture the same verdict."""
    classifier.train()
    for _ in range(20):
        classifier.logits(torch.rand(32, 3, resolution, resolution) * 2 - 1)


def _balance(classifier: Classifier, img: torch.Tensor) -> None:
    """Move and scale the last layer so that the pictures img (N, 3, H, W) fall into both classes."""
    logits = classifier.logits(img)
    difference = logits[:, 1] - logits[:, 0]
    head = [module for module in classifier.modules() if isinstance(module, torch.nn.Linear)][-1]
    head.bias[1] -= difference.quantile(0.5)  # between two pictures: torch.median is one of them, at P = 0.5
    head.weight.mul_(2.0 / difference.std())
    head.bias.mul_(2.0 / difference.std())


def _attributes(classifier_id: str, n: int) -> AttributeSet:
    found = (
        Attribute("first", 1, (AttributeEntry(3, "max"),), mean_effect=0.5, interval=(0.3, 0.7)),
        Attribute("second", 1, (AttributeEntry(40, "min"),), mean_effect=0.2, interval=(0.1, 0.3)),
    )
    return AttributeSet(classifier_id, "attfind-notebook", n, 1.0, "the samples", found)
