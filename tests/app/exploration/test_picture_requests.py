# SPDX-License-Identifier: MIT
"""States become requests that mean the same; results become honest sentences."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from fake_projection import make_projected
from fakes import BOTH, EDGES, LAYOUT, SPOTS, make_result, make_summary

from latent_explorer.app.exploration import picture_requests
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import (
    Base,
    BlendBase,
    BlendEndBase,
    MixBase,
    Noise,
    PictureRecipe,
    PictureRequest,
    ProjectedBase,
    SampleBase,
    SeedBase,
    StyleShift,
)
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline
from latent_explorer.models.summary import SampleTable, generated_id

SUMMARY = make_summary()
PROJECTED = make_projected()
STATE = ExplorerState("a" * 64, SeedBase(1), classifier_id="c" * 64, target_class=1)


def state(**fields) -> ExplorerState:
    return msgspec.structs.replace(STATE, **fields)


def recipe(**fields) -> PictureRecipe:
    return picture_requests.resolve(state(**fields), SUMMARY).recipe


def test_everything_that_determines_the_picture_is_in_the_request():
    edits = (StyleShift(3, "max", 0.5),)
    request = picture_requests.resolve(
        state(truncation_psi=0.7, truncation_cutoff=2, noise=Noise("seed", 4), cond=(0.3, 0.7), edits=edits), SUMMARY
    )
    assert request.classifier_id == "c" * 64
    assert request.recipe == PictureRecipe(SeedBase(1), 0.7, 2, Noise("seed", 4), (0.3, 0.7), edits)


@pytest.mark.parametrize("base", [SampleBase(1), ProjectedBase("mine")])
def test_truncation_of_encoded_latents_is_off_until_asked_for(base):
    assert recipe(base=base, truncation_psi=0.5, truncation_cutoff=2).truncation_psi == 1.0
    asked = recipe(base=base, truncation_psi=0.5, truncation_cutoff=2, truncate_encoded=True)
    assert (asked.truncation_psi, asked.truncation_cutoff) == (0.5, 2)


def test_states_that_mean_the_same_picture_give_equal_requests():
    assert recipe(truncation_psi=1.0, truncation_cutoff=3) == recipe()
    rows = LAYOUT.num_ws
    assert recipe(truncation_psi=0.5, truncation_cutoff=rows) == recipe(truncation_psi=0.5)
    assert recipe(edits=(StyleShift(3, "min", -0.5),)) == recipe(edits=(StyleShift(3, "max", 0.5),))
    assert recipe(edits=(StyleShift(3, "max", 0.0),)) == recipe()
    assert recipe(target_class=0) == recipe(target_class=1)
    sample = SampleBase(1)
    assert recipe(base=sample, truncation_psi=0.3) == recipe(base=sample)


def test_a_plain_generator_is_told_nothing():
    plain = replace(SUMMARY, conditioned_on=None)
    assert picture_requests.resolve(state(cond=(0.5, 0.5)), plain).recipe.cond is None


def test_the_grid_has_the_same_edits_and_each_latent_its_own_cond():
    edited = state(edits=(StyleShift(3, "max", 0.5),), cond=(0.3, 0.7), truncation_psi=0.6)
    bases = [SeedBase(1), SeedBase(2), SampleBase(0)]
    requests = picture_requests.resolve_grid(edited, SUMMARY, bases)
    assert [r.recipe.base for r in requests] == bases
    assert all(r.recipe.edits == edited.edits for r in requests)
    assert [r.recipe.cond for r in requests] == [(0.3, 0.7), None, None]
    assert [r.recipe.truncation_psi for r in requests] == [0.6, 0.6, 1.0]
    assert requests[0] == picture_requests.resolve(edited, SUMMARY)


def test_hover_moves_only_the_attribute_to_its_two_ends():
    edited = state(edits=(StyleShift(3, "max", 0.5), StyleShift(11, "max", 0.2)))
    minus, plus = picture_requests.resolve_hover(edited, SUMMARY, SPOTS)
    assert minus.recipe.edits == (StyleShift(3, "max", -1.0), StyleShift(11, "max", 0.2))
    assert plus.recipe.edits == (StyleShift(3, "max", 1.0), StyleShift(11, "max", 0.2))
    _, towards_min = picture_requests.resolve_hover(STATE, SUMMARY, EDGES)
    assert towards_min.recipe.edits == (StyleShift(5, "max", -1.0),)


def test_a_thumbnail_is_the_latent_as_it_is():
    edited = state(edits=(StyleShift(3, "max", 0.5),), truncation_psi=0.2, noise=Noise("none"))
    assert picture_requests.resolve_thumbnail(edited, SampleBase(2)).recipe == PictureRecipe(SampleBase(2))


def test_the_first_picture_is_a_real_one_that_the_first_attributes_can_change():
    first = picture_requests.opening_state(SUMMARY)
    assert first.target_class == SPOTS.target
    assert first.base == SampleBase(2)  # P(diseased) 0.16
    assert first.classifier_id == SUMMARY.conditioned_on
    picture_requests.check(first, SUMMARY)


def test_without_samples_it_is_a_seed():
    bare = replace(SUMMARY, samples=None, attribute_sets=(), conditioned_on=None)
    first = picture_requests.opening_state(bare)
    assert first.base == SeedBase(0)
    assert first.classifier_id == "c" * 64


def test_a_stored_state_must_fit_the_model():
    picture_requests.check(state(edits=(StyleShift(LAYOUT.num_styles - 1, "max", 1.0),)), SUMMARY)
    for fields, word in (
        ({"model_hash": "b" * 64}, "model"),
        ({"classifier_id": "x"}, "classifier"),
        ({"target_class": 2}, "class"),
        ({"base": SampleBase(4)}, "sample"),
        ({"base": SampleBase(-1)}, "sample"),
        ({"base": SeedBase(-3)}, "seed"),
        ({"base": SeedBase(2**70)}, "seed"),
        ({"noise": Noise("seed", 2**70)}, "noise"),
        ({"truncation_cutoff": -1}, "truncates"),
        ({"edits": (StyleShift(LAYOUT.num_styles, "max", 1.0),)}, "style"),
        ({"truncation_psi": float("nan")}, "number"),
        ({"edits": (StyleShift(0, "max", float("inf")),)}, "number"),
        ({"cond": (float("nan"), 1.0)}, "number"),
        ({"cond": (1.0,)}, "other classes"),
        ({"base": BlendBase(SeedBase(1), SampleBase(4), 0.5)}, "sample"),
        ({"base": BlendBase(SeedBase(1), SeedBase(2), 1.5)}, "blend"),
        ({"base": MixBase(SeedBase(1), SeedBase(-2), 0, 1)}, "seed"),
        ({"base": MixBase(SeedBase(1), SeedBase(2), 0, 99)}, "mixes rows"),
        ({"base": BlendEndBase(SeedBase(1), 0.5, -2)}, "truncates"),
        ({"base": BlendEndBase(SeedBase(1), cond=(1.0,))}, "other classes"),
        ({"base": BlendEndBase(SeedBase(1), float("inf"))}, "number"),
        ({"base": nested(12)}, "nested"),
        ({"noise": Noise("blend", a=Noise("seed", -1))}, "noise"),
    ):
        with pytest.raises(UserError, match=word):
            picture_requests.check(state(**fields), SUMMARY)


def nested(levels: int) -> Base:
    base: Base = SeedBase(1)
    for _ in range(levels):
        base = BlendBase(base, SeedBase(2), 0.5)
    return base


def test_stored_timelines_must_fit_the_model_too():
    def of(*recipes, **fields) -> Timeline:
        frames = tuple(Keyframe(float(i), r) for i, r in enumerate(recipes))
        return Timeline(**{"name": "t", "keyframes": frames, **fields})

    good = of(recipe(), PictureRecipe(BlendBase(SampleBase(0), SeedBase(1), 0.5)))
    picture_requests.check(state(timelines=(good,)), SUMMARY)
    for timelines, word in (
        ((of(PictureRecipe(SampleBase(9))),), "sample"),
        ((of(recipe(edits=(StyleShift(10**9, "max", 1.0),))),), "style"),
        ((of(PictureRecipe(nested(12))),), "nested"),
        ((of(noise=Noise("seed", -1)),), "noise"),
        ((of(fps=1e9),), "frame rate"),
        ((of(classifier_id="x"),), "classifier"),
        ((good, good), "same name"),
        (tuple(of(name=str(i)) for i in range(200)), "timelines"),
    ):
        with pytest.raises(UserError, match=word):
            picture_requests.check(state(timelines=timelines), SUMMARY)


def said(
    w_distance: float = 1.0,
    styles: np.ndarray | None = None,
    summary=SUMMARY,
    asked: str | None = SUMMARY.conditioned_on,
    unlikeness: float | None = 0.5,
    **fields,
):
    return [warning.text for warning in warned(w_distance, styles, summary, asked, unlikeness, **fields)]


def warned(
    w_distance: float = 1.0,
    styles: np.ndarray | None = None,
    summary=SUMMARY,
    asked: str | None = SUMMARY.conditioned_on,
    unlikeness: float | None = 0.5,
    projected_of=lambda _base: None,
    **fields,
):
    result = replace(make_result(w_distance=w_distance), unlikeness=unlikeness)
    if styles is not None:
        result = replace(result, styles=styles)
    return picture_requests.warnings(PictureRequest(recipe(**fields), asked), summary, result, projected_of)


def test_nothing_is_said_within_the_data():
    assert said() == []
    assert said(truncation_psi=-0.5) == []
    assert said(edits=(StyleShift(3, "max", 1.0), StyleShift(4, "max", -1.0))) == []
    assert said(edits=(StyleShift(3, "max", 1.9, "sigma"),)) == []


def test_truncation_above_one_is_outside_the_data():
    assert "1.20 is above 1" in said(truncation_psi=1.2)[0]
    assert said(truncation_psi=1.2, base=SampleBase(0)) == []


def test_an_amount_above_one_is_outside_the_data():
    assert "spots (style 3) is outside" in said(edits=(StyleShift(3, "max", 1.1),))[0]
    assert "Style 3 is outside" in said(edits=(StyleShift(3, "max", -1.1),))[0]
    two = said(edits=(StyleShift(3, "max", 1.1), StyleShift(4, "min", 2.0)))
    assert two == ["2 styles are outside the range that the data shows."]


def test_a_sigma_shift_past_the_observed_value_is_outside_the_data():
    assert "style 3" in said(edits=(StyleShift(3, "max", 2.1, "sigma"),))[0]
    styles = np.zeros(LAYOUT.num_styles, np.float32)
    styles[3] = 0.9
    assert "style 3" in said(edits=(StyleShift(3, "max", 0.3, "sigma"),), styles=styles)[0]
    bare = replace(SUMMARY, style_stats=None)
    assert said(edits=(StyleShift(3, "max", 9.0, "sigma"),), summary=bare) == []


def test_a_far_latent_is_said_unless_it_is_of_the_data():
    assert "3.0 standard deviations" in said(w_distance=3.0)[0]
    assert said(w_distance=3.0, base=SampleBase(0)) == []


@pytest.mark.parametrize("base", [SeedBase(1), SampleBase(0), ProjectedBase("mine")])
def test_styles_within_their_ranges_can_be_outside_together(base):
    together = (StyleShift(3, "max", 1.0), StyleShift(4, "max", -1.0))
    found = warned(base=base, edits=together, unlikeness=1.31)
    assert ["1.3 times as far" in warning.text for warning in found] == [True]
    assert picture_requests.outside_the_data(found) == "combination"
    assert warned(base=base, edits=together, unlikeness=1.0) == ()
    assert warned(base=base, edits=together, unlikeness=None) == ()


def test_what_is_outside_is_named_once():
    one = warned(edits=(StyleShift(3, "max", 1.1),))
    assert picture_requests.outside_the_data(one) == "style 3"
    more = warned(
        truncation_psi=1.2, edits=(StyleShift(3, "max", 1.1), StyleShift(4, "min", 2.0)), w_distance=3.0, unlikeness=2.0
    )
    assert picture_requests.outside_the_data(more) == "truncation, 2 styles, combination, latent"


def test_a_photo_outside_the_domain_is_said_wherever_it_takes_part():
    foreign = replace(PROJECTED, report=msgspec.structs.replace(PROJECTED.report, in_domain=False))

    def photo(base):
        return foreign if isinstance(base, ProjectedBase) else None

    blend = BlendBase(SeedBase(1), ProjectedBase("mine"), 0.5)
    both = BlendBase(ProjectedBase("mine"), ProjectedBase("yours"), 0.5)
    for base in (ProjectedBase("mine"), blend, both):
        found = warned(base=base, projected_of=photo)
        assert ["domain" in warning.text for warning in found] == [True]
        assert picture_requests.outside_the_data(found) == "photo"
    assert warned(base=SeedBase(1), projected_of=photo) == ()


def test_a_reconstruction_that_changes_the_class_is_said():
    # The fake classifier says healthy (0.6) of every reconstruction, and diseased (0.8) of the real sample 1.
    words = said(base=SampleBase(1))
    assert words == [
        "The reconstruction changes the class: the classifier says diseased of the real picture, "
        "healthy of its reconstruction."
    ]
    assert said(base=SampleBase(0)) == []
    assert picture_requests.outside_the_data(warned(base=SampleBase(1))) == ""
    assert said(base=SampleBase(1), asked="d" * 64) == []  # what it said of the photo is not known


def test_a_generated_picture_is_compared_with_no_photograph():
    samples = SampleTable(tuple(map(generated_id, range(4))), SUMMARY.samples.probs)
    assert said(summary=replace(SUMMARY, samples=samples), base=SampleBase(1)) == []


def test_the_value_of_a_shifted_style():
    stats, styles = SUMMARY.style_stats, np.full(LAYOUT.num_styles, 0.5, np.float32)
    for edit, value in (
        (StyleShift(0, "max", 1.0), 1.0),
        (StyleShift(0, "max", 0.5), 0.75),
        (StyleShift(0, "max", -1.0), -1.0),
        (StyleShift(0, "min", 1.0), -1.0),
        (StyleShift(0, "min", -0.5), 0.75),
        (StyleShift(0, "max", 2.0, "sigma"), 1.5),
        (StyleShift(0, "min", 1.0, "sigma"), 0.0),
        (StyleShift(0, "min", -1.0, "sigma"), 1.0),
    ):
        assert picture_requests.shifted_value(edit, stats, styles) == pytest.approx(value)


def test_already_at_the_end():
    result = make_result()
    assert not picture_requests.already_at_end(result, SUMMARY, SPOTS)
    result.styles[3] = 0.99
    assert picture_requests.already_at_end(result, SUMMARY, SPOTS)
    assert not picture_requests.already_at_end(result, SUMMARY, SPOTS, sign=-1)
    result.styles[5] = 0.99  # EDGES goes to the minimum
    assert not picture_requests.already_at_end(result, SUMMARY, EDGES)
    assert picture_requests.already_at_end(result, SUMMARY, EDGES, sign=-1)
    assert not picture_requests.already_at_end(result, SUMMARY, BOTH)  # style 7 can still move
    assert not picture_requests.already_at_end(result, replace(SUMMARY, style_stats=None), SPOTS)
