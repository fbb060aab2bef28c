# SPDX-License-Identifier: MIT
"""Find the state dicts in a checkpoint: tensors by name, out of training checkpoints, wrappers and pickled modules."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from latent_explorer.common.errors import DamagedData
from latent_explorer.models.importers.pickle_values import Record, StoredTensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Tensors = dict[str, StoredTensor | np.ndarray]

MAX_DEPTH = 64  # dictionaries within dictionaries
MAX_TENSORS = 50_000
MAX_NAME = 1000  # characters; what has a longer one is not looked at
MAX_CHARACTERS = 10_000_000  # of all names together: each holds those of what it stands in
# Averaged weights are what a training's author evaluates, so they come first.
_AVERAGED = ("state_dict_ema", "model_ema", "ema_state_dict", "ema", "g_ema", "G_ema")
_NO_NETWORK = ("optim", "scheduler", "scaler", "callbacks", "loops", "rng")
# Names that wrappers put before a network's own.
WRAPPERS = ("module", "model", "_model", "net", "network", "backbone", "_orig_mod", "base_model", "classifier_model")


_NVIDIA = "_reconstruct_persistent_obj"


class StateDict(NamedTuple):
    """Tensors by name, and where they were in the file: "state_dict_ema", or "" for the file itself."""

    place: str
    tensors: Tensors


def find_state_dicts(content: Any) -> list[StateDict]:
    """Return the state dicts in a checkpoint's content, the most likely one first: averaged weights, then the largest.

    Raises DamagedData if modules or dictionaries are nested too deeply, or there are too many tensors.
    """
    found = list(_walk(content, "", _Names(), set(), 0))
    return sorted(found, key=lambda each: (-_rank(each.place), -len(each.tensors)))


def _rank(place: str) -> int:
    return int(any(part in _AVERAGED for part in place.split(".")))


class _Names:
    """Makes names of nested things, so many characters in all. Raises DamagedData for more."""

    def __init__(self) -> None:
        self._left = MAX_CHARACTERS

    def joined(self, *parts: str) -> str:
        self._left -= sum(map(len, parts))
        if self._left < 0:
            raise DamagedData("its names are too long")
        return ".".join(parts).lstrip(".")


def _walk(value: Any, place: str, names: _Names, seen: set[int], depth: int) -> Iterator[StateDict]:
    entries = value.attributes() if isinstance(value, Record) else value
    if not isinstance(entries, dict) or id(entries) in seen:
        return
    seen.add(id(entries))  # of many objects with one state the first is enough
    if depth > MAX_DEPTH:
        raise DamagedData(f"its values are nested more than {MAX_DEPTH} deep")
    if is_script_module(value):
        if weights := flatten_script_module(value):
            yield StateDict(place, weights)
        return
    if is_module(value):
        yield StateDict(place, flatten_module(value))
        return
    named = {key: each for key, each in entries.items() if isinstance(key, str) and len(key) <= MAX_NAME}
    tensors = {key: each for key, each in named.items() if isinstance(each, (StoredTensor, np.ndarray))}
    if len(tensors) > MAX_TENSORS:
        raise DamagedData(f"it has more than {MAX_TENSORS:,} tensors")
    if tensors:
        yield StateDict(place, tensors)
    for key, each in named.items():
        if isinstance(each, (dict, Record)) and not any(word in key.lower() for word in _NO_NETWORK):
            yield from _walk(each, names.joined(place, key), names, seen, depth + 1)


def is_module(value: Any) -> bool:
    """Return True for the record of a torch.nn.Module, whatever its class."""
    return isinstance(value, Record) and {"_parameters", "_modules"} <= module_attributes(value).keys()


def module_attributes(module: Record) -> dict[Any, Any]:
    """Return the attributes of a pickled module; NVIDIA's pickles hold them beside the class's source text."""
    if module.maker.name == _NVIDIA and module.args:
        meta = module.args[0]
        meta = meta.attributes() if isinstance(meta, Record) else meta
        state = meta.get("state") if isinstance(meta, dict) else None
        return state if isinstance(state, dict) else {}
    return module.attributes()


def flatten_module(module: Record) -> Tensors:
    """Return the state dict of a pickled module.

    Raises DamagedData for too many modules and tensors, or too long names; a module that stands in many places counts
    as often.
    """
    tensors: Tensors = {}
    todo, names, left = [("", module)], _Names(), MAX_TENSORS
    for prefix, each in todo:  # grows on the way
        groups = [_entries(each, group) for group in ("_parameters", "_buffers", "_modules")]
        left -= 1 + sum(map(len, groups))
        if left < 0:
            raise DamagedData(f"it has more than {MAX_TENSORS:,} modules and tensors")
        for name, value in (*groups[0].items(), *groups[1].items()):
            if isinstance(value, (StoredTensor, np.ndarray)):
                tensors[names.joined(prefix, str(name))] = value
        todo += [(names.joined(prefix, str(name)), child) for name, child in groups[2].items() if is_module(child)]
    return tensors


def is_script_module(value: Any) -> bool:
    """Return True for the record of a TorchScript module, whose attributes are tensors, modules and settings."""
    return isinstance(value, Record) and value.maker.module.partition(".")[0] == "__torch__"


def flatten_script_module(module: Record) -> Tensors:
    """Return the state dict of a TorchScript module.

    Raises DamagedData for too many modules and tensors, or too long names; a module that stands in many places counts
    as often.
    """
    tensors: Tensors = {}
    todo, names, left = [("", module)], _Names(), MAX_TENSORS
    for prefix, each in todo:  # grows on the way
        attributes = each.attributes()
        left -= 1 + len(attributes)
        if left < 0:
            raise DamagedData(f"it has more than {MAX_TENSORS:,} modules and tensors")
        for name, value in attributes.items():
            if isinstance(value, (StoredTensor, np.ndarray)):
                tensors[names.joined(prefix, str(name))] = value
            elif is_script_module(value):
                todo.append((names.joined(prefix, str(name)), value))
    return tensors


def _entries(module: Record, group: str) -> dict[Any, Any]:
    entries = module_attributes(module).get(group)
    entries = entries.attributes() if isinstance(entries, Record) else entries
    return entries if isinstance(entries, dict) else {}


def shape_of(tensor: StoredTensor | np.ndarray) -> tuple[int, ...]:
    """Return the shape of a tensor without reading it."""
    return tuple(tensor.shape)


def without_wrappers(tensors: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the tensors without the names that wrappers put before them, and those names: "module.model."

    What stands beside the wrapped network, such as a loss's own weights, keeps its name.
    """
    names = dict(tensors)
    removed = ""
    for _ in range(MAX_DEPTH):
        first = Counter(name.partition(".")[0] for name in names if "." in name)
        most, count = first.most_common(1)[0] if first else ("", 0)
        if not (0 < count == len(names) or (most in WRAPPERS and count > 0.6 * len(names))):
            break
        names = {name.removeprefix(f"{most}."): value for name, value in names.items()}
        removed += f"{most}."
    return names, removed
