# SPDX-License-Identifier: MIT
"""Attributes that carry their ends: percentiles of the styles, and coordinates of toRGB, from search to picture."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from colour_explainer import tiny_explainer

from latent_explorer.app.exploration.compatibility import recipe_mismatch
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.effects import reconstruct
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.attfind.sufficiency import flips
from latent_explorer.explain.batches import BatchSizer
from latent_explorer.explain.recipe import (
    PictureRecipe,
    PictureRequest,
    SampleBase,
    StyleShift,
    TrialsRequest,
    attribute_edits,
    canonical_edits,
    needs_second_format,
)
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.explainer import style_statistics, with_attribute_set
from latent_explorer.models.explainer_file import info, read_explainer, write_explainer

FIXTURE = Path(__file__).parents[2] / "fixtures" / "tiny.explainer"
N = 30
ENDS = (-0.25, 0.5)


@pytest.fixture(scope="module")
def coloured_by_torgb():
    """Make an explainer whose pictures differ by the styles of toRGB alone: no convolution's style ever varies."""
    explainer = tiny_explainer(n=N)
    synthesis = explainer.generator.synthesis
    with torch.no_grad():
        for layer in synthesis.layout.conv_layers:
            synthesis.layer(layer.name).affine.weight.zero_()
    samples = explainer.samples
    explainer.style_stats = style_statistics(explainer.generator, samples.ws, samples.cond)
    return explainer


def searched(explainer, **settings):
    return run_job(attfind(explainer, AttFindSettings(n=N, wanted=4, **settings), ranges=explainer.style_stats))


def rendered_effect(explainer, attribute):
    """Return the mean change of the target's logit by the attribute's slider at 1, on pictures of the other class."""
    renderer, changes = Renderer(explainer), []
    for i in range(N):
        recipe = PictureRecipe(SampleBase(i), edits=attribute_edits(attribute))
        result = renderer.render(PictureRequest(recipe, explainer.classifier_id))
        if result.before.verdict != attribute.target:
            changes.append(result.after.logits[attribute.target] - result.before.logits[attribute.target])
    return float(np.mean(changes))


@pytest.mark.parametrize("settings", [{"percentiles": (10, 90)}, {"torgb": True}], ids=["percentiles", "torgb"])
def test_a_slider_at_one_does_what_the_search_measured(settings):
    explainer = tiny_explainer(n=N)
    found = searched(explainer, exhaustive=True, unstable_effect=1e6, **settings).attribute_set
    assert all(a.interval is not None for a in found.attributes)
    for attribute in found.attributes[:2]:
        assert rendered_effect(explainer, attribute) == pytest.approx(attribute.mean_effect, abs=1e-3)


def test_percentiles_are_those_of_the_pictures_styles():
    explainer = tiny_explainer(n=N)
    result = searched(explainer, percentiles=(5, 95))
    synthesis, samples = explainer.generator.synthesis, explainer.samples
    with torch.no_grad():
        s = synthesis.join(synthesis.styles(samples.ws, samples.cond)).numpy()
    np.testing.assert_allclose(result.subject.limits, np.percentile(s, (5, 95), axis=0), atol=1e-5)
    found = result.attribute_set
    assert found.ranges == "percentiles 5 and 95 over the 30 pictures"
    entry = found.attributes[0].entries[0]
    assert entry.ends == pytest.approx(tuple(result.subject.limits[:, entry.style_index]))
    assert (found.settings["low_percentile"], found.settings["high_percentile"]) == (5, 95)


@pytest.mark.parametrize("percentiles", [(50, 50), (99, 1), (-1, 99), (1, 101)])
def test_what_are_no_percentiles(percentiles):
    with pytest.raises(UserError, match="between 0 and 100, the lower first"):
        searched(tiny_explainer(n=N), percentiles=percentiles)


@pytest.mark.parametrize("exhaustive", [True, False], ids=["every move", "race"])
def test_torgb_is_found_where_it_alone_varies(coloured_by_torgb, exhaustive):
    layout = coloured_by_torgb.generator.config.layout
    found = searched(coloured_by_torgb, torgb=True, exhaustive=exhaustive, unstable_effect=1e6).attribute_set
    layer, channel = layout.at(found.attributes[0].entries[0].style_index)
    assert layer.kind == "torgb"
    assert found.attributes[0].name.startswith(f"toRGB {layer.resolution} px, channel {channel} ")
    assert all(a.entries[0].style_index >= layout.num_styles for a in found.attributes)
    assert searched(coloured_by_torgb, exhaustive=True, unstable_effect=1e6).attribute_set.attributes == ()


