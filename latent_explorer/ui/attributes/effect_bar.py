# SPDX-License-Identifier: MIT
"""Bar with the mean effect of an attribute, its interval and its number, and the effect on the picture shown."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from latent_explorer.common.format import number_text
from latent_explorer.common.glossary import meaning
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import tip

WIDTH, HEIGHT = 84, 20  # px
NUMBER_WIDTH = 36.0
MARK = 3.0  # px from the middle of a mark to its tips
STALE = 0.3  # opacity of a mark until that of the new picture is there


class EffectBar(QWidget):
    """Bar from zero to the mean on a scale shared by all cards, whisker over the 95 % interval, number at the right.

    A diamond below it marks the effect on the picture on the canvas, hollow if it is predicted; beyond the scale it is
    an arrow.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mean: float | None = None
        self._interval: tuple[float, float] | None = None
        self._span = (0.0, 1.0)
        self._color = QColor()
        self._exact = True
        self._text = ""
        self._own: float | None = None
        self._own_exact = True
        self._stale = False
        self.setFont(theme.font(theme.SMALL))
        self.setFixedSize(WIDTH, HEIGHT)

    def set_effect(
        self,
        mean: float | None,
        interval: tuple[float, float] | None,
        span: tuple[float, float],
        color: QColor,
        *,
        target: str,
        against: str = "",
        exact: bool = True,
        elsewhere: str = "",
    ) -> None:
        """Show an effect: `mean` and `interval` in logits at kappa 1, None if never measured; `elsewhere` in words.

        `span` is the least and the greatest value on any card.
        """
        self._mean, self._interval, self._exact = mean, interval, exact
        self._span = span if span[1] > span[0] else (span[0], span[0] + 1.0)
        self._color = color
        self._text = "\n".join(filter(None, (_effect_text(mean, interval, target, against, exact), elsewhere)))
        self._show_text()

    def set_own(self, effect: float, *, exact: bool) -> None:
        """Mark the effect on the picture on the canvas, in logits: rendered if `exact`, else predicted."""
        self._own, self._own_exact, self._stale = effect, exact, False
        self._show_text()

    def set_stale(self) -> None:
        """Dim the mark: it is that of another picture."""
        if self._own is not None and not self._stale:
            self._stale = True
            self.update()

    def _show_text(self) -> None:
        text = self._text
        if self._own is not None:
            said = (
                number_text(self._own) if self._own_exact else f"~{number_text(self._own)}, predicted from a gradient"
            )
            text += f"\nOn this picture, as it is now: {said} (the mark)"
        self.setToolTip(tip(*text.splitlines(), meaning("logit") if self._mean is not None else ""))
        self.setAccessibleName(text)
        self.update()

    def _x(self, value: float) -> float:
        low, high = self._span
        width = self.width() - NUMBER_WIDTH - 4
        return 2 + (min(max(value, low), high) - low) / (high - low) * (width - 4)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        y = self.height() / 2
        if self._own is not None:
            self._paint_mark(painter, y + 4 + MARK)
        if self._mean is None:
            painter.setPen(theme.current().color("muted"))
            painter.drawText(self._number_box(), theme.RIGHT, "–")
            return
        zero, end = self._x(0.0), self._x(self._mean)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().color("ink", 0.08))
        painter.drawRoundedRect(QRectF(self._x(self._span[0]), y - 4, self._x(self._span[1]) - 2, 8), 2, 2)
        painter.setBrush(self._color)
        if not self._exact:  # hatched: an estimate must not look like a measurement
            painter.setBrush(QBrush(self._color, Qt.BrushStyle.BDiagPattern))
            painter.setPen(QPen(self._color, 1.0))
        painter.drawRoundedRect(QRectF(min(zero, end), y - 4, abs(end - zero), 8), 2, 2)
        if self._interval is not None:
            self._paint_whisker(painter, y)
        painter.setPen(self.palette().windowText().color())
        number = ("" if self._exact else "~") + number_text(self._mean)
        painter.drawText(self._number_box(), theme.RIGHT, number)

    def _paint_mark(self, painter: QPainter, y: float) -> None:
        assert self._own is not None
        x, (low, high) = self._x(self._own), self._span
        top, bottom = QPointF(x, y - MARK), QPointF(x, y + MARK)
        tips = [QPointF(x - MARK, y)] * (self._own <= high) + [QPointF(x + MARK, y)] * (self._own >= low)
        color = theme.current().color("ink", STALE if self._stale else 1.0)
        painter.setPen(QPen(color, 1.0))
        painter.setBrush(color if self._own_exact else Qt.BrushStyle.NoBrush)
        painter.drawPolygon([tips[0], top, tips[-1], bottom] if len(tips) == 2 else [top, tips[0], bottom])

    def _number_box(self) -> QRectF:
        return QRectF(self.width() - NUMBER_WIDTH, 0, NUMBER_WIDTH - 4, self.height())

    def _paint_whisker(self, painter: QPainter, y: float) -> None:
        assert self._interval is not None
        a, b = (self._x(value) for value in self._interval)
        painter.setPen(QPen(theme.current().color("ink"), 1.25))
        painter.drawLine(QPointF(a, y), QPointF(b, y))
        for x in (a, b):
            painter.drawLine(QPointF(x, y - 3), QPointF(x, y + 3))


def _effect_text(
    mean: float | None, interval: tuple[float, float] | None, target: str, against: str, exact: bool
) -> str:
    """Return the effect in words, for the tooltip and screen readers."""
    if mean is None:
        return "How far this slider moves this classifier on average was not measured"
    what = f"half the log-odds of {target} against {against}" if against else f"the logit of {target}"
    text = f"Moves {what} by {number_text(mean)} on average at amount 1"
    if interval is not None:
        text += f" (95 % {number_text(interval[0])} to {number_text(interval[1])})"
    return text if exact else f"{text}; partly predicted, not all rendered"
