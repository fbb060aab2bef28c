# SPDX-License-Identifier: MIT
"""The wide CSV of survey services: a row a respondent, a column a question, and rows and columns that are neither.

Known by their shape: Qualtrics (two more header rows), SurveyMonkey (one more), LimeSurvey, Google Forms. Anything else
with one header row is read the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.media.scoring.answers import (
    MAX_ANSWER,
    Answer,
    Respondent,
    Responses,
    number_of,
    truth_of,
)
from latent_explorer.media.study.survey import question_code

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from latent_explorer.media.study.key import KeyItem, StudyKey

# Columns that are no questions, by what they tell; names without spaces, signs and case.
ABOUT = {
    "respondent": ("responseid", "respondentid", "antwortid", "participantid", "id", "token"),
    "finished": ("finished", "completed", "complete", "abgeschlossen"),
    "submitted": ("datesubmitted", "submitdate", "datumabgeschickt"),
    "progress": ("progress",),
    "status": ("status", "responsetype"),
    "channel": ("distributionchannel",),
    "seconds": ("durationinseconds", "duration", "totaltime", "interviewtime", "gesamtzeit"),
    "started": ("startdate", "datestarted", "timestamp", "starttime", "datumgestartet", "zeitstempel"),
}  # fmt: skip
_OTHERS = (
    "enddate", "recordeddate", "ipaddress", "datemodified", "lastpage", "startlanguage", "seed", "collectorid",
    "recipientlastname", "recipientfirstname", "recipientemail", "externalreference", "externaldatareference",
    "locationlatitude", "locationlongitude", "userlanguage", "emailaddress", "email", "firstname", "lastname",
    "customdata1", "datelastaction", "refererurl", "datumletzteraktivitat", "letzteseite", "startsprache", "score",
)  # fmt: skip
NO_QUESTIONS = {name for names in ABOUT.values() for name in names} | set(_OTHERS)
_PREVIEW = ("preview", "test")


def plain(text: str) -> str:
    """A column's name without case, spaces and signs."""
    return re.sub(r"[\W_]+", "", text).lower()


@dataclass(frozen=True)
class Wide:
    """A wide export: a column's names (header and further header rows), and the rows of respondents."""

    heads: list[str]
    texts: list[str]  # of further header rows, joined; as long as `heads`
    rows: list[list[str]]
    qualtrics: bool = False
    about: dict[str, int] = field(default_factory=dict)  # of ABOUT: the column

    def name_of(self, column: int) -> str:
        """What a column is called in keys and lists: its header, or "#7" where several have that header."""
        head = self.heads[column]
        alike = [h for h in self.heads if h.strip().lower() == head.strip().lower()]
        return head if head.strip() and len(alike) == 1 else f"#{column + 1}"

    @property
    def questions(self) -> list[int]:
        """Columns that may hold answers."""
        return [i for i, head in enumerate(self.heads) if head and plain(head) not in NO_QUESTIONS]


def parse_wide(rows: Sequence[Sequence[str]], name: str) -> Wide:
    """Tell headers from respondents. UserError for a table without respondents."""
    if not rows:
        raise UserError(f"{name} is empty. Export the answers as CSV again.")
    heads = [head.strip() for head in rows[0]]
    qualtrics = "startdate" in map(plain, heads) and any(
        "importid" in cell.lower() for row in rows[1:4] for cell in row
    )
    extra = _header_rows(rows, heads)
    texts = [" ".join(row[i].strip() for row in rows[1 : 1 + extra] if i < len(row)) for i in range(len(heads))]  # fmt: skip
    body = [list(row) for row in rows[1 + extra :] if any(cell.strip() for cell in row)]
    if not body:
        raise UserError(f"{name} has no respondents below its headers. Export the answers again.")
    about = {}
    for meaning, names in ABOUT.items():
        at = [i for wanted in names for i, head in enumerate(heads) if plain(head) == wanted]
        if at:
            about[meaning] = at[0]
    return Wide(heads, texts, body, qualtrics, about)


