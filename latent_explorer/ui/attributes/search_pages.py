# SPDX-License-Identifier: MIT
"""What the attributes panel shows while it has no attributes: the offer to find them, and the search's progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QProgressBar, QStackedWidget, QWidget

from latent_explorer.common.events import Progress
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import EmptyState, button, column, hint, title
from latent_explorer.ui.widgets.status_bar import job_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.common.events import Event

NO_MODEL = "Open a model to see what moves its classifier."
NOTHING = "No attributes are known yet for this class."


class AttributeSearchPages(QStackedWidget):
    """Three pages: no model, nothing found yet, searching."""

    search_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.no_model = EmptyState("sliders", NO_MODEL)
        self.nothing = EmptyState("sliders", NOTHING, "Find attributes", self.search_requested.emit)
        self.searching = _SearchProgress(self.cancel_requested.emit)
        for page in (self.no_model, self.nothing, self.searching):
            self.addWidget(page)

    def show_no_model(self) -> None:
        self.setCurrentWidget(self.no_model)

    def show_nothing(self, target: str, running: bool) -> None:
        """Nothing is known towards `target`; while a search runs, its progress instead of the offer."""
        self.nothing.sentence.setText(
            f"No attributes are known yet that move the classifier towards {target}. "
            "A search takes about ten minutes on a laptop; everything stays usable meanwhile."
        )
        self.setCurrentWidget(self.searching if running else self.nothing)


class _SearchProgress(QWidget):
    """Bar, words, cancel."""

    def __init__(self, on_cancel: Callable[[], object]) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName("Progress of the search for attributes")
        self.words = hint("Starting")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        heading = title("Finding attributes")
        heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = column(self, margin=theme.MARGIN)
        layout.addStretch(1)
        layout.addWidget(heading)
        layout.addWidget(self.bar)
        layout.addWidget(self.words)
        self.cancel = button("Cancel", on_cancel)
        layout.addWidget(self.cancel, alignment=Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)

    def show_progress(self, event: Event) -> None:
        """How far the search is."""
        if not isinstance(event, Progress):
            return
        self.bar.setMaximum(max(event.total, 1))
        self.bar.setValue(event.done)
        self.words.setText(job_text("Finding attributes", event))
