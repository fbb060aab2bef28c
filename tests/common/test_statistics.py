# SPDX-License-Identifier: MIT
"""Our own intervals and tests against scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from latent_explorer.common.statistics import (
    binomial_test,
    holm,
    mean_interval,
    population_sd,
    rank_correlation,
    rising_share,
    sample_sd,
    t_quantile,
    wilson_interval,
)


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (3, 10), (10, 10), (94, 100), (1, 250)])
def test_wilson_interval_equals_scipys(successes: int, n: int) -> None:
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_wilson_interval_of_nothing_says_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("chance", [0.5, 0.25, 1 / 3])
@pytest.mark.parametrize("n", [1, 2, 7, 54, 324, 2000])
def test_binomial_test_equals_scipys(n: int, chance: float) -> None:
    for k in {0, 1, n // 3, n // 2, n - 1, n}:
        expected = stats.binomtest(k, n, chance).pvalue
        assert binomial_test(k, n, chance) == pytest.approx(expected, rel=1e-9, abs=1e-290)


def test_binomial_test_of_nothing_says_nothing() -> None:
    assert binomial_test(0, 0) == 1.0


def test_holm_by_hand() -> None:
    # sorted .01 .02 .03 .5: times 4, 3, 2, 1, and never below the one before
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([]) == []


@pytest.mark.parametrize("df", [1, 2, 3, 4, 5, 10, 53, 107, 1000])
@pytest.mark.parametrize("p", [0.6, 0.9, 0.975, 0.995])
def test_t_quantile_equals_scipys(df: int, p: float) -> None:
    assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-9)


def test_mean_interval_equals_scipys() -> None:
    values = np.random.default_rng(0).normal(size=17)
    expected = stats.t.interval(0.95, 16, values.mean(), stats.sem(values))
    assert mean_interval(list(values)) == pytest.approx(expected)


def test_both_standard_deviations_are_numpys() -> None:
    values = [0.2, 0.9, 0.4, 0.4]
    assert population_sd(values) == pytest.approx(np.std(values))
    assert sample_sd(values) == pytest.approx(np.std(values, ddof=1))
    assert math.isnan(sample_sd([1.0]))
    assert math.isnan(mean_interval([1.0])[0])


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlation_is_scipys(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 6, 30).tolist(), rng.normal(size=30).tolist()
    assert rank_correlation(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)


def test_rank_correlation_needs_three_pairs_that_differ():
    assert math.isnan(rank_correlation([1, 2], [2, 1]))
    assert math.isnan(rank_correlation([1, 1, 1], [1, 2, 3]))
    assert rank_correlation([1, 2, 3], [9, 8, 7]) == pytest.approx(-1)


def test_a_fall_on_the_way_is_not_rising() -> None:
    rising, falling, level, hardly = [0.1, 0.4, 0.9], [0.1, 0.5, 0.4], [0.2, 0.2, 0.2], [0.3, 0.2995, 0.4]
    assert rising_share([rising, falling, level, falling]) == 0.5
    assert rising_share([hardly]) == 1.0
