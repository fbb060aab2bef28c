# SPDX-License-Identifier: MIT
"""Scatter of what moves do to two classifiers: on the first along x, on the second along y."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from latent_explorer.ui.overview.move_lists import MARKS, describe
from latent_explorer.ui.style import theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent, QPaintEvent

    from latent_explorer.explain.report.two_classifiers import SharedMove

AXIS = 4 * theme.UNIT  # px for the numbers
LEGEND = 2 * theme.UNIT  # px below the axis
DOT = 4.5  # px, half the size of a mark
REACH = 9  # px from a mark that a click still hits
STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class EffectScatter(QWidget):
    """Painted points. A click on one emits `opened` with its move; the lists beside it are for the keyboard."""

    opened = Signal(object)  # SharedMove

    def __init__(self) -> None:
        super().__init__()
        self._moves: list[SharedMove] = []
        self._names: dict[SharedMove, str] = {}
        self.current: SharedMove | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(28 * theme.UNIT, 22 * theme.UNIT))
        self.setAccessibleName("Effects of the moves on A and on B")

    def show_moves(self, moves: Sequence[SharedMove], names: dict[SharedMove, str]) -> None:
        """Show moves towards one class."""
        self._moves, self._names, self.current = list(moves), names, None
        self.setAccessibleDescription(f"{len(self._moves)} moves; the lists beside it hold their numbers")
        self.update()

    def choose(self, move: SharedMove | None) -> None:
        """Mark a move without a signal."""
        self.current = move
        self.update()

    def _limits(self) -> tuple[float, float]:
        values = [value for move in self._moves for value in move.effects] or [0.0, 1.0]
        low, high = min(0.0, *values), max(0.1, *values)
        margin = 0.06 * (high - low)
        return low - margin, high + margin

    def _frame(self) -> QRectF:
        frame = QRectF(self.rect()).adjusted(AXIS + LEGEND, theme.GAP, -theme.GAP, -AXIS - LEGEND)
        side = min(frame.width(), frame.height())  # one scale for both: equal effects lie on the diagonal
        return QRectF(frame.left() + (frame.width() - side) / 2, frame.top(), side, side)

    def point_of(self, effects: tuple[float, float]) -> QPointF:
        """Return where effects are drawn."""
        low, high = self._limits()
        frame = self._frame()
        x, y = ((value - low) / (high - low) for value in effects)
        return QPointF(frame.left() + x * frame.width(), frame.bottom() - y * frame.height())

    def _at(self, at: QPointF) -> SharedMove | None:
        def distance(move: SharedMove) -> float:
            apart = self.point_of(move.effects) - at
            return float((apart.x() ** 2 + apart.y() ** 2) ** 0.5)

        nearest = min(self._moves, key=distance, default=None)
        return nearest if nearest is not None and distance(nearest) <= REACH else None

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_axes(painter)
        now = theme.current()
        for move in sorted(self._moves, key=lambda each: each == self.current):
            chosen = move == self.current
            painter.setPen(QPen(now.color("paper" if not chosen else "ink"), 1.5 if chosen else 1))
            painter.setBrush(now.color({"both": "ink", "first": "accent", "second": "muted"}[move.listed_by]))
            paint_mark(painter, self.point_of(move.effects), move.listed_by, DOT * (1.5 if chosen else 1))

    def _paint_axes(self, painter: QPainter) -> None:
        now, frame = theme.current(), self._frame()
        low, high = self._limits()
        painter.setFont(theme.font(11))
        painter.setPen(QPen(now.color("line"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(frame.bottomLeft(), frame.topRight())
        step = next((each for each in STEPS if (high - low) / each <= 5), STEPS[-1])
        first = int(low // step) + 1
        for k in range(first, int(high // step) + 1):
            at = self.point_of((k * step, k * step))
            painter.setPen(QPen(now.color("line"), 1))
            painter.drawLine(QPointF(at.x(), frame.top()), QPointF(at.x(), frame.bottom()))
            painter.drawLine(QPointF(frame.left(), at.y()), QPointF(frame.right(), at.y()))
            painter.setPen(now.color("muted"))
            text = f"{k * step:g}"
            painter.drawText(QRectF(at.x() - 20, frame.bottom() + 2, 40, 14), Qt.AlignmentFlag.AlignCenter, text)
            painter.drawText(QRectF(frame.left() - 32, at.y() - 7, 28, 14), theme.RIGHT, text)
        painter.setPen(now.color("ink"))
        painter.drawText(
            QRectF(frame.left(), frame.bottom() + 16, frame.width(), 16), Qt.AlignmentFlag.AlignCenter, "effect on A"
        )
        painter.save()
        painter.translate(frame.left() - AXIS - 4, frame.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-60, -10, 120, 16), Qt.AlignmentFlag.AlignCenter, "effect on B")
        painter.restore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        move = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and move is not None:
            self.choose(move)
            self.opened.emit(move)

    def event(self, event: QEvent) -> bool:
        if event.type() == event.Type.ToolTip:
            move = self._at(QPointF(event.pos()))  # type: ignore[attr-defined]
            text = f"{describe(move, self._names[move])}; {MARKS[move.listed_by]}" if move else ""
            QToolTip.showText(event.globalPos(), text, self)  # type: ignore[attr-defined]
            return True
        return super().event(event)


def paint_mark(painter: QPainter, at: QPointF, listed_by: str, half: float) -> None:
    """Paint a circle for a move that both list, a triangle for one of A's, a square for one of B's."""
    if listed_by == "both":
        painter.drawEllipse(at, half, half)
    elif listed_by == "first":
        corners = [(0.0, -half), (half, half), (-half, half)]
        painter.drawPolygon(QPolygonF([at + QPointF(x, y) for x, y in corners]))
    else:
        painter.drawRect(QRectF(at.x() - half, at.y() - half, 2 * half, 2 * half))
