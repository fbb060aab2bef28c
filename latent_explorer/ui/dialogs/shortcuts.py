# SPDX-License-Identifier: MIT
"""The sheet of keys, made from the table of actions, so that it cannot be out of date."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QLabel, QScrollArea, QWidget

from latent_explorer.ui.actions import ACTIONS, MENUS, SHORTCUT_GROUPS, plain_text, shortcut_text
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import button, column, plain, row, title

WIDE = 1280  # px of a screen that has room for three columns
CAP = 14 * theme.UNIT  # px of the keys' own column

MARGINS = QSize(80, 200)  # px that the dialog needs around the sheet, with its frame


class ShortcutsDialog(QDialog):
    """Every key in two or three columns, under the menus' names."""

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
        wide = QGuiApplication.primaryScreen().availableSize().width() >= WIDE
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
        close = button("Close", self.accept, role="primary")
        close.setDefault(True)
        layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignRight)

    def _block(self, name: str, keys: list[tuple[str, str]]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.MARGIN)
        grid.setVerticalSpacing(theme.UNIT // 2)
        grid.addWidget(title(name), 0, 0, 1, 2)
        for line, (key, words) in enumerate(keys, start=1):
            cap = QLabel(key)
            cap.setProperty("role", "hint")
            cap.setMinimumWidth(CAP)
            grid.addWidget(cap, line, 0)
            grid.addWidget(plain(words), line, 1)
        grid.setColumnStretch(1, 1)
        return grid


def _scrolled(sheet: QWidget) -> QScrollArea:
    """As large as the sheet where the screen has room for it."""
    area = QScrollArea()
    area.setWidget(sheet)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setAccessibleName("All keys")
    room = QGuiApplication.primaryScreen().availableSize() - MARGINS
    bars = QSize(2, 2) if sheet.sizeHint().height() <= room.height() else QSize(12, 2)
    area.setMinimumSize((sheet.sizeHint() + bars).boundedTo(room))
    return area
