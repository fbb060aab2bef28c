# SPDX-License-Identifier: MIT
"""Open checkpoints of other programs: torch's two formats, plain pickles and safetensors, without torch.

The content becomes plain values (see `pickle_values`); tensors stay in the file until they are asked for.
"""

from __future__ import annotations

import math
import os
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import numpy as np

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.common.guarded_arrays import is_shape
from latent_explorer.common.guarded_files import open_regular
from latent_explorer.common.guarded_zip import GuardedZip
from latent_explorer.models.importers.exported_program import MAX_MEMBERS, program_prefix, stored_weights
from latent_explorer.models.importers.pickle_values import (
    Budget,
    Global,
    Storage,
    StoredTensor,
    described,
    read_pickle,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_HEADER_BYTES = 64 << 20  # of a safetensors file
MAX_RATIO = 1.25  # of the tensors that are read to their file: some networks use a tensor twice
ALWAYS_ALLOWED = 16 << 20  # bytes of tensors that may be read whatever the ratio
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
LOAD_FROM_BYTES = Global("torch.storage", "_load_from_bytes")

# torch's names of number types, as numpy reads them; bfloat16 as the upper half of a float32.
DTYPES = {
    "float64": "<f8", "float32": "<f4", "float16": "<f2", "bfloat16": "<u2", "int64": "<i8", "int32": "<i4",
    "int16": "<i2", "int8": "<i1", "uint8": "<u1", "bool": "<u1",
}  # fmt: skip
_STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "UntypedStorage": "",
}  # fmt: skip
_SAFETENSORS = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


