# SPDX-License-Identifier: MIT
"""`directions`: finds, writes a file that `generate --direction` takes, and refuses in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import latent_explorer
from latent_explorer.api import GuidedSettings, SearchSettings
from latent_explorer.cli.root import main
from latent_explorer.models.classifier_file import read_classifier, write_classifier


@pytest.mark.parametrize(("method", "options", "names"), [
    ("sefa", ("--rows", "1-2", "--count", 2), ["SeFa 1, rows 1-2", "SeFa 2, rows 1-2"]),
    ("ganspace", ("--target", "diseased"), ["GANSpace 1"]),
    ("boundary", ("--target", "1", "--held-out", 40), ["boundary diseased"]),
    ("guided", ("--identity", "none", "--steps", 2), ["guided healthy", "guided diseased"]),
    ("guided", ("--loss", "amount", "--steps", 2, "--length", 2, "--target", 1), ["guided diseased"]),
])  # fmt: skip
def test_directions_are_found_and_read_again(file: Path, tmp_path: Path, run_json, method, options, names) -> None:
    out = tmp_path / "D.npz"
    result = run_json("directions", file, "--method", method, "--held-out", 8, "--out", out, *options)
    assert [each["name"] for each in result["directions"]] == names
    assert all(len(each["check"]["flipped"]) == 3 for each in result["directions"] if each["check"])
    explainer = latent_explorer.open(file)
    again = explainer.directions(out)
    assert [each.name for each in again] == names
    moved = run_json("generate", file, "--direction", f"{out}#1=2", "--out", tmp_path / "moved")
    assert len(moved["images"]) > 0


def test_what_was_found_is_said_and_a_wrong_wish_refused(file: Path, tmp_path: Path, capsys, run_json) -> None:
    out = tmp_path / "D.npz"
    assert main(["directions", str(file), "--method", "sefa", "--out", str(out)]) == 0
    assert (
        "other pictures change their verdict at 1, 2, 3 sd; random directions of that length" in capsys.readouterr().out
    )
    for options in (
        ("--method", "sefa", "--target", "ill", "--out", out),
        ("--method", "sefa", "--rows", "2-30", "--out", out),
        ("--method", "sefa", "--given", out, "--out", out),
        ("--method", "sefa", "--out", tmp_path / "D.npy"),
    ):
        assert run_json("directions", file, *options, code=1)["event"] == "error"


def test_a_boundary_is_perpendicular_to_those_given(file: Path, tmp_path: Path, run_json) -> None:
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    run_json("directions", file, "--method", "boundary", "--held-out", 0, "--out", first)
    run_json("directions", file, "--method", "boundary", "--held-out", 0, "--given", first, "--out", second)
    explainer = latent_explorer.open(file)
    a, b = (explainer.directions(path)[0].array[0] for path in (first, second))
    assert abs(a @ b) < 1e-4 * np.linalg.norm(a) * np.linalg.norm(b)
    again = explainer.find_directions("boundary", "diseased", given=[explainer.directions(first)[0]])
    assert again[0].target == 1
    assert again[0].figures["majority"] == 0.5


def test_a_network_of_your_own_says_what_stays(file: Path, tmp_path: Path, run_json) -> None:
    network, out = tmp_path / "mine.classifier", tmp_path / "D.npz"
    write_classifier(network, read_classifier(file)[0], {})
    options = ("--target", "0", "--steps", 2, "--held-out", 8, "--embedding", network, "--out", out)
    (found,) = run_json("directions", file, "--method", "guided", *options)["directions"]
    assert found["identity"].startswith("embedding by ")
    assert run_json("directions", file, "--method", "sefa", *options, code=1)["event"] == "error"
    explainer = latent_explorer.open(file)
    settings = SearchSettings("guided", held_out=8, guided=GuidedSettings(steps=2))
    (same,) = explainer.find_directions("guided", 0, embedding=network, settings=settings)
    assert same.identity == found["identity"]


def test_a_boundary_is_conditional_on_several_files(file: Path, tmp_path: Path, run_json) -> None:
    names = [tmp_path / f"{i}.npz" for i in range(3)]
    for number, path in enumerate(names):
        given = [part for each in names[:number] for part in ("--conditional-on", each)]
        run_json("directions", file, "--method", "boundary", "--held-out", 0, *given, "--out", path)
    explainer = latent_explorer.open(file)
    a, b, c = (explainer.directions(path)[0].array[0] for path in names)
    for x, y in ((a, b), (a, c), (b, c)):
        assert abs(x @ y) < 1e-4 * np.linalg.norm(x) * np.linalg.norm(y)


def test_your_own_labels_make_a_boundary(file: Path, tmp_path: Path, run_json) -> None:
    labels, out = tmp_path / "greener.csv", tmp_path / "D.npz"
    labels.write_text("picture,label\n" + "".join(f"seed {i},{i % 2}\n" for i in range(12)))
    options = ("--method", "boundary", "--held-out", 4, "--out", out)
    (found,) = run_json("directions", file, *options, "--labels", labels)["directions"]
    assert found["name"] == "greener"
    assert {"accuracy", "majority", "shuffled"} <= found["figures"].keys()
    labels.write_text("picture,label\nseed 1,1\n")
    assert "each label needs 5" in run_json("directions", file, *options, "--labels", labels, code=1)["message"]
    explainer = latent_explorer.open(file)
    assert explainer.labels(labels).labels[0].value == 1
