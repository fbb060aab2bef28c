# SPDX-License-Identifier: MIT
"""Keyboard focus between the panels of the window: F6 goes from one to the next, and no panel steals it.

When Qt hides or disables the widget with the focus, it passes the focus to the next one in the order of Tab, which may
be a list of another panel that then takes the next key. Here it stays in its panel instead, without a ring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

if TYPE_CHECKING:
    from collections.abc import Sequence


class PanelFocus(QObject):
    """Focus of a window among its `panels`, in the order in which F6 visits them; `home` takes it from hidden ones."""

    def __init__(self, window: QWidget, panels: Sequence[QWidget], home: QWidget) -> None:
        super().__init__(window)
        self._panels = tuple(panels)
        self._home = home
        self._panel: QWidget | None = None  # that has the focus
        self._before: QWidget | None = None  # had the focus before it went to another panel
        for panel in self._panels:
            if panel.focusPolicy() == Qt.FocusPolicy.NoFocus:
                panel.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_changed)

    def panel_of(self, widget: QWidget | None) -> QWidget | None:
        """Return the panel that holds a widget, or None."""
        return next((p for p in self._panels if widget is p or (widget and p.isAncestorOf(widget))), None)

    def step(self, by: int) -> None:
        """Give the focus to the next visible panel (`by` 1) or the one before (-1): where it was, else its first."""
        shown = [panel for panel in self._panels if panel.isVisible() and (_first(panel) is not None)]
        if not shown:
            return
        now = self.panel_of(QApplication.focusWidget())
        at = shown.index(now) + by if now in shown else min(0, by)
        panel = shown[at % len(shown)]
        last = panel.focusWidget()
        target = last if last is not None and last is not panel and _takes_tab(last) else _first(panel)
        assert target is not None
        target.setFocus(Qt.FocusReason.TabFocusReason)

    def _focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        panel, self._panel = self._panel, self.panel_of(new)
        if panel is None:
            return
        deleted = new is None and panel.window().isActiveWindow()
        if not deleted and old is not None and isValid(old) and old.isVisible() and old.isEnabled():
            if new is not None and self._panel is not panel:
                self._before = old
            return
        if new is not None and new.window() is not panel.window():
            return  # in a dialog
        if panel.isVisible():
            panel.setFocus(Qt.FocusReason.OtherFocusReason)
        elif self._before is not None and isValid(self._before) and self._before.isVisible():
            self._before.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._home.setFocus(Qt.FocusReason.OtherFocusReason)


def _takes_tab(widget: QWidget) -> bool:
    tab = Qt.FocusPolicy.TabFocus.value
    return bool(widget.focusPolicy().value & tab) and widget.isVisible() and widget.isEnabled()


def _first(panel: QWidget) -> QWidget | None:
    """Return the first widget of a panel that Tab would reach, in the order of Tab."""
    if _takes_tab(panel):
        return panel
    widget = panel.nextInFocusChain()
    while widget is not None and widget is not panel:
        if panel.isAncestorOf(widget) and _takes_tab(widget):
            return widget
        widget = widget.nextInFocusChain()
    return None
