# SPDX-License-Identifier: MIT
"""The lists of two classifiers beside each other: every move with its effect on both, linked where both list it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from latent_explorer.ui.style import theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPaintEvent

    from latent_explorer.explain.report.two_classifiers import SharedMove

ROW = 36  # px
LINK = 7 * theme.UNIT  # px between the lists
BAR = 7  # px high
RANK = 22  # px before a name
LETTER, NUMBER = 16, 46  # px beside a bar
MARKS = {"both": "in both lists", "first": "only in A's", "second": "only in B's"}

Place = tuple[int, int]  # list and row


def signed(value: float) -> str:
    """Return a number with its sign and two decimals; none is minus nothing."""
    return f"{round(value, 2) + 0.0:+.2f}"


def describe(move: SharedMove, name: str) -> str:
    """Return a move in words, for tooltips and screen readers."""
    effects = ", ".join(
        f"{letter} {signed(mean)} ({signed(low)} to {signed(high)})"
        for letter, mean, (low, high) in zip("AB", move.effects, move.intervals, strict=True)
    )
    places = " and ".join(f"{p} in {letter}'s list" for letter, p in zip("AB", move.places, strict=True) if p)
    relative = "".join(
        f"; RelativeChange {pair} {signed(value)} ({signed(low)} to {signed(high)})"
        for pair, (value, (low, high)) in zip(("B/A", "A/B"), move.relative, strict=True)
        if math.isfinite(value)
    )
    return f"{name}: style {move.style_index} to its {move.end}, place {places}; effect on {effects}{relative}"


class MoveLists(QWidget):
    """Two painted lists. A click, or Enter on the current row, emits `opened` with the move."""

    opened = Signal(object)  # SharedMove
    current_changed = Signal(object)  # SharedMove

    def __init__(self) -> None:
        super().__init__()
        self._lists: tuple[list[SharedMove], list[SharedMove]] = ([], [])
        self._names: dict[SharedMove, str] = {}
        self._largest = 1.0
        self.current: SharedMove | None = None
        self._place: Place = (0, 0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Lists of both classifiers")

    def show_moves(self, moves: Sequence[SharedMove], names: dict[SharedMove, str]) -> None:
        """List moves towards one class."""
        self._lists, self._names = (_list_of(moves, 0), _list_of(moves, 1)), names
        self._largest = max((max(map(abs, move.effects)) for move in moves), default=1.0) or 1.0
        self.current, self._place = None, (0, 0)
        self.setMinimumHeight(self.sizeHint().height())
        self.updateGeometry()
        self.update()

    def choose(self, move: SharedMove | None) -> None:
        """Mark a move in both lists without a signal."""
        self.current = move
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(72 * theme.UNIT, ROW * max(1, *map(len, self._lists)) + 4)

    def text_at(self, place: Place) -> str:
        """Return what a row says, or "" where there is none."""
        move = self._move(place)
        return "" if move is None else f"{describe(move, self._names[move])}; {MARKS[move.listed_by]}"

    def _move(self, place: Place) -> SharedMove | None:
        which, row = place
        return self._lists[which][row] if 0 <= row < len(self._lists[which]) else None

    def _box(self, place: Place) -> QRectF:
        width = (self.width() - LINK) / 2
        return QRectF(place[0] * (width + LINK) + 1, place[1] * ROW + 1, width - 2, ROW - 2)

    def _at(self, at: QPoint) -> Place | None:
        for which in (0, 1):
            place = which, int(at.y() // ROW)
            if self._move(place) is not None and self._box(place).contains(QPointF(at)):
                return place
        return None

    # painting ---------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_links(painter)
        for which in (0, 1):
            for row, move in enumerate(self._lists[which]):
                self._paint_row(painter, (which, row), move)

    def _paint_links(self, painter: QPainter) -> None:
        now = theme.current()
        for row, move in enumerate(self._lists[0]):
            if move in self._lists[1]:
                a, b = self._box((0, row)), self._box((1, self._lists[1].index(move)))
                start, end = QPointF(a.right(), a.center().y()), QPointF(b.left(), b.center().y())
                middle = (start.x() + end.x()) / 2
                path = QPainterPath(start)
                path.cubicTo(QPointF(middle, start.y()), QPointF(middle, end.y()), end)
                chosen = move == self.current
                painter.setPen(QPen(now.color("accent" if chosen else "muted"), 2.5 if chosen else 1.5))
                painter.drawPath(path)

    def _paint_row(self, painter: QPainter, place: Place, move: SharedMove) -> None:
        now, box = theme.current(), self._box(place)
        chosen = move == self.current
        if chosen or (self.hasFocus() and place == self._place):
            painter.setPen(QPen(now.color("accent"), 1))
            painter.setBrush(now.color("accent", 0.12) if chosen else Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
        inner = box.adjusted(6, 1, -6, -1)
        text = QRectF(inner.left(), inner.top(), inner.width() * 0.5, inner.height())
        painter.setFont(theme.font(theme.SMALL))
        metrics = painter.fontMetrics()
        painter.setPen(now.color("ink"))
        upper = text.adjusted(RANK, 0, -6, -text.height() / 2)
        painter.drawText(QRectF(text.left(), upper.top(), RANK - 6, upper.height()), theme.RIGHT, str(place[1] + 1))
        name = metrics.elidedText(self._names[move], Qt.TextElideMode.ElideRight, int(upper.width()))
        painter.drawText(upper, theme.LEFT, name)
        painter.setPen(now.color("muted"))
        mark = "in both" if move.listed_by == "both" else f"only {'AB'[place[0]]}"
        lower = text.adjusted(RANK, text.height() / 2, 0, 0)
        said = f"to {move.end} \N{MIDDLE DOT} {mark}"
        value, _interval = move.relative[place[0]]
        if math.isfinite(value):
            longer = f"{said} \N{MIDDLE DOT} {('B/A', 'A/B')[place[0]]} {signed(value)}"
            said = longer if metrics.horizontalAdvance(longer) <= lower.width() else said
        painter.drawText(lower, theme.LEFT, said)
        for k in (0, 1):
            line = QRectF(text.right(), inner.top() + k * inner.height() / 2, inner.width() / 2, inner.height() / 2)
            self._paint_effect(painter, line, k, move.effects[k])

    def _paint_effect(self, painter: QPainter, line: QRectF, which: int, effect: float) -> None:
        now = theme.current()
        painter.setPen(now.color("muted"))
        painter.drawText(QRectF(line.left(), line.top(), LETTER, line.height()), theme.LEFT, "AB"[which])
        painter.setPen(now.color("ink"))
        number = QRectF(line.right() - NUMBER, line.top(), NUMBER, line.height())
        painter.drawText(number, theme.RIGHT, signed(effect))
        room = line.width() - LETTER - NUMBER
        bar = QRectF(line.left() + LETTER, line.center().y() - BAR / 2, room, BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.color("sunken"))
        painter.drawRect(bar)
        bar.setWidth(max(1.0, room * min(abs(effect) / self._largest, 1)))
        negative = effect < 0
        painter.setPen(QPen(now.color("ink"), 1) if negative else Qt.PenStyle.NoPen)
        painter.setBrush(Qt.BrushStyle.NoBrush if negative else now.color("accent" if which == 0 else "muted"))
        painter.drawRect(bar)

    # input ------------------------------------------------------------------------------------

    def _open(self, place: Place) -> None:
        move = self._move(place)
        if move is not None:
            self._go_to(place)
            self.choose(move)
            self.opened.emit(move)

    def _go_to(self, place: Place) -> None:
        self._place = place
        self.setAccessibleDescription(self.text_at(place))
        self.update()
        if (move := self._move(place)) is not None:
            self.current_changed.emit(move)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and place is not None:
            self._open(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        which, row = self._place
        steps = {Qt.Key.Key_Down: (which, row + 1), Qt.Key.Key_Up: (which, row - 1)}
        steps |= {Qt.Key.Key_Left: (0, row), Qt.Key.Key_Right: (1, row)}
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._open(self._place)
        elif key in steps:
            if self._move(steps[key]) is not None:
                self._go_to(steps[key])
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.setAccessibleDescription(self.text_at(self._place))

    def event(self, event: QEvent) -> bool:
        if event.type() == event.Type.ToolTip:
            place = self._at(event.pos())  # type: ignore[attr-defined]
            QToolTip.showText(event.globalPos(), self.text_at(place) if place else "", self)  # type: ignore[attr-defined]
            return True
        return super().event(event)


def _list_of(moves: Sequence[SharedMove], which: int) -> list[SharedMove]:
    """Return the moves of one classifier's list, in its order."""
    return sorted((move for move in moves if move.places[which]), key=lambda move: move.places[which] or 0)
