# SPDX-License-Identifier: MIT
"""Probabilities of two pictures side by side: two bars per class, each with its number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QFontMetricsF, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.ui.style import theme

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

ROW = 5 * theme.UNIT  # px per class; less where the widget is low
BAR = 10  # px
GAP, MIN_GAP = 6, 2  # px between two classes
MAX_CLASSES = 3


@dataclass(frozen=True)
class PairedProbabilities:
    """Probabilities (K,) of two pictures, and the titles of the pictures."""

    names: tuple[str, ...]
    titles: tuple[str, str]
    first: tuple[float, ...]
    second: tuple[float, ...]

    def rows(self) -> list[int]:
        """Return the classes to show: all that fit, else those with the largest probability in either picture."""
        order = sorted(range(len(self.names)), key=lambda i: -max(float(self.first[i]), float(self.second[i])))
        return sorted(order[:MAX_CLASSES])

    def description(self) -> str:
        """Return the values as text, for screen readers."""
        lines = (
            f"{self.names[i]}: {self.titles[0]} {self.first[i]:.2f}, {self.titles[1]} {self.second[i]:.2f}"
            for i in self.rows()
        )
        return "; ".join(lines)


class PairedBars(QWidget):
    """Bars of a `PairedProbabilities`; empty while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.twins: PairedProbabilities | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName("What the classifier says of the photo and of the reconstruction")

    def set_values(self, twins: PairedProbabilities | None) -> None:
        """Show these values; None clears the widget."""
        self.twins = twins
        description = twins.description() if twins else ""
        self.setAccessibleDescription(description)
        self.setToolTip(description)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        rows = len(self.twins.rows()) if self.twins else 2
        return QSize(26 * theme.UNIT, rows * ROW)

    def minimumSizeHint(self) -> QSize:
        return QSize(20 * theme.UNIT, 2 * ROW)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        twins = self.twins
        if twins is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        strong = QFontMetricsF(theme.font(semibold=True))
        widest = max(strong.horizontalAdvance(twins.names[i]) for i in twins.rows())
        names = min(widest + theme.MARGIN, self.width() * 0.4)
        rows = twins.rows()
        high = min(ROW, self.height() / len(rows))
        top = (self.height() - len(rows) * high) / 2
        for line, index in enumerate(rows):
            cell = QRectF(0, top + line * high, self.width(), high)
            self._paint_row(painter, twins, index, cell, names)

    def _paint_row(self, painter: QPainter, twins: PairedProbabilities, index: int, cell: QRectF, names: float) -> None:
        now, winner = theme.current(), max(range(len(twins.second)), key=lambda i: twins.second[i])
        font = theme.font(semibold=index == winner)
        painter.setFont(font)
        painter.setPen(now.color("ink"))
        room = names - theme.UNIT
        name = QFontMetricsF(font).elidedText(twins.names[index], Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(0, cell.top(), names, cell.height()), _LEFT, name)
        small = theme.font(theme.SMALL)
        metrics = QFontMetricsF(small)
        titles = max(metrics.horizontalAdvance(t) for t in twins.titles) + theme.UNIT
        number = metrics.horizontalAdvance("0.00") + theme.UNIT
        gap = max(MIN_GAP, GAP - (ROW - cell.height()))
        half = (cell.height() - gap) / 2
        for place, (title, probs) in enumerate(zip(twins.titles, (twins.first, twins.second), strict=True)):
            line = QRectF(names, cell.top() + gap / 2 + place * half, cell.width() - names, half)
            painter.setFont(small)
            painter.setPen(now.color("muted"))
            painter.drawText(line, _LEFT, title)
            painter.setPen(now.color("ink"))
            painter.drawText(line, _RIGHT, f"{probs[index]:.2f}")
            bar = QRectF(line.left() + titles, 0, line.width() - titles - number, min(BAR, half - 2))
            bar.moveTop(line.center().y() - bar.height() / 2)
            self._paint_bar(painter, bar, index, float(probs[index]), hatched=place == 0)

    def _paint_bar(self, painter: QPainter, bar: QRectF, index: int, share: float, *, hatched: bool) -> None:
        """Paint a bar; the first picture's is hatched, to tell the two apart without colour."""
        now, radius = theme.current(), bar.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.color("line", 0.75))
        painter.drawRoundedRect(bar, radius, radius)
        painter.save()
        painter.setClipRect(QRectF(bar.left(), bar.top(), bar.width() * share, bar.height()))
        color = now.class_color(index)
        if hatched:
            faint = now.class_color(index)
            faint.setAlphaF(0.35)
            painter.setBrush(faint)
            painter.drawRoundedRect(bar, radius, radius)
            painter.setBrush(QBrush(color, Qt.BrushStyle.BDiagPattern))
        else:
            painter.setBrush(color)
        painter.drawRoundedRect(bar, radius, radius)
        painter.restore()


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
