# SPDX-License-Identifier: MIT
"""What the program said so far, to be read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QListWidget, QListWidgetItem, QWidget

from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import EmptyState, button, column
from latent_explorer.ui.widgets.notice_bar import COLORS

if TYPE_CHECKING:
    from collections.abc import Iterable


class NoticesDialog(QDialog):
    """Newest first."""

    def __init__(self, said: Iterable[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Notices")
        self.resize(64 * theme.UNIT, 44 * theme.UNIT)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setAccessibleName("Notices, newest first")
        for severity, text in reversed(list(said)):
            self.list.addItem(QListWidgetItem(icons.icon(severity, COLORS[severity]), text))
        if self.list.count():
            layout.addWidget(self.list)
        else:
            self.list.hide()
            layout.addWidget(EmptyState("info", "Nothing was said yet."))
        close = button("Close", self.accept, role="primary")
        close.setDefault(True)
        layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignRight)
