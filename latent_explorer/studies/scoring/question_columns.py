# SPDX-License-Identifier: MIT
"""Which columns of a wide export hold the answers to a question: one, or several that a service spread it over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from latent_explorer.common.errors import UserError
from latent_explorer.studies.build.page import question_code
from latent_explorer.studies.scoring.answers import parse_bool
from latent_explorer.studies.scoring.choices import fold, names_nothing
from latent_explorer.studies.scoring.survey_csv import code_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from latent_explorer.studies.build.answer_key import KeyItem
    from latent_explorer.studies.scoring.survey_csv import WideTable

_SUFFIX = r"\s*(?:\[[^\]]+\]|_\d+)(?:\.\s.*)?$"  # of a column for one choice: "G01Q01[SQ002]", "Q1_2"
_SPREAD = re.compile(r"(?P<base>[^\[\]]+)\[[^\]]+\](?:\.\s.*)?$", re.DOTALL)
# What follows a question's code in the name of a column for one choice: "[Choice 1]", "- Choice 1".
_LABELS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (r"\[([^\[\]]+)\]\s*$", r"^[)\]\s]*\[([^\[\]]+)\]", r"^[)\]\s]*[-–:]\s*(.+)$")
)
_WHOLE = ("", "selected choice")  # labels of a column that holds the answer itself
_REMARK = re.compile(
    r"\b(other|comment|text|sonstiges?|andere[sr]?|kommentar|bemerkung|autre|commentaire|otro|altro)\b"
)
_UNTICKED = ("unchecked", "not selected", "nicht gewahlt", "nicht ausgewahlt", "non selectionne", "no seleccionado")


class Place(msgspec.Struct, frozen=True):
    """Columns that hold the answers to one question; `labels` names the choice of each, if each stands for one."""

    columns: tuple[int, ...]
    labels: tuple[str, ...] = ()

    def answer(self, row: Sequence[str]) -> str:
        """Return the answer in a row; several that contradict each other are joined, so that they name no choice."""
        cells = [row[at].strip() if at < len(row) else "" for at in self.columns]
        if self.labels:
            cells = [label for label, cell in zip(self.labels, cells, strict=True) if _is_ticked(cell, label)]
        return " | ".join(dict.fromkeys(cell for cell in cells if cell))


def _is_ticked(cell: str, label: str) -> bool:
    if fold(cell) == fold(label):
        return True
    return parse_bool(cell) is not False and fold(cell) not in _UNTICKED and not names_nothing(cell)


def match_columns(table: WideTable, items: Sequence[KeyItem], columns: Mapping[str, str]) -> dict[str, Place]:
    """Return the columns of each question: as given in `columns`, as named in the key, or by the code in their text.

    "#7" names the seventh column. Raises UserError if several columns have a name, or if two questions have one column.
    """
    by_name = _by_name(table)
    places: dict[str, Place] = {}
    for item in items:
        column = columns.get(item.item) or item.column
        coded = _by_code(table, item.item)
        place = _named(table, by_name, column)
        if place is None and item.item in columns:
            raise UserError(f"There is no column {column!r} in the answers. Correct the list of columns.")
        if coded is not None and (place is None or place.columns[0] in coded.columns):
            place = coded
        place = place or _named(table, by_name, item.item)
        if place is not None:
            places[item.item] = place
    _refuse_shared(table, places)
    return places


def _refuse_shared(table: WideTable, places: Mapping[str, Place]) -> None:
    by_column: dict[int, str] = {}
    for name, place in places.items():
        for at in place.columns:
            if (other := by_column.setdefault(at, name)) != name:
                raise UserError(
                    f"The questions {other} and {name} both have the column {table.name_of(at)!r}. Correct the key or "
                    "the list of columns."
                )


def _by_name(table: WideTable) -> dict[str, list[int]]:
    """Return the columns by all their names: header, its code, further header rows, position."""
    indices: dict[str, list[int]] = {}
    for i, head in enumerate(table.heads):
        for name in {f"#{i + 1}", head, code_of(head), table.texts[i]} - {""}:
            indices.setdefault(name.strip().lower(), []).append(i)
    # A header takes precedence over the words below it, which may be another column's header.
    for i, head in enumerate(table.heads):
        if head and table.name_of(i) == head:
            indices[head.strip().lower()] = [i]
    return indices


def _named(table: WideTable, by_name: Mapping[str, Sequence[int]], name: str) -> Place | None:
    wanted = name.strip().lower()
    if not wanted:
        return None
    at = by_name.get(wanted, ())
    if len(at) == 1:
        return Place((at[0],))
    suffixed = re.compile(re.escape(wanted) + _SUFFIX, re.DOTALL)
    place = _place(table, at or [i for i in table.questions if suffixed.match(table.heads[i].lower())], wanted)
    if at and place is not None and not place.labels:
        raise UserError(
            f"{len(at)} columns of the answers are called {name!r}. Name each by its place: "
            f"{', '.join(f'#{i + 1}' for i in at[:4])}, ..."
        )
    return place


def _by_code(table: WideTable, item: str) -> Place | None:
    """Return the columns with the question's code in their header or text, as our own survey.csv gives it."""
    name = question_code(item).lower()
    code = re.compile(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])")
    return _place(table, [i for i in table.questions if code.search(table.whole_name(i))], name)


def _place(table: WideTable, columns: Sequence[int], name: str) -> Place | None:
    """Return the columns of the question `name` among those that mention it: not those of remarks."""
    if len(columns) < 2:
        return Place(tuple(columns)) if columns else None
    labels = {at: _label(table, at, name) for at in columns}
    telling = [at for at in columns if not _REMARK.search(fold(labels[at]))] or list(columns)
    whole = [at for at in telling if labels[at].lower() in _WHOLE]
    if whole:
        return Place(tuple(whole))
    names = tuple(labels[at] for at in telling)
    each_a_choice = len(names) > 1 and len(set(map(fold, names))) == len(names)
    return Place(tuple(telling), names if each_a_choice else ())


def spread_questions(table: WideTable) -> dict[str, Place]:
    """Return the questions with a column for each choice, by the beginning that their columns' names share."""
    by_base: dict[str, list[int]] = {}
    for i in table.questions:
        if match := _SPREAD.match(table.heads[i]):
            by_base.setdefault(match["base"].strip(), []).append(i)
    places = {base: _place(table, columns, base.lower()) for base, columns in by_base.items()}
    return {base: p for base, p in places.items() if p is not None and p.labels and _holds_ticks(table, p)}


def _holds_ticks(table: WideTable, place: Place) -> bool:
    """Return True if each column says no more than whether its choice was ticked."""
    return all(
        parse_bool(cell) is not None or fold(cell) in (fold(label), "checked", "selected", *_UNTICKED)
        for at, label in zip(place.columns, place.labels, strict=True)
        for cell in table.values(at)
    )


def _label(table: WideTable, column: int, name: str) -> str:
    """Return what a column's name says beyond the question's: the choice that the column stands for."""
    head, text = table.heads[column], table.texts[column]
    for words in (text, head):
        if name in words.lower():
            rest = words[words.lower().rindex(name) + len(name) :]
            for pattern in _LABELS:
                if match := pattern.search(rest):
                    return match.group(1).strip()
    return text.strip() if name in head.lower() and name not in text.lower() else ""
