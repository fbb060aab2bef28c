# SPDX-License-Identifier: MIT
"""What the classifier says along a timeline, of the frames that are rendered so far."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np

GAP = 1.5  # frames; rendered frames that are further apart have others between them


@dataclass(frozen=True, eq=False)
class TimelineTrace:
    """`seconds` (n,) ascending and `probs` (n, K) of the rendered frames, `step` s from frame to frame."""

    seconds: np.ndarray = field(default_factory=lambda: np.empty(0))
    probs: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    step: float = 1.0
    names: tuple[str, ...] = ()  # of the classes
    progress: float = 0.0  # share of the frames that are rendered, 0..1

    @property
    def flips(self) -> tuple[tuple[float, int], ...]:
        """When the predicted class changes, and to which; only where the frame before is rendered, too."""
        if not len(self.seconds):
            return ()
        winners = self.probs.argmax(axis=1)
        near = np.diff(self.seconds) <= GAP * self.step
        places = np.flatnonzero((winners[1:] != winners[:-1]) & near) + 1
        return tuple((float(self.seconds[i]), int(winners[i])) for i in places)

    def runs(self) -> list[range]:
        """Frames that follow each other without a gap."""
        if not len(self.seconds):
            return []
        breaks = np.flatnonzero(np.diff(self.seconds) > GAP * self.step) + 1
        ends = [0, *breaks.tolist(), len(self.seconds)]
        return [range(start, stop) for start, stop in itertools.pairwise(ends)]

    @property
    def ready(self) -> list[tuple[float, float]]:
        """From when to when frames are ready to be shown, s."""
        times = self.seconds
        return [(float(times[run[0]]), float(times[run[-1]])) for run in self.runs()]

    def at(self, seconds: float) -> np.ndarray | None:
        """The probabilities of the frame that is shown then, (K,); None while it is not rendered."""
        if not len(self.seconds):
            return None
        index = int(np.abs(self.seconds - seconds).argmin())
        near = abs(float(self.seconds[index]) - seconds) <= 0.75 * self.step
        return np.asarray(self.probs[index]) if near else None
