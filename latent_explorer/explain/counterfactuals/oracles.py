# SPDX-License-Identifier: MIT
"""Oracles: linear probes of attributes of the data, which say what else a counterfactual changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latent_explorer.explain.direction_search.logistic import fit_logistic

if TYPE_CHECKING:
    from collections.abc import Mapping

HELD_OUT = 0.25  # of the training pictures: an oracle's accuracy is measured on them


@dataclass(frozen=True)
class Oracle:
    """Logistic regression on embeddings of pictures, and how far it can be trusted."""

    name: str
    accuracy: float  # on pictures that it was not fitted on
    majority: float  # of always giving the commoner answer
    coefficients: np.ndarray  # (E,)
    intercept: float

    def probs(self, embeddings: Tensor) -> Tensor:
        """Return the probabilities (N,) that pictures with embeddings (N, E) have the attribute."""
        return torch.sigmoid(embeddings.double() @ torch.from_numpy(self.coefficients) + self.intercept)


def fit_oracles(embeddings: Tensor, attributes: Mapping[str, np.ndarray], seed: int = 0) -> list[Oracle]:
    """Fit an oracle of each attribute, on three quarters of the pictures drawn at random, and measure it on the rest.

    An attribute that all or none of the fitted pictures have is left out.

    embeddings   (M, E) of real pictures
    attributes   by name: (M,) bool
    """
    x = embeddings.double().numpy()
    order = np.random.default_rng(seed).permutation(len(x))
    held, fitted = np.split(order, [round(HELD_OUT * len(x))])
    found = []
    for name, has in attributes.items():
        if len(np.unique(has[fitted])) < 2 or not len(held):
            continue
        coefficients, intercept = fit_logistic(x[fitted], has[fitted].astype(int))
        right = (x[held] @ coefficients + intercept > 0) == has[held]
        share = float(has[held].mean())
        found.append(Oracle(name, float(right.mean()), max(share, 1 - share), coefficients, float(intercept)))
    return found
