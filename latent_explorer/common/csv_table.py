# SPDX-License-Identifier: MIT
"""CSV files from and for spreadsheets: any encoding and separator they write, and no cell that runs as a formula."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from array import array
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import size_text
from latent_explorer.common.paths import atomic_output

if TYPE_CHECKING:
    from _csv import Reader
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MAX_ROWS, MAX_COLUMNS, MAX_CELL = 200_000, 5_000, 100_000
MAX_MEMORY = 1 << 30  # bytes that rows and cells may take, apart from their text
_ROW_BYTES, _PLACE_BYTES, _CELL_BYTES = 64, 8, 56  # of a row, each of its places, and each cell that is kept
SEPARATORS = (",", ";", "\t")
_SEPARATOR_LINE = re.compile(r"\"?sep=([,;\t|])\"?[,;\t|]*(?:\r\n|\r|\n)", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|[\r\n])|[^\r\n]+")
_MAX_SHARED = 4096  # cells that are remembered to be shared
_SEPARATOR_ROWS = 20  # rows that the separator is found from
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|")
_SUSPICIOUS = frozenset((" ", *_FORMULA))  # what a cell that may run as a formula begins with
_FORMULA_PART = re.compile(r"(^\s*|[,;|\"]\s*)(?=[=+\-@|])")  # where a part of a line begins that would run as one
_SAVE_AS = "Save the sheet as CSV (UTF-8) in a spreadsheet program."
# What a file of another kind begins with, and what it is.
_NO_TABLES = (
    (b"PK\x03\x04", "a workbook or an archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook of an old version"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"<table", "a web page"),
    (b"<?xml", "a workbook or a page in XML"),
    (b"{\\rtf", "a text document"),
    (b"%pdf", "a PDF"),
)


class Table(list[list[str]]):
    """Rows of a table. `lines` holds the line of the file, from 1, at which each row begins."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = array("I")


def read_table(data: bytes, name: str, *, max_rows: int = MAX_ROWS) -> Table:
    """Read all rows of a CSV as `iterate_table` does, but for empty ones at the end."""
    table = Table()
    for line, row in iterate_table(data, name, max_rows=max_rows):
        table.append(row)
        table.lines.append(line)
    while table and not any(cell.strip() for cell in table[-1]):
        table.pop()
        table.lines.pop()
    return table


def iterate_table(
    data: bytes, name: str, *, max_rows: int = MAX_ROWS, strict: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV, each with the line of the file, from 1, at which it begins.

    The text is UTF-8, UTF-16 or else Windows-1252; its cells are separated by commas, semicolons or tabs.

    data      the whole file
    name      its name in messages
    max_rows  largest number of rows
    strict    refuse misplaced and unclosed quotes, which are otherwise read as well as possible; and take the separator
              from the first line, which names the columns: in a table of one column, names may hold semicolons

    Raises UserError if the data is not a table or is beyond the limits.
    """
    head = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, kind in _NO_TABLES:
        if data.startswith(start) or head.startswith(start):
            raise UserError(f"{name} is {kind}, not a table of text. {_SAVE_AS}")
    text = _decode(data, name)
    if "\x00" in text:
        raise UserError(f"{name} is not a table of text. Save or export it as CSV.")
    skipped = 0
    if match := _SEPARATOR_LINE.match(text):  # Excel's own first line
        separator, text, skipped = match.group(1), text[match.end() :], 1
    else:
        first = re.split(r"[\r\n]", text, maxsplit=1)[0]
        candidates = [each for each in SEPARATORS if each in first] if strict else SEPARATORS
        separator = _find_separator(text, candidates or ("|" if "|" in first else ",",))
    yield from _limited(_reader(text, separator, strict), name, skipped, max_rows)


def _limited(reader: Reader, name: str, skipped: int, max_rows: int) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with their lines, after `skipped` lines of the file. Raises UserError at the limits."""
    seen = dict[str, str]()
    line = taken = 0
    try:
        for count, row in enumerate(reader):
            if count >= max_rows or len(row) > MAX_COLUMNS:
                raise UserError(
                    f"{name} has more than {max_rows:,} rows or {MAX_COLUMNS:,} columns, which is too large to be read."
                )
            # A cell that occurs again is kept once: a table of short cells would take thirty times its size.
            known = len(seen)
            shared = [seen.setdefault(cell, cell) for cell in row]
            taken += _ROW_BYTES + _PLACE_BYTES * len(row) + _CELL_BYTES * (len(seen) - known)
            if taken > MAX_MEMORY:
                raise UserError(
                    f"{name} would take more than {size_text(MAX_MEMORY)} of memory: it has too many different cells. "
                    "Delete the columns and rows that are not needed."
                )
            if len(seen) > _MAX_SHARED:
                seen.clear()
            yield line + 1 + skipped, shared
            line = reader.line_num
    except csv.Error as error:
        raise UserError(
            f"{name} cannot be read as a table ({error}, in the row that begins at line {line + 1 + skipped}). "
            "Save or export it as CSV again."
        ) from error


def read_records(rows: Sequence[Sequence[str]]) -> tuple[list[str], list[dict[str, str]]]:
    """Return the lower-case names of the columns, and every further row as a dict by these names.

    Cells are stripped, and `escape_formula` is undone.
    """
    heads = [head.strip().lower() for head in rows[0]] if rows else []
    cells = ([unescape_formula(cell).strip() for cell in row] for row in rows[1:])
    return heads, [dict(zip(heads, row, strict=False)) for row in cells]


def _decode(data: bytes, name: str) -> str:
    """Return the text of a file."""
    for mark, encoding in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    # UTF-16 without a byte order mark: every other byte is zero where the text is separators, digits and line ends.
    sample = data[:4096]
    odd, even = sample[1::2].count(0), sample[0::2].count(0)
    if max(odd, even) > len(sample) / 10 and min(odd, even) == 0:
        encoding = "utf-16-le" if odd else "utf-16-be"
        return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{name} is neither UTF-8 nor UTF-16 nor Windows-1252: it comes from a system with another code page, and "
            "its letters would be read as others. Save it as CSV (UTF-8)."
        ) from error


def _reader(text: str, separator: str, strict: bool) -> Reader:
    csv.field_size_limit(MAX_CELL)
    lines = (line.group() for line in _LINE.finditer(text))  # io.StringIO would take four bytes a character
    return csv.reader(lines, delimiter=separator, strict=strict)


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
    with atomic_output(path) as temporary:
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
    if isinstance(cell, str) and cell[:1] in _SUSPICIOUS and cell.lstrip(" ").startswith(_FORMULA):
        return "'" + cell
    return cell


def escape_line(text: str) -> str:
    """Return text for a line of its own, no part of which would run as a formula, wherever a spreadsheet splits it."""
    return _FORMULA_PART.sub(r"\1'", " ".join(text.split()))


def unescape_formula(cell: str) -> str:
    """Undo `escape_formula`."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" ").startswith(_FORMULA) else cell
