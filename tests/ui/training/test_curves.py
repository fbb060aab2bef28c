# SPDX-License-Identifier: MIT
"""Curves: smoothing, axes, the legend, and the cursor by keyboard."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from window_tools import colours_in

from latent_explorer.ui.application import make_application
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.curve_math import (
    Curve,
    decades_between,
    images_text,
    smoothed,
    steps_between,
    value_at,
    value_text,
)

numbers = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60).map(np.array)


def curve(key: str, values, every: int = 400) -> Curve:
    y = np.asarray(values, dtype=float)
    return Curve(key, key.capitalize(), every * np.arange(1, len(y) + 1, dtype=float), y)


def slowly_smoothed(y: np.ndarray, weight: float) -> np.ndarray:
    """Smooth by definition: the weighted mean of all values so far."""
    made, total, weights = [], 0.0, 0.0
    for value in y:
        total, weights = weight * total + value, weight * weights + 1
        made.append(total / weights)
    return np.array(made)


@given(numbers, st.sampled_from([0.0, 0.3, 0.9, 0.98]))
def test_smoothing_is_the_weighted_mean_of_the_past(y, weight):
    span = max(1.0, float(np.abs(y).max()))
    assert np.abs(smoothed(y, weight) - slowly_smoothed(y, weight)).max() <= 2e-3 * span


@given(st.floats(-100, 100), st.floats(0, 0.98))
def test_smoothing_leaves_a_constant_alone_from_the_first_value_on(value, weight):
    assert np.allclose(smoothed(np.full(40, value), weight), value)


def test_gaps_stay_gaps_and_spoil_nothing():
    y = np.array([1.0, np.nan, 3.0])
    made = smoothed(y, 0.5)
    assert math.isnan(made[1])
    assert made[2] == pytest.approx((3 + 0.25 * 1) / 1.25)


@pytest.mark.parametrize(("value", "words"), [(0, "0"), (400, "400"), (12_000, "12k"), (1_500_000, "1.5M")])
def test_images_are_short(value, words):
    assert images_text(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.9847, "0.985"), (12.512, "12.5"), (1340.2, "1,340"), (-0.5, "\N{MINUS SIGN}0.500"), (math.nan, "\N{EN DASH}"),
     (2e-5, "2e-05")],
)  # fmt: skip
def test_values_have_three_digits(value, words):
    assert value_text(value) == words


@given(st.floats(-1e5, 1e5), st.floats(1e-4, 1e6), st.integers(2, 9))
def test_marks_are_round_inside_and_not_too_many(low, span, most):
    high = low + span
    marks = steps_between(low, high, most)
    assert len(marks) <= most + 1
    assert all(low - 1e-6 * span <= mark <= high + 1e-6 * span for mark in marks)


def test_a_logarithmic_axis_has_readable_marks():
    assert decades_between(0.01, 1.0, 8) == pytest.approx([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
    assert decades_between(0.01, 1.0, 4) == pytest.approx([0.01, 0.1, 1.0])
    assert len(decades_between(1e-12, 1e12, 6)) <= 6


def test_a_value_is_read_at_the_nearest_point():
    found = curve("a", [1, 2, 3])
    assert value_at(found, 0) == 1
    assert value_at(found, 610) == 2
    assert value_at(found, math.inf) == 3
    assert math.isnan(value_at(curve("b", []), 10))


@pytest.fixture
def view(qtbot):
    make_application()
    theme.apply("light")
    from latent_explorer.ui.training.curves_view import CurvesView

    made = CurvesView("Nothing yet.")
    qtbot.addWidget(made)
    made.resize(700, 260)
    made.show()
    return made


def test_nothing_to_draw_is_said(view):
    view.show_curves([])
    assert view.empty.isVisible()
    view.show_curves([curve("a", [math.nan])])
    assert view.empty.isVisible()
    view.show_curves([curve("a", [0.5])])
    assert view.plot.isVisible()
    assert "A 0.500" in view.plot.accessibleDescription()


def test_a_click_in_the_legend_hides_a_curve_and_new_figures_keep_it_hidden(qtbot, view):
    view.show_curves([curve("a", [1, 2]), curve("b", [3, 4])])
    assert [c.key for _n, c in view.legend.shown()] == ["a", "b"]
    QTest.mouseClick(view.legend.rows[0], Qt.MouseButton.LeftButton)
    assert [c.key for _n, c in view.legend.shown()] == ["b"]
    view.show_curves([curve("a", [1, 2, 3]), curve("b", [3, 4, 5])])
    view.show_curves([curve("c", [1])])
    view.show_curves([curve("a", [1, 2, 3]), curve("b", [3, 4, 5])])
    assert [c.key for _n, c in view.legend.shown()] == ["b"]
    QTest.keyClick(view.legend.rows[0], Qt.Key.Key_Space)
    assert [n for n, _c in view.legend.shown()] == [0, 1]


def test_the_cursor_reads_values_by_keyboard_and_mouse(qtbot, view):
    view.show_curves([curve("a", [0.1, 0.2, 0.3])])
    first = view.legend.rows[0]
    assert first.accessibleDescription() == "0.300"
    view.plot.setFocus()
    QTest.keyClick(view.plot, Qt.Key.Key_Home)
    assert view.legend.where.text() == "At 400 images"
    assert first.accessibleDescription() == "0.100"
    QTest.keyClick(view.plot, Qt.Key.Key_Right)
    assert first.accessibleDescription() == "0.200"
    QTest.keyClick(view.plot, Qt.Key.Key_Escape)
    assert view.legend.where.text() == "Newest values"
    qtbot.waitExposed(view)
    QTest.mouseMove(view.plot, QPoint(view.plot.width() - 20, view.plot.height() // 2))
    assert view.legend.where.text() == "At 1,200 images"


def test_new_figures_leave_the_cursor_and_what_it_reads(view):
    view.show_curves([curve("a", [0.1, 0.2, 0.3])])
    view.plot.set_cursor(400)
    view.show_curves([curve("a", [0.1, 0.2, 0.3, 0.4])])
    assert view.legend.where.text() == "At 400 images"
    assert view.legend.rows[0].accessibleDescription() == "0.100"


def test_log_scale_and_smoothing_change_what_is_drawn(qtbot, view):
    random = np.random.default_rng(0)
    values = np.exp(-np.arange(80) / 20) * random.lognormal(0, 0.3, 80)
    view.show_curves([curve("a", values), curve("zero", np.zeros(80))])
    plain = view.grab().toImage()
    view.log.setChecked(True)
    logarithmic = view.grab().toImage()
    view.smoothing.setValue(90)
    smooth = view.grab().toImage()
    assert plain != logarithmic != smooth
    assert view.smoothing.amount == pytest.approx(0.9)


def test_it_follows_the_theme(view):
    view.show_curves([curve("a", [1, 2, 3])])
    light = view.grab().toImage()
    theme.apply("dark")
    try:
        assert view.grab().toImage() != light
        assert colours_in(view) > 3
    finally:
        theme.apply("light")
