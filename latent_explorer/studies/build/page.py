# SPDX-License-Identifier: MIT
"""The questions as participants get them: one HTML page (parts in resources/study), and a table for survey services."""

from __future__ import annotations

import html
import string
from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.common.csv_table import write_table
from latent_explorer.common.palette import page_style
from latent_explorer.common.paths import resource
from latent_explorer.studies.build.plan import Kind
from latent_explorer.studies.build.question_image import GRID, PLACES, STRIP, panel_size
from latent_explorer.studies.build.texts import WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from latent_explorer.studies.build.plan import StudySettings
    from latent_explorer.studies.build.texts import StudyTexts

PICTURES = "pictures"  # folder beside the page
SURVEY_HEADS = ("number", "name", "type", "question", "picture", "choice 1", "choice 2", "instructions")


class PageItem(msgspec.Struct, frozen=True):
    """Content of the page for a question: identity and pictures, and the answer of practice questions only."""

    id: str
    moving: str  # file names in PICTURES
    before: str
    after: str
    right: str | None = None  # of practice questions only


class PagePart(msgspec.Struct, frozen=True):
    """Questions of one kind."""

    kind: Kind
    items: tuple[PageItem, ...]
    practice: PageItem | None = None


def page(study: str, parts: Sequence[PagePart], settings: StudySettings) -> str:
    """Return the page as HTML. The same questions in the same words give the same text."""
    texts = settings.texts
    data = {
        "id": study,
        "title": texts.title,
        "consent": texts.consent,
        "contact": texts.contact,
        "thanks": texts.thanks,
        "words": {name: texts.word(name) for name in WORDS},
        "parts": [_part(part, settings) for part in parts],
    }
    template = string.Template(_template("page.html"))
    return template.substitute(
        title=html.escape(texts.title),
        language=html.escape(texts.language),
        style=page_style("study/page.css"),
        script=_template("page.js").strip(),
        study=_for_script(data),
    )


def _part(part: PagePart, settings: StudySettings) -> dict[str, Any]:
    texts, tile = settings.texts, settings.tile
    return {
        "kind": part.kind,
        "text": texts.verbal if part.kind == "verbal" else texts.classification,
        "grid": GRID[part.kind],
        "places": PLACES[part.kind],
        "tile": (tile, tile + tile // STRIP),
        "size": panel_size(part.kind, tile),
        "practice": None if part.practice is None else _item(part.practice),
        "items": [_item(item) for item in part.items],
    }


def _item(item: PageItem) -> dict[str, str]:
    urls = {name: f"{PICTURES}/{getattr(item, name)}" for name in ("moving", "before", "after")}
    right = {} if item.right is None else {"right": item.right}
    return {"id": item.id, **urls, **right}


def _for_script(data: dict[str, Any]) -> str:
    """Return JSON that cannot end the script element around it, whatever the texts contain."""
    text = msgspec.json.encode(data).decode()
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _template(name: str) -> str:
    return resource(f"study/{name}").read_text(encoding="utf-8")


def write_survey(path: Path, parts: Sequence[PagePart], texts: StudyTexts) -> None:
    """Write a CSV with one row per question, in the order asked, without the answers.

    The code in brackets in each question's text lets scoring find the column of the export.
    """
    rows: list[list[object]] = []
    for part in parts:
        verbal = part.kind == "verbal"
        question = texts.word("ask_words" if verbal else "ask_choice")
        choices = ["", ""] if verbal else [texts.word("choice").format(n=n) for n in (1, 2)]
        for item in part.items:
            picture = f"participants/{PICTURES}/{item.moving}"
            kind = "text" if verbal else "single choice"
            instructions = texts.verbal if verbal else texts.classification
            code = question_code(item.id)
            rows.append([len(rows) + 1, code, kind, f"{question} ({code})", picture, *choices, instructions])
    write_table(path, SURVEY_HEADS, rows)


def question_code(item: str) -> str:
    """Return the name of a question in a survey service; it begins with a letter because some services need it."""
    return f"q{item}"
