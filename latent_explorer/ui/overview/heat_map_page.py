# SPDX-License-Identifier: MIT
"""Page "Heat map" of the overview: what every attribute does to every picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QTimer

from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.overview.heat_map import HeatMap, order_of
from latent_explorer.common.format import shortened
from latent_explorer.ui.overview.class_legend import ClassLegend
from latent_explorer.ui.overview.diverging import DivergingLegend
from latent_explorer.ui.overview.heat_table import DIGITS, QUANTITIES, HeatData, HeatTable
from latent_explorer.ui.overview.page import NO_ATTRIBUTES, NO_CLASSIFIER, NO_MODEL, NO_PICTURES, OverviewPage
from latent_explorer.ui.overview.source_box import SourceBox
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, NoWheelComboBox, button, column, hint, row
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from PySide6.QtWidgets import QHBoxLayout

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.overview.classified import Classified
    from latent_explorer.app.overview.heat_map import Order, Quantity

KINDS: tuple[Quantity, ...] = ("odds", "probability")
ORDERS: tuple[tuple[str, Order], ...] = (
    ("Lowest first", "lowest"),
    ("Highest first", "highest"),
    ("Similar together", "likeness"),
)
CONTROL_HELP = "Draw another style as the control"
ODDS_HELP = (
    "Log-odds are the logit of the class less that of all others together; where the classifier is sure already, they "
    "move more than the probability. With two classes they change about twice as much as the logit on the cards."
)
HINT = "Click a cell, or press Enter on it, to see it in the main window"
SETTLE_MS = 100  # ms between two paintings while cells arrive


class HeatMapPage(OverviewPage):
    """Page with the table, its legend, and what its figures are."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer)
        self.map = HeatMap(explorer, self._schedule)
        self.order: list[int] = []  # rows of the map, from top to bottom
        self._control_seed = 0
        self._about: object = None  # what the table was of when the line below was last begun anew
        self.source = SourceBox()
        self.quantity = SegmentedControl("Change of", [QUANTITIES[kind].capitalize() for kind in KINDS])
        self.sorting = NoWheelComboBox("Order of the rows")
        self.legend = DivergingLegend()
        self.classes = ClassLegend()
        self.another = button("Another control", self._draw_control, role="quiet")
        self.table = HeatTable()
        self.line, self.origin = ElidedLabel(), hint("")
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self._show)
        self._build()
        self.source.activated.connect(lambda _index: self._ask())
        self.quantity.chosen.connect(lambda _index: self._show())
        self.sorting.activated.connect(lambda _index: self._show())
        self.table.opened.connect(self._open)
        self.table.described.connect(self.line.setText)

    def _build(self) -> None:
        for text, order in ORDERS:
            self.sorting.addItem(text, order)
        self.sorting.setMinimumContentsLength(11)
        self.sorting.setToolTip("Order of the rows: by the probability of the class, or by what the attributes change")
        self.quantity.setToolTip(ODDS_HELP)
        self.another.setToolTip(CONTROL_HELP)
        self.setFocusProxy(self.table)
        self.line.setProperty("role", "hint")
        self.line.setFont(theme.font(theme.SMALL))
        layout = column(self.content, spacing=theme.GAP)
        layout.addLayout(self._controls())
        layout.addWidget(self.table, 1)
        said = row(spacing=theme.GAP)
        said.addWidget(self.line, 1)
        said.addWidget(self.classes)
        layout.addLayout(said)
        foot = row(spacing=theme.GAP)
        foot.addWidget(self.origin, 1)
        foot.addWidget(self.another)
        layout.addLayout(foot)

    def _controls(self) -> QHBoxLayout:
        line = row(spacing=theme.GAP)
        line.addWidget(self.source)
        line.addWidget(self.sorting)
        line.addWidget(self.quantity)
        line.addStretch(1)
        line.addWidget(self.legend)
        return line

    def refresh(self) -> None:
        summary, state = self.explorer.summary, self.explorer.state
        if summary is None or state is None:
            self.show_empty(NO_MODEL)
            return
        self.source.show_model(summary)
        attributes = self.explorer.attributes()
        if classifier_of(state, summary) is None:
            self.show_empty(NO_CLASSIFIER)
        else:
            self.show_empty("" if attributes else NO_ATTRIBUTES)
        if classifier_of(state, summary) is not None and attributes:
            self._ask()
        else:
            self.map.stop()

    def rest(self) -> None:
        self.map.stop()
        self._timer.stop()

    def _ask(self) -> None:
        self.map.show(self.explorer.attributes(), self.source.source, self._control_seed)

    def _draw_control(self) -> None:
        self._control_seed += 1
        self._ask()

    def _open(self, place: int, column: int) -> None:
        self.explorer.apply(self.map.intent(self.order[place], column))

    def _schedule(self) -> None:
        """Show what has changed, but not more often than it can be seen."""
        if not self._timer.isActive():
            self._timer.start()

    def _show(self) -> None:
        """Show the table as far as it is known."""
        summary, state = self.explorer.summary, self.explorer.state
        classifier = classifier_of(state, summary) if state and summary else None
        if state is None or classifier is None:
            return
        quantity = KINDS[self.quantity.index]
        values = self.map.values(quantity)
        held = self._held()
        self.order = order_of(self.map.rows, values, state.target_class, self.sorting.currentData())
        rows = [self.map.rows[i] for i in self.order]
        names = tuple(shortened(a.name, 40) for a in self.map.columns)
        shown = HeatData(
            rows,
            tuple(self.name_of(each.base) for each in rows),
            names,
            self.map.has_control,
            values[self.order] if self.order else np.zeros((0, len(names))),
            self.map.at_ends()[self.order] if self.order else np.zeros((0, len(names)), bool),
            quantity,
            state.target_class,
            classifier.class_names,
        )
        self.table.cells.show(shown)
        self._hold(held)
        about = state.model_hash, state.classifier_id, state.target_class, self.map.columns
        if about != self._about:  # what the line said is not shown any more
            self._about = about
            self.line.setText(HINT)
        self.classes.show_classes(classifier.class_names)
        target = shortened(classifier.class_names[state.target_class], 30)
        self.legend.show_scale(shown.limit, DIGITS[quantity], f"Change of the {QUANTITIES[quantity]} of {target}")
        self._show_words()

    def _held(self) -> Classified | None:
        """Return the picture of the cell that the keyboard is on."""
        current = self.table.currentIndex()
        return self.table.cells.shown.rows[current.row()] if current.isValid() else None

    def _hold(self, held: Classified | None) -> None:
        """Keep the keyboard on a picture whose row has moved."""
        rows, current = self.table.cells.shown.rows, self.table.currentIndex()
        place = next((i for i, each in enumerate(rows) if each is held), None)
        if current.isValid() and place is not None and place != current.row():
            self.table.setCurrentIndex(current.siblingAtRow(place))

    def _show_words(self) -> None:
        cells, known, kept = self.map.counts
        if self.map.classifying:
            self.origin.setText("Rendering the pictures...")
        elif not self.map.rows:
            self.origin.setText(NO_PICTURES)
        elif known < cells:
            of_search = f", {kept:,} of them by a search" if kept else ""
            self.origin.setText(f"Rendered {known:,} of {cells:,} cells{of_search}")
        else:
            self.origin.setText(_origin(cells, kept, self._control_words()))
        self.another.setEnabled(self.map.has_control)

    def _control_words(self) -> str:
        if not self.map.has_control:
            return ""
        name = self.map.columns[-1].name
        return f" Last column, the control: {name}, drawn at random among the other styles and matched to nothing."


def _origin(cells: int, kept: int, control: str) -> str:
    """Return where the figures come from."""
    if not kept:
        return f"All {cells:,} cells were rendered for this table.{control}"
    return f"{kept:,} of {cells:,} cells are those that a search rendered, the others were rendered now.{control}"
