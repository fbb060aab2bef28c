# SPDX-License-Identifier: MIT
"""Tensors of transformers' image classifiers, renamed to those of a library's network that computes the same."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.models.importers.classifiers.config_values import ConfigValues
from latent_explorer.models.importers.classifiers.families import FAMILIES, READ, Family, Network
from latent_explorer.models.importers.classifiers.recognise import Match, match
from latent_explorer.models.importers.state_dicts import shape_of
from latent_explorer.models.library_networks import INSTALL_TIMM, has_timm, network_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from latent_explorer.models.importers.pickle_values import StoredTensor
    from latent_explorer.models.importers.state_dicts import Tensors

# Tables that are computed, and parts that other tasks than classification use.
_UNUSED = re.compile(r".*(relative_position_index|pooler\.dense\.\w+|mask_token|position_ids|num_batches_tracked)")
_NAMES = re.compile(
    r"(vit|deit|beit|swin|convnext|convnextv2|resnet|regnet|mobilenet_v2|efficientnet)"
    r"\.(encoder|embeddings|embedder|conv_stem|layer)\..*"
)
_ENDS = re.compile(r"(.*)#([0-9])")


class Joined(NamedTuple):
    """Tensors of a file that a network holds as one: put one below another, in another shape."""

    parts: tuple[StoredTensor | np.ndarray, ...]
    shape: tuple[int, ...]

    def read(self, read: Callable[[StoredTensor | np.ndarray], np.ndarray]) -> np.ndarray:
        return np.concatenate([read(part) for part in self.parts]).reshape(self.shape)


def is_transformers(config: Mapping[str, Any]) -> bool:
    """Return True for a config.json of transformers, whatever its model is for."""
    return isinstance(config.get("model_type"), str) and "architecture" not in config


def has_transformers_names(tensors: Tensors) -> bool:
    """Return True for the state dict of a family that is read, but only with its config.json."""
    return any(_NAMES.fullmatch(name) for name in tensors)


def transformers_matches(config: Mapping[str, Any], tensors: Tensors, folder: Path) -> list[Match]:
    """Return how the library's network for a config.json fits its tensors. Raises UserError if there is none."""
    network = network_of(config, folder)
    shapes = {name: tuple(tensor.shape) for name, tensor in renamed(config, tensors).items()}
    options = tuple(sorted(network.options.items()))
    found = []
    for architecture in _candidates(network.architecture):
        each = match(architecture, shapes, options, network.input_size)
        if each is not None and each.fits:
            return [each]
        found += [each] if each is not None else []
    return sorted(found, key=lambda each: -each.share)[:3]


def cautions(config: Mapping[str, Any], input_size: int) -> list[str]:
    """Return what a config.json says that the outputs or their meaning depend on, a sentence each."""
    found = []
    if config.get("problem_type") == "multi_label_classification":
        found.append("It was trained with several labels for a picture: choose the one to read with --output.")
    family = _family(config)
    if family and family.caution and (text := family.caution(ConfigValues(config), input_size)):
        found.append(text)
    return found


def network_of(config: Mapping[str, Any], folder: Path) -> Network:
    """Return the library's network for a config.json. Raises UserError, with the way out, if there is none."""
    family, name = _family(config), _name(config)
    if family is None and not name.endswith("ForImageClassification"):
        raise UserError(f"{folder} holds {name or 'a model'} of transformers, which is no image classifier.")
    try:
        if family is None:
            raise UserError(f"those read are {READ}")
        if config.get("problem_type") == "regression":
            raise UserError("it was trained to predict numbers, not classes")
        network = family.network(ConfigValues(config))
    except UserError as error:
        raise UserError(
            f"{folder} holds {name} of transformers, which cannot be rebuilt here: {error}. Export it to ONNX and "
            f"choose that file: pip install 'optimum[onnxruntime]', then optimum-cli export onnx --task "
            f"image-classification --model {folder} exported."
        ) from error
    if network.architecture.startswith("timm:") and not has_timm():
        raise UserError(f"{folder} holds {name} of transformers, which timm's network can carry. {INSTALL_TIMM}")
    return network


def renamed(config: Mapping[str, Any], tensors: Tensors) -> dict[str, StoredTensor | np.ndarray | Joined]:
    """Return a file's tensors under the library's names; a name that no pattern fits stays."""
    family = _family(config)
    assert family is not None
    settings = ConfigValues(config)
    found: dict[str, StoredTensor | np.ndarray | Joined] = {}
    parts: dict[str, dict[str, StoredTensor | np.ndarray]] = {}
    for name, tensor in tensors.items():
        if _UNUSED.fullmatch(name):
            continue
        new = _new_name(name, family, settings)
        if end := _ENDS.fullmatch(new):
            parts.setdefault(end[1], {})[end[2]] = tensor
        elif re.search(r"\.grn\.\w+$", new):  # transformers keeps three dimensions of one
            found[new] = Joined((tensor,), (math.prod(shape_of(tensor)),))
        else:
            found[new] = tensor
    for new, each in parts.items():
        ordered = tuple(tensor for _, tensor in sorted(each.items()))
        shapes = [shape_of(tensor) for tensor in ordered]
        if all(shapes) and len({shape[1:] for shape in shapes}) == 1:
            found[new] = Joined(ordered, (sum(shape[0] for shape in shapes), *shapes[0][1:]))
    return found


def _candidates(architecture: str) -> list[str]:
    """Return the networks of a name that may end with "*"."""
    if not architecture.endswith("*"):
        return [architecture]
    return [name for name in network_names() if name.startswith(architecture[:-1])]


def _family(config: Mapping[str, Any]) -> Family | None:
    return FAMILIES.get(_name(config))


def _name(config: Mapping[str, Any]) -> str:
    """Return the class that a config.json names, such as "ViTForImageClassification"."""
    names = config.get("architectures")
    return next((name[:100] for name in names if isinstance(name, str)), "") if isinstance(names, list) else ""


def _new_name(name: str, family: Family, settings: ConfigValues) -> str:
    for source, target in family.names:
        if found := _pattern(source).fullmatch(name):
            values = found.groupdict()
            if family.block and "i" in values:
                values |= family.block(settings, int(values["i"]))
            return _filled(target, values)
    return name


def _filled(target: str, values: Mapping[str, str]) -> str:
    def value(field: re.Match[str]) -> str:
        return str(int(values[field[1]]) + 1) if field[2] else values[field[1]]

    return re.sub(r"\{(\w+)(\+1)?\}", value, target)


@cache
def _pattern(source: str) -> re.Pattern[str]:
    """Return the expression of a pattern such as "vit.encoder.layer.{i}.output.dense.{p}"."""
    text = re.escape(source).replace(r"\{p\}", "(?P<p>weight|bias|running_mean|running_var)")
    return re.compile(re.sub(r"\\\{(\w)\\\}", r"(?P<\1>[0-9]{1,4})", text))
