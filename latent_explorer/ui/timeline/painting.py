# SPDX-License-Identifier: MIT
"""Painting of the timeline: ruler, segments, keyframes, playhead, and the trace of probabilities."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from latent_explorer.explain.timeline.timeline import Easing, ease
from latent_explorer.ui.style import theme
from latent_explorer.ui.timeline.geometry import GUTTER, minor_ticks, ruler_ticks
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
    from collections.abc import Sequence

    from latent_explorer.app.timeline.player import TimelineTrace
    from latent_explorer.ui.timeline.geometry import Lanes, TimeScale

CURVE_STEPS = 24
GRIP_HALF_WIDTH = 6.0  # px, half the width of the playhead's grip
RING_WIDTH = 2.0  # px around a selected keyframe
TAG_HEIGHT = 16  # px, height of a flip's label
FLIP_GAP = 4  # px between a flip and its label, and from there to the next flip
LABEL_PADDING = 5  # px at either end of a label
ARROW = "\N{RIGHTWARDS ARROW}"
MIN_LETTERS = 4  # of an elided label: a space, two of the name and the dots
FLAG = 7.0  # px, of the mark at the top of a flip's line
COPY_OPACITY = 0.55  # opacity of copies and of a loop's end


@dataclass
class TrackState:
    """The keyframes as painted. `times` (n): their positions in seconds, also during a drag."""

    times: list[float] = field(default_factory=list)
    easings: list[Easing] = field(default_factory=list)
    pictures: list[QPixmap | None] = field(default_factory=list)
    selected: frozenset[int] = frozenset()
    hovered: int | None = None  # keyframe under the mouse
    segment: int | None = None  # segment under the mouse, or with an open popup
    ghosts: list[float] = field(default_factory=list)  # times of the copies of a drag
    closing: float = 0.0  # end of a loop, if after the last keyframe
    playhead: float = 0.0
    focus: bool = False


def paint_ruler(painter: QPainter, lanes: Lanes, scale: TimeScale, ready: Sequence[tuple[float, float]]) -> None:
    """Paint times, and a line under those whose frames are ready."""
    now, box = theme.current(), lanes.ruler
    painter.setFont(theme.font(11))
    ticks = ruler_ticks(scale)
    painter.setPen(QPen(now.color("line"), 1))
    for seconds in minor_ticks(ticks, scale):
        x = round(scale.x(seconds)) + 0.5
        painter.drawLine(QPointF(x, box.bottom() - 5), QPointF(x, box.bottom() - 1))
    for seconds, label in ticks:
        x = round(scale.x(seconds)) + 0.5
        painter.setPen(QPen(now.color("ink", 0.35), 1))
        painter.drawLine(QPointF(x, box.top() + 6), QPointF(x, box.bottom() - 1))
        painter.setPen(now.color("muted"))
        place = QRectF(x + 4, box.top(), 60, box.height() - 3)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, label)
    painter.setPen(QPen(now.color("line"), 1))
    painter.drawLine(QPointF(box.left(), box.bottom() - 0.5), QPointF(box.right(), box.bottom() - 0.5))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(now.color("accent", 0.55))
    for start, end in ready:
        left, right = scale.x(start), scale.x(end)
        painter.drawRect(QRectF(left, box.bottom() - 2, max(right - left, 1.5), 2))


def paint_track(painter: QPainter, lanes: Lanes, scale: TimeScale, shown: TrackState) -> None:
    """Paint segments, then pictures, the selected ones last."""
    now = theme.current()
    order = sorted(range(len(shown.times)), key=lambda i: shown.times[i])
    for first, second in itertools.pairwise(order):
        box = lanes.segment_between(scale.x(shown.times[first]), scale.x(shown.times[second]))
        if box is not None:
            _paint_segment(painter, box, shown.easings[first], lit=shown.segment == first)
    if order and shown.closing > max(shown.times):
        _paint_closing(painter, lanes, scale, shown, order[0], order[-1])
    painter.setOpacity(COPY_OPACITY)
    for seconds in shown.ghosts:
        painter.setPen(QPen(now.color("accent"), RING_WIDTH, Qt.PenStyle.DashLine))
        painter.setBrush(now.color("accent", 0.15))
        painter.drawRoundedRect(lanes.picture_at(scale.x(seconds)), 4, 4)
    painter.setOpacity(1.0)
    for index in sorted(order, key=lambda i: (i in shown.selected, shown.times[i])):
        _paint_keyframe(painter, lanes, scale, shown, index)


def _paint_segment(painter: QPainter, box: QRectF, easing: Easing, *, lit: bool) -> None:
    """Paint a segment with its easing curve: a name would need more room."""
    now = theme.current()
    painter.setPen(QPen(now.color("accent" if lit else "line"), 1))
    painter.setBrush(now.color("hover" if lit else "sunken"))
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
    inner = box.adjusted(5, 5, -5, -5)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(now.color("ink" if lit else "muted"), 1.5))
    painter.drawPath(curve_path(easing, inner))


def _paint_closing(painter: QPainter, lanes: Lanes, scale: TimeScale, shown: TrackState, first: int, last: int) -> None:
    """Paint the way back to the start of a loop, and the first picture again, faintly: it is not a keyframe."""
    here = scale.x(shown.closing)
    box = lanes.segment_between(scale.x(shown.times[last]), here)
    if box is not None:
        _paint_segment(painter, box, shown.easings[last], lit=shown.segment == last)
    place, picture = lanes.picture_at(here), shown.pictures[first]
    painter.setOpacity(COPY_OPACITY)
    if picture is not None:
        painter.drawPixmap(place.topLeft(), picture)
    painter.setPen(QPen(theme.current().color("muted"), 1, Qt.PenStyle.DashLine))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(place, 4, 4)
    painter.setOpacity(1.0)


def curve_path(easing: Easing, box: QRectF) -> QPainterPath:
    """Return the easing as a path from the lower left to the upper right corner of `box`."""
    path = QPainterPath(box.bottomLeft())
    if easing == "hold":  # a step, not a ramp
        path.lineTo(box.bottomRight())
        path.lineTo(box.topRight())
        return path
    for step in range(1, CURVE_STEPS + 1):
        share = step / CURVE_STEPS
        x, y = box.left() + share * box.width(), box.bottom() - ease(easing, share) * box.height()
        path.lineTo(QPointF(x, y))
    return path


def _paint_keyframe(painter: QPainter, lanes: Lanes, scale: TimeScale, shown: TrackState, index: int) -> None:
    now = theme.current()
    x = scale.x(shown.times[index])
    box, chosen = lanes.picture_at(x), index in shown.selected
    if box.right() < lanes.track.left() or box.left() > lanes.track.right():
        return
    clip = QPainterPath()
    clip.addRoundedRect(box, 4, 4)
    painter.save()
    painter.setClipPath(clip, Qt.ClipOperation.IntersectClip)
    painter.fillRect(box, now.color("hover"))
    picture = shown.pictures[index]
    if picture is not None:
        painter.drawPixmap(box.topLeft(), picture)
    painter.restore()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    ring = "accent" if chosen else "ink" if index == shown.hovered else "muted"
    painter.setPen(QPen(now.color(ring), RING_WIDTH if chosen else 1))
    edge = -RING_WIDTH / 2 if chosen else 0.5
    painter.drawRoundedRect(box.adjusted(edge, edge, -edge, -edge), 4, 4)
    _paint_handle(painter, QPointF(x, lanes.track.bottom()), ring, filled=chosen)


def _paint_handle(painter: QPainter, at: QPointF, color: str, *, filled: bool) -> None:
    """Paint a diamond between keyframes and trace, at the exact time, as a grip."""
    now, r = theme.current(), 4.0
    painter.setPen(QPen(now.color(color), 1.2))
    painter.setBrush(now.color("accent" if filled else "surface"))
    corners = [QPointF(0, -r), QPointF(r, 0), QPointF(0, r), QPointF(-r, 0)]
    painter.drawPolygon(QPolygonF([at + corner for corner in corners]))


def paint_playhead(painter: QPainter, lanes: Lanes, scale: TimeScale, shown: TrackState) -> None:
    """Paint a line through all lanes at the playhead."""
    x = scale.x(shown.playhead)
    if not lanes.ruler.left() <= x <= lanes.ruler.right() + 1:
        return
    now, top = theme.current(), lanes.ruler.top()
    painter.setPen(QPen(now.color("accent"), 1.5))
    painter.drawLine(QPointF(x, top + 8), QPointF(x, lanes.trace.bottom()))
    painter.setBrush(now.color("accent"))
    painter.setPen(QPen(now.color("paper"), 1) if not shown.focus else QPen(now.color("ink"), 1.5))
    grip = [(-GRIP_HALF_WIDTH, 1), (GRIP_HALF_WIDTH, 1), (GRIP_HALF_WIDTH, 8), (0, 14), (-GRIP_HALF_WIDTH, 8)]
    painter.drawPolygon(QPolygonF([QPointF(x + dx, top + dy) for dx, dy in grip]))


def paint_trace(painter: QPainter, lanes: Lanes, scale: TimeScale, trace: TimelineTrace) -> None:
    """Paint the probability of every class over time, and the flips of the prediction."""
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
    """Paint the probabilities at the playhead: dots on the lines, names and numbers beside them."""
    here = trace.at(playhead)
    if here is None:
        return
    ends = {i: float(here[i]) for i in drawn_classes(trace.probs)}
    if lanes.trace.left() + GUTTER - DOT <= scale.x(playhead) <= lanes.trace.right():
        paint_dots(painter, ends, scale.x(playhead), lanes.trace_y)
    places = label_positions(ends, lanes.trace_y, lanes.track.top(), lanes.trace.bottom())
    paint_labels(painter, places, trace.names, ends, lanes.labels.left() + 4, lanes.labels.right())


def _paint_line(painter: QPainter, lanes: Lanes, scale: TimeScale, trace: TimelineTrace, index: int) -> None:
    """Paint the line of a class, interrupted where frames are missing."""
    for run in trace.runs():
        every = max(1, int((run.stop - run.start) / max(lanes.trace.width(), 1)))  # one per pixel
        places = [*range(run.start, run.stop, every), run.stop - 1][: len(run)]
        seconds, probs = trace.seconds[places].tolist(), trace.probs[places, index].tolist()
        points = [QPointF(scale.x(t), lanes.trace_y(p)) for t, p in zip(seconds, probs, strict=True)]
        paint_line(painter, index, points)


def _paint_flips(painter: QPainter, lanes: Lanes, scale: TimeScale, trace: TimelineTrace) -> None:
    """Paint a line and a flag in the new class's colour at every flip, labelled where there is room."""
    now = theme.current()
    painter.setPen(QPen(now.color("ink", 0.7), 1, Qt.PenStyle.DashLine))
    top = lanes.trace.top() + 5
    for seconds, _index in trace.flips:
        x = scale.x(seconds)
        painter.drawLine(QPointF(x, top), QPointF(x, lanes.trace.bottom()))
    painter.setPen(Qt.PenStyle.NoPen)
    for start, end, index in trace.stretches():
        x = scale.x(start)
        flag = min(FLAG, max(scale.x(end) - x, 1.0))
        painter.setBrush(now.class_color(index))
        painter.drawPolygon(QPolygonF([QPointF(x, top), QPointF(x + flag, top + FLAG / 2), QPointF(x, top + FLAG)]))
    painter.setFont(theme.font(11, semibold=True))
    for box, text in flip_labels(lanes, scale, trace, QFontMetricsF(painter.font())):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.color("paper", 0.6))  # the lines stay visible below it
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(now.color("ink"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def flip_labels(
    lanes: Lanes, scale: TimeScale, trace: TimelineTrace, metrics: QFontMetricsF
) -> list[tuple[QRectF, str]]:
    """Return box and text of the label of every flip with room for one.

    A label stands only over the stretch where its class leads, elided or down to its arrow where that is short.
    """
    labels = []
    for start, end, index in trace.stretches():
        left = scale.x(start) + FLIP_GAP
        room = min(scale.x(end), lanes.trace.right()) - FLIP_GAP - left - 2 * LABEL_PADDING
        name = trace.names[index] if index < len(trace.names) else str(index)
        whole = f"{ARROW} {name}"
        elided = metrics.elidedText(whole, Qt.TextElideMode.ElideRight, room)
        text = elided if len(elided) > len(ARROW) + MIN_LETTERS or elided == whole else ARROW
        width = metrics.horizontalAdvance(text)
        if width <= room:
            y = lanes.trace.center().y() - TAG_HEIGHT / 2
            labels.append((QRectF(left, y, width + 2 * LABEL_PADDING, TAG_HEIGHT), text))
    return labels
