# SPDX-License-Identifier: MIT
"""What tests of the timeline in the whole window share: three keyframes made by hand, and points of the view."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from window_tools import drag, wait_picture

LEFT = Qt.MouseButton.LeftButton
CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


def panel_of(desktop):
    return desktop.window.strip.timeline


def slider(desktop, place: int):
    return desktop.window.attributes.list.cards[place].slider


def make_three(qtbot, desktop) -> None:
    """Keyframes at 0, 1 and 2 s by the keyboard: the class flips in the first second."""
    QTest.keyClick(desktop.window, "k")
    for place in (0, 1):
        drag(slider(desktop, place), 1.0)
        wait_picture(qtbot, desktop)
        QTest.keyClick(desktop.window, "k")


def wait_rendered(qtbot, desktop) -> None:
    qtbot.waitUntil(lambda: panel_of(desktop).controller.player.progress == 1, timeout=20_000)


def at(view, seconds: float, lane: str = "track") -> QPoint:
    box = getattr(view.lanes, lane)
    return QPoint(round(view.scale.x(seconds)), round(box.center().y()))
