# SPDX-License-Identifier: MIT
"""Dialogs of the Help menu: keys and notices. Each other one has a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QLabel, QListWidget, QListWidgetItem, QScrollArea, QWidget

from latent_explorer.ui.actions import ACTIONS, MENUS, SHORTCUT_GROUPS, plain_text, shortcut_text
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import EmptyState, button, column, plain, row, title
from latent_explorer.ui.widgets.notice_bar import COLORS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PySide6.QtWidgets import QBoxLayout, QPushButton

THREE_COLUMNS = 1280  # px of width from which on a screen has room for three columns of keys
KEY_WIDTH = 14 * theme.UNIT  # px of the column with the keys
MARGINS = QSize(80, 200)  # px that the dialog of keys needs around the sheet, with its frame


class ShortcutsDialog(QDialog):
    """All keys in two or three columns under the names of their menus, made from the table of actions."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        blocks = [
            (
                menu_title.replace("&", ""),
                [(shortcut_text(s), plain_text(s)) for s in ACTIONS if s.menu == menu and s.shortcut],
            )
            for menu, menu_title in MENUS.items()
        ]
        blocks += [(name, list(keys)) for name, keys in SHORTCUT_GROUPS]
        inside = QWidget()
        wide = QGuiApplication.primaryScreen().availableSize().width() >= THREE_COLUMNS
        columns = [column(spacing=theme.SECTION) for _ in range(3 if wide else 2)]
        heights = [0] * len(columns)
        for name, keys in blocks:
            shortest = heights.index(min(heights))
            columns[shortest].addLayout(self._block(name, keys))
            heights[shortest] += len(keys) + 2
        sheet = row(inside, spacing=4 * theme.UNIT)
        for each in columns:
            each.addStretch(1)
            sheet.addLayout(each)
        layout = column(self, spacing=theme.SECTION, margin=theme.SECTION)
        layout.addWidget(_scrolled(inside))
        add_close_button(self, layout)

    def _block(self, name: str, keys: list[tuple[str, str]]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.MARGIN)
        grid.setVerticalSpacing(theme.UNIT // 2)
        grid.addWidget(title(name), 0, 0, 1, 2)
        for line, (key, meaning) in enumerate(keys, start=1):
            cap = QLabel(key)
            cap.setProperty("role", "hint")
            cap.setMinimumWidth(KEY_WIDTH)
            grid.addWidget(cap, line, 0)
            grid.addWidget(plain(meaning), line, 1)
        grid.setColumnStretch(1, 1)
        return grid


def _scrolled(sheet: QWidget) -> QScrollArea:
    """Return a scroll area with the sheet, as large as the sheet if the screen has room for it."""
    area = QScrollArea()
    area.setWidget(sheet)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setAccessibleName("All keys")
    room = QGuiApplication.primaryScreen().availableSize() - MARGINS
    bars = QSize(2, 2) if sheet.sizeHint().height() <= room.height() else QSize(12, 2)
    area.setMinimumSize((sheet.sizeHint() + bars).boundedTo(room))
    return area


class NoticesDialog(QDialog):
    """Notices shown so far, newest first."""

    def __init__(self, notices: Iterable[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Notices")
        self.resize(64 * theme.UNIT, 44 * theme.UNIT)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setAccessibleName("Notices, newest first")
        for severity, text in reversed(list(notices)):
            self.list.addItem(QListWidgetItem(icons.icon(severity, COLORS[severity]), text))
        if self.list.count():
            layout.addWidget(self.list)
        else:
            self.list.hide()
            layout.addWidget(EmptyState("info", "There are no notices yet."))
        add_close_button(self, layout)


def add_close_button(dialog: QDialog, layout: QBoxLayout) -> QPushButton:
    """Put the button that closes a dialog at the right end of a layout, and return it."""
    close = button("Close", dialog.accept, role="primary")
    close.setDefault(True)
    layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignRight)
    return close
