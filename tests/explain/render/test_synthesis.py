# SPDX-License-Identifier: MIT
"""Renders of recipes: bases, truncation, noise, edits and their units."""

from __future__ import annotations

import os

import msgspec
import numpy as np
import pytest
import torch
from colour_explainer import tiny_explainer

from latent_explorer.common.errors import UserError
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.directions.direction import Direction
from latent_explorer.explain.latents import Latent, cpu_threads, seed_latent
from latent_explorer.explain.recipe import (
    DirectionShift,
    Noise,
    PictureRecipe,
    PictureRequest,
    ProjectedBase,
    SampleBase,
    SeedBase,
    StyleShift,
)
from latent_explorer.explain.render.renderer import Renderer, render_threads
from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.stylegan2 import Generator


@pytest.fixture(scope="module")
def explainer():
    return tiny_explainer()


@pytest.fixture
def renderer(explainer):
    return Renderer(explainer)


def request(explainer, base, **fields):
    return PictureRequest(PictureRecipe(base, **fields), next(iter(explainer.classifiers)))


def reference(explainer, ws, cond, styles=None, noise=None):
    """Return picture and logits by the networks themselves."""
    synthesis = explainer.generator.synthesis
    with torch.no_grad():
        styles = synthesis.styles(ws, cond) if styles is None else styles
        img = synthesis.render(styles, synthesis.noise_const() if noise is None else noise)
        return to_uint8(img[0].numpy()), explainer.classifier.logits(img)[0].numpy()


def assert_same(picture, image, logits):
    assert np.abs(picture.image.astype(int) - image).max() <= 1
    np.testing.assert_allclose(picture.logits, logits, atol=2e-4)
    np.testing.assert_allclose(picture.probs, torch.from_numpy(logits).softmax(0), atol=1e-4)


def test_a_sample_is_rendered_from_its_ws_and_cond(explainer, renderer):
    result = renderer.render(request(explainer, SampleBase(3)))
    samples = explainer.samples
    assert_same(result.after, *reference(explainer, samples.ws[3:4], samples.cond[3:4]))
    assert result.after is result.before
    assert result.after.image.shape == (16, 16, 3)
    assert result.styles.shape == (38,)
    assert result.seconds > 0


def test_a_seed_takes_its_cond_from_a_stored_sample(explainer, renderer):
    latent = seed_latent(explainer, 5)
    assert any(torch.equal(latent.cond[0], row) for row in explainer.samples.cond)
    result = renderer.render(request(explainer, SeedBase(5)))
    assert_same(result.after, *reference(explainer, latent.ws, latent.cond))


def test_psi_zero_gives_the_average_and_cutoff_spares_the_later_rows(explainer, renderer):
    average = explainer.generator.broadcast(explainer.generator.mapping.w_avg[None])
    latent = seed_latent(explainer, 1)
    result = renderer.render(request(explainer, SeedBase(1), truncation_psi=0.0))
    assert_same(result.after, *reference(explainer, average, latent.cond))
    assert result.w_distance == pytest.approx(0, abs=1e-6)
    mixed = torch.cat([average[:, :2], latent.ws[:, 2:]], dim=1)
    result = renderer.render(request(explainer, SeedBase(1), truncation_psi=0.0, truncation_cutoff=2))
    assert_same(result.after, *reference(explainer, mixed, latent.cond))


def test_range_shift_by_one_puts_the_coordinate_at_the_observed_end(explainer, renderer):
    samples, synthesis = explainer.samples, explainer.generator.synthesis
    for end, value in (("min", explainer.style_stats.minimum), ("max", explainer.style_stats.maximum)):
        styles = synthesis.styles(samples.ws[:1], samples.cond[:1])
        s = synthesis.join(styles)
        s[0, 20] = float(value[20])
        edit = StyleShift(20, end, 1.0)
        result = renderer.render(request(explainer, SampleBase(0), edits=(edit,)))
        expected = reference(explainer, None, None, synthesis.replace(styles, s))
        assert_same(result.after, *expected)
        assert_same(result.before, *reference(explainer, samples.ws[:1], samples.cond[:1]))


