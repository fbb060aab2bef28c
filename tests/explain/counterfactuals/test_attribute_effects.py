# SPDX-License-Identifier: MIT
"""Effects of an attribute on planted classifiers: one that looks at the ground alone, and one that never does."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch
from known_explainers import known_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.counterfactuals import attribute_check
from latent_explorer.explain.counterfactuals.attribute_check import (
    check_attributes,
    find_attribute,
    listed_attributes,
)
from latent_explorer.explain.counterfactuals.attribute_effects import Effect, attribute_effects, relative_change
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.explainer import Samples

HONEST = "e" * 64
REVERSED = "d" * 64


@pytest.fixture(scope="module")
def planted():
    """An explainer of a classifier that reads the ground alone, beside one that reads a single spot.

    Of the third the classes stand in another order.
    """
    explainer, roles = known_explainer("area", n=24)
    honest, honest_roles = known_explainer("one", n=24)
    assert roles.area == honest_roles.area  # drawn by the same seed: one generator is the other
    ground = AttributeEntry(roles.area, "max")
    spot = AttributeEntry(honest_roles.causes[0], "max")
    attributes = (Attribute("Violet ground", 1, (ground,)), Attribute("Brown spot", 1, (spot,)))
    listed = AttributeSet(explainer.classifier_id, "attfind-notebook", 24, 1.0, "", attributes)
    other = turned_round(explainer.classifier)
    classifiers = explainer.classifiers | {HONEST: honest.classifier, REVERSED: other}
    return replace(explainer, classifiers=classifiers, attribute_sets=(listed,))


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch):
    """The planted explainer holds 24 pictures, so that a test takes a moment."""
    monkeypatch.setattr(attribute_check, "FEWEST", 2)


def turned_round(classifier):
    """Return the classifier with its outputs in the other order."""
    made, _ = known_explainer("area", n=24)
    network = made.classifier.network
    read = network.forward
    network.forward = lambda x: read(x)[:, [1, 0]]
    made.classifier.config = msgspec.structs.replace(classifier.config, class_names=("b", "a"))
    return made.classifier


def test_a_shortcut_is_found_and_an_honest_classifier_passes(planted):
    shortcut = run_job(check_attributes(planted, planted.classifier_id, ["Violet ground"]))
    assert not shortcut.within
    assert shortcut.attributes[0].effect.beyond.interval[0] > 0.3
    assert shortcut.attributes[0].effect.by_random.value < 0.15  # of spots, which it weighs by a fiftieth
    honest = run_job(check_attributes(planted, HONEST, ["violet  GROUND"]))
    assert honest.within
    assert honest.attributes[0].effect.absolute.value == pytest.approx(0, abs=1e-6)
    assert not run_job(check_attributes(planted, HONEST, ["Violet ground", "Brown spot"])).within
    assert run_job(check_attributes(planted, planted.classifier_id, ["Brown spot"])).within


def test_the_figures_are_those_of_the_pictures(planted):
    """The change is that of the probability, computed here without the renderer; the pictures are not of the class."""
    (found,) = run_job(
        attribute_effects(planted, planted.attribute_sets[0].attributes[:1], ("a", "b"), [planted.classifier_id],
                          [planted.classifier_id], n=24)
    )  # fmt: skip
    synthesis, samples, stats = planted.generator.synthesis, planted.samples, planted.style_stats
    j = planted.attribute_sets[0].attributes[0].entries[0].style_index
    with torch.no_grad():
        styles = synthesis.styles(samples.ws, None)
        s = synthesis.join(styles)
        moved = s.clone()
        moved[:, j] = float(stats.maximum[j])
        before, after = (
            synthesis.render(synthesis.replace(styles, each), synthesis.noise_const()).clamp(-1, 1)
            for each in (s, moved)
        )
        p = [planted.classifier.probs(each)[:, 1].numpy() for each in (before, after)]
    rows = np.flatnonzero(p[0] < 0.5)
    assert found.rows.tolist() == rows.tolist()
    np.testing.assert_allclose(found.effects[0].changes, (p[1] - p[0])[rows], atol=1e-5)
    sizes = (after - before).square().mean(dim=(1, 2, 3)).sqrt().numpy()
    np.testing.assert_allclose(found.sizes, sizes[rows], atol=1e-5)


def test_random_edits_are_as_large(planted):
    found = run_job(check_attributes(planted, HONEST, ["Brown spot"]))
    measured = found.attributes[0].measured
    np.testing.assert_allclose(measured.random_sizes, measured.sizes, rtol=1e-6)


def test_the_answer_is_the_same_every_time_and_in_any_company(planted):
    alone = run_job(check_attributes(planted, HONEST, ["Brown spot"]))
    together = run_job(check_attributes(planted, HONEST, ["Violet ground", "Brown spot"]))
    np.testing.assert_array_equal(alone.attributes[0].effect.changes, together.attributes[1].effect.changes)
    np.testing.assert_array_equal(alone.attributes[0].effect.random, together.attributes[1].effect.random)


def test_classes_are_matched_by_name(planted):
    straight = run_job(check_attributes(planted, planted.classifier_id, ["Violet ground"]))
    turned = run_job(check_attributes(planted, REVERSED, ["Violet ground"]))
    np.testing.assert_allclose(straight.attributes[0].effect.changes, turned.attributes[0].effect.changes, atol=1e-6)


def test_pictures_may_be_given(planted):
    rows = slice(0, 16)
    latents = Samples(planted.samples.ws[rows], planted.samples.cond[rows], planted.samples.probs[rows],
                      planted.samples.ids[rows])  # fmt: skip
    given = run_job(check_attributes(planted, planted.classifier_id, ["Violet ground"], latents=latents))
    own = run_job(check_attributes(planted, planted.classifier_id, ["Violet ground"]))
    few = own.attributes[0].measured.rows < 16
    np.testing.assert_allclose(given.attributes[0].effect.changes, own.attributes[0].effect.changes[few], atol=1e-6)


def test_the_interval_decides_and_too_few_pictures_are_refused(planted, monkeypatch):
    """Five pictures of a small effect: the mean is within the limit, the interval is not.

    Of five of which none moves the interval is a point, so few are refused, however they come out.
    """
    effect = Effect(np.array([0.0, 0.0, 0.0, 0.0, 0.4]), np.zeros(5))
    assert effect.beyond.value < 0.1 < effect.beyond.interval[1]
    assert Effect(np.zeros(5), np.zeros(5)).beyond.interval == (0, 0)
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"too few.*30 are the fewest\. Raise --n"):
        run_job(check_attributes(planted, HONEST, ["Violet ground"]))


def test_attributes_are_found_by_name_or_coordinate(planted):
    j = planted.attribute_sets[0].attributes[0].entries[0].style_index
    assert find_attribute(planted, f"{j}max").name == "Violet ground"
    with pytest.raises(UserError, match="Choose one of: Violet ground, Brown spot"):
        find_attribute(planted, "Blue ground")
    with pytest.raises(UserError, match="lists no attributes"):
        find_attribute(replace(planted, attribute_sets=()), "Violet ground")
    again = planted.attribute_sets[0]
    unnamed = tuple(msgspec.structs.replace(a, name="") for a in again.attributes)
    twice = replace(planted, attribute_sets=(again, msgspec.structs.replace(again, attributes=unnamed)))
    assert [each.name for each in listed_attributes(twice)] == ["Violet ground", "Brown spot"]
    both = tuple(msgspec.structs.replace(a, name="Ground") for a in again.attributes)
    with pytest.raises(UserError, match="2 attributes are called 'ground'"):
        find_attribute(replace(planted, attribute_sets=(msgspec.structs.replace(again, attributes=both),)), "ground")


def test_a_coordinate_towards_two_classes_is_two_attributes(planted):
    """As of three classes, where the same coordinate may lead to two of them."""
    listed = planted.attribute_sets[0]
    ground = msgspec.structs.replace(listed.attributes[0], name="")
    attributes = (ground, msgspec.structs.replace(ground, target=0))
    twice = replace(planted, attribute_sets=(msgspec.structs.replace(listed, attributes=attributes),))
    key = f"{ground.entries[0].style_index}max"
    with pytest.raises(UserError, match=f"2 attributes are called '{key}'. .*: {key}:b, {key}:a"):
        find_attribute(twice, key)
    found = run_job(check_attributes(twice, planted.classifier_id, [f"{key}:a", f"{key}:b"]))
    assert [each.measured.class_name for each in found.attributes] == ["a", "b"]
    assert not set(found.attributes[0].measured.rows) & set(found.attributes[1].measured.rows)


def test_a_classifier_without_the_class_is_a_sentence(planted):
    other = known_explainer("one", n=24)[0].classifier
    other.config = msgspec.structs.replace(other.config, class_names=("class 0", "class 1"))
    explainer = replace(planted, classifiers=planted.classifiers | {HONEST: other})
    with pytest.raises(UserError, match=r"has no class 'b'.*class 0, class 1.*--class-names"):
        run_job(check_attributes(explainer, HONEST, ["Brown spot"]))


def test_relative_change():
    first = Effect(np.array([0.2, 0.4, 0.3, 0.5]), np.zeros(4))
    half = Effect(first.changes / 2, np.zeros(4))
    value, interval = relative_change(half, first)
    assert value == pytest.approx(0.5)
    assert interval == pytest.approx((0.5, 0.5))
    noisy = Effect(np.array([0.1, 0.3, 0.1, 0.3]), np.zeros(4))
    value, (low, high) = relative_change(noisy, first)
    assert value == pytest.approx(0.8 / 1.4)
    assert low < value < high
    nothing = Effect(np.array([0.1, -0.1, 0.2, -0.2]), np.zeros(4))
    assert np.isnan(relative_change(first, nothing)[0])
