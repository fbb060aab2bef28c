# SPDX-License-Identifier: MIT
"""`check` of a classifier: its exit codes, its figures and its refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from colour_explainer import random_images
from PIL import Image

from latent_explorer.cli import check as check_module
from latent_explorer.cli.root import main
from latent_explorer.explain.counterfactuals import attribute_check
from latent_explorer.models.attributes import Attribute
from latent_explorer.models.classifier_file import write_classifier
from latent_explorer.models.explainer_file import read_explainer


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny explainer holds a few pictures."""
    monkeypatch.setattr(attribute_check, "FEWEST", 2)


@pytest.fixture
def attribute(file: Path) -> Attribute:
    return read_explainer(file).attribute_sets[0].attributes[0]


def key_of(attribute: Attribute) -> str:
    return f"{attribute.entries[0].style_index}{attribute.entries[0].end}"


def test_it_ends_with_0_within_and_1_beyond(file: Path, attribute: Attribute, run_json) -> None:
    options = ["--attribute", key_of(attribute)]
    within = run_json("check", file, *options, "--max-effect", 1)
    assert within["within"] is True
    beyond = run_json("check", file, *options, "--max-effect", 0, code=1)
    assert beyond["within"] is False
    assert beyond["attributes"][0] | {"within": True, "settled": True, "steady": True} == within["attributes"][0]
    assert beyond["attributes"][0]["effect"]["interval"][1] > 0
    assert beyond["attributes"][0]["n"] >= 2


def test_the_classifier_may_be_a_file_with_other_names(
    file: Path, attribute: Attribute, tmp_path: Path, run_json
) -> None:
    path = tmp_path / "second.classifier"
    write_classifier(path, read_explainer(file).classifier, {})
    options = ["--attribute", key_of(attribute), "--max-effect", 1]
    own, other = run_json("check", file, *options), run_json("check", file, path, *options)
    assert own["attributes"] == other["attributes"]
    turned = run_json("check", file, path, *options, "--class-names", "diseased,healthy")
    change = [each["attributes"][0]["mean_change"]["value"] for each in (own, turned)]
    assert change[0] == pytest.approx(-change[1], abs=1e-5)


def test_pictures_may_be_given(file: Path, attribute: Attribute, tmp_path: Path, run_json) -> None:
    """All of these are of the attribute's class already, so that there is none to set it in."""
    for i, image in enumerate(random_images(4)):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    options = ["--attribute", key_of(attribute), "--images", tmp_path, "--side", "all"]
    assert "too few to set first" in run_json("check", file, *options, code=2)["message"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--attribute", "nothing"], "Choose one of: "),
        (["nobody", "--attribute", "{key}"], "no file nobody"),
        (["missing.classifier", "--attribute", "{key}"], "missing.classifier"),
        (["tiny"], "--attribute"),
        (["--attribute", "{key}", "--max-effect", "2"], "max-effect"),
        (["--attribute", "{key}", "--class-names", "one"], "1 names are given for the 2 classes"),
        (["--attribute", "{key}", "--class-names", "one,two"], "has no class"),
    ],
)
def test_what_cannot_be_checked_ends_with_2(
    file: Path, attribute: Attribute, run_json, arguments: list[str], text: str
) -> None:
    given = [each.format(key=key_of(attribute)) for each in arguments]
    assert text in run_json("check", file, *given, code=2)["message"]


def test_a_missing_explainer_and_a_defect_end_with_2(
    file: Path, tmp_path: Path, run_json, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_json("check", tmp_path / "missing.explainer", "--attribute", "x", code=2)
    run_json("check", tmp_path / "missing", code=2)

    def broken(*_given: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(check_module, "_check_attributes", broken)
    assert main(["check", str(file), "--attribute", "x"]) == 2
    assert "ZeroDivisionError: a defect" in capsys.readouterr().err


def test_people_read_a_line_for_each_attribute(
    file: Path, attribute: Attribute, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--attribute", key_of(attribute), "--max-effect", "0"]
    assert main(["check", str(file), *options]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("beyond 0")
    assert lines[1].startswith("!! ")
    assert "with random edits as large" in lines[1]
    assert main(["check", str(file), *options, "--json"]) == 1
    json.loads(capsys.readouterr().out.splitlines()[-1])
