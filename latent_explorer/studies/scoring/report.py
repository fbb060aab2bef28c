# SPDX-License-Identifier: MIT
"""The result of a study as one self-contained HTML file: sentences, tables and plots. Computes no figures."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

from latent_explorer.common.palette import page_style
from latent_explorer.studies.scoring import plots, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from latent_explorer.studies.build.answer_key import StudyKey
    from latent_explorer.studies.scoring.score import Proportion, StudyScore
    from latent_explorer.studies.scoring.tables import Table

POOLED = (
    "Intervals and tests of pooled answers treat every answer as independent, although one person gave several: "
    "the spread over respondents says what that leaves out."
)
SPREADS = (
    "SD over items: how far questions differ; SD over respondents: how far people differ. Population SD divides by n, "
    "sample SD by n \N{MINUS SIGN} 1; published tables seldom say which one they print."
)

HOLM = "p Holm corrects the exact p for the number of rows in its table."
FACTS = {  # names in the key file, in words
    "kinds": "kinds of questions",
    "attributes": "attributes per arm",
    "items": "classification questions per attribute",
    "verbal_items": "verbal questions per attribute",
    "catch": "catch trials",
    "practice": "practice questions",
    "reach": "size of the change",
    "tile": "width of a picture in pixels",
    "seconds": "seconds per frame",
    "verbal_seconds": "seconds per frame of a verbal question",
    "model_hash": "model",
    "classifier_id": "classifier",
}
DIFFERENCES = (
    "By pairs: over respondents, whether other people would show the difference too; over items (questions that show "
    "the same pictures in both arms), whether other questions would. 95 % t interval of the mean; exact sign test, "
    "ties left out; p Holm for several pairs of arms."
)


def headline(score: StudyScore) -> str:
    """Return the result in one or two sentences, for the report, the window and the command line."""
    who = f"{score.respondents} of {score.respondents_read} respondents count"
    if score.overall is None:
        return f"{who}; {len(score.verbal)} verbal questions."
    p = score.overall.score
    if not p.n:
        return f"{who}. There is no answer to score."
    return (
        f"{who}. Accuracy {p.accuracy:.3f} (95 % Wilson interval {p.low:.3f} to {p.high:.3f}, "
        f"{p.right} of {p.n} answers) where guessing gives {score.chance:g}; exact binomial p {shown_p(p.p)}."
    )


def conclusion(score: StudyScore) -> str:
    """Return what the result means, as one plain sentence."""
    p = score.overall.score if score.overall is not None else None
    if p is None or not p.n:
        answered = [v for v in score.verbal if v.n]
        if not answered:
            return "No answer could be scored, so the study says nothing yet."
        agreed = sum(v.share > 0.5 for v in answered)
        return (
            f"For {agreed} of {len(answered)} questions, more than half of the people described what changes with the "
            "same word."
        )
    found = f"People chose the right picture in {p.right} of {p.n} answers ({100 * p.accuracy:.0f} %)"
    guessing = f"the {100 * score.chance:.0f} % that guessing gives"
    if p.low > score.chance:
        return f"{found}, clearly more than {guessing}: they see what the attributes change."
    if p.high < score.chance:
        return f"{found}, clearly less than {guessing}: check whether the key says what is right."
    return f"{found}, which is not clearly different from {guessing}: this does not show that they see the changes."


def shown_p(p: float) -> str:
    """Format a p value as papers print it."""
    if math.isnan(p):
        return "–"
    return "< 0.0001" if p < 0.0001 else f"= {p:.4f}"


def report_plots(score: StudyScore, by_respondent: Sequence[float]) -> dict[str, str]:
    """Return the plots as SVG, by file name without ending."""
    figures = {}
    arms = [arm.name for arm in score.arms]

    def mark(label: str, p: Proportion, arm: str, flag: bool = False) -> plots.Mark:
        note = f"{p.accuracy:.2f} ({p.right}/{p.n})" if p.n else "–"
        group = arms.index(arm) if arm in arms else 0
        return plots.Mark(label, p.accuracy, p.low, p.high, note, group, flag)

    axis = "accuracy, 95 % Wilson interval"
    if score.attributes:
        marks = [mark(g.name, g.score, g.arm) for g in score.attributes]
        figures["attributes"] = plots.intervals(marks, score.chance, axis, arms)
    if score.items:
        marks = [mark(f"{i.item} {i.attribute}", i.score, i.arm, i.below_chance) for i in score.items]
        figures["items"] = plots.intervals(marks, score.chance, axis, arms)
    if by_respondent:
        figures["respondents"] = plots.histogram(by_respondent, "accuracy of a respondent (number of respondents)")
    if score.verbal:
        marks = [
            plots.Mark(
                f"{v.attribute or v.item}: {v.modal.word if v.modal else 'no answers'}",
                v.share, *v.interval, f"{v.share:.2f} ({v.modal.count if v.modal else 0}/{v.n})",
                arms.index(v.arm) if v.arm in arms else 0,
            )
            for v in score.verbal
        ]  # fmt: skip
        figures["words"] = plots.intervals(
            marks, None, "share of respondents using the modal word, 95 % Wilson interval", arms
        )
    return figures


def report(score: StudyScore, key: StudyKey, drawn: dict[str, str], title: str = "") -> str:
    """Return the whole report as HTML. Texts from respondents and files are escaped."""
    parts = [f"<p class=lead>{_text(conclusion(score))}</p><p>{_text(headline(score))}</p>"]
    parts += [f'<p class="note">\N{WARNING SIGN} {_text(sentence)}</p>' for sentence in cautions(score)]
    parts.append(_section("Who counts", _table(tables.exclusions(score))))
    if score.overall is not None:
        parts += _choices(score, drawn)
    if score.verbal:
        parts += _verbal(score, drawn)
    parts.append(_section("What the study was made of", _facts(key)))
    style = page_style("study/report.css")
    name = title or f"Study {score.study}".strip()
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(name)}: result</title><style>\n{style}\n</style></head>\n"
        f"<body><h1>{_text(name)}</h1>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def cautions(score: StudyScore) -> list[str]:
    """Return what a reader must know before the figures, as sentences."""
    sentences = list(score.notes)
    if score.respondents_read and not score.respondents:
        excluded = ", ".join(f"{e.rule} {len(e.respondents)}" for e in score.exclusions if e.applied and e.respondents)
        sentences.append(f"Nobody counts: the rules leave out everybody ({excluded}). Score again with fewer rules.")
    if bad := [i.item for i in score.items if i.below_chance]:
        sentences.append(
            f"{len(bad)} of {len(score.items)} questions are answered significantly below chance (p < 0.05 each, "
            f"uncorrected: {', '.join(bad)}): look whether the key is right, or whether the distractor fits the "
            "examples better."
        )
    if score.unreadable:
        who, item, answer = score.unreadable[0]
        sentences.append(
            f"{len(score.unreadable)} answers name no choice and count as missing, such as {answer!r} of {who} to "
            f"{item}. If that is the export's code for a choice, write the right one's code in the key (`right`)."
        )
    if score.missing_columns:
        more = ", ..." if len(score.missing_columns) > 8 else ""
        sentences.append(
            f"{len(score.missing_columns)} questions of the key have no column in the answers and are left out: "
            f"{', '.join(score.missing_columns[:8])}{more}."
        )
    return sentences


def _choices(score: StudyScore, drawn: dict[str, str]) -> list[str]:
    parts = [_section("Accuracy", _table(tables.groups(score).transposed()) + _hint(SPREADS) + _hint(POOLED))]
    if score.differences:
        parts.append(_section("Difference between arms", _table(tables.differences(score)) + _hint(DIFFERENCES)))
    if score.attributes:
        parts.append(
            _section("Attributes", _figure(drawn["attributes"]) + _table(tables.attributes(score)) + _hint(HOLM))
        )
    parts.append(_section("Questions", _figure(drawn["items"]) + _table(tables.items(score)) + _hint(HOLM)))
    if "respondents" in drawn:
        parts.append(_section("Respondents", _figure(drawn["respondents"])))
    if score.catch:
        parts.append(_section("Catch trials", _table(tables.catch(score))))
    return parts


def _verbal(score: StudyScore, drawn: dict[str, str]) -> list[str]:
    answers = "".join(
        f"<details><summary>{_text(v.attribute or v.item)}: {v.n} answers</summary><p>"
        + _text(" · ".join(v.answers))
        + "</p></details>"
        for v in score.verbal
    )
    words = _figure(drawn["words"]) + _table(tables.verbal(score))
    return [
        _section("What people saw", words + answers),
        _section("How distinct the attributes are", _table(tables.distinctness(score))),
    ]


def _facts(key: StudyKey) -> str:
    rows = [("study", key.study or "made elsewhere"), ("arms", ", ".join(key.arms) or "one")]
    for arm in key.made_with.get("arms", []):
        if isinstance(arm, dict):
            about = [_fact(k, v) for k, v in arm.items() if k != "name" and not isinstance(v, dict)]
            rows.append((str(arm.get("name", "arm")), "; ".join(about)))
    settings = key.made_with.get("settings", {})
    if isinstance(settings, dict):
        rows.append(("settings", "; ".join(_fact(k, v) for k, v in settings.items() if k != "texts")))
    return "<dl>" + "".join(f"<dt>{_text(a)}</dt><dd>{_text(b)}</dd>" for a, b in rows) + "</dl>"


def _fact(key: str, value: Any) -> str:
    """Return a setting of a key file in words: "questions per attribute: 3"."""
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, list):
        value = ", ".join(map(str, value))
    return f"{FACTS.get(key, key.replace('_', ' '))}: {value}"


def _section(title: str, *content: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{''.join(content)}</section>"


def _figure(svg: str) -> str:
    return f"<figure>{svg}</figure>"


def _hint(text: str) -> str:
    return f'<p class="hint">{_text(text)}</p>'


def _table(table: Table) -> str:
    columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.heads)
    head = "".join(
        f'<th scope="col"{_class(any(map(_is_number, column)))}>{_text(name)}</th>'
        for name, column in zip(table.heads, columns, strict=True)
    )
    body = "".join(
        f"<tr{' class=flag' if i in table.flagged else ''}>" + "".join(map(_cell, row)) + "</tr>"
        for i, row in enumerate(table.rows)
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: Any) -> str:
    return f"<td{_class(_is_number(value))}>{_text(tables.shown(value))}</td>"


def _class(number: bool) -> str:
    """Return the class that aligns numbers and their heads to the right."""
    return " class=n" if number else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _text(text: Any) -> str:
    return html.escape(str(text))


def sentences(score: StudyScore) -> Iterable[str]:
    """Yield the main results as lines of text, for the command line."""
    yield headline(score)
    yield from cautions(score)
    for exclusion in score.exclusions:
        if exclusion.respondents:
            verb = "left out" if exclusion.applied else "found, not left out"
            yield f"{exclusion.rule}: {len(exclusion.respondents)} {verb}. {exclusion.words}"
    for p, group in ((g.score, g) for g in score.arms if g.score.n):
        yield f"{group.name}: {p.accuracy:.3f} [{p.low:.3f}, {p.high:.3f}], {p.right} of {p.n}"
    for d in (d for d in score.differences if d.n):
        yield (
            f"{d.a} minus {d.b} over {d.over}: {d.mean:+.3f} [{d.low:+.3f}, {d.high:+.3f}] (t interval, n {d.n}), "
            f"sign test p {shown_p(d.p)}"
        )
    yield conclusion(score)
