# SPDX-License-Identifier: MIT
"""Running jobs, and forwarding one within another: events, values, and closing of the inner job."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from latent_explorer.common.events import Event, Notice, Progress
from latent_explorer.common.jobs import forward_events, forward_until, run_job, with_time_left, without_progress

Job = Generator[Event, None, str]
EVENTS = [Progress(0, 2), Notice("half"), Progress(1, 2)]
FORWARDS: list[Callable[[Job], Generator[Event, None, Any]]] = [
    lambda job: forward_events(job, lambda event: event),
    lambda job: forward_until(job, lambda: False),
    without_progress,
]


def job(closed: list[bool]) -> Job:
    try:
        yield from EVENTS
        return "made"
    finally:
        closed.append(True)


def test_run_passes_the_events_on_and_returns_the_value() -> None:
    events: list[Event] = []
    assert run_job(job([]), events.append) == "made"
    assert events == EVENTS
    assert run_job(job([])) == "made"


def test_each_phase_without_a_time_gets_its_own() -> None:
    now = iter([0.0, 2.0, 10.0, 13.0])

    def phases() -> Job:
        yield Progress(1, 4, "looking")
        yield Progress(2, 4, "looking")
        yield Notice("half")
        yield Progress(0, 2, "checking")
        yield Progress(1, 2, "checking")
        yield Progress(2, 2, "steps", 7.0)
        return "made"

    events: list[Event] = []
    assert run_job(with_time_left(phases(), lambda: next(now, 20.0)), events.append) == "made"
    left = [event.seconds_left for event in events if isinstance(event, Progress)]
    assert left == [None, 4.0, None, 3.0, 7.0]


def test_an_event_handler_that_fails_closes_the_job() -> None:
    closed: list[bool] = []

    def fail(event: Event) -> None:
        raise ValueError("no such event")

    with pytest.raises(ValueError, match="no such event") as caught:
        run_job(job(closed), fail)
    assert closed == [True], caught  # and not only once the traceback is gone


def test_forwarded_events_are_changed_or_left_out() -> None:
    events: list[Event] = []

    def change(event: Event) -> Event | None:
        return Notice(str(event.done)) if isinstance(event, Progress) else None

    assert run_job(forward_events(job([]), change), events.append) == "made"
    assert events == [Notice("0"), Notice("1")]


def test_a_job_within_another_tells_no_progress() -> None:
    events: list[Event] = []
    assert run_job(without_progress(job([])), events.append) == "made"
    assert events == [Notice("half")]


def test_a_job_is_forwarded_until_it_shall_stop() -> None:
    closed: list[bool] = []
    events: list[Event] = []
    assert run_job(forward_until(job(closed), lambda: len(events) == 2), events.append) is None
    assert events == EVENTS[:2]
    assert closed == [True]
    assert run_job(forward_until(job([]), lambda: False)) == "made"


@pytest.mark.parametrize("forward", FORWARDS)
def test_closing_a_forwarded_job_closes_the_one_within(forward: Any) -> None:
    closed: list[bool] = []
    inner = job(closed)  # held here, so that nothing but the close can end it
    outer = forward(inner)
    next(outer)
    outer.close()
    assert closed == [True]
    assert inner.gi_frame is None


@pytest.mark.parametrize("forward", FORWARDS)
def test_a_failure_within_comes_out(forward: Any) -> None:
    def failing() -> Job:
        yield Notice("begun")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        run_job(forward(failing()))
