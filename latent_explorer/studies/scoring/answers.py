# SPDX-License-Identifier: MIT
"""Read the answers of respondents: the page's JSON, our own answers.csv, or a survey service's wide CSV."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.common import guarded_json
from latent_explorer.common.csv_table import read_records, read_table
from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.format import valid_text
from latent_explorer.common.guarded_files import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from latent_explorer.studies.build.answer_key import StudyKey

FORMAT, VERSION = "latent-explorer-answers", 1
MAX_BYTES = 64 * 2**20  # of one file
MAX_FILES = 20_000
MAX_ANSWER = 2_000  # characters
TIDY_HEADS = ("respondent", "item", "answer")  # a CSV without these is a wide one
ENDINGS = (".json", ".csv", ".tsv", ".txt")
NO_ANSWERS = ("key.json", "survey.csv", "README.txt")  # other files of a study's own folder


class Answer(msgspec.Struct, frozen=True):
    """Answer to one question: "1" or "2", a survey service's text for a choice, or words; and its seconds, if known."""

    value: str
    seconds: float | None = None


class Respondent(msgspec.Struct, frozen=True, kw_only=True):
    """Answers of one respondent: a row of an export, or a JSON file."""

    name: str  # the id that file or service gave
    source: str  # file name
    answers: dict[str, Answer]  # by KeyItem.item
    complete: bool | None = None  # None: the file does not say
    preview: bool = False  # a test by the researcher
    seconds: float | None = None  # for the whole study
    started: str = ""
    scope: str = ""  # within which the id is one person's: a file, or "" for the page's own random ids


class Responses(msgspec.Struct, frozen=True, kw_only=True):
    """All answers as they were read, before any rule is applied."""

    respondents: tuple[Respondent, ...]
    missing: tuple[str, ...] = ()  # items of the key that no file has a column for
    notes: tuple[str, ...] = ()  # assumptions made while reading, to be printed


def read_responses(paths: Sequence[Path], key: StudyKey, columns: Mapping[str, str] | None = None) -> Responses:
    """Read the answers in files and folders. `columns` maps items to columns of wide exports.

    Raises UserError for files that cannot be read as answers, and if none of the answers belongs to the key.
    """
    respondents: list[Respondent] = []
    missing: set[str] | None = None
    notes: list[str] = []
    files = list(_files(paths))
    tables: dict[bytes, str] = {}  # by the hash of their bytes
    for path, source in zip(files, _sources(files), strict=True):
        data = _bytes(path)
        start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if start in (b"{", b"["):
            respondents += _from_json(source, data, key)
            missing = set() if missing is None else missing
            continue
        if (first := tables.setdefault(hashlib.sha256(data).digest(), source)) != source:
            notes.append(f"{source} is the same as {first}, and is left out.")
            continue
        rows = read_table(data, source)
        if is_tidy(rows):
            respondents += _from_tidy(source, rows)
            missing = set() if missing is None else missing
            continue
        from latent_explorer.studies.scoring.wide_answers import read_wide

        export = read_wide(rows, source, key, columns or {})
        respondents += export.respondents
        notes += [note for note in export.notes if note not in notes]
        gone = set(export.missing)
        missing = gone if missing is None else missing & gone
    if not respondents:
        raise UserError("There are no answers in the chosen files. Choose what participants sent.")
    left = tuple(i.item for i in key.items if missing and i.item in missing)
    return Responses(respondents=tuple(_drop_unasked_answers(respondents, key)), missing=left, notes=tuple(notes))


def _drop_unasked_answers(respondents: Sequence[Respondent], key: StudyKey) -> list[Respondent]:
    """Remove answers to questions that are not in the key: they must not count for pace or between duplicates."""
    item_ids = {item.item for item in key.items}
    known = [{i: a for i, a in r.answers.items() if i in item_ids} for r in respondents]
    if any(r.answers for r in respondents) and not any(known):
        raise UserError("The answers are to none of the key's questions. Choose the key of that study.")
    return [msgspec.structs.replace(r, answers=answers) for r, answers in zip(respondents, known, strict=True)]


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS and p.name not in NO_ANSWERS)
        else:
            found.append(path)
    if not found:
        raise UserError("No files with answers were found there. Choose JSON or CSV files.")
    if len(found) > MAX_FILES:
        raise UserError(f"{len(found):,} files are too many: at most {MAX_FILES:,} are read at once.")
    yield from dict.fromkeys(found)


def _sources(files: Sequence[Path]) -> list[str]:
    """Return the name of each file, with as many of its folders as tell it from the others."""
    named = [path.name for path in files]
    for depth in range(2, 1 + max(len(path.parts) for path in files)):
        counts = Counter(named)
        if len(counts) == len(set(files)):
            break
        named = [
            "/".join(path.parts[-depth:]) if counts[name] > 1 else name for path, name in zip(files, named, strict=True)
        ]
    return [valid_text(name) for name in named]


