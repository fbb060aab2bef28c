# SPDX-License-Identifier: MIT
"""`info`, `generate` and `attfind` on a tiny explainer: files, fields and refusals."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from latent_explorer.app.exploration.recipe_png import read_recipe
from latent_explorer.cli.attfind import table
from latent_explorer.cli.generate import parse_seeds
from latent_explorer.cli.root import main
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Kept
from latent_explorer.explain.attfind.similar import Similarity
from latent_explorer.explain.latents import seed_latent
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SeedBase
from latent_explorer.explain.render.renderer import Renderer
from latent_explorer.models.attributes import Attribute, AttributeEntry, AttributeSet
from latent_explorer.models.classifier_file import write_classifier
from latent_explorer.models.explainer import Explainer, resolve_classifier, with_attribute_set
from latent_explorer.models.explainer_file import read_explainer


def test_info_says_what_the_file_holds(file: Path, run_json, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_json("info", file)
    assert result["event"] == "result"
    assert {"kind", "model_hash", "resolution", "classes", "attributes", "figures"} <= set(result)
    assert result["classes"] == ["healthy", "diseased"]
    assert main(["info", str(file)]) == 0
    assert "16 px" in capsys.readouterr().out


def test_info_says_what_a_classifier_file_holds(
    tiny_explainer, tmp_path: Path, run_json, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tiny.classifier"
    write_classifier(path, tiny_explainer.classifier, {"test": {"accuracy": 0.875}})
    result = run_json("info", path)
    assert (result["kind"], result["classes"]) == ("classifier", ["healthy", "diseased"])
    assert result["figures"] == {"test": {"accuracy": 0.875}}
    assert main(["info", str(path)]) == 0
    assert "accuracy 0.875" in capsys.readouterr().out


def test_info_of_no_explainer_is_a_sentence(tmp_path: Path, run_json) -> None:
    (tmp_path / "leaf.explainer").write_text("not a model")
    assert run_json("info", tmp_path / "leaf.explainer", code=1)["event"] == "error"
    assert run_json("info", tmp_path / "none.explainer", code=1)["event"] == "error"


def test_generate_writes_what_the_window_shows(file: Path, tmp_path: Path, run_json) -> None:
    result = run_json("generate", file, "--seeds", "0-1,7", "--psi", 0.5, "--out", tmp_path, "--raw")
    assert [Path(p).name for p in result["images"]] == ["seed0000.png", "seed0001.png", "seed0007.png"]
    explainer = read_explainer(file)
    recipe = PictureRecipe(SeedBase(7), truncation_psi=0.5)
    shown = Renderer(explainer).render(PictureRequest(recipe, explainer.conditioned_on)).after.image
    np.testing.assert_array_equal(np.asarray(Image.open(result["images"][2])), shown)
    state = read_recipe(Path(result["images"][2])).state
    assert state is not None
    assert (state.base, state.truncation_psi) == (SeedBase(7), 0.5)
    with np.load(result["raw"], allow_pickle=False) as raw:
        assert raw["img"].shape == (3, 3, 16, 16)
        assert raw["img"].dtype == np.float32


def test_generate_from_latents(file: Path, tiny_explainer, tmp_path: Path, run_json) -> None:
    np.savez(tmp_path / "projected_w.npz", w=tiny_explainer.samples.ws[:2].numpy())
    out = tmp_path / "out"
    result = run_json("generate", file, "--latents", tmp_path / "projected_w.npz", "--out", out)
    assert len(result["images"]) == 2


def test_generate_along_directions(file: Path, tmp_path: Path, run_json) -> None:
    """A seed's picture has the direction in its recipe; the numbers are those of a direction added by hand."""
    model = read_explainer(file)
    num_ws = model.generator.num_ws
    vectors = np.random.default_rng(0).standard_normal((3, 16)).astype(np.float32)
    np.savez(tmp_path / "pca.npz", components=vectors)
    given = ("generate", file, "--seeds", 7, "--direction", f"{tmp_path / 'pca.npz'}#2=-1.5@1-2", "--raw")
    result = run_json(*given, "--out", tmp_path / "out")
    state = read_recipe(Path(result["images"][0])).state
    (edit,) = state.edits
    assert (edit.amount, edit.direction.name, edit.direction.first, edit.direction.last) == (-1.5, "pca 2", 1, 2)
    ws = seed_latent(model, 7)
    moved = ws.ws - 1.5 * torch.from_numpy(edit.direction.shift(num_ws))
    np.savez(tmp_path / "w.npz", w=moved.numpy(), cond=ws.cond.numpy())
    by_hand = run_json("generate", file, "--latents", tmp_path / "w.npz", "--raw", "--out", tmp_path / "hand")
    images = [np.load(each["raw"])["img"] for each in (result, by_hand)]
    np.testing.assert_allclose(*images, atol=1e-5)
    unmoved = run_json("generate", file, "--seeds", 7, "--raw", "--out", tmp_path / "as it is")
    assert np.abs(np.load(unmoved["raw"])["img"] - images[0]).max() > 1e-3


