# SPDX-License-Identifier: MIT
"""Work on many pictures in batches whose size fits the time that a step of a job may last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from latent_explorer.common.events import Event, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from latent_explorer.common.jobs import StepBudget

T = TypeVar("T")

# On a CPU larger batches leave its caches; 64-px pictures cost the same at 4 and at 32.
LARGEST_BATCH = 16


def default_budget() -> float:
    """Return the seconds that a step may last where no window waits."""
    return 0.3


class BatchSizer:
    """Batch sizes that fit a step into the budget. The first batch is one picture, since the speed is not known yet."""

    def __init__(self, budget: StepBudget = default_budget, largest: int = LARGEST_BATCH) -> None:
        self._budget = budget
        self._largest = largest
        self._seconds: float | None = None  # per picture
        self._start = 0.0

    def anew(self) -> BatchSizer:
        """Return another with the same budget, for pictures that take another time."""
        return BatchSizer(self._budget, self._largest)

    def next(self) -> int:
        """Return the size of the next batch, whose time starts now."""
        self._start = time.perf_counter()
        if self._seconds is None:
            return 1
        return max(1, min(self._largest, int(self._budget() / self._seconds)))

    def done(self, size: int) -> None:
        """Note that a batch of `size` pictures was computed."""
        seconds = (time.perf_counter() - self._start) / size
        known = self._seconds
        self._seconds = seconds if known is None else 0.7 * known + 0.3 * seconds

    def run(self, compute: Callable[[slice], T], count: int, message: str) -> Generator[Event, None, list[T]]:
        """Call `compute` on the rows 0 to `count`, one batch a step; return its results. A job within a job."""
        parts: list[T] = []
        done = 0
        start = time.monotonic()
        while done < count:
            size = min(self.next(), count - done)
            parts.append(compute(slice(done, done + size)))
            self.done(size)
            done += size
            yield Progress(done, count, message, (time.monotonic() - start) * (count / done - 1))
        return parts
