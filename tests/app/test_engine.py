# SPDX-License-Identifier: MIT
"""The engine's promises: latest wins, jobs beside pictures, failures as values, no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from simulation import Simulation

from latent_explorer.app.engine import (
    Engine,
    JobEnded,
    JobEvent,
    JobStarted,
    PictureFailed,
    PictureReady,
)
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Progress, Result

WAIT = 10.0


class Gate:
    """A renderer that stands still until the test lets it go; `entered` says that a picture is in hand."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self, request):
        self.entered.set()
        assert self.open.wait(WAIT)
        return request


@contextmanager
def running(render: Callable, **options) -> Iterator[tuple[Engine, list]]:
    events: list = []
    engine = Engine(render, events.append, **options)
    try:
        yield engine, events
    finally:
        engine.close()


def pictures(events: list, slot: str = "main") -> list:
    return [e.result for e in events if isinstance(e, PictureReady) and e.slot == slot]


def ended(events: list) -> list[tuple[str, str]]:
    return [(e.name, e.outcome) for e in events if isinstance(e, JobEnded)]


def counting(total: int):
    """A job of `total` steps."""

    def job(_budget):
        for i in range(total):
            yield Progress(i, total)
        return total

    return job


# Pictures ----------------------------------------------------------------------------------------


def test_latest_wins_and_the_picture_in_hand_is_finished():
    gate = Gate()
    with running(gate) as (engine, events):
        engine.show("main", ["first"])
        assert gate.entered.wait(WAIT)
        for request in ("second", "third", "fourth"):
            generation = engine.show("main", [request])
        gate.open.set()
        assert engine.wait_idle(WAIT)
        assert pictures(events) == ["first", "fourth"]
        assert events[-1].generation == generation


def test_slots_are_served_by_priority_and_in_order_of_their_lists():
    gate = Gate()
    with running(gate) as (engine, events):
        engine.show("main", ["hold"])
        assert gate.entered.wait(WAIT)
        engine.show("grid", ["g0", "g1"])
        engine.show("hover", ["minus", "plus"])
        gate.open.set()
        assert engine.wait_idle(WAIT)
        assert [e.result for e in events] == ["hold", "minus", "plus", "g0", "g1"]
        assert [e.index for e in events] == [0, 0, 1, 0, 1]


def test_an_empty_list_clears_the_slot():
    gate = Gate()
    with running(gate) as (engine, events):
        engine.show("main", ["hold"])
        assert gate.entered.wait(WAIT)
        engine.show("grid", ["g0", "g1"])
        engine.show("grid", [])
        gate.open.set()
        assert engine.wait_idle(WAIT)
        assert pictures(events, "grid") == []


def test_everything_runs_on_one_thread_that_is_not_the_callers():
    threads = set()

    def note(value=None):
        threads.add(threading.current_thread())
        return value

    def job(_budget):
        note()
        yield Progress(0, 1)
        note()

    with running(note) as (engine, _events):
        engine.show("main", [1])
        engine.start("job", job)
        engine.call("call", note)
        assert engine.wait_idle(WAIT)
    assert len(threads) == 1
    assert threading.current_thread() not in threads


# Failures ----------------------------------------------------------------------------------------


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


