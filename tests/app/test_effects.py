# SPDX-License-Identifier: MIT
"""Mean changes of the target's probability, measured on encoded pictures after everything else."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from fake_explainer import model_host
from headless import HeadlessExplorer

from latent_explorer.app.effects import FEWEST, EffectMeter, compare, measure
from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.exploration.intents import SetAttribute, SetBase, SetTarget
from latent_explorer.app.exploration.updates import EffectsMeasured
from latent_explorer.explain.recipe import SampleBase


@pytest.fixture
def measuring(folder):
    """Return a headless explorer on the painted leaves, with its meter."""
    headless = HeadlessExplorer(folder, model_host())
    meter = EffectMeter(headless.explorer)
    yield headless, meter
    headless.explorer.close()


def measured(told):
    return [update for update in told if isinstance(update, EffectsMeasured)]


def test_every_listed_attribute_is_measured_once(measuring):
    headless, meter = measuring
    assert len(measured(headless.open())) == 1
    changes = meter.measured()
    attributes = headless.explorer.attributes()
    assert set(changes) == {attribute_key(a) for a in attributes}
    values = [changes[attribute_key(a)].change for a in attributes]
    assert values[0] > 0.3
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.05
    headless.explorer.apply(SetAttribute(attributes[0], 0.5))
    headless.explorer.apply(SetBase(SampleBase(4)))
    assert measured(headless.settle()) == []
    assert meter.measured() == changes


def test_another_class_is_another_question(measuring):
    headless, meter = measuring
    headless.open()
    headless.explorer.apply(SetTarget(1))
    headless.settle()
    assert meter.measured() == {}  # nothing is listed towards it
    headless.explorer.apply(SetTarget(0))
    assert measured(headless.settle()) == []
    assert meter.measured()


def test_means_are_those_of_the_probability_and_of_the_logit():
    other = np.array([[0.0, np.log(3)], [0.0, 0.0]])  # P(0) from 0.25 to 0.5
    more = np.array([[0.0, np.log(3)], [1.0, 0.0]])
    (found,) = measure(np.stack([other] * FEWEST + [more] * FEWEST), 0, apart=True)
    assert found.change == pytest.approx((0.25 + (1 / (1 + np.exp(-1)) - 0.25)) / 2)
    assert found.effect == pytest.approx(0.5)
    low, high = found.interval
    assert low < 0.5 < high
    assert (found.n, found.apart) == (2 * FEWEST, True)
    assert measure(np.stack([other] * (FEWEST - 1)), 0) == []


def test_pictures_that_the_search_used_are_left_out_where_there_are_others(measuring):
    headless, meter = measuring
    headless.open()
    explorer, summary = headless.explorer, headless.explorer.summary
    assert not any(m.apart for m in meter.measured().values())  # all pictures of the file were searched
    looked = headless.host.renderer.looked
    looked.clear()
    fewer = msgspec.structs.replace(summary.attribute_sets[0], n=20)
    explorer.change_document(explorer.document.with_attribute_set(fewer))
    headless.settle()
    measured = meter.measured()
    asked = {request.request.recipe.base.index for request in looked}
    assert min(asked) >= 20
    assert all(m.apart for m in measured.values())
    assert {m.n for m in measured.values()} == {len(asked)}
    drawn = msgspec.structs.replace(fewer, settings={"seed": 3})  # which pictures these are is not known
    explorer.change_document(explorer.document.with_attribute_set(drawn))
    headless.settle()
    assert not any(m.apart for m in meter.measured().values())


def test_attributes_are_compared_on_the_same_pictures(measuring):
    headless, meter = measuring
    headless.open()
    keys = [attribute_key(a) for a in headless.explorer.attributes()]
    likenesses = meter.likenesses()
    assert (keys[0], keys[1]) in likenesses
    assert likenesses[keys[0], keys[1]] == likenesses[keys[1], keys[0]]
    assert all(-1 <= each.cosine <= 1.001 and each.n >= FEWEST for each in likenesses.values())


def test_likeness_is_the_cosine_of_the_changes_and_the_correlation_of_the_effects():
    before = np.full((FEWEST, 1, 4, 4, 3), 100, np.uint8)
    same, opposite, other, nothing = (before.copy() for _ in range(4))
    same[:, 0, 0] += 40
    opposite[:, 0, 0] -= 40
    other[:, 0, 3] += 40
    images = np.concatenate([before, same, same, opposite, other, nothing], axis=1)
    steps = np.arange(FEWEST)
    of_target = np.stack([0 * steps, steps, 2 * steps, -steps, steps % 2, 0 * steps], axis=1).astype(float)
    found = compare(("a", "b", "c", "d", "e"), images, of_target)
    assert found["a", "b"].cosine == pytest.approx(1)
    assert found["a", "b"].correlation == pytest.approx(1)
    assert found["c", "a"].cosine == pytest.approx(-1)
    assert found["c", "a"].correlation == pytest.approx(-1)
    assert found["a", "d"].cosine == pytest.approx(0)
    assert not any("e" in pair for pair in found)  # it changes nothing that a person sees
