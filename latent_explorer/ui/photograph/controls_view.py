# SPDX-License-Identifier: MIT
"""Controls of a change as bars: how often what is no attribute turns the photograph in the same place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.probability_bars import paint_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPaintEvent

    from latent_explorer.explain.attfind.sufficiency import Rate

ROW = 22  # px
BAR, COUNT = 10 * theme.UNIT, 8 * theme.UNIT  # px wide
HEIGHT = 8  # px of a bar


class ControlsView(QWidget):
    """A line for each control: its name, a bar, "3 of 8"."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, str, Rate]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("The same place with a control")

    def sizeHint(self) -> QSize:
        return QSize(48 * theme.UNIT, max(3, len(self._rows)) * ROW)

    def show_rates(self, rows: Sequence[tuple[str, str, Rate]]) -> None:
        """Show how often each control, by name and by whole name, reaches the class; one of none is still tried."""
        self._rows = list(rows)
        said = [f"{text[:1].upper()}{text[1:]}: {count_text(rate)}" for _name, text, rate in rows]
        self.setAccessibleDescription(". ".join(said))
        self.setToolTip("\n".join(said))
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter, now = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(theme.SMALL))
        metrics = painter.fontMetrics()
        for line, (name, _text, rate) in enumerate(self._rows):
            cell = QRectF(0, line * ROW, self.width(), ROW)
            room = cell.width() - BAR - COUNT - 2 * theme.GAP
            painter.setPen(now.color("ink"))
            painter.drawText(cell, theme.LEFT, metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(room)))
            bar = QRectF(room + theme.GAP, cell.center().y() - HEIGHT / 2, BAR, HEIGHT)
            paint_share(painter, bar, rate.share if rate.n else 0.0, now.color("muted"), now.color("line", 0.75))
            painter.setPen(now.color("ink" if rate.n else "muted"))
            painter.drawText(cell, theme.RIGHT, count_text(rate))


def count_text(rate: Rate) -> str:
    """Return "3 of 8"."""
    return f"{rate.count} of {rate.n}" if rate.n else "soon"
