# SPDX-License-Identifier: MIT
"""The wide CSV of survey services: one row per respondent, one column per question, and other rows and columns.

Recognized by their form: Qualtrics (two more header rows), SurveyMonkey (one more), LimeSurvey, Google Forms. Any other
table with one header row is read in the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.studies.build.page import question_code
from latent_explorer.studies.scoring.answers import MAX_ANSWER, Answer, Respondent, Responses, parse_bool, parse_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from latent_explorer.studies.build.answer_key import KeyItem, StudyKey

# Columns that are not questions, by meaning; names in lower case without spaces and punctuation.
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
    "enddate", "recordeddate", "ipaddress", "ipaddr", "datemodified", "datestamp", "lastpage", "startlanguage", "seed",
    "collectorid", "username", "totalscore", "refurl", "referrerurl", "prolificpid", "workerid", "assignmentid",
    "hitid", "recipientlastname", "recipientfirstname", "recipientemail", "externalreference", "externaldatareference",
    "locationlatitude", "locationlongitude", "userlanguage", "emailaddress", "email", "firstname", "lastname",
    "customdata1", "datelastaction", "refererurl", "datumletzteraktivitat", "letzteseite", "startsprache", "score",
)  # fmt: skip
NO_QUESTIONS = {name for names in ABOUT.values() for name in names} | set(_OTHERS)
# Qualtrics' timing, order of display, scores and embedded data; LimeSurvey's timing.
_TECHNICAL = re.compile(
    r"_(first click|last click|page submit|click count)$|_DO(_\d+)?$|^FL_\d+|^SC\d+$|^Q_[A-Z]\w+$"
    r"|^(group|question) ?time\b|^groupTime\d+|^[A-Z]\w*Time$"
)
# Before a question's text, as in "G01Q02. What changes?"
_CODE = re.compile(r"([A-Za-z]\w*|\d+)\. ")
_PREVIEW = ("preview", "test")


def plain(text: str) -> str:
    """Return a column's name in lower case, without spaces and punctuation."""
    return re.sub(r"[\W_]+", "", text).lower()


def _code(head: str) -> str:
    """Return the code that LimeSurvey puts before a question's text; "" if there is none."""
    match = _CODE.match(head)
    return match.group(1) if match else ""


def _is_question(head: str) -> bool:
    """Return True if a column may hold answers, judged by its header."""
    names = {plain(head), plain(_code(head))} - {""}
    technical = any(_TECHNICAL.search(text) for text in (head, head.lower(), _code(head)))
    return bool(head) and not technical and not names & NO_QUESTIONS


@dataclass(frozen=True)
class WideTable:
    """Wide export: the names of its columns (header and further header rows) and the rows of respondents."""

    heads: list[str]
    texts: list[str]  # of further header rows, joined; as long as `heads`
    rows: list[list[str]]
    qualtrics: bool = False
    about: dict[str, int] = field(default_factory=dict)  # of ABOUT: the column

    def name_of(self, column: int) -> str:
        """Return a column's name in keys and lists: its header, or "#7" if several columns share that header."""
        head = self.heads[column]
        alike = [h for h in self.heads if h.strip().lower() == head.strip().lower()]
        return head if head.strip() and len(alike) == 1 else f"#{column + 1}"

    @property
    def questions(self) -> list[int]:
        """Columns that may hold answers."""
        return [i for i, head in enumerate(self.heads) if _is_question(head)]

    def values(self, column: int) -> list[str]:
        """Return the cells of a column that are not empty."""
        cells = (row[column].strip() for row in self.rows if column < len(row))
        return [cell for cell in cells if cell]


def parse_wide(rows: Sequence[Sequence[str]], name: str) -> WideTable:
    """Separate headers from respondents. Raises UserError for a table without respondents."""
    if not rows:
        raise UserError(f"{name} is empty. Export the answers as CSV again.")
    heads = [head.strip() for head in rows[0]]
    qualtrics = "startdate" in map(plain, heads) and any(map(_is_import, rows[1:4]))
    extra = _header_rows(rows, heads)
    question_rows = [row for row in rows[1 : 1 + extra] if not _is_import(row)]
    texts = [" ".join(row[i].strip() for row in question_rows if i < len(row)) for i in range(len(heads))]
    body = [list(row) for row in rows[1 + extra :] if any(cell.strip() for cell in row)]
    if not body:
        raise UserError(f"{name} has no respondents below its headers. Export the answers again.")
    about = {}
    for meaning, names in ABOUT.items():
        at = [i for alias in names for i, head in enumerate(heads) if alias in (plain(head), plain(_code(head)))]
        if at:
            about[meaning] = at[0]
    return WideTable(heads, texts, body, qualtrics, about)


