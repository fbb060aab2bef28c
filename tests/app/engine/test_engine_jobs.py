# SPDX-License-Identifier: MIT
"""Jobs and calls: their order, their value, and how they are cancelled."""

from __future__ import annotations

import threading

from fake_engines import WAIT, Gate, counting, ended, endless, pictures, running

from latent_explorer.app.engine.events import JobEnded, JobEvent, JobStarted
from latent_explorer.common.events import Kept, Progress


def test_jobs_run_one_after_the_other_and_bring_their_value_back():
    with running(str) as (engine, events):
        first, second = engine.start("first", counting(3)), engine.start("second", counting(1))
        assert engine.wait_idle(WAIT)
    assert [type(e).__name__ for e in events if e.job == first] == ["JobStarted", *["JobEvent"] * 3, "JobEnded"]
    assert [e.job for e in events] == [first] * 5 + [second] * 3
    assert next(e for e in events if isinstance(e, JobEnded)).value == 3


def test_a_cancelled_job_ends_with_the_last_value_it_kept():
    second = threading.Event()

    def job(_budget):
        yield Kept("first")
        yield Kept("second")
        while True:
            second.set()
            yield Progress(0, 0)

    with running(str) as (engine, events):
        number = engine.start("job", job)
        assert second.wait(WAIT)
        engine.cancel(number)
        assert engine.wait_idle(WAIT)
    assert (events[-1].outcome, events[-1].value) == ("cancelled", "second")


def test_a_call_goes_before_pictures_and_jobs():
    gate = Gate()
    with running(gate) as (engine, events):
        engine.show("main", ["hold"])
        assert gate.entered.wait(WAIT)
        engine.show("main", ["picture"])
        engine.start("job", counting(1))
        engine.call("open", lambda: "model")
        gate.open.set()
        assert engine.wait_idle(WAIT)
    held, started, opened = events[:3]
    assert held.result == "hold"
    assert (started.name, opened.name, opened.value) == ("open", "open", "model")
    assert pictures(events) == ["hold", "picture"]


def test_cancel_closes_the_generator_on_the_worker_thread():
    log: list = []
    started = threading.Event()
    with running(str) as (engine, events):
        job = engine.start("search", endless(log, started))
        assert started.wait(WAIT)
        engine.cancel(job)
        assert engine.wait_idle(WAIT)
        assert log == ["engine"]
        assert ended(events) == [("search", "cancelled")]
        engine.cancel(job)  # twice does no harm
        engine.cancel(12345)
        assert engine.wait_idle(WAIT)
    assert len(ended(events)) == 1


def test_a_waiting_job_can_be_cancelled_and_never_begins():
    log: list = []
    started = threading.Event()
    with running(str) as (engine, events):
        first = engine.start("first", endless(log, started))
        second = engine.start("second", counting(1))
        assert started.wait(WAIT)
        engine.cancel(second)
        engine.cancel(first)
        assert engine.wait_idle(WAIT)
    assert sorted(ended(events)) == [("first", "cancelled"), ("second", "cancelled")]
    assert all(e.job == first for e in events if isinstance(e, (JobStarted, JobEvent)))


def test_a_job_whose_cleaning_up_fails_ends_as_failed():
    started = threading.Event()

    def job(_budget):
        try:
            while True:
                started.set()
                yield Progress(0, 0)
        finally:
            raise OSError("the disk is gone")

    with running(str) as (engine, events):
        number = engine.start("job", job)
        assert started.wait(WAIT)
        engine.cancel(number)
        assert engine.wait_idle(WAIT)
    assert ended(events) == [("job", "failed")]
