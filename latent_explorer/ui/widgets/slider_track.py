# SPDX-License-Identifier: MIT
"""Track of a slider: groove, range of the data, detents and handle, with mouse, wheel and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

from latent_explorer.ui.style import theme

if TYPE_CHECKING:
    from collections.abc import Sequence

UNITS = 100  # positions per 1.0
RADIUS = 7.0  # of the handle, px
SNAP_DISTANCE = 2.5  # px within which a detent holds the handle
INSIDE_SHARE = 0.75  # of the track, at least, for the range of the data
FINE_FACTOR = 0.2  # factor on the mouse's movement while Shift is held


class SliderTrack(QSlider):
    """QSlider in hundredths with a range of the data, so that keyboard and screen readers work as usual.

    `inside` is the range of the data (solid groove), `default` the value after a double click; the handle
    snaps to `detents`.
    """

    pressed = Signal()  # a gesture begins: a drag, a held key, a turn of the wheel
    released = Signal()  # a gesture ends; it is one step of undo

    def __init__(
        self,
        minimum: float,
        maximum: float,
        inside: tuple[float, float] | None,
        default: float,
        detents: Sequence[float],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._inside = inside
        self.default = default
        self._detents = tuple(detents)
        self._grip: float | None = None  # x of the handle before it snaps, while the mouse drags it
        self._mouse_x = 0.0
        self._busy = False  # within a gesture
        self.setRange(round(minimum * UNITS), round(maximum * UNITS))
        self.setSingleStep(5)
        self.setPageStep(25)
        self.setFixedHeight(theme.CONTROL)
        self.setMinimumWidth(64)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the wheel must not take the focus
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    @property
    def amount(self) -> float:
        return self.value() / UNITS

    @property
    def outside(self) -> bool:
        """True if the value lies outside the range of the data."""
        return self._inside is not None and not self._inside[0] <= self.amount <= self._inside[1]

    def set_inside(self, low: float, high: float) -> None:
        """Set the range of the data."""
        self._inside = (low, high)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(140, theme.CONTROL)

    def _span(self) -> tuple[float, float]:
        """Return the first and last x of the handle's centre, px."""
        return RADIUS + 2, self.width() - RADIUS - 2

    def x_of(self, amount: float) -> float:
        """Return the x of a value on the track, px."""
        amounts, xs = self._stops()
        return float(np.interp(amount, amounts, xs))

    def amount_at(self, x: float) -> float:
        """Return the value at an x, px; the nearest end beside the track."""
        amounts, xs = self._stops()
        return float(np.interp(x, xs, amounts))

    def _stops(self) -> tuple[list[float], list[float]]:
        """Return values and their x, between which the track is even: the range of the data gets most of it."""
        left, right = self._span()
        low, high = self.minimum() / UNITS, self.maximum() / UNITS
        a, b = self._inside or (low, high)
        outside = (high - low) - (b - a)
        if not (low <= a < b <= high) or outside <= 0 or (b - a) / (high - low) >= INSIDE_SHARE:
            return [low, high], [left, right]
        spare = (1 - INSIDE_SHARE) * (right - left) / outside  # px per unit outside
        xs = [left, left + (a - low) * spare, right - (high - b) * spare, right]
        amounts = [low, a, b, high]
        return amounts, xs

    def _snapped(self, x: float) -> int:
        near = next((d for d in self._detents if abs(x - self.x_of(d)) <= SNAP_DISTANCE), self.amount_at(x))
        return round(near * UNITS)

    def _begin(self) -> None:
        if not self._busy:
            self._busy = True
            self.pressed.emit()

    def _end(self) -> None:
        if self._busy:
            self._busy = False
            self.released.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        x = event.position().x()
        self._mouse_x, self._grip = x, self.x_of(self.amount)
        if abs(x - self._grip) > RADIUS + 2:  # beside the handle: move it to the mouse
            left, right = self._span()
            self._grip = min(max(x, left), right)
        self._end()  # of a wheel gesture, which has no end event
        self._begin()
        self.setSliderDown(True)
        self.setValue(self._snapped(self._grip))
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is None:
            event.ignore()
            return
        fine = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        step = (event.position().x() - self._mouse_x) * (FINE_FACTOR if fine else 1.0)
        self._mouse_x = event.position().x()
        self._grip += step
        self.setValue(self._snapped(self._grip))
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._grip = None
        self.setSliderDown(False)
        self._end()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._begin()
            self.setValue(round(self.default * UNITS))
            event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self.hasFocus():
            event.ignore()  # the panel scrolls
            return
        self._begin()
        super().wheelEvent(event)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat():
            self._end()
            self._begin()
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.setValue(round(self.default * UNITS))
            event.accept()
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        super().keyReleaseEvent(event)
        if not event.isAutoRepeat():
            self._end()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._end()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled():
            painter.setOpacity(0.4)
        self._paint_groove(painter)
        self._paint_fill(painter)
        self._paint_handle(painter)

    def _bar(self, a: float, b: float, height: float = 4.0) -> QRectF:
        return QRectF(min(a, b), self.height() / 2 - height / 2, abs(b - a), height)

    def _paint_groove(self, painter: QPainter) -> None:
        left, right = self._span()
        now = theme.current()
        painter.setPen(Qt.PenStyle.NoPen)
        if self._inside is None:
            painter.setBrush(now.color("ink", 0.2))
            painter.drawRoundedRect(self._bar(left, right), 2, 2)
        else:
            a, b = max(self.x_of(self._inside[0]), left), min(self.x_of(self._inside[1]), right)
            y = self.height() / 2
            painter.setPen(QPen(now.color("ink", 0.3), 1.5, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(left, y), QPointF(a, y))
            painter.drawLine(QPointF(b, y), QPointF(right, y))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(now.color("ink", 0.2))
            painter.drawRoundedRect(self._bar(a, b), 2, 2)
        painter.setPen(QPen(now.color("ink", 0.4), 1.0))
        x = round(self.x_of(self.default)) + 0.5
        painter.drawLine(QPointF(x, self.height() / 2 - 6), QPointF(x, self.height() / 2 + 6))

    def _paint_fill(self, painter: QPainter) -> None:
        start, here = self.x_of(self.default), self.x_of(self.amount)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().color("accent"))
        painter.drawRoundedRect(self._bar(start, here), 2, 2)
        if self.outside and self._inside is not None:
            edge = self._inside[0] if self.amount < self._inside[0] else self._inside[1]
            painter.setBrush(theme.current().color("warning"))
            painter.drawRect(self._bar(self.x_of(edge), here))

    def _paint_handle(self, painter: QPainter) -> None:
        """Paint a disc inside the range of the data and a diamond outside it."""
        now = theme.current()
        centre = QPointF(self.x_of(self.amount), self.height() / 2)
        strong = now.color("warning" if self.outside else "accent")
        if self.hasFocus():
            halo = now.color("warning" if self.outside else "accent", 0.28)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(halo)
            painter.drawEllipse(centre, RADIUS + 2, RADIUS + 2)
        lit = self.hasFocus() or self.underMouse() or self.isSliderDown() or self.outside
        outline = strong if lit else now.color("ink", 0.5)
        painter.setPen(QPen(outline, 1.5))
        painter.setBrush(strong if self.isSliderDown() else now.color("surface"))
        if self.outside:
            r = RADIUS - 0.5
            corners = [QPointF(0, -r), QPointF(r, 0), QPointF(0, r), QPointF(-r, 0)]
            painter.drawPolygon(QPolygonF([centre + corner for corner in corners]))
        else:
            painter.drawEllipse(centre, RADIUS - 1.5, RADIUS - 1.5)
