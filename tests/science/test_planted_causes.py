# SPDX-License-Identifier: MIT
"""Judging of edits, heat and photographs by a cause whose place is known, on answers that are known, too."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from known_explainers import known_explainer

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import planted_lists
from planted_judge import (
    MISSING,
    Shown,
    chance,
    heat_in_place,
    judge_edit,
    rank_of_first,
    rank_of_place,
    shares_at_the_ends,
)
from planted_pictures import BOX, HEALTH, SIDE, drawn, with_tag

PLACE = torch.zeros(4, 8, 8, dtype=torch.bool)
PLACE[:, 6:, :2] = True
TRUTH = 4.0  # what a place that is all white does to the margin of `reader`


def reader(img):
    """Margin of a classifier that sees the place and, a quarter as much, the first row."""
    place = img[:, :, 6:, :2].mean(dim=(1, 2, 3))
    return (TRUTH * place + TRUTH / 4 * img[:, :, 0].mean(dim=(1, 2))).double().numpy()


def pictures():
    return torch.zeros(4, 3, 8, 8)


def painted(rows, columns, value=1.0):
    after = pictures()
    after[:, :, rows, columns] = value
    return after


def judged(after, sign=1):
    return judge_edit(reader, pictures(), after, PLACE, sign, TRUTH)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_edit_that_draws_the_cause_is_explained_by_its_place(sign):
    found = judged(painted(slice(6, None), slice(2), sign), sign)
    assert found == pytest.approx(Shown(TRUTH, 1, 1, 1, 1))
    assert found.shows


def test_an_edit_elsewhere_is_not():
    found = judged(painted(slice(1), slice(None)))
    assert found == pytest.approx(Shown(TRUTH / 4, 0.25, 0, 0, 0))
    assert not found.shows


def test_of_two_places_each_explains_its_share():
    both = torch.maximum(painted(slice(6, None), slice(2)), painted(slice(1), slice(None)))
    found = judged(both)
    assert found == pytest.approx(Shown(TRUTH * 1.25, 1.25, 0.8, 1, 4 / 12))


def test_an_edit_that_hardly_moves_the_verdict_or_moves_it_away_shows_nothing():
    assert judged(painted(slice(6, None), slice(2), 0.09)).explained == 0
    assert judged(painted(slice(6, None), slice(2), 0.11)).explained == pytest.approx(1)
    assert not judged(painted(slice(6, None), slice(2)), sign=-1).shows


def test_faint_is_what_the_place_alone_brings():
    faint = judged(painted(slice(6, None), slice(2), 0.03))
    assert faint.shows_faintly
    assert not faint.shows
    assert not judged(painted(slice(6, None), slice(2), 0.01)).shows_faintly
    assert not judged(painted(slice(1), slice(None))).shows_faintly
    assert not judged(painted(slice(6, None), slice(2)), sign=-1).shows_faintly


def test_rank_and_chance():
    assert rank_of_first([False, False, True, True]) == 3
    assert rank_of_first([False] * 12) == rank_of_first([False] * 10 + [True]) == rank_of_first([]) == MISSING
    assert chance([True, False]) == pytest.approx(7 / 8)
    assert chance([False, False]) == 0


def test_heat_is_counted_by_area_and_place():
    inside, even = PLACE.numpy(), np.ones((4, 8, 8))
    assert heat_in_place(even, inside) == pytest.approx(1)
    assert heat_in_place(np.where(inside, 1.0, -1.0), inside) == pytest.approx(16)  # a sixteenth of the area
    assert heat_in_place(0 * even, inside) == 0
    assert rank_of_place(even + inside, slice(6, 8), slice(0, 2)) == 1
    assert rank_of_place(even - 0.5 * inside, slice(6, 8), slice(0, 2)) == 16
    left = even * np.arange(8, 0, -1)  # the left of four columns is hottest: level with three others
    assert rank_of_place(left, slice(6, 8), slice(0, 2)) == 1
    assert rank_of_place(left, slice(6, 8), slice(2, 4)) == 5


def test_photographs_sorted_by_margin():
    cause = np.arange(100) >= 70
    assert shares_at_the_ends(np.arange(100.0), cause) == pytest.approx((1, 0.3, 0))
    assert shares_at_the_ends(-np.arange(100.0), cause) == pytest.approx((0, 0.3, 1))


def test_labels_and_cause_are_drawn_as_said():
    healthy = np.arange(40_000) % 3 == 0
    labels, cause = drawn(healthy, 0.85, np.random.default_rng(0))
    assert np.mean(labels == healthy) == pytest.approx(HEALTH, abs=0.01)
    for label in (0, 1):
        rows = labels == label
        assert cause[rows].mean() == pytest.approx(0.85 if label else 0.15, abs=0.01)
        for health in (False, True):  # given the label, the cause says nothing of health
            assert cause[rows & (healthy == health)].mean() == pytest.approx(cause[rows].mean(), abs=0.01)


def test_a_tag_lies_in_its_box_and_changes_nothing_else():
    rng, picture = np.random.default_rng(0), np.zeros((SIDE, SIDE, 3), np.uint8)
    places = set()
    for _ in range(50):
        changed = with_tag(picture, rng).any(axis=2)
        rows, columns = np.nonzero(changed)
        places.add((rows.min(), columns.min()))
        changed[BOX] = False
        assert not changed.any()
        assert len(rows) == 35
    assert len(places) == 4
    assert not picture.any()


def test_the_lists_of_all_methods_of_a_painted_cause(monkeypatch):
    monkeypatch.setattr(planted_lists, "RACED", 24)
    monkeypatch.setattr(planted_lists, "RENDERED", 24)
    explainer, roles = known_explainer("one", n=60)
    lists = planted_lists.move_lists(explainer, quick=False)
    assert len(lists) == 6
    assert set(planted_lists.move_lists(explainer, quick=True)) < set(lists)
    for method in (name for name in lists if name.startswith("AttFind")):
        firsts = [lists[method][target][0] for target in (0, 1)]
        assert {style_index for style_index, _ in firsts} == set(roles.causes)
        assert {end for _, end in firsts} == {0, 1}
    directions = planted_lists.direction_lists(explainer, seed=0)
    assert [each.target for each in directions["Boundary"]] == [1]  # reversed towards the other class
    assert sorted(each.target for each in directions["Guided"]) == [0, 1]
