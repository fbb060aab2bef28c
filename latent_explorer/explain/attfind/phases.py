# SPDX-License-Identifier: MIT
"""What a race of AttFind tells while it runs: one progress over all its phases, and the list so far."""

from __future__ import annotations

import contextlib
import time
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from latent_explorer.common.events import Event, Kept, Progress
from latent_explorer.common.jobs import forward_events

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from latent_explorer.explain.attfind.race import Race

T = TypeVar("T")

INTERIM_SECONDS = 3.0  # between two lists so far
_STEPS = 1000  # of the progress


class Phase(Enum):
    """Phases of a race, each from one share of the progress to another, as measured on the bundled explainer.

    Nobody knows how many rounds the race will settle in, so no time left is told.
    """

    CLASSIFYING = (0.0, 0.03)
    PREDICTING = (0.03, 0.15)
    LOOKING = (0.15, 0.7)
    SETTLING = (0.7, 0.97)
    SHOWING = (0.97, 1.0)


def rounds(race: Race, done: float = Phase.SETTLING.value[0]) -> Generator[Event, None, float]:
    """Run the rounds of a race, with a progress that never goes back: how much of the list is sure. A job in a job.

    Returns the progress, which is `done` when it begins.
    """
    first, last = Phase.SETTLING.value
    message = "Rendering what matters"
    settled = False

    def told(event: Event) -> Event:
        return Progress(round(_STEPS * done), _STEPS, message) if isinstance(event, Progress) else event

    while not settled:
        settled = yield from forward_events(race.round(), told)
        done = max(done, first + (last - first) * race.sure / max(1, race.listed))
        message = f"Rendering what matters: {race.sure} of {race.listed} sure"
    return done


def phase(job: Generator[Event, None, T], part: Phase, message: str = "") -> Generator[Event, None, T]:
    """Forward the job of a phase; its progress becomes that of the whole race, and never goes back."""
    first, last = part.value
    highest = first

    def of_race(event: Event) -> Event:
        nonlocal highest
        if not isinstance(event, Progress):
            return event
        highest = max(highest, first + (last - first) * event.done / max(1, event.total))
        return Progress(round(_STEPS * highest), _STEPS, message or event.message)

    return forward_events(job, of_race)


def with_lists(
    job: Generator[Event, None, T], result: Callable[[], object], clock: Callable[[], float] = time.monotonic
) -> Generator[Event, None, T]:
    """Forward a job of the race; every few seconds the result so far is Kept."""
    last = clock()
    with contextlib.closing(job):
        while True:
            try:
                yield next(job)
            except StopIteration as end:
                value: T = end.value
                return value
            if clock() - last >= INTERIM_SECONDS:
                yield Kept(result())
                last = clock()
