# SPDX-License-Identifier: MIT
"""What stands in place of the attribute cards, and the progress of a search beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QProgressBar, QWidget

from latent_explorer.common.events import Progress
from latent_explorer.common.format import duration_text
from latent_explorer.common.glossary import meaning
from latent_explorer.explain.attfind.cost import USUAL
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import (
    ElidedLabel,
    EmptyState,
    NoWheelComboBox,
    Pages,
    button,
    column,
    hint,
    row,
    tip,
    title,
)
from latent_explorer.ui.widgets.status_bar import job_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.common.events import Event
    from latent_explorer.explain.attfind.cost import SearchCost

NO_MODEL = "Open a model to see what moves its classifier."
NO_CLASSIFIER = (
    "This explainer holds no classifier, so there is nothing to find attributes for. Drop one on the window to search "
    "these pictures for what moves it. Sliders of your own (+) move them all the same."
)
NOTHING = "No attributes are known yet for this class."
STARTING = "Starting"
TIMING = "Timing a few pictures..."
STOP_HELP = "Stop the search and keep what is known; Find attributes goes on from there"


class AttributeSearchPages(Pages):
    """Three pages in place of the cards: no model, nothing found yet, searching."""

    search_requested = Signal()
    settings_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.no_model = EmptyState("sliders", NO_MODEL)
        self.nothing = SearchOffer(self.search_requested.emit)
        self.nothing.settings.clicked.connect(self.settings_requested)
        self.searching = SearchProgress()
        self.no_classifier = EmptyState("sliders", NO_CLASSIFIER)
        for page in (self.no_model, self.nothing, self.no_classifier, self.searching):
            self.addWidget(page)

    def show_no_model(self) -> None:
        self.setCurrentWidget(self.no_model)

    def show_no_classifier(self) -> None:
        self.setCurrentWidget(self.no_classifier)

    def show_nothing(self, target: str, running: bool, cost: SearchCost | None) -> None:
        """Show that nothing is known for `target`: the offer to search, or the progress if a search is running."""
        self.nothing.show_offer(target, cost)
        self.setCurrentWidget(self.searching if running else self.nothing)

    def chosen(self) -> int | None:
        """Return the number of pictures that is chosen on the page, or None where it is not shown or not yet timed."""
        return self.nothing.number.currentData() if self.currentWidget() is self.nothing else None


class SearchOffer(EmptyState):
    """Offer to search, with a choice of the number of pictures and of what that takes here."""

    def __init__(self, search: Callable[[], object]) -> None:
        super().__init__("sliders", NOTHING, "Find attributes", search)
        self.number = NoWheelComboBox("Pictures to search")
        self.number.setSizeAdjustPolicy(NoWheelComboBox.SizeAdjustPolicy.AdjustToContents)
        self.number.setToolTip("More pictures make the list surer. The times are estimated from a few of them")
        layout = self.layout()
        assert isinstance(layout, QBoxLayout)
        before_button = layout.count() - 2  # the button, and what takes the room below
        layout.insertWidget(before_button, self.number, alignment=Qt.AlignmentFlag.AlignHCenter)
        self.settings = button("Other settings...", lambda: None, role="quiet")
        self.settings.setToolTip(
            tip("Choose the method, two classes of several, kappa, and how many attributes", meaning("kappa"))
        )
        layout.insertWidget(layout.count() - 1, self.settings, alignment=Qt.AlignmentFlag.AlignHCenter)
        self._cost: SearchCost | None = None
        self.number.addItem(TIMING)
        self.number.setEnabled(False)

    def show_offer(self, target: str, cost: SearchCost | None) -> None:
        """Show the offer for a class. What was chosen stays until another `cost` is known."""
        text = (
            f"No attributes are known yet that move the classifier towards {target}. "
            "A search lists what it knows as it goes, and everything stays usable meanwhile."
        )
        if cost is not None and (usual := min(USUAL, cost.available)) > cost.proposed():
            text += f" {usual} pictures would take some {duration_text(cost.seconds(usual))}, so fewer are proposed."
        self.sentence.setText(text)
        if cost == self._cost:
            return
        self._cost = cost
        self.number.clear()
        self.number.setEnabled(cost is not None)
        if cost is None:
            self.number.addItem(TIMING)
            return
        for n in cost.choices():
            self.number.addItem(f"{n} pictures, about {duration_text(cost.seconds(n))}", n)
        self.number.setCurrentIndex(self.number.findData(cost.proposed()))


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
        layout.setContentsMargins(0, 0, 0, theme.GAP)  # from the bar to the line on the list below it
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
