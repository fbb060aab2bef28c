# SPDX-License-Identifier: MIT
"""Find the table of labels of a source, and match its rows to the pictures; name the tables that are not used."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from latent_explorer.common.csv_table import read_table
from latent_explorer.common.errors import UserError
from latent_explorer.data import labels as tables
from latent_explorer.data.images import SUFFIXES
from latent_explorer.data.sources import LABELS, TABLE_SUFFIXES, WORKBOOK_SUFFIXES, Source, read_file

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TABLES = 12  # tables of other names that are looked into, each only at its beginning
MAX_DEPTH = 5  # last folders of a path that are compared
SNIFFED_BYTES, SNIFFED_ROWS = 1 << 16, 40
# "labels (1).csv", "Label.CSV", "labels.csv.txt", "labels-copy.tsv"
_SPELLINGS = re.compile(
    r"(?i)labels?([ _-]*(\(\d+\)|copy|final|new|v?\d+))*(\.(csv|tsv|tab|txt))+|labels?\.(xlsx|xlsm|xls|ods|numbers)"
)


@dataclass(frozen=True)
class LabelTable:
    """Table of labels, with the picture that each row is about, or None. `how` says what of the paths was compared."""

    name: str
    columns: tables.Columns
    pictures: Sequence[str | None]
    how: str = ""


@dataclass(frozen=True)
class _Candidate:
    name: str  # for messages
    folder: str  # in the source; "" beside it
    read: Callable[[], bytes]
    inside: bool

    @property
    def exact(self) -> bool:
        return posixpath.basename(self.name) == LABELS


def find_table(source: Source) -> tuple[LabelTable | None, list[str]]:
    """Return the table inside the source, or else beside it, that names its pictures; and notes on those not used.

    Raises UserError for a labels.csv inside that cannot be read or names none of the pictures, and for one beside that
    cannot be read.
    """
    notes: list[str] = []
    found: LabelTable | None = None
    inside, beside = _spellings_of_labels(source)
    for each in (*inside, *beside):
        if found is not None:
            notes += [f"{each.name} is not used: {found.name} is."] if _names_pictures(each, source.names) else []
            continue
        try:
            columns = tables.read_labels(each.read(), each.name)
            found = _matched(each, columns, source.names)
        except UserError as error:
            if each.exact:
                raise
            if _names_pictures(each, source.names):
                notes.append(f"{each.name} is not used. {error}")
            continue
        if found is None:
            problem = _names_none(each, columns, source)
            if each.exact and each.inside:
                raise UserError(problem)
            notes.append(f"{problem} It is not used.")
    notes += _workbooks(source, any_name=found is None)
    if found is None:
        notes += _other_tables(source)
    return found, notes


def _names_none(each: _Candidate, columns: tables.Columns, source: Source) -> str:
    place = f" in {source.path}" if each.inside else ""
    encoding = "" if all(name.isascii() for name in columns["file"][:1]) else " If letters are wrong, save it as UTF-8."
    return (
        f"{each.name}{place} names none of the pictures there; its first is {columns['file'][:1]}. "
        f"The column 'file' must say names like {source.names[0]}.{encoding}"
    )


def _spellings_of_labels(source: Source) -> tuple[list[_Candidate], list[_Candidate]]:
    """Return the files inside and beside the source that are called labels.csv, and then those nearly called so."""
    inside = [
        _inside(source, name) for name in source.tables if _SPELLINGS.fullmatch(posixpath.basename(name)) is not None
    ]
    beside = [
        _beside(path) for path in _files_beside(source) if _is_table(path.name) and _SPELLINGS.fullmatch(path.name)
    ]
    for found in (inside, beside):
        found.sort(key=lambda each: (not each.exact, each.name.count("/")))
    return inside[:MAX_TABLES], beside[:MAX_TABLES]


def _inside(source: Source, name: str) -> _Candidate:
    return _Candidate(name, posixpath.dirname(name), lambda: source.read(name), True)


def _beside(path: Path) -> _Candidate:
    return _Candidate(str(path), "", lambda: read_file(path), False)


def _is_table(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in TABLE_SUFFIXES


def _files_beside(source: Source) -> list[Path]:
    try:
        with os.scandir(source.path.resolve().parent) as entries:
            return sorted(Path(entry.path) for entry in entries if not entry.name.startswith(".") and entry.is_file())
    except OSError:
        return []


def _workbooks(source: Source, *, any_name: bool) -> list[str]:
    """Say how a workbook becomes a table of labels: one called labels, or of any name (inside) if there is no table."""
    beside = [path for path in _files_beside(source) if path.suffix.lower() in WORKBOOK_SUFFIXES]
    own = source.path.stem.casefold()
    names = [name for name in source.workbooks if any_name or _SPELLINGS.fullmatch(posixpath.basename(name))]
    names += [str(path) for path in beside if _SPELLINGS.fullmatch(path.name) or path.stem.casefold() == own]
    return [
        f"{name} is a workbook and is not read: if it holds the labels, save its sheet as CSV (UTF-8) called {LABELS}."
        for name in names[:MAX_TABLES]
    ]


def _other_tables(source: Source) -> list[str]:
    """Name the tables of other names that speak of these pictures."""
    inside = [_inside(source, name) for name in source.tables[:MAX_TABLES]]
    beside = [_beside(path) for path in _files_beside(source) if path.suffix.lower() in (".csv", ".tsv", ".tab")]
    return [
        f"{each.name} speaks of these pictures and is not used: labels are read from a table called {LABELS}, whose "
        "first line names its columns, one of them 'file'."
        for each in (*inside, *beside[:MAX_TABLES])
        if not _SPELLINGS.fullmatch(posixpath.basename(each.name)) and _names_pictures(each, source.names)
    ]


def _names_pictures(each: _Candidate, names: Sequence[str]) -> bool:
    """Return True if a cell at the beginning of a table is the name of a picture, with or without its ending."""
    try:
        data = each.read()[:SNIFFED_BYTES]
        rows = read_table(data[: data.rfind(b"\n") + 1] or data, each.name)
    except UserError:
        return False
    cells = (posixpath.basename(_path(cell)).casefold() for row in rows[:SNIFFED_ROWS] for cell in row if cell.strip())
    plain = [cell for cell in cells if not cell.isdigit()]  # numbers may be anything
    stems = {posixpath.splitext(cell)[0] for cell in plain}
    return any(_stem_of(name) in stems for name in names)


def _stem_of(name: str) -> str:
    stem = name.rpartition("/")[2].rpartition(".")[0]
    return unicodedata.normalize("NFC", stem).casefold()


def _path(cell: str) -> str:
    return unicodedata.normalize("NFC", cell).strip().replace("\\", "/").removeprefix("./")


def _matched(each: _Candidate, columns: tables.Columns, names: Sequence[str]) -> LabelTable | None:
    """Match the rows to pictures: by whole paths, else by what the ends of the paths have in common."""
    files = columns["file"]
    spelt = [unicodedata.normalize("NFC", name) for name in names]
    best: list[str | None] = []
    how, most = "", 0
    for change, key_of_name, key_of_file in _comparisons(each.folder):
        pictures = _by_key(names, [key_of_name(name) for name in spelt], [key_of_file(file) for file in files])
        matched = sum(name is not None for name in pictures)
        # Ends of paths agree by accident, too: half of the rows or of the pictures must.
        if matched > most and (not change or 2 * matched >= min(len(files), len(names))):
            best, most, how = pictures, matched, change
        if most == len(files) or (not how and 2 * most >= len(files)):
            break
    return LabelTable(each.name, columns, best, f", matched {how}" if how else "") if most else None


def _comparisons(folder: str) -> Iterator[tuple[str, Callable[[str], str], Callable[[str], str]]]:
    """Yield ways to compare the path of a picture with that of a row, strictest first, each with its description."""

    def same(path: str) -> str:
        return path

    def without_ending(path: str) -> str:
        # A row may have none, and then a point in it is no ending.
        stem, ending = posixpath.splitext(path)
        return (stem if ending.lower() in SUFFIXES else path).casefold()

    yield "", same, same
    if folder:
        yield "", same, lambda file: f"{folder}/{file}"
    for text, change in (("", same), ("whatever the capitals", str.casefold), ("without endings", without_ending)):
        for depth in range(MAX_DEPTH, 0, -1):
            end = "by file names" if depth == 1 else "by the ends of paths"

            def key(path: str, change: Callable[[str], str] = change, depth: int = depth) -> str:
                return "/".join(change(path).rsplit("/", depth)[-depth:])

            yield f"{end} {text}".strip(), key, key


def _by_key(names: Sequence[str], keys: Sequence[str], wanted: Sequence[str]) -> list[str | None]:
    """Return the name with each wanted key, or None; only None if a wanted key is that of several names or rows."""
    found: dict[str, str | None] = {}
    for name, key in zip(names, keys, strict=True):
        found[key] = None if key in found else name
    pictures = [found.get(key) for key in wanted]
    taken = [name for name in pictures if name is not None]
    ambiguous = any(key in found and found[key] is None for key in wanted)
    return [None] * len(wanted) if ambiguous or len(set(taken)) < len(taken) else pictures
