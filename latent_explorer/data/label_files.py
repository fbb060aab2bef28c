# SPDX-License-Identifier: MIT
"""Find the table of labels of a source, and match its rows to the pictures; name the tables that are not used."""

from __future__ import annotations

import functools
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
from latent_explorer.data.images import SUFFIXES, is_image_name
from latent_explorer.data.sources import LABELS, TABLE_SUFFIXES, WORKBOOK_SUFFIXES, Source, read_file

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TABLES = 12  # tables of other names that are looked into, each only at its beginning
MAX_DEPTH = 5  # last folders of a path that are compared
SNIFFED_BYTES, SNIFFED_ROWS = 1 << 16, 40
SURE = 3  # names without ending, which are words that may mean anything
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
    stems = _Stems(source.names)
    inside, beside = _spellings_of_labels(source)
    for each in (*inside, *beside):
        if found is not None:
            notes += [f"{each.name} is not used: {found.name} is."] if _names_pictures(each, stems) else []
            continue
        try:
            columns = tables.read_labels(each.read(), each.name)
            found = _matched(each, columns, source.names)
        except UserError as error:
            if each.exact:
                raise
            if _names_pictures(each, stems):
                notes.append(f"{each.name} is not used. {error}")
            continue
        if found is None:
            problem = _names_none(each, columns, source)
            if each.exact and each.inside:
                raise UserError(problem)
            notes.append(f"{problem} It is not used.")
    notes += _workbooks(source, any_name=found is None)
    if found is None:
        notes += _other_tables(source, stems)
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


def _other_tables(source: Source, stems: _Stems) -> list[str]:
    """Name the tables of other names that speak of these pictures."""
    inside = [_inside(source, name) for name in source.tables[:MAX_TABLES]]
    beside = [_beside(path) for path in _files_beside(source) if path.suffix.lower() in (".csv", ".tsv", ".tab")]
    return [
        f"{each.name} speaks of these pictures and is not used: labels are read from a table called {LABELS}, whose "
        "first line names its columns, one of them 'file'."
        for each in (*inside, *beside[:MAX_TABLES])
        if not _SPELLINGS.fullmatch(posixpath.basename(each.name)) and _names_pictures(each, stems)
    ]


def _names_pictures(each: _Candidate, stems: _Stems) -> bool:
    """Return True if cells at the beginning of a table are names of pictures: one with its ending, several without."""
    try:
        data = each.read()[:SNIFFED_BYTES]
        rows = read_table(data[: data.rfind(b"\n") + 1] or data, each.name)
    except UserError:
        return False
    cells = (posixpath.basename(_path(cell)).casefold() for row in rows[:SNIFFED_ROWS] for cell in row if cell.strip())
    # A line of a list may go on after the name; numbers alone may be anything.
    words = {word for cell in cells for word in (cell, cell.split()[0]) if not word.isdigit()}
    with_ending = {word for word in words if is_image_name(word)}
    if any(posixpath.splitext(word)[0] in stems.all for word in with_ending):
        return True
    return len((words - with_ending) & stems.all) >= min(SURE, len(stems.all))


class _Stems:
    """File names of the pictures without folder and ending, in small letters; made when first asked for."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    @functools.cached_property
    def all(self) -> set[str]:
        return {_stem_of(name) for name in self._names}


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
    for change, key_of_name, key_of_file in _comparisons(each.folder, spelt, files):
        pictures = _by_key(names, [key_of_name(name) for name in spelt], [key_of_file(file) for file in files])
        matched = sum(name is not None for name in pictures)
        # Ends of paths agree by accident, too: half of the rows or of the pictures must.
        if matched > most and (not change or 2 * matched >= min(len(files), len(names))):
            best, most, how = pictures, matched, change
        if most == len(files) or (not how and 2 * most >= len(files)):
            break
    return LabelTable(each.name, columns, best, f", matched {how}" if how else "") if most else None


def _comparisons(
    folder: str, names: Sequence[str], files: Sequence[str]
) -> Iterator[tuple[str, Callable[[str], str], Callable[[str], str]]]:
    """Yield ways to compare the path of a picture with that of a row, strictest first, each with its description."""
    yield "", _same, _same
    if folder:
        yield "", _same, lambda file: f"{folder}/{file}"
    depths = range(min(MAX_DEPTH, max((name.count("/") for name in names), default=0) + 1), 0, -1)
    changes = (("", _same), ("whatever the capitals", str.casefold), ("without endings", _without_ending))
    for text, change in changes:
        known = {change(name.rpartition("/")[2]) for name in names}
        if 2 * sum(change(file.rpartition("/")[2]) in known for file in files) < min(len(files), len(names)):
            continue
        for depth in depths:
            end = "by file names" if depth == 1 else "by the ends of paths"

            def key(path: str, change: Callable[[str], str] = change, depth: int = depth) -> str:
                return "/".join(change(path).rsplit("/", depth)[-depth:])

            yield f"{end} {text}".strip(), key, key


def _same(path: str) -> str:
    return path


def _without_ending(path: str) -> str:
    """Return a path in small letters without its ending: a row may have none, and then a point in it is no ending."""
    stem, ending = posixpath.splitext(path)
    return (stem if ending.lower() in SUFFIXES else path).casefold()


def _by_key(names: Sequence[str], keys: Sequence[str], wanted: Sequence[str]) -> list[str | None]:
    """Return the name with each wanted key, or None; only None if a wanted key is that of several names or rows."""
    found: dict[str, str | None] = {}
    for name, key in zip(names, keys, strict=True):
        found[key] = None if key in found else name
    pictures = [found.get(key) for key in wanted]
    taken = [name for name in pictures if name is not None]
    ambiguous = any(key in found and found[key] is None for key in wanted)
    return [None] * len(wanted) if ambiguous or len(set(taken)) < len(taken) else pictures
