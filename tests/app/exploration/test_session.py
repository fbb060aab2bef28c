# SPDX-License-Identifier: MIT
"""Intents make states, the session keeps them, history brings them back."""

from __future__ import annotations

import msgspec
import pytest
from exploration_examples import AGE
from fakes import BOTH, EDGES, SPOTS, make_summary
from hypothesis import given
from hypothesis import strategies as st

from latent_explorer.app.exploration.intents import (
    ResetAttributes,
    Restore,
    SetAttribute,
    SetBase,
    SetClassifier,
    SetCond,
    SetCutoff,
    SetEdit,
    SetEdits,
    SetNoise,
    SetTarget,
    SetTruncateEncoded,
    SetTruncation,
    describe_base,
)
from latent_explorer.app.exploration.session import Session
from latent_explorer.app.exploration.state import ExplorerState, attribute_amount
from latent_explorer.explain.recipe import DirectionShift, Noise, ProjectedBase, SampleBase, SeedBase, StyleShift

STATE = ExplorerState("a" * 64, SampleBase(0), classifier_id="c" * 64, target_class=1)


@pytest.fixture
def seen() -> list:
    """Return the changes that the session reported."""
    return []


@pytest.fixture
def session(seen) -> Session:
    return Session(make_summary(), STATE, lambda old, new: seen.append((old, new)))


INTENTS = [
    (SetBase(SeedBase(7)), "change to seed 7"),
    (SetBase(SampleBase(2)), "change to sample leaf-2"),
    (SetBase(ProjectedBase("x")), "change to projected picture"),
    (SetTruncation(0.7), "change of truncation"),
    (SetCutoff(3), "change of the truncated rows"),
    (SetTruncateEncoded(True), "truncation of stored pictures"),
    (SetNoise(Noise("none")), "change of noise"),
    (SetCond((0.2, 0.8)), "change of the class given to the generator"),
    (SetAttribute(SPOTS, 0.5), '"spots"'),
    (SetAttribute(EDGES, 0.5), '"style 5"'),
    (SetAttribute(msgspec.structs.replace(BOTH, name=""), 0.5), '"2 styles"'),
    (SetAttribute(msgspec.structs.replace(EDGES, name="Style 5 down"), 0.5), '"style 5"'),
    (SetEdit(StyleShift(14, "max", 1.5, "sigma")), '"style 14"'),
    (SetEdit(DirectionShift(AGE, 2.0)), '"age"'),
    (SetEdits((StyleShift(1, "min", 1.0),), "flip with 1"), "flip with 1"),
    (SetTarget(0), "change of class"),
    (SetClassifier("d" * 64, 1), "change of classifier"),
    (Restore(msgspec.structs.replace(STATE, truncation_psi=0.3)), "change to a saved picture"),
]


@pytest.mark.parametrize(("intent", "label"), INTENTS, ids=[label for _, label in INTENTS])
def test_every_intent_changes_the_state_says_so_and_can_be_undone(session, seen, intent, label):
    session.apply(intent)
    after = session.state
    assert after != STATE
    assert session.undo_text == f"Undo {label}"
    session.undo()
    assert session.state == STATE
    assert session.undo_text == ""
    assert session.redo_text == f"Redo {label}"
    session.redo()
    assert session.state == after
    assert seen == [(STATE, after), (after, STATE), (STATE, after)]


def test_what_changes_nothing_is_no_step(session, seen):
    for intent in (SetTarget(1), ResetAttributes(), SetAttribute(SPOTS, 0.0), SetBase(SampleBase(0))):
        session.apply(intent)
    session.undo()
    session.redo()
    assert seen == []
    assert session.undo_text == ""


def test_one_drag_is_one_step(session):
    for amounts in ((0.1, 0.2, 0.3), (0.5, 0.9)):
        session.begin_gesture()
        for amount in amounts:
            session.apply(SetAttribute(SPOTS, amount))
        session.end_gesture()
    session.undo()
    assert attribute_amount(session.state, SPOTS) == 0.3
    session.undo()
    assert session.state == STATE


def test_without_a_gesture_every_change_is_a_step(session):
    session.apply(SetTruncation(0.9))
    session.apply(SetTruncation(0.8))
    session.undo()
    assert session.state.truncation_psi == 0.9


def test_a_drag_of_something_else_does_not_merge(session):
    session.begin_gesture()
    session.apply(SetAttribute(SPOTS, 0.1))
    session.apply(SetAttribute(EDGES, 0.1))
    session.apply(SetAttribute(EDGES, 0.2))
    session.end_gesture()
    session.undo()
    assert attribute_amount(session.state, SPOTS) == 0.1
    assert attribute_amount(session.state, EDGES) == 0.0


def test_a_drag_that_returns_to_its_start_is_no_step(session):
    session.apply(SetTruncation(0.5))
    session.begin_gesture()
    for amount in (0.1, 0.4, 0.0):
        session.apply(SetAttribute(SPOTS, amount))
    session.end_gesture()
    assert session.undo_text == "Undo change of truncation"


def test_a_new_change_forgets_what_was_undone(session):
    session.apply(SetTruncation(0.5))
    session.undo()
    session.apply(SetTarget(0))
    assert session.redo_text == ""
    session.redo()
    assert session.state.truncation_psi == 1.0


def test_an_override_of_cond_goes_from_seed_to_seed_only(session):
    told = (0.1, 0.9)
    session.apply(SetBase(SeedBase(1)))
    session.apply(SetCond(told))
    session.apply(SetBase(SeedBase(2)))
    assert session.state.cond == told
    session.apply(SetBase(SampleBase(1)))
    assert session.state.cond is None


def test_edits_of_other_coordinates_and_units_stay(session):
    session.apply(SetEdit(StyleShift(3, "max", 2.0, "sigma")))
    session.apply(SetAttribute(SPOTS, 0.5))
    session.apply(SetEdit(DirectionShift(AGE, 1.0)))
    session.apply(SetAttribute(SPOTS, 0.0))
    assert set(session.state.edits) == {StyleShift(3, "max", 2.0, "sigma"), DirectionShift(AGE, 1.0)}
    session.apply(SetEdit(StyleShift(3, "min", 1.0, "sigma")))
    assert StyleShift(3, "max", -1.0, "sigma") in session.state.edits


def test_an_attribute_of_several_styles_moves_them_together(session):
    session.apply(SetAttribute(BOTH, 0.8))
    assert session.state.edits == (StyleShift(3, "max", 0.4), StyleShift(7, "max", -0.8))
    assert attribute_amount(session.state, BOTH) == pytest.approx(0.8)


def test_resetting_everything_keeps_the_base(session):
    session.apply(SetBase(SeedBase(3)))
    session.apply(SetAttribute(SPOTS, 1.0))
    session.apply(ResetAttributes())
    assert session.state.edits == ()
    assert session.state.base == SeedBase(3)
    assert session.undo_text == "Undo reset of all attributes"


def test_a_sample_without_a_table_is_called_by_its_number():
    summary = make_summary()
    assert describe_base(SampleBase(99), summary) == "sample 99"


@given(st.lists(st.integers(), max_size=30), st.integers(1, 40))
def test_undoing_everything_and_redoing_it_comes_back(values, most):
    trail = [STATE]
    session = Session(make_summary(), STATE, lambda _old, new: trail.append(new), most)
    for value in values:
        session.apply(SetTarget(value))
    kept, trail[:] = trail[-(most + 1) :], []
    while session.undo_text:
        session.undo()
    assert [*trail[::-1], kept[-1]] == kept
    trail.clear()
    while session.redo_text:
        session.redo()
    assert [kept[0], *trail] == kept
