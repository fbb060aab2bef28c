# SPDX-License-Identifier: MIT
"""Two versions of a classifier on one self-contained HTML page: where they part, and what only one looks at.

Computes no figures. Everything that comes from a file is escaped.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from latent_explorer.common.format import shortened
from latent_explorer.common.paths import atomic_output, resource
from latent_explorer.media.report.colormap import data_uri
from latent_explorer.media.report.markup import document, escaped
from latent_explorer.media.report.sentences import amount, interval, signed
from latent_explorer.media.report.versions import LETTERS, USED_THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from latent_explorer.common.statistics import Mean
    from latent_explorer.media.report.versions import (
        Count,
        Group,
        PartedPicture,
        Response,
        SharedAttribute,
        Shown,
        VersionsReport,
    )

GROUPS = {
    "regression": ("Regressions", "A calls them by their label, B does not. Below each: P(label) by A and by B."),
    "gain": ("Gains", "B calls them by their label, A does not. Below each: P(label) by A and by B."),
    "other": ("Neither is right", "Both err, each otherwise. Below each: P(label) by A and by B."),
    "parted": ("Pictures of the explainer", "Below each: what A and B say, with the probability that each gives it."),
}
USED_BY = {"second": "Only B uses", "first": "Only A uses", "both": "Both use", "neither": "Neither uses"}


def write_versions_page(path: Path, report: VersionsReport) -> None:
    """Write the page atomically. Raises UserError if it cannot be written."""
    with atomic_output(path) as temporary:
        temporary.write_text(versions_page(report), encoding="utf-8")


def versions_page(report: VersionsReport) -> str:
    """Return the page as HTML. The same figures give the same text."""
    title = "What changed between two classifiers?"
    who = "; ".join(
        f"{letter} is {shortened(name, 60)} ({key[:12]})"
        for letter, name, key in zip(LETTERS, report.names, report.classifier_ids, strict=True)
    )
    lead = f"{who}. Both were asked of the same pictures; attributes are drawn by {report.explainer}."
    said = "".join(f"<p>{escaped(each)}</p>" for each in sentences(report)[1:])
    caught = bool(report.used_by("second"))
    body = (
        f'<header><h1>{title}</h1><p class="lead">{escaped(lead)}</p></header>\n'
        f'<main class="versions"><div class="verdict{" caught" if caught else ""}">'
        f"<p><b>{escaped(sentences(report)[0])}</b></p>{said}</div>\n"
        f"{_pictures(report)}{_one_sided(report)}{_matrix(report)}{_lists(report)}</main>\n"
        f"<footer><h2>How to read this page</h2>{''.join(f'<p>{escaped(each)}</p>' for each in method(report))}"
        f"<p>Latent Explorer {escaped(report.version)}. {escaped(report.explainer)}: model "
        f"{escaped(report.model_hash)}; A: {escaped(report.classifier_ids[0])}; B: "
        f"{escaped(report.classifier_ids[1])}.</p></footer>\n"
    )
    return document(title, body, resource("report/versions.css").read_text(encoding="utf-8"))


def sentences(report: VersionsReport) -> list[str]:
    """Return the answer in plain words: right and wrong first, then what only one of them uses."""
    said = []
    if report.right is None:
        low, high = report.same.interval
        said.append(
            f"A and B say the same of {report.same.share:.1%} [{low:.1%}, {high:.1%}] of the {report.same.n:,} "
            f"pictures of {report.explainer}."
        )
    else:
        said.append(regressions_sentence(report.right, report.groups))
        said.append(f"Were both equally good, such a split of the two would have p = {report.p:.2g} (McNemar, exact).")
    for who in ("second", "first"):
        names = [f"{each.name} (towards {each.class_name})" for each in report.used_by(who)]
        listed = ", ".join(names) if names else "none of the attributes"
        said.append(f"{USED_BY[who]}: {listed}.")
    both = len(report.used_by("both"))
    said.append(f"Both use {both} of the {len(report.attributes)} attributes.")
    if report.left_out:
        said.append(report.left_out)
    return said


def regressions_sentence(right: tuple[Count, Count], groups: Mapping[Group, int]) -> str:
    """Return how many labelled photographs got worse and better, and how many each classifier calls right."""
    worse, better = groups["regression"], groups["gain"]
    rates = " and ".join(
        f"{letter} calls {each.share:.1%} [{each.interval[0]:.1%}, {each.interval[1]:.1%}]"
        for letter, each in zip(LETTERS, right, strict=True)
    )
    return (
        f"{worse:,} regression{'' if worse == 1 else 's'} and {better:,} gain{'' if better == 1 else 's'} among "
        f"{right[0].n:,} labelled photographs: {rates} by their label."
    )


def method(report: VersionsReport) -> list[str]:
    """Return how the figures were measured."""
    photos = f"Photographs are judged at {report.size} px, as the generator draws. " if report.right else ""
    return [
        f"{photos}Of each group the pictures stand first on which the two differ most.",
        "Attributes are those that AttFind lists for A or B. Each is set to the observed end in the same pictures of "
        "the file, those of which at least one of the two sees another class; both are asked before and after. The "
        "change is that of the probability of the class that the attribute leads to. Beside it stands what random "
        "edits do that change the pixels as much: a hundred styles that are in no list, to ends drawn at random, "
        "read off between growing amounts. Values in brackets are 95 % intervals over pictures.",
        f"A classifier uses an attribute if it changes by {USED_THRESHOLD:g} or more on average, and surely by more "
        "than by random edits; only one uses it if that one surely changes more than the other.",
        "RelativeChange is the mean change of one classifier over that of the other, the one whose list the attribute "
        "is from (A's where it is in both): 1 if both respond alike, 0 if only that one does, negative if the other "
        "turns away. A dash where that one does not surely change.",
        "Lists as a whole: all moves of a list together, on pictures of which both see another class, and random "
        "edits that change a picture as much.",
    ]


def _pictures(report: VersionsReport) -> str:
    parts = []
    for group, count in report.groups.items():
        title, legend = GROUPS[group]
        shown = [each for each in report.parted if each.group == group]
        if not count:
            if group in ("regression", "parted"):
                parts.append(f"<section><h2>{title}: none</h2></section>\n")
            continue
        more = "" if len(shown) == count else f" The first {len(shown)} are shown."
        figures = "".join(_parted(each) for each in shown)
        parts.append(
            f'<section><h2>{title}: {count:,}</h2><p class="place">{escaped(legend + more)}</p>'
            f'<div class="parted">{figures}</div></section>\n'
        )
    return "".join(parts)


def _parted(picture: PartedPicture) -> str:
    a, b = picture.p
    if picture.label:
        said = f"{escaped(picture.label)} {a:.2f} → <b>{b:.2f}</b>"
    else:
        said = f"{escaped(picture.verdicts[0])} {a:.2f}; {escaped(picture.verdicts[1])} {b:.2f}"
    told = f"{picture.name}: A says {picture.verdicts[0]}, B says {picture.verdicts[1]}"
    return (
        f'<figure title="{escaped(told)}"><img src="{data_uri(picture.image)}" alt="{escaped(told)}">'
        f"<figcaption>{said}<br><small>{escaped(picture.name)}</small></figcaption></figure>"
    )


def _one_sided(report: VersionsReport) -> str:
    """Return the attributes that only one uses, with pictures."""
    parts = []
    for who in ("second", "first"):
        found = report.used_by(who)
        if found:
            cards = "".join(_card(each) for each in found)
            parts.append(f'<section><h2>{USED_BY[who]}: {len(found)}</h2><div class="cards">{cards}</div></section>\n')
    return "".join(parts)


def _card(attribute: SharedAttribute) -> str:
    return (
        f'<section class="card"><h4>{escaped(attribute.name)}, towards {escaped(attribute.class_name)}</h4>'
        f'<p class="place">{escaped(attribute.where)}; n = {attribute.n}</p>'
        f'<div class="seen">{_pairs(attribute.examples, attribute.class_name)}</div>'
        f'<div class="said">{"".join(map(_said, LETTERS, attribute.responses))}</div></section>'
    )


def _said(letter: str, response: Response) -> str:
    return (
        f"<div{' class=strong' if response.uses else ''}><span>P by {letter}</span><b>{signed(response.change.value)}"
        f"</b> <small>{interval(*response.change.interval)}</small><br><small>mean |change| "
        f"{amount(response.absolute.value)}, by random edits {amount(response.by_random.value)}</small></div>"
    )


def _pairs(examples: Sequence[Shown], class_name: str) -> str:
    def cell(shown: Shown, after: bool) -> str:
        p = shown.p_after if after else shown.p_before
        image = shown.after if after else shown.before
        when = "with the attribute" if after else "before"
        alt = escaped(f"Picture {shown.sample} of the file, {when}: P({class_name}) by A {p[0]:.2f}, by B {p[1]:.2f}")
        return f'<td><img src="{data_uri(image)}" alt="{alt}">{p[0]:.2f}, {p[1]:.2f}</td>'

    rows = "".join(
        f'<tr><th scope="row">{title}</th>{"".join(cell(each, after) for each in examples)}</tr>'
        for title, after in (("before", False), ("at its end", True))
    )
    return f'<table class="pairs"><caption>P({escaped(class_name)}) by A, by B</caption>{rows}</table>'


def _matrix(report: VersionsReport) -> str:
    """Return the matrix of all attributes."""
    heads = (
        "attribute", "towards", "list of", "change by A", "change by B", "random, A", "random, B", "RelativeChange",
        "used by",
    )  # fmt: skip
    order = sorted(report.attributes, key=lambda each: (each.class_name, -each.responses[0].absolute.value))
    lines = "".join(_line(each) for each in order)
    return (
        "<section><h2>RelativeChange</h2>"
        f'<div class="wide"><table class="changes"><tr>{"".join(f"<th scope=col>{each}</th>" for each in heads)}</tr>'
        f"{lines}</table></div></section>\n"
    )


def _line(each: SharedAttribute) -> str:
    listed = {"both": "A and B", "first": "A", "second": "B"}
    value, (low, high) = each.relative
    relative = "–"
    if math.isfinite(value):
        other = LETTERS[1 - each.relative_to]
        relative = f"{other} <b>{signed(value)}</b> <small>{interval(low, high)}</small>"
    used = {**listed, "neither": "–"}[each.used_by]
    kind = f' class="{each.used_by}"' if each.used_by in ("first", "second") else ""
    return (
        f'<tr{kind}><th scope="row" title="{escaped(each.where)}">{escaped(each.name)}</th>'
        f"<td>{escaped(each.class_name)}</td><td>{listed[each.listed_by]}</td>"
        f"{''.join(_cell(r.change, r.uses) for r in each.responses)}"
        f"{''.join(f'<td>{amount(r.by_random.value)}</td>' for r in each.responses)}"
        f"<td>{relative}</td><td>{used}</td></tr>"
    )


def _cell(mean: Mean, strong: bool) -> str:
    value = f"<b>{signed(mean.value)}</b>" if strong else signed(mean.value)
    return f"<td>{value} <small>{interval(*mean.interval)}</small></td>"


def _lists(report: VersionsReport) -> str:
    if not report.edits:
        return ""
    heads = ("list", "pictures", "turns A", "turns B", "as large at random, A", "as large at random, B")
    lines = "".join(
        f'<tr><th scope="row">{escaped(each.title)}</th><td>{each.edit[0].n:,}</td>'
        f"{''.join(_share(count) for count in (*each.edit, *each.as_large))}</tr>"
        for each in report.edits
    )
    return (
        '<section><h2>Lists as a whole</h2><div class="wide"><table class="changes">'
        f"<tr>{''.join(f'<th scope=col>{each}</th>' for each in heads)}</tr>{lines}</table></div></section>\n"
    )


def _share(count: Count) -> str:
    if not count.n:
        return "<td>–</td>"
    low, high = count.interval
    return f"<td>{count.share:.2f} <small>[{low:.2f}, {high:.2f}]</small></td>"
