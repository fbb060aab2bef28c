# SPDX-License-Identifier: MIT
"""Run jobs, which are generators that yield events and return a value, to the end or within another job.

A job that is closed, or left by an exception, closes the job within it at once.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from latent_explorer.common.events import Event, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")
StepBudget: TypeAlias = "Callable[[], float]"  # asked by a job: seconds that its next step may last


class GivenUp(Exception):
    """Raised by a render that ended early because another is wanted first."""


def run_job(job: Generator[Event, None, T], on_event: Callable[[Event], object] | None = None) -> T:
    """Run a job to its end, calling `on_event` with each of its events, and return its value."""
    with contextlib.closing(job):
        while True:
            try:
                event = next(job)
            except StopIteration as end:
                value: T = end.value
                return value
            if on_event is not None:
                on_event(event)


def forward_events(
    job: Generator[Event, None, T], change: Callable[[Event], Event | None]
) -> Generator[Event, None, T]:
    """Yield what `change` makes of a job's events, leaving out None, and return the job's value."""
    with contextlib.closing(job):
        while True:
            try:
                event = next(job)
            except StopIteration as end:
                value: T = end.value
                return value
            changed = change(event)
            if changed is not None:
                yield changed


def forward_until(job: Generator[Event, None, T], should_stop: Callable[[], bool]) -> Generator[Event, None, T | None]:
    """Yield a job's events and return its value; None if `should_stop`, asked before each step, ended it."""
    with contextlib.closing(job):
        while not should_stop():
            try:
                event = next(job)
            except StopIteration as end:
                value: T = end.value
                return value
            yield event
    return None


def with_time_left(
    job: Generator[Event, None, T], clock: Callable[[], float] = time.perf_counter
) -> Generator[Event, None, T]:
    """Forward a job's events; Progress without a time gets what its own phase, of one message, still takes."""
    message: str | None = None
    first, began = 0, 0.0

    def timed(event: Event) -> Event:
        nonlocal message, first, began
        if not isinstance(event, Progress):
            return event
        if event.message != message or event.done < first:
            message, first, began = event.message, event.done, clock()
        steps = event.done - first
        if event.seconds_left is not None or steps <= 0:
            return event
        return replace(event, seconds_left=(clock() - began) / steps * (event.total - event.done))

    return forward_events(job, timed)


def without_progress(job: Generator[Event, None, T]) -> Generator[Event, None, T]:
    """Forward a job's events without Progress, which would be taken for the outer job's."""
    return forward_events(job, lambda event: None if isinstance(event, Progress) else event)
