# SPDX-License-Identifier: MIT
"""Names and attributes of the operations in a SavedModel's graph, as data: what a network is made of. Nothing is run.

The messages are those of saved_model.proto, meta_graph.proto, function.proto and node_def.proto.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from latent_explorer.common.errors import DamagedData
from latent_explorer.models.importers.protobuf import Reader, as_bytes, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from latent_explorer.models.importers.saved_model.files import Files

GRAPH = "saved_model.pb"
MAX_BYTES = 256 << 20
MAX_KINDS = 10_000  # TensorFlow has about 1,500


def operations(files: Files, folder: str) -> set[tuple[str, float | None]]:
    """Return the kinds of operations in a SavedModel, each with its attribute `epsilon`, if it has one.

    Raises DamagedData.
    """
    name = folder + GRAPH
    if files.size(name) > MAX_BYTES:
        raise DamagedData(f"{GRAPH} is too long")
    reader = Reader()
    found: set[tuple[str, float | None]] = set()
    for node in _nodes(reader, memoryview(files.read(name))):
        found.add(_node(reader, node))
        if len(found) > MAX_KINDS:
            raise DamagedData(f"it has more than {MAX_KINDS} kinds of operations")
    return found


def _nodes(reader: Reader, saved_model: memoryview) -> Iterator[memoryview]:
    """Yield the nodes of the graphs, and of the functions that they call."""
    for meta_graph in reader.messages(saved_model, 2):
        for graph in reader.messages(meta_graph, 2):
            yield from reader.messages(graph, 1)
            for library in reader.messages(graph, 2):
                for function in reader.messages(library, 1):
                    yield from reader.messages(function, 3)


def _node(reader: Reader, message: memoryview) -> tuple[str, float | None]:
    name, epsilon = "", None
    for number, value in reader.fields(message):
        if number == 2:
            name = as_text(value)
        elif number == 5:
            entry = dict(reader.fields(as_bytes(value)))
            if bytes(as_bytes(entry.get(1, memoryview(b"")))[:8]) == b"epsilon":
                content = dict(reader.fields(as_bytes(entry.get(2, memoryview(b"")))))
                stored = bytes(as_bytes(content.get(4, memoryview(b""))))
                epsilon = struct.unpack("<f", stored)[0] if len(stored) == 4 else None
    return name, epsilon
