# SPDX-License-Identifier: MIT
"""The one door for numpy arrays in files that anyone may have made: `.npy`, and named members of `.npz`.

The header is read by a strict pattern, never evaluated; type, shape and size are checked before anything is unpacked.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import DamagedData
from latent_explorer.common.format import size_text
from latent_explorer.common.guarded_files import open_regular, read_bytes
from latent_explorer.common.guarded_json import shortened
from latent_explorer.common.guarded_zip import GuardedZip

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Sequence

MAX_DIMENSIONS = 8
MAX_NUMBERS = 1 << 48  # of an array, sizes of 0 left out
MAX_MEMBERS = 1000
MAX_RATIO = 2  # of the arrays to their file; numbers of real measurements hardly compress
ALWAYS_ALLOWED = 32 << 20  # bytes that may be unpacked whatever the ratio
_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 4096  # bytes
_HEADER = re.compile(
    rb"\{ *'descr' *: *'([<>|=]?[fiub][1248])' *, *'fortran_order' *: *(True|False) *, *"
    rb"'shape' *: *\(((?: *[0-9]{1,12}L? *,?)*)\) *,? *\}[ \n]*"
)


def is_shape(shape: Sequence[int]) -> bool:
    """Return True for a shape that an array can have. Beside a size of 0, too, there is an end to the others."""
    sizes = min(shape, default=0) >= 0 and math.prod(size or 1 for size in shape) <= MAX_NUMBERS
    return sizes and len(shape) <= MAX_DIMENSIONS


def read_arrays(
    path: str | os.PathLike[str], names: Collection[str] | None, max_bytes: int, kinds: str = "fiub"
) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` that are in `names` (None: all); an `.npy` is the first of `names`.

    path       the file; what it is is told by its content
    max_bytes  of all arrays together
    kinds      letters of numpy's kinds that are taken: floats, integers, booleans

    Raises OSError if the file cannot be opened, DamagedData for anything that is wrong with it.
    """
    with open_regular(path) as file:
        if file.read(len(_MAGIC)) == _MAGIC:
            limit = max_bytes + _MAX_HEADER
            name = next(iter(names or [""]))
            return {name: array_of(read_bytes(path, limit), name, max_bytes, kinds)}
    allowed = min(max_bytes, max(ALWAYS_ALLOWED, MAX_RATIO * Path(path).stat().st_size))
    arrays = {}
    with GuardedZip(path, MAX_MEMBERS) as archive:
        stored = {name.removesuffix(".npy"): name for name in archive.names if name.endswith(".npy")}
        for name in stored if names is None else names:
            if name in stored:
                array = array_of(archive.read(stored[name], allowed + _MAX_HEADER), name, allowed, kinds)
                arrays[name] = array
                allowed -= array.nbytes
    return arrays


def array_of(data: bytes, name: str, max_bytes: int, kinds: str = "fiub") -> np.ndarray:
    """Return the array in the bytes of an `.npy`, called `name` in reasons. Raises DamagedData."""
    try:
        return _array_of(data, max_bytes, kinds)
    except DamagedData as error:
        raise DamagedData(f"the array {shortened(name)} {error}") from error


def _array_of(data: bytes, max_bytes: int, kinds: str) -> np.ndarray:
    dtype, shape, fortran, start = _header(data[: _MAX_HEADER + 16])
    size = math.prod(shape) * dtype.itemsize
    if dtype.kind not in kinds:
        raise DamagedData(f"has the type {dtype}, not one of numbers")
    if size > max_bytes:
        raise DamagedData(f"takes {size_text(size)}; at most {size_text(max_bytes)} are read")
    if size != len(data) - start:
        raise DamagedData("is not as long as its shape says")
    flat = np.frombuffer(data, dtype, offset=start)
    return flat.reshape(shape, order="F" if fortran else "C")


def _header(data: bytes) -> tuple[np.dtype, tuple[int, ...], bool, int]:
    """Return type, shape, order and the place of the first number."""
    if not data.startswith(_MAGIC) or len(data) < 12 or data[6] not in (1, 2, 3):
        raise DamagedData("has no header that is known here")
    width = 2 if data[6] == 1 else 4
    start = 8 + width
    length = int.from_bytes(data[8:start], "little")
    match = _HEADER.fullmatch(data[start : start + length]) if length <= _MAX_HEADER else None
    if match is None:
        raise DamagedData("is not one of plain numbers")
    shape = tuple(int(part.strip(b" L")) for part in match[3].split(b",") if part.strip())
    if not is_shape(shape):
        raise DamagedData(f"has the shape {shortened(str(shape))}, which there is not")
    try:
        dtype = np.dtype(match[1].decode())
    except TypeError as error:  # "f1"
        raise DamagedData(f"has the type {match[1].decode()}, which there is not") from error
    return dtype, shape, match[2] == b"True", start + length
