# SPDX-License-Identifier: MIT
"""Dialogs on directions: whether the vectors of a file are pictures or directions, and which rows a direction moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QRadioButton, QWidget

from latent_explorer.common.format import shortened
from latent_explorer.models.summary import row_names
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import OF_MODEL, NoWheelComboBox, button, column, hint, row, title
from latent_explorer.ui.widgets.form import FormGrid
from latent_explorer.ui.widgets.number_box import NumberBox

if TYPE_CHECKING:
    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.explain.directions.found import VectorFile
    from latent_explorer.models.summary import ExplainerSummary

WIDTH = 52 * theme.UNIT  # px
FIRST_FEW = 5  # components that are offered first: the later ones of many change little
AS_DIRECTION = "A slider moves any picture along it."
AS_DIRECTIONS = "Each gets a slider, which moves any picture along it."
AS_PICTURE = "The latent is drawn, and listed with your photos."
AS_PICTURES = "Each latent is drawn, and listed with your photos."
CANNOT = "Its numbers do not fit as latents of this model."


class VectorDialog(QDialog):
    """Choice of what a file of vectors is opened as. What it probably is is chosen, with the reason."""

    pictures_chosen = Signal()
    directions_chosen = Signal(int, int)  # first and last of them, both included, from 0

    def __init__(self, found: VectorFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty(OF_MODEL, True)
        count = len(found.vectors)
        self.setWindowTitle("Open latents or directions")
        self.direction = QRadioButton("Direction" if count == 1 else f"{count:,} directions")
        self.picture = QRadioButton("Picture" if found.pictures <= 1 else f"{found.pictures} pictures")
        self.first = NumberBox("First direction", 1, count)
        self.last = NumberBox("Last direction", 1, count)
        self.last.setValue(min(FIRST_FEW, count))
        self.go = button("Open", self.accept, role="primary")
        self.go.setDefault(True)
        self.picture.setEnabled(found.pictures > 0)
        (self.direction if found.guess.directions or not found.pictures else self.picture).setChecked(True)
        for box in (self.first, self.last):
            box.setMinimumHeight(theme.CONTROL)
        self._build(found, count)
        self.direction.toggled.connect(self._show_choice)
        self.first.valueChanged.connect(lambda value: self.last.setMinimum(value))
        self._show_choice()

    def _build(self, found: VectorFile, count: int) -> None:
        layout = column(self, spacing=theme.GAP, margin=theme.SECTION)
        layout.addWidget(title(f"Open {shortened(found.path.name)} as"))
        kind = "directions" if count > 1 else "a direction"
        if not found.guess.directions:
            kind = "pictures" if found.pictures > 1 else "a picture"
        reason = hint(f"Probably {kind}. {found.guess.reason}")
        reason.setFixedWidth(WIDTH)
        layout.addWidget(reason)
        self._choices = (self.direction, self.picture)
        as_direction = AS_DIRECTION if count == 1 else AS_DIRECTIONS
        as_picture = CANNOT if not found.pictures else AS_PICTURE if found.pictures == 1 else AS_PICTURES
        for choice, text in ((self.direction, as_direction), (self.picture, as_picture)):
            layout.addSpacing(theme.GAP // 2)
            layout.addWidget(choice)
            line = row(spacing=0)
            line.addSpacing(3 * theme.UNIT)
            line.addWidget(hint(text), 1)
            layout.addLayout(line)
            if choice is self.direction and count > 1:
                line = row(spacing=theme.GAP // 2)
                line.addSpacing(3 * theme.UNIT)
                for part in (hint("from", wrap=False), self.first, hint("to", wrap=False), self.last):
                    line.addWidget(part)
                line.addWidget(hint(f"of {count:,}", wrap=False))
                line.addStretch(1)
                layout.addLayout(line)
        foot = row()
        foot.addStretch(1)
        foot.addWidget(button("Cancel", self.reject))
        foot.addWidget(self.go)
        layout.addSpacing(theme.GAP)
        layout.addLayout(foot)

    def _show_choice(self) -> None:
        for box in (self.first, self.last):
            box.setEnabled(self.direction.isChecked())

    def accept(self) -> None:
        """Accept, and say what was chosen."""
        super().accept()
        if self.picture.isChecked():
            self.pictures_chosen.emit()
        else:
            self.directions_chosen.emit(self.first.count - 1, max(self.first.count, self.last.count) - 1)


class RowsDialog(QDialog):
    """Choice of the rows of ws that a direction moves: coarse ones change the shape, fine ones the colours."""

    chosen = Signal(int, object)  # first and last row, both included; None: to the end

    def __init__(
        self, name: str, direction: Direction, summary: ExplainerSummary, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty(OF_MODEL, True)
        self.setWindowTitle("Rows of a direction")
        rows = row_names(summary)
        self.first, self.last = NoWheelComboBox("First row"), NoWheelComboBox("Last row")
        for box, chosen in ((self.first, direction.first), (self.last, direction.last)):
            box.addItems(rows)
            box.setCurrentIndex(len(rows) - 1 if chosen is None else chosen)
        text = hint("The first rows of a latent determine shape, the last ones colour and texture.")
        text.setFixedWidth(WIDTH)
        grid = FormGrid()
        grid.add("First row", self.first)
        grid.add("Last row", self.last)
        self.apply = button("Apply", self.accept, role="primary")
        self.apply.setDefault(True)
        foot = row()
        foot.addStretch(1)
        foot.addWidget(button("Cancel", self.reject))
        foot.addWidget(self.apply)
        layout = column(self, spacing=theme.MARGIN, margin=theme.SECTION)
        layout.addWidget(title(f"Rows that {shortened(name)} moves"))
        layout.addWidget(text)
        layout.addLayout(grid)
        layout.addLayout(foot)

    def accept(self) -> None:
        """Accept, and say what was chosen; whichever end was chosen first."""
        super().accept()
        first, last = sorted((self.first.currentIndex(), self.last.currentIndex()))
        self.chosen.emit(first, None if last == self.last.count() - 1 else last)
