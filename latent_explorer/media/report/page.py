# SPDX-License-Identifier: MIT
"""The report as one HTML file that stands alone: no scripts, nothing from the network. Computes no figures.

Everything that a file wrote (names, notes, classes, provenance) is escaped. The same figures give the same text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.common.palette import page_style
from latent_explorer.common.paths import atomic_output
from latent_explorer.media.report import sentences
from latent_explorer.media.report.attribute import card, escaped, pairs
from latent_explorer.media.report.colormap import gradient

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from latent_explorer.media.report.result import ExplainerReport


def write_page(path: Path, explainers: Sequence[ExplainerReport]) -> None:
    """Write the report, all at once or not at all. Raises UserError when it cannot be written."""
    with atomic_output(path) as temporary:
        temporary.write_text(page(explainers), encoding="utf-8")


def page(explainers: Sequence[ExplainerReport]) -> str:
    """The whole report of one explainer or of several side by side."""
    style = page_style("report/report.css")
    title = escaped(sentences.title(explainers))
    articles = "\n".join(_article(figures) for figures in explainers)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>\n:root {{ --heat: {gradient()}; }}\n{style}\n</style></head>\n"
        f"<body>\n<header><h1>{title}</h1>"
        f'<p class="lead">{escaped(sentences.lead(explainers))}</p></header>\n'
        f"{_catching(explainers)}"
        f'<main>\n{articles}\n</main>\n<footer><h2>How to read this page</h2>'
        f'{_paragraphs(sentences.method(explainers))}'
        f'<p>{escaped(_signature(explainers))}</p></footer>\n</body></html>\n'
    )  # fmt: skip


def _catching(explainers: Sequence[ExplainerReport]) -> str:
    """What it means that the surroundings move a verdict; nothing where none does."""
    caught = [figures for figures in explainers if figures.caught]
    if not caught:
        return ""
    first, strongest = caught[0], caught[0].caught[0]
    seen = pairs(strongest.examples, first.class_names[strongest.target], strongest.name)
    steps = "".join(f"<li><b>{escaped(a)}</b> {escaped(b)}</li>" for a, b in sentences.NEXT)
    return (
        f'<section class="catch"><h2>{escaped(sentences.CATCH)}</h2>'
        f"<div>{_paragraphs(sentences.catching(caught))}{seen}</div>"
        f"<div><h3>What to do next</h3><ol>{steps}</ol></div></section>\n"
    )


def _article(figures: ExplainerReport) -> str:
    """One explainer: its verdict, what it is, its attributes by target."""
    note = f'<p class="note">{escaped(figures.note)}</p>' if figures.note else ""
    facts = "".join(f"<dt>{escaped(a)}</dt><dd>{escaped(b)}</dd>" for a, b in figures.facts)
    verdict = f"<p><b>{escaped(sentences.verdict(figures))}</b></p>"
    more = sentences.marked(figures) if figures.caught else sentences.not_proved(figures)
    targets = dict.fromkeys(a.target for a in figures.attributes)
    return (
        f"<article><header><h2>{escaped(figures.name)}</h2>{note}</header>"
        f'<div class="verdict{" caught" if figures.caught else ""}">{verdict}<p>{escaped(more)}</p></div>'
        f"<dl>{facts}</dl><div>{''.join(_towards(figures, target) for target in targets)}</div></article>"
    )


def _towards(figures: ExplainerReport, target: int) -> str:
    """The attributes that raise one class."""
    name = figures.class_names[target]
    cards = "\n".join(card(a, figures) for a in figures.attributes if a.target == target)
    return f'<section class="towards"><h3>Towards {escaped(name)}</h3><div class="cards">{cards}</div></section>'


def _signature(explainers: Sequence[ExplainerReport]) -> str:
    models = "; ".join(f"{e.name}: model {e.model_hash}, classifier {e.classifier_id}" for e in explainers)
    return f"Latent Explorer {explainers[0].version}. {models}."


def _paragraphs(paragraphs: Sequence[str]) -> str:
    return "".join(f"<p>{escaped(p)}</p>" for p in paragraphs)
