# SPDX-License-Identifier: MIT
"""The report as one self-contained HTML file, without scripts or network access. Computes no figures.

Everything that comes from a file (names, notes, classes, provenance) is escaped. The same figures give the same text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.paths import atomic_output
from latent_explorer.media.report import sentences
from latent_explorer.media.report.colormap import colormap, data_uri, gradient
from latent_explorer.media.report.markup import document, escaped
from latent_explorer.media.report.result import frame_width
from latent_explorer.media.report.sentences import amount, interval, mark, percent, reasons, signed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from latent_explorer.media.report.result import AttributeReport, Change, Example, ExplainerReport, FrameShare


def write_page(path: Path, explainers: Sequence[ExplainerReport]) -> None:
    """Write the report atomically. Raises UserError if it cannot be written."""
    with atomic_output(path) as temporary:
        temporary.write_text(page(explainers), encoding="utf-8")


def page(explainers: Sequence[ExplainerReport]) -> str:
    """Return the report of one explainer, or of several side by side, as HTML."""
    title = escaped(sentences.title(explainers))
    articles = "\n".join(_article(figures) for figures in explainers)
    body = (
        f"<header><h1>{title}</h1>"
        f'<p class="lead">{escaped(sentences.lead(explainers))}</p></header>\n'
        f"{_catching(explainers)}"
        f'<main>\n{articles}\n</main>\n<footer><h2>How to read this page</h2>'
        f'{_paragraphs(sentences.method(explainers))}'
        f'<p>{escaped(_signature(explainers))}</p></footer>\n'
    )  # fmt: skip
    return document(title, body, f":root {{ --heat: {gradient()}; }}\n")


def _catching(explainers: Sequence[ExplainerReport]) -> str:
    """Explain what it means that the surroundings move a verdict; "" if no attribute shows it."""
    caught = [figures for figures in explainers if figures.caught]
    if not caught:
        return ""
    first, strongest = caught[0], caught[0].caught[0]
    seen = _pairs(strongest.examples, first.class_names[strongest.target], strongest.name)
    steps = "".join(f"<li><b>{escaped(a)}</b> {escaped(b)}</li>" for a, b in sentences.NEXT)
    return (
        f'<section class="catch"><h2>{escaped(sentences.CATCH)}</h2>'
        f"<div>{_paragraphs(sentences.catching(caught))}{seen}</div>"
        f"<div><h3>What to do next</h3><ol>{steps}</ol></div></section>\n"
    )


def _article(figures: ExplainerReport) -> str:
    """Return one explainer: its verdict, its facts, its attributes by target."""
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
    """Return the attributes that raise one class."""
    name = figures.class_names[target]
    cards = "\n".join(_card(a, figures) for a in figures.attributes if a.target == target)
    return f'<section class="towards"><h3>Towards {escaped(name)}</h3><div class="cards">{cards}</div></section>'


def _signature(explainers: Sequence[ExplainerReport]) -> str:
    models = "; ".join(f"{e.name}: model {e.model_hash}, classifier {e.classifier_id}" for e in explainers)
    return f"Latent Explorer {explainers[0].version}. {models}."


def _paragraphs(paragraphs: Sequence[str]) -> str:
    return "".join(f"<p>{escaped(p)}</p>" for p in paragraphs)


def _card(attribute: AttributeReport, figures: ExplainerReport) -> str:
    """Return one attribute as HTML: its facts, pictures before and after, where they differ, classifiers' responses."""
    target = figures.class_names[attribute.target]
    responses = [_change(f"P({target})", "", attribute.change)]
    for other in attribute.others:
        width = other.who.frame_only
        sees = f"sees the outer {width} px alone" if width else "another classifier"
        responses.append(_change(other.who.name, sees, other.change, other.follows))
    note = f'<p class="place">{escaped(attribute.note)}</p>' if attribute.note else ""
    return (
        f'<section class="card"><h4><span class="rank">{attribute.rank or "+"}</span> '
        f"{escaped(attribute.name)}{_mark(attribute)}</h4>"
        f'<p class="place">{escaped(_place(attribute))}</p>{note}'
        f'<div class="seen">{_pairs(attribute.examples, target)}{_map(attribute)}</div>'
        f'<div class="said">{"".join(responses)}{_share(attribute.frame)}</div></section>'
    )


