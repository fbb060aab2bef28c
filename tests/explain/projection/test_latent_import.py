# SPDX-License-Identifier: MIT
"""Latents from files, photos at their own size, and projections in the model host, on real networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_projection import make_projected
from PIL import Image

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.projection.photos import photo_of, project_photos
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Kept, Progress
from latent_explorer.common.jobs import run_job
from latent_explorer.data.images import read_image
from latent_explorer.explain.batches import default_budget
from latent_explorer.explain.latents import Latent
from latent_explorer.explain.projection.latent_import import import_latents
from latent_explorer.explain.projection.report_text import cautions
from latent_explorer.explain.projection.target import photo_probs
from latent_explorer.explain.projection_settings import ProjectionSettings
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, ProjectedBase

RNG = np.random.default_rng(0)


@pytest.fixture
def host(tiny_explainer, tmp_path):
    made = ModelHost(read=lambda _path: tiny_explainer)
    made.open(tmp_path / "tiny.explainer", "cpu")
    return made


def shown(host, picture):
    request = PictureRequest(PictureRecipe(ProjectedBase(picture.latent_id)), host.explainer.conditioned_on)
    return host.render(request)


@pytest.mark.parametrize("form", ["npz", "npz with cond", "npy"])
def test_latents_of_other_programs_are_rendered_as_they_will_be_shown(host, tmp_path, form):
    model = host.explainer
    num_ws, w_dim = model.generator.num_ws, model.generator.config.w_dim
    ws = RNG.standard_normal((2, num_ws, w_dim), np.float32)
    path = tmp_path / f"projected_w.{form[:3]}"
    if form == "npy":
        np.save(path, ws)
    else:
        cond = {"cond": np.array([[1, 0], [0, 1]], np.float32)} if "cond" in form else {}
        np.savez(path, w=ws, **cond)
    pictures = import_latents(host.explainer, host.renderer, path, model.conditioned_on)
    assert [p.report.name for p in pictures] == ["projected_w 1", "projected_w 2"]
    host.add_latents(pictures)
    for i, picture in enumerate(pictures):
        result = shown(host, picture)
        np.testing.assert_array_equal(result.before.image, picture.image)
        np.testing.assert_array_equal(picture.ws, ws[i])
        assert result.w_distance == pytest.approx(picture.report.w_distance)
        expected = [1 - i, i] if "cond" in form else [0.5, 0.5]
        assert picture.cond.tolist() == expected
        assert picture.report.cond_assumed == ("cond" not in form)
        has_caution = any("given equal ones" in sentence for sentence in cautions(picture.report))
        assert has_caution == ("cond" not in form)
    assert list(host.renderer.latents) == [p.latent_id for p in pictures], "nothing else is left"


def latents_of(host, path):
    return import_latents(host.explainer, host.renderer, path, host.explainer.conditioned_on)


def test_results_of_rosinalitys_projector_have_names_and_their_noise(host, tmp_path):
    model = host.explainer
    num_ws, w_dim = model.generator.num_ws, model.generator.config.w_dim
    sides = [layer.resolution for layer in model.generator.config.layout.conv_layers]
    noise = [torch.randn(1, 1, side, side) for side in sides]
    leaf = torch.randn(2, w_dim, requires_grad=True)
    results = {
        "photos/ann.jpg": {"img": torch.zeros(1, 3, 16, 16), "latent": leaf[0], "noise": noise},
        "C:\\photos\\bob.png": {"img": torch.zeros(1, 3, 16, 16), "latent": torch.randn(num_ws, w_dim), "noise": noise},
    }
    torch.save(results, tmp_path / "ann-project.pt")
    pictures = latents_of(host, tmp_path / "ann-project.pt")
    assert [p.report.name for p in pictures] == ["ann", "bob"]
    np.testing.assert_array_equal(pictures[0].ws, leaf[0].detach().expand(num_ws, w_dim).numpy())
    for number, side in enumerate(sides):
        np.testing.assert_array_equal(pictures[1].noise[number], noise[number].reshape(side, side).numpy())
    latent = Latent(torch.from_numpy(pictures[1].ws)[None], torch.full((1, 2), 0.5), tuple(noise))
    expected = host.renderer.render_latent(latent, model.conditioned_on).after.image
    np.testing.assert_array_equal(pictures[1].image, expected)
    results["photos/ann.jpg"]["noise"] = noise[:-1]
    torch.save(results, tmp_path / "other.pt")
    with pytest.raises(UserError, match="another size"):
        latents_of(host, tmp_path / "other.pt")


@pytest.mark.parametrize("form", ["tensor", "named", "legacy", "npy"])
def test_one_latent_of_all_rows_is_one_picture(host, tmp_path, form):
    model = host.explainer
    ws = torch.randn(model.generator.num_ws, model.generator.config.w_dim)
    path = tmp_path / ("latents.npy" if form == "npy" else "latents.pt")
    if form == "npy":
        np.save(path, ws.numpy())
    elif form == "legacy":
        torch.save(ws, path, _use_new_zipfile_serialization=False)
    else:
        torch.save(ws if form == "tensor" else {"latents": ws, "step": 7}, path)
    (picture,) = latents_of(host, path)
    assert picture.report.name == "latents"
    np.testing.assert_array_equal(picture.ws, ws.numpy())


def test_one_latent_in_w_is_one_picture(host, tmp_path):
    w = RNG.standard_normal(host.explainer.generator.config.w_dim)  # in double precision
    np.save(tmp_path / "w.npy", w)
    (picture,) = latents_of(host, tmp_path / "w.npy")
    assert (picture.ws == w.astype(np.float32)).all()


@pytest.mark.parametrize(
    "content", [{"a": 1}, {}, [1], {"latent": torch.ones(3)}, {"x.png": {"latent": torch.ones(3)}}]
)
def test_checkpoints_without_latents_of_this_model_are_refused(host, tmp_path, content):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(UserError, match=r"no latents|another model"):
        latents_of(host, tmp_path / "x.pt")


def test_a_checkpoint_of_too_many_pictures_is_refused(host, tmp_path):
    w = torch.ones(host.explainer.generator.config.w_dim)
    torch.save({f"{i}.png": {"latent": w} for i in range(65)}, tmp_path / "x.pt")
    with pytest.raises(UserError, match="65 latents"):
        latents_of(host, tmp_path / "x.pt")


def test_latents_that_do_not_fit_are_refused_in_a_sentence(host, tmp_path):
    np.savez(tmp_path / "x.npz", w=RNG.standard_normal((1, 3, 7), np.float32))
    with pytest.raises(UserError, match="another model"):
        import_latents(host.explainer, host.renderer, tmp_path / "x.npz", host.explainer.conditioned_on)
    shape = (1, host.explainer.generator.num_ws, host.explainer.generator.config.w_dim)
    classifier_id = host.explainer.conditioned_on
    for cond in (np.array([["a", "b"]]), np.array([[np.nan, 1]])):
        np.savez(tmp_path / "x.npz", w=np.zeros(shape), cond=cond)
        with pytest.raises(UserError, match="array cond"):
            import_latents(host.explainer, host.renderer, tmp_path / "x.npz", classifier_id)
    shape = (65, host.explainer.generator.num_ws, host.explainer.generator.config.w_dim)
    np.save(tmp_path / "x.npy", np.zeros(shape, np.float32))
    with pytest.raises(UserError, match="65 latents"):
        import_latents(host.explainer, host.renderer, tmp_path / "x.npy", host.explainer.conditioned_on)


def test_the_classifier_judges_a_photo_at_its_own_size(tiny_explainer):
    key = tiny_explainer.conditioned_on
    assert photo_probs(tiny_explainer, np.zeros((16, 16, 3), np.uint8), key) == ()
    for size in (40, 1500):
        probs = photo_probs(tiny_explainer, RNG.integers(0, 256, (size, size, 3), np.uint8), key)
        assert sum(probs) == pytest.approx(1)


def test_photos_are_cut_projected_and_known_on_every_device(host, tmp_path):
    pixels = RNG.integers(0, 256, (40, 60, 3), np.uint8)
    photo = photo_of(pixels, "noise")
    settings = ProjectionSettings(steps=3, nearest_of=8)
    job = project_photos(host, default_budget, [photo], settings, host.explainer.conditioned_on)
    events = []
    (picture,) = run_job(job, events.append)
    assert isinstance(events[0], Progress)
    kept = [event.value for event in events if isinstance(event, Kept)]
    assert kept[-1][0].latent_id == picture.latent_id
    assert len(picture.report.probs_photo) == 2
    expected = read_image(Image.fromarray(pixels), 16, name="noise")
    np.testing.assert_array_equal(picture.target, expected)
    host.add_latents([picture])
    before = shown(host, picture)
    np.testing.assert_array_equal(before.before.image, picture.image)
    host.use_device("cpu")
    np.testing.assert_array_equal(shown(host, picture).before.image, picture.image)


def test_latents_of_another_model_are_passed_over(host):
    host.add_latents([make_projected(model_hash="b" * 64)])
    assert host.renderer.latents == {}
