# SPDX-License-Identifier: MIT
"""Error dialog: what happened, why, what to do; technical details on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPlainTextEdit, QWidget

from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import SELECTABLE, button, column, plain, row

if TYPE_CHECKING:
    from latent_explorer.app.engine.failure import Failure

WIDTH = 60 * theme.UNIT


class ErrorDialog(QDialog):
    """Dialog for one failure. `failed` names what was being done: "Opening leaf-health"."""

    def __init__(self, failure: Failure, failed: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._failure, self._failed = failure, failed
        self.setWindowTitle("Latent Explorer")
        self.setAccessibleName("Error")
        self.details = QPlainTextEdit(failure.details)
        self.details.setReadOnly(True)
        self.details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setFixedHeight(22 * theme.UNIT)
        self.details.setAccessibleName("Technical details")
        self.details.hide()
        self.fold = button("Show details", self._toggle, role="quiet", icon="right")
        self.fold.setVisible(bool(failure.details))
        layout = column(self, spacing=theme.MARGIN, margin=theme.SECTION)
        layout.addLayout(self._message())
        layout.addWidget(self.details)
        layout.addLayout(self._buttons())
        layout.setSizeConstraint(layout.SizeConstraint.SetFixedSize)
        self.close_button.setFocus()

    def _message(self) -> QHBoxLayout:
        picture = QLabel()
        side = 4 * theme.UNIT
        picture.setPixmap(icons.icon("error", "danger").pixmap(QSize(side, side)))
        head = plain(f"{self._failed} did not work")
        head.setFont(theme.font(theme.BODY + 2, semibold=True))
        self.message = plain(self._failure.message)
        self.message.setWordWrap(True)
        self.message.setFixedWidth(WIDTH)
        self.message.setTextInteractionFlags(SELECTABLE)
        self.message.setAccessibleName("Message")
        texts = column(spacing=theme.GAP)
        texts.addWidget(head)
        texts.addWidget(self.message)
        line = row(spacing=theme.MARGIN)
        line.addWidget(picture, alignment=Qt.AlignmentFlag.AlignTop)
        line.addLayout(texts, 1)
        return line

    def _buttons(self) -> QHBoxLayout:
        line = row()
        line.addWidget(self.fold)
        line.addStretch(1)
        self.copy = button("Copy", self._copy, icon="copy")
        self.copy.setToolTip("Copy the message and the details")
        line.addWidget(self.copy)
        self.close_button = button("Close", self.accept, role="primary")
        self.close_button.setDefault(True)
        line.addWidget(self.close_button)
        return line

    def _toggle(self) -> None:
        shown = not self.details.isVisible()
        self.details.setVisible(shown)
        self.fold.setText("Hide details" if shown else "Show details")
        self.fold.setAccessibleName(self.fold.text())
        icons.set_icon(self.fold, "down" if shown else "right")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(
            f"{self._failed} did not work.\n{self._failure.message}\n\n{self._failure.details}"
        )
