# SPDX-License-Identifier: MIT
"""Plot of a map of samples: a mark for each, coloured by probability and shaped by verdict, and the present picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.explain.recipe import SeedBase
from latent_explorer.ui.style import theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPaintEvent

    from latent_explorer.app.overview.sample_map import SampleMap

LEFT, BELOW, ABOVE = 3 * theme.UNIT, 4 * theme.UNIT, 4 * theme.UNIT  # px around the plot
REACH = 12.0  # px within which a mark is pointed at
SEED, SAMPLE = 3.0, 4.0  # px, half the size of a mark
SHARE, ROOM = 0.5, 0.06  # percent of the marks that may stand at an edge, and room beyond the others, of their range
EDGE = 0.55  # opacity of the marks' outlines
UNKNOWN = 0.35  # opacity of marks whose verdict is not known yet
STEPS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, 1.0),
    Qt.Key.Key_Down: (0.0, -1.0),
}


class MapView(QWidget):
    """Plot. `pointed(number)` tells the mark under the mouse (or chosen by keys), -1 for none; `opened(number)`."""

    pointed = Signal(int)
    opened = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._map: SampleMap | None = None
        self._names: tuple[str, ...] = ()
        self._shown = np.zeros(0, bool)
        self._present: np.ndarray | None = None
        self._present_probs: np.ndarray | None = None
        self._at = -1
        self._drawn: QPixmap | None = None  # everything but what follows the mouse and the sliders
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(40 * theme.UNIT, 30 * theme.UNIT)
        self.setAccessibleName("Map of samples")
        theme.notifier.changed.connect(self._redraw)

    def sizeHint(self) -> QSize:
        return QSize(80 * theme.UNIT, 60 * theme.UNIT)

    def show_map(self, found: SampleMap | None, names: Sequence[str], *, seeds: bool, samples: bool) -> None:
        """Show a map, its seeds and its pictures of the file or only either."""
        kept = self._at if found is not None and self._map is not None and found.bases == self._map.bases else -1
        self._map, self._names = found, tuple(names)
        if found is not None:
            kinds = (isinstance(base, SeedBase) for base in found.bases)
            self._shown = np.array([seeds if kind else samples for kind in kinds], bool)
        self.point_at(kept if kept >= 0 and self._shown[kept] else -1)
        self._redraw()

    def show_present(self, place: np.ndarray | None, probs: np.ndarray | None = None) -> None:
        """Mark the place (2,) of the picture on the canvas, with its probabilities (K,); None for none."""
        self._present, self._present_probs = place, probs
        self.update()

    def point_at(self, number: int) -> None:
        """Point at a mark, -1 for none."""
        if number != self._at:
            self._at = number
            self.pointed.emit(number)
            self.update()

    def _redraw(self) -> None:
        self._drawn = None
        self.update()

    # places -----------------------------------------------------------------------------------

    @property
    def area(self) -> QRectF:
        """Area of the plot, px."""
        return QRectF(LEFT, ABOVE, max(1.0, self.width() - LEFT - 4), max(1.0, self.height() - ABOVE - BELOW))

    def _range(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and upper ends (2,) of the axes, beside which the furthest marks stand at the edge."""
        if self._map is None:
            return np.full(2, -1.0), np.ones(2)
        low, high = np.percentile(self._map.places, (SHARE, 100 - SHARE), axis=0)
        room = np.maximum(ROOM * (high - low), 1e-6)
        return low - room, high + room

    def points(self, places: np.ndarray) -> np.ndarray:
        """Return where places (n, 2) stand in the widget, px; those beyond the plot at its edge."""
        area = self.area.adjusted(SAMPLE + 2, SAMPLE + 2, -SAMPLE - 2, -SAMPLE - 2)
        low, high = self._range()
        share = np.clip((places - low) / (high - low), 0, 1)
        x = area.left() + share[:, 0] * area.width()
        y = area.bottom() - share[:, 1] * area.height()
        return np.column_stack([x, y])

    def _near(self, at: QPointF) -> int:
        if self._map is None or not self._shown.any():
            return -1
        distance = np.linalg.norm(self.points(self._map.places) - (at.x(), at.y()), axis=1)
        distance[~self._shown] = np.inf
        nearest = int(distance.argmin())
        return nearest if distance[nearest] <= REACH else -1

    # painting ---------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        if self._drawn is None or self._drawn.size() != self.size() * self.devicePixelRatioF():
            self._drawn = self._draw()
        now, painter = theme.current(), QPainter(self)
        painter.drawPixmap(0, 0, self._drawn)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._present is not None and self._map is not None:
            (x, y) = self.points(self._present[None])[0]
            probs = self._present_probs
            if probs is not None and self._map.target < len(probs):
                painter.setPen(QPen(now.color("ink"), 1))
                painter.setBrush(self._color(float(probs[self._map.target])))
                _paint_shape(painter, QPointF(x, y), int(probs.argmax()), SAMPLE + 1)
                painter.setBrush(Qt.BrushStyle.NoBrush)
            for color, width in (("paper", 5), ("ink", 2)):
                painter.setPen(QPen(now.color(color), width))
                painter.drawEllipse(QPointF(x, y), 9, 9)
                painter.drawLine(QPointF(x - 14, y), QPointF(x - 9, y))
                painter.drawLine(QPointF(x + 9, y), QPointF(x + 14, y))
                painter.drawLine(QPointF(x, y - 14), QPointF(x, y - 9))
                painter.drawLine(QPointF(x, y + 9), QPointF(x, y + 14))
        if self._at >= 0 and self._map is not None:
            (x, y) = self.points(self._map.places[self._at : self._at + 1])[0]
            painter.setPen(QPen(now.color("accent"), 2))
            painter.drawEllipse(QPointF(x, y), 9, 9)
        if self.hasFocus():
            painter.setPen(QPen(now.color("accent"), 2))
            painter.drawRoundedRect(self.area.adjusted(0, 0, -1, -1), 2, 2)

    def _draw(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        drawn = QPixmap(self.size() * ratio)
        drawn.setDevicePixelRatio(ratio)
        now = theme.current()
        drawn.fill(now.color("paper"))
        painter = QPainter(drawn)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.area
        painter.setPen(QPen(now.color("line"), 1))
        painter.drawRect(area.adjusted(0.5, 0.5, -0.5, -0.5))
        middle = self.points(np.zeros((1, 2)))[0]
        painter.drawLine(QPointF(middle[0], area.top()), QPointF(middle[0], area.bottom()))
        painter.drawLine(QPointF(area.left(), middle[1]), QPointF(area.right(), middle[1]))
        if self._map is not None:
            self._paint_names(painter)
            self._paint_legend(painter)
            self._paint_marks(painter)
        painter.end()
        return drawn

    def _paint_names(self, painter: QPainter) -> None:
        """Paint what the axes are below and at the left."""
        assert self._map is not None
        axes, area = self._map.axes, self.area
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(theme.current().color("muted"))
        metrics = QFontMetricsF(painter.font())
        texts = [f"{name}: {note}" for name, note in zip(axes.names, axes.notes, strict=True)]
        across = QRectF(area.left(), area.bottom() + 6, area.width(), 18)
        elided = metrics.elidedText(texts[0], Qt.TextElideMode.ElideRight, across.width())
        painter.drawText(across, Qt.AlignmentFlag.AlignCenter, elided)
        painter.save()
        painter.translate(0, area.bottom())
        painter.rotate(-90)
        up = QRectF(0, 0, area.height(), 18)
        elided = metrics.elidedText(texts[1], Qt.TextElideMode.ElideRight, up.width())
        painter.drawText(up, Qt.AlignmentFlag.AlignCenter, elided)
        painter.restore()

    def _paint_legend(self, painter: QPainter) -> None:
        """Paint which colour and which shape mean what."""
        assert self._map is not None
        now, x, y = theme.current(), float(LEFT), ABOVE / 2
        painter.setFont(theme.font(theme.SMALL))
        metrics = QFontMetricsF(painter.font())

        def word(text: str, gap: float = 2 * theme.UNIT) -> None:
            nonlocal x
            painter.setPen(now.color("ink"))
            painter.drawText(QRectF(x, 0, metrics.horizontalAdvance(text) + 2, ABOVE - 2), theme.LEFT, text)
            x += metrics.horizontalAdvance(text) + gap

        name = self._names[self._map.target] if self._map.target < len(self._names) else ""
        name = metrics.elidedText(name, Qt.TextElideMode.ElideRight, 160)
        word(f"Probability of {name}  0", theme.UNIT / 2)
        gradient = QLinearGradient(x, 0, x + 64, 0)
        gradient.setColorAt(0, self._color(0.0))
        gradient.setColorAt(1, self._color(1.0))
        painter.setPen(QPen(now.color("ink", EDGE), 1))
        painter.setBrush(gradient)
        painter.drawRect(QRectF(x, y - 6, 64, 10))
        x += 64 + theme.UNIT / 2
        word("1")
        painter.setBrush(now.color("muted"))
        for index, each in enumerate(self._names[:3]):
            painter.setPen(Qt.PenStyle.NoPen)
            _paint_shape(painter, QPointF(x + 4, y - 1), index, SAMPLE)
            x += 12
            more = " and others" if index == 2 and len(self._names) > 3 else ""
            word(metrics.elidedText(each, Qt.TextElideMode.ElideRight, 120) + more)

    def _paint_marks(self, painter: QPainter) -> None:
        assert self._map is not None
        now = theme.current()
        points, probs = self.points(self._map.places), self._map.probs
        for number in np.flatnonzero(self._shown):
            size = SEED if isinstance(self._map.bases[number], SeedBase) else SAMPLE
            at, known = QPointF(*points[number].tolist()), bool(np.isfinite(probs[number]).all())
            painter.setPen(QPen(now.color("ink", EDGE if known else UNKNOWN), 1))
            painter.setBrush(self._color(float(probs[number, self._map.target])) if known else Qt.BrushStyle.NoBrush)
            _paint_shape(painter, at, int(probs[number].argmax()) if known else 0, size)

    def _color(self, probability: float) -> QColor:
        """Return the colour of a probability: from the paper's shade to the colour of the class."""
        assert self._map is not None
        low, high = theme.current().color("sunken"), theme.current().class_color(self._map.target)
        pairs = ((low.red(), high.red()), (low.green(), high.green()), (low.blue(), high.blue()))
        return QColor(*(round(a + probability * (b - a)) for a, b in pairs))

    # mouse and keys ---------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.point_at(self._near(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if not self.hasFocus():
            self.point_at(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        number = self._near(event.position())
        self.point_at(number)
        if event.button() == Qt.MouseButton.LeftButton and number >= 0:
            self.opened.emit(number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._at >= 0:
            self.opened.emit(self._at)
        elif event.key() in STEPS and self._map is not None and self._shown.any():
            self._step(np.array(STEPS[Qt.Key(event.key())]))
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def _step(self, towards: np.ndarray) -> None:
        """Point at the next mark in a direction: near, and rather straight on; from the middle without one."""
        assert self._map is not None
        low, high = self._range()
        places = self._map.places / (high - low)
        start = places[self._at] if self._at >= 0 else np.zeros(2)
        apart = places - start
        ahead = apart @ towards
        aside = np.abs(apart @ towards[::-1])
        cost = np.where(self._shown & (ahead > 1e-9) & (ahead >= aside), ahead + 2 * aside, np.inf)
        if np.isfinite(cost).any():
            self.point_at(int(cost.argmin()))


def _paint_shape(painter: QPainter, at: QPointF, index: int, size: float) -> None:
    """Paint the mark of class `index`, as `paint_class_mark` shapes it: disc, square or triangle."""
    if index % 3 == 0:
        painter.drawEllipse(at, size, size)
    elif index % 3 == 1:
        painter.drawRect(QRectF(at.x() - 0.9 * size, at.y() - 0.9 * size, 1.8 * size, 1.8 * size))
    else:
        up, right = QPointF(0, -1.15 * size), QPointF(1.1 * size, 0.85 * size)
        painter.drawPolygon([at + up, at + right, at + QPointF(-right.x(), right.y())])
