# SPDX-License-Identifier: MIT
"""Arguments and results of an open explainer, as numpy arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.events import Event

if TYPE_CHECKING:
    from torch import Tensor

StrPath = str | os.PathLike[str]
OnEvent = Callable[[Event], object] | None


@dataclass(frozen=True)
class Latents:
    """N latents with the class probabilities that the generator is told of each."""

    ws: np.ndarray  # (N, num_ws, w_dim) float32
    cond: np.ndarray | None  # (N, K) float32 class probabilities; None for a plain StyleGAN2

    @classmethod
    def of(cls, ws: Tensor, cond: Tensor | None) -> Latents:
        """Return latents from tensors on any device."""
        return cls(ws.float().cpu().numpy(), None if cond is None else cond.float().cpu().numpy())

    def __len__(self) -> int:
        return len(self.ws)

    def __getitem__(self, rows: slice) -> Latents:
        return Latents(self.ws[rows], None if self.cond is None else self.cond[rows])

    def __iter__(self) -> Iterator[Latents]:
        """Iterate over `Latents` of one row."""
        return (self[i : i + 1] for i in range(len(self)))


@dataclass(frozen=True)
class Pictures:
    """N pictures with the classifier's verdicts."""

    images: np.ndarray  # (N, H, W, 3) uint8
    logits: np.ndarray  # (N, K) float32
    probs: np.ndarray  # (N, K) float32
