# SPDX-License-Identifier: MIT
"""`compare --html`: version 1 beside version 2, with and without labelled photographs."""

from __future__ import annotations

from pathlib import Path

import pytest
from colour_explainer import random_images
from PIL import Image
from tiny import make_explainer

from latent_explorer.explain.report import shared_edits
from latent_explorer.models.classifier_file import write_classifier


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shared_edits, "lpips_available", lambda _net: False)
    path = tmp_path / "second.classifier"
    write_classifier(path, make_explainer(seed=1).classifier, {})
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i, image in enumerate(random_images(6)):
        path = tmp_path / "labelled" / ("healthy", "diseased")[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return tmp_path / "labelled"


def test_a_page_of_both_with_labelled_photographs(file: Path, second: Path, folder: Path, tmp_path, run_json) -> None:
    page = tmp_path / "new" / "page.html"
    result = run_json(
        "compare", file, "small", second, folder, "--split", "all", "--n", 10, "--wanted", 1, "--html", page, code=1
    )
    assert "0 classifiers are called 'small'" in result["message"]
    assert not page.exists()
    name = "tiny"
    result = run_json(
        "compare", file, name, second, folder, "--split", "all", "--n", 10, "--wanted", 1, "--html", page
    )  # fmt: skip
    versions = result["versions"]
    assert versions["same_verdicts"]["n"] == 6
    assert sum(versions["groups"].values()) == 6 - versions["same_verdicts"]["count"]
    assert [each["n"] for each in versions["right"]] == [6, 6]
    assert result["page"] == str(page)
    text = page.read_text("utf-8")
    assert "labelled photographs" in text
    assert "<script" not in text


def test_a_page_without_photographs_and_its_refusals(file: Path, second: Path, tmp_path: Path, run_json) -> None:
    name = "tiny"
    said = run_json("compare", file, name, second, "--n", 10, "--html", tmp_path / "page.txt", code=1)
    assert "is not a web page" in said["message"]
    assert "These are one classifier" in run_json("compare", file, name, name, "--n", 10, code=1)["message"]
    result = run_json("compare", file, name, second, "--n", 10, "--wanted", 1, "--html", tmp_path / "page.html")
    assert result["versions"]["right"] is None
    assert set(result["versions"]["groups"]) == {"parted"}
