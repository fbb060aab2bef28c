# SPDX-License-Identifier: MIT
"""Google's released StylEx: what is read of it computes what a second implementation of its conventions computes."""

from __future__ import annotations

import pickle
import shutil
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import saved_models
import stylex_release
import torch
from stylex_release import PIXELS, K, W, Z

from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.explainer_file import read_explainer, write_explainer
from latent_explorer.models.foreign_files import is_model_file, whole_model
from latent_explorer.models.importers.stylex import release as stylex_files
from latent_explorer.models.importers.stylex.latents import read_latents
from latent_explorer.models.importers.stylex.release import import_stylex, is_release
from latent_explorer.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.models.importers.stylex.release import ImportedStylex

pytest.importorskip("timm")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    stylex_release.write_release(folder)
    return folder


@pytest.fixture(scope="module")
def found(release: Path) -> ImportedStylex:
    return import_stylex(release, "age", ("old", "young"))


def small_classifier(classes: int = 2) -> Classifier:
    names = tuple(f"c{i}" for i in range(classes))
    return Classifier(ClassifierConfig("small", "small-resnet", names, Preprocessing(PIXELS), widths=(4,)))


def part_of(release: Path, tmp_path: Path, *parts: str) -> Path:
    """Return a folder with copies of some parts of a release."""
    for part in parts:
        shutil.copytree(release / f"{part}.savedmodel", tmp_path / f"{part}.savedmodel")
    return tmp_path


def close(ours: torch.Tensor, theirs: torch.Tensor, tolerance: float = 1e-4) -> None:
    torch.testing.assert_close(ours, theirs.float(), rtol=0, atol=tolerance)


@torch.inference_mode()
def test_pictures_are_those_of_the_source(found: ImportedStylex) -> None:
    generator = found.explainer.generator
    config = generator.config
    assert (config.resolution, config.w_dim, config.num_classes, config.z_dim) == (PIXELS, W, K, Z)
    variables, latents = stylex_release.generator_variables(), stylex_release.latents()
    samples = found.explainer.samples
    assert samples is not None
    assert samples.ids == tuple(str(1000 + i) for i in range(len(latents)))
    np.testing.assert_array_equal(samples.ws[:, 0], latents[:, :W])
    np.testing.assert_array_equal(samples.cond, latents[:, W:])
    img = generator.synthesis(samples.ws, samples.cond, generator.synthesis.noise_const())
    expected = stylex_release.synthesis(variables, latents)
    assert expected.std() > 0.5
    close(img, expected)
    z = np.random.default_rng(5).normal(size=(4, Z)).astype(np.float32)
    close(generator.mapping(torch.from_numpy(z)), stylex_release.mapping(variables, z))
    np.testing.assert_array_equal(generator.mapping.w_avg, variables["dlatent_avg"])


@torch.inference_mode()
def test_encoder_and_discriminator_answer_as_the_source(found: ImportedStylex) -> None:
    img = np.random.default_rng(6).uniform(-1, 1, (4, 3, PIXELS, PIXELS)).astype(np.float32)
    x, explainer = torch.from_numpy(img), found.explainer
    assert explainer.encoder is not None
    assert explainer.discriminator is not None
    encoder = stylex_release.trunk_variables("encoder", "Encoder", W, stddev=False)
    close(explainer.encoder(x), stylex_release.trunk(encoder, img, "encoder", "Encoder"))
    scope = "discriminator_1", "Discriminator"
    variables = stylex_release.trunk_variables(*scope, K, stddev=True, seed=4)
    close(explainer.discriminator(x), stylex_release.trunk(variables, img, *scope))


@pytest.mark.parametrize(("activation", "top"), [("Relu6", 6.0), ("Relu", float("inf"))])
@torch.inference_mode()
def test_the_classifier_answers_as_the_source(release: Path, tmp_path: Path, activation: str, top: float) -> None:
    folder = part_of(release, tmp_path, "generator", "mobilenet")
    saved_models.write_graph(folder / "mobilenet.savedmodel", stylex_release.operations(activation))
    classifier = import_stylex(folder, "x").explainer.classifier
    assert classifier.config.class_names == ("class 0", "class 1")
    img = torch.from_numpy(np.random.default_rng(7).uniform(-1, 1, (3, 3, PIXELS, PIXELS)).astype(np.float32))
    variables, _trained = stylex_release.classifier_variables()
    expected = stylex_release.mobilenet(variables, img, top)
    other = stylex_release.mobilenet(variables, img, 6.0 if top != 6.0 else float("inf"))
    assert (expected - other).abs().max() > 1e-3  # the two would be told apart
    close(classifier.logits(img), expected)


def test_the_explainer_is_written_and_read(found: ImportedStylex, tmp_path: Path) -> None:
    write_explainer(found.explainer, tmp_path / "x.explainer")
    again = read_explainer(tmp_path / "x.explainer")
    assert again.conditioned_on == again.classifier_id
    assert again.classifier.config.class_names == ("old", "young")
    assert again.provenance["imported"]["source"] == "StylEx (Google)"
    assert again.style_stats is not None
    assert "6 pictures" in " ".join(found.notes)


def zipped(target: Path, names: dict[Path, str]) -> Path:
    """Write folders and files into a zip under other names."""
    with zipfile.ZipFile(target, "w") as archive:
        for whole, inside in names.items():
            for path in [whole] if whole.is_file() else sorted(whole.rglob("*")):
                archive.write(path, inside if path == whole else f"{inside}/{path.relative_to(whole).as_posix()}")
    return target