def _mark(attribute: AttributeReport) -> str:
    text = mark(attribute)
    if not text:
        return ""
    strength = "" if attribute.caught else " faint"
    return f' <span class="mark{strength}" title="{escaped(reasons(attribute))}">{escaped(text)}</span>'


def _place(attribute: AttributeReport) -> str:
    """Return where the attribute is, what the search found, and the number of pictures measured here."""
    moves = "; ".join(
        f"style {m.style_index} to its {m.direction} ({m.layer}, channel {m.channel}, {m.resolution} px)"
        for m in attribute.moves
    )
    if not attribute.rank:
        return f"{moves}; added by hand; n = {attribute.n}"
    effect = f"effect {signed(attribute.mean_effect)}"
    if attribute.interval is not None:
        effect += f" {interval(*attribute.interval)}"
    return f"{moves}; {effect} logits; n = {attribute.n}"


def _pairs(examples: Sequence[Example], target: str, of: str = "") -> str:
    """Return pictures of the file above the same ones at kappa 1; `of` names the attribute where it is not obvious."""
    if not examples:
        return '<p class="none">No picture to show: all are of the target class.</p>'

    def cell(image: np.ndarray, p: float, when: str, sample: int, strong: bool) -> str:
        alt = escaped(f"Picture {sample} of the file, {when}: P({target}) {p:.2f}")
        value = f"<b>{p:.2f}</b>" if strong else f"{p:.2f}"
        return f'<td><img src="{data_uri(image)}" alt="{alt}">{value}</td>'

    before = "".join(cell(e.before, e.p_before, "before", e.sample, False) for e in examples)
    after = "".join(cell(e.after, e.p_after, "at kappa 1", e.sample, e.reached) for e in examples)
    return (
        f'<table class="pairs"><caption>{escaped(f"{of}: pictures of the file" if of else "Pictures of the file")} '
        f"and their P({escaped(target)})</caption>"
        f'<tr><th scope="row">before</th>{before}</tr><tr><th scope="row">at kappa&nbsp;1</th>{after}</tr></table>'
    )


def _map(attribute: AttributeReport) -> str:
    """Return the mean difference as a map with its scale and the frame's inner edge."""
    values = attribute.difference
    largest = float(values.max())
    side = values.shape[-1]
    inset = 100 * frame_width(side) / side
    colors = colormap(values / largest if largest > 0 else values)
    return (
        f'<figure class="map"><div><img src="{data_uri(colors)}" alt="Where the pictures change">'
        f'<i style="inset:{inset:.3f}%"></i></div>'
        f"<figcaption><span>0</span><i></i><span>{largest:.3f}</span></figcaption></figure>"
    )


def _change(label: str, who: str, change: Change, strong: bool = False) -> str:
    return (
        f"<div{' class=strong' if strong else ''}><span>{escaped(label)}</span><b>{signed(change.mean)}</b> "
        f"<small>{interval(*change.interval)}</small><br>"
        f"<small>{escaped(f'{who}; ' if who else '')}mean |change| {amount(change.absolute)}</small></div>"
    )


def _share(share: FrameShare) -> str:
    """Return the share of the change in the outer frame as a bar, with a tick at the frame's share of the area."""
    low, high = share.interval
    between = "" if np.isnan(low) else f"[{100 * low:.0f}, {100 * high:.0f}]"
    filled = 0.0 if np.isnan(share.value) else 100 * share.value
    return (
        f"<div{' class=strong' if share.exceeds_area else ''}><span>In the outer frame</span>"
        f"<b>{percent(share.value)}</b> "
        f'<small>{between}</small><span class="bar"><i style="width:{filled:.1f}%"></i>'
        f'<u style="left:{100 * share.area:.1f}%"></u></span>'
        f"<small>of the change; its area: {percent(share.area)}</small></div>"
    )
