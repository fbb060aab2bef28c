# SPDX-License-Identifier: MIT
"""Over a card either a tooltip is shown or the pictures of both ends, never both."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF
from PySide6.QtGui import QEnterEvent, QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip


@pytest.fixture
def card(desktop):
    made = desktop.window.attributes.list.cards[0]
    made.underMouse = lambda: True
    return made


def enter(widget) -> None:
    at = QPointF(3, 3)
    QApplication.sendEvent(widget, QEnterEvent(at, at, QPointF(widget.mapToGlobal(QPoint(3, 3)))))


def ask_for_tooltip(widget) -> None:
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, QPoint(3, 3), widget.mapToGlobal(QPoint(3, 3))))


def test_the_slider_shows_both_ends_and_no_tooltip(qtbot, desktop, card):
    listed = desktop.window.attributes.list
    enter(card)
    enter(card.slider.track)
    qtbot.waitUntil(lambda: listed.popup is not None and listed.popup.isVisible())
    ask_for_tooltip(card.slider.track)
    assert not QToolTip.isVisible()


@pytest.mark.parametrize("part", ["rank", "place", "effect", "pin"])
def test_a_part_with_a_tooltip_hides_both_ends(qtbot, desktop, card, part):
    listed = desktop.window.attributes.list
    widget = getattr(card, part)
    assert widget.toolTip()
    enter(card)
    qtbot.waitUntil(lambda: listed.popup is not None and listed.popup.isVisible())
    enter(widget)
    assert not listed.popup.isVisible()
    QApplication.sendEvent(widget, QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(listed.popup.isVisible)
