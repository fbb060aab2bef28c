# SPDX-License-Identifier: MIT
"""The engine's timing on a simulated clock, in the units of one picture and one step; no test waits or measures."""

from __future__ import annotations

import itertools

import pytest
from simulation import Simulation

from latent_explorer.app.engine.engine import Engine
from latent_explorer.app.engine.events import PictureReady
from latent_explorer.common.events import Progress

WAIT = 60.0


def simulated(picture: float) -> tuple[Simulation, Engine, list]:
    """Make an engine whose pictures cost `picture` seconds of simulated time; `events` are (time, event)."""
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
            steps.append(budget())
            sim.advance(steps[-1])
            yield Progress(0, 0)

    return job


def latencies(asked: list[float], events: list) -> list[float]:
    """Return the seconds from each intent (request i at asked[i]) to the first picture at least as new."""
    shown = [(t, e.result) for t, e in events if isinstance(e, PictureReady) and e.slot == "main"]
    return [next(t for t, newest in shown if newest >= number) - at for number, at in enumerate(asked)]


@pytest.mark.parametrize("picture", [0.004, 0.016, 0.050])
@pytest.mark.parametrize("interval", [0.003, 0.008, 0.021, 0.130])
@pytest.mark.parametrize("with_grid", [False, True])
def test_an_intent_during_a_job_waits_for_at_most_one_step_and_two_pictures(picture, interval, with_grid):
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
    assert max(dragging) <= max(0.030 - picture, picture) + 2 * picture + 1e-9
    assert max(steps) == 0.3
    assert min(steps) == pytest.approx(max(0.030 - picture, picture))


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
    shown = [e for e in during if isinstance(e, PictureReady) and e.slot == "main"]
    assert len(shown) >= len(grid)


def test_step_budget_rules():
    sim, engine, _events = simulated(0.016)
    budgets: dict[str, float] = {}

    def job(budget):
        budgets["at rest"] = budget()
        engine.show("main", ["asked"])
        yield Progress(0, 0)  # the picture is made: 16 ms
        budgets["just asked"] = budget()
        sim.advance(0.98)
        budgets["almost a second later"] = budget()
        sim.advance(0.1)
        budgets["over a second later"] = budget()
        engine.show("grid", ["waits"])
        sim.advance(2.0)
        budgets["while a picture waits"] = budget()
        yield Progress(0, 0)
        engine.show("main", [])
        budgets["nothing was asked"] = budget()

    engine.start("job", job)
    assert engine.wait_idle(WAIT)
    engine.close()
    assert budgets == pytest.approx(
        {
            "at rest": 0.3,
            "just asked": 0.016,
            "almost a second later": 0.016,
            "over a second later": 0.3,
            "while a picture waits": 0.016,
            "nothing was asked": 0.3,
        }
    )


@pytest.mark.parametrize(("picture", "recent", "rest"), [(0.1, 0.1, 0.3), (0.5, 0.5, 0.5)])
def test_a_step_may_always_last_as_long_as_one_picture(picture, recent, rest):
    sim, engine, _events = simulated(picture)
    budgets: list[float] = []

    def job(budget):
        engine.show("main", ["asked"])
        yield Progress(0, 0)
        budgets.append(budget())
        sim.advance(2.0)
        budgets.append(budget())

    engine.start("job", job)
    assert engine.wait_idle(WAIT)
    engine.close()
    assert budgets == pytest.approx([recent, rest])


@pytest.mark.parametrize("picture", [0.004, 0.012, 0.016])
def test_a_hand_that_follows_the_picture_gets_thirty_a_second_beside_a_job(picture):
    """Each intent comes when the picture before is there: it waits for one whole step, and then for its own picture."""
    sim = Simulation()
    steps: list[float] = []
    shown: list[float] = []

    def render(request):
        sim.advance(picture)
        return request

    def follow(event):
        if isinstance(event, PictureReady):
            shown.append(sim.now)
            engine.show("main", [len(shown)] if len(shown) < 60 else [])

    engine = Engine(render, follow, clock=sim.clock)
    sim.at(1.0, lambda: engine.show("main", [0]))
    engine.start("job", busy_job(sim, until=4.0, steps=steps))
    assert engine.wait_idle(WAIT)
    engine.close()
    assert len(shown) == 60
    assert max(later - before for before, later in itertools.pairwise(shown[1:])) <= 0.033
    assert min(steps) >= picture - 1e-9  # and the job has at least half of the time


def test_what_no_hand_waits_for_makes_no_step_longer():
    """Where drafts are shown, a whole picture of seconds made every step beside a drag as long."""
    now = 0.0

    def render(request):
        nonlocal now
        now += request
        return request

    engine = Engine(render, lambda _event: None, clock=lambda: now)
    budgets: list[float] = []

    def job(budget):
        engine.show("main", [0.004])
        yield Progress(0, 0)
        engine.show("grid", [2.0])
        yield Progress(0, 0)
        yield Progress(0, 0)
        engine.show("main", [0.004])
        budgets.append(budget())

    engine.start("job", job)
    assert engine.wait_idle(WAIT)
    engine.close()
    assert budgets == pytest.approx([0.026])
