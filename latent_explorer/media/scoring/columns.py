# SPDX-License-Identifier: MIT
"""Which column of an export belongs to which question: a proposal from the headers, to be completed by a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from latent_explorer.common.errors import UserError
from latent_explorer.media.scoring.choices import choice_of
from latent_explorer.media.scoring.services import Wide, match_columns, parse_wide
from latent_explorer.media.study.key import KeyItem
from latent_explorer.media.study.tables import read_table, unguarded, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from latent_explorer.media.study.key import StudyKey
    from latent_explorer.media.study.plan import Kind

HEADS = ("item", "column", "how", "kind", "question")
BY_NAME, BY_ORDER, UNKNOWN = "by its name", "by order: please check", "please fill in"


class Proposal(msgspec.Struct, frozen=True):
    """One question and the column that seems to be its own."""

    item: str
    column: str  # empty: none could be told
    how: str
    kind: str
    question: str = ""  # text of the column in the export


def propose(data: bytes, name: str, key: StudyKey) -> list[Proposal]:
    """A column for each question that counts. By order only where the numbers of columns and questions agree."""
    table = parse_wide(read_table(data, name), name)
    asked = [item for item in key.items if item.role != "practice"]
    found = match_columns(table, asked, {})
    left = [i for i in table.questions if i not in found.values()]
    unmatched = [item for item in asked if item.item not in found]
    if unmatched and len(left) == len(unmatched):
        by_order = dict(zip((item.item for item in unmatched), left, strict=True))
    else:
        by_order = {}
    out = []
    for item in asked:
        at = found.get(item.item, by_order.get(item.item))
        how = BY_NAME if item.item in found else (BY_ORDER if at is not None else UNKNOWN)
        column = table.name_of(at) if at is not None else ""
        out.append(Proposal(item.item, column, how, item.kind, table.texts[at] if at is not None else ""))  # fmt: skip
    return out


def question_columns(data: bytes, name: str) -> list[str]:
    """The columns of an export that may hold answers."""
    table = parse_wide(read_table(data, name), name)
    return [table.name_of(i) for i in table.questions]


def key_draft(data: bytes, name: str) -> list[KeyItem]:
    """For a survey of another origin: its questions as a key whose right answers are to be filled in.

    What has a few answers only, each naming a choice, is taken for a classification question.
    """
    table = parse_wide(read_table(data, name), name)
    return [
        KeyItem(item=table.name_of(i), column=table.name_of(i), kind=_kind(table, i))
        for i in table.questions
    ]


def _kind(table: Wide, column: int) -> Kind:
    said = {row[column].strip().lower() for row in table.rows if column < len(row)} - {""}
    choices = {choice_of(text) for text in said}
    return "classification" if said and len(said) <= 4 and None not in choices else "verbal"


def write_proposals(path: Path, proposals: Sequence[Proposal]) -> None:
    """As a CSV, to be completed by hand and given back."""
    write_table(path, HEADS, [[p.item, p.column, p.how, p.kind, p.question] for p in proposals])


def read_columns(path: Path) -> dict[str, str]:
    """The completed list: column by item."""
    try:
        rows = read_table(path.read_bytes(), path.name)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}). Choose the list of columns."
        ) from error
    heads = [head.strip().lower() for head in rows[0]] if rows else []
    if not {"item", "column"} <= set(heads):
        raise UserError(f"{path.name} must have the columns `item` and `column`.")
    found = {}
    for row in rows[1:]:
        cell = dict(zip(heads, (unguarded(c).strip() for c in row), strict=False))
        if cell.get("item") and cell.get("column"):
            found[cell["item"]] = cell["column"]
    return found
