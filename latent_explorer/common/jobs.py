# SPDX-License-Identifier: MIT
"""Jobs are generators of events; here is what to do with one when its events are of no use to whoever runs it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

from latent_explorer.common.events import Event, Progress

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")


def run_silently(job: Generator[Event, None, T]) -> T:
    """Run a job to its end, unseen; what it returns."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            value: T = end.value
            return value


def without_progress(job: Generator[Event, None, T]) -> Generator[Event, None, T]:
    """A job within a job, without its Progress, which would be taken for the outer one's."""
    with contextlib.closing(job):
        while True:
            try:
                event = next(job)
            except StopIteration as end:
                value: T = end.value
                return value
            if not isinstance(event, Progress):
                yield event
