# SPDX-License-Identifier: MIT
"""`report`: one page that shows what the attributes of explainers change. Measured in explain/report/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from latent_explorer.cli.options import OUTPUT_FILE, LocalPath, device_option
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("explainers", metavar="X [Y ...]", nargs=-1, required=True, type=LocalPath())
@click.option("--out", required=True, type=OUTPUT_FILE, metavar="FILE.html", help="The page, a single file.")
@click.option(
    "--attributes", default=10, show_default=True, type=click.IntRange(min=1), help="The first of each class."
)
@click.option(
    "--samples", default=4, show_default=True, type=click.IntRange(min=1, max=12), help="Pictures shown of each."
)
@click.option(
    "--pictures",
    default=64,
    show_default=True,
    type=click.IntRange(min=2),
    help="Pictures of the file to measure on.",
)
@device_option
@json_option
def report(
    explainers: tuple[str, ...], out: Path, attributes: int, samples: int, pictures: int, device: str, as_json: bool
) -> None:
    """Write a page on what the attributes change: the subject, or its surroundings?

    Several explainers stand side by side. Everything is made from the files alone: no data, no network.
    """
    from latent_explorer.explain.report.report import ReportSettings
    from latent_explorer.explain.report.report import report as job
    from latent_explorer.media.report.page import write_page
    from latent_explorer.media.report.sentences import verdict
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer_file import read_explainer

    if out.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"{out.name} is not a web page. Let its name end in .html.")
    settings, chosen = ReportSettings(attributes, samples, pictures), choose_device(device)
    output = Output(as_json=as_json)
    figures = [output.run(job(read_explainer(path), settings, device=chosen)) for path in explainers]
    write_page(out, figures)
    lines = [str(out), *(f"{evaluation.name}: {verdict(evaluation)}" for evaluation in figures)]
    fields = {"path": out, "explainers": [evaluation.to_dict() for evaluation in figures]}
    output.result(fields, "\n".join(lines))
