# SPDX-License-Identifier: MIT
"""Sources of pictures: a folder tree or a zip file, read in place. Nothing is unpacked to disk."""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections import Counter
from pathlib import Path

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import size_text
from latent_explorer.data.images import MAX_FILE_BYTES, is_image_name

LABELS = "labels.csv"
TABLE_SUFFIXES = (".csv", ".txt")
MAX_FILES = 5_000_000
# Folders and files that systems make, in small letters; besides all whose name begins with a point.
_MACHINE = frozenset([
    "__macosx", "network trash folder", "temporary items", "icon\r",  # macOS
    "$recycle.bin", "recycler", "recycled", "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini",
    "lost+found", "lost.dir", "aquota.user", "aquota.group",  # Linux, Android
    "@eadir", "#recycle", "#snapshot", "@tmp", "@sharebin", "@recycle", "@recently-snapshot", "@__thumb",  # NAS
    "__pycache__",
])  # fmt: skip
_MACHINE_PATTERN = re.compile(
    r"(?i)found\.\d{3}|synophoto_.*|synoindex_.*|thumbs\.db:.*|ehthumbs.*\.db|.*@synoeastream"
)


class Source:
    """Named files of a folder or zip. Names use '/' and are relative to the source."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: list[str] = []  # pictures, sorted
        self.tables: list[str] = []  # .csv and .txt files, nearest to the top first
        self.other: Counter[str] = Counter()  # ending -> number of files that were ignored

    def _add(self, name: str, usable: bool = True) -> None:
        """Add the file `name` to the pictures (if usable), the tables or the others."""
        suffix = os.path.splitext(name)[1].lower()
        if is_image_name(name) and usable:
            self.names.append(name)
        elif suffix in TABLE_SUFFIXES:
            self.tables.append(name)
        else:
            self.other[suffix] += 1

    def _sort(self) -> None:
        self.names.sort()
        self.tables.sort(key=lambda name: (name.count("/"), name))

    def read(self, name: str) -> bytes:
        """Return the bytes of a picture or table. Raises UserError when it cannot be read."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the archive, if any."""


class FolderSource(Source):
    """Folder and everything below it. Links that lead out of it are refused."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.zips: list[Path] = []
        self._root = path.resolve()
        self._list("")
        self._sort()

    def _list(self, top: str) -> None:
        """Add the files in and below the folder `top` (relative, "" or ending in "/").

        Each entry is looked at once, without a `Path`: a data set may have hundreds of thousands.
        """
        folders = []
        try:
            with os.scandir(self._root / top) as entries:
                for entry in entries:
                    if _hidden(entry.name):
                        continue
                    if entry.is_symlink():
                        _refuse_outside(Path(entry.path), self._root)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(f"{top}{entry.name}/")
                    elif entry.is_file():  # not a pipe or a device, which could block for ever
                        name = top + entry.name
                        if os.path.splitext(name)[1].lower() == ".zip":
                            self.zips.append(self._root / name)
                        else:
                            self._add(name, _is_text(name))
        except OSError as error:
            raise UserError(
                f"{error.filename} cannot be read: {error.strerror}. Check that you may read it."
            ) from error
        for folder in folders:
            self._list(folder)

    def read(self, name: str) -> bytes:
        return read_file(self._root / name)


class ZipSource(Source):
    """Zip file, read one member at a time, none larger than a picture may be."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
            raise UserError(
                f"{path} cannot be read as a zip file: {error}. Make it again, or unpack it and give the folder."
            ) from error
        try:
            self._list()
        except UserError:
            self._zip.close()
            raise

    def _list(self) -> None:
        self._members: dict[str, zipfile.ZipInfo] = {}
        infos = self._zip.infolist()
        if len(infos) > MAX_FILES:
            raise UserError(
                f"{self.path} lists {len(infos)} files, more than any picture collection. It was not opened."
            )
        for info in infos:
            name = info.filename.replace("\\", "/")
            parts = name.split("/")
            if info.is_dir() or any(_hidden(part) for part in parts if part != ".."):
                continue
            self._check(info, name, parts)
            self._members[name] = info
            self._add(name)
        self._sort()

    def _check(self, info: zipfile.ZipInfo, name: str, parts: list[str]) -> None:
        """Refuse members that only an attack or a broken program would write."""
        if name.startswith("/") or ":" in parts[0] or ".." in parts:
            self._refuse(name, "points outside the archive")
        if stat.S_ISLNK(info.external_attr >> 16):
            self._refuse(name, "is a link")
        if info.flag_bits & 1:
            self._refuse(name, "is encrypted")
        if info.file_size > MAX_FILE_BYTES:
            self._refuse(name, f"would unpack to {size_text(info.file_size)}")
        if name in self._members:
            self._refuse(name, "occurs in it twice")

    def _refuse(self, name: str, reason: str) -> None:
        raise UserError(f"{self.path} was not opened: its member {name} {reason}. Make the zip file again without it.")

    def read(self, name: str) -> bytes:
        try:
            return self._zip.read(self._members[name])
        except Exception as error:  # each compression method raises errors of its own for damage
            raise UserError(f"{name} in {self.path} is damaged: {error}. Make the zip file again.") from error

    def close(self) -> None:
        self._zip.close()


def read_file(path: Path) -> bytes:
    """Return the bytes of a file of the data set or beside it. Raises UserError if it cannot be read or is huge."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UserError(
                f"{path} is larger than {size_text(MAX_FILE_BYTES)} and was not opened. Take it out of the folder."
            )
        return path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}. Check that it is there and that you may read it."
        ) from error


def _is_text(name: str) -> bool:
    """Return True if a name is text on one line: some systems allow any bytes and line breaks in names."""
    if "\n" in name:
        return False
    try:
        return name.isascii() or bool(name.encode())
    except UnicodeEncodeError:
        return False


def _hidden(name: str) -> bool:
    """Return True for files and folders that systems, and not people, make: thumbnails, recycle bins, leftovers."""
    return name.startswith((".", "~$")) or name.casefold() in _MACHINE or _MACHINE_PATTERN.fullmatch(name) is not None


def _refuse_outside(path: Path, root: Path) -> None:
    try:
        inside = path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link to itself
        inside = False
    if not inside:
        raise UserError(
            f"{path} is a link that does not lead to anything in {root}. Copy the file there, or remove the link."
        )