class Checkpoint:
    """An open checkpoint. `content` holds its values, with `StoredTensor` or numpy arrays for tensors.

    Use it as a context manager. Raises UserError, naming the file, for a file of another kind or a damaged one.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.metadata: dict[str, str] = {}  # of a safetensors file
        try:
            self._file = open_regular(self.path)
        except FileNotFoundError as error:
            raise UserError(f"There is no file {self.path}. Check the path.") from error
        except (DamagedData, OSError) as error:
            raise self._refused(error) from error
        self._zip: GuardedZip | None = None
        self._prefix = ""
        self._places: dict[str, tuple[int, int]] = {}  # storage key -> first byte, bytes, of formats without a zip
        self._last: tuple[str, bytes] = ("", b"")
        try:
            self.size = os.fstat(self._file.fileno()).st_size
            self._budget = Budget(self.size)
            self._left = ALWAYS_ALLOWED + int(MAX_RATIO * self.size)  # bytes of tensors that may still be read
            self.content = self._read()
        except BaseException as error:
            self.close()
            if isinstance(error, (DamagedData, OSError)):
                raise self._refused(error) from error
            raise

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        if self._zip is not None:
            self._zip.close()
        self._file.close()

    def read(self, tensor: StoredTensor | np.ndarray) -> np.ndarray:
        """Return the numbers of one tensor: floating-point ones as float32, others as int64.

        Raises UserError when they are not all in the file, or not finite, and when tensors that share their numbers are
        far larger together than the file.
        """
        try:
            values = self._array(tensor) if isinstance(tensor, np.ndarray) else self._stored(tensor)
        except (DamagedData, OSError) as error:
            raise self._refused(error) from error
        if values.dtype.kind == "f":
            if values.dtype.itemsize == 8 and values.size and np.abs(values).max() > np.finfo(np.float32).max:
                raise self._refused("it holds numbers that are too large")
            values = values.astype(np.float32)
            if not np.isfinite(values).all():
                raise self._refused("it holds values that are not finite numbers")
            return values
        return values.astype(np.int64)

    def _read(self) -> Any:
        head = self._file.read(512)
        self._file.seek(0)
        if head[:2] == b"PK":
            return self._read_zip()
        if len(head) > 9 and head[8:9] == b"{":
            return self._read_safetensors()
        if head[:1] == b"\x80" or head[:1] in b"(]}c":
            return self._read_pickles()
        raise DamagedData("it is empty" if not head else "its first bytes are those of no known format")

    # -------------------------------------------------------------------------------------------- torch's zip

    def _read_zip(self) -> Any:
        self._zip = archive = GuardedZip(self.path, MAX_MEMBERS)
        exported = program_prefix(archive)
        pickles = [name for name in archive.names if name.count("/") == 1 and name.endswith("/data.pkl")]
        if exported is None and len(pickles) != 1:
            raise DamagedData("it is a zip file, but not one that torch.save wrote")
        self._prefix = pickles[0].removesuffix("data.pkl") if exported is None else exported
        order = f"{self._prefix}byteorder"
        if order in archive.names and archive.read(order, 100).strip() == b"big":
            raise DamagedData("it was written on a machine of another byte order")
        if exported is not None:
            return stored_weights(archive, exported)
        data = archive.read(pickles[0], self.size)
        return read_pickle(BytesIO(data), len(data), _persistent, budget=self._budget)

    # ------------------------------------------------------------------------- pickles, and torch's format before 1.6

    def _read_pickles(self) -> Any:
        nested = partial(_nested_storage, budget=self._budget)
        first = read_pickle(self._file, self.size, _persistent, {LOAD_FROM_BYTES: nested}, self._budget)
        if not (isinstance(first, int) and first == LEGACY_MAGIC):
            return first
        content, self._places = _read_legacy(self._file, self.size, self._budget)
        return content

    # -------------------------------------------------------------------------------------------- safetensors

    def _read_safetensors(self) -> dict[str, StoredTensor]:
        length = int.from_bytes(self._file.read(8), "little")
        if length > min(self.size - 8, MAX_HEADER_BYTES):
            raise DamagedData("its header is longer than the file, or too long")
        rows = guarded_json.decode(self._file.read(length), dict[str, msgspec.Raw], max_bytes=MAX_HEADER_BYTES)
        self.metadata = guarded_json.decode(rows.pop("__metadata__", msgspec.Raw(b"{}")), dict[str, str])
        table = {name: guarded_json.decode(row, _SafetensorsRow) for name, row in rows.items()}
        content = {}
        for name, row in table.items():
            if row.dtype not in _SAFETENSORS:
                raise DamagedData(f"{name[:100]} is of the type {row.dtype[:20]}, which is not read")
            first, last = row.data_offsets
            dtype = _SAFETENSORS[row.dtype]
            count = math.prod(row.shape) if is_shape(row.shape) else -1
            if not 0 <= first <= last <= self.size - 8 - length or last - first != count * _itemsize(dtype):
                raise DamagedData(f"the place of {name[:100]} in it is wrong")
            self._places[name] = (8 + length + first, last - first)
            content[name] = StoredTensor(Storage(name, dtype, count), dtype, 0, row.shape, _contiguous(row.shape))
        end = 0
        for first, last in sorted(row.data_offsets for row in table.values()):
            if first < last and first < end:
                raise DamagedData("tensors in it overlap")
            end = max(end, last)
        return content

    # -------------------------------------------------------------------------------------------- numbers

    def _stored(self, tensor: StoredTensor) -> np.ndarray:
        dtype = tensor.dtype
        if dtype not in DTYPES:
            raise DamagedData(f"it holds numbers of the type {dtype[:20]!r}, which is not read")
        data = np.frombuffer(self._storage(tensor.storage), np.uint8)
        item = _itemsize(dtype)
        values = data[: len(data) // item * item].view(DTYPES[dtype])
        last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride, strict=True))
        count = math.prod(tensor.shape)
        if count and not (0 <= tensor.offset <= last < len(values) and count <= len(values)):
            raise DamagedData("a tensor reaches beyond its numbers in the file")
        self._take(count * item)
        strides = tuple(s * item for s in tensor.stride)
        view = np.lib.stride_tricks.as_strided(values[tensor.offset :] if count else values, tensor.shape, strides)
        if dtype == "bfloat16":
            return (view.astype(np.uint32) << 16).view(np.float32)
        return view

    def _array(self, array: np.ndarray) -> np.ndarray:
        """Return an array of a pickle. Many may share their bytes, and each is copied beside those in memory."""
        self._take(int(MAX_RATIO * array.nbytes))
        return array

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise DamagedData("its tensors are far larger than the file")

    def _storage(self, storage: Storage) -> bytes | memoryview:
        if storage.data is not None:
            return storage.data
        if self._last[0] == storage.key:  # several tensors of one storage follow each other
            return self._last[1]
        if self._zip is not None:
            data = self._zip.read(f"{self._prefix}data/{storage.key}", self.size)
        elif storage.key in self._places:
            first, length = self._places[storage.key]
            self._file.seek(first)
            data = self._file.read(length)
            if len(data) < length:
                raise DamagedData("it ends early")
        else:
            raise DamagedData(f"the numbers {storage.key[:50]} are missing")
        self._last = (storage.key, data)
        return data

    def _refused(self, why: Exception | str) -> UserError:
        return UserError(
            f"{self.path} cannot be read: {why}. Choose a checkpoint (.pt, .pth, .pkl, .safetensors), or get it again."
        )


class _SafetensorsRow(msgspec.Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def _itemsize(dtype: str) -> int:
    return int(DTYPES[dtype][-1])


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def _persistent(identity: Any) -> Any:
    """Return the storage, or the class of a module, that torch's persistent id names."""
    if isinstance(identity, tuple) and len(identity) >= 2 and identity[0] == "module":
        return identity[1]
    if not (isinstance(identity, tuple) and len(identity) >= 5 and identity[0] == "storage"):
        raise DamagedData("its pickle refers to data in a way that torch does not")
    _, kind, key, _, numel, *view = identity
    name = kind.name if isinstance(kind, Global) else ""
    if name not in _STORAGES or not (isinstance(key, str) and isinstance(numel, int) and numel >= 0):
        raise DamagedData(f"it holds numbers of {described(kind)}, which is not read")
    if view and view[0] is not None:
        raise DamagedData("it holds views of storages, as torch wrote them before 1.6; save it again")
    return Storage(key, _STORAGES[name], numel)


