# SPDX-License-Identifier: MIT
"""`get-weights`: fetch the published network that LPIPS stands on, once, because a person asked for it."""

from __future__ import annotations

import click

from latent_explorer.cli.output import Output, json_option


@click.command("get-weights")
@click.argument("net", type=click.Choice(["alex", "squeeze"]), default="alex")
@json_option
def get_weights(net: str, as_json: bool) -> None:
    """Fetch the network that LPIPS stands on from PyTorch's server.

    alex is what LPIPS is reported with, and 244 MB; squeeze is 5 MB, and its figures differ. Without either,
    trainings go by the feature distance of the classifier instead.
    """
    from latent_explorer.models.lpips_weights import fetch_backbone
    from latent_explorer.models.perceptual import LpipsDistance

    output = Output(as_json=as_json)
    path = output.run(fetch_backbone(net))
    name = LpipsDistance(net).name  # its value on a known pair is asserted
    output.result({"path": path, "name": name}, f"{path}: {name} is ready.")
