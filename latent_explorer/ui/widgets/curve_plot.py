# SPDX-License-Identifier: MIT
"""Plot of curves over images seen (or steps), with axes and a cursor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.common.format import number_text
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.curve_math import Curve, decades_between, images_text, smoothed, steps_between
from latent_explorer.ui.widgets.probability_lines import LINE_WIDTH, finite_runs, line_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QFocusEvent, QMouseEvent, QPaintEvent

FAINT_ALPHA = 0.28  # of the unsmoothed curve
MAX_MARKED = 40  # up to this number, each point is marked
MARK_RADIUS = 2.5  # px, radius of a marked point
X_STEP, Y_STEP = 10 * theme.UNIT, 4 * theme.UNIT  # px between two numbers of an axis, at least
LEFT_AXIS, BOTTOM_AXIS = 6 * theme.UNIT, 36  # px


@dataclass(frozen=True)
class PlotOptions:
    """Options of a plot: logarithmic y axis, and weight of the past in smoothing (0..1)."""

    log: bool = False
    smoothing: float = 0.0


class CurvePlot(QWidget):
    """Plot of curves. `cursor_moved(float)` carries the cursor's position in images, NaN if it is hidden."""

    cursor_moved = Signal(float)

    def __init__(self, x_name: str = "images seen") -> None:
        super().__init__()
        self._x_name = x_name
        self._curves: tuple[tuple[int, Curve], ...] = ()  # (number, curve) of those shown
        self._look = PlotOptions()
        self._cursor_x = math.nan
        self._x_range = self._y_range = (0.0, 1.0)
        self._drawn: QPixmap | None = None  # everything but cursor and focus
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(24 * theme.UNIT, 12 * theme.UNIT)
        self.setAccessibleName(f"Curves: {x_name}")
        self.setToolTip("Point at the curves, or press Left and Right, to read their values")
        theme.notifier.changed.connect(self._redraw)

    def sizeHint(self) -> QSize:
        return QSize(60 * theme.UNIT, 26 * theme.UNIT)

    def show_curves(self, curves: Sequence[tuple[int, Curve]], look: PlotOptions) -> None:
        """Draw curves, each in the colour of its number."""
        self._curves = tuple((i, c) for i, c in curves if not c.empty)
        self._look = look
        self._set_ranges()
        self._redraw()
        # Move the cursor to the nearest new point and emit its values.
        self.set_cursor(self._cursor_x)

    def _redraw(self) -> None:
        self._drawn = None
        self.update()

    def _on_axis(self, y: np.ndarray) -> np.ndarray:
        if not self._look.log:
            return y
        return np.log10(np.where(y > 0, y, np.nan))

    def _set_ranges(self) -> None:
        """Set the ranges of the axes to those of the data, with a small margin."""
        last = max((float(c.x[-1]) for _i, c in self._curves), default=1.0)
        self._x_range = (0.0, 1.02 * max(last, 1.0))
        shown = [self._on_axis(smoothed(c.y, self._look.smoothing)) for _i, c in self._curves]
        values = np.concatenate(shown) if shown else np.array([])
        values = values[np.isfinite(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        if not self._look.log and 0 < low < 0.5 * high:
            low = 0.0
        room = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
        self._y_range = (low if low == 0 else low - room, high + room)

    @property
    def _area(self) -> QRectF:
        """Area of the curves, px."""
        edge = theme.UNIT // 2
        right, bottom = self.width() - 1.5 * theme.UNIT, self.height() - BOTTOM_AXIS
        return QRectF(LEFT_AXIS, edge, max(1.0, right - LEFT_AXIS), max(1.0, bottom - edge))

    def _x_of(self, x: np.ndarray | float) -> np.ndarray | float:
        return self._area.left() + x / self._x_range[1] * self._area.width()

    def _y_of(self, y: np.ndarray | float) -> np.ndarray | float:
        low, high = self._y_range
        return self._area.bottom() - (y - low) / (high - low) * self._area.height()

    def _draw(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        drawn = QPixmap(self.size() * ratio)
        drawn.setDevicePixelRatio(ratio)
        drawn.fill(theme.current().color("paper"))
        painter = QPainter(drawn)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_axes(painter)
        painter.setClipRect(self._area.adjusted(-MARK_RADIUS, -MARK_RADIUS, MARK_RADIUS, MARK_RADIUS))
        marked = max((len(c.x) for _i, c in self._curves), default=0) <= MAX_MARKED
        for number, curve in self._curves:
            if self._look.smoothing > 0 and len(curve.x) > MAX_MARKED:
                self._draw_line(painter, number, curve.x, curve.y, faint=True)
        for number, curve in self._curves:
            y = smoothed(curve.y, self._look.smoothing)
            self._draw_line(painter, number, curve.x, y, marked=marked)
        painter.end()
        return drawn

    def _draw_axes(self, painter: QPainter) -> None:
        """Draw round numbers, as many as fit, and hairlines at those of the y axis."""
        now, area = theme.current(), self._area
        low, high = self._y_range
        max_labels = max(2, (self.height() - BOTTOM_AXIS) // Y_STEP)
        if self._look.log:
            values = decades_between(10**low, 10**high, max_labels)
            marks = [(math.log10(v), f"{v:g}") for v in values]
        else:
            values = steps_between(low, high, max_labels)
            marks = [(v, axis_text(v, values)) for v in values]
        painter.setFont(theme.font(theme.SMALL))
        for value, label in marks:
            y = round(float(self._y_of(value))) + 0.5
            painter.setPen(QPen(now.color("line"), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(now.color("muted"))
            box = QRectF(0, y - 8, area.left() - 6, 16)
            painter.drawText(box, theme.RIGHT, label)
        for value in steps_between(*self._x_range, max(2, (self.width() - LEFT_AXIS) // X_STEP)):
            box = QRectF(float(self._x_of(value)) - X_STEP / 2, area.bottom() + 4, X_STEP, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, images_text(value))
        below = QRectF(area.left(), self.height() - 17, area.width(), 16)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._x_name)

    def _draw_line(
        self, painter: QPainter, number: int, x: np.ndarray, y: np.ndarray, *, faint: bool = False, marked: bool = False
    ) -> None:
        """Draw a curve in its colour and dash, with its points if `marked`."""
        color = theme.current().class_color(number)
        color.setAlphaF(FAINT_ALPHA if faint else 1.0)
        style = Qt.PenStyle.SolidLine if faint else line_style(number)
        every = max(1, len(x) // int(self._area.width()))  # about one a pixel
        xs, ys = np.asarray(self._x_of(x)), np.asarray(self._y_of(self._on_axis(y)))
        for points in finite_runs(xs[::every], ys[::every]):
            painter.setPen(QPen(color, 1 if faint else LINE_WIDTH, style))
            painter.drawPolyline(QPolygonF(points))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            for point in points if marked or len(points) == 1 else ():
                painter.drawEllipse(point, MARK_RADIUS, MARK_RADIUS)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _stops(self) -> np.ndarray:
        """Return the positions of the cursor: the points of the longest curve."""
        return max((c.x for _i, c in self._curves), key=len, default=np.array([]))

    def set_cursor(self, x: float) -> None:
        """Move the cursor to the point nearest to `x`; NaN hides it."""
        stops = self._stops()
        if math.isnan(x) or not len(stops):
            self._cursor_x = math.nan
        else:
            self._cursor_x = float(stops[np.abs(stops - x).argmin()])
        self.update()
        self.cursor_moved.emit(self._cursor_x)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, stops = Qt.Key(event.key()), self._stops()
        if key == Qt.Key.Key_Escape and not math.isnan(self._cursor_x):
            self.set_cursor(math.nan)
            return
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Home: 0, Qt.Key.Key_End: 0}
        if key not in moves or not len(stops):
            super().keyPressEvent(event)
            return
        if key == Qt.Key.Key_Home:
            place = 0
        elif key == Qt.Key.Key_End or math.isnan(self._cursor_x):
            place = len(stops) - 1
        else:
            here = int(np.abs(stops - self._cursor_x).argmin())
            place = int(np.clip(here + moves[key], 0, len(stops) - 1))
        self.set_cursor(float(stops[place]))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at, area = event.position(), self._area
        x = (at.x() - area.left()) / area.width() * self._x_range[1]
        self.set_cursor(x if area.contains(at) else math.nan)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.set_cursor(math.nan)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.set_cursor(math.nan)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        if self._drawn is None or self._drawn.size() != self.size() * self.devicePixelRatioF():
            self._drawn = self._draw()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._drawn)
        if not math.isnan(self._cursor_x):
            x = float(self._x_of(self._cursor_x))
            painter.setPen(QPen(theme.current().color("muted"), 1))
            painter.drawLine(QPointF(x, self._area.top()), QPointF(x, self._area.bottom()))
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.current().color("accent"), 1))
            painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 4, 4)


def axis_text(value: float, all_values: Sequence[float]) -> str:
    """Format a number of a linear axis with as many decimals as its neighbours need."""
    step = all_values[1] - all_values[0] if len(all_values) > 1 else 1.0
    if max(abs(v) for v in all_values) >= 10_000:
        return images_text(value)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return number_text(value, min(decimals, 6))
