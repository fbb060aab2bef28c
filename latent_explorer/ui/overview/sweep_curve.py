# SPDX-License-Identifier: MIT
"""Plot of a class sweep: mean probability over alpha, and that of random moves as large, dashed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.app.sweep.plan import ALPHAS
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.probability_lines import AXIS, DOT, LINE_WIDTH, paint_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QMouseEvent, QPaintEvent

    from latent_explorer.app.sweep.job import SweepPictures

TOP, BOTTOM = theme.UNIT, 4 * theme.UNIT  # px above and below the plot
THIN = 1  # px, of a single picture's line
TICKS = (0.0, 0.25, 0.5, 0.75, 0.95)


class SweepCurve(QWidget):
    """Plot with a cursor at the alpha that is shown. `alpha_chosen` is emitted for a click or a drag."""

    alpha_chosen = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._found: SweepPictures | None = None
        self._alpha = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(24 * theme.UNIT, 16 * theme.UNIT)
        self.setAccessibleName("Probability over alpha")
        self.setToolTip(
            "Thick: mean of the pictures. Thin: each of them. Dashed: mean of the same pictures, moved at random as far"
        )

    def sizeHint(self) -> QSize:
        return QSize(32 * theme.UNIT, 24 * theme.UNIT)

    def show_sweep(self, found: SweepPictures | None) -> None:
        """Draw what is known of a sweep."""
        self._found = found
        if found is not None and found.complete:
            alphas, means = found.curve()
            said = f"mean {means[0]:.2f} at alpha 0, {means[-1]:.2f} at {alphas[-1]:.2f}"
            random = found.control_curve()[1]
            self.setAccessibleDescription(f"{said}; moved at random {random[-1]:.2f}" if random else said)
        self.update()

    def show_alpha(self, alpha: float) -> None:
        """Show the cursor at this alpha."""
        self._alpha = alpha
        self.update()

    def _x(self, alpha: float) -> float:
        return AXIS + alpha / ALPHAS[-1] * (self.width() - AXIS - theme.UNIT)

    def _y(self, probability: float) -> float:
        return TOP + (1 - probability) * (self.height() - TOP - BOTTOM)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        now, painter = theme.current(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_axis(painter, self._y, self.width() - theme.UNIT)
        self._paint_ticks(painter)
        painter.setPen(QPen(now.color("muted"), 1))
        x = self._x(self._alpha)
        painter.drawLine(QPointF(x, TOP), QPointF(x, self._y(0)))
        if self._found is None:
            return
        target = self._found.sweep.target
        painter.setPen(QPen(now.color("line"), THIN))
        for probs in self._found.of_target:
            known = np.flatnonzero(np.isfinite(probs))
            self._line(painter, [ALPHAS[step] for step in known], probs[known].tolist())
        painter.setPen(QPen(now.color("muted"), LINE_WIDTH, Qt.PenStyle.DashLine))
        self._line(painter, *self._found.control_curve())
        alphas, means = self._found.curve()
        painter.setPen(QPen(now.class_color(target), LINE_WIDTH + 1))
        self._line(painter, alphas, means)
        if alphas:
            nearest = int(np.abs(np.array(alphas) - self._alpha).argmin())
            painter.setPen(QPen(now.color("paper"), 1))
            painter.setBrush(now.class_color(target))
            painter.drawEllipse(QPointF(self._x(alphas[nearest]), self._y(means[nearest])), DOT, DOT)

    def _line(self, painter: QPainter, alphas: Sequence[float], probs: Sequence[float]) -> None:
        points = [QPointF(self._x(alpha), self._y(p)) for alpha, p in zip(alphas, probs, strict=True)]
        if len(points) > 1:
            painter.drawPolyline(QPolygonF(points))

    def _paint_ticks(self, painter: QPainter) -> None:
        painter.setFont(theme.font(11))
        painter.setPen(theme.current().color("muted"))
        for alpha in TICKS:
            box = QRectF(self._x(alpha) - 24, self._y(0) + 3, 48, 14)
            last = alpha == TICKS[-1]
            where = theme.RIGHT if last else Qt.AlignmentFlag.AlignCenter
            painter.drawText(box.translated(-16, 0) if last else box, where, f"{alpha:g}")
        below = QRectF(AXIS, self.height() - 14, self.width() - AXIS, 14)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, "alpha")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._choose(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._choose(event)

    def _choose(self, event: QMouseEvent) -> None:
        share = (event.position().x() - AXIS) / max(1.0, self.width() - AXIS - theme.UNIT)
        self.alpha_chosen.emit(min(max(share, 0.0), 1.0) * ALPHAS[-1])
