# SPDX-License-Identifier: MIT
"""The Python door: the documented page runs, and its pictures are the window's."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from colour_explainer import random_images, tiny_explainer
from PIL import Image

import latent_explorer
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.attfind.attfind import AttFindSettings, attfind
from latent_explorer.explain.projection.settings import ProjectionSettings
from latent_explorer.explain.recipe import (
    PictureRecipe,
    PictureRequest,
    SampleBase,
    SeedBase,
    StyleShift,
)
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.classifiers import Classifier, ClassifierConfig, Preprocessing
from latent_explorer.models.explainer_file import read_explainer, write_explainer

PAGE = Path(__file__).resolve().parents[1] / "docs" / "python.md"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    config = ClassifierConfig("tiny", "small-resnet", ("diseased", "healthy"), Preprocessing(16), widths=(4, 8))
    explainer = tiny_explainer(n=12, classifier=Classifier(config).eval())
    found = run_job(attfind(explainer, AttFindSettings(n=6, wanted=2)))
    explainer.attribute_sets = (found.attribute_set,)
    target = tmp_path_factory.mktemp("api") / "leaf-health.explainer"
    write_explainer(explainer, target)
    return target


@pytest.fixture
def explainer(path):
    return latent_explorer.open(path, device="cpu")


def test_the_page_runs_as_it_stands(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / path.name).symlink_to(path)
    Image.fromarray(random_images(1)[0]).resize((50, 40)).save("leaf.png")
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S):
            exec(block, names)
    assert names["change"].shape == (8, 2)
    assert names["mine"].ws.shape == (1, 6, 16)
    assert len(names["drawn"]) == 4
    written = sorted(path.name for path in (tmp_path / "projections").iterdir())
    assert written == ["leaf.npz", "leaf.png", "leaf.projection", "summary.csv", "summary.json"]


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
