# SPDX-License-Identifier: MIT
"""Plot of curves with a legend and options: logarithmic axis, smoothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QHBoxLayout,
    QSizePolicy,
    QSplitter,
    QWidget,
)

from latent_explorer.ui.style import theme
from latent_explorer.ui.training.form_step import scrolling
from latent_explorer.ui.widgets.basics import EmptyState, Pages, column, hint, plain, row
from latent_explorer.ui.widgets.curve_math import Curve, smoothed, value_at, value_text
from latent_explorer.ui.widgets.curve_plot import CurvePlot, PlotOptions
from latent_explorer.ui.widgets.probability_lines import line_style
from latent_explorer.ui.widgets.slider_track import SliderTrack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPaintEvent

    from latent_explorer.ui.widgets.curve_math import Curve

MAX_SMOOTHING = 0.98
SLIDER_WIDTH = 12 * theme.UNIT  # px
SMOOTHING_HELP = "How many past values are averaged; the measured ones stay visible, faintly"
ROW_HEIGHT = 3 * theme.UNIT  # px
SAMPLE_WIDTH = 20  # px, of a line
VALUE_WIDTH = 7 * theme.UNIT  # px
MAX_ROW_WIDTH = 30 * theme.UNIT


class LegendRow(QAbstractButton):
    """Row of the legend: checked while its curve is drawn."""

    def __init__(self, number: int, curve: Curve, on: bool) -> None:
        super().__init__()
        self.number, self.curve = number, curve
        self.setCheckable(True)
        self.setChecked(on)
        self.setFixedHeight(ROW_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setToolTip(f"{curve.help}\nClick to hide or show it" if curve.help else "Hide or show")
        self.setAccessibleName(curve.name)

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(theme.font(theme.SMALL))
        wide = SAMPLE_WIDTH + metrics.horizontalAdvance(self.curve.name) + VALUE_WIDTH + 4 * theme.GAP
        return QSize(min(MAX_ROW_WIDTH, round(wide)), ROW_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(SAMPLE_WIDTH + 2 * VALUE_WIDTH, ROW_HEIGHT)

    def show_value(self, value: float) -> None:
        self.setAccessibleDescription(value_text(value))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        now, on = theme.current(), self.isChecked()
        if self.underMouse() or self.hasFocus():
            edge = now.color("accent") if self.hasFocus() else now.color("hover")
            painter.setPen(QPen(edge, 1))
            painter.setBrush(now.color("hover"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        middle = self.height() / 2
        if on:
            color = now.class_color(self.number)
            painter.setPen(QPen(color, 2, line_style(self.number)))
            painter.drawLine(QPointF(6, middle), QPointF(6 + SAMPLE_WIDTH, middle))
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(now.color("ink" if on else "muted", 1.0 if on else 0.8))
        right = self.width() - 6
        value = QRectF(right - VALUE_WIDTH, 0, VALUE_WIDTH, self.height())
        if on:
            painter.drawText(
                value, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self.accessibleDescription()
            )
        name = QRectF(6 + SAMPLE_WIDTH + theme.GAP, 0, 0, self.height())
        name.setRight((value.left() if on else right) - 4)
        metrics = QFontMetricsF(painter.font())
        text = metrics.elidedText(self.curve.name, Qt.TextElideMode.ElideRight, name.width())
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, text)


class CurveLegend(QWidget):
    """Rows of all curves. Emits `changed` when the user hid or showed one, which is remembered by the curve's key."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._choices: dict[str, bool] = {}
        self.rows: list[LegendRow] = []
        self.where = hint("", wrap=False)
        inner = QWidget()
        self._column = column(inner, spacing=0)
        self._column.addStretch(1)
        scroll = scrolling(inner)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = column(self, spacing=2)
        layout.addWidget(self.where)
        layout.addWidget(scroll, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(18 * theme.UNIT)

    def sizeHint(self) -> QSize:
        wide = max((r.sizeHint().width() for r in self.rows), default=MAX_ROW_WIDTH // 2)
        return QSize(wide + 12, 12 * theme.UNIT)

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """Set the curves, in the order of their colours."""
        same = [(r.curve.key, r.curve.name) for r in self.rows] == [(c.key, c.name) for c in curves]
        if same:
            for each, curve in zip(self.rows, curves, strict=True):
                each.curve = curve
        else:
            self._rebuild(curves)
        self.show_values_at(math.nan)

    def _rebuild(self, curves: Sequence[Curve]) -> None:
        for old in self.rows:
            self._column.removeWidget(old)
            old.deleteLater()
        self.rows = []
        for number, curve in enumerate(curves):
            on = self._choices.get(curve.key, curve.shown)
            made = LegendRow(number, curve, on)
            made.toggled.connect(self._toggled)
            self._column.insertWidget(number, made)
            self.rows.append(made)
        self.updateGeometry()

    def shown(self) -> list[tuple[int, Curve]]:
        """Return the curves to draw, with their numbers."""
        return [(r.number, r.curve) for r in self.rows if r.isChecked()]

    def show_values_at(self, x: float) -> None:
        """Show the values at `x`, or the newest for NaN."""
        ends = [float(r.curve.x[-1]) for r in self.rows if len(r.curve.x)]
        for each in self.rows:
            here = x if not math.isnan(x) else math.inf
            each.show_value(value_at(each.curve, here))
        if not ends:
            self.where.setText("")
        elif math.isnan(x):
            self.where.setText("Newest values")
        else:
            self.where.setText(f"At {x:,.0f} images")

    def _toggled(self) -> None:
        self._choices.update({r.curve.key: r.isChecked() for r in self.rows})
        self.changed.emit()


class CurvesView(QWidget):
    """Plot and legend under a line of options, whose left is for widgets of the owner."""

    def __init__(self, empty: str) -> None:
        super().__init__()
        self.plot = CurvePlot()
        self.legend = CurveLegend()
        self.log = QCheckBox("Log scale")
        self.log.setToolTip("Shows small changes of small values: every step of the axis is the same factor")
        self.smoothing = SliderTrack(0.0, MAX_SMOOTHING, None, 0.0, ())
        self.smoothing.setAccessibleName("Smoothing")
        self.smoothing.setToolTip(SMOOTHING_HELP)
        self.smoothing.setFixedWidth(SLIDER_WIDTH)
        self._smoothing_word = plain("Smoothing")
        self.options: QHBoxLayout = row()
        self.options.addStretch(1)
        self.options.addWidget(self.log)
        self.options.addSpacing(theme.GAP)
        self.options.addWidget(self._smoothing_word)
        self.options.addWidget(self.smoothing)
        charts = QWidget()
        line = row(charts)
        line.addWidget(self.plot, 1)
        line.addWidget(self.legend)
        self.empty = EmptyState("plot", empty)
        self.pages = Pages()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(charts)
        layout = column(self, spacing=theme.UNIT // 2)
        layout.addLayout(self.options)
        layout.addWidget(self.pages, 1)
        self.log.toggled.connect(self._draw)
        self.smoothing.valueChanged.connect(self._draw)
        self.legend.changed.connect(self._draw)
        self.plot.cursor_moved.connect(self.legend.show_values_at)

    def add_choice(self, widget: QWidget) -> None:
        place = max(0, self.options.count() - 5)
        self.options.insertWidget(place, widget, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """Draw these curves, except those that the user hid, which are remembered by key."""
        self.legend.show_curves(curves)
        some = any(not curve.empty for curve in curves)
        self.pages.setCurrentIndex(int(some))
        for option in (self.log, self._smoothing_word, self.smoothing):
            option.setVisible(some)
        self._draw()

    def _draw(self) -> None:
        shown = self.legend.shown()
        self.plot.show_curves(shown, PlotOptions(self.log.isChecked(), self.smoothing.amount))
        values = [
            f"{curve.name} {value_text(float(smoothed(curve.y, self.smoothing.amount)[-1]))}"
            for _number, curve in shown
            if len(curve.y)
        ]
        self.plot.setAccessibleDescription("Newest values: " + "; ".join(values) if values else "")


def split_in_two(left: QWidget, right: QWidget) -> QSplitter:
    """Put two widgets beside each other, 5 to 4, with a line between them that can be moved."""
    split = QSplitter(Qt.Orientation.Horizontal)
    split.setHandleWidth(1)
    split.setChildrenCollapsible(False)
    for widget, margins in ((left, (0, 0, theme.MARGIN, 0)), (right, (theme.MARGIN, 0, 0, 0))):
        half = QWidget()
        layout = column(half)
        layout.setContentsMargins(*margins)
        layout.addWidget(widget)
        split.addWidget(half)
    split.setStretchFactor(0, 5)
    split.setStretchFactor(1, 4)
    split.setSizes([500, 400])
    return split
