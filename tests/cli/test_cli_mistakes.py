# SPDX-License-Identifier: MIT
"""`mistakes`: matrix, cells, files and refusals."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import msgspec
import pytest
from colour_explainer import random_images
from PIL import Image

from latent_explorer.cli.root import main
from latent_explorer.explain.counterfactuals import mistakes
from latent_explorer.models.explainer_file import read_explainer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve random pictures in turn labelled healthy and diseased, so that the classifier errs on some."""
    path = tmp_path_factory.mktemp("labelled")
    lines = ["file,state,crop"]
    for i, image in enumerate(random_images(12)):
        Image.fromarray(image).resize((16, 16)).save(path / f"{i}.png")
        lines.append(f"{i}.png,{('healthy', 'diseased')[i % 2]},{('apple', 'pepper')[i % 3 == 0]}")
    (path / "labels.csv").write_text("\n".join(lines))
    return path


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mistakes, "REFINEMENT", msgspec.structs.replace(mistakes.REFINEMENT, steps=1))


def options(folder: Path) -> list[object]:
    return [folder, "--label", "state", "--classes", "healthy=healthy,diseased=diseased", "--split", "all"]


def test_the_matrix_is_counted_and_written(file: Path, folder: Path, tmp_path: Path, run_json) -> None:
    names = read_explainer(file).classifier.config.class_names
    listed = names[read_explainer(file).attribute_sets[0].attributes[0].target]
    other = next(name for name in names if name != listed)
    result = run_json(
        "mistakes", file, *options(folder), "--by", "crop", "--cell", f"{listed}/{other}", "--out", tmp_path
    )
    assert result["accuracy"]["n"] == 12
    assert sum(cell["count"] for cell in result["cells"]) == 12
    assert set(result["groups"]) == {"apple", "pepper"}
    assert result["explained"][0]["label"] == listed
    assert json.loads((tmp_path / "mistakes.json").read_text())["cells"] == result["cells"]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "mistakes.csv").read_text("utf-8-sig"))))
    assert len(rows) == sum(cell["count"] for cell in result["cells"] if cell["label"] != cell["verdict"])
    assert all(row["label"] != row["verdict"] for row in rows)
    explained = result["explained"][0]
    tried = {each["file"]: each for each in explained["photographs"]}
    assert len(tried) == explained["n"] > 0
    for row in rows:
        assert (row["turned"] == "") == (row["file"] not in tried)
        assert row["turned"] in ("", str(int(tried.get(row["file"], {"turned": 0})["turned"])))
    assert {path.name for path in tmp_path.iterdir()} == {
        "mistakes.json", "mistakes.csv", "mistakes.html", f"{listed} called {other}.png",
    }  # fmt: skip
    page = (tmp_path / "mistakes.html").read_text()
    assert explained["sentence"] in page
    assert page.count("<figure") == len(tried)
    assert page.count('<table class="matrix"') == 3  # all, and two crops
    assert "<script" not in page


def test_what_cannot_be_asked_is_said(file: Path, folder: Path, run_json) -> None:
    for arguments, text in (
        (["--cell", "healthy"], "is no cell of mistakes"),
        (["--cell", "healthy/healthy"], "is no cell of mistakes"),
        (["--by", "weather"], "There is no column"),
    ):
        assert text in run_json("mistakes", file, *options(folder), *arguments, code=1)["message"]
    other = [folder, "--label", "state", "--classes", "healthy=well,diseased=ill", "--split", "all"]
    assert "has no class 'well'" in run_json("mistakes", file, *other, code=1)["message"]
    assert "no labels" in run_json("mistakes", file, folder, "--split", "all", code=1)["message"]


def test_people_read_a_matrix(file: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mistakes", str(file), *map(str, options(folder))]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("12 photographs, accuracy")
    assert "photographs of" in said.out
    assert "loss" not in said.err
