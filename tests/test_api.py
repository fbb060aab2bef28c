# SPDX-License-Identifier: MIT
"""The Python interface: the documented page runs, and its pictures are the window's."""

from __future__ import annotations

import contextlib
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from colour_explainer import random_images, tiny_explainer
from PIL import Image
from tiny_training import PERCEPTUAL_USERS, FakePerceptual, classifier_training, tiny_config, write_discs

import latent_explorer
from latent_explorer import api
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.projection_settings import ProjectionSettings
from latent_explorer.explain.recipe import (
    DirectionShift,
    PictureRecipe,
    PictureRequest,
    SampleBase,
    SeedBase,
    StyleShift,
)
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.explain.timeline.timeline import frames
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.explainer import with_classifier
from latent_explorer.models.explainer_file import read_explainer, write_explainer
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.studies.build.answer_key import StudyKey
from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.settings import values_of

PAGE = Path(__file__).resolve().parents[1] / "docs" / "python.md"


CONFIG = ClassifierConfig("tiny", "small-resnet", ("diseased", "healthy"), Preprocessing(16), widths=(4, 8))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    torch.manual_seed(0)
    classifier = Classifier(CONFIG).eval()
    with torch.no_grad():  # of each class about as many pictures, with verdicts that differ
        classifier.network.head.weight *= 100
        logits = tiny_explainer(n=12, classifier=classifier).samples.probs.log()
        classifier.network.head.bias[0] -= (logits[:, 0] - logits[:, 1]).median() + 0.01
    explainer = tiny_explainer(n=12, classifier=classifier)
    found = run_job(attfind(explainer, AttFindSettings(n=6, wanted=2)))
    explainer.attribute_sets = (found.attribute_set,)
    target = tmp_path_factory.mktemp("api") / "leaf-health.explainer"
    write_explainer(explainer, target)
    return target


@pytest.fixture
def explainer(path):
    return latent_explorer.open(path, device="cpu")


def write_answers(folder: Path, key: StudyKey) -> None:
    """One participant, who is always right."""
    answers = [{"item": i.item, "answer": i.right or "darker", "ms": 4000} for i in key.items]
    sent = {"format": "latent-explorer-answers", "version": 1, "study": key.study}
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps({**sent, "respondent": "p1", "answers": answers}))


def test_the_page_runs_as_it_stands(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / path.name).symlink_to(path)
    images = random_images(20)
    Image.fromarray(images[0]).resize((50, 40)).save("leaf.png")
    for i, image in enumerate(images):
        file = tmp_path / "leaves" / ("diseased", "healthy")[i % 2] / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S):
            exec(block, names)
            if "study" in names and not Path("answers").exists():
                write_answers(Path("answers"), names["study"])
    assert names["change"].shape == (8, 2)
    assert names["mine"].ws.shape == (1, 6, 16)
    assert len(names["drawn"]) == 4
    assert names["curve"].shape == (len(frames(names["sweep"])), 2)
    assert names["scored"].score.overall.score.accuracy == 1


def test_pictures_are_the_windows_bit_for_bit(path, explainer):
    renderer = Renderer(read_explainer(path))
    key = explainer.summary.classifiers[0].classifier_id
    edits = (StyleShift(7, "max", 0.5),)
    shown = renderer.render(PictureRequest(PictureRecipe(SampleBase(3), edits=edits), key)).after
    mine = explainer.render(explainer.encoded()[3:4], edits)
    assert np.array_equal(mine.images[0], shown.image)
    assert np.array_equal(mine.logits[0], shown.logits)
    shown = renderer.render(PictureRequest(PictureRecipe(SeedBase(5), truncation_psi=0.5), key))
    mine = explainer.render(explainer.seeds([5], psi=0.5))
    assert np.array_equal(mine.images[0], shown.after.image)
    mine = explainer.render([PictureRecipe(SampleBase(3), edits=edits[:1])], edits)
    twice = PictureRecipe(SampleBase(3), edits=edits * 2)
    assert np.array_equal(mine.logits[0], renderer.render(PictureRequest(twice, key)).after.logits)


def test_directions_from_numpy_and_from_files(explainer, tmp_path):
    vector = np.linspace(-1, 1, 16)
    mine = explainer.direction(vector, "mine")
    np.save(tmp_path / "mine.npy", 5 * vector.astype(np.float32))
    (read,) = explainer.directions(tmp_path / "mine.npy")
    np.testing.assert_allclose(read.array, mine.array, rtol=1e-5)
    latents = explainer.encoded()[2:3]
    moved = replace(latents, ws=latents.ws + 2 * mine.shift(latents.ws.shape[1]))
    along = explainer.render(latents, (DirectionShift(mine, 2.0),))
    np.testing.assert_array_equal(along.images, explainer.render(moved).images)
    with pytest.raises(UserError, match=r"\(3,\)"):
        explainer.direction(np.ones(3), "wrong")


def test_arrays_encode_as_files_do(explainer, tmp_path):
    images = random_images(3)
    files = []
    for i, image in enumerate(images):
        files.append(tmp_path / f"{i}.png")
        Image.fromarray(image).save(files[-1])
    a, b = explainer.encode(images), explainer.encode(files)
    np.testing.assert_allclose(a.ws, b.ws, atol=1e-6)
    np.testing.assert_allclose(a.cond.sum(axis=1), 1, atol=1e-5)


def test_nothing_to_render_is_a_sentence(explainer):
    with pytest.raises(UserError, match="no latents"):
        explainer.render(explainer.encoded()[:0])


