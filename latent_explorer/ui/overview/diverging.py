# SPDX-License-Identifier: MIT
"""Colours of changes: orange above zero, blue below, the paper at zero; and their legend."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.common.format import signed_text
from latent_explorer.ui.style import theme

# Vermillion and blue of Okabe and Ito: told apart by readers with any colour vision. A sign stands beside them.
ABOVE, BELOW = QColor("#D55E00"), QColor("#0072B2")
BAR = QSize(10 * theme.UNIT, theme.UNIT)  # px, of the legend
LINE = 18  # px of its text


def diverging(value: float, limit: float) -> QColor:
    """Return the colour of a change; `limit` (> 0) and beyond have the full colour."""
    share = min(abs(value) / limit, 1.0) if limit > 0 else 0.0
    ground, full = theme.current().color("surface"), ABOVE if value > 0 else BELOW
    pairs = zip(_channels(ground), _channels(full), strict=True)
    return QColor.fromRgbF(*(one + share * (other - one) for one, other in pairs))


def ink_on(color: QColor) -> QColor:
    """Return black or white, whichever is easier to read on a colour: one has a contrast of 4.5 on any."""
    return max(QColor("#000000"), QColor("#FFFFFF"), key=lambda ink: contrast(ink, color))


def contrast(one: QColor, other: QColor) -> float:
    """Return the contrast ratio of two colours (WCAG 2.1), 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: QColor) -> float:
    parts = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(color))
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def _channels(color: QColor) -> tuple[float, float, float]:
    return color.redF(), color.greenF(), color.blueF()


class DivergingLegend(QWidget):
    """Bar of the colours with the numbers at its ends."""

    def __init__(self) -> None:
        super().__init__()
        self._limit, self._digits, self._what = 0.0, 1, ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFont(theme.font(theme.SMALL))

    def show_scale(self, limit: float, digits: int, what: str) -> None:
        """Show the scale from -limit to +limit of `what`, numbers with `digits` decimals."""
        self._limit, self._digits, self._what = limit, digits, what
        low, high = (signed_text(sign * limit, digits) for sign in (-1, 1))
        self.setAccessibleName(f"{what}: blue at {low}, orange at {high}")
        self.setToolTip(self.accessibleName())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(BAR.width() + 10 * theme.UNIT, theme.CONTROL)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        if self._limit <= 0:
            return
        painter = QPainter(self)
        left = (self.width() - BAR.width()) / 2
        bar = QRectF(left, (self.height() - BAR.height()) / 2, BAR.width(), BAR.height())
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            gradient.setColorAt(share, diverging((2 * share - 1) * self._limit, self._limit))
        painter.fillRect(bar, gradient)
        painter.setPen(theme.current().color("line"))
        painter.drawRect(bar)
        painter.setPen(theme.current().color("muted"))
        room = left - theme.UNIT / 2
        for sign, x, side in ((-1, 0.0, Qt.AlignmentFlag.AlignRight), (1, bar.right() + theme.UNIT / 2, theme.LEFT)):
            box = QRectF(x, 0, room, self.height())
            painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, signed_text(sign * self._limit, self._digits))
