# SPDX-License-Identifier: MIT
"""Dialogs of the Help menu: keys, notices, and about the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QLabel, QListWidget, QListWidgetItem, QScrollArea, QWidget

from latent_explorer import __version__
from latent_explorer.ui.actions import ACTIONS, MENUS, SHORTCUT_GROUPS, plain_text, shortcut_text
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import EmptyState, button, column, hint, plain, row, title
from latent_explorer.ui.widgets.notice_bar import COLORS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PySide6.QtWidgets import QVBoxLayout

    from latent_explorer.models.summary import ExplainerSummary

THREE_COLUMNS = 1280  # px of width from which on a screen has room for three columns of keys
KEY_WIDTH = 14 * theme.UNIT  # px of the column with the keys
MARGINS = QSize(80, 200)  # px that the dialog of keys needs around the sheet, with its frame
ABOUT_WIDTH = 52 * theme.UNIT  # px
WHAT = (
    "Shows what an image classifier looks at: drag an attribute of the picture and watch the verdict change. "
    "It works offline and sends nothing anywhere."
)
LICENCES = (
    "MIT licence. With PySide6 (LGPL 3), PyTorch (BSD), the Inter typeface (OFL 1.1) and the Phosphor icons (MIT)."
)


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
        _add_close_button(self, layout)

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
        _add_close_button(self, layout)


class AboutDialog(QDialog):
    def __init__(self, summary: ExplainerSummary | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Latent Explorer")
        picture = QLabel()
        side = 5 * theme.UNIT
        picture.setPixmap(icons.icon("leaf", "accent").pixmap(QSize(side, side)))
        name = QLabel("Latent Explorer")
        name.setFont(theme.font(theme.LARGE, semibold=True))
        texts = column(spacing=theme.UNIT // 2)
        texts.addWidget(name)
        texts.addWidget(hint(f"Version {__version__}"))
        head = row(spacing=theme.MARGIN)
        head.addWidget(picture)
        head.addLayout(texts, 1)
        layout = column(self, spacing=theme.MARGIN, margin=theme.SECTION)
        layout.addLayout(head)
        for text in (WHAT, *described(summary)):
            label = plain(text)
            label.setTextFormat(Qt.TextFormat.PlainText)  # names and notes come from files
            label.setWordWrap(True)
            label.setFixedWidth(ABOUT_WIDTH)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            layout.addWidget(label)
        licences = hint(LICENCES)
        licences.setFixedWidth(ABOUT_WIDTH)
        layout.addWidget(licences)
        _add_close_button(self, layout)


def described(summary: ExplainerSummary | None) -> list[str]:
    """Return a sentence each on the open model and its classifiers, with the start of their hashes, then its note."""
    if summary is None:
        return []
    lines = [f"Open: {summary.name}, {summary.resolution} px, model {summary.model_hash[:12]}."]
    lines += [f"Classifier: {c.name}, {c.classifier_id[:12]}." for c in summary.classifiers]
    return [*lines, *([f"Note: {summary.note}"] if summary.note else [])]


def _add_close_button(dialog: QDialog, layout: QVBoxLayout) -> None:
    close = button("Close", dialog.accept, role="primary")
    close.setDefault(True)
    layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignRight)
