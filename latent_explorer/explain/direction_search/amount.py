# SPDX-License-Identifier: MIT
"""The loss "amount" of the guided direction: alpha is the change of the class's probability that is asked for.

GANalyze (Goetschalckx et al., ICCV 2019) minimises, over z and alpha in [-0.5, 0.5], the squared error

    ((c(G(z)) + alpha) - c(G(z + alpha v)))^2,

where c is a score in [0, 1]; here it is the probability of the class, and v moves w. A probability cannot leave [0, 1],
so of each picture only changes are asked for that stay within. There is no identity loss unless one is chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from torch import Tensor

    from latent_explorer.common.events import Event

REACH = 0.5  # the largest change that is asked for, either way
_REQUESTS = (-0.5, -0.25, -0.1, 0.1, 0.25, 0.5)  # that a direction is judged by
_SHOWN = (0.1, 0.25, 0.5)  # with a figure each


def drawn_requests(before: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a change alpha (N,) for each probability `before` (N,): uniform in [-REACH, REACH] within [0, 1]."""
    low, high = np.maximum(-REACH, -before), np.minimum(REACH, 1 - before)
    requests: np.ndarray = low + (high - low) * rng.random(len(before))
    return requests


def amount_loss(logits: Tensor, target: int, wanted: Tensor) -> Tensor:
    """Return the squared errors (N,) of the target's probabilities for logits (N, K) against those `wanted` (N,)."""
    return (logits.softmax(dim=1)[:, target] - wanted).square()


def possible_requests(before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the requests to judge by that are possible: rows of `before` (N,), and their alphas, both (M,)."""
    pairs = [(row, alpha) for alpha in _REQUESTS for row, p in enumerate(before) if 0 <= p + alpha <= 1]
    return np.array([row for row, _ in pairs], np.int64), np.array([alpha for _, alpha in pairs])


def amount_figures(
    before: np.ndarray,
    v: np.ndarray,
    controls: Sequence[np.ndarray],
    probs_of: Callable[[np.ndarray, np.ndarray, np.ndarray], Generator[Event, None, np.ndarray]],
) -> Generator[Event, None, dict[str, float]]:
    """Return how well requested changes are met. A job within a job.

    before    probabilities (N,) of the target for held-out pictures, unmoved
    v         direction at alpha 1 (w_dim,); `controls` are random ones of the same length
    probs_of  job that returns those (M,) of the pictures `rows` (M,) moved by `alphas` (M,) times a vector

    obtained_0.1, obtained_0.25, obtained_0.5  mean change where so much was asked for and possible
    amount_error         mean absolute difference of asked and obtained over all possible requests, both signs
    amount_error_random  the same, mean over the controls
    amount_error_still   the same of pictures that do not move: the mean of |alpha|
    """
    rows, alphas = possible_requests(before)
    if not len(rows):
        return {}
    change = (yield from probs_of(rows, alphas, v)) - before[rows]
    figures = {f"obtained_{each:g}": float(change[asked].mean()) for each in _SHOWN if (asked := alphas == each).any()}
    figures["amount_error"] = float(np.abs(change - alphas).mean())
    errors = []
    for control in controls:
        other = yield from probs_of(rows, alphas, control)
        errors.append(np.abs(other - before[rows] - alphas).mean())
    if errors:
        figures["amount_error_random"] = float(np.mean(errors))
    figures["amount_error_still"] = float(np.abs(alphas).mean())
    return figures
