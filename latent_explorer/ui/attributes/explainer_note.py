# SPDX-License-Identifier: MIT
"""The note that an open explainer carries, above the sliders that it speaks of, until the person has read enough of it.

It is shown as text, whatever the file says. Help > About shows it again.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import hint, icon_button, row

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.models.summary import ExplainerSummary

KEPT = 100  # notes that stay away; the oldest comes back


class ExplainerNote(QFrame):
    """Hidden where there is no note, or where it was closed before."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self._explorer = explorer
        self.setProperty("role", "card")
        self.text = hint("")
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setAccessibleName("Note of this explainer")
        self.close_button = icon_button("close", "Close this note; Help > About keeps it", self.dismiss)
        line = row(self, spacing=theme.GAP // 2)
        line.setContentsMargins(theme.GAP, theme.GAP, theme.GAP // 2, theme.GAP)
        line.addWidget(self.text, 1)
        line.addWidget(self.close_button, alignment=Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_model(self, summary: ExplainerSummary | None) -> None:
        """The note of the model that is open now."""
        note = summary.note if summary else ""
        self.text.setText(note)
        self.text.setAccessibleDescription(note)
        closed = self._explorer.settings.closed_notes
        self.setVisible(summary is not None and note != "" and note_key(summary) not in closed)

    def dismiss(self) -> None:
        """Away, also at the next start; another note of the same model is shown again."""
        self.hide()
        summary = self._explorer.summary
        if summary is not None:
            closed = self._explorer.settings.closed_notes
            self._explorer.change_settings(closed_notes=(*closed, note_key(summary))[-KEPT:])


def note_key(summary: ExplainerSummary) -> str:
    """Which note of which model was closed, as the settings remember it."""
    return hashlib.sha256(f"{summary.model_hash} {summary.note}".encode()).hexdigest()[:16]
