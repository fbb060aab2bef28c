# SPDX-License-Identifier: MIT
"""Brush over a picture: strokes by mouse and keys, erasing, undo, and what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from latent_explorer.ui.application import make_application
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.mask_drawing import line_weight, overlay
from latent_explorer.ui.widgets.mask_painter import MaskPainter

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
SIDE = 32


@pytest.fixture
def painter(qtbot):
    make_application()
    made = MaskPainter()
    qtbot.addWidget(made)
    made.resize(340, 330)
    made.show_image(np.full((SIDE, SIDE, 3), 90, np.uint8))
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    made.setFocus()
    qtbot.waitUntil(made.hasFocus, timeout=60_000)
    made.said = []
    made.mask_changed.connect(made.said.append)
    return made


def at(painter: MaskPainter, x: float, y: float, place: int = 0) -> QPoint:
    """Return the position of a point of the picture, px."""
    frame = painter.frames()[place]
    across = frame.width() / painter.painted.shape[1]
    return QPoint(round(frame.left() + x * across), round(frame.top() + y * across))


def drag(painter: MaskPainter, start: tuple[float, float], end: tuple[float, float], button=LEFT) -> None:
    QTest.mousePress(painter, button, pos=at(painter, *start))
    QTest.mouseMove(painter, at(painter, *end))
    QTest.mouseRelease(painter, button, pos=at(painter, *end))


def test_a_stroke_covers_the_pixels_within_the_radius_of_its_line():
    weight = line_weight((32, 32), (8, 16), (24, 16), 4)
    assert weight.dtype == np.float32
    y, x = np.mgrid[:32, :32] + 0.5
    distance = np.hypot(x - np.clip(x, 8, 24), y - 16)
    assert (weight[distance <= 3.5] == 1).all()
    assert (weight[distance >= 4.5] == 0).all()
    assert line_weight((32, 32), (-9, 16), (-5, 50), 4).max() == 0  # beside the picture
    np.testing.assert_array_equal(
        line_weight((32, 24), (3, 30), (3, 30), 5), line_weight((40, 24), (3, 30), (3, 30), 5)[:32]
    )
    # Area of the line with its two round ends
    assert weight.sum() == pytest.approx(16 * 8 + np.pi * 16, rel=0.03)


def test_the_mouse_paints_in_pixels_of_the_picture_and_tells_once_per_stroke(painter):
    painter.set_radius(3)
    drag(painter, (10, 10), (20, 10))
    assert len(painter.said) == 1
    mask = painter.said[0]
    assert mask.shape == (SIDE, SIDE)
    assert mask[9, 9] == mask[9, 15] == mask[9, 19] == 1
    assert mask[20:].max() == 0
    drag(painter, (15, 10), (15, 10), RIGHT)
    assert painter.painted[9, 14] == 0
    assert painter.painted[9, 9] == 1


def test_a_widget_of_any_shape_shows_the_whole_picture_and_its_last_pixel_is_reached(painter, qtbot):
    painter.resize(700, 300)
    frame = painter.frames()[0]
    assert painter.rect().contains(frame.toAlignedRect())
    assert frame.width() == frame.height()
    painter.set_radius(1)
    drag(painter, (31.5, 31.5), (31.5, 31.5))
    assert painter.painted[31, 31] == 1
    assert painter.painted[:28].max() == 0


def test_a_press_beside_the_picture_paints_nothing(painter):
    painter.resize(700, 300)
    QTest.mouseClick(painter, LEFT, pos=QPoint(3, 150))
    assert painter.is_empty
    assert painter.said == []


def test_strokes_are_taken_back_and_all_can_be_cleared(painter):
    drag(painter, (10, 10), (10, 10))
    first = painter.painted
    drag(painter, (20, 20), (20, 20))
    QTest.keyClick(painter, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(painter.painted, first)
    QTest.keyClick(painter, Qt.Key.Key_Delete)
    assert painter.is_empty
    assert "Nothing is painted" in painter.accessibleDescription()
    painter.undo()
    np.testing.assert_array_equal(painter.said[-1], first)


def test_keys_move_the_brush_and_paint_and_erase(painter):
    painter.set_radius(2)
    QTest.keyClick(painter, Qt.Key.Key_Left)
    QTest.keyClick(painter, Qt.Key.Key_Return)
    assert painter.painted[16, 15] == 1
    assert "% of the picture is painted" in painter.accessibleDescription()
    QTest.keyPress(painter, Qt.Key.Key_Return)
    for _ in range(8):
        QTest.keyClick(painter, Qt.Key.Key_Down)
    QTest.keyRelease(painter, Qt.Key.Key_Return)
    assert (painter.painted[16:25, 15] == 1).all()
    assert len(painter.said) == 2
    QTest.keyClick(painter, Qt.Key.Key_Backspace)
    assert painter.painted[24, 15] == 0
    before = painter.radius
    QTest.keyClick(painter, Qt.Key.Key_Plus)
    assert painter.radius > before


def test_erasing_where_nothing_is_painted_says_nothing(painter):
    painter.set_erasing(True)
    drag(painter, (10, 10), (20, 20))
    assert painter.said == []
    painter.undo()
    assert painter.said == []


def test_what_is_painted_on_one_of_two_frames_is_painted_on_both(qtbot):
    make_application()
    painter = MaskPainter()
    qtbot.addWidget(painter)
    painter.resize(420, 220)
    painter.set_frames([QRectF(5, 10, 200, 200), QRectF(215, 10, 200, 200)], (20, 20))
    painter.show()
    painter.set_radius(2)
    QTest.mouseClick(painter, LEFT, pos=at(painter, 10, 10, place=1))
    assert painter.painted[10, 10] == 1
    painter.activateWindow()
    painter.setFocus(Qt.FocusReason.TabFocusReason)  # tinted while the brush is in the hand
    qtbot.waitUntil(painter.hasFocus, timeout=60_000)
    QTest.keyClick(painter, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(painter, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    shot = painter.grab().toImage()
    left, right = shot.pixelColor(at(painter, 10, 10)), shot.pixelColor(at(painter, 10, 10, place=1))
    assert left == right
    assert left != shot.pixelColor(at(painter, 2, 2))
    painter.set_frames([QRectF(5, 10, 100, 100)], (20, 20))
    assert not painter.is_empty  # only the place has changed
    painter.set_frames([QRectF(5, 10, 100, 100)], (40, 40))
    assert painter.is_empty


def test_a_mask_is_kept_with_a_picture_of_the_same_size_only(painter):
    mask = np.zeros((SIDE, SIDE))
    mask[3:8] = 2  # clipped
    painter.set_painted(mask)
    assert painter.painted.max() == 1
    painter.show_image(np.zeros((SIDE, SIDE, 3), np.uint8))
    assert not painter.is_empty
    with pytest.raises(ValueError, match="The mask is"):
        painter.set_painted(np.zeros((4, 4)))
    painter.show_image(np.zeros((48, 24, 3), np.uint8))
    assert painter.is_empty
    assert painter.painted.shape == (48, 24)
    painter.show_image(None)
    painter.grab()


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_the_outline_is_seen_on_white_and_on_black(palette):
    mask = np.zeros((16, 16), np.float32)
    mask[4:12, 4:12] = 1
    drawn = overlay(mask, (160, 160), 1.0, palette.color("accent", 0.3))
    row = [drawn.pixelColor(x, 80) for x in range(160)]
    assert QColor(255, 255, 255, 255) in row
    assert any(c.alpha() > 180 and c.red() == c.green() == c.blue() == 0 for c in row)
    assert row[0].alpha() == 0
    assert 0 < row[80].alpha() < 128  # the picture is seen below the tint


def test_a_mask_from_outside_waits_for_the_stroke_and_ends_the_history(painter):
    QTest.mousePress(painter, LEFT, pos=at(painter, 8, 8))
    painted = painter.painted.copy()
    painter.set_painted(np.zeros((SIDE, SIDE), np.float32))  # as progress does while the button is down
    np.testing.assert_array_equal(painter.painted, painted)
    QTest.mouseRelease(painter, LEFT, pos=at(painter, 8, 8))
    assert len(painter.said) == 1
    painter.set_painted(np.zeros((SIDE, SIDE), np.float32))  # another picture's
    painter.undo()
    assert not painter.painted.any()
