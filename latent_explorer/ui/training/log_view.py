# SPDX-License-Identifier: MIT
"""Lines of a log, newest at the end: it follows the end unless the person reads further up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QPlainTextEdit, QStackedWidget, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import EmptyState, column

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 2000  # lines kept


class LogView(QWidget):
    """Text that can be selected and copied."""

    def __init__(self, empty: str) -> None:
        super().__init__()
        self._lines: list[str] = []
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setMaximumBlockCount(MOST)
        self.text.setFont(theme.font(theme.SMALL))
        self.text.setAccessibleName("Log of the training")
        self.text.setTabChangesFocus(True)
        self.text.document().setDocumentMargin(theme.UNIT)
        self.pages = QStackedWidget()
        self.pages.addWidget(EmptyState("info", empty))
        self.pages.addWidget(self.text)
        column(self).addWidget(self.pages)

    @property
    def lines(self) -> list[str]:
        return list(self._lines)

    def show_lines(self, lines: Sequence[str]) -> None:
        """All lines; only what is new is added where the beginning is the same."""
        known = len(self._lines)
        if list(lines) == self._lines:
            return
        bar = self.text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        if list(lines[:known]) == self._lines:
            for line in lines[known:]:
                self.text.appendPlainText(line)
        else:
            self.text.setPlainText("\n".join(lines[-MOST:]))
        self._lines = list(lines)
        self.pages.setCurrentIndex(int(bool(lines)))
        if at_end:
            bar.setValue(bar.maximum())
