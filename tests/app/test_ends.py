# SPDX-License-Identifier: MIT
"""Both ends of the listed attributes belong to the picture on the canvas."""

from __future__ import annotations

import pytest
from fake_explainer import model_host
from headless import HeadlessExplorer

from latent_explorer.app.ends import EndsRenderer
from latent_explorer.app.exploration.intents import SetAttribute, SetBase
from latent_explorer.app.exploration.picture_requests import resolve_hover
from latent_explorer.app.exploration.updates import AttributeEnds, TimelinePlaying
from latent_explorer.explain.recipe import SampleBase


@pytest.fixture
def rendering(folder):
    headless = HeadlessExplorer(folder, model_host())
    renderer = EndsRenderer(headless.explorer)
    headless.open()
    yield headless, renderer
    headless.explorer.close()


def ends(told):
    return [update for update in told if isinstance(update, AttributeEnds)]


def test_ends_of_what_is_shown_in_its_order(rendering):
    headless, renderer = rendering
    explorer = headless.explorer
    chosen = explorer.attributes()[2:5]
    renderer.show(chosen)
    found = ends(headless.settle())
    assert [each.attribute for each in found] == chosen
    for each in found:
        assert each.now is explorer.shown.result.after
        requests = resolve_hover(explorer.state, explorer.summary, each.attribute)
        pictures = [headless.host.render(request).after for request in requests]
        assert (pictures[0].image == each.minus.image).all()
        assert (pictures[1].image == each.plus.image).all()
    renderer.show(chosen)
    assert ends(headless.settle()) == []  # they are there


def test_they_follow_the_picture_but_not_a_drag_or_a_timeline(rendering):
    headless, renderer = rendering
    explorer = headless.explorer
    renderer.show(explorer.attributes()[:2])
    headless.settle()
    explorer.begin_gesture()
    explorer.apply(SetAttribute(explorer.attributes()[0], 0.5))
    assert ends(headless.settle()) == []
    explorer.end_gesture()
    assert len(ends(headless.settle())) == 2
    explorer.updates.emit(TimelinePlaying(True))
    explorer.apply(SetBase(SampleBase(9)))
    assert ends(headless.settle()) == []
    explorer.updates.emit(TimelinePlaying(False))
    found = ends(headless.settle())
    assert len(found) == 2
    assert all(each.now is explorer.shown.result.after for each in found)
