# SPDX-License-Identifier: MIT
"""The keyboard focus stays where the person put it, and F6 takes it from panel to panel."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QPushButton, QWidget


@pytest.fixture
def window(qtbot, desktop):
    made = desktop.window
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def panel_with_focus(window):
    return window.panel_focus.panel_of(QApplication.focusWidget())


def test_space_after_g_shows_the_picture_before_and_opens_no_list(window):
    window.canvas.view.setFocus()
    QTest.keyClick(window.canvas.view, Qt.Key.Key_G)
    assert window.canvas.pages.currentWidget() is window.canvas.grid
    focus = QApplication.focusWidget()
    assert panel_with_focus(window) is window.canvas
    assert not isinstance(focus, QComboBox)
    QTest.keyClick(focus, Qt.Key.Key_Space)
    assert QApplication.activePopupWidget() is None


@pytest.mark.parametrize("lose", [QWidget.hide, lambda w: w.setEnabled(False), QWidget.deleteLater])
def test_a_button_that_goes_leaves_the_focus_in_its_panel(qtbot, window, lose):
    for holder in (window.attributes, window.samples, window.strip, window.canvas, window.status):
        added = QPushButton("Apply", holder)
        added.show()
        added.setFocus()
        panel = panel_with_focus(window)
        assert QApplication.focusWidget() is added
        lose(added)
        qtbot.waitUntil(lambda panel=panel: QApplication.focusWidget() is panel)


def test_closing_the_dock_gives_the_focus_back(qtbot, window):
    slider = window.attributes.list.cards[0].slider.track
    slider.setFocus()
    window.dock_host.set_shown(True)
    assert QApplication.focusWidget() is slider
    dock = window.dock_host.dock
    dock.close_button.setFocus()
    QTest.keyClick(dock.close_button, Qt.Key.Key_Space)
    assert dock.isHidden()
    assert QApplication.focusWidget() is slider


def test_f6_visits_every_panel_once_and_shift_f6_goes_back(window):
    window.dock_host.set_shown(True)
    visited = []
    for _ in range(7):
        window.actions_by_key["next_panel"].trigger()
        visited.append(panel_with_focus(window))
    assert len(set(visited)) == 7
    assert None not in visited
    window.actions_by_key["next_panel"].trigger()
    assert panel_with_focus(window) is visited[0]
    window.actions_by_key["previous_panel"].trigger()
    assert panel_with_focus(window) is visited[-1]


def test_f6_returns_to_the_slider_that_had_the_focus(window):
    slider = window.attributes.list.cards[2].slider.track
    slider.setFocus()
    window.actions_by_key["next_panel"].trigger()
    assert panel_with_focus(window) is window.strip
    window.actions_by_key["previous_panel"].trigger()
    assert QApplication.focusWidget() is slider


def test_whatever_takes_the_focus_has_a_name(window):
    window.dock_host.set_shown(True)
    window.dock_host.dock.show_page(2)
    window.dock_host.dock.show_page(1)
    unnamed = []
    for widget in window.findChildren(QWidget):
        popup = widget.window() is not window  # the list of a combo box, which has its name
        inside = popup or isinstance(widget, QLabel) or widget.objectName().startswith("qt_")
        if (
            widget.focusPolicy() == Qt.FocusPolicy.NoFocus
            or widget.isHidden()
            or inside
            or widget.focusProxy() is not None
        ):
            continue
        if not QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name):
            unnamed.append(f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}")
    assert not unnamed