def _bytes(path: Path) -> bytes:
    try:
        data = read_bytes(path, MAX_BYTES)
    except DamagedData as error:
        raise UserError(f"{path.name} cannot be read as answers: {error}. Choose the answers again.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}). Choose the answers again.") from error
    if not data.strip():
        raise unreadable(path.name, "answer", "", empty=True)
    return data


class _JsonAnswer(msgspec.Struct):
    item: str
    answer: str
    ms: float | None = None


class _JsonFile(msgspec.Struct):
    format: str
    version: int
    study: str
    respondent: str
    answers: list[_JsonAnswer]
    complete: bool | None = None
    started: str | None = None


_JsonContent: Any = _JsonFile | list[_JsonFile]


def _from_json(source: str, data: bytes, key: StudyKey) -> list[Respondent]:
    """Read one respondent, or a list of several."""
    try:
        content = guarded_json.decode(data, _JsonContent, max_bytes=MAX_BYTES)
    except DamagedData as error:
        raise UserError(
            f"{source} cannot be read as answers ({error}). Ask for the file again, or take the copied text."
        ) from error
    each = content if isinstance(content, list) else [content]
    for one in each:
        if one.format != FORMAT or one.version > VERSION:
            raise UserError(f"{source} does not hold answers that this program can read.")
        if key.study and one.study != key.study:
            raise UserError(
                f"{source} answers another study ({one.study}) than the key ({key.study}). "
                "Choose the key of that study, or leave the file out."
            )
    return [_of_json(source, one) for one in each]


def _of_json(source: str, one: _JsonFile) -> Respondent:
    times = [a.ms for a in one.answers if a.ms is not None]
    answers = {
        a.item: Answer(a.answer.strip()[:MAX_ANSWER], None if a.ms is None else a.ms / 1000)
        for a in one.answers
        if a.answer.strip()
    }
    return Respondent(
        name=one.respondent[:200],
        source=source,
        answers=answers,
        complete=one.complete,
        seconds=sum(times) / 1000 if times else None,
        started=(one.started or "")[:40],
    )


def is_tidy(rows: Sequence[Sequence[str]]) -> bool:
    """Return True if the table is an `answers.csv` of a result, which names its questions itself."""
    return bool(rows) and set(TIDY_HEADS) <= {head.strip().lower() for head in rows[0]}


def _from_tidy(file: str, rows: Sequence[Sequence[str]]) -> list[Respondent]:
    """Read one row per respondent and item, as in the `answers.csv` of a result."""
    grouped: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for cell in read_records(rows)[1]:
        if cell.get("item"):
            # `row` separates rows that have the same id in the original file.
            who = cell.get("respondent", ""), cell.get("source", ""), cell.get("row", "")
            grouped.setdefault(who, []).append(cell)
    return [_of_tidy(file, source, name, cells) for (name, source, _), cells in grouped.items()]


def _of_tidy(file: str, source: str, name: str, cells: Iterable[Mapping[str, str]]) -> Respondent:
    cells = list(cells)
    answers = {
        c["item"]: Answer(c["answer"][:MAX_ANSWER], parse_seconds(c.get("seconds", "")))
        for c in cells
        if c.get("answer")
    }
    first = cells[0]
    times = [a.seconds for a in answers.values() if a.seconds is not None]
    total = parse_seconds(first.get("total seconds", ""))
    return Respondent(
        name=name,
        source=source or file,
        scope="" if source.lower().endswith(".json") else f"{file} {source}",
        answers=answers,
        complete=parse_bool(first.get("complete", "")),
        preview=parse_bool(first.get("preview", "")) or False,
        seconds=total if total is not None else (sum(times) if times else None),
        started=first.get("started", ""),
    )


_TRUE = {"true", "1", "yes", "y", "finished", "completed", "complete", "wahr", "ja", "oui", "100"}
_FALSE = {"false", "0", "no", "n", "unfinished", "incomplete", "partial", "falsch", "nein", "non"}


def parse_bool(text: str) -> bool | None:
    """Parse a cell as yes or no; None for anything else."""
    text = text.strip().lower()
    return True if text in _TRUE else (False if text in _FALSE else None)


def parse_seconds(text: Any) -> float | None:
    """Parse the seconds in a cell: "12.5", "12,5" or "00:03:20"; None for anything that is not a time."""
    parts = str(text).strip().replace(",", ".").split(":")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        return None
    if len(values) > 3 or any(not 0 <= value < 1e9 for value in values):
        return None
    total = 0.0
    for value in values:
        total = 60 * total + value
    return total
