# SPDX-License-Identifier: MIT
"""Variables of TensorFlow checkpoints and SavedModels: names, shapes and numbers, without TensorFlow.

`variables.index` is a table of names (see `table`) whose values are protobuf messages (tensor_bundle.proto), and
`variables.data-00000-of-00001` the numbers. TensorFlow 2 names variables by their place among Python objects,
"layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE"; the graph of these objects is in the table, too
(trackable_object_graph.proto), with the names that the variables had when they were made. No graph of operations is
read or run here.
"""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import DamagedData
from latent_explorer.common.guarded_arrays import is_shape
from latent_explorer.common.guarded_json import shortened
from latent_explorer.models.importers.protobuf import Reader, as_bytes, as_int, as_text, varint
from latent_explorer.models.importers.saved_model.crc32c import crc32c, crc32c_of, masked
from latent_explorer.models.importers.saved_model.table import MAX_KEY, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from latent_explorer.models.importers.saved_model.files import Files

MAX_INDEX_BYTES = 64 << 20
MAX_FIELDS = 500_000  # of all messages; the graph of a network of 100 layers has about 10,000
MAX_NODES = 100_000
MAX_RANK = 8
MAX_SHARDS = 1000
MAX_TENSOR_BYTES = 4 << 30
OBJECT_GRAPH = b"_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_STRING = 7
# DataType of tensorflow/core/framework/types.proto: the numbers that networks have.
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "|u1", 6: "|i1", 9: "<i8", 10: "|b1", 14: "<u2", 19: "<f2"}
_BFLOAT16 = 14


@dataclass(frozen=True)
class StoredVariable:
    """A variable by its place in the files of numbers."""

    key: str  # in the table
    name: str  # that it had when it was made; the key where nothing says it
    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int  # bytes
    checksum: int


@dataclass
class _Node:
    """An object of the graph: children by name, and the variables that it holds, as (key, name)."""

    children: dict[str, int] = field(default_factory=dict)
    variables: list[tuple[str, str]] = field(default_factory=list)


