# SPDX-License-Identifier: MIT
"""`stylespace`: the channels of Wu et al., the baseline beside AttFind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from latent_explorer.cli.attfind import encode_pictures, result_fields, table
from latent_explorer.cli.options import (
    NUMBER,
    OUTPUT_FILE,
    LocalPath,
    classifier_option,
    data_options,
    device_option,
    split_option,
)
from latent_explorer.cli.output import Output, json_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.option(
    "--images", "data", type=LocalPath(), metavar="DATA", help="Rank on these instead of the pictures of the file."
)
@data_options(split="--split-column")
@split_option("val")
@click.option("--n", default=250, show_default=True, type=click.IntRange(min=10), help="Pictures.")
@click.option(
    "--score",
    type=click.Choice(["signal", "difference"]),
    default="signal",
    show_default=True,
    help="Mean z-score of the exemplars over their deviation, as the authors rank; or the mean alone.",
)
@click.option(
    "--exemplars",
    type=click.Choice(["extreme", "confident"]),
    default="extreme",
    show_default=True,
    help="The tenth of the pictures that the classifier is surest of; or all with a probability above 0.9.",
)
@click.option("--kappa", default=1.0, type=NUMBER, show_default=True, help="Share of the way to the observed end.")
@click.option("--wanted", default=10, show_default=True, type=click.IntRange(min=1), help="Attributes per class.")
@classifier_option
@click.option("--out", type=OUTPUT_FILE, metavar="X2", help="Write the explainer with what was found.")
@device_option
@json_option
def stylespace(
    explainer: str,
    data: str | None,
    side: str,
    n: int,
    score: Any,
    exemplars: Any,
    kappa: float,
    wanted: int,
    classifier: str | None,
    out: Path | None,
    device: str,
    as_json: bool,
    **selection: Any,
) -> None:
    """Rank style channels by how far a class's exemplars stand out (Wu et al.): the baseline beside AttFind."""
    from latent_explorer.explain.attfind.stylespace import StyleSpaceSettings
    from latent_explorer.explain.attfind.stylespace import stylespace as job
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer import resolve_classifier, with_attribute_set
    from latent_explorer.models.explainer_file import read_explainer, write_explainer

    model = read_explainer(explainer)
    key = resolve_classifier(model, classifier)
    output = Output(as_json=as_json)
    latents = None if data is None else encode_pictures(model, data, side, n, selection, output)
    settings = StyleSpaceSettings(n=n, kappa=kappa, wanted=wanted, score=score, exemplars=exemplars)
    chosen = choose_device(device)
    ranking = job(model, settings, classifier_id=key, latents=latents, ranges=model.style_stats, device=chosen)
    found = output.run(ranking)
    fields = result_fields(model, found)
    if out is not None:
        write_explainer(with_attribute_set(model, found), out)
        fields["path"] = out
    output.result(fields, table(model, found))
