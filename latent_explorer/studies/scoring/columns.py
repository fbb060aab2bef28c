# SPDX-License-Identifier: MIT
"""Which column of an export belongs to which question: a proposal from the headers, to be completed by a person."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from latent_explorer.common.csv_table import read_records, read_table, write_table
from latent_explorer.common.errors import UserError
from latent_explorer.studies.build.plan import Kind
from latent_explorer.studies.scoring.answers import is_tidy, parse_choice
from latent_explorer.studies.scoring.survey_csv import WideTable, match_columns, parse_wide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from latent_explorer.studies.build.answer_key import KeyItem, StudyKey

HEADS = ("item", "column", "how", "kind", "question", "seen")
KEY_HEADS = (
    "column", "kind", "right", "arm", "attribute", "distractor", "slot", "role", "question", "seen",
)  # fmt: skip
BY_NAME, BY_ORDER, UNKNOWN = "by its name", "by order: please check", "please fill in"
FEW = 4  # different answers at most of what is taken for a choice


class Proposal(msgspec.Struct, frozen=True):
    """One question and the column that seems to be its own."""

    item: str
    column: str  # empty: none could be told
    how: str
    kind: Kind
    question: str = ""  # header and text of the column in the export
    seen: str = ""  # what stands in it, with numbers


class KeyDraft(msgspec.Struct, frozen=True):
    """A line of a key to be completed: a column of the export, and what is right where that is known."""

    proposal: Proposal
    right: str = ""


def propose(data: bytes, name: str, key: StudyKey) -> list[Proposal]:
    """A column for each question that counts; none for our own answers.csv, which needs no columns.

    By order only where the numbers of columns and questions agree.
    """
    rows = read_table(data, name)
    if is_tidy(rows):
        return []
    table = parse_wide(rows, name)
    asked = [item for item in key.items if item.role != "practice"]
    found = match_columns(table, asked, {})
    by_order = _by_order(table, [item for item in asked if item.item not in found], found)
    out = []
    for item in asked:
        at = found.get(item.item, by_order.get(item.item))
        how = BY_NAME if item.item in found else (BY_ORDER if at is not None else UNKNOWN)
        out.append(_proposal(table, item.item, at, how, item.kind))
    return out


def _by_order(table: WideTable, unmatched: Sequence[KeyItem], found: Mapping[str, int]) -> dict[str, int]:
    """Columns for the questions without one: all that are left where these are as many, else those of their kind."""
    left = [i for i in table.questions if i not in found.values()]
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
    words = " ".join(f"{table.heads[at]} {table.texts[at]}".split())
    return Proposal(item, table.name_of(at), how, kind, words[:300], _seen(table.values(at)))


def _seen(values: Sequence[str]) -> str:
    """The most frequent answers, each with how often it stands there."""
    counts = Counter(" ".join(value.split()) for value in values)
    shown = [f"{text if len(text) <= 40 else text[:39] + '…'} ({n})" for text, n in counts.most_common(FEW)]
    return ", ".join(shown + ["..."] * (len(counts) > FEW))


def question_columns(data: bytes, name: str) -> list[str]:
    """The columns of an export that may hold answers."""
    table = parse_wide(read_table(data, name), name)
    return [table.name_of(i) for i in table.questions]


def key_draft(data: bytes, name: str, right: Sequence[str] = ()) -> list[KeyDraft]:
    """For a survey of another origin: its questions as a key whose right answers are to be filled in.

    `right` are these answers for the columns that look like choices, in their order. UserError where the
    numbers differ.
    """
    table = parse_wide(read_table(data, name), name)
    found = [_proposal(table, table.name_of(i), i, "", _kind(table, i)) for i in table.questions]
    choices = [p.item for p in found if p.kind == "classification"]
    if right and len(right) != len(choices):
        raise UserError(
            f"{len(right)} right answers are given, but {len(choices)} columns of {name} look like choices: "
            f"{', '.join(choices[:12])}{', ...' if len(choices) > 12 else ''}. "
            "Make the draft without them, and write each beside its column."
        )
    answers = dict(zip(choices, right, strict=True)) if right else {}
    return [KeyDraft(p, answers.get(p.item, "")) for p in found]


def _kind(table: WideTable, column: int) -> Kind:
    """What has a few answers only, each naming a choice, or two that everybody repeats, is taken for a choice."""
    values = [value.lower() for value in table.values(column)]
    said = set(values)
    if not said or len(said) > FEW:
        return "verbal"
    names_choices = None not in {parse_choice(text) for text in said}
    repeated = len(said) == 2 and len(values) >= 10
    return "classification" if names_choices or repeated else "verbal"


def write_key_draft(path: Path, drafts: Sequence[KeyDraft]) -> None:
    """As a CSV that `read_key` reads once it is completed; question and answers seen are there to help."""
    rows = [
        [d.proposal.column, d.proposal.kind, d.right, "", "", "", "", "item", d.proposal.question, d.proposal.seen]
        for d in drafts
    ]  # fmt: skip
    write_table(path, KEY_HEADS, rows)


def write_proposals(path: Path, proposals: Sequence[Proposal]) -> None:
    """As a CSV, to be completed by hand and given back."""
    write_table(path, HEADS, [msgspec.structs.astuple(p) for p in proposals])


def read_columns(path: Path) -> dict[str, str]:
    """The completed list: column by item."""
    try:
        rows = read_table(path.read_bytes(), path.name)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}). Choose the list of columns.") from error
    heads, records = read_records(rows)
    if not {"item", "column"} <= set(heads):
        raise UserError(f"{path.name} must have the columns `item` and `column`.")
    return {r["item"]: r["column"] for r in records if r.get("item") and r.get("column")}
