# SPDX-License-Identifier: MIT
"""Archives of torch.export (`.pt2`) as data: the weights by name, and the sizes of the input. Nothing is executed.

The JSON in such an archive is that of torch's `torch/_export/serde/schema.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData
from latent_explorer.common.guarded_arrays import MAX_NUMBERS, is_shape
from latent_explorer.common.guarded_zip import GuardedZip
from latent_explorer.models.importers.pickle_values import Storage, StoredTensor

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"
MAX_MODEL_BYTES = 16 << 20
MAX_MEMBERS = 200_000
# ScalarType of the schema.
_DTYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64", 12: "bool",
    13: "bfloat16",
}  # fmt: skip


class _Size(msgspec.Struct, frozen=True):
    as_int: int | None = None  # else an expression: any number


class _Meta(msgspec.Struct, frozen=True):
    dtype: int
    sizes: tuple[_Size, ...]
    strides: tuple[_Size, ...]
    storage_offset: _Size

    def shape(self) -> tuple[int, ...]:
        """Return the sizes, -1 for those that may be any number."""
        return tuple(-1 if size.as_int is None else size.as_int for size in self.sizes)


class _Weight(msgspec.Struct, frozen=True):
    path_name: str
    tensor_meta: _Meta
    use_pickle: bool = False


class _Weights(msgspec.Struct, frozen=True):
    config: dict[str, _Weight]


class _Graph(msgspec.Struct, frozen=True):
    tensor_values: dict[str, _Meta]


class _Signature(msgspec.Struct, frozen=True):
    input_specs: tuple[dict[str, Any], ...]


class _GraphModule(msgspec.Struct, frozen=True):
    graph: _Graph
    signature: _Signature


class _Model(msgspec.Struct, frozen=True):
    graph_module: _GraphModule


class InputShape(NamedTuple):
    """Shape of the one input of an exported program; -1 for a size that may be any number."""

    batch: int
    channels: int
    height: int
    width: int


def program_prefix(archive: GuardedZip) -> str | None:
    """Return the folder of an exported program in an archive, as "name/"; None if it holds none."""
    found = (name.removesuffix(WEIGHTS) for name in archive.names if name.endswith(f"/{WEIGHTS}"))
    return next((prefix for prefix in found if prefix.count("/") == 1), None)


def stored_weights(archive: GuardedZip, prefix: str) -> dict[str, StoredTensor]:
    """Return the tensors by name, to be read from the archive's members `data/KEY`. Raises DamagedData."""
    data = archive.read(f"{prefix}{WEIGHTS}", MAX_MODEL_BYTES)
    tensors: dict[str, StoredTensor] = {}
    for name, weight in guarded_json.decode(data, _Weights).config.items():
        meta = weight.tensor_meta
        dtype = _DTYPES.get(meta.dtype)
        if weight.use_pickle or dtype is None:  # views and sparse tensors; torch's own, which is not read here
            continue
        shape, stride = meta.shape(), tuple(size.as_int or 0 for size in meta.strides)
        offset = meta.storage_offset.as_int
        steps = len(shape) == len(stride) and all(0 <= step <= MAX_NUMBERS for step in stride)
        if offset is None or offset < 0 or not (steps and is_shape(shape)):
            raise DamagedData(f"its tensor {name[:100]} has no proper shape")
        storage = Storage(f"weights/{weight.path_name}", dtype, math.prod(shape))
        tensors[name] = StoredTensor(storage, dtype, offset, shape, stride)
    return tensors


def input_shape(path: Path) -> InputShape | None:
    """Return the shape of the input, or None if the program does not take one batch of pictures, or does not say.

    Raises DamagedData, OSError.
    """
    with GuardedZip(path, MAX_MEMBERS) as archive:
        prefix = program_prefix(archive)
        if prefix is None or f"{prefix}{MODEL}" not in archive.names:
            return None
        data = archive.read(f"{prefix}{MODEL}", MAX_MODEL_BYTES)
    module = guarded_json.decode(data, _Model).graph_module
    inputs = [spec["user_input"] for spec in module.signature.input_specs if "user_input" in spec]
    try:
        (only,) = inputs
        shape = module.graph.tensor_values[only["arg"]["as_tensor"]["name"]].shape()
    except (ValueError, LookupError, TypeError):
        return None
    return InputShape(*shape) if len(shape) == 4 else None
