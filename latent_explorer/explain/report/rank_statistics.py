# SPDX-License-Identifier: MIT
"""Rank correlations within strata, of many values at once, and their intervals by resampling groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALMOST_ONE = 1 - 1e-9
_NO_ERROR = 1e-9  # a standard error that is rounding
_CHUNK = 1 << 18  # weights at once: a step of a job, which must not keep a window waiting


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Return the ranks of each column of values (N, M), ties at their mean, as (N, M) in -0.5 to 0.5."""
    n = len(values)
    ranks = np.empty(values.shape)
    for j, column in enumerate(values.T):
        _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
        ranks[:, j] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return (ranks - (n + 1) / 2) / n


def rank_correlations(
    x: np.ndarray, y: np.ndarray, strata: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Return the correlation of ranks x (N, M) with ranks y (N, M or 1) about the mean of each stratum.

    strata   (N,) integers; equal ones give Spearman's correlation, labels its partial correlation on the label (the
             correlation of what a least-squares fit of either's ranks to the label leaves)
    weights  (B, N) of the rows in B resamples; None: every row once

    The result is (M,), with weights (B, M); NaN where a column does not vary within the strata.
    """
    w = np.ones((1, len(x))) if weights is None else weights
    covariance, of_x, of_y = 0.0, 0.0, 0.0
    for stratum in np.unique(strata):
        rows = strata == stratum
        inside, a, b = w[:, rows], x[rows], y[rows]
        n = np.maximum(inside.sum(axis=1, keepdims=True), 1)
        sum_a, sum_b = inside @ a, inside @ b
        covariance = covariance + inside @ (a * b) - sum_a * sum_b / n
        of_x = of_x + inside @ (a * a) - sum_a**2 / n
        of_y = of_y + inside @ (b * b) - sum_b**2 / n
    scale = np.sqrt(np.maximum(of_x, 0) * np.maximum(of_y, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = np.where(scale > 1e-9, covariance / scale, np.nan)
    return found[0] if weights is None else found


def resamples(groups: np.ndarray, count: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield weights (B, N) of `count` bootstrap resamples of whole groups (N,), some at a time."""
    _, group = np.unique(groups, return_inverse=True)
    n = int(group.max()) + 1
    step = max(1, _CHUNK // len(groups))
    for start in range(0, count, step):
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=min(step, count - start))
        yield drawn[:, group].astype(np.float64)


def fisher_intervals(found: np.ndarray, resampled: np.ndarray, z: float) -> np.ndarray:
    """Return intervals (M, 2) of correlations (M,) from those of B resamples (B, M).

    Normal on Fisher's scale, artanh r, with the bootstrap's standard error there, `z` of them to either side. NaN where
    that error is 0: resamples that are all the same say nothing of how far others would lie.
    """
    scaled = np.arctanh(np.clip(found, -_ALMOST_ONE, _ALMOST_ONE))
    error = np.arctanh(np.clip(resampled, -_ALMOST_ONE, _ALMOST_ONE)).std(axis=0, ddof=1)
    error = np.where(error > _NO_ERROR, error, np.nan)
    intervals: np.ndarray = np.tanh(np.stack([scaled - z * error, scaled + z * error], axis=1))
    return intervals
