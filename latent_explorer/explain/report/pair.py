# SPDX-License-Identifier: MIT
"""Two classifiers that are asked of one and the same picture: their logits beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from latent_explorer.models.classifiers import Classifier


class Pair:
    """Two classifiers of the same K classes. The second's logits are brought into the order of the first's classes."""

    def __init__(self, first: Classifier, second: Classifier) -> None:
        self.classifiers = first, second
        self.names = first.config.class_names
        others = second.config.class_names
        same = sorted(self.names) == sorted(others)
        # Number of each class of the second among the first's.
        self.second_class = {k: self.names.index(name) if same else k for k, name in enumerate(others)}
        self._order = sorted(self.second_class, key=self.second_class.__getitem__)

    def logits(self, img: Tensor) -> Tensor:
        """Return the logits (N, 2 K) of both for pictures img (N, 3, H, W)."""
        first, second = (classifier.logits(img).float() for classifier in self.classifiers)
        return torch.cat([first, second[:, self._order]], dim=1)

    def split(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return those (..., K) of each of (..., 2 K)."""
        count = len(self.names)
        return logits[..., :count], logits[..., count:]


def log_odds(logits: np.ndarray, target: int) -> np.ndarray:
    """Return log(p / (1 - p)) of a class (N,) for logits (N, K)."""
    odds: np.ndarray = logits[:, target] - np.logaddexp.reduce(np.delete(logits, target, axis=1), axis=1)
    return odds


def predicted_log_odds(logits: np.ndarray, effects: np.ndarray, target: int) -> np.ndarray:
    """Return first-order changes of a class's log-odds (N, ...), for logits (N, K) and their changes (N, ..., K)."""
    others = np.delete(np.arange(logits.shape[1]), target)
    weights = np.exp(logits[:, others] - np.logaddexp.reduce(logits[:, others], axis=1, keepdims=True))
    shared = np.einsum("n...k,nk->n...", effects[..., others], weights)
    changes: np.ndarray = effects[..., target] - shared
    return changes
