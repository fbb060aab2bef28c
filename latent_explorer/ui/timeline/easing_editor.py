# SPDX-License-Identifier: MIT
"""The custom curve of a segment: a square in which both handles are dragged, or moved by the arrow keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.explain.timeline.timeline import Curve, Easing
from latent_explorer.ui.style import theme
from latent_explorer.ui.timeline.paint_track import curve_path

if TYPE_CHECKING:
    from PySide6.QtGui import QFocusEvent

SIDE = 19 * theme.UNIT  # px
EDGE = 12.0  # px around the square, so that handles in its corners are whole
RADIUS = 6.0
STEP = 0.02  # of an arrow key
# What begins to be bent when a ready-made easing is made one's own; the smooth one is a cubic of this very shape.
STARTS = {
    "linear": Curve(1 / 3, 1 / 3, 2 / 3, 2 / 3),
    "smooth": Curve(1 / 3, 0.0, 2 / 3, 1.0),
    "hold": Curve(1.0, 0.0, 1.0, 0.0),
}


def as_curve(easing: Easing) -> Curve:
    """The easing as a curve with handles."""
    return easing if isinstance(easing, Curve) else STARTS[easing]


class EasingEditor(QWidget):
    """`changed(Curve)` while a handle moves; `editing_finished` when it is let go."""

    changed = Signal(object)
    editing_finished = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._curve = STARTS["smooth"]
        self._taken: int | None = None  # handle under the mouse
        self._current = 0  # handle that the keys move
        self.setAccessibleName("Curve of the movement")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedSize(SIDE, SIDE)
        self.setToolTip("Drag a handle, or move it by the arrow keys; Space takes the other one")
        self.show_curve(self._curve)

    @property
    def curve(self) -> Curve:
        return self._curve

    def show_curve(self, curve: Curve) -> None:
        """Emits nothing."""
        self._curve = curve
        self.setAccessibleDescription(
            f"First handle at {curve.x1:.2f}, {curve.y1:.2f}; second at {curve.x2:.2f}, {curve.y2:.2f}"
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def handle_at(self, index: int) -> QPointF:
        """Where handle 0 or 1 stands, px."""
        c, box = self._curve, self._box()
        x, y = ((c.x1, c.y1), (c.x2, c.y2))[index]
        return QPointF(box.left() + x * box.width(), box.bottom() - y * box.height())

    def _box(self) -> QRectF:
        return QRectF(self.rect()).adjusted(EDGE, EDGE, -EDGE, -EDGE)

    def _put(self, index: int, x: float, y: float) -> None:
        x, y = (round(min(max(v, 0.0), 1.0), 3) for v in (x, y))
        c = self._curve
        curve = Curve(x, y, c.x2, c.y2) if index == 0 else Curve(c.x1, c.y1, x, y)
        if curve != c:
            self.show_curve(curve)
            self.changed.emit(curve)

    # Qt events --------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        away = [(self.handle_at(i) - at).manhattanLength() for i in (0, 1)]
        self._taken = self._current = away.index(min(away))
        self.mouseMoveEvent(event)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._taken is not None:
            box, at = self._box(), event.position()
            x, y = (at.x() - box.left()) / box.width(), (box.bottom() - at.y()) / box.height()
            self._put(self._taken, x, y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._taken is not None:
            self._taken = None
            self.editing_finished.emit()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (-STEP, 0.0),
            Qt.Key.Key_Right: (STEP, 0.0),
            Qt.Key.Key_Up: (0.0, STEP),
            Qt.Key.Key_Down: (0.0, -STEP),
        }
        step = steps.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Space:
            self._current = 1 - self._current
            self.update()
        elif step is not None:
            c = self._curve
            x, y = ((c.x1, c.y1), (c.x2, c.y2))[self._current]
            self._put(self._current, x + step[0], y + step[1])
            self.editing_finished.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        now, box = theme.current(), self._box()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(now.color("line"), 1))
        painter.setBrush(now.color("sunken"))
        painter.drawRect(box)
        painter.setPen(QPen(now.color("line"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(box.bottomLeft(), box.topRight())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(now.color("ink"), 2))
        painter.drawPath(curve_path(self._curve, box))
        for index, corner in ((0, box.bottomLeft()), (1, box.topRight())):
            at, held = self.handle_at(index), self.hasFocus() and self._current == index
            painter.setPen(QPen(now.color("accent"), 1.2))
            painter.drawLine(corner, at)
            painter.setBrush(now.color("accent" if held or self._taken == index else "surface"))
            painter.drawEllipse(at, RADIUS, RADIUS)
            painter.setBrush(Qt.BrushStyle.NoBrush)
