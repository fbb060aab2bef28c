# SPDX-License-Identifier: MIT
"""`explain-photo`: files, fields, sentences and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latent_explorer.cli.root import main
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SampleBase
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.classifier_file import write_classifier
from latent_explorer.models.explainer_file import read_explainer


@pytest.fixture(scope="module")
def photos(file: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    explainer = read_explainer(file)
    renderer, folder = Renderer(explainer), tmp_path_factory.mktemp("photos")
    paths = []
    for i in range(2):
        request = PictureRequest(PictureRecipe(SampleBase(i)), explainer.classifier_id)
        paths.append(folder / f"leaf {i}.png")
        Image.fromarray(renderer.render(request).after.image).save(paths[-1])
    return paths


def test_photos_are_explained_with_files_and_sentences(
    file: Path, photos: list[Path], tmp_path: Path, run_json
) -> None:
    write_classifier(tmp_path / "twin.classifier", read_explainer(file).classifier, {})
    result = run_json("explain-photo", file, *photos, "--confirm", tmp_path / "twin.classifier", "--out", tmp_path)
    assert result["n"] == 2
    assert [each["name"] for each in result["photos"]] == ["leaf 0.png", "leaf 1.png"]
    assert result["explained"] == sum(each["explained"] for each in result["photos"])
    for each in result["photos"]:
        assert each["sentence"].startswith("The classifier sees ")
        for change in each["changes"]:
            assert set(change["controls"]) == {"unedited", "noise", "random", "weights"}
            assert change["others"]["twin"] == [int(change["turns_photo"]), 1]
            assert 0 <= change["share"] <= 0.8
    assert json.loads((tmp_path / "explanations.json").read_text())["photos"] == result["photos"]
    with Image.open(tmp_path / "explanations.png") as sheet:
        assert sheet.width > 800


def test_a_mask_and_a_class_are_taken_and_refused(file: Path, photos: list[Path], tmp_path: Path, run_json) -> None:
    mask = np.zeros((16, 16, 3), np.uint8)
    Image.fromarray(mask).save(tmp_path / "black.png")
    assert (
        "black everywhere"
        in run_json("explain-photo", file, photos[0], "--only", tmp_path / "black.png", code=1)["message"]
    )
    mask[:8] = 255
    Image.fromarray(mask).save(tmp_path / "half.png")
    assert "has no class" in run_json("explain-photo", file, photos[0], "--target", "dead", code=1)["message"]
    explainer = read_explainer(file)
    name = explainer.classifier.config.class_names[explainer.attribute_sets[0].attributes[0].target]
    found = run_json("explain-photo", file, photos[0], "--only", tmp_path / "half.png", "--target", name)
    assert found["photos"][0]["target"] == name
    assert all(change["share"] <= 0.55 for change in found["photos"][0]["changes"])


def test_text_for_people_has_a_sentence_for_each_photo(
    file: Path, photos: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain-photo", str(file), str(photos[0])]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] in ("0 of 1 photos explained", "1 of 1 photos explained")
    assert "loss" not in said.err
