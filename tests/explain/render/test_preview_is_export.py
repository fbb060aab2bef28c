# SPDX-License-Identifier: MIT
"""Exported frames equal previewed ones bit for bit, with and without the cache, in any order and by any renderer."""

from __future__ import annotations

import hashlib

import pytest
import tiny

from latent_explorer.app.engine.frame_cache import FrameCache, cache_scope
from latent_explorer.explain.recipe import (
    Noise,
    PictureRecipe,
    PictureRequest,
    RenderResult,
    SampleBase,
    SeedBase,
    StyleShift,
)
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.explain.timeline import makers
from latent_explorer.explain.timeline.timeline import Curve, Keyframe, Timeline, frames

EXPLAINER = tiny.make_explainer()
EVERYTHING = Timeline(
    "everything moves",
    (
        Keyframe(0.0, PictureRecipe(SeedBase(1), 0.5, 2, Noise("seed", 1)), "linear"),
        Keyframe(
            0.3,
            PictureRecipe(SampleBase(0), cond=(0.2, 0.8), edits=(StyleShift(3, "max", 1.0),)),
            Curve(0.1, 0.7, 0.2, 1.0),
        ),
        Keyframe(0.6, PictureRecipe(SeedBase(3), 0.8, 3, edits=(StyleShift(40, "min", 0.5),))),
        Keyframe(0.7, PictureRecipe(SeedBase(1), noise=Noise("none")), "hold"),
    ),
    "z-slerp",
    fps=20.0,
    loop=True,
    closing_seconds=0.3,
)
TIMELINES = {
    "everything": EVERYTHING,
    "walk": makers.random_walk([1, 2, 3], 0.2),
    "sweep": makers.alpha_sweep(PictureRecipe(SampleBase(1)), StyleShift(3, "max", 1.0), seconds=0.3),
    "mix": makers.style_mix(PictureRecipe(SampleBase(1)), [SeedBase(4)], 1, 2, 0.2),
}


def digest(result: RenderResult) -> str:
    hasher = hashlib.sha256()
    for picture in (result.after, result.before):
        for array in (picture.image, picture.logits, picture.probs):
            hasher.update(array.tobytes())
    return hasher.hexdigest()


@pytest.mark.parametrize("name", TIMELINES)
def test_preview_equals_export_bit_for_bit(name, tmp_path):
    classifier_id = EXPLAINER.conditioned_on
    requests = [PictureRequest(recipe, classifier_id) for recipe in frames(TIMELINES[name])]
    exporting = Renderer(EXPLAINER)
    exported = [digest(exporting.render(r)) for r in requests]
    assert len(set(exported)) > 3

    preview, cache = Renderer(EXPLAINER), FrameCache(tmp_path)
    scope = cache_scope(EXPLAINER.model_hash, "CPU")
    other = PictureRequest(PictureRecipe(SeedBase(77)), classifier_id)
    for request in reversed(requests):  # scrubbed backwards, the main picture in between
        preview.render(other)
        cache.get_or_render(request, scope, preview.render)
    played = [cache.get_or_render(r, scope, preview.render) for r in requests]
    assert all(frame.cached for frame in played)
    assert [digest(frame.result) for frame in played] == exported


def test_keyframes_are_the_pictures_of_the_sliders():
    renderer = Renderer(EXPLAINER)
    classifier_id = EXPLAINER.conditioned_on
    shown = set(frames(EVERYTHING))
    for keyframe in EVERYTHING.keyframes:
        assert keyframe.recipe in shown
        picture = renderer.render(PictureRequest(keyframe.recipe, classifier_id))
        again = Renderer(EXPLAINER).render(PictureRequest(keyframe.recipe, classifier_id))
        assert digest(picture) == digest(again)
