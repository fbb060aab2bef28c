# SPDX-License-Identifier: MIT
"""Tables from and for spreadsheets: any encoding and separator they write, limits, and no cell that runs as a formula."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MAX_ROWS, MAX_COLUMNS, MAX_CELL = 200_000, 5_000, 100_000
_TOLD = re.compile(r"sep=([,;\t])\r?\n")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|")


def read_table(data: bytes, name: str) -> list[list[str]]:
    """The rows of a CSV: UTF-8 with or without BOM, UTF-16, else Windows-1252; comma, semicolon or tab.

    Raises UserError beyond the limits; `name` is the file's, for the words.
    """
    if data[:4] == b"PK\x03\x04":
        raise UserError(
            f"{name} is a workbook or an archive. Unpack it, or save the sheet with the answers as CSV."
        )
    text = _decoded(data)
    if "\x00" in text:
        raise UserError(f"{name} is not a table of text. Export the answers as CSV.")
    try:
        rows = list(_rows(text, name))
    except csv.Error as error:
        raise UserError(f"{name} cannot be read as a table ({error}). Export it as CSV.") from error
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    return rows


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _rows(text: str, name: str) -> Iterable[list[str]]:
    csv.field_size_limit(MAX_CELL)
    separator = _separator(text)
    if told := _TOLD.match(text):  # Excel's own first line
        separator, text = told.group(1), text[told.end() :]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    for count, row in enumerate(reader):
        if count >= MAX_ROWS or len(row) > MAX_COLUMNS:
            raise UserError(
                f"{name} has more than {MAX_ROWS:,} rows or {MAX_COLUMNS:,} columns: too large for the answers of a study."
            )
        yield row


def _separator(text: str) -> str:
    """The sign that separates cells: the most frequent one outside quotes in the first lines."""
    counts, quoted = {",": 0, ";": 0, "\t": 0}, False
    for sign in text[:20_000]:
        if sign == '"':
            quoted = not quoted
        elif sign in counts and not quoted:
            counts[sign] += 1
    return max(counts, key=lambda sign: counts[sign])


def write_table(path: Path, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV with BOM, so that spreadsheets read it as UTF-8; all at once or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(table_bytes(heads, rows))


def table_bytes(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """The same as bytes."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(heads)
    for row in rows:
        writer.writerow([guarded(cell) for cell in row])
    return buffer.getvalue().encode("utf-8-sig")


def guarded(cell: object) -> object:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay numbers."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA):
        return "'" + cell
    return cell


def unguarded(cell: str) -> str:
    """A text as it was before `guarded`."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" ").startswith(_FORMULA) else cell
