# SPDX-License-Identifier: MIT
"""`compare`: two classifiers of one explainer, side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from latent_explorer.cli.options import OUTPUT_FILE, LocalPath, device_option, n_option, wanted_option
from latent_explorer.cli.output import Output, json_option, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.explain.report.two_classifiers import Comparison
    from latent_explorer.models.explainer import Explainer


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.argument("first")
@click.argument("second")
@n_option(10)
@wanted_option
@click.option("--out", type=OUTPUT_FILE, metavar="X.json", help="Write the comparison.")
@device_option
@json_option
def compare(
    explainer: str, first: str, second: str, n: int, wanted: int, out: Path | None, device: str, as_json: bool
) -> None:
    """Say what two classifiers of X both look at, and what only one does.

    FIRST and SECOND are their names or the beginnings of their ids, as `info` lists them. `add-classifier` puts
    another one into an explainer.
    """
    from latent_explorer.explain.report.two_classifiers import compare_classifiers
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer import resolve_classifier
    from latent_explorer.models.explainer_file import read_explainer

    model = read_explainer(explainer)
    keys = [resolve_classifier(model, each) for each in (first, second)]
    output = Output(as_json=as_json)
    job = compare_classifiers(model, keys[0], keys[1], n=n, wanted=wanted, device=choose_device(device))
    found = output.run(job)
    fields = found.to_dict()
    if out is not None:
        write_json(out, fields)
        fields["path"] = out
    output.result(fields, comparison_text(model, found))


def comparison_text(model: Explainer, found: Comparison) -> str:
    """Return a comparison as text: the verdicts, what both list, then what only one does."""
    classifiers = [model.classifiers[key] for key in found.classifier_ids]
    names = [f"{letter} ({c.config.name})" for letter, c in zip("AB", classifiers, strict=True)]
    layout, class_names = model.generator.synthesis.layout, classifiers[0].config.class_names
    low, high = found.same_verdicts.interval
    correlation = f"{found.rank_correlation:+.2f}" if math.isfinite(found.rank_correlation) else "not known"
    lines = [
        f"{names[0]} and {names[1]}: the same verdict on {found.same_verdicts.share:.1%} [{low:.1%}, {high:.1%}] of "
        f"{found.n} reconstructions",
        f"{found.shared} of {len(found.moves)} listed moves are in both lists; rank correlation of the effects "
        f"{correlation}",
    ]
    for name, rates in zip("AB", found.flips, strict=True):
        lines.append(
            f"the list of {name}, applied together: {rates[0].share:.1%} of the verdicts of A reach the other class, "
            f"{rates[1].share:.1%} of those of B"
        )
    lines.append("effect in standard deviations of each classifier's log-odds, place in its list:")
    for move in found.moves:
        layer, channel = layout.at(move.style_index)
        places = " ".join(f"{'' if place is None else place:>2}" for place in move.places)
        lines.append(
            f"  style {move.style_index:5} to its {move.end}  towards {class_names[move.target]:16} "
            f"A {move.effects[0]:+.2f}  B {move.effects[1]:+.2f}  {places}  {layer.name} channel {channel}"
        )
    return "\n".join(lines)
