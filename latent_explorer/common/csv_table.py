# SPDX-License-Identifier: MIT
"""CSV files from and for spreadsheets: any encoding and separator they write, and no cell that runs as a formula."""

from __future__ import annotations

import csv
import io
import itertools
import re
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MAX_ROWS, MAX_COLUMNS, MAX_CELL = 200_000, 5_000, 100_000
SEPARATORS = (",", ";", "\t")
_SEPARATOR_LINE = re.compile(r"sep=([,;\t])\r?\n")
_SEPARATOR_ROWS = 20  # rows that the separator is found from
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|")


def read_table(data: bytes, name: str, *, max_rows: int = MAX_ROWS, strict: bool = False) -> list[list[str]]:
    """Read the rows of a CSV: UTF-8, UTF-16 or else Windows-1252; separated by commas, semicolons or tabs.

    data      the whole file
    name      its name in messages
    max_rows  largest number of rows
    strict    refuse misplaced and unclosed quotes, which are otherwise read as well as possible; and take the separator
              from the first line, which names the columns: in a table of one column, names may hold semicolons

    Raises UserError if the data is not a table or is beyond the limits. Empty rows at the end are left out.
    """
    if data[:4] == b"PK\x03\x04":
        raise UserError(
            f"{name} is a workbook or an archive. Unpack it, or save the sheet as CSV in a spreadsheet program."
        )
    text = _decode(data)
    if "\x00" in text:
        raise UserError(f"{name} is not a table of text. Save or export it as CSV.")
    if match := _SEPARATOR_LINE.match(text):  # Excel's own first line
        separator, text = match.group(1), text[match.end() :]
    else:
        head = text.partition("\n")[0]
        candidates = [each for each in SEPARATORS if each in head] if strict else SEPARATORS
        separator = _find_separator(text, candidates or SEPARATORS[:1])
    rows: list[list[str]] = []
    try:
        for row in _reader(text, separator, strict):
            if len(rows) >= max_rows or len(row) > MAX_COLUMNS:
                raise UserError(
                    f"{name} has more than {max_rows:,} rows or {MAX_COLUMNS:,} columns, which is too large to be read."
                )
            rows.append(row)
    except csv.Error as error:
        raise UserError(f"{name} cannot be read as a table ({error}). Save or export it as CSV again.") from error
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    return rows


def read_records(rows: Sequence[Sequence[str]]) -> tuple[list[str], list[dict[str, str]]]:
    """Return the lower-case names of the columns, and every further row as a dict by these names.

    Cells are stripped, and `escape_formula` is undone.
    """
    heads = [head.strip().lower() for head in rows[0]] if rows else []
    cells = ([unescape_formula(cell).strip() for cell in row] for row in rows[1:])
    return heads, [dict(zip(heads, row, strict=False)) for row in cells]


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    # UTF-16 without a byte order mark: half of its first letter is zero.
    if data[1:2] == b"\x00":
        return data.decode("utf-16-le", errors="replace")
    if data[:1] == b"\x00":
        return data.decode("utf-16-be", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _reader(text: str, separator: str, strict: bool) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CELL)
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)


def _find_separator(text: str, candidates: Sequence[str]) -> str:
    """Return the separator that splits each of the first rows into most cells, or else occurs most often."""

    def cells(separator: str) -> tuple[int, int]:
        try:
            first = itertools.islice(_reader(text, separator, False), _SEPARATOR_ROWS)
            counts = [len(row) for row in first if any(row)]
        except csv.Error:
            return 0, 0
        return min(counts, default=0), sum(counts)

    return max(candidates, key=cells)


def write_table(path: Path, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV atomically, with a BOM so that spreadsheets read it as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(table_bytes(heads, rows))


def table_bytes(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return the bytes of the file that `write_table` writes."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(heads)
    for row in rows:
        writer.writerow([escape_formula(cell) for cell in row])
    return buffer.getvalue().encode("utf-8-sig")


def escape_formula(cell: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would run as a formula; numbers stay numbers."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA):
        return "'" + cell
    return cell


def unescape_formula(cell: str) -> str:
    """Undo `escape_formula`."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" ").startswith(_FORMULA) else cell
