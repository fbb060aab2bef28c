# SPDX-License-Identifier: MIT
"""How far a point lies from a cloud of points, measured by how far those lie from each other."""

from __future__ import annotations

import torch
from torch import Tensor

MIN_POINTS = 50  # fewer do not determine the quantile
FAR_QUANTILE = 0.98  # of the points' distances from their neighbours
_MARGIN = 1.1  # on the quantile, which rests on only five of 250 points
_NEIGHBOURS = 5
_CHUNK = 512  # rows of the table of distances that are in memory at once


class Neighbours:
    """Distances from the fifth nearest of `points` (N, D); `far` is the distance that nearly all points stay below.

    `own` (N,) holds the distances of the points themselves, each from its fifth nearest other.
    """

    def __init__(self, points: Tensor) -> None:
        self._points = points.float()
        tables = (torch.cdist(rows, self._points) for rows in torch.split(self._points, _CHUNK))
        # Each is its own nearest.
        self.own = torch.cat([t.topk(_NEIGHBOURS + 1, largest=False).values[:, -1] for t in tables])
        self.far = _MARGIN * float(self.own.quantile(FAR_QUANTILE))

    def distance(self, point: Tensor) -> float:
        """Return the distance of a point (D,)."""
        distances = torch.linalg.vector_norm(self._points - point.float(), dim=1)
        return float(distances.topk(_NEIGHBOURS, largest=False).values[-1])
