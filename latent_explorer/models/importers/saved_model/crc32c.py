# SPDX-License-Identifier: MIT
"""CRC-32C (Castagnoli; RFC 3720, appendix B.4), with which TensorFlow guards its files, fast enough for large arrays.

The data is cut into lanes of equal length, whose checksums advance together, two bytes a step. A checksum is linear
over GF(2), so those of two neighbours combine by a matrix that stands for the zeros in the second's place.
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
_LANES = 1 << 12
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
    table = _byte_table()
    length = len(data) // _LANES & ~1  # bytes of a lane
    if length >= 16:
        bulk, data = data[: length * _LANES], data[length * _LANES :]
        state = _advance_lanes(state, bulk, length)
    for byte in data.tobytes():
        state = table[(state ^ byte) & 255] ^ state >> 8
    return state


def _advance_lanes(state: int, data: np.ndarray, length: int) -> int:
    steps = np.ascontiguousarray(data.view("<u2").reshape(_LANES, length // 2).T)  # (steps, lanes)
    table = _word_table()
    lanes = np.zeros(_LANES, np.uint32)
    lanes[0] = state
    for words in steps:
        lanes = table[(lanes & 0xFFFF) ^ words] ^ (lanes >> 16)
    zeros = _zeros(length)
    while len(lanes) > 1:
        lanes = _times(zeros, lanes[::2]) ^ lanes[1::2]
        zeros = _times(zeros, zeros)
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


def _zeros(count: int) -> np.ndarray:
    """Return the matrix (32,), a column an entry, by which `count` zero bytes change a checksum."""
    table = np.array(_byte_table(), np.uint32)
    columns = np.uint32(1) << np.arange(32, dtype=np.uint32)
    step = table[columns & 255] ^ columns >> 8  # of one byte
    while count:
        if count & 1:
            columns = _times(step, columns)
        step = _times(step, step)
        count >>= 1
    return columns


def _times(matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the products (N,) of a matrix (32,) with vectors (N,) over GF(2)."""
    product = np.zeros_like(vectors)
    for bit, column in enumerate(matrix):
        product ^= np.where(vectors >> np.uint32(bit) & 1, column, np.uint32(0))
    return product
