# SPDX-License-Identifier: MIT
"""The same sliders on several pictures at once: which of them flip, and how far the others move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import GridPicture, ModelOpened, StateChanged
from latent_explorer.explain.recipe import SampleBase, SeedBase
from latent_explorer.ui.canvas.grid_cell import CAPTION, LEAST, GridCell
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import NoWheelComboBox, button, column, hint, row

if TYPE_CHECKING:
    from PySide6.QtCore import QObject
    from PySide6.QtGui import QHideEvent, QShowEvent

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Base
    from latent_explorer.models.summary import ExplainerSummary

COUNTS = (6, 8, 12)
GUTTER = theme.MARGIN  # between pictures, px
OTHERS, ALL, SEEDS = "others", "all", "seeds"


def choose_bases(
    summary: ExplainerSummary, state: ExplorerState, source: str, count: int, seed: int
) -> tuple[Base, ...]:
    """`count` latents: samples the explained classifier does not call the target, any samples, or random seeds.

    `seed` decides which; the same seed gives the same pictures. Where a classifier of other classes is asked, nobody
    knows which samples are of its target.
    """
    draw = np.random.default_rng(seed)
    samples = summary.samples
    if source == SEEDS or samples is None or not samples.ids:
        return tuple(SeedBase(int(s)) for s in draw.integers(0, 2**31, count))
    candidates = np.arange(len(samples.ids))
    names = {c.classifier_id: c.class_names for c in summary.classifiers}
    known = names.get(state.classifier_id) == names.get(summary.classifier_id)
    if source == OTHERS and known and samples.probs.ndim == 2:
        others = candidates[samples.probs.argmax(axis=1) != state.target_class]
        candidates = others if len(others) else candidates
    picked = draw.permutation(candidates)[:count]
    return tuple(SampleBase(int(i)) for i in sorted(picked))


def columns_for(count: int, width: int, height: int) -> int:
    """The number of columns that makes the pictures largest."""

    def side(columns: int) -> float:
        rows = -(-count // columns)
        return min((width - GUTTER * (columns - 1)) / columns, height / rows - CAPTION)

    return max(range(1, count + 1), key=side)


class GridPanel(QWidget):
    """Stands in the canvas's place while the grid is on. Asks for pictures only while it is visible."""

    opened = Signal()  # a picture of the grid was made the one of the canvas

    def __init__(self, explorer: Explorer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._explorer = explorer
        self._bases: tuple[Base, ...] = ()
        self._seed = 0
        self._pixels = False
        self.cells: list[GridCell] = []
        self.source = NoWheelComboBox("Which pictures")
        self.count = NoWheelComboBox("How many pictures")
        self.shuffle = button("Shuffle", self._shuffle, role="quiet", icon="shuffle")
        self.tally = hint("", wrap=False)
        self._area = QWidget()
        self._grid = QGridLayout(self._area)
        self._build()
        explorer.updates.on(ModelOpened, lambda _update: self._reset())
        explorer.updates.on(GridPicture, self._take)
        explorer.updates.on(StateChanged, self._state_changed)
        if explorer.summary is not None:
            self._reset()

    def _build(self) -> None:
        for text, key in (("Other classes", OTHERS), ("All samples", ALL), ("Random seeds", SEEDS)):
            self.source.addItem(text, key)
        for count in COUNTS:
            self.count.addItem(f"{count} pictures", count)
        self.count.setCurrentIndex(COUNTS.index(8))
        self.source.setMinimumContentsLength(12)
        self.count.setMinimumContentsLength(9)
        self.source.activated.connect(self._choose)
        self.count.activated.connect(self._choose)
        self.tally.setAccessibleName("How many pictures flipped")
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GUTTER)
        self._grid.setVerticalSpacing(0)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._area.setMinimumSize(3 * LEAST, LEAST + CAPTION)
        self._area.installEventFilter(self)
        head = row()
        for widget in (self.source, self.count, self.shuffle):
            head.addWidget(widget)
        head.addStretch(1)
        head.addWidget(self.tally)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        layout.addLayout(head)
        layout.addWidget(self._area, 1)

    # which pictures ---------------------------------------------------------------------------

    @property
    def bases(self) -> tuple[Base, ...]:
        """The latents of the grid."""
        return self._bases

    def _reset(self) -> None:
        """Another model: what it has decides what can be chosen."""
        summary = self._explorer.summary
        has_samples = summary is not None and summary.samples is not None
        for place, key in enumerate((OTHERS, ALL, SEEDS)):
            item = self.source.model().item(place)  # type: ignore[attr-defined]
            item.setEnabled(key == SEEDS or has_samples)
        self.source.setCurrentIndex(0 if has_samples else 2)
        self._seed, self._bases = 0, ()
        self._choose()

    def _shuffle(self) -> None:
        self._seed += 1
        self._choose()

    def _choose(self) -> None:
        summary, state = self._explorer.summary, self._explorer.state
        if summary is None or state is None:
            return
        bases = choose_bases(summary, state, self.source.currentData(), self.count.currentData(), self._seed)
        if bases == self._bases:
            return
        self._bases = bases
        self._make_cells(summary)
        if self.isVisible():
            self._explorer.set_grid(self._bases)

    def _make_cells(self, summary: ExplainerSummary) -> None:
        for cell in self.cells:
            self._grid.removeWidget(cell)
            cell.hide()
            cell.deleteLater()
        self.cells = []
        for base in self._bases:
            cell = GridCell(_name_of(base, summary))
            cell.set_pixels(self._pixels)
            cell.opened.connect(lambda base=base: self._open(base))
            self.cells.append(cell)
        self._place_cells()
        self._show_tally()

    def _place_cells(self) -> None:
        """As large as they fit, together in the middle."""
        count = max(len(self.cells), 1)
        width, height = self._area.width(), self._area.height()
        columns = columns_for(count, width, height)
        lines = -(-count // columns)
        side = int(min((width - GUTTER * (columns - 1)) / columns, height / lines - CAPTION))
        side = max(side, LEAST)
        for place, cell in enumerate(self.cells):
            cell.setFixedSize(side, side + CAPTION)
            self._grid.addWidget(cell, place // columns, place % columns)

    def _open(self, base: Base) -> None:
        self._explorer.show_base(base)
        self.opened.emit()

    # what comes back --------------------------------------------------------------------------

    def _take(self, update: GridPicture) -> None:
        state = self._explorer.state
        if state is None or update.index >= len(self._bases):
            return
        if self._bases[update.index] == update.base:
            self.cells[update.index].show_result(update.result, state.target_class, self._class_names())
            self._show_tally()

    def _state_changed(self, update: StateChanged) -> None:
        asked = (update.old.classifier_id, update.old.target_class)
        if asked == (update.new.classifier_id, update.new.target_class):
            return
        if self.source.currentData() == OTHERS:  # another class has other others
            self._choose()
        for cell in self.cells:
            cell.set_target(update.new.target_class, self._class_names())
        self._show_tally()

    def _class_names(self) -> tuple[str, ...]:
        summary, state = self._explorer.summary, self._explorer.state
        classifier = classifier_of(state, summary) if summary and state else None
        return classifier.class_names if classifier else ()

    def _show_tally(self) -> None:
        done = [cell for cell in self.cells if cell.probabilities is not None]
        flipped = sum(cell.verdict == "flipped" for cell in done)
        self.tally.setText(f"{flipped} of {len(done)} flipped" if done else "")

    def set_pixels(self, on: bool) -> None:
        """Whole pixels instead of Lanczos, as on the canvas."""
        self._pixels = on
        for cell in self.cells:
            cell.set_pixels(on)

    # Qt events --------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._explorer.set_grid(self._bases)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._explorer.set_grid(())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._area and event.type() == QEvent.Type.Resize:
            self._place_cells()
        return super().eventFilter(watched, event)


def _name_of(base: Base, summary: ExplainerSummary) -> str:
    if isinstance(base, SampleBase) and summary.samples is not None:
        return summary.samples.ids[base.index]
    return f"Seed {base.seed}" if isinstance(base, SeedBase) else "Projected picture"
