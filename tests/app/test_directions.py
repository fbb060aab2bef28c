# SPDX-License-Identifier: MIT
"""Directions in an exploration on a real, tiny network: opened, moved, undone, saved, exported and opened again."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch
from headless import HeadlessExplorer, of_type
from PIL import Image

from latent_explorer.app.directions import DirectionsController
from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration import recipe_png, updates
from latent_explorer.app.exploration.picture_requests import warnings
from latent_explorer.app.exploration.state import direction_amount
from latent_explorer.app.projection.controller import ProjectionController
from latent_explorer.explain.direction_search.settings import GuidedSettings, SearchSettings
from latent_explorer.explain.recipe import DirectionShift, PictureRecipe, PictureRequest, SeedBase
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.classifier_file import write_classifier


class Opened(HeadlessExplorer):
    """An explorer on the tiny network, with the controllers of directions and projections."""

    def __init__(self, folder, explainer) -> None:
        super().__init__(folder, ModelHost(read=lambda _path: explainer, identify=lambda _path: explainer.model_hash))
        self.directions = DirectionsController(self.explorer)
        self.projections = ProjectionController(self.explorer, self.posted.put)
        self.open()

    def drop(self, *paths) -> list:
        self.explorer.open_path(*paths)
        return self.settle()


@pytest.fixture
def real(folder, monkeypatch, tiny_explainer):
    made = Opened(folder, tiny_explainer)
    yield made
    made.projections.close()
    made.explorer.close()


@pytest.fixture
def boundary(tmp_path, tiny_explainer):
    vector = np.random.default_rng(0).standard_normal((1, tiny_explainer.generator.config.w_dim))
    np.save(tmp_path / "boundary.npy", vector.astype(np.float32))
    return tmp_path / "boundary.npy"


def added(real, boundary):
    """Open a file as a direction, as the dialog does, and return it."""
    (update,) = of_type(real.drop(boundary), updates.VectorsFound)
    assert update.found.guess.directions
    real.directions.add(update.found)
    real.settle()
    (direction,) = real.explorer.directions()
    return direction


def test_a_slider_moves_the_picture_and_is_undone(real, boundary, tiny_explainer):
    direction = added(real, boundary)
    explorer = real.explorer
    explorer.show_base(SeedBase(5))
    real.directions.move(direction, 1.5)
    told = real.settle()
    assert explorer.undo_text == 'Undo "boundary"'
    shown = of_type(told, updates.MainPicture)[-1].result.after.image
    recipe = PictureRecipe(SeedBase(5))
    renderer = Renderer(tiny_explainer)
    latent = renderer._resolver.latent(recipe.base)
    ws = latent.ws + 1.5 * torch.from_numpy(direction.shift(tiny_explainer.generator.num_ws))
    by_hand = renderer.render_latent(replace(latent, ws=ws), explorer.state.classifier_id)
    np.testing.assert_array_equal(shown, by_hand.after.image)
    explorer.undo()
    assert direction_amount(explorer.state, direction) == 0
    explorer.redo()
    assert direction_amount(explorer.state, direction) == 1.5


def test_other_rows_keep_the_amount_and_the_name(real, boundary):
    direction = added(real, boundary)
    real.directions.rename(direction, "health")
    real.directions.move(direction, 2.0)
    real.directions.set_rows(direction, 0, 1)
    (other,) = real.explorer.directions()
    assert (other.first, other.last) == (0, 1)
    assert real.explorer.document.direction_name(other) == "health"
    assert direction_amount(real.explorer.state, other) == 2
    real.explorer.undo()
    assert real.explorer.directions() == [direction], "the picture moves all rows again, and the slider with it"
    real.directions.remove(direction)
    assert real.explorer.directions() == []
    real.explorer.undo()
    assert real.explorer.directions() == [direction], "what moves the picture has a slider"


def test_an_exploration_and_a_picture_hold_their_directions(real, boundary, tmp_path):
    direction = added(real, boundary)
    real.directions.move(direction, -1.0)
    real.settle()
    path, png = tmp_path / "x.exploration", tmp_path / "x.png"
    assert real.explorer.save(path)
    real.explorer.export_png(png)
    state, document = real.explorer.state, real.explorer.document
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("about.json"))["version"] == 2
    assert exploration_file.read(path).state == state
    real.directions.remove(direction)
    real.drop(png)
    assert real.explorer.state.edits == state.edits, "the picture's recipe brings its direction along"
    assert real.explorer.directions() == [direction]
    real.drop(path)
    assert (real.explorer.state, real.explorer.document) == (state, document)


def test_without_directions_files_stay_those_of_the_first_format(real, tmp_path):
    real.settle()
    assert real.explorer.save(tmp_path / "x.exploration")
    with zipfile.ZipFile(tmp_path / "x.exploration") as archive:
        assert json.loads(archive.read("about.json"))["version"] == 1
    (text,) = recipe_png.recipe_texts(real.explorer.state, "m").values()
    assert json.loads(text)["version"] == 1


def test_a_direction_of_another_model_is_refused_in_an_exploration(real, boundary, tmp_path):
    direction = added(real, boundary)
    wrong = msgspec.structs.replace(direction, w_dim=direction.w_dim // 2)
    state = msgspec.structs.replace(real.explorer.state, edits=(DirectionShift(wrong, 1.0),))
    exploration_file.write(tmp_path / "x.exploration", exploration_file.Exploration(state, real.explorer.document))
    (report,) = of_type(real.drop(tmp_path / "x.exploration"), updates.ErrorReport)
    assert "direction of another model" in report.failure.message


def test_far_along_a_direction_is_a_reason_for_care(real, boundary):
    direction = added(real, boundary)
    for amount, expected in ((3.0, False), (-3.5, True)):
        recipe = PictureRecipe(SeedBase(1), edits=(DirectionShift(direction, amount),))
        request = PictureRequest(recipe, real.explorer.state.classifier_id)
        found = warnings(request, real.explorer.summary, real.host.render(request))
        assert any("standard deviations: hardly" in caution.text for caution in found) == expected


def test_checkpoints_of_latents_open_directly(real, tmp_path, tiny_explainer):
    config = tiny_explainer.generator.config
    noise = [torch.randn(1, 1, layer.resolution, layer.resolution) for layer in config.layout.conv_layers]
    results = {f"{name}.jpg": {"latent": torch.randn(config.w_dim), "noise": noise} for name in ("ann", "bob")}
    torch.save(results, tmp_path / "project.pt")
    told = real.drop(tmp_path / "project.pt")
    assert not of_type(told, updates.ForeignFileOpened)
    assert [p.report.name for p in real.explorer.latents.all()] == ["ann", "bob"]
    torch.save(torch.randn(config.w_dim), tmp_path / "one.pt")
    (asked,) = of_type(real.drop(tmp_path / "one.pt"), updates.VectorsFound)
    real.directions.open_latents(asked.found)
    real.settle()
    assert [p.report.name for p in real.explorer.latents.all()][2:] == ["one"]
    torch.save({"fc.weight": torch.ones(2, config.w_dim), "fc.bias": torch.ones(2)}, tmp_path / "head.pt")
    assert of_type(real.drop(tmp_path / "head.pt"), updates.ForeignFileOpened)


def test_several_files_at_once_are_all_opened(real, tmp_path, tiny_explainer):
    ws = tiny_explainer.samples.ws[:1].numpy()
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", w=ws + ord(name))
    told = real.drop(tmp_path / "a.npz", tmp_path / "b.npz")
    assert not of_type(told, updates.Message)
    assert len(real.explorer.latents.all()) == 2


def test_what_comes_along_with_a_checkpoint_of_latents_is_opened_too(real, tmp_path, tiny_explainer):
    """Of several files that were dropped at once, all but the first checkpoint were forgotten."""
    config = tiny_explainer.generator.config
    files = [tmp_path / name for name in ("photo.png", "a.pt", "b.npz", "c.pt", "more")]
    photo, a, b, c, folder = files
    Image.new("RGB", (64, 64), "green").save(photo)
    folder.mkdir()
    Image.new("RGB", (64, 64), "red").save(folder / "other.jpg")
    for path in (a, c):
        torch.save({f"{path.stem}.jpg": {"latent": torch.randn(config.w_dim), "noise": []}}, path)
    np.savez(b, w=tiny_explainer.samples.ws[:1].numpy())
    told = real.drop(*files)
    assert [u.paths for u in of_type(told, updates.VectorsDropped)] == [(a, b, c)]
    assert [u.paths for u in of_type(told, updates.PicturesDropped)] == [(photo, folder)]
    assert len(real.explorer.latents.all()) == 3


def test_a_model_among_latents_is_announced(real, tmp_path, tiny_explainer):
    torch.save(torch.randn(tiny_explainer.generator.config.w_dim), tmp_path / "one.pt")
    torch.save({"fc.weight": torch.ones(2, 8), "fc.bias": torch.ones(2)}, tmp_path / "head.pt")
    told = real.drop(tmp_path / "one.pt", tmp_path / "head.pt")
    assert [u.path for u in of_type(told, updates.ForeignFileOpened)] == [tmp_path / "head.pt"]
    assert not of_type(told, updates.VectorsDropped)


def test_wrong_shapes_are_one_sentence_that_names_the_right_ones(real, tmp_path, tiny_explainer):
    np.save(tmp_path / "x.npy", np.ones((3, 7), np.float32))
    (report,) = of_type(real.drop(tmp_path / "x.npy"), updates.ErrorReport)
    w_dim, num_ws = tiny_explainer.generator.config.w_dim, tiny_explainer.generator.num_ws
    assert f"it holds (3, 7). This model takes ({w_dim},), ({num_ws}, {w_dim})" in report.failure.message


def test_without_a_model_it_is_said(headless, tmp_path):
    DirectionsController(headless.explorer)
    np.save(tmp_path / "x.npy", np.ones(8, np.float32))
    headless.explorer.open_path(tmp_path / "x.npy")
    (message,) = of_type(headless.settle(), updates.Message)
    assert message.text == "x.npy belongs to an explainer. Open that one now: the file is opened with it."


def test_what_waited_for_an_explainer_is_opened_with_it(folder, monkeypatch, tiny_explainer, boundary):
    monkeypatch.setattr(Opened, "open", lambda _self: None)
    made = Opened(folder, tiny_explainer)
    try:
        assert of_type(made.drop(boundary), updates.Message)
        assert len(of_type(HeadlessExplorer.open(made), updates.VectorsFound)) == 1
        assert not of_type(HeadlessExplorer.open(made), updates.VectorsFound)
    finally:
        made.projections.close()
        made.explorer.close()


def test_directions_that_are_found_get_sliders_and_say_what_they_do(real):
    guided = GuidedSettings(identity="none", steps=2, batch=2)
    real.directions.find(SearchSettings("guided", n=200, held_out=60, guided=guided))
    (message,) = of_type(real.settle(), updates.Message)
    first, second = real.explorer.document.directions
    assert [each.name for each in (first, second)] == ["guided healthy", "guided diseased"]
    assert message.text.startswith("2 directions found. guided ")
    assert "become healthy at 1, 2, 3 sd; random directions of that length:" in real.directions.effect(first)
    assert "become diseased" in real.directions.effect(second)
    real.directions.move(first, 1.5)
    assert direction_amount(real.explorer.state, first) == 1.5
    real.directions.find(SearchSettings("sefa", count=2, rows=(1, 2), held_out=4))
    real.settle()
    assert [(each.name, each.first, each.last) for each in real.explorer.document.directions[2:]] == [
        ("SeFa 1, rows 1-2", 1, 2),
        ("SeFa 2, rows 1-2", 1, 2),
    ]


def test_a_search_that_is_not_possible_ends_with_a_sentence(real):
    real.directions.find(SearchSettings("sefa", count=64))
    (error,) = of_type(real.settle(), updates.ErrorReport)
    assert "from 1 to 16" in str(error.failure)
    assert real.explorer.document.directions == ()


def test_a_network_of_your_own_says_what_stays(real, tiny_explainer, tmp_path):
    write_classifier(tmp_path / "mine.classifier", tiny_explainer.classifier, {})
    settings = SearchSettings("guided", target=0, held_out=4, guided=GuidedSettings(steps=2))
    real.directions.find(settings, embedding=tmp_path / "mine.classifier")
    real.settle()
    assert len(real.explorer.document.directions) == 1
    (tmp_path / "none.onnx").write_bytes(b"nothing")
    real.directions.find(settings, embedding=tmp_path / "none.onnx")
    (report,) = of_type(real.settle(), updates.ErrorReport)
    assert "none.onnx" in report.failure.message
    first = real.explorer.document.directions[0]
    real.directions.find(SearchSettings("boundary", held_out=4), given=[first])
    real.settle()
    second = real.explorer.document.directions[1]
    assert abs(first.array[0] @ second.array[0]) < 1e-4 * np.linalg.norm(first.array) * np.linalg.norm(second.array)
