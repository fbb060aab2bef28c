# SPDX-License-Identifier: MIT
"""Programs of torch, and files that are recognised but not read: what they are, and how to export what is read.

They are told by their content, whatever they are called. `{file}` in a text stands for the name of the file as a shell
takes it, `{python}` for it as Python does: a name may hold quotes.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.guarded_files import open_regular
from latent_explorer.common.guarded_zip import GuardedZip
from latent_explorer.models.importers.exported_program import MAX_MEMBERS
from latent_explorer.models.importers.pickle_values import Record

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.models.programs.program import ProgramKind

_CHOOSE = "Choose the ONNX file."
# The converter reads Keras 2, which TensorFlow has had up to 2.15.
_TF2ONNX = "pip install tf2onnx 'tensorflow<2.16', then python -m tf2onnx.convert"
_KERAS = (
    "Export it to ONNX with Keras 3 in Python: import keras; keras.saving.load_model({python}).export('model.onnx', "
    f"format='onnx'). {_CHOOSE}"
)
_H5 = f"Export it to ONNX: {_TF2ONNX} --keras {{file}} --output model.onnx. {_CHOOSE}"
_OPENVINO = "an OpenVINO model, which is not turned back. Choose the ONNX file or checkpoint that it was made of."
_CORE_ML = (
    "a Core ML model, which is not turned back. Export the model that it was made of to ONNX and choose that file."
)
_FASTAI = (
    "a learner of fastai. Export it to ONNX in Python: import torch; from fastai.learner import load_learner; "
    "torch.onnx.export(load_learner({python}).model.eval(), (torch.zeros(1, 3, 224, 224),), 'model.onnx', "
    f"dynamo=False, input_names=['x'], dynamic_axes={{'x': {{0: 'n'}}}}). {_CHOOSE}"
)
_NO_PICTURES = "which is given numbers of a table, not pictures. Only classifiers of pictures can be explained here."
_SKLEARN = f"a model of scikit-learn, {_NO_PICTURES}"
_XGBOOST = f"a model of XGBoost, {_NO_PICTURES}"

_HEADS: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), text)
    for pattern, text in (
        (rb"\x89HDF\r\n\x1a\n", f"a Keras model in HDF5. {_H5}"),
        (rb".{4}TFL3", f"a TensorFlow Lite model. Export it to ONNX: {_TF2ONNX} --tflite {{file}} --output model.onnx. "
                       f"{_CHOOSE}"),
        (rb"\x08[\x01-\x0f]\x12.{1,2}\x0a", _CORE_ML),
        (rb"\x08[\x01-\x0f]\x12[\x01-\x40][ -~]{3}", "an ONNX model. Give it a name that ends in .onnx."),
        (rb"GGUF", "a GGUF language model, no picture classifier."),
        (rb"\s*(<\?xml[^>]*>\s*)?<net\s[^>]*\bversion=", _OPENVINO),
        (rb"\s*\{\s*\"learner\"\s*:|\{L.{8}learner|binf", _XGBOOST),
        (rb"\x78[\x01\x5e\x9c\xda]", f"compressed with zlib, as joblib writes {_SKLEARN.removeprefix('a ')}"),
        (rb"\s*\{\s*\"(format|modelTopology)\"\s*:.{0,80}?(layers-model|graph-model|class_name)",
         f"the description of a TensorFlow.js model. Export it to ONNX: {_TF2ONNX} --tfjs {{file}} --output "
         f"model.onnx. {_CHOOSE}"),
    )
)  # fmt: skip
_MEMBERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("keras_model.h5", "labels.txt"), "a Teachable Machine export. Unpack it, then export the model in it to ONNX: "
     f"{_TF2ONNX} --keras keras_model.h5 --output model.onnx. {_CHOOSE}"),
    (("model.tflite",), "a Teachable Machine export for TensorFlow Lite. Unpack it, then export the model to ONNX: "
     f"{_TF2ONNX} --tflite model.tflite --output model.onnx. {_CHOOSE}"),
    (("metadata.json", "config.json", "model.weights.h5"), f"a Keras model. {_KERAS}"),
    (("saved_model.pb",), "a TensorFlow SavedModel. Unpack it, then export it to ONNX: "
     f"{_TF2ONNX} --saved-model FOLDER --output model.onnx. {_CHOOSE}"),
    (("model.json", "weights.bin"), "a Teachable Machine or TensorFlow.js export. Unpack it, then export it to ONNX: "
     f"{_TF2ONNX} --tfjs model.json --output model.onnx. {_CHOOSE}"),
    (("com.apple.CoreML", "Manifest.json"), _CORE_ML),
)  # fmt: skip
# By a file in the folder.
_FOLDERS: tuple[tuple[str, str], ...] = (
    ("saved_model.pb", f"a TensorFlow SavedModel. Export it to ONNX: {_TF2ONNX} --saved-model {{file}} --output "
     f"model.onnx. {_CHOOSE}"),
    ("Manifest.json", _CORE_ML),
    ("openvino_model.xml", _OPENVINO),
    ("flax_model.msgpack", "a model of Flax. Convert it with transformers 4 in Python: from transformers import "
     "AutoModelForImageClassification; AutoModelForImageClassification.from_pretrained({python}, from_flax=True)"
     ".save_pretrained('converted'). Choose that folder."),
    ("tf_model.h5", "a model of TensorFlow. Convert it with transformers 4 in Python: from transformers import "
     "AutoModelForImageClassification; AutoModelForImageClassification.from_pretrained({python}, from_tf=True)"
     ".save_pretrained('converted'). Choose that folder."),
    ("adapter_config.json", "an adapter (PEFT) without its model. Put them together and choose that folder: "
     "model.merge_and_unload().save_pretrained('merged')."),
)  # fmt: skip
# By the package of a class in a pickle.
_PACKAGES: dict[str, str] = {
    "fastai": _FASTAI,
    "ultralytics": f"a model of ultralytics. Export it to ONNX: yolo export model={{file}} format=onnx. {_CHOOSE}",
    "sklearn": _SKLEARN,
    "joblib": _SKLEARN,
    "xgboost": _XGBOOST,
}
_PROGRAMS: tuple[tuple[tuple[str, ...], ProgramKind], ...] = (
    (("serialized_exported_program.json",), "torch.export"),
    (("archive_format", "model.json"), "torch.export"),
    (("data.pkl", "constants.pkl"), "TorchScript"),
)


def program_kind(path: Path) -> ProgramKind | None:
    """Return what kind of program a file is, None for any other file that may be read.

    Raises UserError, with the way out, for a file of a kind that is known but not read.
    """
    try:
        with open_regular(path) as file:
            head = file.read(512)
        members = set()
        if head.startswith(b"PK"):
            with GuardedZip(path, MAX_MEMBERS) as archive:
                members = {name.rpartition("/")[2] for name in archive.names}
                members |= {part for name in archive.names if "com.apple" in name for part in name.split("/")}
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}. Check the path.") from error
    except (DamagedData, OSError) as error:
        raise unreadable(path, "checkpoint", error) from error
    if not head:
        raise unreadable(path, "checkpoint", "", empty=True)
    for pattern, text in _HEADS:
        if pattern.match(head):
            raise _refused(path, text)
    for wanted, text in _MEMBERS:
        if members.issuperset(wanted):
            raise _refused(path, text)
    return next((kind for wanted, kind in _PROGRAMS if members.issuperset(wanted)), None)


def refuse_folder(path: Path) -> None:
    """Raise UserError, with the way out, for a folder of a kind that is known but not read."""
    for name, text in _FOLDERS:
        if (path / name).exists():
            raise _refused(path, text)


def refuse_content(path: Path, content: Any) -> None:
    """Raise UserError, with the way out, for the content of a pickle whose program stores more than tensors."""
    values = (content, *content.values()) if isinstance(content, dict) else (content,)
    for value in values:
        maker = value.maker.module.partition(".")[0] if isinstance(value, Record) else ""
        if maker in _PACKAGES:
            raise _refused(path, _PACKAGES[maker])


def _refused(path: Path, text: str) -> UserError:
    text = text.replace("{file}", shlex.quote(path.name)).replace("{python}", repr(path.name))
    return UserError(f"{path} is {text}")