def test_attributes_of_torgb_turn_verdicts_together(coloured_by_torgb):
    found = searched(coloured_by_torgb, torgb=True, unstable_effect=1e6).attribute_set
    networks = coloured_by_torgb.generator.synthesis, coloured_by_torgb.classifier
    samples, sizer = coloured_by_torgb.samples, BatchSizer()
    pictures = run_job(reconstruct(*networks, samples.ws, samples.cond, sizer))
    limits = torch.zeros(2, networks[0].layout.num_styles)  # not used: every entry has ends of its own
    [rate] = run_job(flips(*networks, pictures, found, limits, (4,), (1.0,), sizer))
    assert rate.reached.share > 0.2


def test_a_file_may_name_torgb_only_with_ends(tmp_path):
    explainer, path = read_explainer(FIXTURE), tmp_path / "found.explainer"
    last = explainer.generator.config.layout.num_with_torgb - 1

    def found(*entries):
        attributes = tuple(Attribute("", 0, (entry,)) for entry in entries)
        return AttributeSet(explainer.classifier_id, "attfind-notebook", N, 1.0, "", attributes)

    with_ends = found(AttributeEntry(last, "max", ends=ENDS))
    write_explainer(with_attribute_set(explainer, with_ends), path)
    assert info(path).header.format_version == 2
    assert read_explainer(path).attribute_sets[-1].attributes == with_ends.attributes
    for entry in (AttributeEntry(last, "max"), AttributeEntry(last + 1, "max", ends=ENDS)):
        with pytest.raises(UserError, match="style_index"):
            write_explainer(with_attribute_set(explainer, found(entry)), path)


def test_edits_with_ends_of_their_own_stand_beside_others():
    own = StyleShift(3, "min", 0.5, ends=ENDS)
    edits = canonical_edits((own, StyleShift(3, "max", 1.0), StyleShift(3, "max", 0.25, ends=ENDS)))
    assert edits == (StyleShift(3, "max", 1.0), StyleShift(3, "max", -0.25, ends=ENDS))
    assert needs_second_format(edits)
    assert not needs_second_format(edits[:1])
    recipe = PictureRecipe(SampleBase(0), edits=edits)
    assert msgspec.json.decode(msgspec.json.encode(recipe), type=PictureRecipe) == recipe
    assert b"ends" not in msgspec.json.encode(edits[0])


def test_an_edit_of_torgb_needs_ends(coloured_by_torgb):
    styles, renderer = coloured_by_torgb.generator.config.layout.num_styles, Renderer(coloured_by_torgb)
    summary = coloured_by_torgb.summary()

    def request(shift):
        return PictureRequest(PictureRecipe(SampleBase(0), edits=(shift,)), coloured_by_torgb.classifier_id)

    moved = request(StyleShift(styles, "max", 1.0, ends=ENDS))
    assert recipe_mismatch(moved.recipe, summary) == ""
    result = renderer.render(moved)
    assert (result.after.image != result.before.image).any()
    for shift in (StyleShift(styles, "max", 1.0), StyleShift(styles, "max", 1.0, "sigma", ENDS)):
        assert "style that is not in it" in recipe_mismatch(request(shift).recipe, summary)
        with pytest.raises(UserError, match="no style coordinate"):
            renderer.render(request(shift))


def test_the_predicted_effect_of_an_edit_of_torgb_is_that_of_its_slope(coloured_by_torgb):
    renderer, styles = Renderer(coloured_by_torgb), coloured_by_torgb.generator.config.layout.num_styles
    base = PictureRequest(PictureRecipe(SampleBase(0)), coloured_by_torgb.classifier_id)
    edits = ((), (StyleShift(styles, "max", 1e-3, ends=(-100.0, 100.0)),))
    predicted = renderer.logits(TrialsRequest(base, edits, predicted=0))[:, 0]
    exact = renderer.logits(TrialsRequest(base, edits))[:, 0]
    assert predicted[1] - predicted[0] == pytest.approx(exact[1] - exact[0], rel=0.1, abs=1e-4)
    assert abs(exact[1] - exact[0]) > 1e-3