def test_zips_as_they_were_released_and_one_of_everything(release: Path, tmp_path: Path, found: ImportedStylex) -> None:
    generator, latents = release / "generator.savedmodel", release / "dlatents.pkl"
    folder = tmp_path / "parts"
    folder.mkdir()
    shutil.copy(latents, folder)
    part = zipped(folder / "generator.savedmodel.zip", {generator: "generator.savedmodel"})
    whole = zipped(tmp_path / "age.zip", {generator: "age/generator.savedmodel", latents: "age/dlatents.pkl"})
    for path in (folder, part, whole):
        assert is_release(path)
        again = import_stylex(path, "x", classifier=small_classifier()).explainer
        assert again.samples is not None
        assert again.encoder is None
        for name, tensor in found.explainer.generator.state_dict().items():
            torch.testing.assert_close(again.generator.state_dict()[name], tensor, rtol=0, atol=0)


def test_the_window_takes_the_folder_and_its_parts(release: Path, tmp_path: Path) -> None:
    for path in (release, release / "generator.savedmodel", release / "mobilenet.savedmodel"):
        assert is_model_file(path)
        assert whole_model(path) == release
    (tmp_path / "other.savedmodel").mkdir()
    assert not is_release(tmp_path)
    assert not is_release(tmp_path / "other.savedmodel")


def test_names_of_variables_alone_are_enough(tmp_path: Path) -> None:
    """A table without a graph of objects, in several files, with ":0" behind the names or another scope before them."""
    variables = stylex_release.generator_variables()
    named = {f"model/{name}:0": array for name, array in variables.items()} | {"step": np.zeros(1, np.int64)}
    saved_models.write_variables(tmp_path / "generator.savedmodel" / "variables", named, shards=3)
    again = import_stylex(tmp_path, "x", classifier=small_classifier()).explainer.generator
    latents = stylex_release.latents()
    with torch.inference_mode():
        ws, cond = again.broadcast(torch.from_numpy(latents[:, :W])), torch.from_numpy(latents[:, W:])
        img = again.synthesis(ws, cond, again.synthesis.noise_const())
    close(img, stylex_release.synthesis(variables, latents))


FAULTS = {
    "StyleVector2_1/StyleGAN2Dense/weight": (None, r"synthesis\.b32\.conv1\.affine\.weight is missing"),
    "dlatent_avg": (None, "dlatent_avg is missing"),
    "ToRGB16x16/ModulatedConv2D/weight": (np.zeros((1, 1, 7, 3), np.float32), r"b16\.torgb\.weight has the shape"),
    "Const4x4": (np.full((1, 10, 4, 4), np.nan, np.float32), "not finite"),
    "GeneratorBlock8x8/Conv1/FusedBiasAct/BiasAct": (np.zeros((9, 9), np.float32), r"has the shape \(9, 9\)"),
    "generator_synthesis/Attention/weight": (np.ones((2, 2), np.float32), "Attention/weight, which is not known"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_other_networks_are_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    array, words = FAULTS[name]
    variables = stylex_release.generator_variables()
    full = next((each for each in variables if each.endswith(name)), name)
    variables.pop(full, None)
    if array is not None:
        variables[full] = array
    saved_models.write_objects(tmp_path / "generator.savedmodel" / "variables", variables)
    with pytest.raises(UserError, match=words):
        import_stylex(tmp_path, "x", classifier=small_classifier())


def test_what_is_missing_is_said(release: Path, tmp_path: Path) -> None:
    folder = part_of(release, tmp_path, "generator")
    with pytest.raises(UserError, match=r"no mobilenet\.savedmodel"):
        import_stylex(folder, "x")
    with pytest.raises(UserError, match="does not hold Google's StylEx"):
        import_stylex(tmp_path / "generator.savedmodel" / "variables", "x")
    with pytest.raises(UserError, match="There is no file or folder"):
        import_stylex(tmp_path / "nothing", "x")
    with pytest.raises(UserError, match="probabilities of 2 classes, and the classifier has 3"):
        import_stylex(folder, "x", classifier=small_classifier(3))
    part_of(release, tmp_path, "mobilenet")
    (folder / "mobilenet.savedmodel" / "saved_model.pb").unlink()
    with pytest.raises(UserError, match=r"saved_model\.pb is missing"):
        import_stylex(folder, "x")
    saved_models.write_graph(folder / "mobilenet.savedmodel", [("Conv2D", None)])
    with pytest.raises(UserError, match="does not tell which activation"):
        import_stylex(folder, "x")
    with pytest.raises(UserError, match="2 classes apart, and 3 are named"):
        import_stylex(release, "x", ("a", "b", "c"))


def test_numbers_of_latents_are_numbers() -> None:
    """The text of lists that share lists has two to the power of their depth letters."""
    shared: list[object] = []
    for _ in range(60):
        shared = [shared, shared]
    with pytest.raises(DamagedData, match="is no number"):
        read_latents(pickle.dumps([(shared, np.ones((1, 4), np.float32))], 2))


def test_what_lies_among_the_variables_is_checked_too(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is part of the digest that says where an explainer comes from."""
    folder = part_of(release, tmp_path, "generator")
    beside = folder / "generator.savedmodel" / "variables" / "more"
    try:
        beside.symlink_to(release / "dlatents.pkl")
    except OSError:
        pytest.skip("links cannot be made here")
    with pytest.raises(UserError, match="is a link"):
        import_stylex(folder, "x", classifier=small_classifier())
    beside.unlink()
    monkeypatch.setattr(stylex_files, "MAX_VARIABLES_BYTES", 1000)
    with pytest.raises(UserError, match="too long"):
        import_stylex(folder, "x", classifier=small_classifier())
