# SPDX-License-Identifier: MIT
"""The legend beside curves: a line a curve with its newest value or the one under the cursor; a click
hides the curve."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QScrollArea, QSizePolicy, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import column, hint
from latent_explorer.ui.widgets.curve_math import Curve, value_at, value_text
from latent_explorer.ui.widgets.probability_lines import line_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPaintEvent

ROW = 3 * theme.UNIT  # px
SAMPLE = 20  # px, of a line
VALUE = 7 * theme.UNIT  # px
WIDEST = 30 * theme.UNIT


class LegendRow(QAbstractButton):
    """One curve: checked while it is drawn."""

    def __init__(self, number: int, curve: Curve, on: bool) -> None:
        super().__init__()
        self.number, self.curve = number, curve
        self._value = math.nan
        self.setCheckable(True)
        self.setChecked(on)
        self.setFixedHeight(ROW)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setToolTip(f"{curve.help}\nClick to hide or show it" if curve.help else "Hide or show")
        self.setAccessibleName(curve.name)

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(theme.font(theme.SMALL))
        wide = SAMPLE + metrics.horizontalAdvance(self.curve.name) + VALUE + 4 * theme.GAP
        return QSize(min(WIDEST, round(wide)), ROW)

    def minimumSizeHint(self) -> QSize:
        return QSize(SAMPLE + 2 * VALUE, ROW)

    def show_value(self, value: float) -> None:
        """The figure at the right."""
        self._value = value
        self.setAccessibleDescription(value_text(value))
        self.update()

    @property
    def shown_value(self) -> str:
        return value_text(self._value)

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
            painter.drawLine(QPointF(6, middle), QPointF(6 + SAMPLE, middle))
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(now.color("ink" if on else "muted", 1.0 if on else 0.8))
        right = self.width() - 6
        value = QRectF(right - VALUE, 0, VALUE, self.height())
        if on:
            painter.drawText(value, _RIGHT, self.shown_value)
        name = QRectF(6 + SAMPLE + theme.GAP, 0, 0, self.height())
        name.setRight((value.left() if on else right) - 4)
        metrics = QFontMetricsF(painter.font())
        text = metrics.elidedText(self.curve.name, Qt.TextElideMode.ElideRight, name.width())
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, text)


class CurveLegend(QWidget):
    """Rows of all curves; `changed` when the person hid or showed one. Choices are remembered by the curves' keys."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._choices: dict[str, bool] = {}
        self.rows: list[LegendRow] = []
        self.where = hint("", wrap=False)
        inner = QWidget()
        inner.setProperty("role", "page")
        self._column = column(inner, spacing=0)
        self._column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inner)
        layout = column(self, spacing=2)
        layout.addWidget(self.where)
        layout.addWidget(scroll, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(18 * theme.UNIT)

    def sizeHint(self) -> QSize:
        wide = max((r.sizeHint().width() for r in self.rows), default=WIDEST // 2)
        return QSize(wide + 12, 12 * theme.UNIT)

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """The curves, in the order of their colours."""
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
        """The curves to draw, with their numbers."""
        return [(r.number, r.curve) for r in self.rows if r.isChecked()]

    def show_values_at(self, x: float) -> None:
        """The values at `x`; NaN: the newest."""
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


_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
