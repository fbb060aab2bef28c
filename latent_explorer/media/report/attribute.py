# SPDX-License-Identifier: MIT
"""One attribute as a card of the report: what it is, pictures before and after, where they differ, and
who says what."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.media.report.colormap import colormap, data_uri
from latent_explorer.media.report.result import frame_width
from latent_explorer.media.report.sentences import amount, interval, mark, percent, reasons, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.media.report.result import AttributeReport, Change, Example, ExplainerReport, FrameShare


def card(attribute: AttributeReport, figures: ExplainerReport) -> str:
    """The card as HTML."""
    target = figures.class_names[attribute.target]
    said = [_change(f"P({target})", "", attribute.change)]
    for other in attribute.others:
        width = other.who.frame_only
        sees = f"sees the outer {width} px alone" if width else "another classifier"
        said.append(_change(other.who.name, sees, other.change, other.follows))
    return (
        f'<section class="card"><h4><span class="rank">{attribute.rank or "+"}</span> '
        f"{escaped(attribute.name)}{_mark(attribute)}</h4>"
        f'<p class="place">{escaped(_place(attribute))}</p>'
        f'<div class="seen">{pairs(attribute.examples, target)}{_map(attribute)}</div>'
        f'<div class="said">{"".join(said)}{_share(attribute.frame)}</div></section>'
    )


def _mark(attribute: AttributeReport) -> str:
    text = mark(attribute)
    if not text:
        return ""
    strength = "" if attribute.caught else " faint"
    return f' <span class="mark{strength}" title="{escaped(reasons(attribute))}">{escaped(text)}</span>'


def _place(attribute: AttributeReport) -> str:
    """Where it lives, what the search found of it, and on how many pictures it is measured here."""
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


def pairs(examples: Sequence[Example], target: str, of: str = "") -> str:
    """Reconstructions in the first row, the same at kappa 1 below; `of` says whose, where that is not plain."""
    if not examples:
        return '<p class="none">No picture to show: all are of the target class.</p>'

    def cell(image: np.ndarray, p: float, when: str, sample: int, strong: bool) -> str:
        alt = escaped(f"Encoded picture {sample}, {when}: P({target}) {p:.2f}")
        value = f"<b>{p:.2f}</b>" if strong else f"{p:.2f}"
        return f'<td><img src="{data_uri(image)}" alt="{alt}">{value}</td>'

    before = "".join(cell(e.before, e.p_before, "reconstructed", e.sample, False) for e in examples)
    after = "".join(cell(e.after, e.p_after, "at kappa 1", e.sample, e.reached) for e in examples)
    return (
        f'<table class="pairs"><caption>{escaped(f"{of}: reconstructions" if of else "Reconstructions")} '
        f"and their P({escaped(target)})</caption>"
        f'<tr><th scope="row">before</th>{before}</tr><tr><th scope="row">at kappa&nbsp;1</th>{after}</tr></table>'
    )


def _map(attribute: AttributeReport) -> str:
    """Where it changes: the mean difference with its scale, and the frame's inner edge."""
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
    """The share of the change in the outer frame as a bar, with a tick where its area would put it."""
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


def escaped(text: str) -> str:
    """The text for HTML; without what a name in a file could turn or hide the words around it with."""
    return html.escape("".join(c if c.isprintable() else " " for c in text))
