# SPDX-License-Identifier: MIT
"""Score files with answers and write the folder of the result, for the window, the command line and Python.

report.html   stands alone      result.json   every figure      answers.csv   one row a respondent and question
items.csv  attributes.csv  words.csv           *.svg            the plots
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from latent_explorer.common.csv_table import table_bytes
from latent_explorer.common.events import Event, Progress
from latent_explorer.common.paths import atomic_path, explain_write_errors
from latent_explorer.studies.build.answer_key import StudyKey, read_key
from latent_explorer.studies.scoring import tables
from latent_explorer.studies.scoring.answers import Responses, read_responses
from latent_explorer.studies.scoring.columns import read_columns
from latent_explorer.studies.scoring.report import report, report_plots
from latent_explorer.studies.scoring.score import AnswerMarks, StudyScore, score_study

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from latent_explorer.studies.scoring.rules import Rules


REPORT = "report.html"


class Scored(msgspec.Struct, frozen=True):
    """Result of a study, and the folder it was written to."""

    score: StudyScore
    folder: Path

    @property
    def report(self) -> Path:
        """Path of the report."""
        return self.folder / REPORT


def score_files(
    answers: Sequence[Path],
    key_path: Path,
    folder: Path,
    rules: Rules | None = None,
    columns: Path | Mapping[str, str] | None = None,
) -> Generator[Event, None, Scored]:
    """Read, score and write. A job that does not need torch.

    `columns` is a completed list of columns, as a file or as a mapping of items to columns.
    """
    key = read_key(key_path)
    mapping = read_columns(columns) if isinstance(columns, Path) else columns
    yield Progress(0, 3, "Reading answers")
    responses = read_responses(answers, key, mapping)
    yield Progress(1, 3, "Scoring")
    score, reasons = score_study(key, responses, rules)
    yield Progress(2, 3, "Writing the report")
    write_result(folder, key, responses, score, reasons)
    yield Progress(3, 3, "Writing the report")
    return Scored(score, Path(folder))


def write_result(folder: Path, key: StudyKey, responses: Responses, score: StudyScore, reasons: Sequence[str]) -> None:
    """Write every file of a result; files of an earlier result are replaced."""
    kept = [r for r, why in zip(responses.respondents, reasons, strict=True) if not why]
    tally = AnswerMarks.of(key, kept, responses.missing)
    drawn = report_plots(score, list(tally.accuracies("respondents", tally.items).values()))
    texts = key.made_with.get("settings", {}).get("texts", {})
    title = str(texts.get("title", "")) if isinstance(texts, dict) else ""
    csv = {
        "answers.csv": tables.tidy(key, responses, reasons),
        "items.csv": tables.items(score),
        "attributes.csv": tables.attributes(score),
        "accuracy.csv": tables.groups(score),
        "words.csv": tables.verbal(score),
    }
    files = {
        REPORT: report(score, key, drawn, title).encode(),
        "result.json": msgspec.json.format(msgspec.json.encode(score), indent=1) + b"\n",
        **{name: _csv(table) for name, table in csv.items() if table.rows},
        **{f"{name}.svg": svg.encode() for name, svg in drawn.items()},
    }
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            with atomic_path(folder / name) as temporary:
                temporary.write_bytes(data)


def _csv(table: tables.Table) -> bytes:
    rows = [["" if c is None or c != c else c for c in row] for row in table.rows]
    return table_bytes([head or "note" for head in table.heads], rows)
