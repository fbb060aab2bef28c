# SPDX-License-Identifier: MIT
"""Map of samples as values: its pictures and its axes. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["components", "margin"]


@dataclass(frozen=True)
class MapPictures:
    """Pictures on the map: seeds 0 to `seeds` - 1, then `rows` of the file.

    w       mean over the rows of ws that convolutions read, (n, w_dim) float64
    cond    class probabilities that the generator is given (n, K'), K' = 0 where it takes none
    logits  the classifier's (n, K), NaN where not yet known
    """

    seeds: int
    rows: tuple[int, ...]
    w: np.ndarray
    cond: np.ndarray
    logits: np.ndarray

    @property
    def probs(self) -> np.ndarray:
        """Probabilities (n, K), NaN where not yet known."""
        shifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        probs: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
        return probs


@dataclass(frozen=True)
class MapAxes:
    """Two axes: a w lies at (w - centre) @ vectors.T, in standard deviations of the pictures along each.

    by_styles, offset  styles s (num_styles,) lie at by_styles @ s + offset
    notes              what is to be known of either axis, as a short sentence
    """

    names: tuple[str, str]
    notes: tuple[str, str]
    centre: np.ndarray
    vectors: np.ndarray
    by_styles: np.ndarray
    offset: np.ndarray

    def places(self, w: np.ndarray) -> np.ndarray:
        """Return the places (n, 2) of latents w (n, w_dim)."""
        places: np.ndarray = (w - self.centre) @ self.vectors.T
        return places
