# SPDX-License-Identifier: MIT
"""A reader of protobuf messages: fields by number, without a schema. It makes views of the file, never copies.

The format: https://protobuf.dev/programming-guides/encoding. Groups, which nobody writes any more, are refused.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from latent_explorer.common.errors import DamagedData

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FIELDS = 3_000_000  # of all messages of a file together: a few seconds
Value = int | memoryview  # a number, or the bytes of a text, message or list


class Reader:
    """Reads the messages of one file, within a number of fields."""

    def __init__(self, max_fields: int = MAX_FIELDS) -> None:
        self._left = self._max = max_fields

    def fields(self, message: memoryview) -> Iterator[tuple[int, Value]]:
        """Yield number and value of each field. Numbers of fixed width come as the bytes that they are."""
        at, end = 0, len(message)
        while at < end:
            self._count(1)
            key, at = varint(message, at)
            number, wire = key >> 3, key & 7
            if wire == 0:
                value, at = varint(message, at)
                yield number, value
                continue
            if wire not in _WIDTHS and wire != 2:
                raise DamagedData("a field of it has an unknown kind")
            length = _WIDTHS.get(wire, 0)
            if wire == 2:
                length, at = varint(message, at)
            if length > end - at:
                raise DamagedData("a field of it is longer than the file")
            yield number, message[at : at + length]
            at += length

    def messages(self, message: memoryview, wanted: int) -> Iterator[memoryview]:
        """Yield the messages, texts or lists in the fields of one number."""
        for number, value in self.fields(message):
            if number == wanted:
                yield as_bytes(value)

    def integers(self, value: Value) -> list[int]:
        """Return the integers of a field, one or packed ones, with their signs."""
        if isinstance(value, int):
            return [signed(value)]
        found, at = [], 0
        self._count(len(value))
        while at < len(value):
            number, at = varint(value, at)
            found.append(signed(number))
        return found

    def floats(self, value: Value) -> list[float]:
        """Return the single-precision numbers of a field, one or packed ones."""
        data = as_bytes(value)
        self._count(len(data) // 4)
        return list(struct.unpack(f"<{len(data) // 4}f", data[: len(data) // 4 * 4]))

    def _count(self, fields: int) -> None:
        self._left -= fields
        if self._left < 0:
            raise DamagedData(f"it has more than {self._max} fields")


_WIDTHS = {1: 8, 5: 4}


def as_bytes(value: Value) -> memoryview:
    """Return the bytes of a field. Raises DamagedData if it is a number."""
    if isinstance(value, int):
        raise DamagedData("a number stands where a text or a message belongs")
    return value


def as_int(value: Value) -> int:
    """Return the integer of a field. Raises DamagedData if it is none."""
    if not isinstance(value, int):
        raise DamagedData("a text stands where a number belongs")
    return signed(value)


def as_text(value: Value, longest: int = 1000) -> str:
    """Return a text. Raises DamagedData if it is longer, or no UTF-8."""
    data = as_bytes(value)
    if len(data) > longest:
        raise DamagedData(f"a name in it has {len(data)} characters")
    try:
        return bytes(data).decode()
    except UnicodeDecodeError as error:
        raise DamagedData("a name in it is no text") from error


def signed(number: int) -> int:
    """Return a 64-bit integer with its sign."""
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >> 63 else number


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return the number of variable width at a place, and the place behind it. Raises DamagedData."""
    number = shift = 0
    while shift < 70:
        if at >= len(data):
            raise DamagedData("it ends within a number")
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
    raise DamagedData("a number in it is too long")
