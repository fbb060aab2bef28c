# SPDX-License-Identifier: MIT
"""Controls of an edit have its size."""

from __future__ import annotations

import pytest
import torch
from colour_explainer import tiny_explainer

from latent_explorer.explain.counterfactuals.controls import noise_like, random_edits_like
from latent_explorer.explain.recipe import PictureRecipe, SampleBase
from latent_explorer.explain.render.renderer import Renderer


def test_noise_has_the_strength_of_the_change_and_stays_in_its_mask():
    photo = torch.zeros(1, 3, 32, 32)
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., :16] = 1
    changed = photo + 0.2 * mask
    noisy = noise_like(photo, changed, mask, 5, torch.Generator().manual_seed(0))
    assert noisy.shape == (5, 3, 32, 32)
    assert not noisy[..., 16:].any()
    assert float(noisy.square().mean().sqrt()) == pytest.approx(float(changed.square().mean().sqrt()), rel=0.02)
    assert not torch.equal(noisy[0], noisy[1])


def test_no_change_is_no_noise():
    photo, mask = torch.rand(1, 3, 8, 8), torch.ones(1, 1, 8, 8)
    assert torch.equal(noise_like(photo, photo, mask, 2, torch.Generator()), photo.expand(2, 3, 8, 8))


def test_random_edits_are_as_large_as_asked_for_or_just_smaller():
    model = tiny_explainer()
    renderer = Renderer(model)

    def render(edits):
        return renderer.img(PictureRecipe(SampleBase(0), edits=edits)).clamp(-1, 1)

    def distance(a, b):
        return (a - b).abs().mean(dim=(1, 2, 3))

    unedited = render(())
    rng = torch.Generator().manual_seed(0)
    for size in (0.02, 0.05):
        moved = random_edits_like(size, render, unedited, distance, model, rng)
        assert 0.6 * size < float(distance(moved, unedited)) <= size
    assert torch.equal(random_edits_like(0.0, render, unedited, distance, model, rng), unedited)
