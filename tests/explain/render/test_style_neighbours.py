# SPDX-License-Identifier: MIT
"""Styles that are each within their range and unlike the data together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny import make_explainer

from latent_explorer.explain.neighbours import MIN_POINTS, Neighbours
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SampleBase, SeedBase, StyleShift
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.explain.render.style_neighbours import StyleNeighbours, style_effects

SAMPLES = 60


@pytest.fixture(scope="module")
def explainer():
    return make_explainer(samples=SAMPLES)


@pytest.fixture(scope="module")
def renderer(explainer):
    return Renderer(explainer)


def unlikeness(renderer, **fields):
    key = renderer.explainer.classifier_id
    return renderer.render(PictureRequest(PictureRecipe(**fields), key)).unlikeness


def test_every_style_at_an_end_of_its_range_is_unlike_the_data(renderer):
    count = renderer.explainer.summary().layout.num_styles
    together = tuple(StyleShift(j, "max" if j % 2 else "min", 1.0) for j in range(count))
    for base in (SampleBase(0), SeedBase(1)):
        assert unlikeness(renderer, base=base, edits=together) > 1
    alone = [unlikeness(renderer, base=SampleBase(0), edits=(shift,)) for shift in together[:20]]
    assert max(alone) < 1


def test_what_moves_the_latent_counts_as_sliders_do(renderer):
    near, far = (unlikeness(renderer, base=SampleBase(0), truncation_psi=psi) for psi in (0.9, 30.0))
    assert near < 1 < far


def test_an_encoded_picture_is_within_the_data(renderer, explainer):
    assert [unlikeness(renderer, base=SampleBase(i)) for i in range(3)] == [0.0] * 3
    # Also one that is unusual itself: nothing is nearer to it than in the data.
    neighbours = StyleNeighbours(explainer)
    synthesis, samples = explainer.generator.synthesis, explainer.samples
    s = synthesis.join(synthesis.styles(samples.ws, samples.cond))
    assert max(neighbours.unlikeness(s[i], i) for i in range(SAMPLES)) <= 1


def test_too_few_encoded_pictures_tell_nothing():
    few = Renderer(make_explainer(samples=MIN_POINTS - 1))
    assert unlikeness(few, base=SampleBase(0)) is None
    assert unlikeness(few, base=SeedBase(0), edits=(StyleShift(3, "max", 1.0),)) is None


def test_a_coordinate_counts_by_what_it_changes(explainer):
    synthesis, samples = explainer.generator.synthesis, explainer.samples
    styles = synthesis.styles(samples.ws[:1], samples.cond[:1])
    s = synthesis.join(styles)
    plain = synthesis.render(styles, synthesis.noise_const())
    moved = s + 1e-2 * torch.eye(s.shape[1])
    changed = synthesis.render(synthesis.replace(styles, moved), synthesis.noise_const())
    change = (changed - plain).square().sum(dim=(1, 2, 3)).sqrt()
    expected, found = change.numpy(), style_effects(explainer).numpy()
    assert np.corrcoef(np.log(expected + 1e-9), np.log(found + 1e-9))[0, 1] > 0.8


def test_the_limit_is_the_data_s_own():
    points = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    neighbours = Neighbours(points)
    others = (torch.cdist(points, points).sort(dim=1).values)[:, 5]
    assert torch.allclose(neighbours.own, others, atol=1e-3)
    assert (neighbours.own <= neighbours.far).float().mean() >= 0.98
    assert neighbours.distance(torch.zeros(4)) < neighbours.far < neighbours.distance(torch.full((4,), 9.0))
