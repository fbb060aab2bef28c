# SPDX-License-Identifier: MIT
"""Blends with known answers: exact ends, and a blend of a value with itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.explain.latents import Latent, TunedGenerators, latent_styles, seed_inputs, seed_latent
from latent_explorer.explain.recipe import (
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
from latent_explorer.explain.render.base_resolver import BaseResolver, blend_maps, slerp
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.explain.timeline.timeline import interpolate_recipes

EXPLAINER = tiny.make_explainer()
RENDERER = Renderer(EXPLAINER)
GENERATOR = EXPLAINER.generator
SYNTHESIS = GENERATOR.synthesis
A, B = SeedBase(1), SeedBase(2)
SPACES = ("z", "z-slerp", "w", "w+", "style")


def bases(projected: dict[str, Latent] | None = None) -> BaseResolver:
    return BaseResolver(EXPLAINER, projected or {}, TunedGenerators(GENERATOR))


def latent(base, projected=None) -> Latent:
    with torch.inference_mode():
        return bases(projected).latent(base)


def logits(recipe: PictureRecipe) -> np.ndarray:
    return RENDERER.render(PictureRequest(recipe, EXPLAINER.conditioned_on)).after.logits


def maps(seed: int) -> tuple[torch.Tensor, ...]:
    return tuple(SYNTHESIS.noise_random(1, torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("space", SPACES)
def test_a_blend_begins_and_ends_bit_for_bit_with_its_ends(space):
    for amount, end in ((0.0, A), (1.0, B)):
        blended = latent(BlendBase(A, B, amount, space))
        assert torch.equal(blended.ws, latent(end).ws)
        assert torch.equal(blended.cond, latent(end).cond)


@pytest.mark.parametrize("space", SPACES)
def test_a_blend_of_a_latent_with_itself_is_the_latent(space):
    twin = BlendEndBase(A)  # the same latent under another name
    for other in (A, twin):
        blended = latent(BlendBase(A, other, 0.37, space))
        tolerance = {"rtol": 0, "atol": 0 if space != "z-slerp" else 1e-6}
        torch.testing.assert_close(blended.ws, latent(A).ws, **tolerance)
        assert torch.equal(blended.cond, latent(A).cond)


def test_w_is_the_straight_line_and_equals_w_plus_and_style_space():
    a, b = latent(A), latent(B)
    expected = 0.75 * a.ws + 0.25 * b.ws
    for space in ("w", "w+", "style"):
        got = latent(BlendBase(A, B, 0.25, space))
        torch.testing.assert_close(got.ws, expected)
        torch.testing.assert_close(got.cond, 0.75 * a.cond + 0.25 * b.cond)
    with torch.inference_mode():
        ends = [SYNTHESIS.styles(x.ws, x.cond) for x in (a, b)]
        styles = SYNTHESIS.styles(got.ws, got.cond)
    for style, x, y in zip(styles, *ends, strict=True):
        torch.testing.assert_close(style, 0.75 * x + 0.25 * y)


def test_z_is_blended_before_the_mapping_network():
    (za, _, _), (zb, _, _) = seed_inputs(EXPLAINER, 1), seed_inputs(EXPLAINER, 2)
    with torch.inference_mode():
        straight = GENERATOR.ws_from_z(0.4 * za + 0.6 * zb)
        turned = GENERATOR.ws_from_z(slerp(za, zb, 0.6))
    torch.testing.assert_close(latent(BlendBase(A, B, 0.6, "z")).ws, straight)
    torch.testing.assert_close(latent(BlendBase(A, B, 0.6, "z-slerp")).ws, turned)
    assert not torch.allclose(straight, turned)


def test_z_blends_nest_and_are_refused_where_there_is_no_z():
    nested = BlendBase(BlendBase(A, B, 0.5, "z"), SeedBase(3), 0.5, "z")
    z = [seed_inputs(EXPLAINER, s)[0] for s in (1, 2, 3)]
    with torch.inference_mode():
        expected = GENERATOR.ws_from_z(0.25 * z[0] + 0.25 * z[1] + 0.5 * z[2])
    torch.testing.assert_close(latent(nested).ws, expected)
    for base in (SampleBase(0), BlendBase(A, B, 0.5, "w")):
        with pytest.raises(UserError, match="no z"):
            latent(BlendBase(A, base, 0.5, "z"))


def test_slerp_keeps_the_length_and_turns_at_a_steady_rate():
    a, b = torch.randn(2, 1, 16, generator=torch.Generator().manual_seed(0)).double()
    unit = a / a.norm(), b / b.norm()
    angle = torch.acos((unit[0] * unit[1]).sum())
    for t in (0.0, 0.1, 0.5, 0.9, 1.0):
        point = slerp(*unit, t)
        assert float(point.norm()) == pytest.approx(1, abs=1e-12)
        turned = torch.acos((point * unit[0]).sum().clamp(-1, 1))
        assert float(turned) == pytest.approx(float(angle) * t, abs=1e-6)
        length = (1 - t) * a.norm() + t * b.norm()
        assert float(slerp(a, b, t).norm()) == pytest.approx(float(length), abs=1e-12)
    torch.testing.assert_close(slerp(a, 2 * a, 0.5), 1.5 * a)
    assert torch.isfinite(slerp(a, -a, 0.5)).all()


def test_mixing_takes_rows_of_the_other_and_keeps_its_own_cond():
    mixed, a, b = latent(MixBase(A, B, 1, 2)), latent(A), latent(B)
    assert torch.equal(mixed.ws[:, 1:3], b.ws[:, 1:3])
    assert torch.equal(mixed.ws[:, 0], a.ws[:, 0])
    assert torch.equal(mixed.ws[:, 3:], a.ws[:, 3:])
    assert torch.equal(mixed.cond, a.cond)
    everything = latent(MixBase(A, B, 0, GENERATOR.num_ws - 1))
    assert torch.equal(everything.ws, b.ws)
    for first, last in ((-1, 1), (2, 1), (0, GENERATOR.num_ws)):
        with pytest.raises(UserError, match="rows"):
            latent(MixBase(A, B, first, last))


def test_a_latent_found_in_style_space_is_blended_and_mixed_as_styles():
    in_w = latent(A)
    with torch.inference_mode():
        moved_styles = [s + 0.1 for s in SYNTHESIS.styles(in_w.ws, in_w.cond)]
        plain = SYNTHESIS.styles(*(lambda b: (b.ws, b.cond))(latent(B)))
    projected = {"s": replace(in_w, styles=tuple(moved_styles))}
    half = latent(BlendBase(ProjectedBase("s"), B, 0.5, "style"), projected)
    with torch.inference_mode():
        result = latent_styles(SYNTHESIS, half, half.ws, half.cond)
    for style, x, y in zip(result, moved_styles, plain, strict=True):
        torch.testing.assert_close(style, (x + y) / 2)
    mixed = latent(MixBase(ProjectedBase("s"), B, 0, 0), projected)
    with torch.inference_mode():
        result = latent_styles(SYNTHESIS, mixed, mixed.ws, mixed.cond)
        styles_b = SYNTHESIS.styles(latent(B).ws, in_w.cond)
    for layer, style, mine, theirs in zip(SYNTHESIS.layout.layers, result, moved_styles, styles_b, strict=True):
        torch.testing.assert_close(style, theirs if layer.ws_row == 0 else mine)


def test_tuned_generators_are_blended_weight_by_weight():
    name = "synthesis.b4.conv1.weight"
    change = torch.ones_like(GENERATOR.state_dict()[name])
    known = {"t": replace(latent(A), delta={name: change}), "u": latent(B)}
    half = latent(BlendBase(ProjectedBase("t"), ProjectedBase("u"), 0.25), known)
    torch.testing.assert_close(half.delta[name], 0.75 * change)
    twice = latent(BlendBase(ProjectedBase("t"), BlendEndBase(ProjectedBase("t")), 0.25), known)
    assert torch.equal(twice.delta[name], change)


def test_an_end_brings_its_own_truncation_and_cond():
    end = latent(BlendEndBase(A, 0.5, 2, (0.25, 0.75)))
    w_avg = GENERATOR.mapping.w_avg
    assert torch.equal(end.ws[:, :2], w_avg + 0.5 * (latent(A).ws[:, :2] - w_avg))
    assert torch.equal(end.ws[:, 2:], latent(A).ws[:, 2:])
    assert end.cond.tolist() == [[0.25, 0.75]]
    with pytest.raises(UserError, match="class probabilities"):
        latent(BlendEndBase(A, cond=(1.0,)))


def test_blended_noise_keeps_its_spread_and_ends_bit_for_bit():
    for a, b in zip(maps(1), maps(2), strict=True):
        assert torch.equal(blend_maps(a, b, 0.0), a)
        assert torch.equal(blend_maps(a, b, 1.0), b)
        assert torch.equal(blend_maps(a, a, 0.3), a)
        middle = blend_maps(a, b, 0.5)
        spread = (a.std(correction=0) + b.std(correction=0)) / 2
        torch.testing.assert_close(middle.std(correction=0), spread)
        torch.testing.assert_close(middle.mean(), (a.mean() + b.mean()) / 2)
        torch.testing.assert_close(blend_maps(None, b, 0.25), 0.25 * b)
        torch.testing.assert_close(blend_maps(a, None, 0.25), 0.75 * a)
        assert torch.isfinite(blend_maps(a, -a, 0.5)).all()
    assert blend_maps(None, None, 0.5) is None


def test_noise_of_two_projections_is_blended_in_the_render():
    known = {"p": replace(latent(A), noise=maps(3)), "q": replace(latent(B), noise=maps(4))}
    p, q = Noise("maps", maps_id="p"), Noise("maps", maps_id="q")
    blended = bases(known).noise(Noise("blend", a=p, b=q, amount=0.5))
    for got, a, b in zip(blended, maps(3), maps(4), strict=True):
        assert torch.equal(got, blend_maps(a, b, 0.5))
    with pytest.raises(UserError, match="noise maps"):
        bases().noise(Noise("blend", a=p, b=q, amount=0.5))


ONE = PictureRecipe(A, 0.6, 2, Noise("const"), None, (StyleShift(3, "max", 1.0),))
TWO = PictureRecipe(
    SampleBase(1),
    noise=Noise("seed", 4),
    cond=(0.1, 0.9),
    edits=(StyleShift(3, "min", 0.5), StyleShift(9, "max", 0.4)),
)
THREE = PictureRecipe(B, 0.8, 3)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("pair", [(ONE, TWO), (ONE, THREE), (TWO, THREE)])
def test_between_two_recipes_every_picture_can_be_made_and_none_jumps(space, pair):
    assert interpolate_recipes(*pair, 0.0, space) == pair[0]
    assert interpolate_recipes(*pair, 1.0, space) == pair[1]
    for end, amount in ((pair[0], 1e-5), (pair[1], 1 - 1e-5)):
        near = logits(interpolate_recipes(*pair, amount, space))
        np.testing.assert_allclose(near, logits(end), atol=2e-2)


@pytest.mark.parametrize("space", SPACES)
def test_a_recipe_blended_with_an_equal_one_is_that_recipe(space):
    assert interpolate_recipes(ONE, PictureRecipe(*ONE.__reduce__()[1]), 0.3, space) is ONE


def test_numbers_go_straight():
    middle = interpolate_recipes(ONE, TWO, 0.25, "w+")
    assert middle.truncation_psi == pytest.approx(0.7)
    assert middle.truncation_cutoff == 2  # psi 1 truncates nothing, whatever its cutoff
    assert middle.edits == (StyleShift(3, "max", 0.625), StyleShift(9, "max", 0.1))
    assert middle.noise == Noise("blend", a=ONE.noise, b=TWO.noise, amount=0.25)
    assert middle.base == BlendBase(A, BlendEndBase(SampleBase(1), cond=(0.1, 0.9)), 0.25, "w+")
    both_conds = interpolate_recipes(TWO, PictureRecipe(SampleBase(1), cond=(0.5, 0.5)), 0.5, "w+")
    assert (both_conds.cond, both_conds.base) == ((0.3, 0.7), SampleBase(1))


def test_different_cutoffs_meet_row_by_row():
    with torch.inference_mode():
        middle = interpolate_recipes(ONE, THREE, 0.5, "z")
        a, b = (seed_latent(EXPLAINER, seed).ws.clone() for seed in (1, 2))
        w_avg = GENERATOR.mapping.w_avg
        a[:, :2], b[:, :3] = w_avg + 0.6 * (a - w_avg)[:, :2], w_avg + 0.8 * (b - w_avg)[:, :3]
    assert middle.truncation_psi == 1
    torch.testing.assert_close(latent(middle.base).ws, (a + b) / 2)
