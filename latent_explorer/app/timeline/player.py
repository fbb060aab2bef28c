# SPDX-License-Identifier: MIT
"""Playing: which frame is due at a time, and the newest of those due that is ready. Knows no clock and no window."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latent_explorer.app.timeline.frames import TimelineFrames

_ROUNDING = 1e-6  # of a frame


class Player:
    """Plays in real time: a frame that is not ready when it is due is passed over, the clock goes on."""

    def __init__(self, frames: TimelineFrames) -> None:
        self._frames = frames
        self._begun: float | None = (
            None  # when frame 0 of the first pass was due; None: at the next beat
        )
        self._index = 0
        self._last = -1  # frame shown last, counted through all passes
        self.playing = False

    def start(self, index: int) -> None:
        """Play from a frame on; its time begins with the next beat."""
        self.playing = True
        self._begun, self._index, self._last = None, index, index - 1

    def stop(self) -> None:
        """Stay where it is."""
        self.playing = False

    def advance(self, now: float, fps: float, loop: bool) -> int | None:
        """The frame to be shown from now on; None: the one before stays. Stops at the end, unless it loops."""
        total = len(self._frames)
        begins = self._begun is None
        if self._begun is None:
            self._begun = now - self._index / fps
        due = int((now - self._begun) * fps + _ROUNDING)
        if not loop and due >= total - 1:
            due, self.playing = total - 1, False
        self._frames.prefetch(due % total + (0 if begins else 1), fps, loop)
        for place in range(due, max(self._last, due - total), -1):
            if not self.playing or self._frames.frame(place % total) is not None:
                self._last = place
                return place % total
        return None
