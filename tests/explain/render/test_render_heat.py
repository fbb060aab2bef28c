# SPDX-License-Identifier: MIT
"""What a renderer gives beside a picture: Grad-CAM of both on one scale, and pictures in little with their logits."""

from __future__ import annotations

import numpy as np
import torch

from latent_explorer.explain.grad_cam import GradCam
from latent_explorer.explain.recipe import (
    HeatRequest,
    LooksRequest,
    PictureRecipe,
    PictureRequest,
    SampleBase,
    StyleShift,
    TrialsRequest,
)
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.explainer import Explainer


def test_it_is_that_of_the_pictures_on_one_scale(tiny_explainer: Explainer) -> None:
    renderer = Renderer(tiny_explainer, "cpu")
    recipe = PictureRecipe(SampleBase(1), edits=(StyleShift(3, "max", 1.0), StyleShift(40, "min", 1.0)))
    request = PictureRequest(recipe, tiny_explainer.classifier_id)
    maps = renderer.heat(HeatRequest(request, 1))
    result = renderer.render(request)
    images = np.stack([result.before.image, result.after.image])
    img = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    heat = GradCam(tiny_explainer.classifiers[tiny_explainer.classifier_id]).heat(img, 1).numpy()
    np.testing.assert_allclose(np.stack([maps.before, maps.after]), heat / heat.max(), atol=1e-6)
    assert max(maps.before.max(), maps.after.max()) == 1
    assert maps.problem == ""
    again = renderer.heat(HeatRequest(request, 1))  # of the picture that was just rendered
    np.testing.assert_array_equal(again.after, maps.after)


def test_looks_are_the_pictures_in_little_with_their_logits(tiny_explainer: Explainer) -> None:
    renderer = Renderer(tiny_explainer, "cpu")
    request = PictureRequest(PictureRecipe(SampleBase(2)), tiny_explainer.classifier_id)
    edits = ((), (StyleShift(3, "max", 1.0),), (StyleShift(40, "min", 0.5),))
    looks = renderer.looks(LooksRequest(request, edits, side=8))
    np.testing.assert_array_equal(looks.logits, renderer.logits(TrialsRequest(request, edits)))
    assert looks.images.shape == (3, 8, 8, 3)
    whole = renderer.looks(LooksRequest(request, edits, side=64)).images
    for image, edited in zip(whole, edits, strict=True):
        one = renderer.render(PictureRequest(PictureRecipe(SampleBase(2), edits=edited), request.classifier_id)).after
        assert np.abs(image.astype(int) - one.image.astype(int)).max() <= 1  # batches round differently
    small = whole.astype(float).reshape(3, 8, 2, 8, 2, 3).mean(axis=(2, 4))
    assert np.abs(looks.images - small).max() <= 1