def _header_rows(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> int:
    """Return the number of header rows after the first."""
    count = 0
    for row in rows[1:4]:
        if _is_import(row):  # Qualtrics' third
            return count + 1
        if not _is_header(row, heads):
            break
        count += 1
    return count


def _is_import(row: Sequence[str]) -> bool:
    """Return True for Qualtrics' row of import codes (JSON)."""
    return any("importid" in cell.lower() for cell in row)


def _is_header(row: Sequence[str], heads: Sequence[str]) -> bool:
    """Return True if a row repeats the names in words (Qualtrics) or describes the answers (SurveyMonkey)."""
    cells = [plain(cell) for cell in row]
    known = [plain(head) for head in heads]
    repeats = sum(a == b and bool(a) for a, b in zip(cells, known, strict=False))
    kinds = sum(cell in ("response", "openendedresponse", "openended") for cell in cells)
    return repeats >= 2 or kinds >= 1


def read_wide(rows: Sequence[Sequence[str]], name: str, key: StudyKey, columns: Mapping[str, str]) -> Responses:
    """Read the respondents of a wide export. Raises UserError if no question of the key has a column in it."""
    table = parse_wide(rows, name)
    questions = [item for item in key.items if item.role != "practice"]
    column_of = match_columns(table, questions, columns)
    if not column_of:
        raise UserError(
            f"No column of {name} could be told to belong to a question of the key. The key asks for "
            f"{_some([item.column or item.item for item in questions])}; the file has the columns "
            f"{_some([table.name_of(i) for i in table.questions])}. Make a list of columns with `study columns`, "
            "complete it, and give it with --columns."
        )
    missing = [item.item for item in questions if item.item not in column_of]
    respondents = [_respondent(table, row, number, name, column_of) for number, row in enumerate(table.rows, 1)]
    return Responses(respondents=tuple(respondents), missing=tuple(missing), notes=_notes(table, name))


def _some(names: Sequence[str], limit: int = 5) -> str:
    """Return the first names of a list, for a message."""
    shown = ", ".join(repr(name if len(name) <= 40 else name[:39] + "…") for name in names[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "") or "none"


def _notes(table: WideTable, name: str) -> tuple[str, ...]:
    notes = []
    if "respondent" not in table.about:
        notes.append(f"{name} names no respondents: its rows are numbered, and duplicates cannot be found.")
    if not {"finished", "submitted", "progress"} & set(table.about):
        notes.append(f"{name} does not say who finished: whoever answered every question counts as finished.")
    return tuple(notes)


def match_columns(table: WideTable, items: Sequence[KeyItem], columns: Mapping[str, str]) -> dict[str, int]:
    """Return the column of each question: as given in `columns`, as named in the key, or by the code in its text.

    "#7" names the seventh column. Raises UserError if several columns have a name, or if two questions have one column.
    """
    by_name = _by_name(table)
    column_of: dict[str, int] = {}
    for item in items:
        column = columns.get(item.item) or item.column
        at = _named(by_name, column)
        if at is None and item.item in columns:
            raise UserError(f"There is no column {column!r} in the answers. Correct the list of columns.")
        if at is None:
            at = _by_code(table, item.item)
        if at is None:
            at = _named(by_name, item.item)
        if at is not None:
            column_of[item.item] = at
    by_column: dict[int, str] = {}
    for name, at in column_of.items():
        if (other := by_column.setdefault(at, name)) != name:
            raise UserError(
                f"The questions {other} and {name} both have the column {table.name_of(at)!r}. Correct the key or the "
                "list of columns."
            )
    return column_of


def _by_name(table: WideTable) -> dict[str, list[int]]:
    """Return the columns by all their names: header, its code, further header rows, position."""
    indices: dict[str, list[int]] = {}
    for i, head in enumerate(table.heads):
        for name in {f"#{i + 1}", head, _code(head), table.texts[i]} - {""}:
            indices.setdefault(name.strip().lower(), []).append(i)
    # A header takes precedence over the words below it, which may be another column's header.
    for i, head in enumerate(table.heads):
        if head and table.name_of(i) == head:
            indices[head.strip().lower()] = [i]
    return indices


def _named(by_name: Mapping[str, Sequence[int]], name: str) -> int | None:
    at = by_name.get(name.strip().lower(), ()) if name.strip() else ()
    if len(at) > 1:
        raise UserError(
            f"{len(at)} columns of the answers are called {name!r}. Name each by its place: "
            f"{', '.join(f'#{i + 1}' for i in at[:4])}, ..."
        )
    return at[0] if at else None


def _by_code(table: WideTable, item: str) -> int | None:
    """Return the column with the question's code in its header or text, as our own survey.csv gives it."""
    code = re.compile(rf"(?<![a-z0-9]){re.escape(question_code(item).lower())}(?![a-z0-9])")
    matching = (i for i in table.questions if code.search(f"{table.heads[i]} {table.texts[i]}".lower()))
    return next(matching, None)


def _respondent(
    table: WideTable, row: Sequence[str], number: int, source: str, column_of: Mapping[str, int]
) -> Respondent:
    def cell(meaning: str) -> str:
        at = table.about.get(meaning)
        return row[at].strip() if at is not None and at < len(row) else ""

    answers = {
        item: Answer(row[at].strip()[:MAX_ANSWER])
        for item, at in column_of.items()
        if at < len(row) and row[at].strip()
    }
    return Respondent(
        name=cell("respondent") or f"row {number}",
        source=source,
        answers=answers,
        complete=_complete(table, cell("finished"), cell("progress"), cell("submitted")),
        preview=_is_preview(table, cell("status"), cell("channel")),
        seconds=parse_seconds(cell("seconds")),
        started=cell("started")[:40],
    )


def _complete(table: WideTable, finished: str, progress: str, submitted: str) -> bool | None:
    if "finished" in table.about and parse_bool(finished) is not None:
        return parse_bool(finished)
    if "submitted" in table.about:
        return bool(submitted)
    share = parse_seconds(progress)
    return None if share is None else share >= 100


def _is_preview(table: WideTable, status: str, channel: str) -> bool:
    """Return True for a test of the survey. Qualtrics marks tests in words, or by number in numeric exports."""
    text = f"{status} {channel}".lower()
    return any(word in text for word in _PREVIEW) or (table.qualtrics and status in ("1", "2", "9", "17"))
