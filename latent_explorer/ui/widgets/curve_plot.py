# SPDX-License-Identifier: MIT
"""Curves over images seen (or steps), with readable axes and a cursor that reads them. Import it late: pyqtgraph is slow to load.

The legend, smoothing and what the figures mean are elsewhere (`curves_view`, the training panel).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.common.format import number_text
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import row
from latent_explorer.ui.widgets.curve_math import (
    Curve,
    decades_between,
    images_text,
    smoothed,
    steps_between,
)
from latent_explorer.ui.widgets.probability_lines import line_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QFocusEvent, QPaintEvent, QResizeEvent

LINE = 2  # px
FAINT = 0.28  # alpha of what was smoothed away
FEW = 40  # points up to which each is marked: one alone would be no line
X_STEP, Y_STEP = 10 * theme.UNIT, 4 * theme.UNIT  # px between two marks of an axis, at least
LEFT_AXIS, BOTTOM_AXIS = 6 * theme.UNIT, 36  # px


@dataclass(frozen=True)
class PlotOptions:
    """How curves are drawn: on a logarithmic axis or not, and how much of the past a smoothed value holds."""

    log: bool = False
    smoothing: float = 0.0


def curve_pen(index: int, width: float, alpha: float = 1.0) -> QPen:
    """The line of curve `index`: colour and dashes, so that neither alone tells curves apart."""
    color = QColor(theme.current().class_color(index))
    color.setAlphaF(alpha)
    style = line_style(index) if alpha == 1 else Qt.PenStyle.SolidLine
    return pg.mkPen(color, width=width, style=style)


class CurvePlot(QWidget):
    """Draws what it is given; `cursor_moved(float)` says at how many images the cursor stands, NaN for nowhere."""

    cursor_moved = Signal(float)

    def __init__(self, x_name: str = "images seen") -> None:
        super().__init__()
        self._x_name = x_name
        pg.setConfigOptions(antialias=True)
        self._curves: tuple[tuple[int, Curve], ...] = ()  # (number, curve) of those shown
        self._look = PlotOptions()
        self._cursor_x = math.nan
        self._lines: list[pg.PlotDataItem] = []
        self._grid: list[pg.InfiniteLine] = []
        self.plot = pg.PlotWidget()
        self._cursor = pg.InfiniteLine(angle=90)
        self._set_up_plot()
        layout = row(self, margin=2)
        layout.addWidget(self.plot)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(24 * theme.UNIT, 12 * theme.UNIT)
        self.setAccessibleName(f"Curves: {x_name}")
        self.setToolTip("Point at the curves, or press Left and Right, to read their values")
        theme.notifier.changed.connect(self._apply_theme)
        self._apply_theme()

    def sizeHint(self) -> QSize:
        return QSize(60 * theme.UNIT, 26 * theme.UNIT)

    def _set_up_plot(self) -> None:
        item = self.plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(x=False, y=False)
        item.setContentsMargins(0, theme.UNIT // 2, theme.UNIT, 0)
        item.getViewBox().setDefaultPadding(0)
        for name, style in (("left", {"tickTextOffset": 6}), ("bottom", {"tickTextOffset": 4})):
            item.getAxis(name).setStyle(tickLength=0, tickAlpha=0, **style)
        item.getAxis("bottom").setStyle(hideOverlappingLabels=False)  # 0 stands at the very edge
        item.getAxis("left").setWidth(LEFT_AXIS)
        item.getAxis("bottom").setHeight(BOTTOM_AXIS)
        item.setLabel("bottom", self._x_name)
        self._cursor.setVisible(False)
        item.addItem(self._cursor)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.viewport().setMouseTracking(True)
        self.plot.viewport().installEventFilter(self)

    # what is drawn ----------------------------------------------------------------------------

    def show_curves(self, curves: Sequence[tuple[int, Curve]], look: PlotOptions) -> None:
        """Draw these, each in the colour of its number."""
        self._curves = tuple((i, c) for i, c in curves if not c.empty)
        self._look = look
        self._draw()
        self.set_cursor(
            self._cursor_x
        )  # among the new points; whoever reads there reads the new values

    def _draw(self) -> None:
        for line in self._lines:
            self.plot.removeItem(line)
        self._lines.clear()
        drawn: list[np.ndarray] = []  # what decides the range of the axis
        marked = max((len(c.x) for _i, c in self._curves), default=0) <= FEW
        for number, curve in self._curves:
            smooth = smoothed(curve.y, self._look.smoothing)
            drawn.append(smooth)
            if self._look.smoothing > 0 and len(curve.x) > FEW:
                self._add_line(number, curve, curve.y, faint=True)
            self._add_line(number, curve, smooth, faint=False, marked=marked)
        self._set_ranges(drawn)

    def _add_line(
        self, number: int, curve: Curve, y: np.ndarray, *, faint: bool, marked: bool = False
    ) -> None:
        ratio = self.devicePixelRatioF()  # pyqtgraph's pens count the screen's own pixels
        pen = curve_pen(number, (1 if faint else LINE) * ratio, FAINT if faint else 1.0)
        marks: dict[str, object] = {}
        if marked or len(curve.x) == 1:
            color = theme.current().class_color(number)
            marks = {"symbol": "o", "symbolSize": 5, "symbolPen": None, "symbolBrush": color}
        line = pg.PlotDataItem(
            curve.x,
            self._on_axis(y),
            pen=pen,
            connect="finite",
            autoDownsample=True,
            downsampleMethod="subsample",
            **marks,
        )
        line.setZValue(-1 if faint else 1)
        self.plot.addItem(line)
        self._lines.append(line)

    def _on_axis(self, y: np.ndarray) -> np.ndarray:
        if not self._look.log:
            return y
        return np.log10(np.where(y > 0, y, np.nan))

    def _set_ranges(self, drawn: Sequence[np.ndarray]) -> None:
        """From the first image to the last; from the least value to the greatest; a little beyond."""
        last = max((float(c.x[-1]) for _i, c in self._curves), default=1.0)
        self._x_range = (0.0, 1.02 * max(last, 1.0))
        joined = np.concatenate([self._on_axis(y) for y in drawn]) if drawn else np.array([])
        joined = joined[np.isfinite(joined)]
        low, high = (float(joined.min()), float(joined.max())) if len(joined) else (0.0, 1.0)
        if not self._look.log and 0 < low < 0.5 * high:
            low = 0.0
        room = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
        self._y_range = (low if low == 0 else low - room, high + room)
        item = self.plot.getPlotItem()
        item.setXRange(*self._x_range, padding=0)
        item.setYRange(*self._y_range, padding=0)
        self._set_ticks()

    def _set_ticks(self) -> None:
        """Round numbers, as many as the room allows, and hairlines at those of the values."""
        item = self.plot.getPlotItem()
        most_x = max(2, (self.width() - LEFT_AXIS) // X_STEP)
        most_y = max(2, (self.height() - BOTTOM_AXIS) // Y_STEP)
        x_ticks = [(x, images_text(x)) for x in steps_between(*self._x_range, most_x)]
        low, high = self._y_range
        if self._look.log:
            values = decades_between(10**low, 10**high, most_y)
            y_ticks = [(math.log10(v), f"{v:g}") for v in values]
        else:
            values = steps_between(low, high, most_y)
            y_ticks = [(v, axis_text(v, values)) for v in values]
        item.getAxis("bottom").setTicks([x_ticks])
        item.getAxis("left").setTicks([y_ticks])
        for line in self._grid:
            self.plot.removeItem(line)
        pen = pg.mkPen(theme.current().color("line"), width=1)
        self._grid = [pg.InfiniteLine(pos=y, angle=0, pen=pen) for y, _words in y_ticks]
        for line in self._grid:
            line.setZValue(-2)
            self.plot.addItem(line)

    # the cursor -------------------------------------------------------------------------------

    def _stops(self) -> np.ndarray:
        """Where the cursor can stand: the points of the curve that has most of them."""
        return max((c.x for _i, c in self._curves), key=len, default=np.array([]))

    def set_cursor(self, x: float) -> None:
        """Put the cursor on the point nearest to `x`; NaN takes it away."""
        stops = self._stops()
        if math.isnan(x) or not len(stops):
            self._cursor_x = math.nan
        else:
            self._cursor_x = float(stops[np.abs(stops - x).argmin()])
            self._cursor.setPos(self._cursor_x)
        self._cursor.setVisible(not math.isnan(self._cursor_x))
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

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Of the plot's surface: where the mouse is."""
        if event.type() == QEvent.Type.MouseMove:
            where = event.position().toPoint()  # type: ignore[attr-defined]
            box = self.plot.getPlotItem().getViewBox()
            at = box.mapSceneToView(QPointF(self.plot.mapToScene(where)))
            inside = box.sceneBoundingRect().contains(QPointF(self.plot.mapToScene(where)))
            self.set_cursor(at.x() if inside else math.nan)
        elif event.type() == QEvent.Type.Leave:
            self.set_cursor(math.nan)
        return super().eventFilter(watched, event)  # type: ignore[arg-type]

    # Qt events --------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._curves:
            self._set_ticks()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._apply_theme()
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.set_cursor(math.nan)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        if self.hasFocus():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.current().color("accent"), 1))
            painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 4, 4)

    def _apply_theme(self) -> None:
        now = theme.current()
        self.plot.setBackground(now.paper)
        for name in ("left", "bottom"):
            axis = self.plot.getPlotItem().getAxis(name)
            axis.setPen(pg.mkPen(None))
            axis.setTextPen(now.muted)
            axis.setTickFont(theme.font(theme.SMALL))
        label = self.plot.getPlotItem().getAxis("bottom").label
        label.setFont(theme.font(theme.SMALL))
        label.setDefaultTextColor(now.color("muted"))
        self._cursor.setPen(pg.mkPen(now.color("muted"), width=self.devicePixelRatioF()))
        self._draw()


def axis_text(value: float, all_values: Sequence[float]) -> str:
    """A number of a linear axis with as many decimals as its neighbours need."""
    step = all_values[1] - all_values[0] if len(all_values) > 1 else 1.0
    if max(abs(v) for v in all_values) >= 10_000:
        return images_text(value)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return number_text(value, min(decimals, 6))
