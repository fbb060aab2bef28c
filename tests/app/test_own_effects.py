# SPDX-License-Identifier: MIT
"""What each attribute does to the picture on the canvas, with its other edits as they are."""

from __future__ import annotations

import msgspec
import pytest
from fake_explainer import classify, edited_styles, model_host
from headless import HeadlessExplorer

from latent_explorer.app import own_effects
from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.exploration.intents import SetAttribute, SetBase, SetTarget
from latent_explorer.app.exploration.picture_requests import resolve
from latent_explorer.app.exploration.state import with_attribute
from latent_explorer.app.exploration.updates import OwnEffects, TimelinePlaying
from latent_explorer.app.own_effects import OwnEffectMeter, effect_requests
from latent_explorer.explain.recipe import SampleBase


@pytest.fixture
def marking(folder):
    headless = HeadlessExplorer(folder, model_host())
    meter = OwnEffectMeter(headless.explorer)
    headless.open()
    yield headless, meter
    headless.explorer.close()


def told_effects(told):
    return [update for update in told if isinstance(update, OwnEffects)]


def expected(explorer, attribute):
    logits = []
    for amount in (0.0, 1.0):
        state = msgspec.structs.replace(explorer.state, edits=with_attribute(explorer.state, attribute, amount))
        logits.append(classify(edited_styles(resolve(state, explorer.summary).recipe))[0][state.target_class])
    return logits[1] - logits[0]


def test_effects_are_those_of_the_slider_on_this_picture_as_it_is(marking):
    headless, meter = marking
    explorer = headless.explorer
    chosen = explorer.attributes()[:7]
    meter.show(chosen)
    (found,) = told_effects(headless.settle())
    assert found.exact
    for change in (SetBase(SampleBase(7)), SetAttribute(chosen[2], 0.4), SetAttribute(chosen[5], -0.5)):
        explorer.apply(change)
        (found,) = told_effects(headless.settle())
        assert found.effects == pytest.approx({attribute_key(a): expected(explorer, a) for a in chosen}, abs=1e-5)
    assert any(abs(effect) > 0.1 for effect in found.effects.values())


def test_they_wait_for_the_end_of_a_drag_and_of_playing(marking):
    headless, meter = marking
    explorer = headless.explorer
    meter.show(explorer.attributes()[:2])
    headless.settle()
    explorer.begin_gesture()
    explorer.apply(SetAttribute(explorer.attributes()[0], 0.5))
    assert told_effects(headless.settle()) == []
    explorer.end_gesture()
    assert len(told_effects(headless.settle())) == 1
    explorer.updates.emit(TimelinePlaying(True))
    explorer.apply(SetBase(SampleBase(9)))
    assert told_effects(headless.settle()) == []
    explorer.updates.emit(TimelinePlaying(False))
    assert len(told_effects(headless.settle())) == 1


def test_another_class_has_other_effects(marking):
    headless, meter = marking
    explorer = headless.explorer
    chosen = explorer.attributes()[:3]
    meter.show(chosen)
    (one,) = told_effects(headless.settle())
    explorer.apply(SetTarget(1))
    (other,) = told_effects(headless.settle())
    assert list(other.effects.values()) == pytest.approx([-each for each in one.effects.values()])


def test_large_pictures_are_predicted_by_one_gradient(marking, monkeypatch):
    headless, _ = marking
    state, summary, attributes = headless.explorer.state, headless.explorer.summary, headless.explorer.attributes()
    assert all(request.predicted is None for request in effect_requests(state, summary, attributes))
    monkeypatch.setattr(own_effects, "LARGEST_RENDERED", 32)
    (request,) = effect_requests(state, summary, attributes)
    assert request.predicted == state.target_class
    assert len(request.edits) == len(attributes) + 1


def test_answers_about_attributes_that_are_shown_no_more_are_theirs(marking):
    """The list was emptied while answers were on their way, and the window raised an error."""
    headless, meter = marking
    explorer = headless.explorer
    chosen = explorer.attributes()[:3]
    meter.show(chosen)
    explorer.updates.emit(TimelinePlaying(True))  # nothing new is asked meanwhile
    meter.show(())
    (found,) = told_effects(headless.settle())
    assert found.effects == pytest.approx({attribute_key(a): expected(explorer, a) for a in chosen}, abs=1e-5)
