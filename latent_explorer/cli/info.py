# SPDX-License-Identifier: MIT
"""`info`: what an explainer file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from latent_explorer.cli.output import Output, json_option

if TYPE_CHECKING:
    from latent_explorer.models.summary import ExplainerSummary


@click.command()
@click.argument("file", type=click.Path())
@json_option
def info(file: str, as_json: bool) -> None:
    """Say what an explainer file holds. Nothing in the file is executed."""
    from latent_explorer.models.explainer_file import read_explainer

    summary = read_explainer(file).summary()
    Output(as_json=as_json).result(fields_of(summary), text_of(summary))


def fields_of(summary: ExplainerSummary) -> dict[str, Any]:
    """The fields that `info --json` promises, and what else is cheap to tell."""
    return {
        "kind": "explainer",
        "name": summary.name,
        "model_hash": summary.model_hash,
        "resolution": summary.resolution,
        "num_styles": summary.layout.num_styles,
        "has_encoder": summary.has_encoder,
        "samples": len(summary.samples.ids) if summary.samples else 0,
        "classes": list(_asked(summary).class_names) if summary.classifiers else [],
        "classifiers": [
            {"classifier_id": c.classifier_id, "name": c.name, "classes": list(c.class_names)}
            for c in summary.classifiers
        ],
        "conditioned_on": summary.conditioned_on,
        "attributes": [
            {
                "name": a.name,
                "target": a.target,
                "mean_effect": a.mean_effect,
                "method": found.method,
            }
            for found in summary.attribute_sets
            for a in found.attributes
        ],
        "figures": summary.figures,
        "provenance": summary.provenance,
    }


def text_of(summary: ExplainerSummary) -> str:
    """The same for people."""
    lines = [
        f"{summary.name}: explainer, {summary.resolution} px, {summary.layout.num_styles} style coordinates",
        f"model       {summary.model_hash[:16]}, {'with' if summary.has_encoder else 'no'} encoder",
        f"samples     {len(summary.samples.ids) if summary.samples else 0} encoded pictures",
    ]
    for classifier in summary.classifiers:
        told = (
            "; the generator is told its answer"
            if classifier.classifier_id == summary.conditioned_on
            else ""
        )
        names = ", ".join(classifier.class_names)
        lines.append(
            f"classifier  {classifier.name} ({classifier.classifier_id[:16]}): {names}{told}"
        )
    for found in summary.attribute_sets:
        lines.append(f"attributes  {found.method}, {found.n} pictures, kappa {found.kappa:g}")
        lines += [
            f"  {rank:2d}  {a.name}  ({a.mean_effect:+.2f})"
            for rank, a in enumerate(found.attributes, 1)
        ]
    lines += [f"{name:11} {value}" for name, value in summary.figures.items()]
    return "\n".join(lines)


def _asked(summary: ExplainerSummary) -> Any:
    """The classifier that is asked unless another is named."""
    for classifier in summary.classifiers:
        if classifier.classifier_id == summary.conditioned_on:
            return classifier
    return summary.classifiers[0]