def test_a_negative_range_shift_goes_to_the_other_end(explainer, renderer):
    for end, other in (("min", "max"), ("max", "min")):
        negative, expected = (
            renderer.render(request(explainer, SampleBase(0), edits=(edit,)))
            for edit in (StyleShift(20, end, -0.75), StyleShift(20, other, 0.75))
        )
        assert_same(negative.after, expected.after.image, expected.after.logits)
        assert not np.array_equal(negative.after.logits, negative.before.logits)


def test_sigma_shift_adds_standard_deviations(explainer, renderer):
    samples, synthesis = explainer.samples, explainer.generator.synthesis
    styles = synthesis.styles(samples.ws[:1], samples.cond[:1])
    s = synthesis.join(styles)
    s[0, 9] -= 2.5 * float(explainer.style_stats.std[9])
    edit = StyleShift(9, "min", 2.5, "sigma")
    result = renderer.render(request(explainer, SampleBase(0), edits=(edit,)))
    assert_same(result.after, *reference(explainer, None, None, synthesis.replace(styles, s)))


def test_shifts_add_up_from_the_unedited_value_in_any_order(explainer, renderer):
    edits = (StyleShift(4, "max", 0.5), StyleShift(30, "min", 1.0), StyleShift(4, "max", 0.25))
    results = [
        renderer.render(request(explainer, SampleBase(2), edits=e))
        for e in (edits, edits[::-1], (StyleShift(4, "max", 0.75), StyleShift(30, "min", 1.0)))
    ]
    for other in results[1:]:
        assert_same(other.after, results[0].after.image, results[0].after.logits)


def test_directions_move_w_before_the_affines_and_styles_after(explainer, renderer):
    samples, synthesis = explainer.samples, explainer.generator.synthesis
    in_w, in_rows = torch.randn(16), torch.randn(explainer.generator.num_ws, 16)
    one = Direction("w", 16, in_w.numpy().tobytes())
    other = Direction("w+", 16, in_rows.numpy().tobytes(), 1, 2)
    edits = (DirectionShift(other, 0.25), StyleShift(4, "max", 1.0, "sigma"), DirectionShift(one, -0.5))
    result = renderer.render(request(explainer, SampleBase(0), edits=edits))
    ws = samples.ws[:1] - 0.5 * in_w
    ws[:, 1:3] += 0.25 * in_rows[1:3]
    styles = synthesis.styles(ws, samples.cond[:1])
    shift = torch.zeros(38)
    shift[4] = torch.as_tensor(explainer.style_stats.std)[4]
    styles = synthesis.replace(styles, synthesis.join(styles) + shift)
    assert_same(result.after, *reference(explainer, None, None, styles))


def test_noise_is_a_value(explainer, renderer):
    def image(**noise):
        return renderer.render(request(explainer, SampleBase(0), noise=Noise(**noise))).after.image

    assert np.array_equal(image(kind="seed", seed=1), image(kind="seed", seed=1))
    assert not np.array_equal(image(kind="seed", seed=1), image(kind="seed", seed=2))
    assert not np.array_equal(image(kind="none"), image(kind="const"))
    latent = Latent(explainer.samples.ws[:1], explainer.samples.cond[:1])
    maps = tuple(explainer.generator.synthesis.noise_const())
    renderer.add_latent("p", Latent(latent.ws, latent.cond, maps))
    assert np.array_equal(image(kind="maps", maps_id="p"), image(kind="const"))


