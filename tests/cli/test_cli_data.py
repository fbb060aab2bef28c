# SPDX-License-Identifier: MIT
"""Commands that read pictures: `train-classifier`, `evaluate`, `attfind --images`, and the options they share."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from latent_explorer.cli.root import main
from latent_explorer.common.errors import UserError
from latent_explorer.data.dataset import evenly_spaced_rows
from latent_explorer.explain.counterfactuals import making
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.classifier_file import write_classifier
from latent_explorer.models.explainer import with_attribute_set
from latent_explorer.models.explainer_file import write_explainer
from latent_explorer.training.config import DataConfig, TrainConfig
from latent_explorer.training.settings import with_settings


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 16-px pictures, told apart by their colour."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for k, name in enumerate(("green", "red")):
        (folder / name).mkdir()
        for i in range(40):
            image = rng.integers(0, 80, (16, 16, 3), dtype=np.uint8)
            image[4:12, 4:12, 1 - k] += 150
            Image.fromarray(image).save(folder / name / f"{i:02d}.png")
    return folder


def test_train_classifier_learns_a_colour(pictures: Path, tmp_path: Path, run_json) -> None:
    out = tmp_path / "colour.classifier"
    settings = ("--set", "steps=40", "--set", "widths=8,16", "--set", "batch=16", "--resolution", 16)
    result = run_json("train-classifier", pictures, "--out", out, *settings)
    assert result["event"] == "result"
    assert out.stat().st_size > 1000
    assert result["test"]["accuracy"] == 1.0


def test_train_classifier_on_the_frame_writes_a_network_that_masks_itself(
    pictures: Path, tmp_path: Path, run_json, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "frame.classifier"
    small = ("--resolution", 16, "--set", "steps=2", "--set", "widths=4", "--set", "batch=4")
    run_json("train-classifier", pictures, "--frame-only", 3, "--out", out, *small)
    said = run_json("info", out)
    assert said["frame_only"] == said["about"]["settings"]["frame_only"] == 3
    assert said["name"] == "class, frame only"
    assert main(["info", str(out)]) == 0
    assert "the outer 3 px of its input alone" in capsys.readouterr().out


def test_a_frame_that_hides_nothing_is_refused_before_the_training(pictures: Path, tmp_path: Path, run_json) -> None:
    arguments = ("--resolution", 16, "--frame-only", 8, "--out", tmp_path / "x.classifier")
    error = run_json("train-classifier", pictures, *arguments, code=1)
    assert "frame_only is 8; it must be 0 to 7" in error["message"]


def test_export_of_no_run_is_refused(tmp_path: Path, run_json) -> None:
    error = run_json("export", tmp_path, "--out", tmp_path / "x.explainer", code=1)
    assert error["kind"] == "user"
    assert not (tmp_path / "x.explainer").exists()


def test_evaluate_measures_and_writes_sheets(file: Path, pictures: Path, tmp_path: Path, run_json) -> None:
    result = run_json("evaluate", file, "--images", pictures, "--split", "all", "--n", 12, "--out", tmp_path)
    assert result["n"] == 12
    assert 0 <= result["agreement"] <= 1
    assert "lpips" in result
    assert [rate["k"] for rate in result["flips"]] == [1, 3, 5, 10]
    for rate in result["flips"]:
        low, high = rate["interval"]
        assert low - 1e-9 <= rate["overall"] <= high + 1e-9
        assert set(rate["per_class"]) == {"healthy", "diseased"}
    assert json.loads((tmp_path / "report.json").read_text())["n"] == 12
    assert (tmp_path / "reconstructions.png").stat().st_size > 1000


def test_evaluate_with_controls(file: Path, pictures: Path, run_json, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("evaluate", file, "--images", pictures, "--split", "all", "--n", 12, "--controls")
    whole = run_json(*arguments)
    assert all(set(rate["controls"]) == {"random", "weights"} for rate in whole["flips"])
    result = whole["controls"]
    assert list(result["agreement"]) == ["own", "mean", "foreign", "nothing", "other"]
    assert set(result["margin_correlation"]) == {"healthy", "diseased"}
    assert [band["cycles"] for band in result["band_power"]] == [[0, 4], [4, 8]]
    assert main([*map(str, arguments)]) == 0
    said = capsys.readouterr().out
    assert "this picture's w, given the same for every class" in said
    assert "4 to 8 cycles" in said
    assert said.count("by random edits of the same size") == len(whole["flips"]) > 0


def test_evaluate_prints_the_figures_of_counterfactuals(
    pictures: Path, tiny_explainer, tmp_path: Path, run_json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "REFINEMENT", msgspec.structs.replace(making.REFINEMENT, steps=2))
    attributes = tuple(Attribute(str(j), j % 2, (AttributeEntry(j, "max"),), mean_effect=1.0) for j in range(8))
    found = AttributeSet(tiny_explainer.classifier_id, "attfind-notebook", 8, 1.0, "samples", attributes)
    out, file = tmp_path / "out", tmp_path / "listed.explainer"
    write_explainer(with_attribute_set(tiny_explainer, found), file)
    write_classifier(tmp_path / "second.classifier", tiny_explainer.classifier, {})
    arguments = ("evaluate", file, "--images", pictures, "--n", 4, "--counterfactuals", "--k", 2, "--masks", "same")
    arguments += ("--confirm", tmp_path / "second.classifier", "--oracle", "class", "--embedding", file)
    result = run_json(*arguments, "--out", out)["counterfactuals"]
    assert list(result["kinds"]) == ["copy", "photo"]
    for figures in result["kinds"].values():
        assert figures["n"] == 4
        assert figures["others"]["second"]["agreement"]["share"] == 1.0  # it is the same network
        assert list(figures["oracles"]) == ["class=green", "class=red"]
        assert list(figures["unrelated"]) == ["the object's size"]  # the labels are none of the classes
        assert -1 <= figures["identity"]["similarity"]["value"] <= 1
        assert figures["fid"] is None
        assert set(figures["controls"]) <= {"pasted", "random", "noise", "weights"}
    assert [each["cycles"] for each in result["composition"]] == [1, 10]
    assert json.loads((out / "report.json").read_text())["counterfactuals"]["k"] == 2


def test_options_of_counterfactuals_alone_are_refused(file: Path, pictures: Path, run_json) -> None:
    error = run_json("evaluate", file, "--images", pictures, "--oracle", "class", code=1)
    assert "belong to --counterfactuals" in error["message"]
    error = run_json("evaluate", file, "--images", pictures, "--counterfactuals", "--embedding-output", code=1)
    assert "Give both" in error["message"]


def test_attfind_on_other_pictures(file: Path, pictures: Path, run_json) -> None:
    result = run_json("attfind", file, "--images", pictures, "--split", "all", "--n", 6, "--wanted", 1)
    assert result["n"] == 6


def test_an_empty_side_is_refused() -> None:
    with pytest.raises(UserError, match="no pictures"):
        evenly_spaced_rows(np.arange(0), None)


def test_rows_are_spread_and_never_repeated() -> None:
    rows = evenly_spaced_rows(np.arange(100, 200), 7)
    assert len(set(rows)) == 7
    assert (rows[0], rows[-1]) == (100, 199)
    assert len(evenly_spaced_rows(np.arange(5), 10)) == 5


class _Config(msgspec.Struct, frozen=True):
    steps: int = 1
    widths: tuple[int, ...] = (1,)
    flip: bool = True


def test_settings_by_name() -> None:
    assert with_settings(_Config(), {"steps": 7}, ["widths=2,3", "flip=false"]) == _Config(7, (2, 3), False)


@pytest.mark.parametrize("setting", ["nothing=1", "steps", "steps=many", "widths=a,b"])
def test_wrong_settings_are_refused(setting: str) -> None:
    with pytest.raises(UserError):
        with_settings(_Config(), {}, [setting])


def test_no_layer_is_smaller_than_four_pixels() -> None:
    """Up to 2 px none would hear the class, and nothing would say so."""
    config = TrainConfig(DataConfig("pictures"))
    assert with_settings(config, {}, ["cond_resolution=16"]).cond_resolution == 16
    with pytest.raises(UserError, match="multiple"):
        with_settings(config, {}, ["cond_resolution=2"])
