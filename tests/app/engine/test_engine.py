# SPDX-License-Identifier: MIT
"""The engine's promises: latest wins, failures are values, no thread is left behind."""

from __future__ import annotations

import threading

import pytest
from fake_engines import WAIT, Gate, counting, ended, endless, pictures, running

from latent_explorer.app.engine.engine import Engine
from latent_explorer.app.engine.events import JobEnded, PictureFailed
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Progress


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


def test_a_list_cut_short_goes_on_where_it_was_and_ends_complete():
    def render(request):
        if request == "b2" and not shown.is_set():
            shown.set()
            engine.show("grid", ["n0", "n1", "n2", "n3"])
        return request

    shown = threading.Event()
    with running(render) as (engine, events):
        engine.show("grid", ["b0", "b1", "b2", "b3"])
        assert engine.wait_idle(WAIT)
        assert pictures(events, "grid") == ["b0", "b1", "b2", "n3", "n0", "n1", "n2"]


def test_an_ordered_list_is_begun_at_its_head():
    def render(request):
        if request == "b1":
            engine.show("grid", ["n0", "n1", "n2"])
        return request

    with running(render, ordered=["grid"]) as (engine, events):
        engine.show("grid", ["b0", "b1", "b2"])
        assert engine.wait_idle(WAIT)
        assert pictures(events, "grid") == ["b0", "b1", "n0", "n1", "n2"]


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
