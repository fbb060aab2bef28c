# SPDX-License-Identifier: MIT
"""AttFind's search on small tables worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from latent_explorer.explain.attfind.greedy import (
    Pick,
    greedy_search,
    mean_interval,
    merge_rankings,
    reversed_picks,
    unstable_pictures,
    with_figures,
)


def table(gains, target=1, classes=2):
    """Return an effect table (N, 2, S, K) from effects on the target, rows of 2 S columns, direction-major."""
    gains = np.asarray(gains, dtype=np.float32)
    out = np.zeros((len(gains), 2, gains.shape[1] // 2, classes), dtype=np.float32)
    out[..., target] = gains.reshape(len(gains), 2, -1)
    return out


def columns(ranking):
    return [(p.direction, p.style_index, p.round) for p in ranking.picks]


# Four pictures of class 0; columns are min of styles 0, 1, 2, then max of styles 0, 1, 2.
HAND = [
    [1.2, 0.0, 0.0, 0.0, 0.4, 0.0],
    [1.2, 0.0, 0.0, 0.0, 0.4, 0.0],
    [0.0, 0.0, 0.9, 0.0, 0.4, 0.0],
    [0.0, 0.0, 0.6, 0.0, 0.4, 0.0],
]


def test_greedy_accumulates_and_looks_at_unexplained_pictures_only():
    # 1. means .6 .375(=1.5/4) .4: min of 0 explains pictures 0 and 1.
    # 2. over pictures 2, 3: .75 against .4: min of 2, sums .9 and .6, neither reaches 1.
    # 3. over pictures 2, 3: only max of 1 is left: sums 1.3 and 1.0, all explained.
    ranking = greedy_search(table(HAND), np.zeros(4, int), 1, 3, tau=1.0)
    assert columns(ranking) == [(0, 0, 1), (0, 2, 1), (1, 1, 1)]
    assert ranking.stop == "complete"


def test_when_all_pictures_are_explained_the_next_round_starts_with_used_columns_out():
    hand = [row[:] for row in HAND]
    for row in hand:
        row[5] = 0.1  # max of style 2: its style is taken already, in the other direction
        row[1] = 0.05
    ranking = greedy_search(table(hand), np.zeros(4, int), 1, 10, tau=1.0)
    # Round 2: max of 2 (skipped as a slider, its style has one), then min of 1 likewise; nothing else helps.
    assert columns(ranking) == [(0, 0, 1), (0, 2, 1), (1, 1, 1)]
    assert ranking.stop == "no coordinate helps"
    hand[0][3], hand[0][0] = 0.3, 0.0
    ranking = greedy_search(table([[5.0, 0, 0, 0, 0.5, 0], [5.0, 0, 0, 0, 0.5, 0]]), np.zeros(2, int), 1, 2, 1.0)
    assert columns(ranking) == [(0, 0, 1), (1, 1, 2)]


def test_nothing_to_do_ends_instead_of_picking_the_first_column_for_ever():
    # The mean over no pictures is NaN, whose argmax is column 0 (a pitfall of the published search).
    ranking = greedy_search(table(HAND), np.ones(4, int), 1, 3, tau=1.0)
    assert (ranking.picks, ranking.stop) == ((), "no pictures")
    ranking = greedy_search(np.zeros((4, 2, 3, 2), np.float32), np.zeros(4, int), 1, 3, tau=1.0)
    assert (ranking.picks, ranking.stop) == ((), "no coordinate helps")


def test_style_zero_can_be_chosen_and_pictures_of_the_target_do_not_vote():
    effects = table([[0.5, 0.2], [0.0, 9.0]])
    ranking = greedy_search(effects, np.array([0, 1]), 1, 1, tau=1.0)
    assert columns(ranking) == [(0, 0, 1)]


def test_the_sum_grows_on_explained_pictures_too_and_columns_are_direction_major():
    ranking = greedy_search(table([[0.0, 0.0, 0.7, 0.1]]), np.zeros(1, int), 1, 2, tau=1.0)
    assert columns(ranking) == [(1, 0, 1), (1, 1, 1)]


def test_a_picture_with_many_large_effects_is_unstable():
    effects = np.zeros((3, 2, 50, 2), np.float32)
    effects[0, 0, :7] = 2.5  # 14 of 200 entries, 7 %
    effects[1, 0, :3] = 2.5  # 6 of 200, 3.0 %
    effects[2, 0, :7] = 2.0  # exactly the bound is not above it
    assert unstable_pictures(effects).tolist() == [True, False, False]


def test_the_share_is_750_entries_at_the_published_size():
    effects = np.zeros((2, 2, 5760, 2), np.float32)
    effects[0].reshape(-1)[:751] = 3
    effects[1].reshape(-1)[:750] = -3
    assert unstable_pictures(effects).tolist() == [True, False]


def test_merge_flips_the_second_list_drops_known_styles_and_ranks_by_both_ways():
    effects = np.zeros((2, 2, 4, 2), np.float32)
    effects[:, 0, 0, 0], effects[:, 1, 0, 1] = 0.5, 0.2  # style 0 min to class 0, max back: 0.7
    effects[:, 1, 1, 0], effects[:, 0, 1, 1] = 0.3, 0.9  # style 1 max to class 0, min back: 1.2
    effects[:, 1, 2, 0], effects[:, 0, 2, 1] = 0.1, 0.3  # 0.4
    first = [Pick(0, 0, 0, 1), Pick(2, 1, 0, 2)]
    second = [Pick(1, 0, 1, 1), Pick(0, 0, 1, 1)]
    merged = merge_rankings(first, second, effects, 8)
    assert [(p.direction, p.style_index, p.target) for p in merged] == [(1, 1, 0), (0, 0, 0), (1, 2, 0)]
    assert merge_rankings(first, second, effects, 1) == merged[:1]
    back = reversed_picks(merged)
    assert [(p.direction, p.style_index, p.target) for p in back] == [(0, 1, 1), (1, 0, 1), (0, 2, 1)]


def test_figures_are_over_the_pictures_of_the_other_classes():
    effects = table([[0.5, 0.2], [1.5, 0.0], [9.0, 9.0]])
    (pick,) = with_figures([Pick(0, 0, 1, 1)], effects, np.array([0, 0, 1]))
    assert pick.mean_effect == pytest.approx(1.0)
    assert 0.5 <= pick.interval[0] < 1.0 < pick.interval[1] <= 1.5


def test_the_bootstrap_interval_agrees_with_the_normal_one():
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    mean, (low, high) = mean_interval(values)
    half = 1.96 * values.std() / 20
    assert mean == pytest.approx(values.mean())
    assert low == pytest.approx(mean - half, abs=0.1 * half + 0.02)
    assert high == pytest.approx(mean + half, abs=0.1 * half + 0.02)
    assert mean_interval(np.empty(0)) == (0.0, (0.0, 0.0))


def test_in_the_paper_one_pick_alone_explains_a_picture_and_the_search_then_ends():
    def search(gains, count=10):
        return greedy_search(table(gains), np.zeros(len(gains), int), 1, count, tau=1.0, procedure="paper")

    small = [[0.6, 0.6, 0.0, 0.0], [0.6, 0.5, 0.2, 0.0]]  # in the notebook two picks explain both pictures
    ranking = search(small)
    assert columns(ranking)[0] == (0, 0, 1)
    assert all(len(choice.pictures) == 2 for choice in ranking.choices)
    assert ranking.stop == "no coordinate helps"
    explained = search([[5.0, 0, 0, 0, 0.5, 0], [0.0, 0, 1.0, 0, 0.5, 0]])
    assert columns(explained) == [(0, 0, 1), (0, 2, 1)]
    assert explained.stop == "all explained"
