# SPDX-License-Identifier: MIT
"""Match the columns of an export to questions: a proposal from the headers, to be completed by the user."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from latent_explorer.common.csv_table import read_records, read_table, write_table
from latent_explorer.common.errors import UserError
from latent_explorer.studies.build.plan import Kind
from latent_explorer.studies.scoring.answers import is_tidy
from latent_explorer.studies.scoring.choices import is_missing_code, names_nothing, parse_choice
from latent_explorer.studies.scoring.question_columns import Place, match_columns, spread_questions
from latent_explorer.studies.scoring.survey_csv import WideTable, parse_wide

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from latent_explorer.studies.build.answer_key import KeyItem, StudyKey

HEADS = ("item", "column", "how", "kind", "question", "seen")
KEY_HEADS = (
    "column", "kind", "right", "arm", "attribute", "distractor", "slot", "role", "question", "seen",
)  # fmt: skip
BY_NAME, BY_ORDER, UNKNOWN = "by its name", "by order: please check", "please fill in"
MAX_CHOICES = 4  # largest number of different answers of a choice


class Proposal(msgspec.Struct, frozen=True):
    """Question and the column that seems to belong to it."""

    item: str
    column: str  # empty: unknown
    how: str
    kind: Kind
    question: str = ""  # header and text of the column in the export
    seen: str = ""  # its most frequent answers, with counts


class KeyDraft(msgspec.Struct, frozen=True):
    """Row of a key to be completed: a column of the export, and the right answer if it is known."""

    proposal: Proposal
    right: str = ""


def propose(data: bytes, name: str, key: StudyKey) -> list[Proposal]:
    """Propose a column for each question that counts; nothing for our own answers.csv, which needs no columns.

    Columns are matched by order only if there are as many as questions.
    """
    rows = read_table(data, name)
    if is_tidy(rows):
        return []
    table = parse_wide(rows, name)
    questions = [item for item in key.items if item.role != "practice"]
    places = match_columns(table, questions, {})
    matched = {item: place.columns[0] for item, place in places.items()}
    taken = {at for place in places.values() for at in place.columns}
    by_order = _by_order(table, [item for item in questions if item.item not in matched], taken)
    out = []
    for item in questions:
        at = matched.get(item.item, by_order.get(item.item))
        how = BY_NAME if item.item in matched else (BY_ORDER if at is not None else UNKNOWN)
        out.append(_proposal(table, item.item, at, how, item.kind))
    return out


def _by_order(table: WideTable, unmatched: Sequence[KeyItem], taken: Collection[int]) -> dict[str, int]:
    """Match the questions left over by order: all of them if the numbers agree, else those of each kind."""
    left = [i for i in table.questions if i not in taken]
    if len(left) == len(unmatched):
        return dict(zip((item.item for item in unmatched), left, strict=True))
    out: dict[str, int] = {}
    for kind in ("classification", "verbal"):
        mine = [item.item for item in unmatched if item.kind == kind]
        columns = [i for i in left if _kind(table, i) == kind]
        if len(mine) == len(columns):
            out |= zip(mine, columns, strict=True)
    return out


def _proposal(table: WideTable, item: str, at: int | None, how: str, kind: Kind) -> Proposal:
    if at is None:
        return Proposal(item, "", how, kind)
    question = " ".join(f"{table.heads[at]} {table.texts[at]}".split())
    return Proposal(item, table.name_of(at), how, kind, question[:300], _seen(table.values(at)))


def _seen(values: Sequence[str]) -> str:
    """Return the most frequent answers, each with its count."""
    counts = Counter(" ".join(value.split()) for value in values)
    shown = [f"{text if len(text) <= 40 else text[:39] + '…'} ({n})" for text, n in counts.most_common(MAX_CHOICES)]
    return ", ".join(shown + ["..."] * (len(counts) > MAX_CHOICES))


def question_columns(data: bytes, name: str) -> list[str]:
    """Return the columns of an export that may hold answers."""
    table = parse_wide(read_table(data, name), name)
    return [table.name_of(i) for i in table.questions]


def key_draft(data: bytes, name: str, right: Sequence[str] = ()) -> list[KeyDraft]:
    """Draft a key for a survey made elsewhere: its questions, with the right answers to be filled in.

    `right` are the right answers for the columns that look like choices, in their order. Raises UserError if the
    numbers differ.
    """
    table = parse_wide(read_table(data, name), name)
    spread = spread_questions(table)
    taken = {at for place in spread.values() for at in place.columns}
    proposals = [_proposal(table, table.name_of(i), i, "", _kind(table, i)) for i in table.questions if i not in taken]
    proposals += [_spread_proposal(table, base, place) for base, place in spread.items()]
    choices = [p.item for p in proposals if p.kind == "classification"]
    if right and len(right) != len(choices):
        raise UserError(
            f"{len(right)} right answers are given, but {len(choices)} columns of {name} look like choices: "
            f"{', '.join(choices[:12])}{', ...' if len(choices) > 12 else ''}. "
            "Make the draft without them, and write each beside its column."
        )
    answers = dict(zip(choices, right, strict=True)) if right else {}
    return [KeyDraft(p, answers.get(p.item, "")) for p in proposals]


def _spread_proposal(table: WideTable, base: str, place: Place) -> Proposal:
    question = " ".join(table.whole_name(place.columns[0]).split())
    seen = _seen([answer for row in table.rows if (answer := place.answer(row))])
    return Proposal(base, base, "", "classification", question[:300], seen)


def _kind(table: WideTable, column: int) -> Kind:
    """Guess a column's kind: a choice has few different answers, each naming a choice, or two that are repeated."""
    values = [value.lower() for value in table.values(column)]
    distinct = {value for value in values if not is_missing_code(value)}
    if not distinct or len(distinct) > MAX_CHOICES:
        return "verbal"
    names_choices = all(parse_choice(text) or names_nothing(text) for text in distinct)
    repeated = len(distinct) == 2 and len(values) >= 10
    return "classification" if names_choices or repeated else "verbal"


def write_key_draft(path: Path, drafts: Sequence[KeyDraft]) -> None:
    """Write a CSV that `read_key` reads once it is completed; `question` and `seen` are there to help."""
    rows = [
        [d.proposal.column, d.proposal.kind, d.right, "", "", "", "", "item", d.proposal.question, d.proposal.seen]
        for d in drafts
    ]  # fmt: skip
    write_table(path, KEY_HEADS, rows)


def write_proposals(path: Path, proposals: Sequence[Proposal]) -> None:
    """Write the proposals as a CSV, to be completed by hand and given back."""
    write_table(path, HEADS, [msgspec.structs.astuple(p) for p in proposals])


def read_columns(path: Path) -> dict[str, str]:
    """Read a completed list of columns: the column by item."""
    try:
        rows = read_table(path.read_bytes(), path.name)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}). Choose the list of columns.") from error
    heads, records = read_records(rows)
    if not {"item", "column"} <= set(heads):
        raise UserError(f"{path.name} must have the columns `item` and `column`.")
    return {r["item"]: r["column"] for r in records if r.get("item") and r.get("column")}
