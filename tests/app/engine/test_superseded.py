# SPDX-License-Identifier: MIT
"""Pictures that take long: given up for a higher slot and begun again, and held back while a hand pauses."""

from __future__ import annotations

import threading
import time

import pytest
from fake_engines import WAIT, counting, pictures, running

from latent_explorer.app.engine.events import JobStarted, PictureReady
from latent_explorer.common.jobs import GivenUp


class Slow:
    """Renderer that asks between two blocks whether it must go on; `meanwhile` happens in the first block."""

    def __init__(self, slow: str, meanwhile) -> None:
        self.slow, self.meanwhile = slow, meanwhile
        self.begun: list[str] = []
        self.asked = False
        self.engine = None
        self.ready = threading.Event()

    def __call__(self, request):
        assert self.ready.wait(WAIT)
        self.begun.append(request)
        if request == self.slow and self.begun.count(request) == 1:
            self.meanwhile(self.engine)
            superseded = self.engine.superseded()
            self.asked = True
            if superseded:
                raise GivenUp
        return request


def run(slow: Slow, slot: str, requests: list[str], **options) -> list:
    with running(slow, **options) as (engine, events):
        slow.engine = engine
        slow.ready.set()
        engine.show(slot, requests)
        assert engine.wait_idle(WAIT)
    return events


def test_a_lower_slot_gives_up_for_a_higher_one_and_begins_again():
    slow = Slow("g1", lambda engine: engine.show("main", ["now"]))
    events = run(slow, "grid", ["g0", "g1", "g2"])
    assert slow.begun == ["g0", "g1", "now", "g1", "g2"]
    assert pictures(events, "grid") == ["g0", "g1", "g2"]
    assert [e.index for e in events if isinstance(e, PictureReady) and e.slot == "grid"] == [0, 1, 2]


def test_what_is_not_wanted_any_more_is_given_up_for_good():
    slow = Slow("old", lambda engine: engine.show("grid", ["new"]))
    events = run(slow, "grid", ["old"])
    assert pictures(events, "grid") == ["new"]
    slow = Slow("old", lambda engine: engine.show("grid", []))
    assert run(slow, "grid", ["old"]) == []


def test_neither_a_lower_slot_nor_a_delayed_one_interrupts():
    slow = Slow("h", lambda engine: engine.show("grid", ["g"]))
    assert pictures(run(slow, "hover", ["h"]), "hover") == ["h"]
    assert slow.begun == ["h", "g"]
    slow = Slow("g", lambda engine: engine.show("hover", ["h"], delay=0.01))
    run(slow, "grid", ["g"], clock=lambda: float(slow.asked))  # the delay is over once the engine was asked
    assert slow.begun == ["g", "h"]


def test_no_picture_interrupts_the_first_slot():
    slow = Slow("first", lambda engine: engine.show("main", ["second"]))
    assert pictures(run(slow, "main", ["first"])) == ["first", "second"]


@pytest.mark.parametrize("slot", ["main", "hover", "grid"])
def test_every_picture_gives_way_to_a_call(slot):
    """Opening another file waited for the picture in hand, for seconds at 1024 px."""
    slow = Slow("p0", lambda engine: engine.call("Opening", lambda: slow.begun.append("opened")))
    events = run(slow, slot, ["p0", "p1"])
    assert slow.begun == ["p0", "opened", "p0", "p1"]
    assert pictures(events, slot) == ["p0", "p1"]


def test_what_a_call_makes_needless_is_not_begun_again():
    def open_other(engine):
        engine.show("main", [])
        engine.call("Opening", lambda: None)

    slow = Slow("p0", open_other)
    assert pictures(run(slow, "main", ["p0"])) == []
    assert slow.begun == ["p0"]


def test_a_delayed_slot_holds_back_what_is_below_it_but_not_what_is_above():
    now = 0.0
    above = threading.Event()

    def render(request):
        if request == "above":
            above.set()
        return request

    with running(render, clock=lambda: now) as (engine, events):
        engine.show("hover", ["later"], delay=10.0)
        engine.show("grid", ["below"])
        engine.start("job", counting(1))
        engine.show("main", ["above"])
        assert above.wait(WAIT)
        now = 11.0
        engine.show("main", [])  # wakes the engine, which waits for ten seconds of the real clock
        assert engine.wait_idle(WAIT)
    pictures_and_jobs = [e for e in events if isinstance(e, (PictureReady, JobStarted))]
    order = [e.result if isinstance(e, PictureReady) else "job" for e in pictures_and_jobs]
    assert order[:2] == ["above", "later"]
    assert sorted(order[2:]) == ["below", "job"]


def test_waiting_for_a_delayed_slot_is_no_busy_loop():
    """What was due below it was asked about again and again, thousands of times in a quarter of a second."""
    asked = 0

    def clock() -> float:
        nonlocal asked
        asked += 1
        return time.monotonic()

    with running(lambda request: request, clock=clock) as (engine, events):
        engine.show("hover", ["later"], delay=0.2)
        engine.show("grid", ["below"])
        assert engine.wait_idle(WAIT)
    assert [e.result for e in events] == ["later", "below"]
    assert asked < 100
