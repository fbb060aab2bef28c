# SPDX-License-Identifier: MIT
"""Projected pictures in an exploration: shown in one step, saved with it, written once by the autosave,
missed in words."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from fake_projection import make_projected
from headless import of_type

from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.autosave import Autosave, latents_of
from latent_explorer.app.exploration.file import Exploration
from latent_explorer.app.exploration.intents import SetAttribute, SetBase
from latent_explorer.app.exploration.projected_latents import referenced_latents
from latent_explorer.explain.projected import read_projected
from latent_explorer.explain.recipe import Noise, ProjectedBase, SampleBase, SeedBase

PLAIN, NOISY = make_projected(seed=1), make_projected("noisy.png", seed=2, noise=True)


def listed(opened, *pictures):
    ids = opened.explorer.latents.add(*pictures)
    opened.explorer.change_document(opened.explorer.document.with_projected(*ids))
    return [ProjectedBase(i) for i in ids]


def test_showing_one_brings_its_noise_and_is_one_step_of_undo(opened):
    explorer = opened.explorer
    plain, noisy = listed(opened, PLAIN, NOISY)
    before = explorer.state
    explorer.show_base(noisy)
    assert explorer.state.base == noisy
    assert explorer.state.noise == Noise("maps", maps_id=noisy.latent_id)
    opened.settle()
    recipe = opened.rendered[-1].recipe
    assert opened.host.latents == [plain.latent_id, noisy.latent_id]
    assert recipe.noise.maps_id == noisy.latent_id
    explorer.undo()
    assert explorer.state == before
    explorer.redo()
    explorer.show_base(plain)
    assert explorer.state.noise == Noise()
    explorer.show_base(noisy)
    explorer.apply(SetBase(SeedBase(3)))
    assert explorer.state.noise == Noise(), "maps that were made for one picture stay with it"


def test_thumbnails_and_grid_show_each_latent_with_its_own_noise(opened):
    _plain, noisy = listed(opened, PLAIN, NOISY)
    opened.explorer.set_strip([noisy, SampleBase(1)])
    opened.settle()
    kinds = {r.recipe.base: r.recipe.noise.kind for r in opened.rendered[-2:]}
    assert kinds == {noisy: "maps", SampleBase(1): "const"}
    opened.explorer.show_base(noisy)
    opened.explorer.set_grid([SampleBase(1), noisy])
    opened.settle()
    asked = {r.recipe.base: r.recipe.noise.kind for r in opened.rendered[-3:]}
    assert asked == {noisy: "maps", SampleBase(1): "const"}


def test_an_exploration_brings_them_back(opened, tmp_path):
    explorer, path = opened.explorer, tmp_path / "x.exploration"
    _plain, noisy = listed(opened, PLAIN, NOISY)
    explorer.show_base(noisy)
    assert explorer.unsaved
    assert explorer.save(path)
    opened.open("other.explainer")
    assert explorer.latents.all() == []
    opened.host.latents.clear()
    explorer.open_path(path)
    told = opened.settle()
    assert of_type(told, updates.ErrorReport) == of_type(told, updates.Message) == []
    assert explorer.state.base == noisy
    assert explorer.document.projected == (PLAIN.latent_id, NOISY.latent_id)
    assert opened.host.latents == [PLAIN.latent_id, NOISY.latent_id]
    again = explorer.latents.get(NOISY.latent_id)
    np.testing.assert_array_equal(again.noise[1], NOISY.noise[1])
    assert again.report == NOISY.report
    assert not explorer.unsaved


def test_removed_ones_are_saved_only_while_the_picture_needs_them(opened, tmp_path):
    explorer, path = opened.explorer, tmp_path / "x.exploration"
    plain, noisy = listed(opened, PLAIN, NOISY)
    explorer.show_base(noisy)
    for base in (plain, noisy):
        explorer.change_document(explorer.document.without_projected(base.latent_id))
    explorer.save(path)
    assert list(exploration_file.read(path).latents) == [noisy.latent_id]
    explorer.show_base(SampleBase(0))
    explorer.save(path)
    assert exploration_file.read(path).latents == {}
    explorer.undo()
    assert explorer.state.base == noisy
    assert explorer.latents.of(explorer.state.base) is NOISY


@pytest.mark.parametrize("damage", ["missing", "damaged", "swapped", "foreign"])
def test_foreign_or_missing_ones_give_one_sentence(opened, tmp_path, damage):
    explorer, path = opened.explorer, tmp_path / "x.exploration"
    plain, noisy = listed(opened, PLAIN, NOISY)
    explorer.show_base(noisy)
    explorer.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    name = f"latents/{noisy.latent_id}.safetensors"
    other = make_projected(model_hash="b" * 64)
    if damage == "missing":
        del parts[name]
    elif damage == "foreign":
        explorer.latents.begin("b" * 64)
        explorer.latents.add(other)
        parts[f"latents/{other.latent_id}.safetensors"] = explorer.latents.content(other.latent_id)
    else:
        swapped = parts[f"latents/{plain.latent_id}.safetensors"]
        parts[name] = swapped if damage == "swapped" else b"nonsense"
    with zipfile.ZipFile(path, "w") as archive:
        for key, data in parts.items():
            archive.writestr(key, data)
    explorer.open_path(path)
    told = opened.settle()
    (said,) = of_type(told, updates.Message)
    assert "were left out" in said.text
    assert of_type(told, updates.ErrorReport) == []
    assert explorer.latents.get(plain.latent_id) is not None
    shown = noisy if damage == "foreign" else SampleBase(2)
    assert explorer.state.base == shown
    assert explorer.shown is not None


def test_a_recipe_that_needs_one_is_refused_with_the_way_out(opened, tmp_path):
    explorer = opened.explorer
    (base,) = listed(opened, PLAIN)
    explorer.show_base(base)
    opened.settle()
    explorer.export_png(tmp_path / "p.png")
    opened.open("leaf.explainer")
    before = explorer.state
    explorer.open_path(tmp_path / "p.png")
    (trouble,) = of_type(opened.settle(), updates.ErrorReport)
    assert "projected picture that is not in this exploration" in trouble.failure.message
    assert explorer.state == before


def test_one_of_another_model_is_not_taken(opened):
    with pytest.raises(Exception, match="another model"):
        opened.explorer.latents.add(make_projected(model_hash="b" * 64))


def test_the_autosave_writes_each_latent_once_and_brings_it_back(opened, tmp_path):
    explorer = opened.explorer
    (base,) = listed(opened, PLAIN)
    explorer.show_base(base)
    content = explorer.latents.content(PLAIN.latent_id)
    exploration = Exploration(explorer.state, explorer.document, latents={PLAIN.latent_id: content})
    autosave = Autosave(tmp_path / "autosave")
    assert autosave.save(exploration)
    (part,) = (tmp_path / "autosave").glob("*.latents/*.safetensors")
    written = part.stat().st_mtime_ns
    explorer.apply(SetAttribute(explorer.attributes()[0], 0.5))
    moved = Exploration(explorer.state, explorer.document, latents={PLAIN.latent_id: content})
    assert autosave.save(moved)
    assert part.stat().st_mtime_ns == written
    autosave.close(keep=True)
    other = Autosave(tmp_path / "autosave")
    (recovery,) = other.recoverable()
    assert latents_of(recovery) == {PLAIN.latent_id: content}
    assert read_projected(content).latent_id == PLAIN.latent_id
    other.discard(recovery)
    assert not part.parent.exists()
    other.close()


def test_export_comes_back_whole_or_as_numbers(opened, tmp_path):
    listed(opened, NOISY)
    latents = opened.explorer.latents
    latents.export(NOISY.latent_id, tmp_path / "n.projection")
    assert read_projected(tmp_path / "n.projection").latent_id == NOISY.latent_id
    latents.export(NOISY.latent_id, tmp_path / "n.npz")
    with np.load(tmp_path / "n.npz", allow_pickle=False) as file:
        assert file["w"].shape == (1, *NOISY.ws.shape)
        assert file["cond"].shape == (1, 2)


def test_names_of_latents_are_found_wherever_they_stand(opened):
    (base,) = listed(opened, NOISY)
    opened.explorer.show_base(base)
    assert referenced_latents(opened.explorer.state) == {NOISY.latent_id}
