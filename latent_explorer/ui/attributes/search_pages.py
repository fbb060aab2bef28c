# SPDX-License-Identifier: MIT
"""What stands in place of the attribute cards, and the progress of a search beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QProgressBar, QWidget

from latent_explorer.common.events import Progress
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, EmptyState, Pages, button, column, hint, row, title
from latent_explorer.ui.widgets.status_bar import job_text

if TYPE_CHECKING:
    from latent_explorer.common.events import Event

NO_MODEL = "Open a model to see what moves its classifier."
NO_CLASSIFIER = (
    "This explainer holds no classifier, so there is nothing to find attributes for. Drop one on the window to search "
    "these pictures for what moves it. Sliders of your own (+) move them all the same."
)
NOTHING = "No attributes are known yet for this class."
STARTING = "Starting"
STOP_HELP = "Stop the search and keep what is known; Find attributes goes on from there"


class AttributeSearchPages(Pages):
    """Three pages in place of the cards: no model, nothing found yet, searching."""

    search_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.no_model = EmptyState("sliders", NO_MODEL)
        self.nothing = EmptyState("sliders", NOTHING, "Find attributes", self.search_requested.emit)
        self.searching = SearchProgress()
        self.no_classifier = EmptyState("sliders", NO_CLASSIFIER)
        for page in (self.no_model, self.nothing, self.no_classifier, self.searching):
            self.addWidget(page)

    def show_no_model(self) -> None:
        self.setCurrentWidget(self.no_model)

    def show_no_classifier(self) -> None:
        self.setCurrentWidget(self.no_classifier)

    def show_nothing(self, target: str, running: bool) -> None:
        """Show that nothing is known for `target`: the offer to search, or the progress if a search is running."""
        self.nothing.sentence.setText(
            f"No attributes are known yet that move the classifier towards {target}. "
            "A search takes about a minute on a laptop and lists what it knows as it goes; everything stays usable "
            "meanwhile."
        )
        self.setCurrentWidget(self.searching if running else self.nothing)


class SearchProgress(QWidget):
    """Progress of a search, with a button that stops it: a page or, if `compact`, two lines above the list."""

    stop_requested = Signal()

    def __init__(self, *, compact: bool = False) -> None:
        super().__init__()
        self._compact = compact
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName("Progress of the search for attributes")
        self.message = ElidedLabel() if compact else hint("")
        self.cancel = button("Stop", self.stop_requested.emit, role="quiet" if compact else "")
        self.cancel.setToolTip(STOP_HELP)
        if compact:
            self._build_lines()
        else:
            self._build_page()
        self.begin()

    def _build_page(self) -> None:
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        heading = title("Finding attributes")
        heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = column(self, margin=theme.MARGIN)
        layout.addStretch(1)
        layout.addWidget(heading)
        layout.addWidget(self.bar)
        layout.addWidget(self.message)
        layout.addWidget(self.cancel, alignment=Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)

    def _build_lines(self) -> None:
        self.message.setProperty("role", "hint")
        self.message.setFont(theme.font(theme.SMALL))
        line = row()
        line.addWidget(self.message, 1)
        line.addWidget(self.cancel)
        layout = column(self, spacing=0)
        layout.addLayout(line)
        layout.addWidget(self.bar)
        self.hide()

    def begin(self) -> None:
        """Show that a search was asked for."""
        self.bar.setRange(0, 0)
        self.message.setText(STARTING)

    def show_event(self, event: Event) -> None:
        """Show how far the search is; other events than progress are ignored."""
        if not isinstance(event, Progress):
            return
        self.bar.setRange(0, max(event.total, 1))
        self.bar.setValue(event.done)
        self.message.setText(event.message if self._compact else job_text("Finding attributes", event))
