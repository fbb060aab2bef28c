# SPDX-License-Identifier: MIT
"""Buttons that are actions: same icon, state, tooltip and name; and the row of them beside the menus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QToolButton, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction

ROW = (*("view_side", "view_after", "view_swipe", "view_difference", ""), *("grid", "pixels", "", "undo", "redo", ""))

RECORD_WIDTH = 12 * theme.UNIT  # px: the elapsed time must not push the other buttons


def mode_button(action: QAction, text: str = "") -> QToolButton:
    """A quiet button for an action; with `text` beside the icon where the icon alone would not do."""
    made = QToolButton()
    made.setProperty("role", "quiet")
    made.setDefaultAction(action)
    made.setIconSize(QSize(theme.ICON, theme.ICON))
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setAccessibleName(action.text().replace("&", "").removesuffix("..."))
    if text:
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        action.setIconText(text)
        made.setFixedHeight(theme.CONTROL)
    else:
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        made.setFixedSize(theme.CONTROL, theme.CONTROL)
    return made


def tool_row(actions: Mapping[str, QAction]) -> QWidget:
    """The modes of the canvas, undo and redo, and what is done most with files."""
    made = QWidget()
    layout = row(made, spacing=theme.UNIT // 2)
    layout.setContentsMargins(theme.UNIT, 0, theme.UNIT, 0)
    for key in ROW:
        if key:
            layout.addWidget(mode_button(actions[key]))
        else:
            layout.addSpacing(theme.MARGIN)
    record = mode_button(actions["record"], "Record")
    record.setMinimumWidth(RECORD_WIDTH)
    layout.addWidget(record)
    layout.addWidget(mode_button(actions["open"], "Open"))
    layout.addWidget(mode_button(actions["export_png"], "Export"))
    return made
