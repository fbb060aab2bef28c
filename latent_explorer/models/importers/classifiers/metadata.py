# SPDX-License-Identifier: MIT
"""Words that stand beside a classifier's tensors: class names, the network's name, and its preprocessing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.models.foreign_files import INDEX_SUFFIX, WEIGHTS
from latent_explorer.models.importers.classifiers.formats import refuse_folder
from latent_explorer.models.importers.classifiers.hugging_face import is_transformers
from latent_explorer.models.importers.pickle_values import Record
from latent_explorer.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_JSON_BYTES = 16 << 20
MAX_JSON_VALUES = 120_000  # ImageNet-21k takes 44,000
_INDICES = tuple(f"{name}{INDEX_SUFFIX}" for name in WEIGHTS[:2])  # of weights in several files
_NAMES = (
    "class_names",
    "classes",
    "class_to_idx",
    "idx_to_class",
    "id2label",
    "label2id",
    "label_names",
    "labels",
    "names",
)
_ARCHITECTURE = ("arch", "architecture", "model_name", "backbone", "model", "encoder_name", "net")
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_PLACEHOLDER = re.compile(r"LABEL_[0-9]+")  # of transformers, for classes without names
# Pillow's numbers of interpolations: as ours, and what is taken for the others.
_RESAMPLING = {0: ("bilinear", "nearest"), 1: ("bicubic", "Lanczos"), 2: ("bilinear", ""), 3: ("bicubic", ""),
               4: ("bilinear", "box"), 5: ("bicubic", "Hamming")}  # fmt: skip
_CONVNEXT_WARPS = 384  # px: from this size on transformers' ConvNext processor does not crop


@dataclass(frozen=True)
class FolderMetadata:
    """The file of tensors, and what a Hugging Face folder says beside it; for a single file nothing."""

    weights: Path
    class_names: tuple[str, ...] = ()
    network_names: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
    preprocessing_from: str = ""
    config: dict[str, Any] = field(default_factory=dict)  # of transformers; {} for anything else


def folder_metadata(path: Path) -> FolderMetadata:
    """Return what a folder says of its classifier. Raises UserError for other folders.

    A file stands for itself, but the weights of a Hugging Face folder stand for the folder.
    """
    if not path.is_dir():
        if path.name not in (*WEIGHTS, *_INDICES, "config.json") or not (path.parent / "config.json").is_file():
            return FolderMetadata(path)
        path = path.parent
    weights = next((path / name for name in (*WEIGHTS, *_INDICES) if (path / name).is_file()), None)
    if weights is None:
        refuse_folder(path)
        raise UserError(
            f"{path} holds no {' or '.join(WEIGHTS[:2])}. Choose a Hugging Face folder or a checkpoint file."
        )
    config = _read_json(path / "config.json")
    processor = _read_json(path / "preprocessor_config.json")
    given = config.get("pretrained_cfg")
    pretrained: dict[str, Any] = given if isinstance(given, dict) else {}
    preprocessing, source = None, ""
    if processor:
        preprocessing, caution = _from_processor(processor)
        source = f"preprocessor_config.json{caution}"
    elif pretrained or "mean" in config:
        preprocessing, source = _from_timm({**config, **pretrained}), "config.json"
    names = class_names_in(config) or class_names_in(pretrained)
    hint = config.get("architecture")
    if all(map(_PLACEHOLDER.fullmatch, names)):
        names = ()
    hints = (hint,) if isinstance(hint, str) else ()
    about = config if is_transformers(config) else {}
    return FolderMetadata(weights, names, hints, preprocessing, source, about)


def imagenet_preprocessing(size: int) -> Preprocessing:
    """Return the preprocessing that most classifiers are trained with."""
    return Preprocessing(size, *_IMAGENET, crop=0.875)


def library_preprocessing(architecture: str) -> Preprocessing:
    """Return the preprocessing that the library's own weights of a network were trained with."""
    library, _, name = architecture.partition(":")
    if library == "timm":
        import timm

        found = timm.get_pretrained_cfg(name)
        return _from_timm(found.to_dict()) if found is not None else Preprocessing(224, *_IMAGENET)
    from torchvision import models

    weights = models.get_model_weights(name)
    transforms = weights.DEFAULT.transforms()
    crop, resize = transforms.crop_size[0], transforms.resize_size[0]
    # A ViT's builder makes one for 224 px, also where the library's best weights are for larger pictures (ViT-H/14).
    size = 224 if name.startswith("vit_") else crop
    return Preprocessing(
        size,
        tuple(transforms.mean),
        tuple(transforms.std),
        crop=round(min(1.0, crop / resize), 4),
        interpolation="bicubic" if transforms.interpolation.value == "bicubic" else "bilinear",
    )


def class_names_in(content: Any) -> tuple[str, ...]:
    """Return the class names among a file's values, in the order of the outputs; () if there are none."""
    tried: set[int] = set()  # a pickle can hold one long list in many places
    for key, value in _entries(content):
        if key in _NAMES and id(value) not in tried:
            if names := _as_names(value):
                return names
            tried.add(id(value))
    return ()


def network_names_in(content: Any) -> tuple[str, ...]:
    """Return the texts among a file's values that may name its network."""
    return tuple(v for key, v in _entries(content) if key in _ARCHITECTURE and isinstance(v, str) and len(v) < 100)


