# SPDX-License-Identifier: MIT
"""Mean changes of the target's probability, measured on encoded pictures after everything else."""

from __future__ import annotations

import numpy as np
import pytest
from fake_explainer import model_host
from headless import HeadlessExplorer

from latent_explorer.app.effects import FEWEST, EffectMeter, mean_changes
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
    changes = meter.mean_changes()
    attributes = headless.explorer.attributes()
    assert set(changes) == {attribute_key(a) for a in attributes}
    values = [changes[attribute_key(a)] for a in attributes]
    assert values[0] > 0.3
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.05
    headless.explorer.apply(SetAttribute(attributes[0], 0.5))
    headless.explorer.apply(SetBase(SampleBase(4)))
    assert measured(headless.settle()) == []
    assert meter.mean_changes() == changes


def test_another_class_is_another_question(measuring):
    headless, meter = measuring
    headless.open()
    headless.explorer.apply(SetTarget(1))
    headless.settle()
    assert meter.mean_changes() == {}  # nothing is listed towards it
    headless.explorer.apply(SetTarget(0))
    assert measured(headless.settle()) == []
    assert meter.mean_changes()


def test_the_mean_is_over_pictures_of_other_classes():
    is_target = np.array([[3.0, 0.0], [9.0, 0.0]])
    other = np.array([[0.0, np.log(3)], [0.0, 0.0]])  # P(0) from 0.25 to 0.5
    logits = np.stack([is_target] * 5 + [other] * FEWEST)
    assert mean_changes(logits, 0) == [pytest.approx(0.25)]


def test_too_few_pictures_give_no_mean():
    logits = np.zeros((FEWEST - 1, 3, 2))
    logits[:, :, 1] = 1.0
    assert mean_changes(logits, 0) == []
