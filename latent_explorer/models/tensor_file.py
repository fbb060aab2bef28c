# SPDX-License-Identifier: MIT
"""Strict reading and writing of the safetensors container: a length, a JSON table, raw tensors. Nothing is executed.

This reader streams, unlike the library's: every tensor is checked, hashed and widened to fp32 in pieces, so reading
never takes more memory than the tensors it returns.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import torch
from torch import Tensor

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.format import size_text
from latent_explorer.common.guarded_files import open_regular
from latent_explorer.common.paths import atomic_output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from io import BufferedReader

DTYPES = {"F16": torch.float16, "F32": torch.float32, "I64": torch.int64, "U8": torch.uint8}
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
MAX_HEADER_BYTES = 4 << 20
PIECE = 1 << 20  # bytes read at a time
METADATA = "__metadata__"


class TensorInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Row of the table."""

    dtype: Literal["F16", "F32", "I64", "U8"]
    shape: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0)], ...], msgspec.Meta(max_length=8)]
    data_offsets: tuple[int, int]  # bytes from the end of the header

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * DTYPES[self.dtype].itemsize


class TensorFile:
    """Open safetensors file, its table checked against its size. Use it as a context manager.

    Raises UserError, naming the file, for anything that is not a sound safetensors file. `kind` names the expected
    content in messages: "explainer", "classifier".
    """

    def __init__(self, path: str | os.PathLike[str], kind: str = "explainer") -> None:
        self.path = Path(path)
        self._kind = kind
        self._file = _open_regular(self.path, kind)
        try:
            self.size = os.fstat(self._file.fileno()).st_size
            self.metadata, self.tensors = self._read_table()
        except BaseException:
            self._file.close()
            raise
        self._piece = bytearray(PIECE)

    def __enter__(self) -> TensorFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def read(self, name: str, *sinks: Callable[[memoryview], None]) -> Tensor:
        """Return one tensor, floating-point ones as fp32; pass its stored bytes to the sinks, in pieces.

        Raises UserError when a value is not a finite number or the file ends early.
        """
        info = self.tensors[name]
        stored = DTYPES[info.dtype]
        out = torch.empty(info.shape, dtype=torch.float32 if stored.is_floating_point else stored)
        flat = out.view(-1)
        self._file.seek(self._start + info.data_offsets[0])
        step = PIECE // stored.itemsize
        for first in range(0, len(flat), step):
            count = min(step, len(flat) - first)
            piece = memoryview(self._piece)[: count * stored.itemsize]
            if self._file.readinto(piece) != len(piece):
                raise self._damaged("it ends early")
            for sink in sinks:
                sink(piece)
            values = torch.frombuffer(piece, dtype=stored)
            if not values.isfinite().all():
                raise self._damaged(f"{name} holds values that are not finite numbers")
            flat[first : first + count] = values
        return out

    def _read_table(self) -> tuple[dict[str, str], dict[str, TensorInfo]]:
        prefix = self._file.read(8)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < 8 or length < 2 or length > self.size - 8:
            raise self._not_ours("its header is longer than the file")
        if length > MAX_HEADER_BYTES:
            raise self._not_ours(f"its header of {size_text(length)} is too large")
        raw = self._file.read(length)
        text = raw.rstrip(b" ")  # the only padding that the format allows
        if not (text.startswith(b"{") and text.endswith(b"}")):
            raise self._not_ours("it has no header")
        try:
            rows = guarded_json.decode(text, dict[str, msgspec.Raw])
            metadata = guarded_json.decode(rows.pop(METADATA, msgspec.Raw(b"{}")), dict[str, str])
            table = {name: guarded_json.decode(row, TensorInfo) for name, row in rows.items()}
        except DamagedData as error:
            raise self._not_ours(f"its header cannot be read ({error})") from error
        self._start = 8 + length
        self._check_offsets(table)
        return metadata, table

    def _check_offsets(self, table: Mapping[str, TensorInfo]) -> None:
        """Check that tensors fill the rest of the file without holes or overlaps, each as long as its shape."""
        end = 0
        for name, info in sorted(table.items(), key=lambda row: row[1].data_offsets):
            first, last = info.data_offsets
            if first != end or last - first != info.nbytes:
                raise self._damaged(f"the place of {name} in it is wrong")
            end = last
        if end != self.size - self._start:
            raise self._damaged(f"it holds {self.size - self._start} bytes of tensors where its header says {end}")

    def _damaged(self, why: str) -> UserError:
        return UserError(f"{self.path} is damaged: {why}. Copy or download it again.")

    def _not_ours(self, why: str) -> UserError:
        return unreadable(self.path, self._kind, why, suffix=f".{self._kind}", empty=self.size == 0)


def write_tensor_file(path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write CPU tensors of the dtypes in DTYPES, completely or not at all. Equal content gives equal bytes.

    Raises UserError when the file cannot be written or a value is not a finite number.
    """
    # Widest first, as in the library: keeps every tensor aligned.
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    rows: dict[str, object] = {METADATA: dict(metadata)}
    end = 0
    for name in names:
        tensor = tensors[name]
        if not tensor.isfinite().all():
            raise UserError(
                f"{path} was not written: {name} holds values that are infinite or not numbers (above 65504 "
                "in half precision). The training has diverged; export an earlier checkpoint."
            )
        first, end = end, end + tensor.nbytes
        rows[name] = TensorInfo(DTYPE_NAMES[tensor.dtype], tuple(tensor.shape), (first, end))  # type: ignore[arg-type]
    header = msgspec.json.encode(rows)
    header += b" " * (-len(header) % 8)
    if len(header) > MAX_HEADER_BYTES:
        raise UserError(
            f"{path} was not written: its header would take {size_text(len(header))}. Shorten its notes and figures."
        )
    with atomic_output(path) as temporary, temporary.open("wb") as file:
        file.write(len(header).to_bytes(8, "little"))
        file.write(header)
        for name in names:
            file.write(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().data)


def _open_regular(path: Path, kind: str) -> BufferedReader:
    """Open a regular file only: opening a pipe or a device could block for ever."""
    try:
        return open_regular(path)
    except DamagedData as error:
        raise UserError(f"{path} cannot be opened: {error}. Choose a file that ends in .{kind}.") from error
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}. Check the path.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be opened: {error}. Check that you may read it.") from error
