# SPDX-License-Identifier: MIT
"""Which pictures are taken, what class each has and on which side of the split it stands: tables of words, no pixels.

`labels.csv` and the option strings `--where`, `--classes`, `--split` are read here; the pictures live in `data.folder`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SPLITS = ("train", "val", "test")
_SPLIT_WORDS = {
    "train": 0,
    "training": 0,
    "val": 1,
    "valid": 1,
    "validation": 1,
    "dev": 1,
    "test": 2,
    "testing": 2,
}
Columns = dict[str, list[str]]


def read_table(raw: bytes, name: str) -> Columns:
    """The columns of a labels.csv, which must have one called `file`, each file once."""
    try:
        rows = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)
        header = [cell.strip() for cell in next(rows, [])]
        body = [row for row in rows if row]
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(
            f"{name} cannot be read as a table: {error}. Save it as CSV in UTF-8, separated by commas."
        ) from error
    if "file" not in header or len(set(header)) != len(header):
        raise UserError(
            f"{name} needs a first line that names its columns, each once, one of them 'file'. It says: {', '.join(header)[:200]}"
        )
    for number, row in enumerate(body, start=2):
        if len(row) != len(header):
            raise UserError(
                f"{name}, row {number}, has {len(row)} cells where the first line has {len(header)}. Mend that row."
            )
    columns = {key: [row[i].strip() for row in body] for i, key in enumerate(header)}
    columns["file"] = [file.replace("\\", "/").removeprefix("./") for file in columns["file"]]
    seen: set[str] = set()
    for file in columns["file"]:
        if file in seen:
            raise UserError(f"{name} lists {file} twice. Keep one row for each picture.")
        seen.add(file)
    return columns


def folder_table(names: Iterable[str]) -> Columns:
    """The table that the folders themselves make: `class` where every picture lies in a folder of its class.

    A first level of train/val/test folders becomes the column `split`.
    """
    names = list(names)
    parts = [name.split("/") for name in names]
    columns: Columns = {"file": names}
    if all(len(p) > 1 and p[0].lower() in _SPLIT_WORDS for p in parts):
        columns["split"] = [p[0] for p in parts]
        parts = [p[1:] for p in parts]
    # One common top folder (as archives often have) says nothing about a class.
    while parts and all(len(p) > 2 for p in parts) and len({p[0] for p in parts}) == 1:
        parts = [p[1:] for p in parts]
    if all(len(p) > 1 for p in parts) and len({p[0] for p in parts}) > 1:
        columns["class"] = [p[0] for p in parts]
    return columns


def take(columns: Columns, rows: Sequence[int] | np.ndarray) -> Columns:
    """The same table with these rows only, in this order."""
    return {key: [cells[i] for i in rows] for key, cells in columns.items()}


def column(columns: Columns, key: str) -> list[str]:
    """A column by name, or a UserError that says which there are."""
    if key not in columns:
        raise UserError(
            f"There is no column '{key}' in the labels. There are: {', '.join(columns)}."
        )
    return columns[key]


def select(columns: Columns, where: str | Sequence[str]) -> list[int]:
    """Rows that meet every condition 'column=value,value' of `where`."""
    rows = list(range(len(columns["file"])))
    for condition in (where,) if isinstance(where, str) else where:
        key, equals, values = condition.partition("=")
        if not equals:
            raise UserError(
                f"'{condition}' is no condition. Write it as column=value or column=value,value."
            )
        cells = column(columns, key.strip())
        wanted = {value.strip() for value in values.split(",")}
        unknown = wanted - set(cells)
        if unknown:
            raise UserError(
                f"No picture has {key.strip()} = {', '.join(sorted(unknown))}. There are: {_some(cells)}."
            )
        rows = [i for i in rows if cells[i] in wanted]
    if not rows:
        raise UserError(
            "No picture meets all the conditions together: "
            + "; ".join([where] if isinstance(where, str) else where)
        )
    return rows


def parse_classes(text: str) -> dict[str, str]:
    """'0=diseased,1=healthy' -> {'0': 'diseased', '1': 'healthy'}; without '=' a value names its class itself.

    Several values may share a class. The class index is the order of first appearance.
    """
    mapping: dict[str, str] = {}
    for item in text.split(","):
        value, equals, name = (part.strip() for part in item.partition("="))
        name = name if equals else value
        if not value or not name or value in mapping:
            raise UserError(
                f"'{text}' does not say which values are which classes. Write it as value=name,value=name."
            )
        mapping[value] = name
    return mapping


def assign_classes(cells: Sequence[str], classes: str | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class index of each cell, (N,) int64, -1 where `classes` does not mention its value; and the class names."""
    if classes is None:
        mapping: Mapping[str, str] = {value: value for value in _sorted_values(cells)}
    else:
        mapping = parse_classes(classes)
        unknown = [value for value in mapping if value not in set(cells)]
        if unknown:
            raise UserError(
                f"No picture has the label {', '.join(unknown)}. There are: {_some(cells)}."
            )
    names = tuple(dict.fromkeys(mapping.values()))
    index = {value: names.index(name) for value, name in mapping.items()}
    return np.array([index.get(cell, -1) for cell in cells], dtype=np.int64), names


def hash_split(keys: Sequence[str]) -> np.ndarray:
    """Index into SPLITS for each key, (N,) int64: 80/10/10 by SHA-256, so equal keys never part, anywhere, ever."""
    return np.array([_hash_side(key) for key in keys], dtype=np.int64)


def named_split(cells: Sequence[str], key: str) -> np.ndarray:
    """Index into SPLITS from the words of a split column."""
    unknown = sorted({cell for cell in cells if cell.lower() not in _SPLIT_WORDS})
    if unknown:
        raise UserError(
            f"The split column '{key}' says {', '.join(unknown[:5])!r}; it may say train, val or test."
        )
    return np.array([_SPLIT_WORDS[cell.lower()] for cell in cells], dtype=np.int64)


def _hash_side(key: str) -> int:
    share = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
    return 0 if share < 0.8 else 1 if share < 0.9 else 2


def _sorted_values(cells: Sequence[str]) -> list[str]:
    """Distinct values in order, numbers by size."""
    values = sorted(
        set(cells)
    )  # first by the letters, so that "7" and "07" stand in one order in every run
    if all(re.fullmatch(r"-?[0-9]+", value) for value in values):
        return sorted(values, key=int)
    return values


def _some(cells: Sequence[str], most: int = 12) -> str:
    values = _sorted_values(cells)
    return ", ".join(values[:most]) + (
        f" and {len(values) - most} more" if len(values) > most else ""
    )
