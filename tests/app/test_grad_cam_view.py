# SPDX-License-Identifier: MIT
"""Grad-CAM of the picture on the canvas: asked for while it is looked at, of the class that the sliders lead to."""

from __future__ import annotations

import numpy as np
import pytest
from fake_explainer import model_host
from headless import HeadlessExplorer

from latent_explorer.app.exploration.intents import SetAttribute, SetBase, SetTarget
from latent_explorer.app.exploration.looks import heat_overlay
from latent_explorer.app.exploration.updates import Message, PictureHeat
from latent_explorer.app.grad_cam import GradCamRenderer
from latent_explorer.explain.recipe import SampleBase


@pytest.fixture
def heated(folder):
    headless = HeadlessExplorer(folder, model_host())
    renderer = GradCamRenderer(headless.explorer)
    headless.open()
    yield headless, renderer
    headless.explorer.close()


def heats(told):
    return [update for update in told if isinstance(update, PictureHeat)]


def test_it_is_of_the_picture_and_the_class_on_the_canvas_while_it_is_looked_at(heated):
    headless, renderer = heated
    explorer = headless.explorer
    assert not heats(headless.settle())
    renderer.show(True)
    (first,) = heats(headless.settle())
    assert (first.request, first.target) == (explorer.shown.request, explorer.state.target_class)
    for change in (SetBase(SampleBase(7)), SetAttribute(explorer.attributes()[0], 0.4), SetTarget(1)):
        explorer.apply(change)
        *_, last = heats(headless.settle())
        assert (last.request, last.target) == (explorer.shown.request, explorer.state.target_class)
    red = explorer.shown.result.after.image[..., 1] / 255
    np.testing.assert_allclose(last.maps.after, red, atol=1e-6)
    renderer.show(False)
    explorer.apply(SetBase(SampleBase(3)))
    assert not heats(headless.settle())


def test_one_that_takes_long_waits_for_the_end_of_a_drag(heated):
    headless, renderer = heated
    explorer, attribute = headless.explorer, headless.explorer.attributes()[0]
    renderer.show(True)
    headless.settle()
    explorer.begin_gesture()
    explorer.apply(SetAttribute(attribute, 0.3))
    assert heats(headless.settle())  # it took no time
    headless.host.renderer.heat_seconds = 1.0
    explorer.apply(SetAttribute(attribute, 0.4))
    assert heats(headless.settle())
    explorer.apply(SetAttribute(attribute, 0.5))
    assert not heats(headless.settle())
    explorer.end_gesture()
    (last,) = heats(headless.settle())
    assert last.request == explorer.shown.request


def test_why_there_is_none_is_told_once(heated):
    headless, renderer = heated
    headless.host.renderer.heat_problem = "It shows no layer."
    renderer.show(True)
    told = headless.settle()
    headless.explorer.apply(SetBase(SampleBase(7)))
    told += headless.settle()
    assert len(heats(told)) == 2
    assert [u.text for u in told if isinstance(u, Message)] == ["It shows no layer."]


def test_the_overlay_is_grey_where_it_is_cold_and_gets_lighter_with_the_heat():
    image = np.full((1, 5, 3), (40, 90, 20), np.uint8)
    painted = heat_overlay(image, np.linspace(0, 1, 5, dtype=np.float32)[None])
    assert painted.dtype == np.uint8
    assert len(set(painted[0, 0].tolist())) == 1
    lightness = painted[0].astype(int).sum(axis=1)
    assert (np.diff(lightness) > 0).all()
