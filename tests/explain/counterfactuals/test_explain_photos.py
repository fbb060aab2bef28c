# SPDX-License-Identifier: MIT
"""Photographs explained: both verdicts, what may change, controls in the same place."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch
from colour_explainer import tiny_classifier, tiny_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Kept
from latent_explorer.data.images import to_float
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.counterfactuals.controls import class_weight_edits
from latent_explorer.explain.counterfactuals.photo import (
    NOISE_DRAWS,
    RANDOM_DRAWS,
    REFINEMENT,
    SHARES,
    PhotoExplainer,
    PhotoExplanation,
    PhotoSettings,
    explain_photos,
)
from latent_explorer.explain.counterfactuals.photo_text import conclusions, control_notes, controls_text, sentence
from latent_explorer.explain.projection.target import Target
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SampleBase, StyleShift, attribute_edits
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import Attribute, AttributeEntry, opposite

QUICK = msgspec.structs.replace(REFINEMENT, steps=4)


def finish(job):
    events = []
    while True:
        try:
            events.append(next(job))
        except StopIteration as end:
            return end.value, events


@pytest.fixture(scope="module")
def explainer():
    torch.set_num_threads(1)
    return tiny_explainer()


@pytest.fixture(scope="module")
def attributes(explainer):
    """The six coordinates that move one picture most, each to the end that leads to either class."""
    renderer, count = Renderer(explainer), explainer.generator.synthesis.layout.num_styles

    def lead(edits):
        recipe = PictureRecipe(SampleBase(0), edits=edits)
        first, second = renderer.render(PictureRequest(recipe, explainer.classifier_id)).after.logits
        return float(second - first)

    effects = np.array([lead((StyleShift(j, "max", 1.0),)) - lead((StyleShift(j, "min", 1.0),)) for j in range(count)])
    made = []
    for j in map(int, np.abs(effects).argsort()[-6:]):
        up = "max" if effects[j] > 0 else "min"
        for target, end in ((1, up), (0, opposite(up))):
            entry = AttributeEntry(j, end)
            made.append(Attribute(f"{j} {end}", target, (entry,), mean_effect=abs(float(effects[j]))))
    return tuple(made)


@pytest.fixture(scope="module")
def photos(explainer):
    """Reconstructions of both classes, which the generator can show."""
    size = explainer.generator.config.resolution
    synthesis, samples = explainer.generator.synthesis, explainer.samples
    with torch.no_grad():
        img = synthesis(samples.ws[:3], samples.cond[:3], synthesis.noise_const()).clamp(-1, 1)
    images = ((img.permute(0, 2, 3, 1) + 1) * 127.5).round().byte().numpy()
    assert images.shape[1:] == (size, size, 3)
    return [Target(f"photo {i}", image) for i, image in enumerate(images)]


@pytest.fixture(scope="module")
def found(explainer, attributes, photos):
    return finish(explain_photos(explainer, photos, attributes, PhotoSettings(refinement=QUICK)))


def test_each_photograph_is_turned_to_the_other_class_and_the_figures_are_of_the_pictures(explainer, found, photos):
    explanations, events = found
    classifier = explainer.classifier
    assert [e.name for e in explanations] == [p.name for p in photos]
    assert any(e.explained for e in explanations)
    for explanation, photo in zip(explanations, photos, strict=True):
        assert np.array_equal(explanation.photo.image, photo.image)
        assert explanation.target != explanation.photo.verdict
        for change in explanation.changes:
            assert all(a.target == explanation.target for a in change.attributes)
            with torch.no_grad():
                seen = classifier.probs(torch.from_numpy(to_float(change.photo.image[None])))[0].numpy()
            assert np.allclose(seen, change.photo.probs, atol=0.05)  # the picture is rounded to 8 bits
            assert change.turns_photo == (change.photo.verdict == explanation.target)
            assert change.turns_copy == (change.copy.verdict == explanation.target)
            controls = (change.unedited, change.noise, change.random, change.weights)
            assert [rate.n for rate in controls] == [1, NOISE_DRAWS, RANDOM_DRAWS, 1]
    assert [len(e.value) for e in events if isinstance(e, Kept) and isinstance(e.value[0], PhotoExplanation)] == [
        1,
        2,
        3,
    ]


def test_the_control_by_class_weights_turns_what_an_attribute_of_the_same_style_turns(explainer, photos):
    same = []
    for target in (0, 1):
        [edit] = class_weight_edits(explainer, explainer.classifier_id, target, 1)
        same.append(Attribute("told", target, (AttributeEntry(edit.style_index, edit.end),), mean_effect=1.0))
    found, _ = finish(explain_photos(explainer, photos, same, PhotoSettings(refinement=QUICK)))
    changes = [change for each in found for change in each.changes]
    assert changes
    for change in changes:
        assert change.weights == Rate(int(change.turns_photo), 1)
        assert f"class weights {change.weights.count} of 1" in control_notes(change)


def test_without_statistics_of_styles_nothing_is_ranked_by_class_weights(explainer):
    key = explainer.classifier_id
    assert class_weight_edits(replace(explainer, style_stats=None), key, 1, 1) == ()
    # Nor for a classifier of other classes than the generator is told.
    several = {**explainer.classifiers, "fruit": tiny_classifier(3)}
    assert class_weight_edits(replace(explainer, classifiers=several), "fruit", 2, 1) == ()


def test_another_network_turns_with_the_photograph_or_does_not(explainer, attributes, photos):
    settings = PhotoSettings(refinement=QUICK, others={"twin": explainer.classifier})
    found, _ = finish(explain_photos(explainer, photos, attributes, settings))
    changes = [change for each in found for change in each.changes]
    assert changes
    for change in changes:
        assert change.others["twin"] == Rate(int(change.turns_photo), 1)
        assert f"Another network: twin {'turns' if change.turns_photo else 'does not'}." in controls_text(change)
    with pytest.raises(UserError, match="stranger cannot confirm flips: its classes are"):
        finish(
            explain_photos(explainer, photos, attributes, replace(settings, others={"stranger": tiny_classifier(3)}))
        )


def test_outside_of_the_mask_the_photograph_stays(found):
    for explanation in found[0]:
        for change in explanation.changes:
            outside = change.mask == 0
            assert outside.any()
            assert np.array_equal(change.photo.image[outside], explanation.photo.image[outside])
            assert change.share <= SHARES[-1] + 0.05  # feathered


def test_explanations_come_first_and_shorter_sets_before_longer_ones(found):
    for explanation in found[0]:
        order = [(not change.explains, len(change.attributes)) for change in explanation.changes]
        assert order == sorted(order)
        for change in explanation.changes:
            assert change.explains == (change.turns_copy and change.turns_photo and change.unedited.count == 0)


def test_equal_settings_give_equal_pictures(explainer, attributes, photos, found):
    again, _ = finish(explain_photos(explainer, photos, attributes, PhotoSettings(refinement=QUICK)))
    for one, other in zip(found[0], again, strict=True):
        assert [c.attributes for c in one.changes] == [c.attributes for c in other.changes]
        assert [(c.noise, c.random) for c in one.changes] == [(c.noise, c.random) for c in other.changes]
        assert all(
            np.array_equal(a.photo.image, b.photo.image) for a, b in zip(one.changes, other.changes, strict=True)
        )


def test_a_change_stays_in_the_painted_region(explainer, attributes, photos):
    size = photos[0].image.shape[0]
    only = np.zeros((size, size), np.float32)
    only[: size // 2] = 1
    settings = PhotoSettings(only=only, refinement=QUICK)
    (explanation,), _ = finish(explain_photos(explainer, photos[:1], attributes, settings))
    for change in explanation.changes:
        assert not change.mask[size // 2 :].any()
        assert np.array_equal(change.photo.image[size // 2 :], photos[0].image[size // 2 :])


def test_what_cannot_be_asked_is_said(explainer, attributes, photos):
    verdict = int(explainer.classifier.probs(torch.from_numpy(to_float(photos[0].image[None])))[0].argmax())
    settings = PhotoSettings(target=verdict, refinement=QUICK)
    (already,), _ = finish(explain_photos(explainer, photos[:1], attributes, settings))
    assert (already.changes, already.explained) == ((), False)
    with pytest.raises(UserError, match="lists no attribute that leads there"):
        finish(explain_photos(explainer, photos[:1], (), PhotoSettings(refinement=QUICK)))


def test_another_region_uses_what_was_rendered_and_gives_what_a_fresh_search_gives(
    explainer, attributes, photos, found, monkeypatch
):
    refined, target = found[0][0].refined, photos[0]
    only = np.zeros((target.image.shape[0],) * 2, np.float32)
    only[: len(only) // 2] = 1
    warm = PhotoExplainer(explainer, attributes, PhotoSettings())
    first, _ = finish(warm.explain(target, refined))
    rendered = []
    img = warm.renderer.img
    monkeypatch.setattr(warm.renderer, "img", lambda recipe: rendered.append(recipe.edits) or img(recipe))
    again, events = finish(warm.explain(target, refined, only=only))
    fresh, _ = finish(PhotoExplainer(explainer, attributes, PhotoSettings(only=only)).explain(target, refined))
    assert [c.attributes for c in again.changes] == [c.attributes for c in fresh.changes]
    for one, other in zip(again.changes, fresh.changes, strict=True):
        assert np.array_equal(one.photo.image, other.photo.image)
        assert (one.noise, one.random, one.turns_photo) == (other.noise, other.random, other.turns_photo)
    singles = {tuple(attribute_edits(a)) for a in attributes if a.target == again.target}
    assert not singles & set(rendered)
    # The verdicts of the sets that were known come first, before anything is searched for.
    kept = [e.value for e in events if isinstance(e, Kept)]
    assert {c.attributes for c in kept[0].changes} == {c.attributes for c in first.changes} != set()
    assert all(c.random.n == 0 for c in kept[0].changes)


def test_what_follows_is_said_for_each_outcome(found):
    explanation = next(each for each in found[0] if each.changes)
    names, aim = ("first", "second"), ("first", "second")[explanation.target]
    held = replace(explanation.changes[0], turns_copy=True, turns_photo=True, unedited=Rate(0, 1), noise=Rate(0, 8))

    def said(**fields):
        return conclusions(explanation, replace(held, **fields), names)

    assert said() == [("good", f"Both verdicts turn to {aim}: the explanation holds for the photograph.")]
    for fields, part in (
        ({"turns_photo": False}, "the copy turns to"),
        ({"turns_copy": False}, "the photograph turns to"),
        ({"unedited": Rate(1, 1)}, "without the edit, too"),
    ):
        ((severity, text),) = said(**fields)
        assert (severity, "no explanation" in text, part in text) == ("warning", True, True)
    assert [severity for severity, _text in said(noise=Rate(8, 8))] == ["good", "warning"]
    assert "Plain noise" in said(noise=Rate(8, 8))[1][1]
    ((_severity, neither),) = said(turns_copy=False, turns_photo=False)
    assert neither.startswith("Neither verdict")
    both = sentence(explanation, names, replace(held, turns_photo=False))
    assert "does not explain the photograph" in both
    assert both.count(" to 0.") + both.count(" to 1.") >= 2
