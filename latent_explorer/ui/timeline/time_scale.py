# SPDX-License-Identifier: MIT
"""Seconds to pixels and back: zoom, what fits, and the marks of the ruler. Pure arithmetic, no widget."""

from __future__ import annotations

from dataclasses import dataclass, replace

from latent_explorer.ui.widgets.curve_math import steps_between

SHORTEST = 2.0  # s that an empty or short timeline shows
TAIL = 1.12  # of its duration is shown, so that the last keyframe can be dragged further
CLOSEST = 2000.0  # px a second
TICK_SPACING = 64.0  # px between two numbers of the ruler, at least


@dataclass(frozen=True)
class TimeScale:
    """`start` seconds stand at `left` px; what is shown ends at `right` px."""

    left: float
    right: float
    per_second: float
    start: float = 0.0

    def x(self, seconds: float) -> float:
        """Where a time stands, px."""
        return self.left + (seconds - self.start) * self.per_second

    def seconds(self, x: float) -> float:
        """Which time stands there; never before the beginning."""
        return max(0.0, self.start + (x - self.left) / self.per_second)

    @property
    def end(self) -> float:
        """The last time in view."""
        return self.start + (self.right - self.left) / self.per_second

    def zoomed(self, factor: float, x: float, least: float) -> TimeScale:
        """Closer by `factor`, while the time under `x` stays there; `least` px a second show the whole."""
        per_second = min(max(self.per_second * factor, least), max(CLOSEST, least))
        held = self.start + (x - self.left) / self.per_second
        start = max(0.0, held - (x - self.left) / per_second)
        return replace(self, per_second=per_second, start=start)

    def moved(self, pixels: float) -> TimeScale:
        """What stands `pixels` further right comes to its place."""
        return replace(self, start=max(0.0, self.start + pixels / self.per_second))

    def paged_to(self, seconds: float) -> TimeScale:
        """Turned like a page when the time is out of view."""
        span = self.end - self.start
        if self.start <= seconds <= self.end:
            return self
        return replace(self, start=max(0.0, seconds - 0.1 * span))


def fit_scale(duration: float, left: float, right: float) -> TimeScale:
    """The whole timeline in view."""
    right = max(right, left + 1)
    return TimeScale(left, right, (right - left) / max(TAIL * duration, SHORTEST))


def ruler_ticks(scale: TimeScale) -> list[tuple[float, str]]:
    """Times with their words for the ruler: "0", "0.5", "1 s"."""
    most = max(1, int((scale.right - scale.left) / TICK_SPACING))
    found = steps_between(scale.start, scale.end, most)
    return [(seconds, f"{seconds:g} s") for seconds in found]


def minor_ticks(found: list[tuple[float, str]], scale: TimeScale) -> list[float]:
    """Four short marks between every two of the ruler's numbers."""
    if len(found) < 2:
        return []
    step = (found[1][0] - found[0][0]) / 5
    first = found[0][0] - 5 * step
    count = int((scale.end - first) / step) + 1
    return [first + k * step for k in range(count) if k % 5 and first + k * step >= scale.start]
