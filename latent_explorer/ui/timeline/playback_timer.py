# SPDX-License-Identifier: MIT
"""The timeline's clock: beats while something plays or is recorded, and is silent otherwise. What a beat does the desk knows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.timeline.controller import TimelineDesk

PLAYING_MS = 10  # half a frame of the fastest rate
RECORDING_MS = 100  # between two looks at the elapsed time


class Player(QObject):
    """`beaten` is called after every beat."""

    def __init__(self, desk: TimelineDesk, beaten: Callable[[], None], owner: QObject) -> None:
        super().__init__(owner)
        self._desk, self._beaten = desk, beaten
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def follow(self) -> None:
        """Beat as often as what goes on needs; a late beat costs a fraction of a frame."""
        if self._desk.playing:
            self._start(PLAYING_MS)
        elif self._desk.recording:
            self._start(RECORDING_MS)
        else:
            self._timer.stop()

    def stop(self) -> None:
        """The window closes."""
        self._timer.stop()

    def _start(self, interval: int) -> None:
        if not self._timer.isActive() or self._timer.interval() != interval:
            self._timer.start(interval)

    def _beat(self) -> None:
        if self._desk.playing:
            self._desk.tick(time.monotonic())
        self._beaten()
        self.follow()
