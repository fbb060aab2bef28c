# SPDX-License-Identifier: MIT
"""Every class's probability over the last edits, drawn live. Imported after the window is up: pyqtgraph is slow to load."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import row
from latent_explorer.ui.widgets.probability_lines import (
    LINE,
    drawn_classes,
    label_positions,
    labels_width,
    line_style,
    paint_labels,
)

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

LENGTH = 240  # edits kept
PAUSE = 100  # ms between two drawings: each costs as much as a picture, and the bars show every one
SHORTEST = 60  # edits that the width shows at least


class TracePlot(QWidget):
    """One line a class, newest at the right, its name beside its end."""

    def __init__(self) -> None:
        super().__init__()
        pg.setConfigOptions(antialias=True)
        self._names: tuple[str, ...] = ()
        self._rows: deque[np.ndarray] = deque(maxlen=LENGTH)
        self._curves: dict[int, pg.PlotDataItem] = {}
        self.plot = pg.PlotWidget()
        self._labels = _Labels(self)
        self._late = False  # rows came that are not drawn yet
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE)
        self._pause.timeout.connect(self._draw_pending)
        self._set_up_plot()
        layout = row(self, spacing=theme.UNIT // 2)
        layout.setContentsMargins(theme.UNIT, 0, theme.MARGIN, 0)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self._labels)
        self.setMinimumHeight(9 * theme.UNIT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.plot.setAccessibleName("Probability of every class over the last edits")
        theme.notifier.changed.connect(self._apply_theme)
        self._apply_theme()

    def _set_up_plot(self) -> None:
        item = self.plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(x=False, y=False)
        item.hideAxis("bottom")
        item.setContentsMargins(0, theme.UNIT // 2, 0, theme.UNIT // 2)
        item.getViewBox().setDefaultPadding(0)
        item.setYRange(-0.02, 1.02, padding=0)
        item.setXRange(0, SHORTEST - 1, padding=0)
        axis = item.getAxis("left")
        axis.setTicks([[(0.0, "0"), (0.5, "0.5"), (1.0, "1")]])
        axis.setStyle(tickLength=0, tickTextOffset=theme.UNIT)
        axis.setWidth(4 * theme.UNIT)
        self._middle = pg.InfiniteLine(pos=0.5, angle=0)
        self._ends = [pg.InfiniteLine(pos=y, angle=0) for y in (0.0, 1.0)]
        for line in (self._middle, *self._ends):
            item.addItem(line)
        self._points = pg.ScatterPlotItem(size=7, pen=pg.mkPen(None))
        self._points.setZValue(1)
        item.addItem(self._points)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    @property
    def length(self) -> int:
        """How many edits are drawn."""
        return len(self._rows)

    def start(self, names: tuple[str, ...]) -> None:
        """Empty the plot; classes are called `names` from here on."""
        self._names = names
        self._rows.clear()
        for curve in self._curves.values():
            self.plot.removeItem(curve)
        self._curves.clear()
        self._points.clear()
        self._labels.set_end_labels({})

    def add(self, probs: np.ndarray) -> None:
        """The newest probabilities, (K,). Drawn at once, or soon when drawn a moment ago."""
        self._rows.append(np.asarray(probs, dtype=np.float64))
        if not self._pause.isActive():
            self._draw()
            self._pause.start()
        else:
            self._late = True

    def _draw_pending(self) -> None:
        if self._late:
            self._draw()

    def _draw(self) -> None:
        self._late = False
        table = np.stack(self._rows)  # (edits, K)
        shown = drawn_classes(table)
        for index in set(self._curves) - set(shown):
            self.plot.removeItem(self._curves.pop(index))
        x = np.arange(len(table))
        self.plot.setXRange(0, max(SHORTEST, len(table)) - 1, padding=0)
        for index in shown:
            curve = self._curves.get(index)
            if curve is None:
                curve = self._curves[index] = self.plot.plot(pen=self._pen(index), connect="finite")
            curve.setData(x, table[:, index])
        self._show_points({index: float(table[-1, index]) for index in shown}, len(table) - 1)
        self._labels.set_end_labels({index: float(table[-1, index]) for index in shown})

    def _show_points(self, ends: dict[int, float], x: int) -> None:
        """A dot at the end of every line: where the picture on the canvas stands."""
        brushes = [pg.mkBrush(theme.current().class_color(index)) for index in ends]
        self._points.setData([x] * len(ends), list(ends.values()), brush=brushes)

    def lift(self) -> None:
        """Break the lines: what follows is another picture."""
        if self._rows and np.isfinite(self._rows[-1]).all():
            self._rows.append(np.full_like(self._rows[-1], np.nan))

    def _pen(self, index: int) -> QPen:
        # pyqtgraph's pens are as wide in device pixels as they say, whatever the screen.
        width = LINE * self.devicePixelRatioF()
        return pg.mkPen(theme.current().class_color(index), width=width, style=line_style(index))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._apply_theme()
        return super().event(event)

    def _apply_theme(self) -> None:
        now = theme.current()
        self.plot.setBackground(now.paper)
        axis = self.plot.getPlotItem().getAxis("left")
        axis.setPen(pg.mkPen(None))
        axis.setTextPen(now.muted)
        axis.setTickFont(theme.font(theme.SMALL))
        self._middle.setPen(pg.mkPen(now.color("line"), width=1, style=Qt.PenStyle.DashLine))
        for line in self._ends:
            line.setPen(pg.mkPen(now.color("line"), width=1))
        for index, curve in self._curves.items():
            curve.setPen(self._pen(index))
        self._labels.update()

    def label_y(self, value: float) -> float:
        """Where a probability stands on the labels' side, px."""
        view = self.plot.getPlotItem().getViewBox()
        at = view.mapViewToDevice(QPointF(0, value)) or QPointF(0, 0)
        return at.y()

    def name_of(self, index: int) -> str:
        return self._names[index] if index < len(self._names) else str(index)


class _Labels(QWidget):
    """The classes' names at the ends of their lines, moved apart where they would overlap."""

    def __init__(self, owner: TracePlot) -> None:
        super().__init__()
        self._owner = owner
        self._ends: dict[int, float] = {}
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(labels_width(self._owner.names), 60)

    def set_end_labels(self, ends: dict[int, float]) -> None:
        self._ends = ends
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        places = label_positions(self._ends, self._owner.label_y, 0, self.height())
        names = {index: self._owner.name_of(index) for index in places}
        paint_labels(painter, places, names, self._ends, 0, self.width())
