# SPDX-License-Identifier: MIT
"""`name` and `add-classifier`: names of attributes, and another network that is asked about the same pictures."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from latent_explorer.app.exploration.document import rename_attributes
from latent_explorer.cli.edit import parse_names
from latent_explorer.cli.root import main
from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SampleBase
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.classifier_file import write_classifier
from latent_explorer.models.classifiers import Classifier
from latent_explorer.models.explainer import Explainer, hash_classifier, with_classifier
from latent_explorer.models.explainer_file import read_explainer, write_explainer

ABOUT = {"test": {"accuracy": 0.75, "n": 4, "interval": [0.3, 0.95]}}


def another(tiny_explainer: Explainer, folder: Path, **changes: object) -> Path:
    """A file with a frame-only network of the explainer's classes, or with `changes` to its description."""
    config = msgspec.structs.replace(tiny_explainer.classifier.config, name="on the frame", frame_only=3)
    torch.manual_seed(1)
    made = Classifier(msgspec.structs.replace(config, **changes)).eval()
    write_classifier(folder / "other.classifier", made, ABOUT)
    return folder / "other.classifier"


def test_it_stands_beside_the_explained_one(
    tiny_explainer: Explainer, file: Path, tmp_path: Path, run_json, capsys: pytest.CaptureFixture[str]
) -> None:
    other, out = another(tiny_explainer, tmp_path), tmp_path / "two.explainer"
    result = run_json("add-classifier", file, other, "--name", "frame-only", "--out", out)
    assert (result["name"], result["classifiers"]) == ("frame-only", 2)

    before, after = read_explainer(file), read_explainer(out)
    assert list(after.classifiers) == [before.conditioned_on, result["classifier_id"]]
    assert after.conditioned_on == before.conditioned_on
    assert after.model_hash == before.model_hash
    assert after.attribute_sets == before.attribute_sets
    assert after.provenance == before.provenance | {"classifiers": {result["classifier_id"]: ABOUT}}
    assert before.samples is not None
    assert after.samples is not None
    assert torch.equal(after.samples.probs, before.samples.probs)
    assert [c.frame_only for c in after.summary().classifiers] == [0, 3]

    said = run_json("info", out)
    assert [c["name"] for c in said["classifiers"]] == ["tiny", "frame-only"]
    assert said["classifiers"][1]["frame_only"] == 3
    assert main(["info", str(out)]) == 0
    assert "the outer 3 px of its input alone" in capsys.readouterr().out


def test_both_are_asked_about_the_same_picture(tiny_explainer: Explainer, file: Path, tmp_path: Path, run_json) -> None:
    out = tmp_path / "two.explainer"
    run_json("add-classifier", file, another(tiny_explainer, tmp_path), "--out", out)
    model = read_explainer(out)
    own, other = (
        Renderer(model).render(PictureRequest(PictureRecipe(SampleBase(0)), key)).after for key in model.classifiers
    )
    assert np.array_equal(own.image, other.image)
    assert not np.allclose(own.probs, other.probs)


def test_the_same_one_twice_is_refused(tiny_explainer: Explainer, file: Path, tmp_path: Path, run_json) -> None:
    error = run_json("add-classifier", file, file, "--out", tmp_path / "x.explainer", code=1)
    assert "already" in error["message"]
    # A file from before the present rule calls it otherwise; it is the same nevertheless.
    old = "0" * 64
    renamed = Explainer("old", tiny_explainer.generator, classifiers={old: tiny_explainer.classifier})
    with pytest.raises(UserError, match="already"):
        with_classifier(renamed, tiny_explainer.classifier)


@pytest.mark.parametrize("names", [("diseased", "healthy"), ("oak", "elm", "ash")])
def test_one_of_other_classes_is_searched_for(
    tiny_explainer: Explainer, file: Path, tmp_path: Path, run_json, names: tuple[str, ...]
) -> None:
    other, out = another(tiny_explainer, tmp_path, class_names=names), tmp_path / "two.explainer"
    key = run_json("add-classifier", file, other, "--out", out)["classifier_id"]
    found = run_json("attfind", out, "--classifier", "on the frame", "--n", "6", "--out", out)
    assert found["classifier_id"] == key
    model = read_explainer(out)
    assert [s.classifier_id for s in model.attribute_sets][-1] == key
    assert model.classifier_id == tiny_explainer.classifier_id  # the one that is explained
    assert model.classifiers[key].config.class_names == names


def test_a_generator_without_a_classifier_gets_its_first(tiny_explainer: Explainer, tmp_path: Path, run_json) -> None:
    plain, out = tmp_path / "plain.explainer", tmp_path / "asked.explainer"
    write_explainer(Explainer("plain", tiny_explainer.generator), plain)
    run_json("add-classifier", plain, another(tiny_explainer, tmp_path), "--out", out)
    model = read_explainer(out)
    assert model.conditioned_on is None
    assert model.classifier_id == hash_classifier(model.classifier)


def test_each_end_of_a_coordinate_has_its_own_name() -> None:
    attributes = (Attribute("", 0, (AttributeEntry(214, "max"),)), Attribute("old", 1, (AttributeEntry(214, "min"),)))
    sets = (AttributeSet("id", "test", 1, 1.0, "", attributes),)
    (named,) = rename_attributes(sets, parse_names(["214max=brown spots"]))
    assert [a.name for a in named.attributes] == ["brown spots", "old"]
    with pytest.raises(UserError, match="no attribute 7max"):
        rename_attributes(sets, parse_names(["214max=brown spots", "7max=nothing"]))


@pytest.mark.parametrize("text", ["214max", "=spots", "214max= "])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="KEY=NAME"):
        parse_names([text])
