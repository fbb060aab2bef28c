# SPDX-License-Identifier: MIT
"""Sorted tables of keys and values, the container of `variables.index`: LevelDB's format with TensorFlow's checksums.

The format: https://github.com/google/leveldb/blob/main/doc/table_format.md. Blocks are read where they lie; compressed
ones, which TensorFlow does not write here, are refused.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from latent_explorer.common.errors import DamagedData
from latent_explorer.models.importers.protobuf import varint
from latent_explorer.models.importers.saved_model.crc32c import crc32c, masked

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ENTRIES = 20_000
MAX_KEY = 1024  # bytes
MAX_KEYS = 4 << 20  # bytes of all keys together: each repeats the beginning of the one before
_MAGIC = 0xDB4775248B80FB57
_FOOTER, _TRAILER = 48, 5  # bytes: two handles and the magic number; a block's kind and checksum


def read_table(data: memoryview) -> dict[bytes, memoryview]:
    """Return the entries of a table; values are views of `data`. Raises DamagedData for anything that is wrong."""
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise DamagedData("its last bytes are not those of a table of variables, or its end is missing")
    footer = data[-_FOOTER:]
    _metaindex, at = _handle(footer, 0)
    index, _ = _handle(footer, at)
    entries: dict[bytes, memoryview] = {}
    end, total = 0, 0
    for _last_key, place in _entries(_block(data, index)):
        handle, _ = _handle(place, 0)
        if handle[0] < end:  # one block many times would be a bomb
            raise DamagedData("its blocks overlap")
        end = sum(handle)
        for key, value in _entries(_block(data, handle)):
            total += len(key)
            if key in entries:
                raise DamagedData("it holds two entries of the same name")
            if len(entries) == MAX_ENTRIES or total > MAX_KEYS:
                raise DamagedData(f"it holds more than {MAX_ENTRIES} names, or very long ones")
            entries[key] = value
    return entries


def _handle(data: memoryview, at: int) -> tuple[tuple[int, int], int]:
    """Return first byte and length of a block, and the place behind these numbers."""
    first, at = varint(data, at)
    length, at = varint(data, at)
    return (first, length), at


def _block(data: memoryview, handle: tuple[int, int]) -> memoryview:
    """Return the content of a block whose checksum is right."""
    first, length = handle
    if first + length + _TRAILER > len(data) - _FOOTER:
        raise DamagedData("a block of it lies outside the file")
    kind = data[first + length]
    if kind != 0:
        raise DamagedData(f"a block of it is compressed (kind {kind}), which is not read here")
    (expected,) = struct.unpack("<I", data[first + length + 1 : first + length + _TRAILER])
    if masked(crc32c(data[first : first + length + 1])) != expected:
        raise DamagedData("a block of it does not match its checksum")
    return data[first : first + length]


def _entries(block: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the entries of a block. Keys share their beginning with the one before; restart points are not needed."""
    restarts = struct.unpack("<I", block[-4:])[0] if len(block) >= 4 else -1
    end = len(block) - 4 * (restarts + 1)
    if restarts < 0 or end < 0:
        raise DamagedData("a block of it ends early")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        length, at = varint(block, at)
        if shared > len(key) or own + length > end - at or shared + own > MAX_KEY:
            raise DamagedData("an entry of it is longer than its block, or its name too long")
        key = key[:shared] + bytes(block[at : at + own])
        yield key, block[at + own : at + own + length]
        at += own + length
