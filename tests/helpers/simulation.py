# SPDX-License-Identifier: MIT
"""A clock that only work moves on, with things that happen at set times: the engine's timing becomes arithmetic."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class Simulation:
    """`advance` is called by fake pictures and steps on the worker thread; what is due meanwhile happens then."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()

    def clock(self) -> float:
        return self.now

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        heapq.heappush(self._due, (seconds, next(self._order), action))

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, action = heapq.heappop(self._due)
            action()
        self.now = end
