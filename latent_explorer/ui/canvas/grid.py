# SPDX-License-Identifier: MIT
"""Grid of several pictures with the same edits: which of them flip, and how far the others move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import GridPicture, ModelOpened, StateChanged
from latent_explorer.explain.recipe import SampleBase, SeedBase
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import NoWheelComboBox, button, column, hint, row
from latent_explorer.ui.widgets.probability_bars import paint_share
from latent_explorer.ui.widgets.scaling import scaled, shown_side

if TYPE_CHECKING:
    from PySide6.QtCore import QObject
    from PySide6.QtGui import QFocusEvent, QHideEvent, QImage, QKeyEvent, QMouseEvent, QPaintEvent, QShowEvent

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Base, RenderResult
    from latent_explorer.models.summary import ExplainerSummary

COUNTS = (6, 8, 12)
GUTTER = theme.MARGIN  # between pictures, px
CAPTION_HEIGHT = 44  # px under the picture: text, then bar
MIN_SIDE = 64  # px
OTHERS, ALL, SEEDS = "others", "all", "seeds"


def choose_bases(
    summary: ExplainerSummary, state: ExplorerState, source: str, count: int, seed: int
) -> tuple[Base, ...]:
    """Return `count` latents: samples that the classifier does not call the target, any samples, or random seeds.

    The same `seed` gives the same pictures. If the selected classifier has other classes, any samples are used,
    since their classes are unknown.
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
    """Return the number of columns that makes the pictures largest in an area of width x height px."""

    def side(columns: int) -> float:
        rows = -(-count // columns)
        return min((width - GUTTER * (columns - 1)) / columns, height / rows - CAPTION_HEIGHT)

    return max(range(1, count + 1), key=side)


class GridPanel(QWidget):
    """Page of the canvas with the grid. Requests pictures only while it is visible."""

    opened = Signal()  # a picture of the grid was opened on the canvas

    def __init__(self, explorer: Explorer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._explorer = explorer
        self.bases: tuple[Base, ...] = ()
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
        self._area.setMinimumSize(3 * MIN_SIDE, MIN_SIDE + CAPTION_HEIGHT)
        self._area.installEventFilter(self)
        head = row()
        for widget in (self.source, self.count, self.shuffle):
            head.addWidget(widget)
        head.addStretch(1)
        head.addWidget(self.tally)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        layout.addLayout(head)
        layout.addWidget(self._area, 1)

    # pictures ---------------------------------------------------------------------------------

    def _reset(self) -> None:
        """Start with another model: offer the sources that it has."""
        summary = self._explorer.summary
        has_samples = summary is not None and summary.samples is not None
        for place, key in enumerate((OTHERS, ALL, SEEDS)):
            item = self.source.model().item(place)  # type: ignore[attr-defined]
            item.setEnabled(key == SEEDS or has_samples)
        self.source.setCurrentIndex(0 if has_samples else 2)
        self._seed, self.bases = 0, ()
        self._choose()

    def _shuffle(self) -> None:
        self._seed += 1
        self._choose()

    def _choose(self) -> None:
        summary, state = self._explorer.summary, self._explorer.state
        if summary is None or state is None:
            return
        bases = choose_bases(summary, state, self.source.currentData(), self.count.currentData(), self._seed)
        if bases == self.bases:
            return
        self.bases = bases
        self._make_cells(summary)
        if self.isVisible():
            self._explorer.set_grid(self.bases)

    def _make_cells(self, summary: ExplainerSummary) -> None:
        for cell in self.cells:
            self._grid.removeWidget(cell)
            cell.hide()
            cell.deleteLater()
        self.cells = []
        for base in self.bases:
            cell = GridCell(_name_of(base, summary))
            cell.set_pixels(self._pixels)
            cell.opened.connect(lambda base=base: self._open(base))
            self.cells.append(cell)
        self._place_cells()
        self._show_tally()

    def _place_cells(self) -> None:
        """Lay out the cells centred and as large as they fit."""
        count = max(len(self.cells), 1)
        width, height = self._area.width(), self._area.height()
        columns = columns_for(count, width, height)
        lines = -(-count // columns)
        side = int(min((width - GUTTER * (columns - 1)) / columns, height / lines - CAPTION_HEIGHT))
        side = max(side, MIN_SIDE)
        for place, cell in enumerate(self.cells):
            cell.setFixedSize(side, side + CAPTION_HEIGHT)
            self._grid.addWidget(cell, place // columns, place % columns)

    def _open(self, base: Base) -> None:
        self._explorer.show_base(base)
        self.opened.emit()

    # updates ----------------------------------------------------------------------------------

    def _take(self, update: GridPicture) -> None:
        state = self._explorer.state
        if state is None or update.index >= len(self.bases):
            return
        if self.bases[update.index] == update.base:
            self.cells[update.index].show_result(update.result, state.target_class, self._class_names())
            self._show_tally()

    def _state_changed(self, update: StateChanged) -> None:
        before = (update.old.classifier_id, update.old.target_class)
        if before == (update.new.classifier_id, update.new.target_class):
            return
        if self.source.currentData() == OTHERS:  # the pictures of other classes depend on the target
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
        """Enlarge by whole pixels if `on`, else by Lanczos, as on the canvas."""
        self._pixels = on
        for cell in self.cells:
            cell.set_pixels(on)

    # Qt events --------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._explorer.set_grid(self.bases)

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


class GridCell(QWidget):
    """Picture with the target's probability before and after, and whether the class flipped.

    Holding the mouse button or Space shows the unedited picture; a double click or Return opens it.
    """

    opened = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self._result: RenderResult | None = None
        self._target = 0
        self._class_names: tuple[str, ...] = ()
        self._pixels = False
        self._before = False  # True while the unedited picture is shown
        self._drawn: tuple[object, ...] = ()
        self._image: QImage | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(MIN_SIDE, MIN_SIDE + CAPTION_HEIGHT)
        self.setToolTip(f"{name}\nHold the mouse on it for the unedited picture; a double click opens it.")
        self._describe()

    def sizeHint(self) -> QSize:
        return QSize(160, 160 + CAPTION_HEIGHT)

    def show_result(self, result: RenderResult, target: int, class_names: tuple[str, ...]) -> None:
        """Show a picture and the classifier's answer, always together."""
        self._result, self._target, self._class_names = result, target, class_names
        self._image = None
        self._describe()
        self.update()

    def set_target(self, target: int, class_names: tuple[str, ...]) -> None:
        """Show the same result for another target class."""
        self._target, self._class_names = target, class_names
        self._describe()
        self.update()

    def set_pixels(self, on: bool) -> None:
        self._pixels = on
        self.update()

    @property
    def verdict(self) -> str:
        """Return "flipped" if the target was reached, "left NAME" if only the class changed, else ""."""
        if self._result is None:
            return ""
        was, now = self._result.before.verdict, self._result.after.verdict
        if was == now:
            return ""
        return "flipped" if now == self._target else f"left {self._class_names[was]}"

    @property
    def probabilities(self) -> tuple[float, float] | None:
        """Probability of the target class before and after."""
        if self._result is None or self._target >= len(self._result.after.probs):
            return None
        return (float(self._result.before.probs[self._target]), float(self._result.after.probs[self._target]))

    def _describe(self) -> None:
        both = self.probabilities
        self.setAccessibleName(self.name)
        if both is None:
            self.setAccessibleDescription("not rendered yet")
            return
        description = f"{self._class_names[self._target]} {both[0]:.2f} before, {both[1]:.2f} after"
        self.setAccessibleDescription(f"{description}, {self.verdict}".rstrip(", "))

    # mouse and keys ---------------------------------------------------------------------------

    def _set_peek(self, on: bool) -> None:
        self._before = on
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._set_peek(True)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._set_peek(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._set_peek(False)
            self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        elif event.key() == Qt.Key.Key_Space:
            self._set_peek(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._set_peek(False)
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._set_peek(False)

    # painting ---------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        now = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = float(min(self.width(), self.height() - CAPTION_HEIGHT))
        frame = QRectF((self.width() - side) / 2, 0, side, side)
        self._paint_picture(painter, frame)
        if self.verdict == "flipped" and not self._before:
            painter.setPen(QPen(now.class_color(self._target), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(frame.adjusted(1, 1, -1, -1))
        if self.hasFocus():
            painter.setPen(QPen(now.color("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(frame.adjusted(1, 1, -1, -1), 2, 2)
        below = QRectF(frame.left(), frame.bottom() + 4, frame.width(), CAPTION_HEIGHT - 8)
        self._paint_words(painter, below)
        self._paint_bar(painter, QRectF(below.left(), below.bottom() - 12, below.width(), 6))

    def _paint_picture(self, painter: QPainter, frame: QRectF) -> None:
        if self._result is None:
            painter.fillRect(frame, theme.current().color("sunken"))
            return
        image = self._scaled(frame.width())
        width = image.width() / image.devicePixelRatio()
        height = image.height() / image.devicePixelRatio()
        at = QPointF(frame.left() + (frame.width() - width) / 2, frame.top() + (frame.height() - height) / 2)
        painter.drawImage(at, image)

    def _scaled(self, side: float) -> QImage:
        """Return the picture scaled to `side` px, cached per picture, size and screen."""
        assert self._result is not None
        ratio = self.devicePixelRatioF()
        key = (self._before, side, ratio, self._pixels)
        if self._image is None or key != self._drawn:
            picture = self._result.before if self._before else self._result.after
            fitted = shown_side(max(picture.image.shape[:2]), side, ratio, pixels=self._pixels)
            self._image = scaled(picture.image, fitted, ratio, pixels=self._pixels)
            self._drawn = key
        return self._image

    def _paint_words(self, painter: QPainter, box: QRectF) -> None:
        both = self.probabilities
        if both is None:
            return
        now = theme.current()
        line = QRectF(box.left(), box.top(), box.width(), 18)
        text = "before" if self._before else f"{both[0]:.2f} → {both[1]:.2f}"
        if self.verdict and not self._before:
            marked = QFontMetricsF(theme.font(theme.SMALL, semibold=True)).horizontalAdvance(self.verdict)
            whole = QFontMetricsF(theme.font(theme.SMALL)).horizontalAdvance(text) + theme.UNIT + marked
            text = text if whole <= line.width() else f"{both[1]:.2f}"  # the tick on the bar says what it was
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(now.color("ink"))
        painter.drawText(line, theme.LEFT, text)
        if self.verdict and not self._before:
            painter.setFont(theme.font(theme.SMALL, semibold=True))
            room = line.width() - painter.fontMetrics().horizontalAdvance(text) - theme.UNIT
            mark = painter.fontMetrics().elidedText(self.verdict, Qt.TextElideMode.ElideRight, int(max(room, 0)))
            painter.drawText(line, theme.RIGHT, mark)

    def _paint_bar(self, painter: QPainter, box: QRectF) -> None:
        both = self.probabilities
        if both is None:
            return
        now = theme.current()
        paint_share(painter, box, both[1], now.class_color(self._target), now.color("line"))
        x = min(max(box.left() + box.width() * both[0], box.left() + 1), box.right() - 1)
        painter.setPen(QPen(now.color("ink"), 2))
        painter.drawLine(QPointF(x, box.top() - 2), QPointF(x, box.bottom() + 2))
