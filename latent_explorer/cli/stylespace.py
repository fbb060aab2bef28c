# SPDX-License-Identifier: MIT
"""`stylespace`: the channels of Wu et al., the baseline beside AttFind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from latent_explorer.cli.attfind import encode_pictures, result_fields, table
from latent_explorer.cli.options import (
    DATA_OPTIONS,
    OUTPUT_FILE,
    LocalPath,
    device_option,
    kappa_option,
    pictures_options,
    wanted_option,
)
from latent_explorer.cli.output import Output, json_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@pictures_options
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
@kappa_option
@wanted_option
@click.option("--out", type=OUTPUT_FILE, metavar="X2", help="Write the explainer with what was found.")
@device_option
@json_option
def stylespace(
    explainer: str,
    data: str | None,
    side: str,
    classifier: str | None,
    out: Path | None,
    device: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Rank style channels by how far a class's exemplars stand out (Wu et al.): the baseline beside AttFind."""
    from latent_explorer.explain.attfind.stylespace import StyleSpaceSettings
    from latent_explorer.explain.attfind.stylespace import stylespace as job
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer import resolve_classifier, with_attribute_set
    from latent_explorer.models.explainer_file import read_explainer, write_explainer

    selection = {name: options.pop(name) for name in DATA_OPTIONS}
    settings = StyleSpaceSettings(**options)
    model = read_explainer(explainer)
    key = resolve_classifier(model, classifier)
    output = Output(as_json=as_json)
    latents = None if data is None else encode_pictures(model, data, side, settings.n, selection, output)
    chosen = choose_device(device)
    ranking = job(model, settings, classifier_id=key, latents=latents, ranges=model.style_stats, device=chosen)
    found = output.run(ranking)
    fields = result_fields(model, found)
    if out is not None:
        write_explainer(with_attribute_set(model, found), out)
        fields["path"] = out
    output.result(fields, table(model, found))
