# SPDX-License-Identifier: MIT
"""The one door for zip containers that anyone may have made: members by name, within sizes, never extracted."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

from latent_explorer.common.errors import DamagedData
from latent_explorer.common.format import size_text
from latent_explorer.common.guarded_files import open_regular
from latent_explorer.common.guarded_json import shortened

if TYPE_CHECKING:
    import os

_END, _END_BYTES, _MAX_COMMENT = b"PK\x05\x06", 22, 1 << 16
_ENTRY = b"PK\x01\x02"
_PIECE = 1 << 20  # bytes unpacked at a time: zipfile would put what it unpacked together once more
_MEMBER_BYTES = 4096  # of the directory, at most, for each allowed member


class GuardedZip:
    """Open zip file; use it as a context manager.

    Raises OSError if it cannot be opened, DamagedData for anything that is wrong with it.
    """

    def __init__(self, path: str | os.PathLike[str], max_members: int) -> None:
        self._file = open_regular(path)
        try:
            self._check_directory(max_members)
            self._zip = zipfile.ZipFile(self._file)
            self._members = {info.filename: info for info in self._zip.infolist()}
            if len(self._members) < len(self._zip.infolist()):
                raise DamagedData("it holds two parts of the same name")
            if len(self._members) > max_members:
                raise DamagedData(f"it holds more than {max_members} parts")
        except Exception as error:
            self._file.close()
            raise _reason(error) from error

    def __enter__(self) -> GuardedZip:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._zip.close()
        self._file.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members, in the order of the file."""
        return tuple(self._members)

    def size(self, name: str) -> int:
        """Return the unpacked size of a member, as the directory states it. Raises DamagedData if it is missing."""
        if name not in self._members:
            raise DamagedData(f"its part {name} is missing")
        return self._members[name].file_size

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return a member, whose stated size must be true and at most `max_bytes`; no more is ever unpacked."""
        size = self.size(name)
        if size > max_bytes:
            raise DamagedData(f"its part {shortened(name)} is larger than {size_text(max_bytes)}")
        data = BytesIO()
        try:
            with self._zip.open(self._members[name]) as stream:
                while data.tell() <= size and (piece := stream.read(min(_PIECE, size + 1 - data.tell()))):
                    data.write(piece)
        except Exception as error:  # each compression method raises errors of its own for damage
            raise _reason(error) from error
        if data.tell() != size:
            raise DamagedData(f"its part {shortened(name)} is not as long as it says")
        return data.getvalue()

    def _check_directory(self, max_members: int) -> None:
        """Raise DamagedData for a directory that would fill the memory when it is read."""
        size = self._file.seek(0, 2)
        self._file.seek(max(0, size - _MAX_COMMENT - _END_BYTES))
        tail = self._file.read()
        at = tail.rfind(_END)
        if at < 0 or len(tail) < at + _END_BYTES:
            raise DamagedData("it is not a zip file, or its end is missing")
        directory = int.from_bytes(tail[at + 12 : at + 16], "little")
        self._file.seek(max(0, size - len(tail) + at - directory))
        most = max_members * _MEMBER_BYTES
        if directory > most or self._file.read(directory).count(_ENTRY) > max_members:  # a part takes 1 kB in memory
            raise DamagedData(f"it holds more than {max_members} parts")
        self._file.seek(0)


def _reason(error: Exception) -> DamagedData:
    return error if isinstance(error, DamagedData) else DamagedData(shortened(str(error) or type(error).__name__))
