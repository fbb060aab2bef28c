# SPDX-License-Identifier: MIT
"""Work on many pictures at once as a step of a job: decoding leaves the interpreter's lock, so threads suffice."""

from __future__ import annotations

import os
import time
from collections import deque
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

from latent_explorer.common.events import Event, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, MutableMapping

T = TypeVar("T")
STEP = 0.03  # seconds between two yields, so that a window can serve pictures in between
MAX_WORKERS = 4  # more only wait for the disk


def run_in_thread(function: Callable[[], T], message: str) -> Generator[Event, None, T]:
    """`function()` on a thread of its own, for what would be one long step: other work is served while it runs."""
    return (yield from map_in_threads(lambda _: function(), 1, message))[0]


def map_in_threads(function: Callable[[int], T], count: int, message: str) -> Generator[Event, None, list[T]]:
    """`[function(0), ..., function(count - 1)]`, computed on several threads. Yields Progress.

    What `function` raises ends the job. Closing the generator waits for the calls in hand alone.
    """
    todo, finished = deque(range(count)), deque[tuple[int, T]]()  # both safe to share

    def work() -> None:
        while todo:
            try:
                i = todo.popleft()
            except IndexError:  # another thread took the last one
                return
            finished.append((i, function(i)))

    workers = max(1, min(MAX_WORKERS, count, cores()))
    started = time.monotonic()
    with ThreadPoolExecutor(workers, "pictures") as pool:
        futures = [pool.submit(work) for _ in range(workers)]
        try:
            while True:
                done, waiting = wait(futures, timeout=STEP, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                if not waiting:
                    break
                n = len(finished)
                left = (time.monotonic() - started) / n * (count - n) if n else None
                yield Progress(n, count, message, left)
        finally:
            todo.clear()
    yield Progress(count, count, message)
    return [value for _, value in sorted(finished, key=lambda pair: pair[0])]


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def installed_memory() -> int | None:
    """Return the bytes of memory of this machine, or None where the system does not say (Windows)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def reserve_one_core(environment: MutableMapping[str, str]) -> None:
    """Let torch, not imported yet, compute on one core less than there are, unless the person chose a number.

    A window beside a training stays quick; and of two cores a second thread gains small networks nothing (measured).
    """
    environment.setdefault("OMP_NUM_THREADS", str(max(1, cores() - 1)))
