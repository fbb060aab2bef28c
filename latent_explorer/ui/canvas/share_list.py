# SPDX-License-Identifier: MIT
"""List of attributes with bars: how much of what each changes lies inside the painted region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from latent_explorer.ui.style import theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPaintEvent

LINE = 22  # px, of a row; a second line of small text adds
SECOND = 16
PERCENT, PROBABILITY = 40, 60  # px, widths of the numbers
BAR_SHARE = 0.24  # of the width
TICK = 4  # px, half of the height that a tick has above the bar


@dataclass(frozen=True)
class ShareRow:
    """An attribute, or a set of them."""

    name: str
    share: float  # of its change that lies inside
    probability: float  # of the target class where only the region may change
    turns: bool
    note: str = ""  # a second line
    tooltip: str = ""

    @property
    def height(self) -> int:
        """Height of the row, px."""
        return LINE + SECOND * bool(self.note)


class ShareList(QWidget):
    """Rows of bars; a tick marks an even change, a triangle random edits. The row under mouse or keys is `pointed`."""

    pointed = Signal(int)  # -1: none

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[ShareRow, ...] = ()
        self._even = 0.0
        self._random: float | None = None
        self._target, self._color = "", theme.current().color("accent")
        self.current = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Attributes by the share of their change that lies inside")

    def show_rows(
        self, rows: Sequence[ShareRow], even: float, random: float | None, target: str, color: QColor
    ) -> None:
        """Show rows with the shares of an even change and of random edits, and the target class with its colour."""
        same = [row.name for row in rows] == [row.name for row in self._rows]
        self._rows, self._even, self._random = tuple(rows), even, random
        self._target, self._color = target, color
        self.setFixedHeight(SECOND + sum(row.height for row in self._rows))
        if not same:
            self._point(-1)
        self.setAccessibleDescription(". ".join(row.tooltip or row.name for row in self._rows))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(32 * theme.UNIT, self.height())

    @property
    def rows(self) -> tuple[ShareRow, ...]:
        """Rows shown."""
        return self._rows

    def row_rect(self, place: int) -> QRectF:
        """Return the rectangle of a row."""
        top = SECOND + sum(row.height for row in self._rows[:place])
        return QRectF(0, top, self.width(), self._rows[place].height)

    def _at(self, y: float) -> int:
        return next((i for i in range(len(self._rows)) if self.row_rect(i).bottom() > y >= self.row_rect(i).top()), -1)

    def _point(self, place: int) -> None:
        if place != self.current:
            self.current = place
            if place >= 0:
                self.setAccessibleDescription(self._rows[place].tooltip or self._rows[place].name)
            self.pointed.emit(place)
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self._at(event.position().y()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point(-1)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._point(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None or not self._rows:
            super().keyPressEvent(event)
            return
        self._point(min(max(self.current + step, 0), len(self._rows) - 1))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            self._show_tooltip(event)  # type: ignore[arg-type]
            return True
        return super().event(event)

    def _show_tooltip(self, event: QHelpEvent) -> None:
        place = self._at(event.pos().y())
        QToolTip.showText(event.globalPos(), self._rows[place].tooltip if place >= 0 else "", self)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_head(painter)
        for place, row in enumerate(self._rows):
            self._paint_row(painter, self.row_rect(place), row, pointed=place == self.current)

    def _span(self) -> float:
        """Return the share at the end of the bars: the largest there is."""
        return max([self._even, self._random or 0.0, *(row.share for row in self._rows), 1e-9])

    def _paint_head(self, painter: QPainter) -> None:
        line = QRectF(4, 0, self.width() - 8, SECOND)
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(theme.current().color("muted"))
        target = QFontMetricsF(painter.font()).elidedText(
            self._target, Qt.TextElideMode.ElideRight, PROBABILITY - theme.UNIT / 2
        )
        painter.drawText(line, theme.RIGHT, target)
        painter.drawText(line.adjusted(0, 0, -PROBABILITY, 0), theme.RIGHT, "change inside")

    def _paint_row(self, painter: QPainter, box: QRectF, row: ShareRow, *, pointed: bool) -> None:
        now = theme.current()
        if pointed:
            painter.setPen(QPen(now.color("accent"), 1) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(now.color("hover"))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        line = QRectF(box.left() + 4, box.top(), box.width() - 8, LINE)
        bar = QRectF(0, 0, round(BAR_SHARE * line.width()), 8)
        bar.moveTo(line.right() - PERCENT - PROBABILITY - bar.width(), line.center().y() - 4)
        self._paint_bar(painter, bar, row.share)
        painter.setFont(theme.font(semibold=row.turns))
        painter.setPen(now.color("ink"))
        room = bar.left() - line.left() - theme.UNIT
        name = QFontMetricsF(painter.font()).elidedText(row.name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(line.left(), line.top(), room, LINE), theme.LEFT, name)
        painter.drawText(line, theme.RIGHT, f"{row.probability:.2f}")
        painter.setFont(theme.font())
        painter.drawText(line.adjusted(0, 0, -PROBABILITY, 0), theme.RIGHT, f"{100 * row.share:.0f} %")
        if row.note:
            self._paint_note(painter, line.translated(0, LINE - 3), row.note)

    def _paint_note(self, painter: QPainter, line: QRectF, note: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._color)
        middle = line.top() + SECOND / 2
        painter.drawEllipse(QPointF(line.left() + 4, middle), 3, 3)
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(theme.current().color("muted"))
        painter.drawText(QRectF(line.left() + 12, line.top(), line.width() - 12, SECOND), theme.LEFT, note)

    def _paint_bar(self, painter: QPainter, bar: QRectF, share: float) -> None:
        now = theme.current()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.color("ink", 0.1))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(now.color("accent"))
        scale = bar.width() / self._span()
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), share * scale, bar.height()), 2, 2)
        paint_even(painter, QPointF(bar.left() + self._even * scale, bar.center().y()))
        if self._random is not None:
            paint_random(painter, QPointF(bar.left() + self._random * scale, bar.bottom()))


def paint_even(painter: QPainter, middle: QPointF) -> None:
    """Paint the tick of an even change."""
    painter.setPen(QPen(theme.current().color("ink"), 1.5))
    painter.drawLine(middle - QPointF(0, 4 + TICK / 2), middle + QPointF(0, 4 + TICK / 2))


def paint_random(painter: QPainter, tip: QPointF) -> None:
    """Paint the triangle of random edits, its tip on the lower edge of a bar."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.current().color("ink"))
    painter.drawPolygon(QPolygonF([tip, tip + QPointF(-4, 6), tip + QPointF(4, 6)]))


class ShareKey(QWidget):
    """What the tick and the triangle stand for."""

    def __init__(self) -> None:
        super().__init__()
        self._texts = ("", "")
        self.setFixedHeight(SECOND + 4)

    def show_key(self, even: str, random: str) -> None:
        """Name an even change and random edits with their shares; the second is empty while it is not known."""
        self._texts = (even, random)
        self.setAccessibleName(". ".join(filter(None, self._texts)))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(theme.SMALL))
        left = 8.0
        for place, text in enumerate(self._texts):
            if not text:
                continue
            middle = QPointF(left, SECOND / 2)
            paint_random(painter, middle - QPointF(0, 3)) if place else paint_even(painter, middle)
            painter.setPen(theme.current().color("muted"))
            painter.drawText(QRectF(left + 10, 0, self.width() - left - 10, SECOND), theme.LEFT, text)
            left += 10 + QFontMetricsF(painter.font()).horizontalAdvance(text) + 2 * theme.UNIT
