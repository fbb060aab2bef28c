# SPDX-License-Identifier: MIT
"""What the labels are worth so far, painted: how many of each, and the cross-validated figure beside its controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.ui.style import theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PySide6.QtGui import QPaintEvent

ROW = 20  # px of a line of counts
NAME = 9 * theme.UNIT  # px of its name
NUMBER = 4 * theme.UNIT
STALE = 0.45  # opacity of figures of fewer labels


class CountBars(QWidget):
    """A bar for each label, with its count at the end."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, int, bool]] = []
        self.setFont(theme.font(theme.SMALL))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_counts(self, rows: Sequence[tuple[str, int, bool]]) -> None:
        """Show (name, count, whether it is a label and not a skip)."""
        if list(rows) == self._rows:
            return
        self._rows = list(rows)
        self.setAccessibleName(", ".join(f"{name}: {count}" for name, count, _ in rows))
        self.setFixedHeight(ROW * len(rows))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = self.width() - NAME - NUMBER
        most = max((count for _, count, _ in self._rows), default=0) or 1
        for place, (name, count, is_label) in enumerate(self._rows):
            top = ROW * place
            painter.setPen(now.color("ink" if is_label else "muted"))
            painter.drawText(QRectF(0, top, NAME, ROW), theme.LEFT, name)
            painter.drawText(QRectF(self.width() - NUMBER, top, NUMBER, ROW), theme.RIGHT, str(count))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(now.color("ink", 0.08))
            painter.drawRoundedRect(QRectF(NAME, top + 6, room, 8), 2, 2)
            painter.setBrush(now.color("accent") if is_label else now.color("muted"))
            painter.drawRoundedRect(QRectF(NAME, top + 6, room * count / most, 8), 2, 2)


class FigureView(QWidget):
    """Accuracy or correlation on a scale with its interval; ticks mark the larger label's share and shuffled labels."""

    def __init__(self) -> None:
        super().__init__()
        self._figures: dict[str, float] = {}
        self._fresh = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(9 * theme.UNIT)

    def sizeHint(self) -> QSize:
        return QSize(30 * theme.UNIT, self.height())

    def show_figures(self, figures: Mapping[str, float], *, fresh: bool) -> None:
        """Show the figures of `judge`; none if empty. Those of fewer labels than there are now are dimmed."""
        if dict(figures) == self._figures and fresh == self._fresh:
            return
        self._figures, self._fresh = dict(figures), fresh
        self.setAccessibleName(figures_text(figures))
        self.setToolTip(figures_help(figures))
        self.update()

    @property
    def _value(self) -> float:
        return self._figures.get("accuracy", self._figures.get("correlation", 0.0))

    def _x(self, value: float) -> float:
        low = 0.0 if "accuracy" in self._figures else -0.5  # a correlation below that is no use to anybody
        return 4 + (min(max(value, low), 1.0) - low) / (1.0 - low) * (self.width() - 8)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._figures:
            painter.setPen(now.color("muted"))
            painter.setFont(theme.font(theme.LARGE, semibold=True))
            painter.drawText(QRectF(0, 0, self.width(), 26), theme.LEFT, "–")
            return
        painter.setOpacity(1.0 if self._fresh else STALE)
        painter.setPen(now.color("ink"))
        painter.setFont(theme.font(theme.LARGE, semibold=True))
        number = f"{self._value:.2f}"
        width = painter.fontMetrics().horizontalAdvance(number) + theme.GAP
        painter.drawText(QRectF(0, 0, width, 26), theme.LEFT, number)
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(now.color("muted"))
        painter.drawText(QRectF(width, 2, self.width() - width, 26), theme.LEFT, self._span_text())
        self._paint_scale(painter, 40.0)

    def _span_text(self) -> str:
        found = self._figures
        what = "right" if "accuracy" in found else "correlation"
        return f"{what} [{found['low']:.2f}, {found['high']:.2f}], {found['examples']:.0f} pictures"

    def _paint_scale(self, painter: QPainter, y: float) -> None:
        now, found = theme.current(), self._figures
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.color("ink", 0.08))
        painter.drawRoundedRect(QRectF(2, y - 4, self.width() - 4, 8), 2, 2)
        painter.setBrush(now.color("accent", 0.35))
        low, high = self._x(found["low"]), self._x(found["high"])
        painter.drawRoundedRect(QRectF(low, y - 4, max(high - low, 2), 8), 2, 2)
        painter.setBrush(now.color("accent"))
        painter.drawEllipse(QPointF(self._x(self._value), y), 5, 5)
        marks = [(found[key], text) for key, text in _CONTROLS if key in found]
        marks.sort()
        painter.setFont(theme.font(theme.SMALL))
        ends = [0.0]
        for value, text in marks:
            x = self._x(value)
            painter.setPen(QPen(now.color("ink"), 1.5))
            painter.drawLine(QPointF(x, y - 7), QPointF(x, y + 7))
            words = f"{text} {value:.2f}"
            width = painter.fontMetrics().horizontalAdvance(words)
            left = min(max(x - width / 2, ends[-1]), self.width() - width)
            painter.setPen(now.color("muted"))
            painter.drawText(QRectF(left, y + 8, width + 2, 18), theme.LEFT, words)
            ends.append(left + width + theme.GAP)


_CONTROLS = (("majority", "larger label"), ("shuffled", "shuffled"))


def figures_text(figures: Mapping[str, float]) -> str:
    """Return the figures in words."""
    if not figures:
        return "No figures yet"
    name = "accuracy" if "accuracy" in figures else "correlation"
    controls = ", ".join(f"{text} {figures[key]:.2f}" for key, text in _CONTROLS if key in figures)
    span = f"{figures['low']:.2f} to {figures['high']:.2f}"
    return f"Cross-validated {name} {figures[name]:.2f}, 95 % {span}, on {figures['examples']:.0f}; {controls}"


def figures_help(figures: Mapping[str, float]) -> str:
    """Return what the figures mean, for the tooltip."""
    if not figures:
        return "Five pictures of each label are needed before anything can be said."
    shared = (
        "The labels are cut in five parts; each is predicted by a fit to the other four. It is counted on pictures "
        "drawn at random only. Shuffled: the same with your labels in random orders, which is chance."
    )
    if "accuracy" in figures:
        return f"Share of the labels that are predicted rightly, with its 95 % interval. {shared}"
    return f"Pearson correlation of the ratings with those predicted, with its 95 % interval. {shared}"
