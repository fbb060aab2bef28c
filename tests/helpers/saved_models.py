# SPDX-License-Identifier: MIT
"""A writer of what TensorFlow writes: tables of variables, graphs of objects and operations, records of examples.

Written from the descriptions of the formats (LevelDB's table_format.md, tensor_bundle.proto,
trackable_object_graph.proto, saved_model.proto, tfrecord), and as plain as they are. What checks the readers against
TensorFlow itself are the files in tests/fixtures/tensorflow.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.models.importers.saved_model.crc32c import crc32c

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
DTYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "float16": 19}
MAGIC = 0xDB4775248B80FB57


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: int | bytes) -> bytes:
    """Return a protobuf field: a number, or the bytes of a text or message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fixed32(number: int, value: int) -> bytes:
    return varint(number << 3 | 5) + struct.pack("<I", value)


def mask(checksum: int) -> int:
    rotated = (checksum >> 15) | (checksum << 17 & 0xFFFFFFFF)
    return (rotated + 0xA282EAD8) % (1 << 32)


def block(entries: Sequence[tuple[bytes, bytes]], kind: int = 0, every: int = 16) -> bytes:
    """Return a block with its trailer: keys share their beginning with the one before, but for each `every`th."""
    out, restarts, last = bytearray(), [], b""
    for count, (key, value) in enumerate(entries):
        shared = 0
        if count % every == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    restarts = restarts or [0]
    out += b"".join(struct.pack("<I", at) for at in restarts) + struct.pack("<I", len(restarts))
    content = bytes(out) + bytes([kind])
    return content + struct.pack("<I", mask(crc32c(content)))


def table(entries: Mapping[bytes, bytes], in_block: int = 20) -> bytes:
    """Return a sorted table."""
    ordered, out, index = sorted(entries.items()), b"", []
    for first in range(0, len(ordered), in_block):
        part = block(ordered[first : first + in_block])
        index.append((ordered[first : first + in_block][-1][0], varint(len(out)) + varint(len(part) - 5)))
        out += part
    handles = b""
    for part in (block([]), block(index, every=1)):
        handles += varint(len(out)) + varint(len(part) - 5)
        out += part
    return out + handles.ljust(40, b"\0") + struct.pack("<Q", MAGIC)


def shape_message(shape: Sequence[int]) -> bytes:
    return b"".join(field(2, field(1, size)) for size in shape)


def entry(dtype: int, shape: Sequence[int], shard: int, offset: int, size: int, checksum: int) -> bytes:
    """Return a BundleEntryProto."""
    numbers = field(3, shard) + field(4, offset) + field(5, size)
    return field(1, dtype) + field(2, shape_message(shape)) + numbers + fixed32(6, checksum)


def object_graph(lists: Mapping[str, Sequence[tuple[str, str]]]) -> bytes:
    """Return a graph of objects whose outermost has lists of variables, each by its key and its own name."""
    places: dict[tuple[str, str], int] = {}
    nodes: list[bytes] = [b""] * (1 + len(lists))
    for variables in lists.values():
        for variable in variables:
            if variable not in places:
                places[variable] = len(nodes)
                key, name = variable
                nodes.append(field(2, field(1, b"VARIABLE_VALUE") + field(2, name.encode()) + field(3, key.encode())))
    for number, (name, variables) in enumerate(lists.items(), 1):
        nodes[0] += field(1, field(1, number) + field(2, name.encode()))
        for count, variable in enumerate(variables):
            nodes[number] += field(1, field(1, places[variable]) + field(2, str(count).encode()))
    return b"".join(field(1, node) for node in nodes)


def write_variables(
    folder: Path,
    variables: Mapping[str, np.ndarray],
    graph: bytes | None = None,
    shards: int = 1,
) -> None:
    """Write `variables.index` and its files of numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    data = [bytearray() for _ in range(shards)]
    entries = {b"": field(1, shards) + field(3, field(1, 1))}
    for count, (name, array) in enumerate(variables.items()):
        flat = np.ascontiguousarray(array).tobytes()
        run = data[count % shards]
        entries[name.encode()] = entry(
            DTYPES[array.dtype.name], array.shape, count % shards, len(run), len(flat), mask(crc32c(flat))
        )
        run += flat
    if graph is not None:
        length = struct.pack("<I", len(graph))
        head = struct.pack("<I", mask(crc32c(length)))
        checksum = mask(crc32c(length + head + graph))
        text = varint(len(graph)) + head + graph
        entries[b"_CHECKPOINTABLE_OBJECT_GRAPH"] = entry(7, (), 0, len(data[0]), len(text), checksum)
        data[0] += text
    (folder / "variables.index").write_bytes(table(entries))
    for number, run in enumerate(data):
        (folder / f"variables.data-{number:05d}-of-{shards:05d}").write_bytes(run)


def write_objects(
    folder: Path, variables: Mapping[str, np.ndarray], trained: Iterable[str] = (), shards: int = 1
) -> None:
    """Write variables as TensorFlow 2 does: under keys of a graph of objects, which knows their names."""
    keys = {name: f"variables/{count}{VALUE}" for count, name in enumerate(variables)}
    chosen = list(trained)
    lists = {
        "variables": [(key, name) for name, key in keys.items()],
        "trainable_variables": [(keys[name], name) for name in chosen],
    }
    write_variables(folder, {keys[name]: array for name, array in variables.items()}, object_graph(lists), shards)


def write_graph(folder: Path, operations: Sequence[tuple[str, float | None]]) -> None:
    """Write a `saved_model.pb` with one function of these operations, each with its attribute `epsilon`."""
    nodes = b""
    for name, epsilon in operations:
        attribute = b""
        if epsilon is not None:
            value = varint(4 << 3 | 5) + struct.pack("<f", epsilon)
            attribute = field(5, field(1, b"epsilon") + field(2, value))
        nodes += field(3, field(1, b"node") + field(2, name.encode()) + attribute)
    graph = field(1, field(1, b"placeholder") + field(2, b"Placeholder")) + field(2, field(1, nodes))
    (folder / "saved_model.pb").write_bytes(field(1, 1) + field(2, field(2, graph)))


def record(features: Mapping[str, np.ndarray]) -> bytes:
    """Return a record of a tf.train.Example of floating-point lists."""
    entries = b""
    for name, numbers in features.items():
        packed = field(2, field(1, np.asarray(numbers, "<f4").tobytes()))
        entries += field(1, field(1, name.encode()) + field(2, packed))
    message = field(1, entries)
    length = struct.pack("<Q", len(message))
    head, tail = (struct.pack("<I", mask(crc32c(part))) for part in (length, message))
    return length + head + message + tail
