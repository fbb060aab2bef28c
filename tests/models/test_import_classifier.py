# SPDX-License-Identifier: MIT
"""Classifiers of other programs: recognised, rebuilt with the same outputs, or refused with the way out."""

from __future__ import annotations

import json
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision import models

from latent_explorer.app.importing.jobs import ImportSession
from latent_explorer.common.errors import UserError
from latent_explorer.common.jobs import run_job
from latent_explorer.models.classifier_file import read_classifier, write_classifier
from latent_explorer.models.classifiers import Classifier, ClassifierConfig
from latent_explorer.models.explainer import hash_classifier
from latent_explorer.models.foreign_files import OTHER_FOLDERS, is_model_file
from latent_explorer.models.importers.classifiers import file, formats
from latent_explorer.models.importers.classifiers.file import import_classifier, inspect_classifier, provenance
from latent_explorer.models.importers.classifiers.metadata import FolderMetadata
from latent_explorer.models.importers.classifiers.program_model import ProgramModel
from latent_explorer.models.preprocessing import Preprocessing
from latent_explorer.models.programs.program import Program

timm = pytest.importorskip("timm")


def same_outputs(classifier: Classifier, network: nn.Module) -> None:
    """Compare with the source's own forward pass."""
    torch.manual_seed(1)
    x = classifier.preprocess(torch.rand(2, 3, 40, 40) * 2 - 1)
    with torch.inference_mode():
        torch.testing.assert_close(classifier.network(x), network.eval()(x), rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return models.mobilenet_v3_small(num_classes=3)


class OwnHead(nn.Module):
    """A person's module around a library's trunk."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = timm.create_model("resnet10t", num_classes=0)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(512, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.backbone(x))


def test_a_training_checkpoint_with_its_words(tmp_path: Path, network: nn.Module) -> None:
    path = tmp_path / "best.pth"
    state = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": state, "class_to_idx": {"cat": 1, "ant": 0, "dog": 2}, "epoch": 9}, path)
    found = inspect_classifier(path)
    assert found.matches[0].architecture == "torchvision:mobilenet_v3_small"
    assert found.class_names == ("ant", "cat", "dog")
    assert found.preprocessing == Preprocessing(224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), crop=0.875)
    same_outputs(import_classifier(found, "x"), network)


def test_a_pickled_model_is_read_and_not_made(tmp_path: Path, network: nn.Module) -> None:
    torch.save(network, tmp_path / "model.pt")
    same_outputs(import_classifier(inspect_classifier(tmp_path / "model.pt"), "x"), network)


def test_safetensors_in_half_precision(tmp_path: Path, network: nn.Module) -> None:
    save_file(
        {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()},
        tmp_path / "x.safetensors",
    )
    classifier, about = read_classifier(tmp_path / "x.safetensors")
    assert classifier.config.class_names == ("class 0", "class 1", "class 2")
    assert about["imported"]["architecture"] == "torchvision:mobilenet_v3_small"


def test_an_own_head_on_a_trunk(tmp_path: Path) -> None:
    own = OwnHead()
    torch.save({"state_dict": own.state_dict(), "hyper_parameters": {"backbone": "resnet10t"}}, tmp_path / "x.ckpt")
    classifier = import_classifier(inspect_classifier(tmp_path / "x.ckpt"), "x")
    assert classifier.num_classes == 4
    same_outputs(classifier, own)


VARIANTS: dict[str, dict[str, Any]] = {
    "grey": {"in_chans": 1, "num_classes": 2},
    "one output": {"num_classes": 1},
    "many": {"num_classes": 12},
}


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS.keys())
def test_variants_of_one_network(tmp_path: Path, options: dict[str, Any]) -> None:
    network = timm.create_model("resnet10t", **options)
    torch.save({"arch": "resnet10t", "state_dict": network.state_dict()}, tmp_path / "x.pth.tar")
    found = inspect_classifier(tmp_path / "x.pth.tar")
    classifier = import_classifier(found, "x")
    assert classifier.config.preprocessing.channels == ("grey" if "in_chans" in options else "rgb")
    assert classifier.num_classes == max(2, options["num_classes"])
    same_outputs(classifier, network)


def test_a_vit_for_another_size(tmp_path: Path) -> None:
    network = timm.create_model("vit_tiny_patch16_224", num_classes=2, img_size=64)
    torch.save({"arch": "vit_tiny_patch16_224", "model": network.state_dict()}, tmp_path / "x.pth")
    classifier = import_classifier(inspect_classifier(tmp_path / "x.pth"), "x")
    assert classifier.config.preprocessing.input_size == 64
    same_outputs(classifier, network)


def test_one_of_many_yes_or_no_outputs(tmp_path: Path, network: nn.Module) -> None:
    torch.save(network.state_dict(), tmp_path / "x.pth")
    classifier = import_classifier(inspect_classifier(tmp_path / "x.pth"), "x", ("no", "yes"), output=1)
    img = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        expected = network.eval()(classifier.preprocess(img))[:, 1].sigmoid()
        torch.testing.assert_close(classifier.probs(img)[:, 1], expected)


def test_one_of_many_outputs_is_called_as_the_file_names_it(tmp_path: Path, network: nn.Module) -> None:
    torch.save({"state_dict": network.state_dict(), "class_names": ["ash", "elm", "oak"]}, tmp_path / "x.pth")
    found = inspect_classifier(tmp_path / "x.pth")
    assert import_classifier(found, "x", output=2).config.class_names == ("not oak", "oak")
    assert provenance(found, 2)["imported"]["output"] == 2
    assert "output" not in provenance(found)["imported"]
    with pytest.raises(UserError, match="outputs 0 to 2, not 3"):
        import_classifier(found, "x", output=3)


def test_networks_of_the_same_tensors_are_named(tmp_path: Path) -> None:
    torch.save(models.resnet18(num_classes=2).state_dict(), tmp_path / "x.pth")
    found = inspect_classifier(tmp_path / "x.pth")
    assert [each.architecture for each in found.matches] == [
        "torchvision:resnet18",
        "timm:resnet18",
        "timm:resnetblur18",
    ]
    assert all(each.fits for each in found.matches)
    blurred = timm.create_model("resnetblur18", num_classes=2).eval()
    blurred.load_state_dict(torch.load(tmp_path / "x.pth", weights_only=True))
    same_outputs(import_classifier(inspect_classifier(tmp_path / "x.pth", "timm:resnetblur18"), "x"), blurred)


def test_a_hugging_face_folder_of_timm(tmp_path: Path) -> None:
    network = timm.create_model("resnet10t", num_classes=2)
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    pretrained = {"input_size": [3, 96, 96], "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "crop_pct": 0.9,
                  "interpolation": "bicubic"}  # fmt: skip
    config = {"architecture": "resnet10t", "num_classes": 2, "label_names": ["a", "b"], "pretrained_cfg": pretrained}
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = inspect_classifier(tmp_path)
    assert found.class_names == ("a", "b")
    assert found.preprocessing == Preprocessing(96, (0.5,) * 3, (0.25,) * 3, crop=0.9, interpolation="bicubic")
    same_outputs(import_classifier(found, "x"), network)


def test_an_imported_classifier_is_written_and_read(tmp_path: Path) -> None:
    network = timm.create_model("resnet10t", num_classes=2)
    torch.save({"arch": "resnet10t", "model": network.state_dict()}, tmp_path / "x.pth")
    classifier = import_classifier(inspect_classifier(tmp_path / "x.pth"), "x", ("a", "b"))
    write_classifier(tmp_path / "x.classifier", classifier, {})
    again, _ = read_classifier(tmp_path / "x.classifier")
    assert hash_classifier(again) == hash_classifier(classifier)
    same_outputs(again, network)


def test_a_depth_that_no_library_has_names_the_nearest(tmp_path: Path) -> None:
    torch.save(timm.create_model("resnet18", layers=(1, 2, 1, 1)).state_dict(), tmp_path / "x.pth")
    with pytest.raises(UserError, match=r"Nearest: .*resnet"):
        inspect_classifier(tmp_path / "x.pth")


def test_tables_that_a_network_makes_itself_are_made() -> None:
    config = ClassifierConfig("x", "timm:swin_tiny_patch4_window7_224", ("a", "b"), Preprocessing(224))
    from latent_explorer.models.skip_init import SkipInit

    real = Classifier(config)
    with SkipInit():
        empty = Classifier(config)
    empty.load_tensors(real.state_dict())
    assert not any(tensor.is_meta for tensor in [*empty.parameters(), *empty.buffers()])
    same_outputs(empty.eval(), real.network)


def test_gradients_and_features_of_library_networks() -> None:
    widths = {
        "torchvision:mobilenet_v3_small": 1024,
        "torchvision:squeezenet1_1": 512,
        "timm:vit_tiny_patch16_224": 192,
    }
    for architecture, width in widths.items():
        classifier = Classifier(ClassifierConfig("x", architecture, ("a", "b"), Preprocessing(224, crop=0.9))).eval()
        img = (torch.rand(1, 3, 64, 64) * 2 - 1).requires_grad_()
        classifier.logits(img)[0].sum().backward()
        assert img.grad is not None
        assert img.grad.isfinite().all()
        if "squeezenet" not in architecture:  # its last layer is a ReLU, which may be shut
            assert img.grad.abs().sum() > 0
        with torch.inference_mode():
            assert classifier.features(img).shape == (1, width)
            assert all(m.ndim == 4 for m in classifier.feature_maps(img))
            assert classifier.feature_maps(img)


def zipped(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")


def test_known_kinds_that_are_not_read_say_the_way_out(tmp_path: Path) -> None:
    zipped(tmp_path / "script.pt", "x/data.pkl", "x/constants.pkl", "x/code/__torch__.py")
    zipped(tmp_path / "program.pt2", "x/archive_format", "x/models/model.json")
    zipped(tmp_path / "teachable.zip", "keras_model.h5", "labels.txt")
    zipped(tmp_path / "model.keras", "metadata.json", "config.json", "model.weights.h5")
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 100)
    (tmp_path / "model.tflite").write_bytes(b"\x1c\0\0\0TFL3" + b"\0" * 100)
    (tmp_path / "model.onnx").write_bytes(b"\x08\x07\x12\x07pytorch")
    (tmp_path / "empty.pth").write_bytes(b"")
    expected = {
        "script.pt": "TorchScript", "program.pt2": "torch.export", "teachable.zip": "Teachable", "model.keras": "Keras",
        "model.h5": "Keras", "model.tflite": "TensorFlow Lite", "model.onnx": "ONNX", "empty.pth": "empty",
    }  # fmt: skip
    for name, words in expected.items():
        with pytest.raises(UserError, match=words):
            inspect_classifier(tmp_path / name)


def made_by(module: str, name: str, **state: Any) -> bytes:
    """Return the pickle of an object of a class that is not installed."""
    data = pickle.dumps(state, 2)[2:-1]
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + b")\x81" + data + b"b."


OTHERS: dict[str, tuple[bytes, str]] = {
    "export.pkl": (made_by("fastai.learner", "Learner", model=1), r"load_learner\('export.pkl'\)"),
    "best.pt": (
        b"\x80\x02}U\x05model" + made_by("ultralytics.nn.tasks", "ClassificationModel", yaml=1)[2:-1] + b"s.",
        "yolo export model=best.pt format=onnx",
    ),
    "forest.pkl": (made_by("sklearn.ensemble._forest", "RandomForestClassifier", n=1), "scikit-learn.*not pictures"),
    "forest.joblib": (zlib.compress(made_by("sklearn.svm", "SVC", n=1)), "scikit-learn"),
    "boosted.pkl": (made_by("xgboost.sklearn", "XGBClassifier", n=1), "XGBoost.*not pictures"),
    "boosted.json": (b'{"learner":{"attributes":{}}}', "XGBoost"),
    "boosted.ubj": (b"{L\0\0\0\0\0\0\0\x07learner{", "XGBoost"),
    "net.mlmodel": (b"\x08\x05\x12\x1a\x0a\x18\x0a\x05image", "Core ML"),
    "onnx.pt": (b"\x08\x07\x12\x07pytorch\x1a\x05", "ends in .onnx"),
    "openvino.xml": (b'<?xml version="1.0"?>\n<net name="m" version="11">', "OpenVINO"),
    "it's.h5": (b"\x89HDF\r\n\x1a\n....", r"tf2onnx.convert --keras 'it'\"'\"'s.h5' --output"),
    "renamed.pt": (b"\x1c\0\0\0TFL3....", "tf2onnx.convert --tflite renamed.pt --output"),
    "model.json": (b'{"format": "layers-model", "generatedBy": "keras"}', "tf2onnx.convert --tfjs model.json"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_another_program_reads_is_told_by_its_content_with_its_command(tmp_path: Path, name: str) -> None:
    data, words = OTHERS[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=words):
        inspect_classifier(tmp_path / name)


@pytest.mark.parametrize(("name", "words"), [
    ("saved_model.pb", "tf2onnx.convert --saved-model model --output"), ("flax_model.msgpack", "from_flax=True"),
    ("tf_model.h5", "from_tf=True"), ("openvino_model.xml", "OpenVINO"), ("Manifest.json", "Core ML"),
    ("adapter_config.json", "merge_and_unload"),
])  # fmt: skip
def test_folders_of_other_programs_say_their_command(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / name).write_bytes(b"x")
    with pytest.raises(UserError, match=words):
        inspect_classifier(tmp_path / "model")


def test_folders_that_are_refused_are_known_by_name(tmp_path: Path) -> None:
    """A folder that is dropped gets the sentence of the command line, and a folder of pictures is none."""
    assert {name for name, _ in formats._FOLDERS} == set(OTHER_FOLDERS)
    for name in OTHER_FOLDERS:
        folder = tmp_path / (f"{name}.mlpackage" if name == "Manifest.json" else name)
        folder.mkdir()
        (folder / name).write_bytes(b"x")
        assert is_model_file(folder)
        with pytest.raises(UserError) as refused:
            inspect_classifier(folder)
        assert run_job(ImportSession(folder).inspect()).problem == str(refused.value)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "Manifest.json").write_bytes(b"{}")
    assert not is_model_file(tmp_path / "pictures")


def test_a_hostile_checkpoint_runs_nothing(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    content = {"state_dict": Hostile(), "model": {"a": Hostile()}}
    (tmp_path / "x.pth").write_bytes(pickle.dumps(content))
    with pytest.raises(UserError):
        inspect_classifier(tmp_path / "x.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(("outputs", "kept"), [(3, True), (2, False), (1, False)])
def test_names_that_do_not_fit_a_program_are_left_out_with_a_note(monkeypatch, tmp_path, outputs, kept):
    """They were left out without a word, unlike those of other files."""
    program = Program("TorchScript", "0" * 64, 1, outputs)
    model = ProgramModel(tmp_path / "x.pt", program, b"", 3, 32, any_size=True, notes=("Tried.",))
    monkeypatch.setattr(file, "try_program", lambda *_args: model)
    about = FolderMetadata(tmp_path / "x.pt", ("a", "b", "c"))
    found = file._inspect_program(about, "TorchScript")
    assert found.class_names == (("a", "b", "c") if kept else ())
    assert [note for note in found.notes if "names left out" in note] == (
        [] if kept else [f"The file names 3 classes, and the network has {outputs} outputs: names left out."]
    )