FAILURES = [
    (UserError("There is no sample 9. Choose another."), "user"),
    (MemoryError(), "memory"),
    (OutOfMemoryError("CUDA"), "memory"),
    (RuntimeError("MPS backend out of memory (in use: 9 GB)"), "memory"),
    (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate"), "memory"),
    (ValueError("shapes differ"), "defect"),
    (SystemExit(3), "defect"),
]


@pytest.mark.parametrize(("error", "kind"), FAILURES)
def test_a_failed_picture_is_a_value_and_the_next_one_is_made(error, kind):
    def render(request):
        if request == "bad":
            raise error
        return request

    with running(render) as (engine, events):
        engine.show("main", ["bad"])
        assert engine.wait_idle(WAIT)
        engine.show("main", ["good"])
        assert engine.wait_idle(WAIT)
    failed, ready = events
    assert isinstance(failed, PictureFailed)
    assert failed.failure.kind == kind
    assert "Traceback" in failed.failure.details
    assert failed.failure.message
    assert ready.result == "good"
    if kind == "user":
        assert failed.failure.message == str(error)
    if kind == "defect":
        assert type(error).__name__ in failed.failure.message


@pytest.mark.parametrize("step", [0, 1], ids=["at once", "after a step"])
def test_a_failed_job_is_a_value_and_the_next_job_runs(step):
    def job(_budget):
        for _ in range(step):
            yield Progress(0, 1)
        raise UserError("The disk is full. Free some space.")
        yield

    with running(str) as (engine, events):
        engine.start("bad", job)
        engine.start("good", counting(2))
        assert engine.wait_idle(WAIT)
    assert ended(events) == [("bad", "failed"), ("good", "finished")]
    assert next(e.failure for e in events if isinstance(e, JobEnded)).kind == "user"


def test_a_failed_call_is_a_value():
    def fail():
        raise UserError("no")

    with running(str) as (engine, events):
        engine.call("open", fail)
        assert engine.wait_idle(WAIT)
    assert ended(events) == [("open", "failed")]


@pytest.mark.logs_errors
def test_a_failing_listener_does_not_stop_the_engine():
    seen = []

    def deliver(event):
        seen.append(event)
        raise ValueError("the window is gone")

    engine = Engine(str, deliver)
    engine.show("main", [1])
    assert engine.wait_idle(WAIT)
    engine.show("main", [2])
    assert engine.wait_idle(WAIT)
    engine.close()
    assert [e.result for e in seen] == ["1", "2"]


# Jobs --------------------------------------------------------------------------------------------


def test_jobs_run_one_after_the_other_and_bring_their_value_back():
    with running(str) as (engine, events):
        first, second = engine.start("first", counting(3)), engine.start("second", counting(1))
        assert engine.wait_idle(WAIT)
    assert [type(e).__name__ for e in events if e.job == first] == [
        "JobStarted",
        *["JobEvent"] * 3,
        "JobEnded",
    ]
    assert [e.job for e in events] == [first] * 5 + [second] * 3
    assert next(e for e in events if isinstance(e, JobEnded)).value == 3


def test_the_value_of_a_job_without_return_is_its_last_result():
    def job(_budget):
        yield Result("made")

    with running(str) as (engine, events):
        engine.start("job", job)
        assert engine.wait_idle(WAIT)
    assert events[-1].value == "made"


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


def endless(log: list, started: threading.Event):
    def job(_budget):
        try:
            while True:
                started.set()
                yield Progress(0, 0)
        finally:
            log.append(threading.current_thread().name)

    return job


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


# The end -----------------------------------------------------------------------------------------


def engine_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "engine"]


def test_close_during_a_job_cleans_up_and_leaves_no_thread():
    log: list = []
    started = threading.Event()
    with running(str) as (engine, events):
        engine.start("search", endless(log, started))
        engine.start("later", counting(1))
        assert started.wait(WAIT)
        engine.close()
        assert engine_threads() == []
        engine.close()  # again
    assert log == ["engine"]
    assert ended(events) == [("search", "cancelled"), ("later", "cancelled")]


def test_close_lets_the_picture_in_hand_finish():
    gate = Gate()
    with running(gate) as (engine, events):
        engine.show("main", ["in hand"])
        assert gate.entered.wait(WAIT)
        engine.show("main", ["never"])
        threading.Timer(0.05, gate.open.set).start()
        engine.close()
    assert pictures(events) == ["in hand"]


def test_close_asked_for_by_a_listener_does_not_deadlock():
    done = threading.Event()

    def deliver(_event):
        engine.close()
        done.set()

    engine = Engine(str, deliver)
    engine.show("main", [1])
    assert done.wait(WAIT)
    engine.close()
    assert engine_threads() == []


def test_a_render_that_never_returns_does_not_hold_close_up(caplog):
    gate = Gate()
    with running(gate) as (engine, _events):
        engine.show("main", ["stuck"])
        assert gate.entered.wait(WAIT)
        engine.close(timeout=0.01)
        assert "did not stop" in caplog.text
        gate.open.set()


def test_a_closed_engine_refuses_work():
    with running(str) as (engine, _events):
        engine.close()
        for ask in (
            lambda: engine.show("main", [1]),
            lambda: engine.start("job", counting(1)),
            lambda: engine.call("call", int),
        ):
            with pytest.raises(RuntimeError, match="closed"):
                ask()


# Timing, in the units of one picture and one step ------------------------------------------------


def simulated(picture: float) -> tuple[Simulation, Engine, list]:
    """An engine whose pictures cost `picture` seconds of simulated time; `events` are (time, event)."""
    sim = Simulation()
    events: list = []

    def render(request):
        sim.advance(picture)
        return request

    engine = Engine(render, lambda event: events.append((sim.now, event)), clock=sim.clock)
    return sim, engine, events


def busy_job(sim: Simulation, until: float, steps: list[float]):
    """A job that uses its whole budget at every step."""

    def job(budget):
        while sim.now < until:
            steps.append(budget.seconds())
            sim.advance(steps[-1])
            yield Progress(0, 0)

    return job


def latencies(asked: list[float], events: list) -> list[float]:
    """Seconds from each intent (request i at asked[i]) to the first picture at least as new."""
    shown = [(t, e.result) for t, e in events if isinstance(e, PictureReady) and e.slot == "main"]
    return [
        next(t for t, newest in shown if newest >= number) - at for number, at in enumerate(asked)
    ]


