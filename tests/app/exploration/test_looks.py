# SPDX-License-Identifier: MIT
"""Where a picture changes, and which changes look alike."""

from __future__ import annotations

import numpy as np

from latent_explorer.app.exploration.looks import FULL_CHANGE, look_alikes, overlay, where_changed

NOW = np.full((8, 8, 3), 100, np.uint8)


def spot(row: int, amount: int) -> np.ndarray:
    picture = NOW.copy()
    picture[row : row + 2] += np.uint8(amount)
    return picture


def test_where_is_the_larger_change_of_both_ends_and_never_amplified():
    where = where_changed(spot(0, 8), NOW, spot(4, 2 * FULL_CHANGE))
    assert (where[4:6] == 1).all()
    assert np.allclose(where[0:2], 8 / FULL_CHANGE)
    assert (where[2:4] == 0).all()
    assert (overlay(NOW, where, (255, 0, 0))[4] == (255, 0, 0)).all()
    assert (overlay(NOW, where, (255, 0, 0))[2] == 60).all()


def test_changes_of_one_kind_are_alike_whatever_their_strength():
    plus = {"a": spot(0, 60), "b": spot(4, 60), "c": spot(0, 20)}
    assert look_alikes(NOW, plus) == {"c": "a"}


def test_the_opposite_change_is_not_alike_and_none_looks_like_nothing():
    opposite = NOW.copy()
    opposite[0:2] -= np.uint8(60)
    assert look_alikes(NOW, {"a": spot(0, 60), "b": opposite, "c": NOW}) == {}
