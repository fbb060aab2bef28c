# SPDX-License-Identifier: MIT
"""Directions as values: their unit, their rows, what is refused, and how edits and timelines treat them."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from latent_explorer.common.errors import UserError
from latent_explorer.explain.directions.direction import (
    Direction,
    direction_key,
    direction_problem,
    unit_direction,
)
from latent_explorer.explain.recipe import (
    DirectionShift,
    PictureRecipe,
    SeedBase,
    StyleShift,
    canonical_edits,
    slider_edits,
)
from latent_explorer.explain.timeline.edits import with_edits
from latent_explorer.explain.timeline.makers import alpha_sweep
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline, recipe_at

RNG = np.random.default_rng(0)
DEVIATIONS = np.array([0.5, 2.0, 1.0, 1.0])
W = 3 + DEVIATIONS * RNG.standard_normal((20_000, 4))
WS = np.repeat(W[:, None], 5, axis=1)  # five equal rows, as the mapping network makes them


def vector_of(*numbers: float, count: int = 1) -> Direction:
    return Direction("v", len(numbers) // count, np.array(numbers, "<f4").tobytes())


@pytest.mark.parametrize("length", [1e-20, 1.0, 250.0])
def test_one_unit_is_one_standard_deviation_whatever_the_length(length):
    direction = unit_direction("x", length * np.array([0, -1.0, 0, 0]), WS)
    np.testing.assert_allclose(direction.array, [[0, -W[:, 1].std(), 0, 0]], rtol=1e-4)
    oblique = np.array([3.0, 1.0, 0, 0]) / np.sqrt(10)
    direction = unit_direction("x", length * oblique, WS)
    np.testing.assert_allclose(direction.array[0], (W @ oblique).std() * oblique, rtol=1e-4)


def test_a_direction_in_w_moves_as_far_as_the_same_in_every_row():
    in_w = np.array([1.0, 2.0, 0, 0])
    one, rows = unit_direction("x", in_w, WS), unit_direction("x", np.tile(in_w, (5, 1)), WS)
    np.testing.assert_allclose(one.shift(5), rows.shift(5), rtol=1e-4)
    single = np.zeros((5, 4))
    single[2, 1] = 7
    np.testing.assert_allclose(unit_direction("x", single, WS).shift(5)[2, 1], W[:, 1].std(), rtol=1e-4)


def test_rows_that_cancel_still_have_a_unit():
    """Their sum does not vary at all."""
    against = np.zeros((5, 4))
    against[0, 1], against[1, 1] = 1, -1
    np.testing.assert_allclose(np.abs(unit_direction("x", against, WS).shift(5)[:2, 1]), W[:, 1].std(), rtol=1e-4)


def test_rows_are_chosen_without_changing_the_length():
    direction = vector_of(1, 2)
    assert direction.shift(3).tolist() == [[1, 2]] * 3
    assert direction.with_rows(1, 1).shift(3).tolist() == [[0, 0], [1, 2], [0, 0]]
    assert direction.with_rows(1, None).shift(3).tolist() == [[0, 0], [1, 2], [1, 2]]
    assert [direction.with_rows(*r).rows_text(3) for r in ((0, None), (0, 2), (1, 1), (0, 1))] == [
        "all rows", "all rows", "row 1", "rows 0-1",
    ]  # fmt: skip
    assert direction_key(direction) == direction_key(direction.with_rows(1, 1))
    assert direction_key(direction) != direction_key(vector_of(1, 3))


@pytest.mark.parametrize("vector", [np.zeros(4), np.array([np.nan, 0, 0, 0]), np.ones(3), np.ones((4, 4)), np.ones(())])
def test_what_leads_nowhere_or_has_another_shape_is_refused(vector):
    with pytest.raises(UserError, match="direction x"):
        unit_direction("x", vector, WS)


def test_a_model_whose_latents_are_all_equal_has_no_unit():
    with pytest.raises(UserError, match="varies"):
        unit_direction("x", np.ones(4), np.ones((9, 5, 4)))


@pytest.mark.parametrize(("direction", "words"), [
    (Direction("d", 2, b""), "damaged"),
    (Direction("d", 0, bytes(8)), "damaged"),
    (Direction("d", 2, bytes(7)), "damaged"),
    (Direction("d" * 500, 2, bytes(8)), "damaged"),
    (vector_of(np.nan, 1), "not finite"),
    (vector_of(1e9, 1), "enormous"),
    (vector_of(1, 2, 3), "3 numbers a row, not 2"),
    (vector_of(*range(8), count=4), "4 rows"),
    (vector_of(1, 2).with_rows(2, 1), "not there"),
    (vector_of(1, 2).with_rows(3, None), "not there"),
    (vector_of(1, 2).with_rows(0, 3), "not there"),
    (vector_of(1, 2), ""),
    (vector_of(*range(6), count=3), ""),
])  # fmt: skip
def test_directions_from_files_are_checked(direction, words):
    problem = direction_problem(direction, 3, 2)
    assert words in problem
    assert bool(words) == bool(problem)


def test_equal_edits_are_equal_whatever_their_order():
    a, b = vector_of(1, 2), vector_of(2, 1)
    shifts = (DirectionShift(b, 1.0), StyleShift(3, "max", 1.0), DirectionShift(a, 0.25), DirectionShift(a, 0.5))
    edits = canonical_edits(shifts)
    assert edits == canonical_edits(shifts[::-1])
    assert set(edits) == {DirectionShift(a, 0.75), DirectionShift(b, 1.0), StyleShift(3, "max", 1.0)}
    assert canonical_edits((DirectionShift(a, 1.0), DirectionShift(a, -1.0))) == ()
    rows = (DirectionShift(a, 1.0), DirectionShift(a.with_rows(1, 1), 1.0))
    assert len(canonical_edits(rows)) == 2


def test_recipes_come_back_from_json_as_they_were():
    recipe = PictureRecipe(SeedBase(1), edits=(DirectionShift(vector_of(1, 2).with_rows(0, 1), -1.5),))
    assert msgspec.json.decode(msgspec.json.encode(recipe), type=PictureRecipe) == recipe


def test_keyframes_interpolate_the_amount():
    direction = vector_of(1, 2)
    ends = [PictureRecipe(SeedBase(1), edits=(DirectionShift(direction, a),)) for a in (-1.0, 3.0)]
    timeline = Timeline("t", (Keyframe(0.0, ends[0], "linear"), Keyframe(2.0, ends[1])))
    assert recipe_at(timeline, 0.5).edits == ()
    assert recipe_at(timeline, 1.0).edits == (DirectionShift(direction, 1.0),)
    assert recipe_at(timeline, 2.0).edits == (DirectionShift(direction, 3.0),)


def test_sweeps_and_added_edits():
    direction = vector_of(1, 2)
    recipe = PictureRecipe(SeedBase(1), edits=(DirectionShift(direction, 0.5), StyleShift(3, "max", 1.0)))
    swept = alpha_sweep(recipe, slider_edits(direction), -3.0, 3.0)
    amounts = [edit.amount for k in swept.keyframes for edit in k.recipe.edits if isinstance(edit, DirectionShift)]
    assert amounts == [-3.0, 3.0]
    assert all(StyleShift(3, "max", 1.0) in k.recipe.edits for k in swept.keyframes)
    added = with_edits(swept, (DirectionShift(direction, 1.0),))
    assert [edit.amount for k in added.keyframes for edit in k.recipe.edits if isinstance(edit, DirectionShift)] == [
        -2,
        4,
    ]
