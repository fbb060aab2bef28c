# SPDX-License-Identifier: MIT
"""What this program is, its version and licence, and which model and classifier are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QLabel, QWidget

from latent_explorer import __version__
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import button, column, hint, plain, row

if TYPE_CHECKING:
    from latent_explorer.models.summary import ExplainerSummary

WIDTH = 52 * theme.UNIT
WHAT = (
    "Shows what an image classifier looks at: drag an attribute of the picture and watch the verdict change. "
    "It works offline and sends nothing anywhere."
)
LICENCES = (
    "MIT licence. With PySide6 (LGPL 3), PyTorch (BSD), the Inter typeface (OFL 1.1) and the Phosphor icons (MIT)."
)


class AboutDialog(QDialog):
    """One screen of text."""

    def __init__(self, summary: ExplainerSummary | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Latent Explorer")
        picture = QLabel()
        side = 5 * theme.UNIT
        picture.setPixmap(icons.icon("leaf", "accent").pixmap(QSize(side, side)))
        name = QLabel("Latent Explorer")
        name.setFont(theme.font(theme.LARGE, semibold=True))
        words = column(spacing=theme.UNIT // 2)
        words.addWidget(name)
        words.addWidget(hint(f"Version {__version__}"))
        head = row(spacing=theme.MARGIN)
        head.addWidget(picture)
        head.addLayout(words, 1)
        layout = column(self, spacing=theme.MARGIN, margin=theme.SECTION)
        layout.addLayout(head)
        for text in (WHAT, *described(summary)):
            label = plain(text)
            label.setTextFormat(Qt.TextFormat.PlainText)  # names and notes are a file's words
            label.setWordWrap(True)
            label.setFixedWidth(WIDTH)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            layout.addWidget(label)
        licences = hint(LICENCES)
        licences.setFixedWidth(WIDTH)
        layout.addWidget(licences)
        close = button("Close", self.accept, role="primary")
        close.setDefault(True)
        layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignRight)


def described(summary: ExplainerSummary | None) -> list[str]:
    """The open model and its classifiers with the beginnings of their hashes, a sentence each; then its note."""
    if summary is None:
        return []
    said = [f"Open: {summary.name}, {summary.resolution} px, model {summary.model_hash[:12]}."]
    said += [f"Classifier: {c.name}, {c.classifier_id[:12]}." for c in summary.classifiers]
    return [*said, *([f"Note: {summary.note}"] if summary.note else [])]