@pytest.mark.parametrize("picture", [0.004, 0.016, 0.050])
@pytest.mark.parametrize("interval", [0.003, 0.008, 0.021, 0.130])
@pytest.mark.parametrize("with_grid", [False, True])
def test_an_intent_during_a_job_waits_for_at_most_one_step_and_two_pictures(
    picture, interval, with_grid
):
    sim, engine, events = simulated(picture)
    steps: list[float] = []
    asked: list[float] = []

    def intent():
        engine.show("main", [len(asked)])
        asked.append(sim.now)
        if with_grid:
            engine.show("grid", list(range(12)))

    # One intent out of the blue, then a drag of two seconds.
    sim.at(3.0, intent)
    for i in range(int(2 / interval)):
        sim.at(5.0 + i * interval, intent)
    engine.start("job", busy_job(sim, until=9.0, steps=steps))
    assert engine.wait_idle(WAIT)
    engine.close()
    waits = latencies(asked, events)
    # Out of the blue the step in hand may be a long one; from then on steps are short.
    assert max(waits) <= max(0.3, picture) + 2 * picture + 1e-9
    dragging = [wait for wait, at in zip(waits, asked, strict=True) if at > 5.0 + 0.3]
    assert max(dragging) <= max(0.030, picture) + 2 * picture + 1e-9
    assert max(steps) == 0.3
    assert min(steps) == pytest.approx(max(0.030, picture))


def test_a_steady_drag_starves_neither_the_grid_nor_the_job():
    sim, engine, events = simulated(0.016)
    steps: list[float] = []

    def intent():
        engine.show("main", [sim.now])
        engine.show("grid", list(range(12)))  # a new list at every move, twelve pictures long

    for i in range(400):
        sim.at(i * 0.008, intent)  # faster than a picture, for 3.2 s
    engine.start("job", busy_job(sim, until=3.2, steps=steps))
    assert engine.wait_idle(WAIT)
    engine.close()
    during = [e for t, e in events if t < 3.2]
    grid = [e.index for e in during if isinstance(e, PictureReady) and e.slot == "grid"]
    assert {grid.count(i) for i in range(12)} <= {len(grid) // 12, len(grid) // 12 + 1}
    assert len(grid) >= 24  # each at least twice
    assert len(steps) >= 24
    assert len(pictures(during)) >= len(grid)


def test_a_list_cut_short_goes_on_where_it_was_and_ends_complete():
    gate = Gate()
    gate.open.set()
    with running(gate) as (engine, events):
        shown = threading.Event()

        def render_some(request):
            if request == "b2" and not shown.is_set():
                shown.set()
                engine.show("grid", ["n0", "n1", "n2", "n3"])
            return request

        engine._render = render_some
        engine.show("grid", ["b0", "b1", "b2", "b3"])
        assert engine.wait_idle(WAIT)
        assert pictures(events, "grid") == ["b0", "b1", "b2", "n3", "n0", "n1", "n2"]


def test_step_budget_rules():
    sim, engine, _events = simulated(0.016)
    budgets: dict[str, float] = {}

    def job(budget):
        budgets["at rest"] = budget.seconds()
        engine.show("main", ["asked"])
        yield Progress(0, 0)  # the picture is made: 16 ms
        budgets["just asked"] = budget.seconds()
        sim.advance(0.98)
        budgets["almost a second later"] = budget.seconds()
        sim.advance(0.1)
        budgets["over a second later"] = budget.seconds()
        engine.show("grid", ["waits"])
        sim.advance(2.0)
        budgets["while a picture waits"] = budget.seconds()
        yield Progress(0, 0)
        engine.show("main", [])
        budgets["nothing was asked"] = budget.seconds()

    engine.start("job", job)
    assert engine.wait_idle(WAIT)
    engine.close()
    assert budgets == {
        "at rest": 0.3,
        "just asked": 0.030,
        "almost a second later": 0.030,
        "over a second later": 0.3,
        "while a picture waits": 0.030,
        "nothing was asked": 0.3,
    }


@pytest.mark.parametrize(("picture", "recent", "rest"), [(0.1, 0.1, 0.3), (0.5, 0.5, 0.5)])
def test_a_step_may_always_last_as_long_as_one_picture(picture, recent, rest):
    sim, engine, _events = simulated(picture)
    budgets: list[float] = []

    def job(budget):
        engine.show("main", ["asked"])
        yield Progress(0, 0)
        budgets.append(budget.seconds())
        sim.advance(2.0)
        budgets.append(budget.seconds())

    engine.start("job", job)
    assert engine.wait_idle(WAIT)
    engine.close()
    assert budgets == pytest.approx([recent, rest])
