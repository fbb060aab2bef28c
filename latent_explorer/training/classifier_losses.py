# SPDX-License-Identifier: MIT
"""Losses of a step that ask the classifier about reconstructions and generated pictures, forward and backward.

A large classifier can be asked about every n-th picture alone (`classifier_every`), others in each step. n times the
sum over them has the expected gradient of the sum over all, as in StyleGAN2's lazy regularisation (Karras et al. 2020,
appendix B); but no step goes without it, unless it has fewer than n pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.models.perceptual import FeatureDistance
from latent_explorer.training.losses import kl_divergence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.training.config import TrainConfig


def asked_rows(positions: Sequence[int], step: int, every: int) -> list[int]:
    """Return which of a step's pictures the classifier is asked about, as rows of those at `positions` in the batch.

    Of `every` steps one after the other each picture is asked about in exactly one.
    """
    return [row for row, position in enumerate(positions) if (position + step) % every == 0]


class ClassifierLosses:
    """KL, margin and evidence: those that have a weight."""

    def __init__(self, config: TrainConfig, classifier: Classifier) -> None:
        self.classifier = classifier
        self.distance = FeatureDistance(classifier) if config.evidence else None

    def __call__(
        self,
        c: TrainConfig,
        real: Tensor,
        rec: Tensor,
        img: Tensor,
        target_cond: Tensor,
        positions: Sequence[int],
        step: int,
    ) -> Iterator[tuple[str, float, Tensor]]:
        """Yield name, weight and value of each loss: of its mean over all pictures an estimate without bias.

        real, rec    (N, 3, H, W) originals and their copies
        img          (N + M, 3, H, W): copies and generated pictures
        target_cond  (N + M, K) probabilities that they must show
        positions    of `img` in the step's batch, all processes' pictures counted
        """
        every = c.classifier_every
        rows = asked_rows(positions, step, every)
        copies = [row for row in rows if row < len(real)]
        asked = {"kl": (c.kl, rows, len(img)), "margin": (c.margin, copies, len(real))}
        asked["evidence"] = (c.evidence, copies, len(real))
        for name, (weight, mine, count) in asked.items():
            if not weight:
                continue
            value = img.new_zeros([])
            if mine and name == "kl":
                value = kl_divergence(_take(target_cond, mine), self.classifier.logits(_take(img, mine)))
            elif mine:
                value = self._difference(name, _take(real, mine), _take(rec, mine))
            yield name, weight, value * (every * len(mine) / count)

    def _difference(self, name: str, real: Tensor, rec: Tensor) -> Tensor:
        """Return the mean difference of logits, or of features."""
        if name == "evidence" and self.distance is not None:
            return self.distance(rec, real).mean()
        return (self.classifier.logits(rec) - self.classifier.logits(real)).abs().mean()


def _take(x: Tensor, rows: list[int]) -> Tensor:
    """Return rows of x, without a copy if they are all."""
    return x if len(rows) == len(x) else x[rows]
