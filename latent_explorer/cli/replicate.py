# SPDX-License-Identifier: MIT
"""`replicate`: published experiments again, and what was published beside what is found here.

The comparisons are in explain/report/replication.py and methods.py.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from latent_explorer.cli.options import OUTPUT_FILE, PATH, LocalPath, device_option, kappa_option
from latent_explorer.cli.output import Output, json_option, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.explain.report.methods import MethodRow
    from latent_explorer.explain.report.replication import Row


@click.group()
def replicate() -> None:
    """Run a published experiment again, and compare."""


@replicate.command("google")
@click.argument("folder", type=PATH)
@click.option(
    "--search",
    type=click.Choice(["raced", "exhaustive", "none"]),
    default="raced",
    show_default=True,
    help="Moves to render for a list of one's own; the other comparisons take minutes.",
)
@click.option("--out", type=OUTPUT_FILE, metavar="X.json", help="Write the comparison.")
@device_option
@json_option
def google(folder: Path, search: str, out: Path | None, device: str, as_json: bool) -> None:
    """AttFind on the age classifier that StylEx's authors released, against their effects and published figures.

    FOLDER holds generator.savedmodel, mobilenet.savedmodel, dlatents.pkl and examples_1.tfrecord, as they were released
    (zips as well). What is not there is skipped, with the reason.
    """
    from latent_explorer.explain.report.replication import replicate as job
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.importers.stylex.release import import_stylex, missing_parts, open_release

    output = Output(as_json=as_json)
    if missing := missing_parts(folder):
        _finish(output, {"skipped": missing}, f"Skipped: {missing}.", out)
        return
    effects = open_release(folder).effects()
    explainer = import_stylex(folder, folder.stem, ("old", "young")).explainer
    rows = output.run(
        job(
            explainer,
            effects,
            search=search != "none",
            exhaustive=search == "exhaustive",
            device=choose_device(device),
        )
    )
    _finish(output, {"rows": [row.to_dict() for row in rows]}, table(rows), out)


@replicate.command("methods")
@click.argument("explainers", metavar="X...", nargs=-1, required=True, type=LocalPath())
@click.option("--n", default=200, show_default=True, type=click.IntRange(min=20), help="Pictures of a run.")
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1, 100), help="Draws of pictures.")
@kappa_option
@click.option("--out", type=OUTPUT_FILE, metavar="X.json", help="Write the comparison.")
@device_option
@json_option
def methods(
    explainers: tuple[str, ...], n: int, runs: int, kappa: float, out: Path | None, device: str, as_json: bool
) -> None:
    """Verdicts that the ten coordinates of each method turn: Wu et al., AttFind, and ten at random.

    Table 2 of the replication studies. Give a StylEx, and beside it a plain StyleGAN2 of the same data: one without a
    classifier is asked the first one of the others, about pictures that it generates.
    """
    from latent_explorer.explain.report.methods import compare_methods
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer_file import read_explainer

    output = Output(as_json=as_json)
    models = [read_explainer(each) for each in explainers]
    rows = output.run(compare_methods(models, n=n, runs=runs, kappa=kappa, device=choose_device(device)))
    _finish(output, {"rows": [row.to_dict() for row in rows]}, methods_table(rows), out)


def methods_table(rows: list[MethodRow]) -> str:
    """Return the comparison of methods as text."""
    width = max(len(row.method) for row in rows)
    lines: list[str] = []
    for row in rows:
        if not any(line.startswith(f"{row.model}:") for line in lines):
            lines.append(f"{row.model}: verdicts turned by ten coordinates together")
        error = "" if math.isnan(row.standard_error) else f" +- {row.standard_error:.3f}"
        lines.append(f"  {row.method:{width}}  {row.mean:.3f}{error}  ({len(row.rates)} runs of {row.n} pictures)")
    return "\n".join(lines)


def table(rows: list[Row]) -> str:
    """Return the comparison as text."""
    width = max(len(row.what) for row in rows)
    lines = []
    for row in rows:
        lines.append(f"{row.what:{width}}  {row.here or f'skipped: {row.skipped}'}")
        if row.published:
            lines.append(f"{'published':>{width}}  {row.published}")
    return "\n".join(lines)


def _finish(output: Output, fields: dict[str, Any], text: str, out: Path | None) -> None:
    if out is not None:
        write_json(out, fields)
        fields = fields | {"path": out}
    output.result(fields, text)
