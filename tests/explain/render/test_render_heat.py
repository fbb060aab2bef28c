# SPDX-License-Identifier: MIT
"""Grad-CAM of a rendered request: both of its pictures, on one scale."""

from __future__ import annotations

import numpy as np
import torch

from latent_explorer.explain.grad_cam import GradCam
from latent_explorer.explain.recipe import HeatRequest, PictureRecipe, PictureRequest, SampleBase, StyleShift
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
