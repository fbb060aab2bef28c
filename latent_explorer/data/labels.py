# SPDX-License-Identifier: MIT
"""Tables of labels: labels.csv, class folders and the options `--where`, `--classes` and `--split`. No pixels."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.csv_table import iterate_table
from latent_explorer.common.errors import UserError
from latent_explorer.data.sources import MAX_FILES
from latent_explorer.data.split_words import SPLITS, side_indices, split_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Columns = dict[str, list[str]]
# Names of the column of files, in small letters and with spaces, the plainest first.
_FILE_NAMES = (
    "file", "filename", "file name", "filepath", "file path", "image", "image name", "image file", "image path",
    "image id", "img", "img name", "picture", "photo", "path", "id",
)  # fmt: skip
EMPTY = "(empty)"  # what `--classes` and `--where` call an empty cell
# Cells that may mean that there is no label, in small letters.
_NO_LABEL = frozenset([
    "na", "n/a", "n.a.", "#n/a", "#na", "nan", "null", "nil", "none", "(none)", "unknown", "unlabeled", "unlabelled",
    "missing", "undefined", "(blank)", "-", "--", "?", ".", "\N{EN DASH}", "\N{EM DASH}",
])  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """One of the ways in which folders may be read: the column that then holds the classes, and some of these."""

    column: str
    classes: str


@dataclass(frozen=True)
class Question:
    """Something about the labels that only the user can know."""

    text: str
    readings: tuple[Reading, ...]

    def sentence(self) -> str:
        """Return the question with the option that answers it each way."""
        ways = "; or ".join(f"{each.classes} (--label {each.column})" for each in self.readings)
        return f"{self.text}: {ways}. Say which with Label (--label)."


@dataclass(frozen=True)
class Listing:
    """Pictures of a source, with a table of them.

    kind         plain name of the kind: "CelebA", "class folders", ...
    columns      one row per existing picture, sorted by `file`
    value_names  readable names of a column's values, for values that are numbers
    unlisted     pictures without a row
    missing      rows without a picture
    label, where suggestions for this kind of download
    split        column of a split that the folders make, taken unless another is asked for
    question     how the folders are to be read, where that is in doubt
    notes        sentences about what was not used, for the user
    table        name of the table of labels; "" without one
    """

    kind: str
    columns: Columns
    value_names: dict[str, dict[str, str]] = field(default_factory=dict)
    unlisted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    label: str | None = None
    where: tuple[str, ...] = ()
    split: str | None = None
    question: Question | None = None
    notes: tuple[str, ...] = ()
    table: str = ""


def read_labels(raw: bytes, name: str) -> Columns:
    """Return the columns of a labels.csv, which must include `file`, each file once; empty rows are skipped.

    A column of another usual name for files is taken as `file`. Text is normalised (NFC): é may be one or two letters.
    """
    rows = iterate_table(raw, name, max_rows=MAX_FILES, strict=True)
    header = [unicodedata.normalize("NFC", cell).strip() for cell in next(rows, (1, []))[1]]
    while header and not header[-1]:  # spreadsheets keep columns that were emptied
        header.pop()
    header = _with_file(header)
    if "file" not in header or len(set(header)) != len(header):
        raise UserError(
            f"{name} needs a first line that names its columns, each once, one of them 'file'. "
            f"It says: {', '.join(header)[:200]}"
        )
    columns: Columns = {key: [] for key in header}
    lines = array("I")
    for number, row in rows:
        cells = [unicodedata.normalize("NFC", cell).strip() for cell in row]
        if not any(cells):
            continue
        while len(cells) > len(header) and not cells[-1]:
            cells.pop()
        if len(cells) != len(header):
            raise UserError(
                f"{name}, row {number}, has {len(cells)} cells where the first line has {len(header)}. "
                "Correct that row; a cell with a comma in it must be in quotes."
            )
        for column_cells, cell in zip(columns.values(), cells, strict=True):
            column_cells.append(cell)
        lines.append(number)
    columns["file"] = [file.replace("\\", "/").removeprefix("./") for file in columns["file"]]
    _check_files(columns["file"], lines, name)
    return columns


def _check_files(files: Sequence[str], lines: Sequence[int], name: str) -> None:
    """Raise UserError unless each row names a file of its own."""
    distinct = set(files)
    if len(distinct) == len(files) and "" not in distinct:
        return
    seen: dict[str, int] = {}
    for file, number in zip(files, lines, strict=True):
        if not file:
            raise UserError(f"{name}, row {number}, names no file. Correct or delete that row.")
        if file in seen:
            raise UserError(
                f"{name} lists {file} twice, in rows {seen[file]} and {number}. Keep one row for each picture."
            )
        seen[file] = number


def _with_file(header: list[str]) -> list[str]:
    """Return the names of the columns, with the one that holds the files called `file`."""
    if "file" in header:
        return header
    small = [name.casefold().replace("_", " ") for name in header]
    at = next((small.index(name) for name in _FILE_NAMES if small.count(name) == 1), None)
    return [*header[:at], "file", *header[at + 1 :]] if at is not None else header


def take_rows(columns: Columns, rows: Sequence[int] | np.ndarray) -> Columns:
    """Return the table with only these rows, in this order."""
    return {key: [cells[i] for i in rows] for key, cells in columns.items()}


def column_name(columns: Columns, key: str) -> str:
    """Return the name of a column as it is spelt in the table; capitals count only where two differ in nothing else.

    Raises UserError, which lists the columns, if there is none.
    """
    key = unicodedata.normalize("NFC", key).strip()
    if key in columns:
        return key
    alike = [name for name in columns if name.casefold() == key.casefold()]
    if len(alike) != 1:
        raise UserError(f"There is no column '{key}' in the labels. There are: {', '.join(columns)}.")
    return alike[0]


def column(columns: Columns, key: str) -> list[str]:
    """Return a column by name, as `column_name` finds it."""
    return columns[column_name(columns, key)]


def may_be_no_label(value: str) -> bool:
    """Return True for a value that may mean that there is no label: "NA", "unknown", "-", an empty cell."""
    return not value or value == EMPTY or value.strip().casefold() in _NO_LABEL


def ask_of_values(key: str, cells: list[str]) -> str:
    """Return the question whether values such as "NA" are a class, in one sentence; "" if there are none."""
    values = sorted_values(cells)
    doubtful = [value for value in values if value and may_be_no_label(value)]
    if not doubtful and "" in values and len(values) == 2:
        both = write_classes({values[1]: values[1], EMPTY: "other"})
        return (
            f"{cells.count('')} pictures have an empty cell in the column '{key}' and all others {values[1]!r}: no "
            f"label, or the other class? To make it one, say {both} as Classes (--classes)."
        )
    if not doubtful:
        return ""
    sure = {value: value for value in sorted_values(cells) if not may_be_no_label(value)}
    count = sum(cell in doubtful for cell in cells)
    listed = write_classes(sure) if len(sure) <= 12 else "..."
    return (
        f"{count} pictures say {', '.join(map(repr, doubtful))} in the column '{key}': no label, or a class? "
        f"Leave them out by naming the others as Classes (--classes '{listed}'), or name {doubtful[0]!r} among them."
    )


def select(columns: Columns, where: str | Sequence[str]) -> list[int]:
    """Return the rows that meet every condition 'column=value,value' of `where`."""
    rows = list(range(len(columns["file"])))
    for condition in (where,) if isinstance(where, str) else where:
        key, equals, values = condition.partition("=")
        if not equals:
            raise UserError(f"'{condition}' is not a condition. Write it as column=value or column=value,value.")
        cells = [cell or EMPTY for cell in column(columns, key.strip())]
        selected = set(_items(values))
        unknown = selected - set(cells)
        if unknown:
            raise UserError(f"No picture has {key.strip()} = {', '.join(sorted(unknown))}. There are: {_some(cells)}.")
        rows = [i for i in rows if cells[i] in selected]
    if not rows:
        raise UserError(
            "No picture meets all the conditions together: " + "; ".join([where] if isinstance(where, str) else where)
        )
    return rows


def parse_classes(text: str) -> dict[str, str]:
    """Parse '0=diseased,1=healthy' to {'0': 'diseased', '1': 'healthy'}; without '=' a value names its class itself.

    Several values may share a class. The class index is the order of first appearance. A value that contains a comma
    is quoted: '"Apple, red"=red'.
    """
    mapping: dict[str, str] = {}
    for item in _items(text):
        value, equals, name = (part.strip() for part in item.rpartition("="))
        value = value if equals else name
        if not value or not name or value in mapping:
            raise UserError(f"'{text}' does not say which values are which classes. Write it as value=name,value=name.")
        mapping[value] = name
    return mapping


def write_classes(mapping: Mapping[str, str]) -> str:
    """Return the text that `parse_classes` reads as `mapping`; names must not contain commas or equals signs."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(f"{value}={name}" for value, name in mapping.items())
    return out.getvalue()