class Variables:
    """Variables of one checkpoint.

    `by_name` holds each under its own name, without ":0"; a name that two have stands for the first of them.
    """

    def __init__(self, files: Files, prefix: str) -> None:
        """Read the index `prefix`.index; no numbers are read. Raises DamagedData."""
        self._files, self._prefix = files, prefix
        self._reader = Reader(MAX_FIELDS)
        size = files.size(f"{prefix}.index")
        if size > MAX_INDEX_BYTES:
            raise DamagedData("its table of variables is too long")
        table = read_table(memoryview(files.read(f"{prefix}.index", 0, size)))
        self._shards = self._header(table.pop(b"", memoryview(b"")))
        entries = {_key(raw): self._entry(_key(raw), message) for raw, message in table.items()}
        graph = entries.pop(OBJECT_GRAPH.decode(), None)
        self._nodes = [] if graph is None else list(self._object_graph(self._text(graph)))
        names = {key: name for node in self._nodes for key, name in node.variables if name}
        found = [_named(entry, names) for entry in entries.values() if entry.dtype in _DTYPES]
        self._check_places(found)
        self.by_key = {each.key: each for each in found}
        self.by_name: dict[str, StoredVariable] = {}
        for each in found:
            self.by_name.setdefault(each.name, each)

    def listed(self, child: str) -> list[StoredVariable]:
        """Return the variables of a list of the outermost object, in order: "trainable_variables", as Keras writes."""
        start = self._nodes[0].children.get(child) if self._nodes else None
        if start is None:
            return []
        places = self._node(start).children
        numbered = sorted((int(name), place) for name, place in places.items() if re.fullmatch(r"[0-9]{1,6}", name))
        keys = [key for _number, place in numbered for key, _name in self._node(place).variables]
        return [self.by_key[key] for key in keys if key in self.by_key]

    def _node(self, place: int) -> _Node:
        if not 0 <= place < len(self._nodes):
            raise DamagedData("its graph of objects leads to one that is not there")
        return self._nodes[place]

    def _check_places(self, variables: list[StoredVariable]) -> None:
        """Raise DamagedData if variables have more bytes than their files: one run of bytes many times is a bomb."""
        wanted = Counter[int]()
        for each in variables:
            wanted[each.shard] += each.size
        for shard, size in wanted.items():
            if size > self._files.size(self._data(shard)):
                raise DamagedData(f"its variables overlap, or reach beyond {self._data(shard).rpartition('/')[2]}")

    def _data(self, shard: int) -> str:
        """Return the name of a file of numbers."""
        return f"{self._prefix}.data-{shard:05d}-of-{self._shards:05d}"

    def read(self, variable: StoredVariable) -> np.ndarray:
        """Return the numbers of a variable, whose checksum must be right: floats as float32, others as int64."""
        where = shortened(variable.name)
        dtype = np.dtype(_DTYPES[variable.dtype])
        if variable.size != math.prod(variable.shape) * dtype.itemsize:
            raise DamagedData(f"the variable {where} has {variable.size} bytes for the shape {variable.shape}")
        flat = np.frombuffer(self._bytes(variable), dtype)
        if masked(crc32c(flat.view(np.uint8))) != variable.checksum:
            raise DamagedData(f"the variable {where} does not match its checksum")
        if variable.dtype == _BFLOAT16:
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        if flat.dtype.kind != "f":
            return flat.astype(np.int64).reshape(variable.shape)
        if not np.isfinite(flat).all() or (flat.size and np.abs(flat).max() > np.finfo(np.float32).max):
            raise DamagedData(f"the variable {where} holds values that are not finite numbers")
        return flat.astype(np.float32).reshape(variable.shape)

    def _header(self, message: memoryview) -> int:
        """Return the number of files of numbers."""
        fields = dict(self._reader.fields(message))
        shards = as_int(fields.get(1, 0))
        if not 1 <= shards <= MAX_SHARDS:
            raise DamagedData("its table is not one of variables")
        if as_int(fields.get(2, 0)) != 0:
            raise DamagedData("it was written on a machine of another byte order")
        return shards

    def _entry(self, key: str, message: memoryview) -> StoredVariable:
        shape: tuple[int, ...] = ()
        dtype, checksum, sliced, numbers = 0, 0, False, {3: 0, 4: 0, 5: 0}
        for number, value in self._reader.fields(message):
            if number == 1:
                dtype = as_int(value)
            elif number == 2:
                shape = tuple(self._shape(as_bytes(value)))
            elif number in numbers:
                numbers[number] = as_int(value)
            elif number == 6:
                checksum = int.from_bytes(as_bytes(value), "little")
            elif number == 7:
                sliced = True
        if not is_shape(shape):
            raise DamagedData(f"the variable {shortened(key)} has a shape that cannot be")
        shard, offset, size = numbers.values()
        if sliced:
            raise DamagedData(f"the variable {shortened(key)} is in slices, which are not read here")
        if not (0 <= shard < self._shards and offset >= 0 and 0 <= size <= MAX_TENSOR_BYTES):
            raise DamagedData(f"the place of the variable {shortened(key)} is wrong")
        return StoredVariable(key, key, dtype, shape, shard, offset, size, checksum)

    def _shape(self, message: memoryview) -> Iterator[int]:
        dimensions = 0
        for number, value in self._reader.fields(message):
            if number == 2:
                size = as_int(dict(self._reader.fields(as_bytes(value))).get(1, 0))
                dimensions += 1
                if dimensions > MAX_RANK:
                    raise DamagedData("a variable in it has a shape that cannot be")
                yield size

    def _bytes(self, variable: StoredVariable) -> bytes | memoryview:
        name = self._data(variable.shard)
        if variable.offset + variable.size > self._files.size(name):
            raise DamagedData(f"the variable {shortened(variable.name)} reaches beyond {name.rpartition('/')[2]}")
        return self._files.read(name, variable.offset, variable.size)

    def _text(self, entry: StoredVariable) -> memoryview:
        """Return the one text of an entry: its length, a checksum of that, and the bytes."""
        data = memoryview(self._bytes(entry))
        if entry.dtype != _STRING or entry.shape != () or len(data) > MAX_INDEX_BYTES:
            raise DamagedData("its graph of objects is no text, or too long")
        length, at = varint(data, 0)
        width = "<I" if length < 1 << 32 else "<Q"
        stored, text = bytes(data[at : at + 4]), data[at + 4 :]
        packed = struct.pack(width, length)
        right = len(text) == length and struct.pack("<I", masked(crc32c(packed))) == stored
        if not right or masked(crc32c_of([packed, stored, text])) != entry.checksum:
            raise DamagedData("its graph of objects does not match its checksum")
        return text

    def _object_graph(self, message: memoryview) -> Iterator[_Node]:
        fields, count = self._reader.fields, 0
        for number, node in fields(message):
            if number != 1:
                continue
            count += 1
            if count > MAX_NODES:
                raise DamagedData(f"its graph of objects has more than {MAX_NODES} objects")
            found = _Node()
            for kind, value in fields(as_bytes(node)):
                if kind == 1:
                    child = dict(fields(as_bytes(value)))
                    found.children[as_text(child.get(2, memoryview(b"")), MAX_KEY)] = as_int(child.get(1, 0))
                elif kind == 2:
                    texts = {n: v for n, v in fields(as_bytes(value)) if n in (2, 3)}
                    name, key = (as_text(texts.get(n, memoryview(b"")), MAX_KEY) for n in (2, 3))
                    found.variables.append((key, name))
            yield found


def _key(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise DamagedData("a name in it is no text") from error


def _named(entry: StoredVariable, names: dict[str, str]) -> StoredVariable:
    name = names.get(entry.key, entry.key).removesuffix(_VALUE).removesuffix(":0")
    return StoredVariable(
        entry.key, name, entry.dtype, entry.shape, entry.shard, entry.offset, entry.size, entry.checksum
    )
