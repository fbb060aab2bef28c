# SPDX-License-Identifier: MIT
"""A search beside live sliders: its lists so far, a hand that drags, a stop."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import msgspec
import pytest
from fakes import EDGES, SECOND, SPOTS
from headless import WAIT, of_type

from latent_explorer.app.engine.events import JobEnded
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.exploration.intents import SetAttribute, SetClassifier, SetTarget
from latent_explorer.app.exploration.state import attribute_amount
from latent_explorer.common.events import Kept, Notice
from latent_explorer.explain.attfind.plan import SearchPlan
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet

NEW = Attribute("", 1, (AttributeEntry(8, "max"),), mean_effect=3.0, exact=False)


def found(*attributes, settled=False, classifier_id="c" * 64):
    counts = {"settled": settled, "rendered_moves": 1200}
    return AttributeSet(classifier_id, "attfind-notebook-raced", 4, 1.0, "samples", attributes, counts)


@pytest.fixture
def searching(opened, monkeypatch):
    """Return the headless explorer, and a function that lets a search yield one list or, with `end`, return it."""
    lists: list = []
    opened.asked = []
    wake = threading.Event()

    def attfind(_budget, *, plan, classifier_id):
        opened.asked.append(plan.n)
        assert classifier_id == opened.explorer.state.classifier_id
        while True:
            yield Notice("still at it")
            if lists:
                each, end = lists.pop(0)
                if end:
                    return SimpleNamespace(attribute_set=each)
                yield Kept(SimpleNamespace(attribute_set=each))
                wake.set()

    def give(each, *, end=False):
        wake.clear()
        lists.append((each, end))
        if end:
            return opened.settle()
        assert wake.wait(WAIT)
        while not opened.posted.empty():
            opened.posted.get()()
        told, opened.updates[:] = list(opened.updates), []
        return told

    monkeypatch.setattr(opened.host, "attfind", attfind)
    opened.explorer.apply(SetTarget(1))
    opened.settle()
    opened.job = opened.explorer.start_attfind()
    yield opened, give
    opened.explorer.cancel(opened.job)
    opened.settle()


def listed(explorer):
    return [attribute_key(a) for a in explorer.attributes()]


def test_each_list_replaces_the_one_before_and_the_settled_one_stays(searching):
    headless, give = searching
    explorer = headless.explorer
    give(found(NEW, SPOTS))
    assert listed(explorer) == ["8max", "3max"]
    give(found(NEW))
    assert listed(explorer) == ["8max"]
    give(found(SPOTS, EDGES, settled=True), end=True)
    assert listed(explorer) == ["3max", "5min"]
    assert [s.settled for s in explorer.document.attribute_sets] == [True]


def test_a_search_that_runs_is_not_begun_again(searching):
    headless, _ = searching
    assert headless.explorer.start_attfind() == headless.job
    assert list(headless.explorer.jobs) == [headless.job]


def test_what_is_found_again_keeps_its_name(searching):
    headless, give = searching
    give(found(NEW, msgspec.structs.replace(SPOTS, name="")))
    assert [a.name for a in headless.explorer.attributes()] == ["Style 8 up", "spots"]


def test_what_a_person_moved_keeps_its_amount_and_its_slider(searching):
    headless, give = searching
    explorer = headless.explorer
    give(found(NEW, SPOTS))
    explorer.apply(SetAttribute(NEW, 0.4))
    explorer.apply(SetAttribute(SPOTS, 0.7))
    edits = explorer.state.edits
    give(found(SPOTS, EDGES))
    assert explorer.state.edits == edits
    assert set(listed(explorer)) == {"3max", "5min", "8max"}
    assert attribute_amount(explorer.state, NEW) == pytest.approx(0.4)
    assert [attribute_key(a) for a in explorer.document.sliders] == ["8max"]
    give(found(NEW, SPOTS, settled=True), end=True)  # it is listed again: no slider of its own is left
    assert listed(explorer) == ["8max", "3max"]
    assert explorer.document.sliders == ()
    explorer.undo()
    assert attribute_amount(explorer.state, SPOTS) == 0
    assert attribute_amount(explorer.state, NEW) == pytest.approx(0.4)


def test_no_list_changes_under_a_hand(searching):
    headless, give = searching
    explorer = headless.explorer
    give(found(NEW, SPOTS))
    explorer.begin_gesture()
    assert of_type(give(found(SPOTS)), updates.DocumentChanged) == []
    assert listed(explorer) == ["8max", "3max"]
    explorer.end_gesture()
    assert listed(explorer) == ["3max"]


def test_a_stop_returns_to_the_settled_list_of_the_file(searching):
    headless, give = searching
    explorer = headless.explorer
    before, unsaved = ["3max", "5min"], explorer.unsaved
    give(found(NEW))
    explorer.cancel(headless.job)
    told = headless.settle()
    assert of_type(told, JobEnded)[-1].outcome == "cancelled"
    assert listed(explorer) == before
    assert explorer.unsaved == unsaved
    (message,) = of_type(told, updates.Message)
    assert message.text.startswith("Stopped after 1,200 moves: the settled list is shown again.")


def test_a_stop_keeps_the_list_so_far_where_there_is_no_other(searching):
    headless, give = searching
    explorer = headless.explorer
    explorer.cancel(headless.job)
    (headless.folder / "second.explainer").write_text("a" * 64)
    headless.open("second.explainer")
    explorer.apply(SetClassifier(SECOND.classifier_id, 1))
    headless.settle()
    headless.job = explorer.start_attfind()
    unnamed = msgspec.structs.replace(SPOTS, name="")
    give(found(NEW, unnamed, classifier_id=SECOND.classifier_id))
    assert listed(explorer) == ["8max", "3max"]
    assert explorer.attributes()[1].name == "Style 3 up"  # the name is that of the other classifier's list
    give(found(NEW, classifier_id=SECOND.classifier_id))
    explorer.cancel(headless.job)
    headless.settle()
    assert listed(explorer) == ["8max"]
    assert [s.settled for s in explorer.document.attribute_sets] == [False]
    headless.job = explorer.start_attfind()
    give(found(NEW, classifier_id=SECOND.classifier_id))
    assert headless.asked[-2:] == [None, 4]  # it goes on with the pictures that it had; the first may not have begun


def test_it_is_searched_again_as_it_was_searched_last(searching):
    headless, give = searching
    explorer = headless.explorer
    give(found(NEW))
    explorer.cancel(headless.job)
    headless.settle()
    plan = SearchPlan("signal", n=3, kappa=0.5)
    explorer.cancel(explorer.start_attfind(plan))
    told = headless.settle()
    assert explorer.search_plan() == plan
    (message,) = of_type(told, updates.Message)
    assert "goes on" not in message.text  # nothing of it is kept


def test_a_list_of_a_model_that_was_closed_is_not_taken(searching):
    headless, give = searching
    explorer = headless.explorer
    give(found(NEW))
    headless.open("other.explainer")
    assert explorer.document.attribute_sets == ()
