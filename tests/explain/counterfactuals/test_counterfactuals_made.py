# SPDX-License-Identifier: MIT
"""Counterfactuals of copies and photographs, their controls, composition, oracles, and what a data set lends them."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from colour_explainer import random_images, tiny_classifier, tiny_explainer
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.data.dataset import open_dataset
from latent_explorer.explain.counterfactuals import making
from latent_explorer.explain.counterfactuals.alignment import alignment
from latent_explorer.explain.counterfactuals.composition import composition
from latent_explorer.explain.counterfactuals.controls import class_weight_edits
from latent_explorer.explain.counterfactuals.evaluation_text import alignment_text
from latent_explorer.explain.counterfactuals.making import KINDS, make_counterfactuals
from latent_explorer.explain.counterfactuals.oracles import fit_oracles
from latent_explorer.explain.counterfactuals.references import gather
from latent_explorer.explain.projection_settings import ProjectionSettings
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.explainer import with_attribute_set

N = 3
IDS = [f"{i}.png" for i in range(N)]


@pytest.fixture(scope="module")
def explainer():
    torch.set_num_threads(1)
    model = tiny_explainer()
    attributes = [
        Attribute(f"{j}", target, (AttributeEntry(j, end),), mean_effect=1.0)
        for target, end in ((0, "min"), (1, "max"))
        for j in range(4)
    ]
    return with_attribute_set(
        model, AttributeSet(model.classifier_id, "attfind-notebook", 24, 1.0, "samples", tuple(attributes))
    )


@pytest.fixture(scope="module")
def made(explainer):
    photos = random_images(N)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "REFINEMENT", ProjectionSettings(space="s", steps=3, check=False, early_stop=0))
        return dict(
            zip(KINDS, run_job(make_counterfactuals(explainer, lambda rows: photos[rows], IDS, 2)), strict=True)
        )


def test_copies_are_the_reconstructions_with_and_without_the_edit(explainer, made):
    copies = made["copy"]
    with torch.inference_mode():
        img = torch.from_numpy(random_images(N).transpose(0, 3, 1, 2)).float() / 127.5 - 1
        cond = explainer.classifier.probs(img)
        ws = explainer.generator.broadcast(explainer.encode(img))
        rec = explainer.generator.synthesis(ws, cond, explainer.generator.synthesis.noise_const())
    expected = ((rec.clamp(-1, 1) + 1) * 127.5).round().numpy().transpose(0, 2, 3, 1)
    assert np.abs(copies.before.astype(int) - expected).max() <= 1
    assert (copies.after != copies.before).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(copies.photos, random_images(N))
    np.testing.assert_array_equal(copies.pasted, copies.before)  # of a copy there is no place to paste it into


def test_photographs_change_in_a_part_and_keep_the_rest(made):
    photos = made["photo"]
    np.testing.assert_array_equal(photos.before, random_images(N))
    for images in (photos.after, photos.pasted):
        kept = (images == photos.before).all(axis=3).mean(axis=(1, 2))
        assert (kept > 0.05).all()
        assert (kept < 0.9).all()
    # The edit and the unedited copy stand in the same place.
    outside = (photos.after == photos.before).all(axis=3)
    assert ((photos.pasted == photos.before).all(axis=3)[outside]).mean() > 0.95


def test_controls_have_the_size_of_the_edit(made):
    for each in made.values():
        strength = [
            np.sqrt(np.square(images.astype(float) - each.before).mean()) for images in (each.after, each.noise)
        ]
        assert 0.6 < strength[1] / strength[0] < 1.05  # noise is clipped at black and white
        assert (each.random != each.before).any()
        assert (each.random != each.after).any()


def test_targets_are_the_runners_up(explainer, made):
    img = torch.from_numpy(made["copy"].before.transpose(0, 3, 1, 2)).float() / 127.5 - 1
    np.testing.assert_array_equal(made["copy"].targets, explainer.classifier.probs(img).argsort(dim=1)[:, -2].numpy())


def test_without_attributes_nothing_is_made():
    with pytest.raises(UserError, match="lists no attributes"):
        run_job(make_counterfactuals(tiny_explainer(), lambda rows: random_images(N)[rows], IDS))


def test_what_the_told_class_moves_most_is_read_off_the_weights():
    model = tiny_explainer()
    layer = model.generator.synthesis.layer(model.generator.synthesis.layout.conv_layers[1].name)
    w_dim = model.generator.config.w_dim
    with torch.no_grad():
        for each in model.generator.synthesis.layout.layers:
            model.generator.synthesis.layer(each.name).affine.weight[:, w_dim:] = 0
        layer.affine.weight[5, w_dim + 1] = 3.0  # class b raises the sixth style of the second layer
    first = model.generator.synthesis.layout.conv_layers[0].channels + 5
    assert [(e.style_index, e.end) for e in class_weight_edits(model, model.classifier_id, 1, 1)] == [(first, "max")]
    assert [(e.style_index, e.end) for e in class_weight_edits(model, model.classifier_id, 0, 1)] == [(first, "min")]


def test_null_edits_of_a_generator_that_draws_one_picture_settle_at_once():
    model = tiny_explainer()
    with torch.no_grad():
        for each in model.generator.synthesis.layout.layers:
            model.generator.synthesis.layer(each.name).affine.weight.zero_()
    photos = random_images(N)
    first, tenth = run_job(composition(model, lambda rows: photos[rows], N))
    assert (first.cycles, tenth.cycles) == (1, 10)
    assert first.l1 == tenth.l1
    with torch.inference_mode():
        drawn = model.generator.synthesis(
            model.generator.broadcast(torch.zeros(1, 16)), torch.zeros(1, 2), model.generator.synthesis.noise_const()
        )
    image = ((drawn.clamp(-1, 1) + 1) * 127.5).round().numpy().transpose(0, 2, 3, 1)
    assert first.l1.value == pytest.approx(np.abs(photos - image).mean() / 127.5, abs=1e-4)


def test_null_edits_of_another_generator_lead_farther_away(explainer):
    photos = random_images(N)
    first, tenth = run_job(composition(explainer, lambda rows: photos[rows], N))
    assert first.l1.value != tenth.l1.value


def test_an_inverted_classifier_moves_as_far_the_other_way():
    model = tiny_explainer()
    inverted = tiny_classifier()
    inverted.network.forward = lambda x: -20.0 * x.mean(dim=(2, 3))[:, :2]
    model.classifiers |= {"inverted": inverted, "unlisted": tiny_classifier()}
    for key in (model.classifier_id, "inverted"):
        attributes = tuple(Attribute(str(j), j % 2, (AttributeEntry(j, "max"),), mean_effect=1.0) for j in range(8))
        found = AttributeSet(key, "attfind-notebook", 24, 1.0, "samples", attributes)
        model.attribute_sets = (*model.attribute_sets, found)
    photos = random_images(N)
    matrix = run_job(alignment(model, lambda rows: photos[rows], IDS, 2))
    own = model.classifier_id
    assert matrix[own] == {own: pytest.approx(1.0), "inverted": pytest.approx(-1.0, abs=1e-4)}
    assert matrix["inverted"] == {own: pytest.approx(-1.0, abs=1e-4), "inverted": pytest.approx(1.0)}
    shown = alignment_text(matrix, {own: "first", "inverted": "second"}).splitlines()
    assert len(shown) == 3
    assert shown[1].startswith(f"first {own[:4]}")
    assert "1.000" in shown[1]


def test_oracles_know_what_they_can_and_say_what_they_cannot():
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((400, 6)))
    attributes = {
        "seen": x[:, 2].numpy() > 0,
        "noise": rng.random(400) < 0.7,
        "all": np.ones(400, dtype=bool),
    }
    seen, noise = fit_oracles(x, attributes)
    assert (seen.name, noise.name) == ("seen", "noise")  # of what all have there is nothing to learn
    assert seen.accuracy > 0.95
    assert noise.accuracy <= noise.majority + 0.03
    assert ((seen.probs(x) > 0.5).numpy() == attributes["seen"]).mean() > 0.95


@pytest.fixture
def data(tmp_path):
    """Forty pictures with a bright square, in two classes and two crops; the cut-outs are the square on black."""
    for kind in ("photos", "cut"):
        (tmp_path / kind).mkdir()
    with (tmp_path / "photos" / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "kind", "crop", "side"])
        for i in range(40):
            picture = np.full((16, 16, 3), 90, dtype=np.uint8)
            picture[4:8, 4:12] = 200
            Image.fromarray(picture).save(tmp_path / "photos" / f"{i}.png")
            Image.fromarray(np.where(picture == 200, picture, 0)).save(tmp_path / "cut" / f"{i}.png")
            rows.writerow(
                [
                    f"{i}.png",
                    "ba"[i % 2],
                    ("apple", "pear")[i % 4 // 2],
                    "test" if i < 8 else "val" if i < 12 else "train",
                ]
            )
    return tmp_path


def test_a_data_set_lends_truth_masks_and_attributes(data):
    pictures = open_dataset(data / "photos", label="kind", classes="b,a", split="side")
    rows = pictures.indices("test")
    found = gather(pictures, rows, 16, ("a", "b"), masks=open_dataset(data / "cut"), oracles=("crop",))
    assert found.truth.tolist() == [("a", "b").index(pictures.columns["kind"][i]) for i in rows]
    square = np.zeros((16, 16), dtype=bool)
    square[4:8, 4:12] = True
    assert (found.masks == square).all()
    assert len(found.training) == len(found.training_truth) == 28
    assert list(found.attributes) == ["crop=apple", "crop=pear"]
    assert (found.attributes["crop=apple"] != found.attributes["crop=pear"]).all()
    # All objects are of one size, so that no network could learn it.
    assert list(found.unrelated) == ["shuffled labels"]
    assert found.unrelated["shuffled labels"].sum() == np.bincount(found.training_truth).max()


def test_labels_of_other_classes_are_no_truth(data):
    pictures = open_dataset(data / "photos", label="crop", split="side")
    assert gather(pictures, pictures.indices("test"), 16, ("a", "b")).truth is None


def test_a_picture_without_a_mask_is_named(data):
    (data / "cut" / "3.png").unlink()
    pictures = open_dataset(data / "photos", split="side")
    with pytest.raises(UserError, match=r"1 of 8 pictures have no mask: 3\.png"):
        gather(pictures, pictures.indices("test"), 16, ("a", "b"), masks=open_dataset(data / "cut"))
