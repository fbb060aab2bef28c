# SPDX-License-Identifier: MIT
"""Page "Class sweep" of the overview: 4 to 12 pictures that move together towards a class, and their export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QStandardPaths, Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QGridLayout, QWidget

from latent_explorer.app.exploration.updates import GestureEnded
from latent_explorer.app.export.scene import name_of
from latent_explorer.app.sweep.controller import SweepController
from latent_explorer.app.sweep.plan import ALPHAS, FEWEST, MOST, STEPS, USUAL
from latent_explorer.common.format import shortened
from latent_explorer.explain.directions.direction import MAX_TYPICAL
from latent_explorer.explain.recipe import Picture, RenderResult
from latent_explorer.ui.canvas.grid import CAPTION_HEIGHT, GUTTER, MIN_SIDE, GridCell, columns_for
from latent_explorer.ui.overview.page import NO_CLASSIFIER, NO_MODEL, OverviewPage
from latent_explorer.ui.overview.sweep_curve import SweepCurve
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import (
    EmptyState,
    NoWheelComboBox,
    Pages,
    button,
    column,
    hint,
    icon_button,
    row,
)
from latent_explorer.ui.widgets.slider import ValueSlider

if TYPE_CHECKING:
    from PySide6.QtCore import QObject
    from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.sweep.controller import SweepSource
    from latent_explorer.app.sweep.job import SweepPictures
    from latent_explorer.app.sweep.plan import ClassSweep

COUNTS = (FEWEST, 6, USUAL, 10, MOST)
LENGTHS = (1.0, 2.0, MAX_TYPICAL, 4.0, 6.0)  # standard deviations at alpha 1
FRAME_MS = 50  # as in the files: 20 frames per second
NOTHING = (
    "Nothing leads to {name} yet. A search with the classifier's gradient finds one change that moves every picture "
    "there; it takes about a minute, and you can go on working."
)
SEARCHING = "Searching for what leads to {name}. The status bar says how far it is."
LENGTH_HELP = "How far alpha 1 goes along the direction, in standard deviations of the latents; beyond 3 hardly any lie"
OPENS = "A double click shows a picture in the main window; hold the mouse on it for the unmoved one."


class SweepPage(OverviewPage):
    """Grid of pictures with one slider for all, the curve of their mean, and a button that writes GIFs."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer)
        self.controller = SweepController(explorer, self._show)
        self._sources: list[SweepSource] = []
        self._of_class = -1
        self._names: tuple[str, ...] = ()
        self._shown: SweepPictures | None = None
        self._step = -1
        self.cells: list[GridCell] = []
        self.target = NoWheelComboBox("Class")
        self.source = NoWheelComboBox("Moved by")
        self.count = NoWheelComboBox("Pictures")
        self.length_name, self.length = hint("Alpha 1 is", wrap=False), NoWheelComboBox("Length")
        self.search = button("Find guided direction", self._find, role="quiet", icon="search")
        self.export = button("Export GIFs...", self._export, icon="export")
        self.curve = SweepCurve()
        self.figures = hint("")
        self.play = icon_button("play", "Play", self._toggle)
        self.alpha = ValueSlider("Alpha", 0.0, ALPHAS[-1], detents=(), inside=None)
        self.line = hint(OPENS, wrap=False)
        self.nothing = EmptyState("sliders", NOTHING, "Find it", self._find)
        self._area, self._pages = QWidget(), Pages()
        self._grid = QGridLayout(self._area)
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._build()
        self._connect()

    def _build(self) -> None:
        for count in COUNTS:
            self.count.addItem(f"{count} pictures", count)
        self.count.setCurrentIndex(COUNTS.index(USUAL))
        for length in LENGTHS:
            self.length.addItem(f"{length:g} sd", length)
        self.length.setCurrentIndex(LENGTHS.index(MAX_TYPICAL))
        self.length.setToolTip(LENGTH_HELP)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GUTTER)
        self._grid.setVerticalSpacing(0)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._area.setMinimumSize(3 * MIN_SIDE, MIN_SIDE + CAPTION_HEIGHT)
        self._area.installEventFilter(self)
        moving = QWidget()
        self._pages.addWidget(self.nothing)
        self._pages.addWidget(moving)
        body = column(moving, spacing=theme.GAP)
        middle = row(spacing=theme.SECTION)
        middle.addWidget(self._area, 1)
        side = column(spacing=theme.GAP)
        side.addWidget(self.curve, 1)
        side.addWidget(self.figures)
        side.addStretch(1)
        self.figures.setFixedWidth(28 * theme.UNIT)
        self.curve.setFixedWidth(28 * theme.UNIT)
        self.curve.setMaximumHeight(28 * theme.UNIT)
        middle.addLayout(side)
        body.addLayout(middle, 1)
        body.addLayout(self._transport())
        body.addWidget(self.line)
        layout = column(self.content, spacing=theme.GAP)
        layout.addLayout(self._controls())
        layout.addWidget(self._pages, 1)

    def _controls(self) -> QVBoxLayout:
        for box, letters in ((self.target, 12), (self.source, 20), (self.count, 10), (self.length, 5)):
            box.setMinimumContentsLength(letters)
        first, second = row(spacing=theme.GAP), row(spacing=theme.GAP)
        for line, name, box in ((first, "Towards", self.target), (first, "Moved by", self.source)):
            line.addWidget(hint(name, wrap=False))
            line.addWidget(box)
            line.addSpacing(theme.GAP)
        first.addWidget(self.search)
        for part in (self.length_name, self.length):
            second.addWidget(part)
        second.addWidget(self.count)
        second.addStretch(1)
        second.addWidget(self.export)
        first.addStretch(1)
        lines = column(spacing=theme.GAP)
        lines.addLayout(first)
        lines.addLayout(second)
        return lines

    def _transport(self) -> QHBoxLayout:
        line = row(spacing=theme.GAP)
        line.addWidget(self.play)
        line.addWidget(hint("alpha", wrap=False))
        line.addWidget(self.alpha, 1)
        return line

    def _connect(self) -> None:
        self.target.activated.connect(lambda _index: self._choose_class())
        for box in (self.source, self.count, self.length):
            box.activated.connect(lambda _index: self._ask())
        self.alpha.amount_changed.connect(lambda _amount: self._show_step())
        self.curve.alpha_chosen.connect(self._go_to)
        self._timer.timeout.connect(self._next)
        self.explorer.updates.on(GestureEnded, lambda _update: self._changed())

    # what is shown ----------------------------------------------------------------------------

    def refresh(self) -> None:
        state, names = self.explorer.state, self.controller.class_names
        if state is None or not names:
            self.show_empty(NO_MODEL if state is None else NO_CLASSIFIER)
            self.controller.stop()
            return
        self.show_empty("")
        if names != self._names:
            self._names = names
            self.target.clear()
            self.target.addItems([shortened(name, 40) for name in names])
            self.target.setCurrentIndex(state.target_class)
        self._choose_class()

    def rest(self) -> None:
        self._stop()
        self.controller.stop()

    def _choose_class(self) -> None:
        """Offer what can move the pictures towards the class, and show the first of it, or what was chosen."""
        sources = self.controller.sources(self.target.currentIndex())
        if sources != self._sources or self._of_class != self.target.currentIndex():
            chosen = self.source.currentText()
            self._sources, self._of_class = sources, self.target.currentIndex()
            self.source.clear()
            self.source.addItems([shortened(each.name, 40) for each in sources])
            leads = [self.source.itemText(i) for i, each in enumerate(sources) if each.leads]
            self.source.setCurrentIndex(self.source.findText(chosen) if chosen in leads else 0)
        session = self.explorer.session
        if session is None or not session.in_gesture:  # a truncation that is being dragged would ask at every step
            self._ask()

    def _ask(self) -> None:
        source = self._source
        for part in (self.length_name, self.length):  # attributes go to their ends
            part.setVisible(source is not None and source.direction is not None)
        if source is None:
            self.controller.stop()
        else:
            self.controller.show(self._sweep(self.target.currentIndex(), source))
        self._show()

    @property
    def _source(self) -> SweepSource | None:
        index = self.source.currentIndex()
        return self._sources[index] if 0 <= index < len(self._sources) else None

    def _sweep(self, target: int, source: SweepSource) -> ClassSweep | None:
        return self.controller.sweep(target, source, self.count.currentData(), self.length.currentData())

    def _show(self) -> None:
        """Show what is known of the sweep."""
        if not self.target.count():
            return
        name, found = shortened(self._names[self.target.currentIndex()]), self.controller.found
        searching, source = self.controller.searching, self._source
        self._pages.setCurrentIndex(0 if source is None else 1)
        self.nothing.sentence.setText((SEARCHING if searching else NOTHING).format(name=name))
        if self.nothing.button is not None:
            self.nothing.button.setVisible(not searching)
        self.search.setVisible(source is not None and not any(each.guided for each in self._sources))
        self.search.setEnabled(not searching)
        self.export.setEnabled(source is not None)
        if found is not self._shown:
            self._shown = found
            self._step = -1
            if found is not None:
                self._make_cells(found)
            self.curve.show_sweep(found)
            self._show_step()
        self.play.setEnabled(found is not None and found.complete)
        self._show_words(name)

    def _show_words(self, name: str) -> None:
        found, progress = self._shown, self.controller.progress
        if progress is not None:
            self.line.setText(f"{progress.message}: {progress.done} of {progress.total}")
        else:
            self.line.setText(OPENS)
        if found is None or not found.complete:
            self.figures.setText("")
            return
        figures = found.figures()
        text = (
            f"Mean probability of {name}: {figures['probability_first']:.2f} at alpha 0, "
            f"{figures['probability_last']:.2f} at 0.95"
        )
        if np.isfinite(figures["control_last"]):
            text += f"; moved at random, as far: {figures['control_last']:.2f} (dashed)"
        text += "."
        if np.isfinite(figures["flipped"]):
            text += f" Of those of another class, {figures['flipped']:.0%} become {name}."
        self.figures.setText(text)

    def _make_cells(self, found: SweepPictures) -> None:
        """Make a cell for each picture, unless they are there."""
        summary = self.explorer.summary
        names = [name_of(base, summary) for base in found.sweep.bases] if summary else []
        if [cell.name for cell in self.cells] == names:
            return
        for cell in self.cells:
            self._grid.removeWidget(cell)
            cell.hide()
            cell.deleteLater()
        self.cells = [GridCell(name) for name in names]
        for place, cell in enumerate(self.cells):
            cell.opened.connect(lambda place=place: self._open(place))
        self._place_cells()

    def _place_cells(self) -> None:
        """Lay out the cells centred and as large as they fit."""
        count, width, height = max(len(self.cells), 1), self._area.width(), self._area.height()
        columns = columns_for(count, width, height)
        lines = -(-count // columns)
        side = int(min((width - GUTTER * (columns - 1)) / columns, height / lines - CAPTION_HEIGHT))
        for place, cell in enumerate(self.cells):
            cell.setFixedSize(max(side, MIN_SIDE), max(side, MIN_SIDE) + CAPTION_HEIGHT)
            self._grid.addWidget(cell, place // columns, place % columns)

    def _show_step(self) -> None:
        """Show the pictures at the slider's alpha, or at the nearest that is rendered."""
        self.curve.show_alpha(self.alpha.amount)
        found = self._shown
        if found is None or not found.images:
            return
        wanted = self.alpha.amount * STEPS
        step = min({step for _, step in found.images}, key=lambda each: abs(each - wanted))
        if step == self._step:
            return
        self._step = step
        for number, cell in enumerate(self.cells):
            before, after = (_picture(found, number, each) for each in (0, step))
            cell.show_result(RenderResult(after, before, np.empty(0), 0.0, 0.0), found.sweep.target, self._names)

    # what is done -----------------------------------------------------------------------------

    def _go_to(self, alpha: float) -> None:
        self._stop()
        self.alpha.set_amount(round(alpha * STEPS) / STEPS)
        self._show_step()

    def _toggle(self) -> None:
        if self._timer.isActive():
            self._stop()
            return
        self._timer.start()
        self._show_playing()

    def _stop(self) -> None:
        self._timer.stop()
        self._show_playing()

    def _show_playing(self) -> None:
        playing = self._timer.isActive()
        icons.set_icon(self.play, "pause" if playing else "play")
        self.play.setToolTip("Pause" if playing else "Play")
        self.play.setAccessibleName(self.play.toolTip())

    def _next(self) -> None:
        step = (round(self.alpha.amount * STEPS) + 1) % STEPS
        self.alpha.set_amount(ALPHAS[step])
        self._show_step()

    def _open(self, place: int) -> None:
        found = self._shown
        if found is not None and place < len(found.sweep.bases):
            self.explorer.show_base(found.sweep.bases[place])

    def _find(self) -> None:
        self.controller.find(self.target.currentIndex())
        self._show()

    def _export(self) -> None:
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        last = self.explorer.settings.last_folder or documents
        chosen = QFileDialog.getExistingDirectory(self, "Export class sweeps into", last)
        if chosen:
            self.write(Path(chosen))

    def write(self, folder: Path) -> None:
        """Write the sweeps of all classes that something leads to, this class by what is chosen here."""
        sweeps = []
        for target in range(len(self._names)):
            sources = [each for each in self.controller.sources(target) if each.leads]
            source = self._source if target == self.target.currentIndex() else next(iter(sources), None)
            sweep = None if source is None else self._sweep(target, source)
            if sweep is not None:
                sweeps.append(sweep)
        self.controller.export(folder, sweeps)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._area and event.type() == QEvent.Type.Resize:
            self._place_cells()
        return super().eventFilter(watched, event)


def _picture(found: SweepPictures, number: int, step: int) -> Picture:
    probs = found.probs[number, step]
    return Picture(found.images[number, step], np.empty(0), probs)
