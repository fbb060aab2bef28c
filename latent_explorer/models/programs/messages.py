# SPDX-License-Identifier: MIT
"""Messages between this program and the process of a foreign one: a length, a small JSON header, raw float32 numbers.

Neither side unpickles anything, and neither believes the other's sizes: what is too long is refused before it is read.
"""

from __future__ import annotations

import math
from typing import IO

import msgspec

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData

MAX_HEADER = 1 << 14  # bytes
MAX_TEXT = 300  # characters of an error
FLOAT = 4  # bytes
REMEMBERED = 8  # forwards whose backward may still come

Bytes = bytes | bytearray | memoryview


class Request(msgspec.Struct, frozen=True):
    """What the process is asked to do within `seconds`; then follow the bytes of the program, or numbers."""

    do: str  # "load", "forward", "backward"
    seconds: int
    kind: str = ""  # of the program to load
    size: int = 0  # bytes of the program
    shape: tuple[int, ...] = ()  # of the numbers
    ticket: int = 0  # > 0: remember a forward for the backward that has the same one


class Reply(msgspec.Struct, frozen=True):
    """What came of it; then follow the numbers of `shape`."""

    shape: tuple[int, ...] = ()
    error: str = ""
    out_of_memory: bool = False
    forgotten: bool = False  # the ticket is not known any more
    confined: tuple[str, ...] = ()  # what the system keeps the process from, after loading


def send(stream: IO[bytes], message: Request | Reply, *data: Bytes) -> None:
    """Write a message and what follows it."""
    header = msgspec.json.encode(message)
    stream.write(len(header).to_bytes(4, "little"))
    stream.write(header)
    for part in data:
        stream.write(part)
    stream.flush()


def receive(stream: IO[bytes], kind: type[msgspec.Struct]) -> msgspec.Struct:
    """Read the header of a message. Raises EOFError at the end, DamagedData for what is none."""
    length = int.from_bytes(read_exactly(stream, 4), "little")
    if length > MAX_HEADER:
        raise DamagedData("its answer is no message")
    return guarded_json.decode(bytes(read_exactly(stream, length)), kind)


def read_exactly(stream: IO[bytes], count: int) -> bytearray:
    """Read `count` bytes. Raises EOFError if the stream ends before."""
    data = bytearray(count)
    view, done = memoryview(data), 0
    while done < count:
        got = stream.readinto(view[done:])  # type: ignore[attr-defined]  # of every binary stream
        if not got:
            raise EOFError
        done += got
    return data


def byte_count(shape: tuple[int, ...]) -> int:
    """Return the bytes of float32 numbers of a shape."""
    return math.prod(shape) * FLOAT
