# SPDX-License-Identifier: MIT
"""Painting of probability lines: an axis from 0 to 1, a colour and a dash per class, and labels at the ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF

from latent_explorer.ui.style import theme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_CLASSES = 8  # drawn at most
STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
LABEL_ROW = 2 * theme.UNIT  # px
LINE_WIDTH = 2  # px, of a class's line
DOT = 3.5  # px, radius where a line stands now
AXIS = 5 * theme.UNIT  # px left of the lines, for the axis's numbers
SWATCH_WIDTH = 22  # px of a label before its text
MAX_NAME_WIDTH = 160  # px of a name


def line_style(index: int) -> Qt.PenStyle:
    """Return the dash of a class, so that classes can be distinguished without colour."""
    return STYLES[index % len(STYLES)]


def drawn_classes(table: np.ndarray) -> list[int]:
    """Return the `MAX_CLASSES` classes with the highest maxima of (n, K) probabilities, NaN or not, ascending."""
    if not table.size:
        return []
    highest = np.nan_to_num(table, nan=-1.0).max(axis=0)
    return sorted(np.argsort(-highest, kind="stable")[:MAX_CLASSES].tolist())


def paint_axis(painter: QPainter, y_of: Callable[[float], float], right: float) -> None:
    """Paint hairlines at 0, 0.5 and 1 from AXIS to `right`, with their numbers at the left."""
    now = theme.current()
    painter.setFont(theme.font(11))
    for value, label in ((0.0, "0"), (0.5, "0.5"), (1.0, "1")):
        y = round(y_of(value)) + 0.5
        style = Qt.PenStyle.DashLine if value == 0.5 else Qt.PenStyle.SolidLine
        painter.setPen(QPen(now.color("line"), 1, style))
        painter.drawLine(QPointF(AXIS - 4, y), QPointF(right, y))
        painter.setPen(now.color("muted"))
        box = QRectF(0, y - 8, AXIS - 8, 16)
        painter.drawText(box, theme.RIGHT, label)


def finite_runs(x: np.ndarray, y: np.ndarray) -> list[list[QPointF]]:
    """Return the points of a line in pieces, split where a value is not finite."""
    finite = np.isfinite(y)
    pieces = np.split(np.arange(len(y)), np.flatnonzero(~finite))
    runs = [piece[finite[piece]] for piece in pieces]
    return [
        [QPointF(a, b) for a, b in zip(x[piece].tolist(), y[piece].tolist(), strict=True)]
        for piece in runs
        if len(piece)
    ]


def paint_line(painter: QPainter, index: int, points: Sequence[QPointF]) -> None:
    """Paint the line of a class through these points, or a dot if there is only one."""
    color = theme.current().class_color(index)
    if len(points) > 1:
        painter.setPen(QPen(color, LINE_WIDTH, line_style(index)))
        painter.drawPolyline(QPolygonF(points))
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawEllipse(points[0], 1.5, 1.5)


def paint_dots(painter: QPainter, ends: dict[int, float], x: float, y_of: Callable[[float], float]) -> None:
    """Paint a dot at `x` on the line of every class in `ends`."""
    now = theme.current()
    painter.setPen(QPen(now.color("paper"), 1))
    for index, probability in ends.items():
        painter.setBrush(now.class_color(index))
        painter.drawEllipse(QPointF(x, y_of(probability)), DOT, DOT)


def labels_width(names: Sequence[str]) -> int:
    """Return the width of the labels with their numbers, px."""
    metrics = QFontMetricsF(theme.font(theme.SMALL))
    widest = max((metrics.horizontalAdvance(name) for name in names), default=60.0)
    return int(min(widest, MAX_NAME_WIDTH) + 8 * theme.UNIT)


def label_positions(
    ends: dict[int, float], y_of: Callable[[float], float], top: float, bottom: float
) -> dict[int, float]:
    """Return the y of each class's label: near `y_of` its probability, inside top..bottom, at least a row apart.

    The least probable classes are left out if there is no room.
    """
    top, bottom = top + LABEL_ROW / 2, bottom - LABEL_ROW / 2
    room = max(1, int((bottom - top) // LABEL_ROW) + 1)
    chosen = sorted(ends, key=lambda index: -ends[index])[:room]
    places: dict[int, float] = {}
    floor = top
    for place, index in enumerate(chosen):
        below = (len(chosen) - 1 - place) * LABEL_ROW
        places[index] = min(max(y_of(ends[index]), floor), bottom - below)
        floor = places[index] + LABEL_ROW
    return places


def paint_labels(
    painter: QPainter,
    places: dict[int, float],
    names: Sequence[str],
    values: dict[int, float],
    left: float,
    right: float,
) -> None:
    """Paint the swatch, name and probability of every class in `places`; long names are elided."""
    now = theme.current()
    painter.setFont(theme.font(theme.SMALL))
    metrics = QFontMetricsF(painter.font())
    for index, y in places.items():
        painter.setPen(QPen(now.class_color(index), LINE_WIDTH, line_style(index)))
        painter.drawLine(QPointF(left + 2, y), QPointF(left + 16, y))
        painter.setPen(now.color("ink"))
        box = QRectF(left + SWATCH_WIDTH, y - LABEL_ROW / 2, right - left - SWATCH_WIDTH, LABEL_ROW)
        number = f" {values[index]:.2f}"
        room = box.width() - metrics.horizontalAdvance(number)
        name = names[index] if index < len(names) else str(index)
        name = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, name + number)
