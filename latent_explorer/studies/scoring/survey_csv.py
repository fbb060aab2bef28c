# SPDX-License-Identifier: MIT
"""The wide CSV of survey services: one row per respondent, one column per question, and other rows and columns.

Recognized by their form: Qualtrics (two more header rows), SurveyMonkey (one more), LimeSurvey, Google Forms. Any other
table with one header row is read in the same way.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.studies.scoring.answers import parse_bool
from latent_explorer.studies.scoring.choices import names_nothing, parse_choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
_NUMBERS = re.compile(r"[\W_]*\d[\d\W_]*(?:[TZ][\d\W_]*)?(?: ?[ap]m)?", re.IGNORECASE)
# Before a question's text, as in "G01Q02. What changes?"
_CODE = re.compile(r"([A-Za-z]\w*|\d+)\. ")


def plain(text: str) -> str:
    """Return a column's name in lower case, without spaces and punctuation."""
    return re.sub(r"[\W_]+", "", text).lower()


def code_of(head: str) -> str:
    """Return the code that LimeSurvey puts before a question's text; "" if there is none."""
    match = _CODE.match(head)
    return match.group(1) if match else ""


def _is_question(head: str) -> bool:
    """Return True if a column may hold answers, judged by its header."""
    names = {plain(head), plain(code_of(head))} - {""}
    technical = any(_TECHNICAL.search(text) for text in (head, head.lower(), code_of(head)))
    return bool(head) and not technical and not names & NO_QUESTIONS


@dataclass(frozen=True)
class WideTable:
    """Wide export: the names of its columns (header and further header rows) and the rows of respondents."""

    heads: list[str]
    texts: list[str]  # of further header rows, joined; as long as `heads`
    rows: list[list[str]]
    qualtrics: bool = False
    about: dict[str, int] = field(default_factory=dict)  # of ABOUT: the column
    label_row: bool = False  # a further header row was recognised by its contents only

    def name_of(self, column: int) -> str:
        """Return a column's name in keys and lists: its header, or "#7" if several columns share that header."""
        head = self.heads[column]
        alone = self._counts[head.strip().lower()] == 1
        return head if head.strip() and alone else f"#{column + 1}"

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(head.strip().lower() for head in self.heads)

    def whole_name(self, column: int) -> str:
        """Return a column's header and the words below it, in lower case."""
        return f"{self.heads[column]} {self.texts[column]}".lower()

    @cached_property
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
    about = _about(heads)
    qualtrics = "startdate" in map(plain, heads) and any(map(_is_import, rows[1:4]))
    extra = _header_rows(rows, heads, about)
    label_row = not extra and _is_label_row(rows)
    extra += label_row
    question_rows = [row for row in rows[1 : 1 + extra] if not _is_import(row)]
    texts = [" ".join(row[i].strip() for row in question_rows if i < len(row)) for i in range(len(heads))]
    body = [list(row) for row in rows[1 + extra :] if any(cell.strip() for cell in row)]
    if not body:
        raise UserError(f"{name} has no respondents below its headers. Export the answers again.")
    return WideTable(_continued(heads, texts), texts, body, qualtrics, about, label_row)


def _about(heads: Sequence[str]) -> dict[str, int]:
    """Return the columns that are about the respondent, by their meaning."""
    found = {}
    for meaning, names in ABOUT.items():
        at = [i for alias in names for i, head in enumerate(heads) if alias in (plain(head), plain(code_of(head)))]
        if at:
            found[meaning] = at[0]
    return found


def _continued(heads: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Give a column with words below an empty header the header to its left: one question with a column a choice."""
    out = list(heads)
    for i in range(1, len(out)):
        if not out[i] and texts[i].strip() and _is_question(out[i - 1]):
            out[i] = out[i - 1]
    return out


def _header_rows(rows: Sequence[Sequence[str]], heads: Sequence[str], about: Mapping[str, int]) -> int:
    """Return the number of header rows after the first."""
    count = 0
    for row in rows[1:4]:
        if _is_import(row):  # Qualtrics' third
            return count + 1
        if not _is_header(row, heads) and not (count == 0 and _is_of_nobody(row, rows[2:3], about)):
            break
        count += 1
    return count


def _is_of_nobody(row: Sequence[str], below: Sequence[Sequence[str]], about: Mapping[str, int]) -> bool:
    """Return True for a row without anything about a respondent above one with an id (SurveyMonkey, any language)."""
    if "respondent" not in about or len(about) < 2 or not below:
        return False
    at = about["respondent"]
    empty = not any(row[i].strip() for i in about.values() if i < len(row))
    return empty and any(cell.strip() for cell in row) and at < len(below[0]) and bool(below[0][at].strip())


def _is_label_row(rows: Sequence[Sequence[str]]) -> bool:
    """Return True if the first row has words wherever the others have numbers, dates or choices, in two columns."""
    first, below = rows[1] if len(rows) > 1 else (), rows[2:52]
    words = 0
    for i, cell in enumerate(cell.strip() for cell in first):
        cells = [row[i].strip() for row in below if i < len(row) and row[i].strip()]
        if not cell or len(cells) < 2 or not all(map(_is_value, cells)):
            continue
        if _is_value(cell) or names_nothing(cell):
            return False
        words += 1
    return words >= 2


def _is_value(cell: str) -> bool:
    """Return True for a number, a date, a choice, or a yes or no."""
    return bool(_NUMBERS.fullmatch(cell)) or parse_choice(cell) is not None or parse_bool(cell) is not None


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
