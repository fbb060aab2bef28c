# SPDX-License-Identifier: MIT
"""Logistic regression with a ridge penalty, and its cross-validated accuracy, in numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from latent_explorer.common.events import Progress
from latent_explorer.common.statistics import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.common.events import Event

_NEWTON_STEPS = 50


class Accuracy(NamedTuple):
    """Cross-validated accuracy of `n` examples with its interval, and the share of the larger class beside it."""

    accuracy: float
    interval: tuple[float, float]  # Wilson, 95 %
    majority: float  # what always saying the larger class would reach
    n: int


def fit_logistic(x: np.ndarray, y: np.ndarray, ridge: float = 1.0) -> tuple[np.ndarray, float]:
    """Return coefficients (d,) and intercept that minimise the logistic loss of y (n,) in {0, 1} on x (n, d).

    The loss is the sum over the examples of log(1 + exp(-s f)), s = +-1, plus ridge / 2 times the squared coefficients
    (scikit-learn's with C = 1 / ridge); the intercept is free. Newton's method with halved steps, in the span of the
    examples, where the minimum lies: with d far above n the cost is that of d = n.
    """
    middle = x.mean(axis=0)
    _, sizes, basis = np.linalg.svd(x - middle, full_matrices=False)
    basis = basis[sizes > 1e-10 * max(float(sizes.max(initial=0.0)), 1e-300)]
    z = np.column_stack([(x - middle) @ basis.T, np.ones(len(x))])
    penalty = np.full(z.shape[1], float(ridge))
    penalty[-1] = 1e-9  # so that a single class has a finite intercept
    sign = np.where(y > 0, 1.0, -1.0)

    def loss(at: np.ndarray) -> float:
        return float(np.logaddexp(0.0, -sign * (z @ at)).sum() + 0.5 * (penalty * at * at).sum())

    beta = np.zeros(z.shape[1])
    for _ in range(_NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(z @ beta, -500, 500)))
        slope = z.T @ (p - (y > 0)) + penalty * beta
        curvature = (z * (p * (1 - p))[:, None]).T @ z + np.diag(penalty)
        step = np.linalg.solve(curvature, slope)
        before, size = loss(beta), 1.0
        while size > 1e-6 and loss(beta - size * step) > before:
            size /= 2
        beta = beta - size * step
        if np.abs(size * step).max() < 1e-10 * max(1.0, np.abs(beta).max()):
            break
    coefficients = basis.T @ beta[:-1]
    return coefficients, float(beta[-1] - middle @ coefficients)


def parts_of(y: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Return for each of the labels y (n,) the part, from 0, that it is held out with: every label in proportion."""
    part = np.empty(len(y), int)
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        part[rows] = np.arange(len(rows)) % folds
    return part


def cross_validated(
    x: np.ndarray,
    y: np.ndarray,
    ridge: float,
    folds: int,
    rng: np.random.Generator,
    counted: np.ndarray | None = None,
) -> Generator[Event, None, Accuracy]:
    """Return the accuracy on examples that were not fitted, over `folds` parts with both classes in proportion.

    counted  (n,) bool: the examples that it is measured on; all are fitted

    A job within a job.
    """
    part = parts_of(y, folds, rng)
    right = np.zeros(len(y), bool)
    for fold in range(folds):
        yield Progress(fold, folds, "Cross-validating the boundary")
        inside, outside = part != fold, part == fold
        if len(np.unique(y[inside])) == 2:
            coefficients, intercept = fit_logistic(x[inside], y[inside], ridge)
            right[outside] = (x[outside] @ coefficients + intercept > 0) == (y[outside] > 0)
        else:  # too few of one class for this many folds: it says what it was given
            right[outside] = y[outside] == y[inside][0]
    kept = np.ones(len(y), bool) if counted is None else counted
    hits, n = int(right[kept].sum()), int(kept.sum())
    share = float((y[kept] > 0).mean()) if n else 0.5
    return Accuracy(hits / n if n else 0.0, wilson_interval(hits, n), max(share, 1 - share), n)
