# SPDX-License-Identifier: MIT
"""`evidence`: figures, files and refusals."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from colour_explainer import random_images
from PIL import Image

from latent_explorer import api
from latent_explorer.cli.root import main
from latent_explorer.models.explainer_file import read_explainer

N = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random pictures labelled 0 and 1 in turn, two of each plant."""
    path = tmp_path_factory.mktemp("labelled")
    lines = ["file,state,plant"]
    for i, image in enumerate(random_images(N)):
        Image.fromarray(image).save(path / f"{i:02d}.png")
        lines.append(f"{i:02d}.png,{i % 2},{i // 2}")
    (path / "labels.csv").write_text("\n".join(lines))
    return path


def test_figures_and_files(file: Path, folder: Path, tmp_path: Path, run_json) -> None:
    first, second = read_explainer(file).classifier.config.class_names
    result = run_json(
        "evidence", file, folder, "--split", "all", "--label", "state", "--classes", f"0={first},1={second}",
        "--group", "plant", "--shown", 5, "--out", tmp_path,
    )  # fmt: skip
    listed = read_explainer(file).attribute_sets[0].attributes
    assert (result["n"], result["groups"], result["partial_on"]) == (N, N // 2, "label")
    assert [each["towards"] for each in result["attributes"]] == [(first, second)[a.target] for a in listed]
    assert all(len(each["highest"]["pictures"]) == 5 for each in result["attributes"])
    assert sum(result["support"].values()) == len(listed)
    assert json.loads((tmp_path / "evidence.json").read_text())["attributes"] == result["attributes"]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "evidence.csv").read_text("utf-8-sig"))))
    assert [row["support"] for row in rows] == [each["support"] for each in result["attributes"]]
    assert (tmp_path / "evidence.html").read_text().count("<li>") == 10 * len(listed)


def test_labels_that_are_no_classes_are_said_and_the_verdict_stands_in(file: Path, folder: Path, capsys) -> None:
    assert main(["evidence", str(file), str(folder), "--split", "all", "--label", "state"]) == 0
    said = capsys.readouterr()
    assert "are not the classifier's classes" in said.err
    assert "partial on the verdict" in said.out


def test_too_few_pictures_are_refused(file: Path, folder: Path, run_json) -> None:
    said = run_json("evidence", file, folder, "--split", "all", "--n", 12, code=1)["message"]
    assert said.startswith("12 real pictures say too little")


def test_python_gives_the_same_and_takes_attributes_of_ones_own(file: Path, folder: Path, tmp_path: Path) -> None:
    explainer = api.Explainer(file)
    listed = explainer.attributes[:2]
    found = explainer.evidence(folder, "all", attributes=listed)
    assert [each.name for each in found.attributes] == [a.name for a in listed]
    assert found.strata == "verdict"
    assert api.evidence_sentence(found, found.attributes[0]).startswith(listed[0].name)
    api.write_evidence_page(tmp_path / "page.html", found)
    assert listed[0].name in (tmp_path / "page.html").read_text()
