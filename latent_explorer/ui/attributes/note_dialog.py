# SPDX-License-Identifier: MIT
"""Dialog in which a note on an attribute is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from latent_explorer.app.exploration.document import MAX_NOTE
from latent_explorer.common.format import shortened
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import OF_MODEL, button, column, hint, row, title

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

SIZE = 44 * theme.UNIT, 12 * theme.UNIT  # px of the field


class _Field(QPlainTextEdit):
    """Field that Ctrl+Enter submits."""

    submitted = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.submitted.emit()
            return
        super().keyPressEvent(event)


class NoteDialog(QDialog):
    """Field for a note. `written` is emitted with the text; an empty one removes the note."""

    written = Signal(str)

    def __init__(self, name: str, note: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty(OF_MODEL, True)
        self.setWindowTitle("Note on an attribute")
        self.field = _Field(note)
        self.field.setProperty("role", "field")
        self.field.setTabChangesFocus(True)
        self.field.setMinimumSize(*SIZE)
        self.field.setAccessibleName(f"Note on {name}")
        self.field.setPlaceholderText("What it seems to show, on which pictures, what speaks against it")
        self.field.textChanged.connect(self._count)
        self.room = hint("", wrap=False)
        self.save = button("Save", self.accept, role="primary")
        self.save.setToolTip("Ctrl+Enter")
        foot = row()
        foot.addWidget(self.room, 1)
        foot.addWidget(button("Cancel", self.reject))
        foot.addWidget(self.save)
        layout = column(self, spacing=theme.MARGIN, margin=theme.SECTION)
        layout.addWidget(title(f"Note on {shortened(name)}"))
        layout.addWidget(hint("Kept with the exploration, and printed in reports."))
        layout.addWidget(self.field)
        layout.addLayout(foot)
        self.field.submitted.connect(self.accept)
        self._count()
        self.field.setFocus()

    def _count(self) -> None:
        """Say how many characters are too many."""
        over = len(self.field.toPlainText().strip()) - MAX_NOTE
        self.room.setText(f"{over:,} characters too many" if over > 0 else "")
        self.save.setEnabled(over <= 0)

    def accept(self) -> None:
        """Accept, and say what was written."""
        if self.save.isEnabled():
            super().accept()
            self.written.emit(self.field.toPlainText())
