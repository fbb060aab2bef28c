# SPDX-License-Identifier: MIT
"""Report on a classifier's mistakes as one HTML file: matrices with intervals, and what turns the cells right.

Computes no figures beyond shares and intervals of the counts. Everything that comes from a file is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latent_explorer.common.paths import resource
from latent_explorer.common.statistics import wilson_interval
from latent_explorer.media.report.colormap import data_uri
from latent_explorer.media.report.markup import document, escaped

Count = tuple[int, int]  # of how many

METHOD = (
    "Shares are of the photographs with one label; brackets are 95 % Wilson intervals.",
    "Of an explained cell at most 64 photographs, evenly spaced, are refined into latents of the generator. Each "
    "attribute that leads to the label is tried alone, on the generator's copy, and pasted into the three quarters of "
    "the photograph that it changes most. The attribute that turns most is chosen on one half of the photographs and "
    "measured on the other (where there are fewer than 12, on the same). Beside it stand random edits: 100 styles "
    "moved at random by as much as changes the copy as far (LPIPS), and the style that the class given to the "
    "generator moves most, both pasted into the same place.",
    "An attribute that turns a mistake moved the classifier; it need not be the cause of the mistake.",
)


@dataclass(frozen=True)
class Turn:
    """An attribute alone: of how many photographs, and of their copies, the verdict became the label."""

    name: str
    photo: Count
    copy: Count


@dataclass(frozen=True)
class Pair:
    """Photograph (H, W, 3) uint8 before and after, with the probability of its label."""

    name: str
    before: np.ndarray
    after: np.ndarray
    p_before: float
    p_after: float
    turned: bool


@dataclass(frozen=True)
class Cell:
    """An explained cell: what turned its photographs, and the photographs with the attribute `shown`."""

    title: str
    sentence: str
    label: str
    turns: tuple[Turn, ...]
    shown: str
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class MistakesPage:
    """What the page says. `tables` are (name, counts (K, K) [label, verdict])."""

    lead: str
    left_out: str
    class_names: tuple[str, ...]
    tables: tuple[tuple[str, np.ndarray], ...]
    cells: tuple[Cell, ...]
    version: str


def mistakes_page(page: MistakesPage) -> str:
    """Return the report as HTML."""
    title = "Where does the classifier err, and what turns that right?"
    matrices = "".join(_matrix(name, counts, page.class_names) for name, counts in page.tables)
    left_out = f'<p class="note">{escaped(page.left_out)}</p>' if page.left_out else ""
    method = "".join(f"<p>{escaped(each)}</p>" for each in METHOD)
    body = (
        f'<header><h1>{title}</h1><p class="lead">{escaped(page.lead)}</p>{left_out}</header>\n'
        f'<div class="matrices">{matrices}</div>\n'
        f'<main class="cells">{"".join(_cell(each) for each in page.cells)}</main>\n'
        f"<footer><h2>How to read this page</h2>{method}<p>Latent Explorer {escaped(page.version)}.</p></footer>\n"
    )
    return document(title, body, resource("report/mistakes.css").read_text(encoding="utf-8"))


def _matrix(name: str, counts: np.ndarray, class_names: tuple[str, ...]) -> str:
    heads = "".join(f'<th scope="col">called {escaped(each)}</th>' for each in class_names)
    lines = []
    for label, of_label in enumerate(counts.tolist()):
        total = sum(of_label)
        cells = "".join(_share(count, total, label != verdict) for verdict, count in enumerate(of_label))
        lines.append(f'<tr><th scope="row">{escaped(class_names[label])} ({total:,})</th>{cells}</tr>')
    right, total = int(counts.trace()), int(counts.sum())
    low, high = wilson_interval(right, total)
    caption = f"<b>{escaped(name)}</b>: {right:,} of {total:,} right [{low:.3f}, {high:.3f}]"
    return f'<table class="matrix"><caption>{caption}</caption><tr><th></th>{heads}</tr>{"".join(lines)}</table>'


def _share(count: int, total: int, wrong: bool) -> str:
    if not total:
        return "<td>–</td>"
    low, high = wilson_interval(count, total)
    kind = ' class="wrong"' if wrong and count else ""
    return f"<td{kind}><b>{count:,}</b><small>{count / total:.3f} [{low:.3f}, {high:.3f}]</small></td>"


def _cell(cell: Cell) -> str:
    rows = "".join(
        f"<tr><td>{escaped(t.name)}</td><td>{t.photo[0]} of {t.photo[1]}</td><td>{t.copy[0]} of {t.copy[1]}</td></tr>"
        for t in cell.turns
    )
    pairs = "".join(_pair(each, cell) for each in sorted(cell.pairs, key=lambda each: not each.turned))
    return (
        f'<section><h2>{escaped(cell.title)}</h2><div class="verdict"><p><b>{escaped(cell.sentence)}</b></p></div>'
        f"<table class=turned><tr><th>attribute alone</th><th>photographs turned</th><th>their copies</th></tr>"
        f"{rows}</table><h3>Each photograph, and with {escaped(cell.shown)}</h3>"
        f'<p class="place">Below each: P({escaped(cell.label)}) before and after; bold where the verdict turns.</p>'
        f'<div class="photos">{pairs}</div></section>\n'
    )


def _pair(pair: Pair, cell: Cell) -> str:
    name = escaped(pair.name)
    after = f"<b>{pair.p_after:.2f}</b>" if pair.turned else f"{pair.p_after:.2f}"
    return (
        f'<figure title="{name}"><div><img src="{data_uri(pair.before)}" alt="{name}">'
        f'<img src="{data_uri(pair.after)}" alt="{escaped(f"{pair.name} with {cell.shown}")}"></div>'
        f"<figcaption>{pair.p_before:.2f} → {after} {name}</figcaption></figure>"
    )
