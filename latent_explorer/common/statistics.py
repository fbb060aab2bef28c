# SPDX-License-Identifier: MIT
"""Tests and intervals for the figures: Wilson, exact binomial, Holm, Student's t, Spearman. Plain numbers only.

Written here because scipy is too large to ship for them; the tests compare them with scipy's.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FALL = 0.001  # of a probability that counts as no fall
Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution


def wilson_interval(successes: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion (Wilson 1927), 95 % by default; (0, 1) if n is 0."""
    if n == 0:
        return 0.0, 1.0
    p = successes / n
    denominator = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / denominator
    half = z / denominator * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def binomial_test(successes: int, n: int, chance: float = 0.5) -> float:
    """Return the exact two-sided p of `successes` of `n`: the sum over outcomes not likelier than this one.

    The two-sided convention of R's binom.test and scipy's binomtest, with their tolerance for equal likelihoods.
    """
    if n == 0:
        return 1.0
    observed = _binomial(successes, n, chance) * (1 + 1e-7)
    p = math.fsum(q for k in range(n + 1) if (q := _binomial(k, n, chance)) <= observed)
    return min(1.0, p)


def _binomial(k: int, n: int, chance: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(ways + k * math.log(chance) + (n - k) * math.log1p(-chance))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values corrected for multiple testing (Holm 1979), in their own order."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected


def mean(values: Sequence[float]) -> float:
    """Return the mean; nan if there are no values."""
    return math.fsum(values) / len(values) if values else math.nan


def population_sd(values: Sequence[float]) -> float:
    """Return the standard deviation with n in the denominator; nan if there are no values."""
    centre = mean(values)
    return math.sqrt(mean([(v - centre) ** 2 for v in values])) if values else math.nan


def sample_sd(values: Sequence[float]) -> float:
    """Return the standard deviation with n - 1 in the denominator; nan for fewer than two values."""
    n = len(values)
    return population_sd(values) * math.sqrt(n / (n - 1)) if n > 1 else math.nan


def mean_interval(values: Sequence[float], share: float = 0.95) -> tuple[float, float]:
    """Return Student's t interval of the mean; (nan, nan) for fewer than two values."""
    n = len(values)
    if n < 2:
        return math.nan, math.nan
    half = t_quantile((1 + share) / 2, n - 1) * sample_sd(values) / math.sqrt(n)
    return mean(values) - half, mean(values) + half


@dataclass(frozen=True)
class Mean:
    """Mean of n values with its 95 % t interval; NaN of no values, and without an interval of one."""

    value: float
    interval: tuple[float, float]
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        return cls(mean(values) if values else math.nan, mean_interval(values), len(values))


def t_quantile(p: float, df: int) -> float:
    """Return the p quantile of Student's t with `df` degrees of freedom (0.5 < p < 1)."""
    low, high = 0.0, 1.0
    while _t_below(high, df) < p:
        high *= 2
    for _ in range(100):  # bisection: short, and exact to the last bits
        middle = (low + high) / 2
        low, high = (middle, high) if _t_below(middle, df) < p else (low, middle)
    return (low + high) / 2


def _t_below(t: float, df: int) -> float:
    """Return P(T < t), t >= 0, by finite sums for integer degrees of freedom (Abramowitz and Stegun 26.7.3, 26.7.4)."""
    angle = math.atan(t / math.sqrt(df))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = df % 2
    term, total = 1.0, 1.0
    for k in range(2 + odd, df - 1, 2):
        term *= (k - 1) / k * square
        total += term
    if not odd:
        inside = sine * total
    else:
        inside = angle + (sine * math.cos(angle) * total if df > 1 else 0.0)
        inside *= 2 / math.pi
    return 0.5 + inside / 2


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's rank correlation, ties at their mean rank; NaN of fewer than three pairs or of equal values."""
    if len(first) < 3 or len(set(first)) == 1 or len(set(second)) == 1:
        return math.nan
    ranks = [_mean_ranks(values) for values in (first, second)]
    means = [sum(each) / len(each) for each in ranks]
    products = sum((a - means[0]) * (b - means[1]) for a, b in zip(*ranks, strict=True))
    squares = [sum((a - mean) ** 2 for a in each) for each, mean in zip(ranks, means, strict=True)]
    return float(products / math.sqrt(squares[0] * squares[1]))


def _mean_ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    return [(bisect_left(ordered, value) + bisect_right(ordered, value) + 1) / 2 for value in values]


def rising_share(ways: Sequence[Sequence[float]]) -> float:
    """Return the share of ways, each the probabilities along one, that never fall by more than FALL in a step."""
    return mean([all(after >= before - FALL for before, after in pairwise(way)) for way in ways])
