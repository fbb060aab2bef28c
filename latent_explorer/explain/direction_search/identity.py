# SPDX-License-Identifier: MIT
"""What must stay when a direction changes the class: the identity losses of the classifier-guided direction."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import shortened
from latent_explorer.models.perceptual import LpipsDistance, perceptual_for

if TYPE_CHECKING:
    from latent_explorer.explain.direction_search.settings import GuidedSettings
    from latent_explorer.models.classifiers import Classifier


class IdentityLoss(Protocol):
    """Distance (N,) of pictures img (N, 3, H, W) from what `features` kept of others; 0 for equal ones."""

    name: str

    def features(self, img: Tensor) -> list[Tensor]: ...
    def distance_of_features(self, a: list[Tensor], b: list[Tensor]) -> Tensor: ...


class ClassFreeFeatures:
    """1 - cosine of the classifier's penultimate features, with the direction that decides for the class taken out.

    Without that, the loss would forbid the very change that is wanted. UserError where the network does not end in a
    linear layer on its features.
    """

    name = "classifier features without the class"

    def __init__(self, classifier: Classifier, target: int) -> None:
        self.classifier = classifier
        self.normal = F.normalize(class_normal(classifier, target), dim=0)  # (F,)

    def features(self, img: Tensor) -> list[Tensor]:
        features = self.classifier.features(img)
        return [features - (features @ self.normal)[:, None] * self.normal]

    def distance_of_features(self, a: list[Tensor], b: list[Tensor]) -> Tensor:
        return 1 - F.cosine_similarity(a[0], b[0], dim=1)


def class_normal(classifier: Classifier, target: int) -> Tensor:
    """Return the direction (F,) of the penultimate features along which the class gains on the mean of the others."""
    config = classifier.config
    size = config.preprocessing.input_size
    outputs = 1 if config.head == "sigmoid" else len(config.class_names)
    heads = [m for m in classifier.network.modules() if isinstance(m, nn.Linear) and m.out_features == outputs]
    width = 0
    try:
        with torch.no_grad():
            width = classifier.features(torch.zeros(1, 3, size, size, device=classifier.mean.device)).shape[1]
    except (UserError, AttributeError, IndexError, RuntimeError, ValueError):
        heads = []
    if not heads or heads[-1].in_features != width:
        raise UserError(
            f"{config.architecture} offers no features on which its last layer is linear, so the class cannot be taken "
            "out of them. Choose LPIPS as identity loss, or none."
        )
    weight = heads[-1].weight.detach()
    if outputs == 1:
        return weight[0]
    return weight[target] - (weight.sum(dim=0) - weight[target]) / (outputs - 1)


class EmbeddingDistance:
    """1 - cosine of what a network answers for two pictures: an embedding that a person brings, such as of faces.

    Its answer is taken as it is, whatever the network was trained for. UserError unless that is a vector for each
    picture, of finite numbers.
    """

    def __init__(self, embedding: Classifier, device: torch.device) -> None:
        self.network = copy.deepcopy(embedding).to(device)
        name = shortened(embedding.config.name)
        self.name = f"embedding by {name}"
        size = embedding.config.preprocessing.input_size
        with torch.no_grad():
            tried = self.network.embedding(torch.linspace(-1, 1, size, device=device).expand(2, 3, size, size))
        if tried.ndim != 2 or tried.shape[1] < 2:
            shape = " x ".join(map(str, tried.shape[1:])) or "1"
            raise UserError(
                f"{name} answers {shape} for a picture, which is no embedding: its cosine needs two numbers or more. "
                "Give a network that ends in a vector."
            )
        if not bool(tried.isfinite().all()):
            raise UserError(f"{name} answers numbers that are not finite, so it cannot compare pictures.")

    def features(self, img: Tensor) -> list[Tensor]:
        return [self.network.embedding(img)]

    def distance_of_features(self, a: list[Tensor], b: list[Tensor]) -> Tensor:
        return 1 - F.cosine_similarity(a[0], b[0], dim=1)


def identity_loss(
    settings: GuidedSettings, classifier: Classifier, target: int, embedding: Classifier | None = None
) -> IdentityLoss | None:
    """Return the loss by `embedding`, else the one that the settings name; None for "none"."""
    if embedding is not None:
        return EmbeddingDistance(embedding, classifier.mean.device)
    if settings.identity == "none":
        return None
    if settings.identity != "features":
        distance = perceptual_for(None)
        if isinstance(distance, LpipsDistance):
            return distance.to(classifier.mean.device)
        if settings.identity == "lpips":
            raise UserError(
                "LPIPS's weights are not installed. Get them with `latent-explorer get-weights squeeze`, or choose the "
                "classifier's features as identity loss."
            )
    return ClassFreeFeatures(classifier, target)
