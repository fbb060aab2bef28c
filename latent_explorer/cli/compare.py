# SPDX-License-Identifier: MIT
"""`compare`: two classifiers of one explainer, side by side."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from latent_explorer.cli.options import (
    OUTPUT_FILE,
    LocalPath,
    data_options,
    device_option,
    n_option,
    split_option,
    wanted_option,
)
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from latent_explorer.explain.attfind.sufficiency import Rate
    from latent_explorer.explain.counterfactuals.confusion import JudgedPhotos
    from latent_explorer.explain.report.two_classifiers import Comparison
    from latent_explorer.models.explainer import Explainer


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.argument("first")
@click.argument("second")
@click.argument("data", metavar="[DATA]", required=False, type=LocalPath())
@n_option(10)
@wanted_option
@data_options(split="--split-column")
@split_option("test")
@click.option("--out", type=OUTPUT_FILE, metavar="X.json|X.csv", help="Write the comparison; as CSV the moves alone.")
@click.option(
    "--html", type=OUTPUT_FILE, metavar="X.html", help="Write a page: where they part, and what one alone uses."
)
@device_option
@json_option
def compare(
    explainer: str,
    first: str,
    second: str,
    data: str | None,
    n: int,
    wanted: int,
    side: str,
    out: Path | None,
    html: Path | None,
    device: str,
    as_json: bool,
    **selection: Any,
) -> None:
    """Say what two classifiers of X both look at, and what only one does.

    FIRST and SECOND, such as version 1 and version 2, are their names or the beginnings of their ids, as `info` lists
    them, or files: a .classifier, an .explainer for the classifier that it explains, or what import-classifier reads.

    With labelled photographs, DATA, it also counts regressions (right in FIRST, wrong in SECOND) and gains; the page
    shows them, regressions first. Without, it shows the pictures of X on which the two part.
    """
    from latent_explorer.explain.report.comparison_file import write_comparison
    from latent_explorer.explain.report.two_classifiers import check_pair, compare_classifiers
    from latent_explorer.explain.report.versions import PICTURES, versions_report
    from latent_explorer.media.report.versions_page import sentences, write_versions_page
    from latent_explorer.models.classifier_file import with_asked
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer_file import read_explainer

    if html is not None and html.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"{html.name} is not a web page. Let its name end in .html.")
    held, chosen = read_explainer(explainer), choose_device(device)
    (one, one_key), (other, other_key) = (with_asked(held, each) for each in (first, second))
    model = replace(held, classifiers=dict(one.classifiers) | dict(other.classifiers))
    keys = [one_key, other_key]
    check_pair(model, keys[0], keys[1])
    output = Output(as_json=as_json)
    photos = None if data is None else _judged(output, model, keys, data, side, chosen, selection)
    found = output.run(compare_classifiers(model, keys[0], keys[1], n=n, wanted=wanted, device=chosen))
    fields, text = found.to_dict(), comparison_text(model, found)
    if out is not None:
        write_comparison(out, found)
        fields["path"] = out
    if html is not None or photos is not None:
        report = output.run(versions_report(model, found, photos, n=min(n, PICTURES), device=chosen))
        fields["versions"] = report.to_dict()
        text = "\n".join([text, *sentences(report)])
        if html is not None:
            write_versions_page(html, report)
            fields["page"] = html
    output.result(fields, text)


def _judged(
    output: Output, model: Explainer, keys: Sequence[str], data: str, side: str, device: Any, selection: dict[str, Any]
) -> tuple[JudgedPhotos, JudgedPhotos]:
    """Ask both classifiers about the labelled photographs."""
    from latent_explorer.data.dataset import open_dataset
    from latent_explorer.explain.counterfactuals.confusion import judge
    from latent_explorer.explain.counterfactuals.mistakes_text import unreadable_text

    pictures, size = open_dataset(data, **selection), model.generator.config.resolution
    first, second = (output.run(judge(model.classifiers[key], pictures, side, size, device=device)) for key in keys)
    if left_out := unreadable_text(first):
        output.event(Notice(left_out, "warning"))
    return first, second


def comparison_text(model: Explainer, found: Comparison) -> str:
    """Return a comparison as text: verdicts, coordinates, what each list does to both, then every listed move."""
    layout = model.generator.synthesis.layout
    low, high = found.same_verdicts.interval
    split = {key: len(each) for key, each in found.coordinates.items()}
    lines = [
        f"A ({found.names[0]}) and B ({found.names[1]}): the same verdict on {found.same_verdicts.share:.1%} "
        f"[{low:.1%}, {high:.1%}] of {found.n} reconstructions",
        f"coordinates in both lists {split['both']}, only in A's {split['first']}, only in B's {split['second']}; "
        f"{found.shared_moves} of {len(found.moves)} moves (coordinate, end and class) are in both",
        f"completed at random from what was seen, A's list is the same by {found.agreements[0]:.0%}, B's by "
        f"{found.agreements[1]:.0%}",
        "rank correlation of the effects on A and on B (listed moves were chosen for a large one; all are predicted):",
    ]
    lines += [
        f"  towards {found.class_names[each.target]:16} {each.moves} listed {_number(each.listed)}, "
        f"all {_number(each.all_predicted)}"
        for each in found.correlations
    ]
    lines += _flip_lines(found)
    lines.append(
        "effect on the same pictures, in standard deviations of each classifier's log-odds [95 % interval]; places:"
    )
    for move in found.moves:
        layer, channel = layout.at(move.style_index)
        places = " ".join(f"{'' if place is None else place:>2}" for place in move.places)
        effects = "  ".join(
            f"{name} {mean:+.2f} [{low:+.2f}, {high:+.2f}]"
            for name, mean, (low, high) in zip("AB", move.effects, move.intervals, strict=True)
        )
        lines.append(
            f"  style {move.style_index:5} to its {move.end}  towards {found.class_names[move.target]:16} "
            f"{effects}  {places}  {layer.name} channel {channel}"
        )
    return "\n".join(lines)


def _flip_lines(found: Comparison) -> list[str]:
    """Return what one and the same edit does to the verdicts of both, and its controls."""
    lines = [
        "pictures in which A and B both see another class, turned by one edit of which both are asked; then by random",
        f"edits of as many moves, and of as large a change ({found.size_measure}):",
    ]
    for each in found.edits:
        name, target = "AB"[each.list_of], found.class_names[each.target]
        lines.append(f"  the {each.moves} moves of {name}'s list towards {target}, of {each.edit.both[0].n} pictures:")
        for title, flips, size in zip(
            ("the list", "as many at random", "as large at random"),
            (each.edit, each.as_many, each.as_large),
            each.sizes,
            strict=True,
        ):
            lines.append(f"    {title:18} A {_rate(flips.both[0])}  B {_rate(flips.both[1])}  size {size:.3f}")
        first, second = each.edit.alone
        lines.append(f"    the list turns A alone in {first}, B alone in {second}: p = {each.edit.p:.2g}")
    return lines


def _number(value: float) -> str:
    return f"{value:+.2f}" if math.isfinite(value) else "not known"


def _rate(rate: Rate) -> str:
    if not rate.n:
        return "none"
    low, high = rate.interval
    return f"{rate.share:6.1%} [{low:.1%}, {high:.1%}]"
