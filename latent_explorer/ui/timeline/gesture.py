# SPDX-License-Identifier: MIT
"""What the mouse is doing to the timeline: what it hit, and where a drag takes the selected keyframes. No painting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Qt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.timeline.timeline import Timeline
    from latent_explorer.ui.timeline.time_scale import TimeScale

START_DRAG_DISTANCE = 4.0  # px before a press becomes a drag
COPY = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier


@dataclass(frozen=True)
class Hit:
    """What stands under the mouse; `index` of the keyframe, or of the one that begins the segment."""

    kind: Literal["none", "time", "keyframe", "segment"]
    index: int = -1


@dataclass
class KeyframeDrag:
    """From press to release. `moves` says where each dragged keyframe would stand, on frames."""

    hit: Hit
    from_x: float
    chosen: bool = False  # the press selected the keyframe already
    started: bool = False
    copy: bool = False
    moves: dict[int, float] = field(default_factory=dict)

    def try_start(self, x: float) -> bool:
        """Whether the mouse has moved far enough for a drag; `x` is where it is now."""
        self.started = self.started or abs(x - self.from_x) >= START_DRAG_DISTANCE
        return self.started

    def move(
        self, x: float, modifiers: Qt.KeyboardModifier, scale: TimeScale, timeline: Timeline, selected: Sequence[int]
    ) -> None:
        """The keyframes follow the mouse to `x`."""
        self.copy = bool(modifiers & COPY)
        delta = (x - self.from_x) / scale.per_second
        self.moves = shifted(timeline, selected, delta)


def shifted(timeline: Timeline, selected: Sequence[int], delta: float) -> dict[int, float]:
    """Where the selected keyframes stand `delta` seconds later, all by the same number of frames and on frames;
    none before 0.

    Empty when that is where they stand already.
    """
    if not selected:
        return {}
    times = [timeline.keyframes[i].seconds for i in selected]
    frames = max(round(delta * timeline.fps), -round(min(times) * timeline.fps))
    if frames == 0:
        return {}
    steps = (round(seconds * timeline.fps) + frames for seconds in times)
    return {i: max(step, 0) / timeline.fps for i, step in zip(selected, steps, strict=True)}
