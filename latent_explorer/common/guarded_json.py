# SPDX-License-Identifier: MIT
"""The one door for JSON that anyone may have written: checked before it is parsed, and typed.

Parsed JSON takes far more memory than its text, and deep or enormous values break whatever handles them later. So the
number of values, their depth and the digits of numbers are limited before anything is built.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from latent_explorer.common.errors import DamagedData
from latent_explorer.common.format import size_text
from latent_explorer.common.guarded_files import read_bytes

if TYPE_CHECKING:
    import os

T = TypeVar("T")

MAX_BYTES = 32 << 20
MAX_VALUES = 1_000_000
MAX_DEPTH = 64
MAX_DIGITS = 40  # of a number; none of ours has more than 20
MAX_REASON = 200  # characters of a reason: msgspec quotes what it refuses
_PIECE = 1 << 20  # bytes checked at a time
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (MAX_DIGITS + 1))
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def decode(
    data: bytes | str | msgspec.Raw, kind: type[T], *, max_bytes: int = MAX_BYTES, max_values: int = MAX_VALUES
) -> T:
    """Return the JSON in `data` as a value of `kind`, which msgspec checks. A byte order mark is skipped.

    Raises DamagedData, with a short reason, for anything else.
    """
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    data = bytes(data)  # also a msgspec.Raw; bytes stay what they are
    if len(data) > max_bytes:
        raise DamagedData(f"it is larger than {size_text(max_bytes)}")
    try:
        data = _utf8(data)
        _check(data, max_values)
        return msgspec.json.decode(data, type=kind)
    except DamagedData:
        raise
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DamagedData(shortened(str(error))) from error


def read(path: str | os.PathLike[str], kind: type[T], *, max_bytes: int = MAX_BYTES, max_values: int = MAX_VALUES) -> T:
    """Return the JSON in a file, as `decode` does. Raises OSError if it cannot be opened."""
    return decode(read_bytes(path, max_bytes), kind, max_bytes=max_bytes, max_values=max_values)


def convert(value: Any, kind: type[T]) -> T:
    """Return a value that `decode` returned untyped as one of `kind`. Raises DamagedData."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DamagedData(shortened(str(error))) from error


def shortened(text: str) -> str:
    """Return a reason as one line of at most MAX_REASON characters."""
    line = " ".join(text[: 4 * MAX_REASON].split())
    return line if len(line) <= MAX_REASON else line[: MAX_REASON - 1] + "…"


def _utf8(data: bytes) -> bytes:
    """Return the text as UTF-8 without a byte order mark; some systems write UTF-16."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16").encode()
    return data.removeprefix(b"\xef\xbb\xbf")


def _check(data: bytes, max_values: int) -> None:
    """Raise DamagedData for too many, too deep or too long values."""
    if b"\\" in data:  # escaped quotes end no string
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    values, inside, brackets = 0, 0, b""
    for first in range(0, len(data), _PIECE):
        parts = data[first : first + _PIECE].split(b'"')
        bare = b" ".join(parts[inside::2])  # what stands outside strings
        inside ^= (len(parts) - 1) & 1
        values += bare.count(b",") + bare.count(b"[") + bare.count(b"{")
        if values > max_values:
            raise DamagedData(f"it holds more than {max_values:,} values")
        if _LONG_NUMBER.search(bare):
            raise DamagedData(f"a number in it has more than {MAX_DIGITS} digits")
        brackets = _without_pairs(brackets + bare.translate(None, _NOT_BRACKETS))
        if len(brackets) > 2 * MAX_DEPTH:
            raise DamagedData(f"it is nested more than {MAX_DEPTH} levels deep")


def _without_pairs(brackets: bytes) -> bytes:
    """Remove matching brackets, up to MAX_DEPTH levels; what is left of sound JSON is what is still open."""
    for _ in range(MAX_DEPTH):
        shorter = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    return brackets