def test_projections_render_as_they_were_found(explainer, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # the same with and without LPIPS's weights
    settings = ProjectionSettings(steps=4, space="s", noise="optimise", tuning=2)
    file = tmp_path / "noise.png"
    Image.fromarray(random_images(1)[0]).save(file)
    seen: list[object] = []
    [mine] = explainer.project([file], settings, on_event=seen.append)
    assert (mine.report.name, mine.report.space, mine.report.tuned) == ("noise.png", "s", True)
    assert np.array_equal(explainer.render([mine]).images[0], mine.image)
    assert not np.array_equal(explainer.render([mine], (StyleShift(7, "max", 2.0),)).images[0], mine.image)
    assert seen


def test_another_classifier_is_asked_everywhere(path, tmp_path):
    model = read_explainer(path)
    torch.manual_seed(7)
    model = with_classifier(model, Classifier(msgspec.structs.replace(CONFIG, name="other")).eval())
    write_explainer(model, tmp_path / "two.explainer")
    first, other = (latent_explorer.open(tmp_path / "two.explainer", "cpu", c) for c in (None, "other"))
    assert first.classifier_id == model.conditioned_on != other.classifier_id
    assert first.attributes == other.attributes != ()
    assert not np.array_equal(first.render(first.encoded()).probs, other.render(other.encoded()).probs)
    assert other.attfind(n=4, wanted=1).classifier_id == other.classifier_id
    with pytest.raises(UserError, match="classifiers are called"):
        latent_explorer.open(path, classifier="nobody")


def test_a_projection_of_a_file_can_be_named_by_recipes(path, explainer):
    [found] = latent_explorer.open(path, "cpu").project(random_images(1), api.ProjectionSettings(steps=2))
    explainer.add_latents([found])
    shown = explainer.render([api.PictureRecipe(api.ProjectedBase(found.latent_id))])
    assert np.array_equal(shown.images[0], found.image)


def test_what_was_found_and_named_is_saved_in_a_copy(path, explainer, tmp_path):
    found = explainer.attfind(n=6, wanted=3)
    key = api.attribute_key(found.attributes[0])
    copy = explainer.save(
        tmp_path / "named.explainer", attributes=found, names={key: "spots"}, note="A note.", licence="CC0"
    )
    saved = latent_explorer.open(copy, "cpu")
    assert saved.attributes[0].name == "spots"
    assert (saved.summary.note, saved.summary.provenance["licence"]) == ("A note.", "CC0")
    assert saved.summary.model_hash == explainer.summary.model_hash
    assert "spots" not in [a.name for a in explainer.attributes]
    with pytest.raises(UserError, match="no attribute 99max"):
        explainer.save(tmp_path / "no.explainer", names={"99max": "x"})
    assert not (tmp_path / "no.explainer").exists()


def test_a_timeline_of_another_model_is_refused(explainer, tmp_path):
    beyond = api.alpha_sweep(api.PictureRecipe(api.SampleBase(99)), api.StyleShift(1, "max", 1.0))
    with pytest.raises(UserError, match="does not fit"):
        explainer.animate(beyond, tmp_path / "beyond.gif")
    with pytest.raises(UserError, match="no class 'green'"):
        explainer.sheet(api.SheetPlan(bases=(api.SeedBase(0),)), tmp_path / "s.png", target="green")
    assert not list(tmp_path.iterdir())


def test_a_training_and_its_classifier(tmp_path, monkeypatch):
    for user in PERCEPTUAL_USERS:
        monkeypatch.setattr(f"latent_explorer.training.{user}.perceptual_for", FakePerceptual)
    discs = write_discs(tmp_path / "discs")
    file = tmp_path / "discs.classifier"
    config = classifier_training(discs)
    names = ("resolution", "widths", "steps", "batch")
    about = api.train_classifier(discs, file, {name: getattr(config, name) for name in names})
    assert about["test"]["accuracy"] > 0.5
    config, plain = tiny_config(discs, file), TrainConfig(DataConfig(str(discs)))
    given = {n: v for n, v in values_of(config).items() if v != values_of(plain)[n]}
    events: list[object] = []
    status = api.train(discs, tmp_path / "run", given | {"attributes": 4}, classifier=str(file), on_event=events.append)
    assert status.state == "finished"
    assert events
    assert latent_explorer.open(tmp_path / "run" / "result.explainer", "cpu").class_names
    assert api.train(None, tmp_path / "run").state == "finished"


def test_a_painted_part_is_asked_about_with_the_recipes_own_edits(path):
    explainer = latent_explorer.open(path, device="cpu")
    probs = explainer.render([PictureRecipe(SampleBase(0))]).probs[0]
    target = int(probs.argmin())
    listed = [a for a in explainer.attributes if a.target == target]
    whole = np.ones((16, 16), np.float32)
    found = explainer.explain_region(PictureRecipe(SampleBase(0)), whole, explainer.class_names[target])
    assert [each.share for each in found.ranked] == pytest.approx([1] * len(listed))
    np.testing.assert_allclose(found.before, probs, atol=1e-5)
    assert explainer.class_names[target] in api.region_sentence(found, explainer.class_names)
    moved = PictureRecipe(SampleBase(0), edits=api.attribute_edits(listed[0]))
    if explainer.render([moved]).probs[0].argmax() != target:
        rest = explainer.explain_region(moved, whole, target).ranked
        assert listed[0] not in [each.attributes[0] for each in rest]  # it has no way left
    with pytest.raises(UserError, match="already"):
        explainer.explain_region(PictureRecipe(SampleBase(0)), whole, int(probs.argmax()))
    with pytest.raises(UserError, match="16 x 16"):
        explainer.explain_region(PictureRecipe(SampleBase(0)), whole[:8])
    with pytest.raises(UserError, match="Nothing is painted"):
        explainer.explain_region(PictureRecipe(SampleBase(0)), 0 * whole)
