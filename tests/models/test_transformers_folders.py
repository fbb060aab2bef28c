# SPDX-License-Identifier: MIT
"""Hugging Face folders of transformers: rebuilt with transformers' own outputs, or refused with the way out."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers_folders
from safetensors.torch import load_file, save_file
from transformers_folders import CASES, RECORDED, pictures, write_folder

from latent_explorer.common.errors import UserError
from latent_explorer.models.classifier_file import read_classifier, write_classifier
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.explainer import hash_classifier
from latent_explorer.models.explainer_header import classifier_problems
from latent_explorer.models.importers.classifiers import hugging_face
from latent_explorer.models.importers.classifiers.file import import_classifier, inspect_classifier, provenance
from latent_explorer.models.importers.classifiers.metadata import folder_metadata
from latent_explorer.models.preprocessing import Preprocessing

pytest.importorskip("timm")


def outputs(classifier: Classifier, record: dict[str, Any]) -> torch.Tensor:
    channels = 1 if classifier.config.preprocessing.channels == "grey" else 3
    with torch.inference_mode():
        return classifier.network(pictures(channels, record["size"]))


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_those_of_transformers(tmp_path: Path, case: str) -> None:
    record = write_folder(tmp_path, case)
    found = inspect_classifier(tmp_path)
    assert found.class_names == ("oak", "elm", "ash")
    classifier = import_classifier(found, "x")
    expected = torch.tensor(record["logits"])
    assert (expected[0] - expected[1]).abs().max() > 0.01, "the two pictures differ"
    torch.testing.assert_close(outputs(classifier, record), expected, rtol=0, atol=1e-4)
    write_classifier(tmp_path / "x.classifier", classifier, provenance(found))
    again, _ = read_classifier(tmp_path / "x.classifier")
    assert hash_classifier(again) == hash_classifier(classifier)
    torch.testing.assert_close(outputs(again, record), expected, rtol=0, atol=1e-4)
    img = (torch.rand(1, 3, 40, 40) * 2 - 1).requires_grad_()
    again.logits(img)[0, 0].backward()
    assert img.grad is not None
    assert img.grad.isfinite().all()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")
def test_the_recorded_outputs_are_those_of_the_installed_transformers(tmp_path: Path) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, transformers_folders.__file__, str(tmp_path / "now.json")]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    now, recorded = (json.loads(file.read_text()) for file in (tmp_path / "now.json", RECORDED))
    assert now.keys() == recorded.keys()
    for case in now:
        assert now[case]["shapes"] == recorded[case]["shapes"]
        torch.testing.assert_close(
            torch.tensor(now[case]["logits"]), torch.tensor(recorded[case]["logits"]), rtol=0, atol=1e-4
        )


def shards(folder: Path, form: str) -> dict[str, Any]:
    """Divide the folder's weights into two files with an index, as save_pretrained(max_shard_size=...) does."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    base, _, suffix = form.partition(".")
    names = sorted(tensors)
    places = {name: f"{base}-0000{1 + i % 2}-of-00002.{suffix}" for i, name in enumerate(names)}
    for file in set(places.values()):
        part = {name: tensor for name, tensor in tensors.items() if places[name] == file}
        save_file(part, folder / file) if suffix == "safetensors" else torch.save(part, folder / file)
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / f"{form}.index.json").write_text(json.dumps(index))
    return index


@pytest.mark.parametrize("form", ["model.safetensors", "pytorch_model.bin"])
def test_weights_in_several_files(tmp_path: Path, form: str) -> None:
    record = write_folder(tmp_path, "vit")
    shards(tmp_path, form)
    found = inspect_classifier(tmp_path)
    expected = torch.tensor(record["logits"])
    torch.testing.assert_close(outputs(import_classifier(found, "x"), record), expected, rtol=0, atol=1e-4)
    before = provenance(found)["imported"]["sha256"]
    (second,) = tmp_path.glob("*-00002-of-00002.*")
    second.write_bytes(second.read_bytes() + b"\0")
    assert provenance(found)["imported"]["sha256"] != before


