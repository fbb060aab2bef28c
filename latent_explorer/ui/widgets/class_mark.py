# SPDX-License-Identifier: MIT
"""Mark of a class, told from the others by colour and by shape."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from latent_explorer.ui.style import theme


def paint_class_mark(painter: QPainter, centre: QPointF, index: int, *, outline: str = "on_picture") -> None:
    """Paint the mark of class `index`, 8 px in size: disc, square or triangle; none for -1, where no class is known.

    outline  colour of its edge by name: `on_picture`, or `surface` beside a text
    """
    if index < 0:
        return
    now = theme.current()
    painter.setPen(QPen(now.color(outline), 1.2))
    painter.setBrush(now.class_color(index))
    if index % 3 == 0:
        painter.drawEllipse(centre, 4, 4)
    elif index % 3 == 1:
        painter.drawRect(QRectF(centre.x() - 3.5, centre.y() - 3.5, 7, 7))
    else:
        painter.drawPolygon([centre + QPointF(0, -4.5), centre + QPointF(4.5, 3.5), centre + QPointF(-4.5, 3.5)])
