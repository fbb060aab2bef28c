# SPDX-License-Identifier: MIT
"""Variants of sound files that no program writes, for tests that readers only ever refuse them in words."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

LONG = "x" * 20_000
NASTY: tuple[Any, ...] = (
    None, True, -1, 2**63, 2**64, 10**30, 1e300, -0.0, "", LONG, "\ud800", [], {}, [[]], {"a": {}}, [None],
)  # fmt: skip
RAW = (
    b"", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b'{"version":' + b"9" * 5000 + b"}", b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xef\xbb\xbf{}", b'"\xff"', b"NaN", b'{"version": 1e400}', b"\0" * 100, b"PK\x05\x06" + b"\0" * 18,
    b"[]", b"null", b'{"version": "one", "format_version": []}',
)  # fmt: skip


def json_variants(data: bytes) -> Iterator[bytes]:
    """Yield the JSON with each of its values, in turn, replaced by each nasty value, left out, or beside a new one."""
    whole = json.loads(data)
    for path in _paths(whole):
        for value in NASTY:
            yield _encoded(_replaced(whole, path, value))
    yield from RAW
    yield b"\xef\xbb\xbf" + data
    yield data.decode().encode("utf-16")


def damaged(data: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield the bytes with some of them changed, or cut off."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        content = bytearray(data)
        for at in rng.integers(0, len(content), rng.integers(1, 6)):
            content[at] = rng.integers(0, 256)
        yield bytes(content[: rng.integers(0, len(content))]) if rng.random() < 0.3 else bytes(content)


def with_member(path: Path, target: Path, name: str, data: bytes) -> Path:
    """Write the zip file `path` as `target`, one member replaced."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(target, "w") as changed:
        for member in archive.namelist():
            changed.writestr(member, data if member == name else archive.read(member))
    return target


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, each in items:
        yield from _paths(each, (*here, key))


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = _replaced(value[path[0]], path[1:], new)
    return changed