@pytest.mark.parametrize("place", ["../outside.safetensors", "/etc/passwd", "..", "missing.safetensors", 7, "a\0b"])
def test_an_index_that_leads_elsewhere_is_refused(tmp_path: Path, place: Any) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write_folder(folder, "vit")
    index = shards(folder, "model.safetensors")
    shutil.copy(folder / "model-00001-of-00002.safetensors", tmp_path / "outside.safetensors")
    index["weight_map"]["vit.layernorm.weight"] = place
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UserError):
        inspect_classifier(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_of_a_folder_stands_for_the_folder(tmp_path: Path, name: str) -> None:
    write_folder(tmp_path, "vit")
    assert inspect_classifier(tmp_path / name) == inspect_classifier(tmp_path)


def test_weights_without_their_config_ask_for_the_folder(tmp_path: Path) -> None:
    write_folder(tmp_path, "vit")
    (tmp_path / "config.json").unlink()
    (tmp_path / "model.safetensors").rename(tmp_path / "mine.safetensors")
    with pytest.raises(UserError, match="Choose the folder"):
        inspect_classifier(tmp_path / "mine.safetensors")


def changed(folder: Path, **values: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | values))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another family": ({"architectures": ["CvtForImageClassification"]}, "optimum-cli export onnx"),
    "another task": ({"architectures": ["ViTForMaskedImageModeling"]}, "no image classifier"),
    "no class": ({"architectures": []}, "no image classifier"),
    "numbers": ({"problem_type": "regression"}, "predict numbers"),
    "an unknown activation": ({"hidden_act": "selu"}, "hidden_act = selu"),
    "a number as text": ({"num_hidden_layers": "2"}, "num_hidden_layers = 2"),
    "a truth as a number": ({"num_hidden_layers": True}, "num_hidden_layers = True"),
    "a list": ({"hidden_size": [32]}, "hidden_size"),
    "oblong pictures": ({"image_size": [32, 64]}, "image_size"),
    "more layers than the file has": ({"num_hidden_layers": 3}, "are not in the file"),
    "fewer": ({"num_hidden_layers": 1}, "it lacks"),
    "too many": ({"num_hidden_layers": 10**9}, "num_hidden_layers = 1000000000"),
    "many": ({"num_hidden_layers": 65}, "nothing is near"),
    "too many patches": ({"image_size": 2048, "patch_size": 1}, "nothing is near"),
    "heads that do not divide": ({"num_attention_heads": 5}, "nothing is near"),
    "nothing at all": ({"num_attention_heads": 0, "hidden_size": 0}, "nothing is near"),
}


ODD = (
    None,
    True,
    -1,
    0,
    7,
    3.5,
    1e308,
    10**30,
    "",
    "x" * 2000,
    "gelu",
    [],
    [1],
    [[2]],
    {},
    {"a": 1},
    [10**9] * 4,
    [1.5],
)


def test_changed_values_of_a_description_end_in_a_sentence(tmp_path: Path) -> None:
    draw = random.Random(0)
    for case in ("swin", "beit, shared and absolute", "convnextv2", "resnet, basic", "mobilenet_v2", "efficientnet"):
        config = write_folder(tmp_path, case)["config"]
        for key in config:
            changed(tmp_path, **(config | {key: draw.choice(ODD)}))
            (tmp_path / "preprocessor_config.json").write_text(
                json.dumps({name: draw.choice(ODD) for name in ("size", "crop_size", "resample", "image_mean",
                            "rescale_factor", "crop_pct", "do_rescale", "image_processor_type")})
            )  # fmt: skip
            with suppress(UserError):
                assert inspect_classifier(tmp_path).outputs == 3


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_library_cannot_carry_is_refused(tmp_path: Path, name: str) -> None:
    values, words = REFUSED[name]
    write_folder(tmp_path, "vit")
    changed(tmp_path, **values)
    with pytest.raises(UserError, match=words):
        inspect_classifier(tmp_path)


def test_without_timm_the_usual_resnets_are_read_and_others_say_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hugging_face, "has_timm", lambda: False)
    write_folder(tmp_path, "resnet18")
    assert inspect_classifier(tmp_path).matches[0].architecture == "torchvision:resnet18"
    write_folder(tmp_path, "vit")
    with pytest.raises(UserError, match="pip install"):
        inspect_classifier(tmp_path)