def test_a_projected_latent_is_rendered_and_can_be_replaced(explainer, renderer):
    samples = explainer.samples
    renderer.add_latent("p", Latent(samples.ws[1:2], samples.cond[1:2]))
    picture_request = request(explainer, ProjectedBase("p"))
    sample = renderer.render(request(explainer, SampleBase(1)))
    assert np.array_equal(renderer.render(picture_request).after.image, sample.after.image)
    renderer.add_latent("p", Latent(samples.ws[2:3], samples.cond[2:3]))
    sample = renderer.render(request(explainer, SampleBase(2)))
    assert np.array_equal(renderer.render(picture_request).after.image, sample.after.image)


def test_cond_override_changes_only_what_the_generator_is_told(explainer, renderer):
    samples = explainer.samples
    result = renderer.render(request(explainer, SampleBase(0), cond=(1.0, 0.0)))
    cond = torch.tensor([[1.0, 0.0]])
    assert_same(result.after, *reference(explainer, samples.ws[:1], cond))


def test_equal_requests_give_equal_bits_whatever_was_rendered_between(explainer):
    picture_request = request(explainer, SeedBase(9), edits=(StyleShift(11, "max", 0.7),))
    first = Renderer(explainer).render(picture_request)
    busy = Renderer(explainer)
    for i in range(40):
        busy.render(request(explainer, SampleBase(i % 24), noise=Noise("seed", i)))
    torch.set_num_threads(2)
    second = busy.render(picture_request)
    for a, b in ((first.after, second.after), (first.before, second.before)):
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.logits, b.logits)


@pytest.mark.parametrize(
    ("resolution", "cores", "threads"), [(64, 8, 1), (128, 8, 1), (256, 8, 2), (1024, 8, 2), (1024, 1, 1)]
)
def test_large_pictures_get_a_second_thread_where_there_is_a_second_core(resolution, cores, threads, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert render_threads(resolution) == threads


def test_a_second_thread_changes_large_pictures_by_rounding_only():
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig((32, 32, 32, 32, 16, 16, 16), z_dim=16, w_dim=16, mapping_layers=2))
    ws = generator.broadcast(torch.randn(1, 16))
    pictures = []
    for threads in (1, 2):
        with cpu_threads(threads), torch.inference_mode():
            styles = generator.synthesis.styles(ws, None)
            pictures.append(generator.synthesis.render(styles, [None] * len(generator.synthesis.layout.conv_layers)))
    assert pictures[0].shape == (1, 3, 256, 256)
    torch.testing.assert_close(*pictures, atol=2e-6, rtol=1e-5)


def test_rendering_touches_neither_the_explainer_nor_the_number_of_threads(explainer):
    before = {k: v.clone() for k, v in explainer.generator.state_dict().items()}
    threads = torch.get_num_threads()
    Renderer(explainer).render(request(explainer, SampleBase(0), edits=(StyleShift(1, "max", 2.0),)))
    assert torch.get_num_threads() == threads
    for name, tensor in explainer.generator.state_dict().items():
        assert torch.equal(tensor, before[name])
        assert tensor.stride() == before[name].stride()


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"base": SampleBase(99)}, "encoded picture 99"),
        ({"base": ProjectedBase("x")}, "Project the picture again"),
        ({"edits": (StyleShift(38, "max", 1.0),)}, "style coordinate 38"),
        ({"edits": (DirectionShift(Direction("d", 3, bytes(12)), 1.0),)}, "direction d has 3 numbers"),
        ({"noise": Noise("maps", maps_id="m")}, "noise maps 'm'"),
        ({"cond": (1.0,)}, "takes 2"),
    ],
)
def test_what_the_model_lacks_is_a_sentence(explainer, renderer, fields, text):
    recipe = PictureRecipe(**({"base": SampleBase(0)} | fields))
    with pytest.raises(UserError, match=text):
        renderer.render(PictureRequest(recipe, next(iter(explainer.classifiers))))


def test_an_unknown_classifier_is_a_sentence(explainer, renderer):
    picture_request = msgspec.structs.replace(request(explainer, SampleBase(0)), classifier_id="none")
    with pytest.raises(UserError, match="classifier none"):
        renderer.render(picture_request)