def _items(text: str) -> list[str]:
    """Split an option at its commas, as in a table: a part that contains a comma is quoted."""
    try:
        (items,) = csv.reader([text], skipinitialspace=True)
    except (csv.Error, ValueError) as error:
        raise UserError(f"'{text}' cannot be read: {error}. Write it as a,b or \"a, b\",c.") from error
    return [unicodedata.normalize("NFC", item.strip()) for item in items]


def assign_classes(
    cells: Sequence[str], classes: str | None, value_names: Mapping[str, str] | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the class index of each cell, (N,) int64, and the class names; -1 if a cell is empty or not in `classes`.

    Without `classes` every value is a class, named by `value_names`; `classes` may name empty cells as "(empty)".
    """
    if classes is None:
        called = value_names or {}
        mapping = {value: called.get(value, value) for value in sorted_values(cells) if value}
    else:
        mapping = parse_classes(classes)
        if EMPTY in mapping:
            cells = [cell or EMPTY for cell in cells]
        unknown = [value for value in mapping if value not in set(cells)]
        if unknown:
            raise UserError(f"No picture has the label {', '.join(unknown)}. There are: {_some(cells)}.")
    names = tuple(dict.fromkeys(mapping.values()))
    index = {value: names.index(name) for value, name in mapping.items()}
    return np.array([index.get(cell, -1) for cell in cells], dtype=np.int64), names


def hash_split(keys: Sequence[str]) -> np.ndarray:
    """Return the index into SPLITS of each key, (N,) int64: 80/10/10 by SHA-256, so equal keys always stay together."""
    shares = [int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64 for key in keys]
    return np.searchsorted((0.8, 0.9), shares, side="right").astype(np.int64)


def named_split(cells: Sequence[str], key: str) -> np.ndarray:
    """Return the index into SPLITS of each word of a split column, (N,) int64. Raises UserError for other words."""
    sides = side_indices(cells)
    if sides is None:
        unknown = sorted({cell for cell in cells if not split_side(cell)})
        raise UserError(f"The split column '{key}' says {', '.join(unknown[:5])!r}; it may say train, val or test.")
    return np.array(sides, dtype=np.int64)


def fill_split(sides: np.ndarray, keys: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Fill val or test, if missing, with a tenth of train by hash; many downloads have only train and test.

    sides (N,) are indices into SPLITS; returns them filled, and the names of the filled sides.
    """
    missing = [k for k in (1, 2) if not (sides == k).any()]
    chosen = (sides == 0) & np.isin(hash_split(keys), missing)
    return np.where(chosen, hash_split(keys), sides), tuple(SPLITS[k] for k in missing)


def sorted_values(cells: Iterable[str]) -> list[str]:
    """Return the distinct values in order, numbers by size."""
    values = sorted(set(cells))  # first as text, so "7" and "07" have a fixed order
    if all(re.fullmatch(r"-?[0-9]+", value) for value in values):
        return sorted(values, key=int)
    return values


def _some(cells: Sequence[str], limit: int = 12) -> str:
    values = sorted_values(cells)
    return ", ".join(values[:limit]) + (f" and {len(values) - limit} more" if len(values) > limit else "")
