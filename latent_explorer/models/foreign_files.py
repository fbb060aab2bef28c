# SPDX-License-Identifier: MIT
"""Names of files and folders in which classifiers and generators of other programs come. Nothing is read here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OWN_CLASSIFIER = ".classifier"
SUFFIXES = (
    ".pt", ".pth", ".ckpt", ".bin", ".tar", ".safetensors", ".pkl", ".onnx", ".h5", ".keras", ".tflite", ".pt2",
    ".joblib", ".ubj", ".mlmodel",
)  # fmt: skip
WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model.pt", "model.pth", "model.onnx")  # of a Hugging Face folder
# The StylEx that Google released: SavedModels, each a folder or a zip of it, and what was computed with them.
STYLEX_PARTS = ("generator", "encoder", "discriminator", "mobilenet")
STYLEX_LATENTS, STYLEX_EFFECTS = "dlatents.pkl", "examples_1.tfrecord"
SAVED_MODEL, ZIP = ".savedmodel", ".zip"
# Files by which folders of other kinds are told, which are refused with the command that exports what is read.
OTHER_FOLDERS = (
    "saved_model.pb", "Manifest.json", "openvino_model.xml", "flax_model.msgpack", "tf_model.h5", "adapter_config.json",
)  # fmt: skip
INDEX_SUFFIX = ".index.json"  # of a file that names those over which the weights are spread


def is_model_file(path: Path) -> bool:
    """Return True for a checkpoint by its name, for a .classifier, and for what holds a model: a folder, a zip."""
    if stylex_folder(path) is not None:
        return True
    if path.is_dir():
        if _is_other_folder(path):
            return True
        names = [*WEIGHTS, *(f"{name}{INDEX_SUFFIX}" for name in WEIGHTS)]
        return (path / "config.json").is_file() and any((path / name).is_file() for name in names)
    return path.suffix.lower() in (*SUFFIXES, OWN_CLASSIFIER)


def _is_other_folder(path: Path) -> bool:
    """Return True for a folder with a model of a kind that is refused."""
    found = [name for name in OTHER_FOLDERS if (path / name).is_file()]
    if found == ["Manifest.json"]:  # of Core ML, or of anything
        return path.suffix.lower() == ".mlpackage" or (path / "Data" / "com.apple.CoreML").is_dir()
    return bool(found)


def whole_model(path: Path) -> Path:
    """Return the folder of a file of weights or of a part of a StylEx, which says more; else the path itself."""
    if (folder := stylex_folder(path)) is not None:
        return folder
    described = path.name.removesuffix(INDEX_SUFFIX) in WEIGHTS and (path.parent / "config.json").is_file()
    return path.parent if described else path


def stylex_folder(path: Path) -> Path | None:
    """Return the folder of Google's StylEx for the folder itself or one of its SavedModels; None for other paths."""
    names = [f"{part}{SAVED_MODEL}" for part in STYLEX_PARTS]
    folder = path.parent if path.name.removesuffix(ZIP) in names else path
    generator = folder / names[0]
    found = generator.is_dir() or generator.with_name(generator.name + ZIP).is_file()
    return folder if found else None


def file_pattern(*others: str) -> str:
    """Return the patterns of a file dialog for checkpoints and classifiers, after those of `others`."""
    return " ".join(f"*{suffix}" for suffix in (*others, OWN_CLASSIFIER, *SUFFIXES))
