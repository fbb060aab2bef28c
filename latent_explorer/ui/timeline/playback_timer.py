# SPDX-License-Identifier: MIT
"""The timeline's clock: beats while something plays or is recorded, and is silent otherwise. What a beat does the desk knows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.timeline.controller import TimelineController

PLAYING_MS = 10  # half a frame of the fastest rate
RECORDING_MS = 100  # between two looks at the elapsed time


class PlaybackTimer(QObject):
    """`on_tick` is called after every beat."""

    def __init__(
        self, controller: TimelineController, on_tick: Callable[[], None], owner: QObject
    ) -> None:
        super().__init__(owner)
        self._controller, self._on_tick = controller, on_tick
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)

    def reschedule(self) -> None:
        """Beat as often as what goes on needs; a late beat costs a fraction of a frame."""
        if self._controller.playing:
            self._start(PLAYING_MS)
        elif self._controller.recording:
            self._start(RECORDING_MS)
        else:
            self._timer.stop()

    def stop(self) -> None:
        """The window closes."""
        self._timer.stop()

    def _start(self, interval: int) -> None:
        if not self._timer.isActive() or self._timer.interval() != interval:
            self._timer.start(interval)

    def _on_timeout(self) -> None:
        if self._controller.playing:
            self._controller.tick(time.monotonic())
        self._on_tick()
        self.reschedule()
