# SPDX-License-Identifier: MIT
"""Logits of many edits of one picture in a batch, and the moves that promise most for it."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import tiny

from latent_explorer.explain.recipe import (
    MovesRequest,
    Noise,
    PictureRecipe,
    PictureRequest,
    SampleBase,
    SeedBase,
    StyleShift,
    TrialsRequest,
)
from latent_explorer.explain.render.renderer import Renderer

EXPLAINER = tiny.make_explainer()
EDITS = ((StyleShift(3, "max", 1.0),), (), (StyleShift(3, "max", 1.0), StyleShift(40, "min", 0.5)))


@pytest.mark.parametrize(
    "recipe",
    [
        PictureRecipe(SampleBase(1), edits=(StyleShift(9, "max", 0.5),)),
        PictureRecipe(SeedBase(2), 0.7, 2, Noise("seed", 5), (0.3, 0.7)),
        PictureRecipe(SeedBase(3), noise=Noise("none")),
    ],
)
def test_a_batch_says_what_the_canvas_will_say(recipe):
    renderer = Renderer(EXPLAINER)
    request = PictureRequest(recipe, EXPLAINER.classifier_id)
    logits = renderer.logits(TrialsRequest(request, EDITS))
    for row, edits in zip(logits, EDITS, strict=True):
        alone = PictureRequest(msgspec.structs.replace(recipe, edits=edits), EXPLAINER.classifier_id)
        np.testing.assert_allclose(row, renderer.render(alone).after.logits, atol=1e-4)


def test_promising_moves_raise_the_target_on_this_picture():
    renderer = Renderer(EXPLAINER)
    recipe = PictureRecipe(SampleBase(1), edits=(StyleShift(9, "max", 0.5),))
    request = PictureRequest(recipe, EXPLAINER.classifier_id)
    for target in (0, 1):
        moves = renderer.promising_moves(MovesRequest(request, target, 5))
        assert 0 < len(moves) <= 5
        small = tuple((*recipe.edits, StyleShift(m.style_index, m.end, 0.01)) for m in moves if m.style_index != 9)
        logits = renderer.logits(TrialsRequest(request, (recipe.edits, *small)))
        margins = logits[:, target] - logits[:, 1 - target]
        assert (margins[1:] > margins[0]).all()


def test_a_predicted_logit_is_that_of_a_small_move():
    renderer = Renderer(EXPLAINER)
    own = (StyleShift(9, "max", 0.5),)
    request = PictureRequest(PictureRecipe(SampleBase(1), edits=own), EXPLAINER.classifier_id)
    best = renderer.promising_moves(MovesRequest(request, 0, 1))[0]
    edits = (own, (*own, StyleShift(best.style_index, best.end, 0.02)), (StyleShift(9, "max", 0.49),))
    rendered = renderer.logits(TrialsRequest(request, edits))
    for target in (0, 1):
        predicted = renderer.logits(TrialsRequest(request, edits, target))
        assert predicted.shape == (3, 1)
        moves, expected = predicted[1:, 0] - predicted[0, 0], rendered[1:, target] - rendered[0, target]
        np.testing.assert_allclose(predicted[0, 0], rendered[0, target], atol=1e-4)
        np.testing.assert_allclose(moves, expected, atol=2e-4, rtol=0.2)
        assert np.abs(expected).max() > 1e-3


def test_pictures_stay_as_they_are_after_a_gradient():
    renderer = Renderer(EXPLAINER)
    request = PictureRequest(PictureRecipe(SampleBase(0)), EXPLAINER.classifier_id)
    before = renderer.render(request).after.logits
    renderer.promising_moves(MovesRequest(request, 1, 3))
    assert (renderer.render(request).after.logits == before).all()