def test_labels_that_were_never_named_are_no_names(tmp_path: Path) -> None:
    write_folder(tmp_path, "vit")
    changed(tmp_path, id2label={str(i): f"LABEL_{i}" for i in range(3)})
    assert inspect_classifier(tmp_path).class_names == ()


def test_what_depends_on_the_training_is_said(tmp_path: Path) -> None:
    write_folder(tmp_path, "efficientnet")
    changed(tmp_path, problem_type="multi_label_classification")
    notes = " ".join(inspect_classifier(tmp_path).notes)
    assert "--output" in notes
    assert "pads" not in notes
    changed(tmp_path, image_size=100)
    assert "pads" in " ".join(inspect_classifier(tmp_path).notes)


def test_an_adapter_says_how_to_merge_it(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(UserError, match="merge_and_unload"):
        inspect_classifier(tmp_path)


HALF = (0.5, 0.5, 0.5)
PROCESSORS: dict[str, tuple[dict[str, Any], Preprocessing]] = {
    "ViT": (
        {"size": {"height": 224, "width": 224}, "resample": 2, "image_mean": HALF, "image_std": HALF},
        Preprocessing(224),
    ),
    "an older ViT": ({"size": 224, "resample": 2, "image_mean": HALF, "image_std": HALF}, Preprocessing(224)),
    "MobileNet": (
        {"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224},
         "resample": 2, "image_mean": HALF, "image_std": HALF},
        Preprocessing(224, crop=0.875),
    ),
    "ConvNeXT and ResNet": (
        {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}, "crop_pct": 0.95,
         "resample": 3, "image_mean": HALF, "image_std": HALF},
        Preprocessing(224, crop=0.95, interpolation="bicubic"),
    ),
    "ConvNeXT without a share": (
        {"feature_extractor_type": "ConvNextFeatureExtractor", "size": 224, "image_mean": HALF, "image_std": HALF},
        Preprocessing(224, crop=0.875),
    ),
    "a large ConvNeXT": (
        {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 384}, "crop_pct": 0.875,
         "image_mean": HALF, "image_std": HALF},
        Preprocessing(384),
    ),
    "EfficientNet divides twice": (
        {"image_processor_type": "EfficientNetImageProcessor", "size": {"height": 300, "width": 300}, "resample": 3,
         "image_mean": HALF, "image_std": HALF},
        Preprocessing(300, HALF, (0.25, 0.25, 0.25), interpolation="bicubic"),
    ),
    "-1 to 1 by an offset": (
        {"size": 224, "rescale_factor": 1 / 127.5, "rescale_offset": True, "do_normalize": False},
        Preprocessing(224),
    ),
    "0 to 255": (
        {"size": 224, "do_rescale": False, "do_normalize": False},
        Preprocessing(224, (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROCESSORS)
def test_preprocessing_of_a_processor(tmp_path: Path, name: str) -> None:
    values, expected = PROCESSORS[name]
    write_folder(tmp_path, "convnext")
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(values))
    found = folder_metadata(tmp_path).preprocessing
    assert found is not None
    assert found.mean == pytest.approx(expected.mean)
    assert found.std == pytest.approx(expected.std)
    assert (found.input_size, found.crop, found.interpolation) == (
        expected.input_size, expected.crop, expected.interpolation,
    )  # fmt: skip


def test_another_interpolation_is_said(tmp_path: Path) -> None:
    write_folder(tmp_path, "convnext")
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"size": 224, "resample": 0}))
    assert "bilinear for its nearest" in folder_metadata(tmp_path).preprocessing_from


@pytest.mark.parametrize(
    "options",
    [
        {"depth": 10**6}, {"depths": (60, 60)}, {"window_size": 1000}, {"embed_dim": 32, "patch_size": 1},
        {"act_layer": "os.system"}, {"pretrained": 1}, {"depth": "2"}, {"depths": ()},
    ],
)  # fmt: skip
def test_a_file_cannot_ask_for_other_options(options: dict[str, Any]) -> None:
    config = ClassifierConfig("x", "timm:vit_base_patch16_224", ("a", "b"), Preprocessing(224))
    assert not list(classifier_problems(config))
    config = ClassifierConfig(
        "x", "timm:vit_base_patch16_224", ("a", "b"), Preprocessing(224), options=tuple(options.items())
    )
    assert list(classifier_problems(config))
    with pytest.raises(UserError):
        Classifier(config)