def _entries(content: Any, seen: set[int] | None = None, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the named values of a checkpoint and of the settings in it, three levels deep; no tensors' names."""
    entries = content.attributes() if isinstance(content, Record) else content
    seen = set() if seen is None else seen
    if not isinstance(entries, dict) or depth > 2 or len(entries) > 1000 or id(entries) in seen:
        return
    seen.add(id(entries))
    for key, value in entries.items():
        if isinstance(key, str):
            yield key, value
    for key, value in entries.items():
        if isinstance(key, str) and isinstance(value, (dict, Record)) and key not in _NAMES:
            yield from _entries(value, seen, depth + 1)


def _as_names(value: Any) -> tuple[str, ...]:
    """Return class names from a list, {"cat": 0}, {0: "cat"} or {"0": "cat"}."""
    value = value.attributes() if isinstance(value, Record) else value
    if isinstance(value, dict) and value:
        pairs = list(value.items())
        if all(isinstance(v, int) for _, v in pairs):
            pairs = [(v, k) for k, v in pairs]
        numbered = {int(k): v for k, v in pairs if isinstance(k, int) or _is_number(k)}
        if sorted(numbered) != list(range(len(pairs))):
            return ()
        value = [numbered[index] for index in range(len(pairs))]
    if not isinstance(value, (list, tuple)) or len(value) < 2:
        return ()
    return tuple(value) if all(isinstance(v, str) and v and len(v) <= 1000 for v in value) else ()


def _is_number(text: Any) -> bool:
    return isinstance(text, str) and len(text) <= 6 and text.isdecimal()


def _from_timm(config: dict[str, Any]) -> Preprocessing:
    size = config.get("input_size")
    side = size[-1] if isinstance(size, (list, tuple)) and size else 224
    return _checked(
        side,
        config.get("mean"),
        config.get("std"),
        config.get("crop_pct", 1.0),
        config.get("interpolation") == "bicubic",
    )


def _from_processor(config: dict[str, Any]) -> tuple[Preprocessing, str]:
    """Read transformers' preprocessor_config.json: the preprocessing, and what in it is not quite the file's."""
    size, cut = _side(config.get("size")), _side(config.get("crop_size"))
    side = cut if config.get("do_center_crop") and cut else size
    kept: Any = side / size if side and size else 1.0
    kind = str(config.get("image_processor_type") or config.get("feature_extractor_type") or "")
    if kind.startswith("ConvNext"):  # of ConvNeXT and ResNet: `size` is what is left after cropping
        kept = config.get("crop_pct") or 0.875 if size < _CONVNEXT_WARPS else 1.0
    normal = config.get("do_normalize", True)
    pre = _checked(
        side or 224,
        config.get("image_mean") if normal else (0.0, 0.0, 0.0),
        config.get("image_std") if normal else (1.0, 1.0, 1.0),
        kept,
        False,
    )
    number = config.get("resample", 2)
    interpolation, other = _RESAMPLING.get(number if type(number) is int else -1, ("bilinear", "another"))
    caution = f", with {interpolation} for its {other} interpolation" if other else ""
    pre = msgspec.structs.replace(pre, interpolation=interpolation)
    return _with_range(pre, config, twice=normal and kind.startswith("EfficientNet")), caution


def _with_range(pre: Preprocessing, config: dict[str, Any], twice: bool) -> Preprocessing:
    """Return the preprocessing with the range that a processor brings pixels into: v * scale - offset, v in [0, 1].

    `twice`: EfficientNet's processor divides by the deviation once more (`include_top`).
    """
    factor = config.get("rescale_factor", 1 / 255)
    factor = factor if type(factor) in (int, float) and 1e-6 < factor <= 1 else 1 / 255
    scale = 255.0 * factor if config.get("do_rescale", True) else 255.0
    offset = 1.0 if config.get("rescale_offset") and config.get("do_rescale", True) else 0.0
    again = pre.std if twice and config.get("include_top", True) else (1.0, 1.0, 1.0)
    if abs(scale - 1) < 1e-6 and not offset and again == (1.0, 1.0, 1.0):
        return pre
    r, g, b = ((offset + mean) / scale for mean in pre.mean)
    mean = (r, g, b)
    r, g, b = (std * more / scale for std, more in zip(pre.std, again, strict=True))
    return msgspec.structs.replace(pre, mean=mean, std=(r, g, b))


def _side(value: Any) -> int:
    if isinstance(value, dict):
        value = next((value[k] for k in ("height", "shortest_edge", "width") if k in value), 0)
    return value if type(value) is int and 0 < value <= 1 << 16 else 0


def _checked(side: Any, mean: Any, std: Any, crop: Any, bicubic: bool) -> Preprocessing:
    """Return the preprocessing with the usual value for whatever is missing or no number."""
    mean, std = (
        tuple(map(float, given * 3 if len(given) == 1 else given))
        if isinstance(given, (list, tuple))
        and len(given) in (1, 3)
        and all(isinstance(v, (int, float)) and least <= v < 1e6 for v in given)
        else usual
        for given, usual, least in ((mean, _IMAGENET[0], -1e6), (std, _IMAGENET[1], 1e-6))
    )
    side = side if isinstance(side, int) and 8 <= side <= 2048 else 224
    crop = float(crop) if isinstance(crop, (int, float)) and 0.1 <= crop <= 1 else 1.0
    return Preprocessing(side, mean, std, crop, "bicubic" if bicubic else "bilinear")


def _read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object, {} if there is no such file. Raises UserError if it cannot be read."""
    if not path.is_file():
        return {}
    try:
        return guarded_json.read(path, dict[str, Any], max_bytes=MAX_JSON_BYTES, max_values=MAX_JSON_VALUES)
    except (DamagedData, OSError) as error:
        raise unreadable(path, "model's description", error, suffix=".json") from error
