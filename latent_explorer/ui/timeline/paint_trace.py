# SPDX-License-Identifier: MIT
"""The trace under the keyframes: every class's probability over the timeline, where the class flips, and the
playhead's dots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from latent_explorer.ui.style import theme
from latent_explorer.ui.timeline.lanes import GUTTER
from latent_explorer.ui.widgets.probability_lines import (
    DOT,
    drawn_classes,
    label_positions,
    paint_axis,
    paint_dots,
    paint_labels,
    paint_line,
)

if TYPE_CHECKING:
    from latent_explorer.app.timeline.trace import TimelineTrace
    from latent_explorer.ui.timeline.lanes import Lanes
    from latent_explorer.ui.timeline.time_scale import TimeScale

TAG = 16  # px, height of a flip's label
FLIP_GAP = 4  # px between two labels of flips


def paint_trace(painter: QPainter, lanes: Lanes, scale: TimeScale, trace: TimelineTrace) -> None:
    """Lines and flips."""
    paint_axis(painter, lanes.trace_y, lanes.trace.right())
    if not len(trace.seconds):
        return
    painter.save()
    painter.setClipRect(lanes.trace.adjusted(GUTTER - 6, 0, 0, 0))
    for index in drawn_classes(trace.probs):
        _paint_line(painter, lanes, scale, trace, index)
    _paint_flips(painter, lanes, scale, trace)
    painter.restore()


def paint_playhead_values(
    painter: QPainter, lanes: Lanes, scale: TimeScale, trace: TimelineTrace, playhead: float
) -> None:
    """What the classifier says of the frame under the playhead: dots on the lines, names and numbers beside them."""
    here = trace.at(playhead)
    if here is None:
        return
    ends = {i: float(here[i]) for i in drawn_classes(trace.probs)}
    if lanes.trace.left() + GUTTER - DOT <= scale.x(playhead) <= lanes.trace.right():
        paint_dots(painter, ends, scale.x(playhead), lanes.trace_y)
    places = label_positions(ends, lanes.trace_y, lanes.track.top(), lanes.trace.bottom())
    paint_labels(painter, places, trace.names, ends, lanes.labels.left() + 4, lanes.labels.right())


def _name(trace: TimelineTrace, index: int) -> str:
    return trace.names[index] if index < len(trace.names) else str(index)


def _paint_line(painter: QPainter, lanes: Lanes, scale: TimeScale, trace: TimelineTrace, index: int) -> None:
    """Broken where frames are missing: nothing is drawn that was not rendered."""
    for run in trace.runs():
        every = max(1, int((run.stop - run.start) / max(lanes.trace.width(), 1)))  # one a pixel
        places = [*range(run.start, run.stop, every), run.stop - 1][: len(run)]
        seconds, probs = trace.seconds[places].tolist(), trace.probs[places, index].tolist()
        points = [QPointF(scale.x(t), lanes.trace_y(p)) for t, p in zip(seconds, probs, strict=True)]
        paint_line(painter, index, points)


def _paint_flips(painter: QPainter, lanes: Lanes, scale: TimeScale, trace: TimelineTrace) -> None:
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
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.color("paper", 0.6))  # the lines must be seen below it
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(now.color("ink"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
