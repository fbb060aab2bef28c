# SPDX-License-Identifier: MIT
"""Sources of pictures: a folder tree or a zip file, read in place. Nothing is unpacked to disk."""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import size_text
from latent_explorer.data.images import MAX_FILE_BYTES, is_image_name

if TYPE_CHECKING:
    from collections.abc import Sequence

LABELS = "labels.csv"
TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
WORKBOOK_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
MAX_DEPTH = 200  # of folders in one another
NAMED = 3  # most files named in a note
# Methods of packing by their numbers in a zip, of those that are not read here.
_METHODS = {
    1: "Shrink", 6: "Implode", 9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 96: "JPEG",
    97: "WavPack", 98: "PPMd", 99: "AES",
}  # fmt: skip
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
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
        self.tables: list[str] = []  # .csv, .tsv and .txt files, nearest to the top first
        self.workbooks: list[str] = []
        self.notes: list[str] = []  # sentences about what could not be looked at
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
            if suffix in WORKBOOK_SUFFIXES:
                self.workbooks.append(name)

    def _note(self, names: Sequence[str], one: str, many: str) -> None:
        """Note how many files or folders are left out for a reason, with the names of some."""
        if names:
            some = ", ".join(names[:NAMED]) + (" ..." if len(names) > NAMED else "")
            self.notes.append(f"{len(names):,} {one if len(names) == 1 else many}: {some}")

    def _sort(self) -> None:
        self.names.sort()
        self.tables.sort(key=lambda name: (name.count("/"), name))

    def read(self, name: str) -> bytes:
        """Return the bytes of a picture or table. Raises UserError when it cannot be read."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the archive, if any."""


class FolderSource(Source):
    """Folder and everything below it. Links that lead out of it or nowhere are left out, and so is what is locked."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.zips: list[Path] = []
        self._root = path.resolve()
        links: list[str] = []
        locked: list[str] = []
        deep: list[str] = []
        todo = [""]  # folders, relative; "" or ending in "/"
        while todo:
            top = todo.pop()
            if top.count("/") > MAX_DEPTH:
                deep.append(f"{top[:60]}...")
                continue
            try:
                todo += self._list(top, links)
            except OSError as error:
                if not top:
                    raise UserError(f"{path} cannot be read: {error.strerror}. Check that you may read it.") from error
                locked.append(f"{top[:-1]} ({error.strerror})")
        for found in (links, locked, deep):
            found.sort()
        self._note(
            links,
            "link that leads to nothing in the folder is left out",
            "links that lead to nothing in the folder are left out",
        )
        self._note(locked, "folder that cannot be read is left out", "folders that cannot be read are left out")
        self._note(
            deep,
            f"folder in more than {MAX_DEPTH} others is left out",
            f"folders in more than {MAX_DEPTH} others are left out",
        )
        self._sort()

    def _list(self, top: str, links: list[str]) -> list[str]:
        """Add the files of the folder `top`, and bad links to `links`. Return the folders in it.

        Each entry is looked at once, without a `Path`: a data set may have hundreds of thousands.
        """
        folders = []
        with os.scandir(self._root / top) as entries:
            for entry in entries:
                if _hidden(entry.name):
                    continue
                if entry.is_symlink() and not _leads_inside(Path(entry.path), self._root):
                    links.append(top + entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(f"{top}{entry.name}/")
                elif entry.is_file():  # not a pipe or a device, which could block for ever
                    name = top + entry.name
                    if os.path.splitext(name)[1].lower() == ".zip":
                        self.zips.append(self._root / name)
                    else:
                        self._add(name, _is_text(name))
        return folders

    def read(self, name: str) -> bytes:
        return read_file(self._root / name)


class ZipSource(Source):
    """Zip file, read one member at a time, none larger than a picture may be."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._zip = zipfile.ZipFile(path)  # noqa: TID251  # checked below, member by member
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
        foreign: list[str] = []
        for info in infos:
            name, known = _name_of(info)
            parts = name.split("/")
            if info.is_dir() or any(_hidden(part) for part in parts if part != ".."):
                continue
            self._check(info, name, parts)
            self._members[name] = info
            self._add(name)
            if not known:
                foreign.append(name)
        self._sort()
        self._note(
            foreign,
            "name in the zip is in an old code page and shown with wrong letters (packed as UTF-8 it is right)",
            "names in the zip are in an old code page and shown with wrong letters (packed as UTF-8 they are right)",
        )
        strange = [name for name in self.names if self._members[name].compress_type not in _READABLE]
        if strange and len(strange) == len(self.names):
            raise UserError(f"{self.path} {_unreadable_method(self._members[strange[0]])}")

    def _check(self, info: zipfile.ZipInfo, name: str, parts: list[str]) -> None:
        """Refuse members that only an attack or a broken program would write."""
        if name.startswith("/") or re.match("[A-Za-z]:(/|$)", name) or ".." in parts:
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
        info = self._members[name]
        if info.compress_type not in _READABLE:
            raise UserError(f"{name} in {self.path} {_unreadable_method(info)}") from NotImplementedError()
        try:
            return self._zip.read(info)
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


def _name_of(info: zipfile.ZipInfo) -> tuple[str, bool]:
    """Return a member's name with "/", and whether its letters are known: not if it is in an old code page."""
    name = info.filename.replace("\\", "/")
    if info.flag_bits & 0x800 or name.isascii():
        return name, True
    try:  # zipfile takes the code page 437; many programs write UTF-8 without saying so
        return name.encode("cp437").decode("utf-8"), True
    except UnicodeError:
        return name, False


def _unreadable_method(info: zipfile.ZipInfo) -> str:
    method = _METHODS.get(info.compress_type, f"method {info.compress_type}")
    return f"is packed with {method}, which is not read here. Unpack it, or pack it again with Deflate."


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


def _leads_inside(path: Path, root: Path) -> bool:
    """Return True if a link leads to something in `root`."""
    try:
        return path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # it leads nowhere or to itself
        return False
