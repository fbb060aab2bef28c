# SPDX-License-Identifier: MIT
"""The trace under the keyframes: every class's probability over the timeline, where the class flips, and the playhead's dots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPen

from latent_explorer.ui import theme
from latent_explorer.ui.panels.timeline.lanes import GUTTER
from latent_explorer.ui.widgets.class_lines import (
    LINE,
    drawn_classes,
    label_places,
    paint_labels,
    style_of,
)

if TYPE_CHECKING:
    from latent_explorer.ui.panels.timeline.lanes import Lanes
    from latent_explorer.ui.panels.timeline.scales import Scale

DOT = 3.5  # px
TAG = 16  # px, height of a flip's label
FLIP_GAP = 4  # px between two labels of flips


@dataclass(frozen=True)
class Trace:
    """`seconds` (n,) ascending and `probs` (n, K) of the rendered frames, `step` s from frame to frame.

    `flips`: when the winning class changes, and to which.
    """

    seconds: np.ndarray
    probs: np.ndarray
    step: float
    names: tuple[str, ...] = ()
    flips: tuple[tuple[float, int], ...] = ()

    @property
    def cached(self) -> list[float]:
        """Start and end of every run of frames without a gap, flat: where frames are ready."""
        if not len(self.seconds):
            return []
        breaks = np.flatnonzero(np.diff(self.seconds) > 1.5 * self.step)
        starts = self.seconds[np.r_[0, breaks + 1]]
        ends = self.seconds[np.r_[breaks, len(self.seconds) - 1]]
        return [float(s) for pair in zip(starts, ends, strict=True) for s in pair]

    def at(self, seconds: float) -> np.ndarray | None:
        """The probabilities of the frame that is shown then, (K,); None while it is not rendered."""
        if not len(self.seconds):
            return None
        index = int(np.abs(self.seconds - seconds).argmin())
        near = abs(float(self.seconds[index]) - seconds) <= 0.75 * self.step
        return np.asarray(self.probs[index]) if near else None


NOTHING = Trace(np.empty(0), np.empty((0, 0)), 1.0)


def paint_trace(
    painter: QPainter, lanes: Lanes, scale: Scale, trace: Trace, playhead: float
) -> None:
    """Lines, flips, and dots with names where the playhead stands."""
    _paint_axis(painter, lanes)
    if not len(trace.seconds):
        return
    painter.save()
    painter.setClipRect(lanes.trace.adjusted(GUTTER - 6, 0, 0, 0))
    _paint_flips(painter, lanes, scale, trace)
    drawn = drawn_classes(trace.probs)
    for index in drawn:
        _paint_line(painter, lanes, scale, trace, index)
    here = trace.at(playhead)
    if here is not None:
        for index in drawn:
            painter.setPen(QPen(theme.current().color("paper"), 1))
            painter.setBrush(theme.current().class_color(index))
            at = QPointF(scale.x(playhead), lanes.trace_y(float(here[index])))
            painter.drawEllipse(at, DOT, DOT)
    painter.restore()
    if here is not None:
        ends = {index: float(here[index]) for index in drawn}
        top, bottom = lanes.track.top(), lanes.trace.bottom()
        places = label_places(ends, lanes.trace_y, top, bottom)
        names = {index: _name(trace, index) for index in places}
        paint_labels(painter, places, names, ends, lanes.labels.left() + 4, lanes.labels.right())


def _name(trace: Trace, index: int) -> str:
    return trace.names[index] if index < len(trace.names) else str(index)


def _paint_axis(painter: QPainter, lanes: Lanes) -> None:
    now = theme.current()
    painter.setFont(theme.font(11))
    for value, words in ((0.0, "0"), (0.5, "0.5"), (1.0, "1")):
        y = round(lanes.trace_y(value)) + 0.5
        style = Qt.PenStyle.DashLine if value == 0.5 else Qt.PenStyle.SolidLine
        painter.setPen(QPen(now.color("line"), 1, style))
        painter.drawLine(QPointF(GUTTER - 4, y), QPointF(lanes.trace.right(), y))
        painter.setPen(now.color("muted"))
        box = QRectF(0, y - 8, GUTTER - 8, 16)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)


def _paint_line(painter: QPainter, lanes: Lanes, scale: Scale, trace: Trace, index: int) -> None:
    """Broken where frames are missing: nothing is drawn that was not rendered."""
    path, last = QPainterPath(), -np.inf
    alone: list[QPointF] = []
    times = trace.seconds
    for k, seconds in enumerate(times):
        at = QPointF(scale.x(float(seconds)), lanes.trace_y(float(trace.probs[k, index])))
        joined = seconds - last <= 1.5 * trace.step
        follows = k + 1 < len(times) and times[k + 1] - seconds <= 1.5 * trace.step
        if joined:
            path.lineTo(at)
        elif follows:
            path.moveTo(at)
        else:
            alone.append(at)
        last = float(seconds)
    color = theme.current().class_color(index)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, LINE, style_of(index)))
    painter.drawPath(path)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    for at in alone:
        painter.drawEllipse(at, 1.5, 1.5)


def _paint_flips(painter: QPainter, lanes: Lanes, scale: Scale, trace: Trace) -> None:
    """A line at every flip, named after the class that wins from there on as long as there is room for the words."""
    now = theme.current()
    painter.setFont(theme.font(11, semibold=True))
    metrics = QFontMetricsF(painter.font())
    painter.setPen(QPen(now.color("ink", 0.7), 1, Qt.PenStyle.DashLine))
    for seconds, _index in trace.flips:
        x = scale.x(seconds)
        painter.drawLine(QPointF(x, lanes.trace.top() + 5), QPointF(x, lanes.trace.bottom()))
    taken = -np.inf
    for seconds, index in trace.flips:
        x = scale.x(seconds)
        words = f"\N{RIGHTWARDS ARROW} {_name(trace, index)}"
        width = metrics.horizontalAdvance(words) + 10
        left = min(x + 4, lanes.trace.right() - width)
        if left < taken + FLIP_GAP:
            continue
        taken = left + width
        box = QRectF(left, lanes.trace.center().y() - TAG / 2, width, TAG)
        painter.setPen(QPen(now.color("line"), 1))
        painter.setBrush(now.color("surface"))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(now.color("ink"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
