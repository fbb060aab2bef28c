# SPDX-License-Identifier: MIT
"""CRC-32C (Castagnoli; RFC 3720, appendix B.4), with which TensorFlow guards its files, fast enough for large arrays.

The data is cut into lanes of equal length, whose checksums advance together, two bytes a step. A checksum is linear
over GF(2), so those of two neighbours combine by a matrix that stands for the zeros in the second's place. Lengths and
numbers of lanes are powers of two, so that few such matrices are needed; what is left over is cut once more.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

_POLYNOMIAL = 0x82F63B78  # reflected
_START = 0xFFFFFFFF
_MASK_DELTA = 0xA282EAD8
_LANES = 1 << 12  # at most
_SHORT = 1 << 11  # bytes, below which lanes are not worth their while
_PIECE = 32 << 20  # bytes at a time: the lanes are copied in another order


def crc32c(data: bytes | memoryview | np.ndarray) -> int:
    """Return the checksum of bytes."""
    return crc32c_of([data])


def crc32c_of(parts: Iterable[bytes | memoryview | np.ndarray]) -> int:
    """Return the checksum of several runs of bytes, one after another."""
    state = _START
    for part in parts:
        flat = np.frombuffer(part, np.uint8)
        for first in range(0, len(flat), _PIECE):
            state = _advance(state, flat[first : first + _PIECE])
    return state ^ _START


def masked(checksum: int) -> int:
    """Return a checksum as TensorFlow stores it: turned and shifted, since data may hold checksums itself."""
    return ((checksum >> 15 | checksum << 17) + _MASK_DELTA) & 0xFFFFFFFF


def _advance(state: int, data: np.ndarray) -> int:
    while len(data) >= _SHORT:
        size = len(data).bit_length() - 1  # the logarithm of what is taken now
        length = 1 << max(4, size - _LANES.bit_length() + 1, size // 2 - 2)  # bytes of a lane
        state = _advance_lanes(state, data[: 1 << size], length)
        data = data[1 << size :]
    table = _byte_table()
    for byte in data.tobytes():
        state = table[(state ^ byte) & 255] ^ state >> 8
    return state


def _advance_lanes(state: int, data: np.ndarray, length: int) -> int:
    steps = np.ascontiguousarray(data.view("<u2").reshape(-1, length // 2).T)  # (steps, lanes)
    table = _word_table()
    lanes = np.zeros(len(data) // length, np.uint32)
    lanes[0] = state
    for words in steps:
        lanes = table[(lanes & 0xFFFF) ^ words] ^ (lanes >> 16)
    while len(lanes) > 1:
        lanes = _changed(_zeros(length), lanes[::2]) ^ lanes[1::2]
        length *= 2
    return int(lanes[0])


@cache
def _byte_table() -> tuple[int, ...]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(_POLYNOMIAL), table >> 1)
    return tuple(table.tolist())


@cache
def _word_table() -> np.ndarray:
    """Return the checksums (65536,) of all pairs of bytes."""
    one = np.array(_byte_table(), np.uint32)
    words = np.arange(1 << 16, dtype=np.uint32)
    first = one[words & 255] ^ words >> 8
    return one[first & 255] ^ first >> 8


@cache
def _zeros(count: int) -> np.ndarray:
    """Return how `count` zero bytes, a power of two, change a checksum: (4, 256), by the value of each of its bytes."""
    if count > 1:
        half = _zeros(count // 2)
        return _changed(half, half)
    places = np.arange(256, dtype=np.uint32) << (8 * np.arange(4, dtype=np.uint32)[:, None])
    return np.array(_byte_table(), np.uint32)[places & 255] ^ places >> 8


def _changed(tables: np.ndarray, checksums: np.ndarray) -> np.ndarray:
    """Return checksums (any shape) as the tables (4, 256) change them."""
    first, *others = (table[checksums >> (8 * number) & 255] for number, table in enumerate(tables))
    for each in others:
        first = first ^ each
    return first