def _header_rows(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> int:
    """How many rows after the first are headers too."""
    count = 0
    for row in rows[1:4]:
        if any("importid" in cell.lower() for cell in row):  # Qualtrics' third
            return count + 1
        if not _is_header(row, heads):
            break
        count += 1
    return count


def _is_header(row: Sequence[str], heads: Sequence[str]) -> bool:
    """Qualtrics repeats the names in words ("Start Date"), SurveyMonkey says what kind of answer follows."""
    cells = [plain(cell) for cell in row]
    known = [plain(head) for head in heads]
    repeats = sum(a == b and bool(a) for a, b in zip(cells, known, strict=False))
    kinds = sum(cell in ("response", "openendedresponse", "openended") for cell in cells)
    return repeats >= 2 or kinds >= 1


def read_wide(
    rows: Sequence[Sequence[str]], name: str, key: StudyKey, columns: Mapping[str, str]
) -> Responses:
    """The respondents of a wide export. UserError when no question of the key has a column in it."""
    table = parse_wide(rows, name)
    asked = [item for item in key.items if item.role != "practice"]
    found = match_columns(table, asked, columns)
    if not found:
        raise UserError(
            f"No column of {name} could be told to belong to a question of the key. Make a list of columns with "
            "`study columns`, complete it, and give it with --columns."
        )
    missing = [item.item for item in asked if item.item not in found]
    respondents = [
        _respondent(table, row, number, name, found) for number, row in enumerate(table.rows, 1)
    ]
    return Responses(
        respondents=tuple(respondents), missing=tuple(missing), notes=_notes(table, name)
    )


def _notes(table: Wide, name: str) -> tuple[str, ...]:
    notes = []
    if "respondent" not in table.about:
        notes.append(
            f"{name} names no respondents: its rows are numbered, and duplicates cannot be found."
        )
    if not {"finished", "submitted", "progress"} & set(table.about):
        notes.append(
            f"{name} does not say who finished: whoever answered every question counts as finished."
        )
    return tuple(notes)


def match_columns(
    table: Wide, items: Sequence[KeyItem], columns: Mapping[str, str]
) -> dict[str, int]:
    """The column of each question: as told in `columns`, as named in the key, or by the code in its text.

    "#7" names the seventh column.
    """
    by_head: dict[str, int] = {f"#{i + 1}": i for i in range(len(table.heads))}
    for i, head in enumerate(table.heads):
        by_head.setdefault(head.strip().lower(), i)
        by_head.setdefault(table.texts[i].strip().lower(), i)
    found: dict[str, int] = {}
    for item in items:
        told = (columns.get(item.item) or item.column or "").strip().lower()
        if told in by_head and told:
            found[item.item] = by_head[told]
            continue
        if told and item.item in columns:
            raise UserError(
                f"There is no column {columns[item.item]!r} in the answers. Mend the list of columns."
            )
        code = question_code(item.item).lower()
        named = (i for i in table.questions if code in f"{table.heads[i]} {table.texts[i]}".lower())
        at = next(named, by_head.get(item.item.lower()))
        if at is not None:
            found[item.item] = at
    return found


def _respondent(
    table: Wide, row: Sequence[str], number: int, source: str, found: Mapping[str, int]
) -> Respondent:
    def cell(meaning: str) -> str:
        at = table.about.get(meaning)
        return row[at].strip() if at is not None and at < len(row) else ""

    answers = {
        item: Answer(row[at].strip()[:MAX_ANSWER])
        for item, at in found.items()
        if at < len(row) and row[at].strip()
    }
    return Respondent(
        name=cell("respondent") or f"row {number}",
        source=source,
        answers=answers,
        complete=_complete(table, cell("finished"), cell("progress"), cell("submitted")),
        preview=_is_preview(table, cell("status"), cell("channel")),
        seconds=number_of(cell("seconds")),
        started=cell("started")[:40],
    )


def _complete(table: Wide, finished: str, progress: str, submitted: str) -> bool | None:
    if "finished" in table.about and truth_of(finished) is not None:
        return truth_of(finished)
    if "submitted" in table.about:
        return bool(submitted)
    share = number_of(progress)
    return None if share is None else share >= 100


def _is_preview(table: Wide, status: str, channel: str) -> bool:
    """Qualtrics marks tests in words, or as 1 and 2 where values are exported as numbers."""
    words = f"{status} {channel}".lower()
    return any(word in words for word in _PREVIEW) or (
        table.qualtrics and status in ("1", "2", "9")
    )