@pytest.mark.parametrize(("option", "words"), [
    ("pca.npz=1", "holds 3 directions. Say which"),
    ("pca.npz#4=1", "no number 4"),
    ("pca.npz#1=1@0-99", "rows that are not there"),
    ("pca.npz#1=nan", "not a finite number"),
    ("pca.npz", "is not a direction and its amount"),
    ("none.npy=1", "There is no file"),
])  # fmt: skip
def test_wrong_directions_are_refused(option, words, file: Path, tmp_path: Path, run_json, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("pca.npz", components=np.ones((3, 16), np.float32))
    error = run_json("generate", file, "--direction", option, "--out", tmp_path / "out", code=1)
    assert words in error["message"]


def test_info_says_which_vectors_a_file_holds(tmp_path: Path, run_json) -> None:
    torch.save({"eigvec": torch.eye(16), "ckpt": "x"}, tmp_path / "factor.pt")
    assert run_json("info", tmp_path / "factor.pt")["arrays"] == {"eigvec": [16, 16]}
    np.save(tmp_path / "w.npy", np.ones(16, np.float32))
    assert run_json("info", tmp_path / "w.npy")["arrays"] == {"": [16]}


@pytest.mark.parametrize(
    "array", [np.zeros((2, 3, 4), np.float32), np.full((1, 16), np.nan, np.float32), np.array(["x"])]
)
def test_wrong_latents_are_refused(array: np.ndarray, file: Path, tmp_path: Path, run_json) -> None:
    np.save(tmp_path / "w.npy", array)
    error = run_json("generate", file, "--latents", tmp_path / "w.npy", "--out", tmp_path, code=1)
    assert error["kind"] == "user"


def test_latents_that_are_no_array_are_refused(file: Path, tmp_path: Path, run_json) -> None:
    (tmp_path / "w.npz").write_bytes(b"PK\x03\x04broken")
    error = run_json("generate", file, "--latents", tmp_path / "w.npz", "--out", tmp_path, code=1)
    assert "cannot be read" in error["message"]


def test_seeds_in_words() -> None:
    assert parse_seeds("0-2,42") == [0, 1, 2, 42]


@pytest.mark.parametrize("text", ["", "a", "3-1", "1-", "-4", "0-9999999999", "9223372036854775808"])
def test_what_is_no_seed(text: str) -> None:
    with pytest.raises(UserError):
        parse_seeds(text)


def test_attfind_lists_attributes_and_writes_them(
    file: Path, tmp_path: Path, run_json, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found.explainer"
    result = run_json("attfind", file, "--wanted", 3, "--out", out)
    first = result["attributes"][0]
    assert {
        "style_index",
        "direction",
        "target",
        "mean_effect",
        "interval",
        "layer",
        "resolution",
        "name",
        "exact",
    } <= (set(first))
    assert first["direction"] in ("min", "max")
    found = read_explainer(out)
    assert found.model_hash == result["model_hash"]
    assert found.attribute_sets[-1].attributes[0].entries[0].style_index == first["style_index"]
    assert main(["attfind", str(file), "--wanted", "1"]) == 0
    assert "towards diseased" in capsys.readouterr().out


def test_an_interrupted_search_prints_what_is_known(file: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    from latent_explorer.cli.output import Output

    def interrupted(self: Output, event: object) -> None:
        if isinstance(event, Kept):
            raise KeyboardInterrupt

    monkeypatch.setattr(Output, "event", interrupted)
    out = tmp_path / "found.explainer"
    assert main(["attfind", str(file), "--wanted", "3", "--out", str(out)]) == 130
    said = capsys.readouterr().out
    assert "not settled" in said
    assert "found.explainer was not written" in said
    assert "towards diseased" in said
    assert not out.exists()


def test_a_new_search_keeps_the_names_of_what_it_finds_again(tiny_explainer) -> None:
    old = tiny_explainer.attribute_sets[0]
    unnamed = tuple(msgspec.structs.replace(a, name="") for a in old.attributes)
    updated = with_attribute_set(tiny_explainer, msgspec.structs.replace(old, attributes=unnamed))
    assert [a.name for a in updated.attribute_sets[0].attributes] == ["first", "second"]
    assert len(updated.attribute_sets) == 1


def test_a_classifier_is_named_or_identified(tiny_explainer) -> None:
    [key] = tiny_explainer.classifiers
    name = tiny_explainer.classifiers[key].config.name
    for text in (None, name, key, key[:6]):
        assert resolve_classifier(tiny_explainer, text) == key
    for text in ("zzz", "", name[:-1]):
        with pytest.raises(UserError, match=f"Known: {name} .{key[:12]}"):
            resolve_classifier(tiny_explainer, text)


def test_unknown_classifier_is_refused(file: Path, run_json) -> None:
    assert "Known" in run_json("attfind", file, "--classifier", "zzz", code=1)["message"]


def test_an_attribute_that_looks_like_an_earlier_one_is_marked(file: Path, run_json) -> None:
    result = run_json("attfind", file, "--n", 12, "--wanted", 3)
    model = read_explainer(file)
    for name, compared in result["similar"].items():
        count = sum(a["target"] == model.classifier.config.class_names.index(name) for a in result["attributes"])
        assert [len(compared[key]) for key in ("cosine", "correlation")] == [count, count]
        assert all(compared["cosine"][int(i) - 1][other - 1] >= 0.6 for i, other in compared["like"].items())


def test_the_table_says_which_number_it_is_like(tiny_explainer: Explainer) -> None:
    attributes = tuple(Attribute("", 1, (AttributeEntry(i, "max"),)) for i in range(3))
    found = AttributeSet(tiny_explainer.classifier_id, "attfind-notebook", 24, 1.0, "", attributes)
    cosine = np.eye(3)
    cosine[2, 1] = 0.7
    similar = {1: Similarity(attributes, 5, cosine, np.eye(3))}
    lines = table(tiny_explainer, found, similar).splitlines()
    assert lines[-1].endswith("like 2")
    assert not any("like" in line for line in lines[:-1])


def test_a_pair_is_named_or_numbered(file: Path, run_json) -> None:
    names = read_explainer(file).classifier.config.class_names
    found = run_json("attfind", file, "--n", 12, "--wanted", 2, "--pair", names[1], "0", "--effect", "probability")
    assert (found["pair"], found["effect"]) == ([1, 0], "probability")
    assert "There is no class plum" in run_json("attfind", file, "--pair", "plum", "0", code=1)["message"]
    assert "two different classes" in run_json("attfind", file, "--pair", "0", "0", code=1)["message"]
