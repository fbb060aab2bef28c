# SPDX-License-Identifier: MIT
"""Geometry of the timeline: scale of time, lanes of the widget, hits and drags of the mouse."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QPointF, QRectF, Qt

from latent_explorer.ui.widgets.curve_math import steps_between
from latent_explorer.ui.widgets.probability_lines import AXIS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.timeline.timeline import Timeline

MIN_SECONDS_SHOWN = 2.0  # s shown of an empty or short timeline
TAIL = 1.12  # of the duration shown, with room to drag the last keyframe further
MAX_PX_PER_SECOND = 2000.0  # px per second
TICK_SPACING = 64.0  # px between two numbers of the ruler, minimum
GUTTER = AXIS  # px left of time 0: half a picture, and the numbers of the trace's axis
RULER = 18  # px
MIN_PICTURE_SIDE, MAX_PICTURE_SIDE = 30, 52  # px, of a keyframe
GAP = 4  # px between a picture and the segment beside it
MIN_SEGMENT_WIDTH = 10  # px, narrowest segment that can be clicked
TRACE_EDGE = 6  # px, margin of the trace in its lane
START_DRAG_DISTANCE = 4.0  # px before a press becomes a drag
COPY = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier


@dataclass(frozen=True)
class TimeScale:
    """Mapping of seconds to px: `start` is at `left` px, and the visible range ends at `right` px."""

    left: float
    right: float
    per_second: float
    start: float = 0.0

    def x(self, seconds: float) -> float:
        """Return the position of a time, in px."""
        return self.left + (seconds - self.start) * self.per_second

    def seconds(self, x: float) -> float:
        """Return the time at a position, at least 0."""
        return max(0.0, self.start + (x - self.left) / self.per_second)

    @property
    def end(self) -> float:
        """The last visible time, in seconds."""
        return self.start + (self.right - self.left) / self.per_second

    def zoomed(self, factor: float, x: float, least: float) -> TimeScale:
        """Return the scale magnified by `factor` about `x`, at least `least` px per second, which shows the whole."""
        per_second = min(max(self.per_second * factor, least), max(MAX_PX_PER_SECOND, least))
        held = self.start + (x - self.left) / self.per_second
        start = max(0.0, held - (x - self.left) / per_second)
        return replace(self, per_second=per_second, start=start)

    def moved(self, pixels: float) -> TimeScale:
        """Return the scale scrolled by `pixels` to the right."""
        return replace(self, start=max(0.0, self.start + pixels / self.per_second))

    def paged_to(self, seconds: float) -> TimeScale:
        """Return the scale, paged forward or back if the time is out of view."""
        span = self.end - self.start
        if self.start <= seconds <= self.end:
            return self
        return replace(self, start=max(0.0, seconds - 0.1 * span))


def fit_scale(duration: float, left: float, right: float) -> TimeScale:
    """Return the scale that shows the whole timeline."""
    right = max(right, left + 1)
    return TimeScale(left, right, (right - left) / max(TAIL * duration, MIN_SECONDS_SHOWN))


def ruler_ticks(scale: TimeScale) -> list[tuple[float, str]]:
    """Return times with their labels for the ruler: "0 s", "0.5 s", "1 s"."""
    max_ticks = max(1, int((scale.right - scale.left) / TICK_SPACING))
    times = steps_between(scale.start, scale.end, max_ticks)
    return [(seconds, f"{seconds:g} s") for seconds in times]


def minor_ticks(major: list[tuple[float, str]], scale: TimeScale) -> list[float]:
    """Return the times of four short marks between every two labels of the ruler."""
    if len(major) < 2:
        return []
    step = (major[1][0] - major[0][0]) / 5
    first = major[0][0] - 5 * step
    count = int((scale.end - first) / step) + 1
    return [first + k * step for k in range(count) if k % 5 and first + k * step >= scale.start]


@dataclass(frozen=True)
class Lanes:
    """Rectangles of the lanes in the widget, in px."""

    ruler: QRectF
    track: QRectF
    trace: QRectF
    labels: QRectF
    picture: float  # side of a keyframe's picture

    def picture_at(self, x: float) -> QRectF:
        """Return the rectangle of the picture of a keyframe at `x`."""
        box = QRectF(0, 0, self.picture, self.picture)
        box.moveCenter(QPointF(x, self.track.center().y()))
        return box

    def segment_between(self, x0: float, x1: float) -> QRectF | None:
        """Return the clickable rectangle between two pictures; None if there is no room."""
        aside = self.picture / 2 + GAP
        left, right = x0 + aside, x1 - aside
        if right - left < MIN_SEGMENT_WIDTH:
            return None
        return QRectF(left, self.track.top() + 5, right - left, self.track.height() - 10)

    def trace_y(self, probability: float) -> float:
        """Return the y position of a probability in the trace's lane."""
        low, high = self.trace.bottom() - TRACE_EDGE, self.trace.top() + TRACE_EDGE
        return low + probability * (high - low)


def lanes_in(width: float, height: float, labels: float) -> Lanes:
    """Return the lanes of a widget of this size, with `labels` px at the right for class names."""
    side = min(max(round(0.32 * height), MIN_PICTURE_SIDE), MAX_PICTURE_SIDE)
    right = max(width - labels, GUTTER + 1)
    track = QRectF(0, RULER, right, side + 8)
    trace = QRectF(0, track.bottom(), right, max(height - track.bottom(), 1))
    return Lanes(QRectF(0, 0, right, RULER), track, trace, QRectF(right, 0, width - right, height), side)


def nearest(times: Sequence[float], x: float, scale: TimeScale, reach: float) -> int | None:
    """Return the keyframe nearest to `x` within `reach` px, or None."""
    if not times:
        return None
    best = min(range(len(times)), key=lambda i: abs(scale.x(times[i]) - x))
    return best if abs(scale.x(times[best]) - x) <= reach else None


@dataclass(frozen=True)
class Hit:
    """The item under the mouse. `index`: the keyframe, or the one that starts the segment."""

    kind: Literal["none", "time", "keyframe", "segment"]
    index: int = -1


@dataclass
class KeyframeDrag:
    """A drag from press to release. `moves`: the new time of each dragged keyframe, in seconds, on whole frames."""

    hit: Hit
    from_x: float
    chosen: bool = False  # the press has selected the keyframe
    started: bool = False
    copy: bool = False
    moves: dict[int, float] = field(default_factory=dict)

    def try_start(self, x: float) -> bool:
        """Return True once the mouse has moved far enough for a drag; `x` is its position."""
        self.started = self.started or abs(x - self.from_x) >= START_DRAG_DISTANCE
        return self.started

    def move(
        self, x: float, modifiers: Qt.KeyboardModifier, scale: TimeScale, timeline: Timeline, selected: Sequence[int]
    ) -> None:
        """Move the keyframes with the mouse to `x`."""
        self.copy = bool(modifiers & COPY)
        delta = (x - self.from_x) / scale.per_second
        self.moves = shifted(timeline, selected, delta)


def shifted(timeline: Timeline, selected: Sequence[int], delta: float) -> dict[int, float]:
    """Return the times of the selected keyframes `delta` seconds later, in whole frames, none before 0.

    All move by the same number of frames. Empty if they do not move.
    """
    if not selected:
        return {}
    times = [timeline.keyframes[i].seconds for i in selected]
    frames = max(round(delta * timeline.fps), -round(min(times) * timeline.fps))
    if frames == 0:
        return {}
    steps = (round(seconds * timeline.fps) + frames for seconds in times)
    return {i: max(step, 0) / timeline.fps for i, step in zip(selected, steps, strict=True)}
