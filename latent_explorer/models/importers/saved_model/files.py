# SPDX-License-Identifier: MIT
"""Places that SavedModels lie in: a folder, or a zip file. Both are read by name, within sizes; links are refused."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Protocol

from latent_explorer.common.errors import DamagedData
from latent_explorer.common.guarded_files import open_regular
from latent_explorer.common.guarded_json import shortened
from latent_explorer.common.guarded_zip import GuardedZip

if TYPE_CHECKING:
    from pathlib import Path

INDEX = "variables/variables.index"
MAX_FILES = 5000
MAX_DEPTH = 6  # folders in each other
MAX_RATIO = 2  # of what is unpacked to the zip file; weights hardly compress
ALWAYS_ALLOWED = 32 << 20  # bytes that may be unpacked whatever the ratio


class Files(Protocol):
    """Files by name, with "/" between folders."""

    def names(self) -> list[str]:
        """Return the names of all files."""

    def size(self, name: str) -> int:
        """Return the bytes of a file. Raises DamagedData if it is missing."""

    def read(self, name: str, first: int = 0, length: int | None = None) -> bytes | memoryview:
        """Return a part of a file, to its end if no length is given. Raises DamagedData if it is shorter."""


class Folder:
    """Files of a folder and of those in it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        found: list[str] = []
        for folder, folders, files in os.walk(self._root):  # it follows no links
            inside = os.path.relpath(folder, self._root).replace(os.sep, "/")
            depth = 0 if inside == "." else inside.count("/") + 1
            if depth > MAX_DEPTH:
                raise DamagedData(f"it has folders in each other more than {MAX_DEPTH} deep")
            found += [name if inside == "." else f"{inside}/{name}" for name in files]
            if len(found) + len(folders) > MAX_FILES:
                raise DamagedData(f"it holds more than {MAX_FILES} files")
        return sorted(found)

    def size(self, name: str) -> int:
        return self._checked(name).stat().st_size

    def read(self, name: str, first: int = 0, length: int | None = None) -> bytes:
        path = self._checked(name)
        try:
            with open_regular(path) as file:
                left = os.fstat(file.fileno()).st_size - first
                wanted = left if length is None else length
                if wanted > left:  # before memory is taken
                    raise DamagedData(f"{shortened(name)} ends early")
                file.seek(first)
                return file.read(wanted)
        except OSError as error:
            raise DamagedData(f"{shortened(name)} cannot be read ({error})") from error

    def _checked(self, name: str) -> Path:
        """Return the path of an ordinary file within the folder; a link may lead anywhere."""
        path = self._root
        for part in name.split("/"):
            path = path / part
            if path.is_symlink():
                raise DamagedData(f"{shortened(name)} is a link, which is not followed")
        if not path.is_file():
            raise DamagedData(f"its file {shortened(name)} is missing")
        return path


class ZippedFiles:
    """Files of a zip file, which is opened for each; the last one is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: tuple[str, memoryview] = ("", memoryview(b""))
        with self._open() as archive:
            self._sizes = {name: archive.size(name) for name in archive.names if not name.endswith("/")}

    def names(self) -> list[str]:
        return sorted(self._sizes)

    def size(self, name: str) -> int:
        if name not in self._sizes:
            raise DamagedData(f"its file {shortened(name)} is missing")
        return self._sizes[name]

    def read(self, name: str, first: int = 0, length: int | None = None) -> memoryview:
        if self._last[0] != name:
            allowed = max(ALWAYS_ALLOWED, MAX_RATIO * self._path.stat().st_size)
            self._last = ("", memoryview(b""))
            with self._open() as archive:
                self._last = (name, memoryview(archive.read(name, allowed)))
        data = self._last[1]
        last = len(data) if length is None else first + length
        if last > len(data):
            raise DamagedData(f"{shortened(name)} ends early")
        return data[first:last]

    def _open(self) -> GuardedZip:
        try:
            return GuardedZip(self._path, MAX_FILES)
        except OSError as error:
            raise DamagedData(f"{self._path.name} cannot be read ({error})") from error


def saved_models(files: Files) -> list[str]:
    """Return the folders of SavedModels among files, each with "/" at its end; "" for the outermost one."""
    return [name.removesuffix(INDEX) for name in files.names() if re.fullmatch(rf"(.*/)?{INDEX}", name)]
