# SPDX-License-Identifier: MIT
"""Threads for work on many pictures as a step of a job (decoding releases the lock), and sizes of the machine."""

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
STEP = 0.03  # seconds between two yields; a window serves pictures in between
MAX_WORKERS = 4  # more would only wait for the disk


def run_in_thread(function: Callable[[], T], message: str) -> Generator[Event, None, T]:
    """Run `function()`, otherwise one long step, on a thread of its own; other work is served while it runs."""
    return (yield from map_in_threads(lambda _: function(), 1, message))[0]


def map_in_threads(function: Callable[[int], T], count: int, message: str) -> Generator[Event, None, list[T]]:
    """Return `[function(0), ..., function(count - 1)]`, computed on several threads. Yields Progress.

    Exceptions of `function` end the job. Closing the generator waits only for the calls that are running.
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
    """Return the number of cores that this process may use."""
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
    """Let torch, not imported yet, use one core less than there are, unless OMP_NUM_THREADS is set.

    A window beside a training stays quick; on two cores a second thread gains nothing for small networks (measured).
    """
    environment.setdefault("OMP_NUM_THREADS", str(max(1, cores() - 1)))
