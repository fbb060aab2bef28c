# SPDX-License-Identifier: MIT
"""Flip rates, counted per class from the unedited styles, and the encoding of pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from colour_explainer import random_images, tiny_explainer
from scipy.stats import binomtest

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.effects import reconstruct
from latent_explorer.explain.attfind.encode import encode
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.attfind.sufficiency import Rate, apply_attributes, count_flips, flips, other_class
from latent_explorer.explain.batches import BatchSizer
from latent_explorer.models.attributes import Attribute, AttributeEntry


@pytest.fixture(scope="module")
def searched():
    explainer = tiny_explainer(n=30)
    result = run_job(attfind(explainer, AttFindSettings(n=30, wanted=10)))
    samples, synthesis = explainer.samples, explainer.generator.synthesis
    job = reconstruct(synthesis, explainer.classifier, samples.ws, samples.cond, BatchSizer())
    style_range = torch.from_numpy(result.subject.limits)
    return explainer, result, run_job(job), style_range


def test_more_attributes_flip_more_pictures(searched):
    explainer, result, pictures, style_range = searched
    job = flips(
        explainer.generator.synthesis,
        explainer.classifier,
        pictures,
        result.attribute_set,
        style_range,
        (0, 1, 10),
        (1.0, 2.0),
        BatchSizer(),
    )
    rates = {(f.k, f.kappa): f for f in run_job(job)}
    assert rates[0, 1.0].reached.count == 0
    assert rates[0, 1.0].reached.share <= rates[1, 1.0].reached.share <= rates[10, 1.0].reached.share
    assert rates[10, 1.0].reached.share > 0.3
    assert sum(r.count for r in rates[10, 1.0].per_class.values()) == rates[10, 1.0].reached.count
    printed = rates[10, 1.0].to_dict()
    assert printed["n"] == 30
    assert printed["overall"] == printed["left"]  # two classes


def test_one_attribute_moves_logits_as_the_effect_table_says(searched):
    explainer, result, pictures, style_range = searched
    pick = result.ranked[0][0]
    attribute = Attribute("", 0, (AttributeEntry(pick.style_index, pick.end),))
    s = apply_attributes(pictures.s, style_range, [attribute], 1.0)
    synthesis = explainer.generator.synthesis
    with torch.no_grad():
        img = synthesis.render(synthesis.replace(pictures.styles, s), synthesis.noise_const())
        effect = explainer.classifier.logits(img) - pictures.logits
    np.testing.assert_allclose(effect, result.effects[:, pick.direction, pick.style_index], atol=1e-3)


def test_shifts_start_from_the_unedited_values_and_take_weights():
    s, style_range = torch.tensor([[1.0, 5.0]]), torch.tensor([[0.0, 0.0], [4.0, 10.0]])
    both = Attribute("", 0, (AttributeEntry(0, "max"), AttributeEntry(1, "min", 0.5)))
    assert apply_attributes(s, style_range, [both], 1.0).tolist() == [[4.0, 2.5]]
    assert apply_attributes(s, style_range, [both, both], 1.0).tolist() == [[7.0, 0.0]]
    assert apply_attributes(s, style_range, [both], 2.0).tolist() == [[7.0, 0.0]]  # beyond the end: no clipping
    assert s.tolist() == [[1.0, 5.0]]


def test_reached_and_left_differ_with_three_classes():
    before = np.array([[3.0, 2.0, 0.0], [3.0, 0.0, 2.0], [0.0, 3.0, 1.0]])
    after = np.array([[0.0, 9.0, 0.0], [0.0, 9.0, 0.0], [0.0, 9.0, 0.0]])
    targets = other_class(before)
    assert targets.tolist() == [1, 2, 2]
    flip_rate = count_flips(before, after, targets, ("a", "b", "c"), 3, 1.0)
    assert (flip_rate.reached.count, flip_rate.left.count, flip_rate.reached.n) == (1, 2, 3)
    assert {k: (r.count, r.n) for k, r in flip_rate.per_class.items()} == {"a": (1, 2), "b": (0, 1), "c": (0, 0)}
    assert flip_rate.to_dict()["per_class"]["c"]["flipped"] is None  # JSON knows no NaN


def test_rates_carry_wilson_intervals():
    low, high = Rate(7, 20).interval
    expected = binomtest(7, 20).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert math.isnan(Rate(0, 0).share)


def test_encoding_gives_the_encoders_ws_and_the_classifiers_probabilities():
    explainer = tiny_explainer()
    images = random_images(9)
    samples = run_job(encode(explainer, lambda rows: images[rows], [str(i) for i in range(9)], BatchSizer()))
    img = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        w = explainer.encoder(img)
        probs = explainer.classifier.probs(img)
    np.testing.assert_allclose(samples.ws, w[:, None].expand(-1, 6, -1), atol=1e-5)
    np.testing.assert_allclose(samples.cond, probs, atol=1e-5)
    assert samples.ids == tuple("012345678")


def test_what_cannot_be_encoded_is_an_error():
    explainer = tiny_explainer(n=3)
    with pytest.raises(UserError, match="no pictures"):
        run_job(encode(explainer, lambda rows: random_images(0), [], BatchSizer()))
    explainer.encoder = None
    with pytest.raises(UserError, match="no encoder"):
        run_job(encode(explainer, lambda rows: random_images(1), ["a"], BatchSizer()))
