# SPDX-License-Identifier: MIT
"""Where things stand in the timeline: ruler, keyframes and trace above each other, names at the right.

Geometry only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF

from latent_explorer.ui.widgets.probability_lines import AXIS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.ui.timeline.time_scale import TimeScale

GUTTER = AXIS  # px left of time 0: half a picture, and the numbers of the trace's axis
RULER = 18  # px
SMALLEST, LARGEST = 30, 52  # px, sides of a keyframe's picture
GAP = 4  # px between a picture and the segment beside it
THINNEST = 10  # px of a segment that can still be aimed at
TRACE_EDGE = 6  # px that the trace keeps from the lane's ends


@dataclass(frozen=True)
class Lanes:
    """Rectangles in the widget, px."""

    ruler: QRectF
    track: QRectF
    trace: QRectF
    labels: QRectF
    picture: float  # side of a keyframe's picture

    def picture_at(self, x: float) -> QRectF:
        """The picture of a keyframe whose time stands at `x`."""
        box = QRectF(0, 0, self.picture, self.picture)
        box.moveCenter(QPointF(x, self.track.center().y()))
        return box

    def segment_between(self, x0: float, x1: float) -> QRectF | None:
        """What can be clicked between two pictures; None where they leave no room."""
        aside = self.picture / 2 + GAP
        left, right = x0 + aside, x1 - aside
        if right - left < THINNEST:
            return None
        return QRectF(left, self.track.top() + 5, right - left, self.track.height() - 10)

    def trace_y(self, probability: float) -> float:
        """Where a probability stands in the trace's lane."""
        low, high = self.trace.bottom() - TRACE_EDGE, self.trace.top() + TRACE_EDGE
        return low + probability * (high - low)


def lanes_in(width: float, height: float, labels: float) -> Lanes:
    """The lanes of a widget of that size; `labels` px at the right are for the classes' names."""
    side = min(max(round(0.32 * height), SMALLEST), LARGEST)
    right = max(width - labels, GUTTER + 1)
    track = QRectF(0, RULER, right, side + 8)
    trace = QRectF(0, track.bottom(), right, max(height - track.bottom(), 1))
    return Lanes(QRectF(0, 0, right, RULER), track, trace, QRectF(right, 0, width - right, height), side)


def nearest(times: Sequence[float], x: float, scale: TimeScale, reach: float) -> int | None:
    """The keyframe whose time stands nearest to `x`, within `reach` px."""
    if not times:
        return None
    best = min(range(len(times)), key=lambda i: abs(scale.x(times[i]) - x))
    return best if abs(scale.x(times[best]) - x) <= reach else None
