# SPDX-License-Identifier: MIT
"""Evidence in real pictures as one self-contained HTML file and as a table. Computes no figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from latent_explorer.common.csv_table import write_table
from latent_explorer.common.format import number_text
from latent_explorer.common.paths import atomic_output, resource
from latent_explorer.common.statistics import wilson_interval
from latent_explorer.media.report.colormap import data_uri
from latent_explorer.media.report.evidence import RULE, WORDS, signed, summary
from latent_explorer.media.report.markup import document, escaped

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.media.report.evidence import AttributeEvidence, Correlation, EndOfOrder, EndPhoto, Evidence

TITLE = "Do real pictures bear the attributes out?"
HEADS = (
    "attribute", "towards", "support", "coordinates", "n", "partial on",
    "partial", "partial low", "partial high", "partial random 95", "partial shuffled 95", "partial given",
    "overall", "overall low", "overall high", "overall random 95", "overall shuffled 95", "overall given",
    "highest mean p", "highest labelled so", "highest with label",
    "lowest mean p", "lowest labelled so", "lowest with label",
)  # fmt: skip


def write_evidence_page(path: Path, found: Evidence) -> None:
    """Write the page atomically. UserError if it cannot be written."""
    with atomic_output(path) as temporary:
        temporary.write_text(evidence_page(found), encoding="utf-8")


def write_evidence_table(path: Path, found: Evidence) -> None:
    """Write a row for each attribute as CSV, with the columns HEADS."""
    write_table(path, HEADS, [_row(found, each) for each in found.attributes])


def evidence_page(found: Evidence) -> str:
    """Return the page as HTML: a table of all attributes, then for each the real pictures at both ends."""
    cards = "\n".join(_card(found, each) for each in found.attributes)
    method = "".join(f"<p>{escaped(text)}</p>" for text in method_sentences(found))
    signature = (
        f"Latent Explorer {found.version}. {found.name}: model {found.model_hash}, classifier {found.classifier_id}."
    )
    body = (
        f'<header><h1>{escaped(TITLE)}</h1><p class="lead">{escaped(f"{found.name}. {summary(found)}")}</p></header>\n'
        f'{_table(found)}\n<main class="evidence">\n{cards}\n</main>\n'
        f"<footer><h2>How to read this page</h2>{method}<p>{escaped(signature)}</p></footer>\n"
    )
    return document(escaped(TITLE), body, resource("report/evidence.css").read_text("utf-8"))


def method_sentences(found: Evidence) -> list[str]:
    """Return how the figures were made, and the rule."""
    groups = (
        f" {found.groups:,} groups of pictures that belong together are drawn whole." if found.groups < found.n else ""
    )
    told = (
        "The class that the generator is given moves its styles, so that values taken with it follow the verdict by "
        "construction: they are taken with the same class probabilities for every picture, and 'class given' says "
        "what the correlation would be otherwise."
        if found.told
        else "The generator is told no class, so that values owe nothing to the verdict but what the picture shows."
    )
    return [
        RULE,
        "The value of a picture is that of the attribute's style, through the encoder, in standard deviations towards "
        "the attribute's end; of several styles their mean, weighted as the slider moves them. Pictures are ordered by "
        "it; verdicts are those of the classifier on the real picture.",
        told,
        f"Correlations are Spearman's with the log-odds of the class; partial ones are about the mean rank of each "
        f"{found.strata}. Intervals are of 95 % for all {len(found.attributes)} attributes together (Bonferroni), on "
        f"Fisher's scale, from {found.resamples:,} resamples.{groups} Those of mean probabilities are Student's, those "
        "of shares Wilson's, each 95 % by itself.",
        f"Random coordinates: {found.draws} of the same layers that no listed attribute moves, each towards a random "
        f"end; shuffled: {found.draws} times the attribute's own values in random order. Of both the 95th percentile "
        "is shown.",
    ]


def _table(found: Evidence) -> str:
    partial = f"partial on the {found.strata}"
    heads = ["Attribute", "Towards", "Real pictures", f"Rank correlation, {partial}", "random", "shuffled"]
    heads += ["class given"] if found.told else []
    heads += ["Overall", "random"]
    heads += ["class given"] if found.told else []
    head = "".join(f'<th scope="col"{_number_class(i >= 3)}>{escaped(text)}</th>' for i, text in enumerate(heads))
    rows = "".join(_table_row(found, each) for each in found.attributes)
    return (
        f'<div class="wide"><table class="figures"><caption>{found.n:,} real pictures</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _table_row(found: Evidence, each: AttributeEvidence) -> str:
    words = [escaped(each.name), escaped(found.class_names[each.target]), escaped(each.verdict)]
    partial, overall = each.partial, each.overall
    numbers = [_with_interval(partial), signed(partial.random), signed(partial.shuffled)]
    numbers += [] if partial.given is None else [signed(partial.given)]
    numbers += [_with_interval(overall), signed(overall.random)]
    numbers += [] if overall.given is None else [signed(overall.given)]
    cells = [f"<td>{text}</td>" for text in words] + [f'<td class="number">{text}</td>' for text in numbers]
    return f"<tr>{''.join(cells)}</tr>"


def _card(found: Evidence, each: AttributeEvidence) -> str:
    target = found.class_names[each.target]
    kind = {"borne out": " borne-out", "label alone": " faint", "generator only": ""}[each.support]
    place = "; ".join(
        f"style {m.style_index} to its {m.direction} ({m.layer}, channel {m.channel}, {m.resolution} px)"
        for m in each.moves
    )
    strips = "".join(
        f"<p><b>{title}</b>{_end_text(end, each.target, target)}</p>"
        f"<ul>{_pictures(end, found.class_names, target)}</ul>"
        for title, end in (("Highest", each.highest), ("Lowest", each.lowest))
    )
    return (
        f'<section class="card"><h4>{escaped(each.name)} <small>towards {escaped(target)}</small>'
        f'<span class="mark{kind}">{escaped(WORDS[each.support])}</span></h4>'
        f'<p class="place">{escaped(place)}</p><div class="order">{strips}</div></section>'
    )


def _end_text(end: EndOfOrder, target: int, name: str) -> str:
    low, high = end.p_interval()
    count, known = end.labelled(target)
    text = f"<small>mean P({escaped(name)}) {end.mean_p():.2f} [{max(low, 0):.2f}, {min(high, 1):.2f}]</small>"
    if known:
        low, high = wilson_interval(count, known)
        text += f"<small>{count} of {known} labelled so [{low:.2f}, {high:.2f}]</small>"
    return text


def _pictures(end: EndOfOrder, class_names: tuple[str, ...], target: str) -> str:
    return "".join(f"<li>{_picture(photo, class_names, target)}</li>" for photo in end.photos)


def _picture(photo: EndPhoto, class_names: tuple[str, ...], target: str) -> str:
    label = "" if photo.label is None else f", labelled {class_names[photo.label]}"
    text = escaped(f"{photo.name}: P({target}) {photo.p:.2f}{label}; value {number_text(photo.value)}")
    return f'<img src="{data_uri(photo.image)}" alt="{text}" title="{text}" loading="lazy">'


def _with_interval(each: Correlation) -> str:
    low, high = each.interval
    return f"{signed(each.value)} [{signed(low)}, {signed(high)}]"


def _number_class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _row(found: Evidence, each: AttributeEvidence) -> list[object]:
    coordinates = " ".join(f"{m.style_index}{m.direction}" for m in each.moves)
    cells: list[object] = [each.name, found.class_names[each.target], each.support, coordinates, found.n, found.strata]
    for kind in (each.partial, each.overall):
        cells += [_cell(x) for x in (kind.value, *kind.interval, kind.random, kind.shuffled, kind.given)]
    for end in (each.highest, each.lowest):
        cells += [_cell(end.mean_p()), *end.labelled(each.target)]
    return cells


def _cell(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.4f}"