def _read_legacy(file: BinaryIO, size: int, budget: Budget) -> tuple[Any, dict[str, tuple[int, int]]]:
    """Read torch's format before 1.6, behind its magic number: the content, and where the numbers of storages lie."""
    version = read_pickle(file, size, budget=budget)
    if not (isinstance(version, int) and version == LEGACY_PROTOCOL):
        raise DamagedData("it is of an unknown version of torch's format")
    read_pickle(file, size, budget=budget)  # about the system that wrote it
    storages: dict[str, Storage] = {}

    def persistent(identity: Any) -> Any:
        found = _persistent(identity)
        if isinstance(found, Storage):
            storages[found.key] = found
        return found

    content = read_pickle(file, size, persistent, budget=budget)
    return content, dict(_legacy_places(file, size, storages, budget))


def _nested_storage(args: tuple[Any, ...], budget: Budget) -> Storage:
    """Return the storage that a plain pickle of tensors holds as the bytes of a file of its own."""
    data = args[0]
    if not isinstance(data, (bytes, bytearray)):
        raise DamagedData("it holds a tensor without its numbers")
    file = BytesIO(data)
    magic = read_pickle(file, len(data), budget=budget)
    known = isinstance(magic, int) and magic == LEGACY_MAGIC
    storage, places = _read_legacy(file, len(data), budget) if known else (None, {})
    if not isinstance(storage, Storage) or storage.key not in places:
        raise DamagedData("it holds a tensor without its numbers")
    first, length = places[storage.key]
    return storage._replace(data=memoryview(data)[first : first + length])


def _legacy_places(
    file: BinaryIO, size: int, storages: dict[str, Storage], budget: Budget
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield where the numbers of each storage lie: a list of keys, then a count and the numbers of each."""
    keys = read_pickle(file, size, budget=budget)
    for key in keys if isinstance(keys, list) else ():
        if not isinstance(key, str) or key not in storages or not storages[key].dtype:
            raise DamagedData("its list of numbers is damaged")
        count = int.from_bytes(file.read(8), "little")
        length = count * _itemsize(storages[key].dtype)
        if length > size - file.tell():
            raise DamagedData("it ends early")
        yield key, (file.tell(), length)
        file.seek(length, os.SEEK_CUR)
