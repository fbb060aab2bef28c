# SPDX-License-Identifier: MIT
"""Read respondents from the wide CSV of a survey service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import shortened
from latent_explorer.studies.scoring.answers import MAX_ANSWER, Answer, Respondent, Responses, parse_bool, parse_seconds
from latent_explorer.studies.scoring.question_columns import Place, match_columns
from latent_explorer.studies.scoring.survey_csv import WideTable, parse_wide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from latent_explorer.studies.build.answer_key import StudyKey

_PREVIEW = ("preview", "test")


def read_wide(rows: Sequence[Sequence[str]], name: str, key: StudyKey, columns: Mapping[str, str]) -> Responses:
    """Read the respondents of a wide export. Raises UserError if no question of the key has a column in it."""
    table = parse_wide(rows, name)
    questions = [item for item in key.items if item.role != "practice"]
    places = match_columns(table, questions, columns)
    if not places:
        raise UserError(
            f"No column of {name} could be told to belong to a question of the key. The key asks for "
            f"{_some([item.column or item.item for item in questions])}; the file has the columns "
            f"{_some([table.name_of(i) for i in table.questions])}. Make a list of columns with `study columns`, "
            "complete it, and give it with --columns."
        )
    missing = [item.item for item in questions if item.item not in places]
    respondents = [_respondent(table, row, number, name, places) for number, row in enumerate(table.rows, 1)]
    return Responses(respondents=tuple(respondents), missing=tuple(missing), notes=_notes(table, name, places))


def _some(names: Sequence[str], limit: int = 5) -> str:
    """Return the first names of a list, for a message."""
    shown = ", ".join(repr(shortened(name, 40)) for name in names[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "") or "none"


def _notes(table: WideTable, name: str, places: Mapping[str, Place]) -> tuple[str, ...]:
    notes = []
    if table.label_row:
        notes.append(f"The row below the header of {name} looks like labels, and is not a respondent.")
    if several := [item for item, place in places.items() if len(place.columns) > 1 and not place.labels]:
        notes.append(
            f"{len(several)} questions have several columns in {name} ({', '.join(several[:3])}"
            f"{', ...' if len(several) > 3 else ''}): whichever is filled counts, and different answers are none."
        )
    if "respondent" not in table.about:
        notes.append(f"{name} names no respondents: its rows are numbered, and duplicates cannot be found.")
    if not {"finished", "submitted", "progress"} & set(table.about):
        notes.append(f"{name} does not say who finished: whoever answered every question counts as finished.")
    return tuple(notes)


def _respondent(
    table: WideTable, row: Sequence[str], number: int, source: str, places: Mapping[str, Place]
) -> Respondent:
    def cell(meaning: str) -> str:
        at = table.about.get(meaning)
        return row[at].strip() if at is not None and at < len(row) else ""

    found = {item: place.answer(row) for item, place in places.items()}
    return Respondent(
        name=cell("respondent") or f"row {number}",
        source=source,
        scope=source,
        answers={item: Answer(text[:MAX_ANSWER]) for item, text in found.items() if text},
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
