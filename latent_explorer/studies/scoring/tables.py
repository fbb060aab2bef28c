# SPDX-License-Identifier: MIT
"""The tables of a study's result, for the report, the CSV files and the window."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from latent_explorer.studies.scoring.choices import marker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from latent_explorer.studies.build.answer_key import StudyKey
    from latent_explorer.studies.scoring.answers import Respondent, Responses
    from latent_explorer.studies.scoring.score import Proportion, StudyScore

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """Heads, rows, and the indices of rows to be highlighted."""

    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    flagged: frozenset[int] = field(default_factory=frozenset)

    def transposed(self) -> Table:
        """Return the table with rows as columns, for few rows of many figures."""
        columns = zip(*self.rows, strict=True)
        rows = [(head, *column) for head, column in zip(self.heads, columns, strict=True)]
        return Table(tuple(map(str, rows[0])), tuple(rows[1:]))


def shown(value: Any) -> str:
    """Format a cell for people."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if 0 < value < 0.0001:
            return "< 0.0001"
        return f"{value:.4f}" if 0 < abs(value) < 0.001 else f"{value:.3f}"
    return str(value)


_PROPORTION = ("right", "answers", "accuracy", "Wilson low", "Wilson high", "p exact")


def _proportion(p: Proportion) -> Row:
    return p.right, p.n, p.accuracy, p.low, p.high, p.p


def exclusions(score: StudyScore) -> Table:
    """Tabulate the respondents that each rule found."""
    rows: list[Row] = [
        (e.rule, e.words, len(e.respondents), "left out" if e.applied else "only counted") for e in score.exclusions
    ]
    rows.append(("", "Respondents that count", score.respondents, f"of {score.respondents_read}"))
    return Table(("rule", "meaning", "respondents", ""), tuple(rows))


def groups(score: StudyScore) -> Table:
    """Tabulate the scores over all and of each arm, with every kind of spread."""
    heads = (
        *("", "questions", *_PROPORTION, "p Holm"),
        *("mean over items", "population SD over items", "sample SD over items"),
        *("mean over respondents", "population SD over respondents", "sample SD over respondents"),
        *("t low over respondents", "t high over respondents"),
    )
    rows: list[Row] = []
    for group in [*([score.overall] if score.overall else []), *score.arms]:
        i, r = group.over_items, group.over_respondents
        spreads = (i.mean, i.sd_population, i.sd_sample, r.mean, r.sd_population, r.sd_sample)
        rows.append((group.name, group.items, *_proportion(group.score), group.score.p_holm, *spreads, r.low, r.high))
    if score.overall_without_exclusions and score.respondents != score.respondents_read:
        gap = (math.nan,) * 9
        rows.append(("nobody left out", math.nan, *_proportion(score.overall_without_exclusions), *gap))
    return Table(heads, tuple(rows))


def attributes(score: StudyScore) -> Table:
    """Tabulate every attribute of every arm."""
    heads = ("arm", "attribute", "questions", *_PROPORTION, "p Holm",
             "population SD over items", "sample SD over items")  # fmt: skip
    rows = tuple(
        (g.arm, g.name, g.items, *_proportion(g.score), g.score.p_holm,
         g.over_items.sd_population, g.over_items.sd_sample)
        for g in score.attributes
    )  # fmt: skip
    return Table(heads, rows)


def items(score: StudyScore) -> Table:
    """Tabulate every question; those significantly below chance are flagged."""
    heads = ("question", "arm", "attribute", "distractor", *_PROPORTION, "p Holm", "median seconds", "")
    rows = tuple(
        (i.item, i.arm, i.attribute, i.distractor, *_proportion(i.score), i.score.p_holm, i.median_seconds,
         "below chance" if i.below_chance else "")
        for i in score.items
    )  # fmt: skip
    flagged = frozenset(n for n, i in enumerate(score.items) if i.below_chance)
    return Table(heads, rows, flagged)


def differences(score: StudyScore) -> Table:
    """Tabulate the paired differences between arms."""
    heads = ("difference", "over", "pairs", "mean", "t low", "t high", "sample SD", "ahead", "behind",
             "sign test p", "p Holm")  # fmt: skip
    rows = tuple(
        (f"{d.a} \N{MINUS SIGN} {d.b}", d.over, d.n, d.mean, d.low, d.high, d.sd_sample, d.better, d.worse,
         d.p, d.p_holm)
        for d in score.differences
    )  # fmt: skip
    return Table(heads, rows)


def catch(score: StudyScore) -> Table:
    """Tabulate the catch trials of the respondents that count."""
    return Table(("question", "right", "answers"), tuple((c.item, c.right, c.n) for c in score.catch))


def verbal(score: StudyScore) -> Table:
    """Tabulate verbal questions with their modal words."""
    heads = ("question", "arm", "attribute", "answers", "modal word", "share",
             "Wilson low", "Wilson high", "most used")  # fmt: skip
    rows = []
    for v in score.verbal:
        word = v.modal.word if v.modal else ""
        top = ", ".join(f"{w.word} {w.count}" for w in v.top)
        rows.append((v.item, v.arm, v.attribute, v.n, word, v.share, *v.interval, top))
    return Table(heads, tuple(rows))


def distinctness(score: StudyScore) -> Table:
    """Tabulate the overlap of the words that describe different attributes."""
    heads = ("arm", "questions", "different modal words", "pairs", "pairs with one modal word",
             "mean overlap of words", "which")  # fmt: skip
    rows = tuple(
        (d.arm, d.questions, d.different_modal, d.pairs, len(d.same_modal), d.overlap,
         "; ".join(f"{a} and {b}: {word}" for a, b, word in d.same_modal))
        for d in score.distinctness
    )  # fmt: skip
    return Table(heads, rows)


TIDY = (
    "respondent", "row", "source", "item", "kind", "role", "arm", "attribute", "distractor", "slot", "answer", "right",
    "seconds", "counts", "left out by", "complete", "preview", "total seconds", "started",
)  # fmt: skip


def tidy(key: StudyKey, responses: Responses, reasons: Sequence[str]) -> Table:
    """Tabulate all answers, one row per respondent and question.

    Excluded respondents are included; the table can be scored again as it is.
    """
    rows: list[Row] = []
    mark = marker(key)
    for number, (respondent, why) in enumerate(zip(responses.respondents, reasons, strict=True), 1):
        rows += _tidy_rows(key, mark, respondent, number, why)
    return Table(TIDY, tuple(rows))


def _tidy_rows(
    key: StudyKey, mark: Callable[[str, str], bool | None], r: Respondent, number: int, why: str
) -> Iterator[Row]:
    about = (
        "no" if why else "yes",
        why,
        "" if r.complete is None else ("yes" if r.complete else "no"),
        "yes" if r.preview else "no",
        "" if r.seconds is None else round(r.seconds, 3),
        r.started,
    )
    for item in key.items:
        if item.role == "practice":
            continue
        answer = r.answers.get(item.item)
        right = None
        if answer is not None and item.kind == "classification":
            right = mark(answer.value, item.right)
        yield (
            *(r.name, number, r.source, item.item, item.kind, item.role, item.arm, item.attribute),
            *(item.distractor, "" if item.slot < 0 else item.slot, answer.value if answer else ""),
            "" if right is None else int(right),
            "" if answer is None or answer.seconds is None else answer.seconds,
            *about,
        )
