# SPDX-License-Identifier: MIT
"""The questions of a study as a table for survey services: text, picture and choices, and never an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.common.csv_table import write_table
from latent_explorer.studies.build.page import PICTURES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from latent_explorer.studies.build.page import PagePart
    from latent_explorer.studies.build.texts import StudyTexts

HEADS = ("number", "name", "type", "question", "picture", "choice 1", "choice 2", "instructions")


def write_survey(path: Path, parts: Sequence[PagePart], texts: StudyTexts) -> None:
    """A line a question, in the order asked. The code in brackets lets scoring find the column of the export."""
    rows: list[list[object]] = []
    for part in parts:
        verbal = part.kind == "verbal"
        asked = texts.word("ask_words" if verbal else "ask_choice")
        choices = ["", ""] if verbal else [texts.word("choice").format(n=n) for n in (1, 2)]
        for item in part.items:
            picture = f"participants/{PICTURES}/{item.moving}"
            kind = "text" if verbal else "single choice"
            told = texts.verbal if verbal else texts.classification
            code = question_code(item.id)
            rows.append([len(rows) + 1, code, kind, f"{asked} ({code})", picture, *choices, told])
    write_table(path, HEADS, rows)


def question_code(item: str) -> str:
    """A question's name in a survey service: begins with a letter, as some of them want."""
    return f"q{item}"
