# SPDX-License-Identifier: MIT
"""Sliders of directions, above the attribute cards: name, rows that it moves, and the amount in standard deviations."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QMenu, QWidget

from latent_explorer.app.directions import DirectionsController
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.state import direction_amount
from latent_explorer.app.exploration.updates import DocumentChanged, ModelOpened, StateChanged, VectorsFound
from latent_explorer.common.glossary import meaning
from latent_explorer.explain.directions.direction import MAX_TYPICAL, direction_key
from latent_explorer.ui.attributes.attribute_card import (
    FIELD_INSET,
    FIRST_LINE_HEIGHT,
    GROOVE_INSET,
    PIN_WIDTH,
    RANK_WIDTH,
)
from latent_explorer.ui.attributes.find_directions import FindDirectionsDialog
from latent_explorer.ui.attributes.vector_dialog import RowsDialog, VectorDialog
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import button, column, hairline, hint, icon_button, open_dialog, row, tip
from latent_explorer.ui.widgets.editable_label import EditableLabel
from latent_explorer.ui.widgets.slider import ValueSlider

if TYPE_CHECKING:
    from PySide6.QtGui import QContextMenuEvent, QKeyEvent

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.directions.direction import Direction

# Direction whichever rows it moves, and its place among those that differ in their rows alone: one that is given
# other rows keeps its card, and so its focus.
CardKey = tuple[str, int]
HELP = tip(meaning("direction"))


class DirectionCard(QWidget):
    """Card of one direction. It shows what it is given and emits signals for user input."""

    amount_changed = Signal(float)
    renamed = Signal(str)
    rows_wanted = Signal()
    removed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name = EditableLabel()
        self.rows = button("", self.rows_wanted.emit, role="quiet")
        self.rows.setToolTip("Rows of the latent that it moves. Click to choose.")
        self.remove = icon_button("close", "Remove this slider", self.removed.emit)
        self.remove.setIconSize(QSize(14, 14))
        self.remove.setFixedWidth(PIN_WIDTH)
        for part in (self.rows, self.remove):
            part.setStyleSheet("min-width: 0; min-height: 0; padding: 0 4px; border-radius: 4px;")
            part.setFixedHeight(FIRST_LINE_HEIGHT)
        self.slider = ValueSlider("", -MAX_TYPICAL, MAX_TYPICAL, inside=None, tooltip=HELP)
        layout = column(self, spacing=0)
        layout.setContentsMargins(0, 3, 2, 2)
        head, body = row(spacing=theme.GAP // 2), row(spacing=0)
        indent = RANK_WIDTH + theme.GAP // 2  # under the names of the attributes
        head.addSpacing(indent)
        body.addSpacing(indent - GROOVE_INSET)
        head.addWidget(self.name, 1)
        head.addWidget(self.rows)
        head.addWidget(self.remove)
        body.addWidget(self.slider, 1)
        unit = hint("sd", wrap=False)
        unit.setToolTip(HELP)
        unit.setFixedWidth(PIN_WIDTH + theme.GAP // 2 - FIELD_INSET)
        body.addWidget(unit)
        layout.addLayout(head)
        layout.addLayout(body)
        self.slider.amount_changed.connect(self.amount_changed)
        self.name.renamed.connect(self.renamed)

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """Tab stops in order."""
        return (self.rows, self.remove, self.slider.track, self.slider.field)

    def show_direction(self, name: str, rows: str, amount: float, effect: str = "") -> None:
        """Show a direction, what it does as a sentence, and where its slider stands, without emitting signals."""
        self.name.set_text(name)
        self.name.setToolTip(effect)
        self.rows.setText(rows)
        self.slider.set_name(f"{name}, standard deviations")
        self.setAccessibleName(f"Direction {name}")
        if not self.slider.dragging or amount != self.slider.amount:
            self.slider.set_amount(amount)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2:
            self.name.edit()
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.menu()
        menu.exec(event.globalPos())
        menu.deleteLater()

    def menu(self) -> QMenu:
        """Return the menu of the card."""
        menu = QMenu(self)
        menu.addAction("Rename\tF2", self.name.edit)
        menu.addAction("Rows it moves...", self.rows_wanted.emit)
        reset = menu.addAction("Reset", lambda: self.amount_changed.emit(0.0))
        reset.setEnabled(self.slider.amount != 0)
        menu.addSeparator()
        menu.addAction("Remove slider", self.removed.emit)
        return menu


class DirectionList(QWidget):
    """The sliders of all directions; empty and hidden without any. Opens the dialog on a file that may be several."""

    changed = Signal()  # cards were added or removed

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self._explorer = explorer
        self.controller = DirectionsController(explorer)
        self._cards: dict[CardKey, DirectionCard] = {}
        self._directions: dict[CardKey, Direction] = {}
        self.dialog: VectorDialog | RowsDialog | FindDirectionsDialog | None = None  # the last one
        self._column = column(self, spacing=0)
        heading = hint("Directions", wrap=False)
        heading.setToolTip(HELP)
        self._column.addWidget(heading)
        self._column.addWidget(hairline())
        self.setAccessibleName("Directions")
        for kind in (ModelOpened, StateChanged, DocumentChanged):
            explorer.updates.on(kind, lambda _update: self.refresh())
        explorer.updates.on(VectorsFound, self._ask)
        self.refresh()

    @property
    def cards(self) -> list[DirectionCard]:
        """Cards from top to bottom."""
        return list(self._cards.values())

    def refresh(self) -> None:
        """Show the directions of the exploration and where their sliders stand."""
        state, summary, document = self._explorer.state, self._explorer.summary, self._explorer.document
        directions = self._explorer.directions() if summary is not None else []
        counts = Counter[str]()
        self._directions = {}
        for direction in directions:
            key = direction_key(direction)
            self._directions[key, counts[key]] = direction
            counts[key] += 1
        if self._directions.keys() != self._cards.keys():
            self._arrange()
        for place, direction in self._directions.items():
            assert state is not None
            assert summary is not None
            rows = direction.rows_text(summary.layout.num_ws)
            amount = direction_amount(state, direction)
            effect = self.controller.effect(direction)
            self._cards[place].show_direction(document.direction_name(direction), rows, amount, effect)
        self.setVisible(bool(directions))

    def _arrange(self) -> None:
        for key in self._cards.keys() - self._directions.keys():
            gone = self._cards.pop(key)
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        self._cards = {key: self._cards.get(key) or self._new_card(key) for key in self._directions}
        for position, card in enumerate(self._cards.values()):
            self._column.insertWidget(1 + position, card)
        self.changed.emit()

    def _new_card(self, key: CardKey) -> DirectionCard:
        card, explorer, controller = DirectionCard(), self._explorer, self.controller
        card.amount_changed.connect(lambda amount: controller.move(self._directions[key], amount))
        card.slider.pressed.connect(explorer.begin_gesture)
        card.slider.released.connect(explorer.end_gesture)
        card.renamed.connect(lambda name: controller.rename(self._directions[key], name))
        card.rows_wanted.connect(lambda: self._ask_rows(self._directions[key]))
        card.removed.connect(lambda: controller.remove(self._directions[key]))
        return card

    def _ask(self, update: VectorsFound) -> None:
        """Ask what the vectors of a file are taken as."""
        found = update.found
        dialog = self.dialog = VectorDialog(found, self.window())
        dialog.pictures_chosen.connect(partial(self.controller.open_latents, found))
        dialog.directions_chosen.connect(partial(self.controller.add, found))
        open_dialog(dialog)

    def open_search(self) -> None:
        """Ask how directions are searched for, and search."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return
        classifier = classifier_of(state, summary)
        names = classifier.class_names if classifier else ()
        named = self._explorer.named_directions()
        dialog = self.dialog = FindDirectionsDialog(summary, names, state.target_class, named, self.window())
        dialog.chosen.connect(self.controller.find)
        open_dialog(dialog)

    def _ask_rows(self, direction: Direction) -> None:
        summary = self._explorer.summary
        if summary is None:
            return
        dialog = self.dialog = RowsDialog(
            self._explorer.document.direction_name(direction), direction, summary, self.window()
        )
        dialog.chosen.connect(partial(self.controller.set_rows, direction))
        open_dialog(dialog)
