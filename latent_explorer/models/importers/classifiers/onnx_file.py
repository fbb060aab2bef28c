# SPDX-License-Identifier: MIT
"""ONNX files as names, nodes and views of tensors. Nothing is computed, and no number is read before it is asked for.

The messages and the numbers of their fields are those of onnx.proto3 (https://onnx.ai/onnx/repo-docs/IR.html).
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from latent_explorer.common.errors import DamagedData
from latent_explorer.common.guarded_arrays import is_shape
from latent_explorer.common.guarded_files import open_regular, read_bytes
from latent_explorer.models.importers.protobuf import Reader, Value, as_bytes, as_int, as_text
from latent_explorer.models.onnx_graph.graph import MAX_ELEMENTS, MAX_INPUTS, MAX_RANK

MAX_BYTES = 2 << 30  # protobuf's own limit
MAX_EXTERNAL = 16 << 30
MAX_NODES = 30_000  # before constants are computed
MAX_METADATA = 1 << 20  # characters of one text
BFLOAT16 = 16
# TensorProto's data types. bfloat16 has none in numpy: read as integers and shifted.
DTYPES: dict[int, str] = {
    1: "<f4", 2: "|u1", 3: "|i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "|u1", 10: "<f2", 11: "<f8", 12: "<u4",
    13: "<u8", BFLOAT16: "<u2",
}  # fmt: skip


@dataclass(frozen=True)
class StoredTensor:
    """A tensor of the file: its type, and where its numbers are."""

    name: str
    dtype: int
    shape: tuple[int, ...]
    raw: memoryview | None = None
    numbers: tuple[Value, ...] = ()  # fields of one number each, or packed ones
    external: dict[str, str] | None = None  # location, offset and length in another file

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class StoredNode:
    op: str  # with its domain, unless that is ONNX's own: "com.microsoft.FusedConv"
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class StoredValue:
    """Input or output of the graph. -1 stands for a size that is not fixed."""

    name: str
    dtype: int
    shape: tuple[int, ...] | None


@dataclass
class OnnxFile:
    """Content of a file."""

    path: Path
    opset: int = 0
    producer: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    nodes: list[StoredNode] = field(default_factory=list)
    tensors: dict[str, StoredTensor] = field(default_factory=dict)
    inputs: list[StoredValue] = field(default_factory=list)
    outputs: list[StoredValue] = field(default_factory=list)
    reader: Reader = field(default_factory=Reader, repr=False)

    def array(self, tensor: StoredTensor) -> np.ndarray:
        """Return the numbers of a tensor, a view of the file where that is possible. Raises DamagedData."""
        dtype = np.dtype(DTYPES[tensor.dtype])
        if tensor.external is not None:
            flat = self._external(tensor, dtype)
        elif tensor.raw is not None:
            if len(tensor.raw) != tensor.elements * dtype.itemsize:
                raise DamagedData(f"the tensor {tensor.name} has {len(tensor.raw)} bytes for the shape {tensor.shape}")
            flat = np.frombuffer(tensor.raw, dtype)
        else:
            flat = self._listed(tensor, dtype)
        if tensor.dtype == BFLOAT16:
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        return flat.reshape(tensor.shape)

    def _listed(self, tensor: StoredTensor, dtype: np.dtype) -> np.ndarray:
        parts: list[np.ndarray] = []
        for value in tensor.numbers:
            if tensor.dtype in (1, 11):
                data = as_bytes(value)
                wide = np.dtype(DTYPES[tensor.dtype])
                parts.append(np.frombuffer(data[: len(data) // wide.itemsize * wide.itemsize], wide))
            else:
                parts.append(np.array(self.reader.integers(value), np.int64))
        flat = np.concatenate(parts) if parts else np.zeros(0, dtype)
        if len(flat) != tensor.elements:
            raise DamagedData(f"the tensor {tensor.name} has {len(flat)} numbers for the shape {tensor.shape}")
        if tensor.dtype in (10, BFLOAT16):  # half precision is stored as the bits
            return flat.astype(np.uint16).view(dtype)
        return flat.astype(dtype)

    def _external(self, tensor: StoredTensor, dtype: np.dtype) -> np.ndarray:
        """Return a tensor of another file, which must lie beside this one."""
        place = tensor.external or {}
        location = place.get("location", "")
        if not re.fullmatch(r"[^/\\:\x00]{1,255}", location) or location in (".", ".."):
            raise DamagedData(f"its tensors are in {location!r}, and only a file in the same folder is read")
        offset, length = (place.get(name, "") or "0" for name in ("offset", "length"))
        count = tensor.elements * dtype.itemsize
        if not all(re.fullmatch(r"[0-9]{1,15}", each) for each in (offset, length)) or int(length) not in (0, count):
            raise DamagedData(f"the place of the tensor {tensor.name} in {location} is wrong")
        beside = self.path.parent / location
        try:
            if beside.is_symlink():
                raise DamagedData(f"{location}, which its tensors are in, is a link")
            with open_regular(beside, MAX_EXTERNAL) as file:
                if int(offset) + count > os.fstat(file.fileno()).st_size:  # before memory is taken
                    raise DamagedData(f"the tensor {tensor.name} is longer than {location}")
                file.seek(int(offset))
                data = file.read(count)
        except FileNotFoundError as error:
            raise DamagedData(f"its tensors are in {location}, which must lie in the same folder") from error
        except OSError as error:
            raise DamagedData(f"its tensors are in {location}, which cannot be read ({error})") from error
        if len(data) != count:
            raise DamagedData(f"{location} ends early")
        return np.frombuffer(data, dtype)


def read_onnx(path: Path) -> OnnxFile:
    """Read names, nodes, shapes, and where the tensors are. Raises DamagedData, or OSError if it cannot be opened."""
    data = memoryview(read_bytes(path, MAX_BYTES))
    if not data:
        raise DamagedData("it is empty")
    found = OnnxFile(path)
    reader, graph = found.reader, None
    for number, value in reader.fields(data):
        if number == 8:  # opset_import
            entry = dict(reader.fields(as_bytes(value)))
            if as_text(entry.get(1, memoryview(b""))) in ("", "ai.onnx"):
                found.opset = as_int(entry.get(2, 0))
        elif number == 2:
            found.producer = as_text(value)
        elif number == 7:
            graph = as_bytes(value)
        elif number == 14:
            key, text = _pair(reader, as_bytes(value), MAX_METADATA)
            found.metadata[key] = text
    if graph is None or not found.opset:
        raise DamagedData("it holds no graph")
    _read_graph(found, reader, graph)
    return found


def _read_graph(found: OnnxFile, reader: Reader, graph: memoryview) -> None:
    for number, value in reader.fields(graph):
        if number == 1:
            if len(found.nodes) >= MAX_NODES:
                raise DamagedData(f"it has more than {MAX_NODES} nodes")
            found.nodes.append(_node(reader, as_bytes(value)))
        elif number == 5:
            tensor = _tensor(reader, as_bytes(value))
            if tensor.name in found.tensors:
                raise DamagedData(f"it has two tensors called {tensor.name}")
            found.tensors[tensor.name] = tensor
        elif number == 11:
            found.inputs.append(_value(reader, as_bytes(value)))
        elif number == 12:
            found.outputs.append(_value(reader, as_bytes(value)))
        elif number == 15:
            raise DamagedData("it has sparse tensors, which are not read")


def _pair(reader: Reader, message: memoryview, longest: int) -> tuple[str, str]:
    """Read a StringStringEntryProto."""
    parts = {1: "", 2: ""}
    for number, value in reader.fields(message):
        if number in parts:
            parts[number] = as_text(value, longest)
    return parts[1], parts[2]


def _node(reader: Reader, message: memoryview) -> StoredNode:
    inputs, outputs, attributes, op, domain = [], [], {}, "", ""
    for number, value in reader.fields(message):
        if number == 1:
            inputs.append(as_text(value))
        elif number == 2:
            outputs.append(as_text(value))
        elif number == 4:
            op = as_text(value)
        elif number == 5:
            name, content = _attribute(reader, as_bytes(value))
            attributes[name] = content
        elif number == 7:
            domain = as_text(value)
        if len(inputs) > MAX_INPUTS or len(outputs) > MAX_INPUTS or len(attributes) > MAX_INPUTS:
            raise DamagedData(f"{op or 'a node'} in it has more than {MAX_INPUTS} inputs")
    while outputs and not outputs[-1]:
        outputs.pop()
    while inputs and not inputs[-1]:
        inputs.pop()
    return StoredNode(op if domain in ("", "ai.onnx") else f"{domain}.{op}", tuple(inputs), tuple(outputs), attributes)


def _attribute(reader: Reader, message: memoryview) -> tuple[str, Any]:
    """Return name and value: a number, a text, a tuple of numbers, a tensor; None for what no operator here takes."""
    name, kind = "", 0
    value: Any = None
    listed: list[float] = []
    for number, content in reader.fields(message):
        if number == 1:
            name = as_text(content)
        elif number == 2:
            value = next(iter(reader.floats(content)), None)
        elif number == 3:
            value = as_int(content)
        elif number == 4:
            data = as_bytes(content)
            value = bytes(data).decode(errors="replace") if len(data) <= 1000 else None
        elif number == 5:
            value = _tensor(reader, as_bytes(content))
        elif number == 7:
            listed += reader.floats(content)
        elif number == 8:
            listed += reader.integers(content)
        elif number == 20:
            kind = as_int(content)
    return name, tuple(listed) if kind in (6, 7) or listed else value


def _tensor(reader: Reader, message: memoryview) -> StoredTensor:
    shape: list[int] = []
    dtype, name, raw, numbers, external, elsewhere = 0, "", None, [], {}, False
    for number, value in reader.fields(message):
        if number == 1:
            shape += reader.integers(value)
        elif number == 2:
            dtype = as_int(value)
        elif number in (4, 5, 7, 10, 11):
            numbers.append(value)
        elif number == 8:
            name = as_text(value)
        elif number == 9:
            raw = as_bytes(value)
        elif number == 13:
            key, text = _pair(reader, as_bytes(value), 4096)
            external[key] = text
        elif number == 14:
            elsewhere = as_int(value) == 1
    if dtype not in DTYPES:
        raise DamagedData(f"the tensor {name} has numbers of the type {dtype}, which is not read here")
    if not is_shape(shape) or math.prod(shape) > MAX_ELEMENTS:
        raise DamagedData(f"the tensor {name} has the shape {str(shape)[:100]}")
    return StoredTensor(name, dtype, tuple(shape), raw, tuple(numbers), external if elsewhere else None)


def _value(reader: Reader, message: memoryview) -> StoredValue:
    name, dtype, shape = "", 0, None
    for number, value in reader.fields(message):
        if number == 1:
            name = as_text(value)
        elif number == 2:
            for kind, content in reader.fields(as_bytes(value)):
                if kind != 1:  # sequences, maps
                    continue
                for part, detail in reader.fields(as_bytes(content)):
                    if part == 1:
                        dtype = as_int(detail)
                    elif part == 2:
                        shape = _shape(reader, as_bytes(detail))
    return StoredValue(name, dtype, shape)


def _shape(reader: Reader, message: memoryview) -> tuple[int, ...]:
    sizes = []
    for number, value in reader.fields(message):
        if number == 1:
            size = -1
            for part, content in reader.fields(as_bytes(value)):
                if part == 1:
                    size = as_int(content)
            sizes.append(size if size > 0 else -1)
        if len(sizes) > MAX_RANK:
            raise DamagedData("its picture has more than 8 axes")
    return tuple(sizes)
