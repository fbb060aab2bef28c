# SPDX-License-Identifier: MIT
"""Brush on the canvas: painted by mouse, answered beside the picture, put away by Escape."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_tools import wait_picture

from latent_explorer.app.exploration.intents import SetBase
from latent_explorer.app.exploration.updates import Message, RegionFound
from latent_explorer.explain.recipe import SampleBase
from latent_explorer.ui.canvas.region_panel import BUSY, PAINT
from latent_explorer.ui.main_window import NO_PICTURE

LEFT, NO = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def stroke(painter, *points: tuple[float, float]) -> None:
    """Paint through points, shares of the first picture's frame."""
    frame = painter.frames()[0]
    places = [
        QPoint(round(frame.left() + x * frame.width()), round(frame.top() + y * frame.height())) for x, y in points
    ]
    QTest.mousePress(painter, LEFT, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(painter, place)
    QTest.mouseRelease(painter, LEFT, pos=places[-1])


@pytest.fixture
def brush(qtbot, desktop):
    desktop.window.actions_by_key["region"].trigger()
    made = desktop.window.canvas.region
    qtbot.waitUntil(made.painter.isVisible, timeout=60_000)
    desktop.window.canvas.view.grab()  # painted once, so that the frames are known
    return made


def answered(qtbot, desktop, act) -> RegionFound:
    told = []
    disconnect = desktop.explorer.updates.on(RegionFound, told.append)
    act()
    qtbot.waitUntil(lambda: bool(told) and told[-1].done, timeout=60_000)
    disconnect()
    return told[-1]


def test_a_stroke_is_answered_beside_the_picture(qtbot, desktop, brush):
    window, panel = desktop.window, brush.panel
    assert window.canvas.view.mode == "after"  # one picture, as large as it fits
    assert window.actions_by_key["region"].isChecked()
    assert panel.isVisible()
    assert panel.answer.text() == PAINT
    found = answered(qtbot, desktop, lambda: stroke(brush.painter, (0.3, 0.2), (0.7, 0.8)))
    assert found.found.area == pytest.approx(brush.painter.painted.mean(), abs=1e-3)
    assert "% of the picture may change" in panel.answer.text()
    shares = [row.share for row in panel.list.rows][-len(found.found.ranked) :]
    assert shares == sorted(shares, reverse=True)
    assert panel.key.accessibleName().startswith(f"spread evenly {100 * found.found.area:.0f} %")
    panel.copy.click()
    assert QGuiApplication.clipboard().text() == panel.sentence
    assert panel.sentence.startswith("The classifier sees")
    assert "if spread evenly" in panel.sentence


def test_a_row_shows_the_picture_with_its_change_in_the_region_alone(qtbot, desktop, brush):
    found = answered(qtbot, desktop, lambda: stroke(brush.painter, (0.3, 0.3), (0.7, 0.7)))
    panel, view = brush.panel, desktop.window.canvas.view
    before, first = view.after, panel._results[0]
    QTest.mouseMove(panel.list, panel.list.row_rect(0).center().toPoint())
    assert view.after.title == "Only the region changed"
    np.testing.assert_array_equal(view.after.image, first.image)
    outside = brush.painter.painted == 0
    np.testing.assert_array_equal(view.after.image[outside], before.image[outside])
    assert f"{first.inside[found.found.target]:.2f}" in desktop.window.canvas.bars.text.text()
    QTest.keyClick(panel.list, Qt.Key.Key_Down)
    np.testing.assert_array_equal(view.after.image, panel._results[1].image)
    QApplication.sendEvent(panel.list, QEvent(QEvent.Type.Leave))
    assert view.after.title == before.title
    np.testing.assert_array_equal(view.after.image, before.image)


def test_escape_puts_it_away_with_what_is_painted_and_the_view_is_as_before(qtbot, desktop, brush):
    window = desktop.window
    answered(qtbot, desktop, lambda: stroke(brush.painter, (0.5, 0.5), (0.6, 0.6)))
    window.actions_by_key["cancel"].trigger()  # Esc
    assert not brush.is_on
    assert not window.actions_by_key["region"].isChecked()
    assert not brush.panel.isVisible()
    assert window.canvas.view.mode == "side"
    window.actions_by_key["region"].trigger()
    assert brush.is_on
    assert brush.painter.is_empty
    assert brush.panel.answer.text() == PAINT
    window.actions_by_key["region"].trigger()
    assert not brush.is_on


def test_what_is_painted_stays_for_the_next_picture_which_is_asked_about(qtbot, desktop, brush):
    explorer = desktop.explorer
    answered(qtbot, desktop, lambda: stroke(brush.painter, (0.4, 0.4), (0.6, 0.6)))
    mask = brush.painter.painted
    before = explorer.shown.request
    found = answered(qtbot, desktop, lambda: explorer.apply(SetBase(SampleBase(11))))
    assert found.request == explorer.shown.request != before
    np.testing.assert_array_equal(brush.painter.painted, mask)
    assert brush.panel.request == found.request
    explorer.begin_gesture()
    explorer.apply(SetBase(SampleBase(12)))
    wait_picture(qtbot, desktop)
    assert brush.panel.answer.text() == BUSY  # not that of another picture
    explorer.end_gesture()
    answered(qtbot, desktop, lambda: None)


def test_without_a_picture_of_the_sliders_it_says_what_to_do(desktop):
    window, told = desktop.window, []
    window.canvas.show_stage(True)  # of a photo that is being projected
    assert not window.canvas.shows_picture
    desktop.explorer.updates.on(Message, told.append)
    window.actions_by_key["region"].trigger()
    assert [each.text for each in told] == [NO_PICTURE]
    assert not window.actions_by_key["region"].isChecked()
    assert not window.canvas.region.is_on


def test_it_lies_over_every_picture_of_the_other_views_and_space_still_shows_the_one_before(qtbot, desktop, brush):
    window, view = desktop.window, desktop.window.canvas.view
    stroke(brush.painter, (0.4, 0.4), (0.6, 0.6))
    for mode, count in (("heat", 3), ("difference", 1), ("side", 2), ("swipe", 1)):
        window.set_view(mode)
        view.grab()
        assert brush.painter.frames() == view.frames()
        assert len(brush.painter.frames()) == count
    assert not brush.painter.is_empty
    QTest.keyPress(brush.painter, Qt.Key.Key_Space)
    assert view.peeking
    QTest.keyRelease(brush.painter, Qt.Key.Key_Space)
    assert not view.peeking
    window.actions_by_key["cancel"].trigger()  # Esc
    assert view.mode == "swipe"  # the one chosen meanwhile


def test_the_grid_hides_the_panel_and_clear_leaves_nothing_to_answer(qtbot, desktop, brush):
    window, panel = desktop.window, brush.panel
    answered(qtbot, desktop, lambda: stroke(brush.painter, (0.4, 0.4), (0.6, 0.6)))
    window.canvas.show_grid(True)
    assert not panel.isVisible()
    window.canvas.show_grid(False)
    assert panel.isVisible()
    panel.clear.click()
    assert panel.answer.text() == PAINT
    assert not panel.list.rows
    panel.undo.click()
    answered(qtbot, desktop, lambda: None)
    assert panel.list.rows
    panel.ways.chosen.emit(1)
    assert brush.painter.erasing
    panel.radius.setValue(9)
    assert brush.painter.radius == 4.5
