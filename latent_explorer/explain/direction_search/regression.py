# SPDX-License-Identifier: MIT
"""Ridge regression of ratings, with its penalty chosen by leave-one-out, and its cross-validated correlation.

A rating is taken as a number: the steps from 1 to 2 and from 4 to 5 count the same. In numpy.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from latent_explorer.common.events import Progress
from latent_explorer.common.statistics import Z95
from latent_explorer.explain.direction_search.logistic import parts_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.common.events import Event

_PENALTIES = tuple(10.0**k for k in range(-3, 4))  # in units of the mean eigenvalue of the Gram matrix


class Correlation(NamedTuple):
    """Cross-validated Pearson correlation of `n` ratings with what was predicted of them, with its interval."""

    correlation: float  # nan where the ratings, or what is predicted, are all equal
    interval: tuple[float, float]  # Fisher's z, 95 %
    n: int


def fit_ridge(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Return coefficients (d,) and intercept of y (n,) on x (n, d), n >= 2, with a free intercept.

    Minimises the squared errors plus a penalty times the squared coefficients. The penalty is the one of seven with the
    smallest leave-one-out error, which follows from one eigendecomposition (Golub, Heath and Wahba 1979).
    """
    middle, mean = x.mean(axis=0), float(y.mean())
    z, t = x - middle, y - mean
    sizes, basis = np.linalg.eigh(z @ z.T)
    sizes = sizes.clip(min=0.0)
    scale = max(float(sizes.mean()), 1e-300)
    projected = basis.T @ t

    def error(penalty: float) -> float:
        kept = sizes / (sizes + penalty)
        leverage = np.square(basis) @ kept + 1 / len(y)
        left_out = (t - basis @ (kept * projected)) / np.maximum(1 - leverage, 1e-9)
        return float(np.square(left_out).sum())

    penalty = scale * min(_PENALTIES, key=lambda each: error(scale * each))
    coefficients: np.ndarray = z.T @ (basis @ (projected / (sizes + penalty)))
    return coefficients, mean - float(middle @ coefficients)


def cross_correlated(
    x: np.ndarray, y: np.ndarray, folds: int, rng: np.random.Generator, counted: np.ndarray | None = None
) -> Generator[Event, None, Correlation]:
    """Return the correlation of ratings with predictions by fits that did not see them. A job within a job.

    counted  (n,) bool: which of them it is measured on; all are fitted
    """
    part = parts_of(y, folds, rng)
    predicted = np.empty(len(y))
    for fold in range(folds):
        yield Progress(fold, folds, "Cross-validating the ratings")
        inside, outside = part != fold, part == fold
        coefficients, intercept = fit_ridge(x[inside], y[inside].astype(float))
        predicted[outside] = x[outside] @ coefficients + intercept
    kept = slice(None) if counted is None else counted
    return correlated(predicted[kept], y[kept].astype(float))


def correlated(a: np.ndarray, b: np.ndarray) -> Correlation:
    """Return the Pearson correlation of two series (n,) with Fisher's interval, which needs four values."""
    n = len(a)
    if n < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return Correlation(math.nan, (-1.0, 1.0), n)
    r = float(np.clip(np.corrcoef(a, b)[0, 1], -1.0, 1.0))
    if n < 4:
        return Correlation(r, (-1.0, 1.0), n)
    z, half = math.atanh(min(max(r, -1 + 1e-12), 1 - 1e-12)), Z95 / math.sqrt(n - 3)
    return Correlation(r, (math.tanh(z - half), math.tanh(z + half)), n)
