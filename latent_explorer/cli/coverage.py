# SPDX-License-Identifier: MIT
"""`coverage`: how often the pictures of a generator reach each class. The job is in explain/report/coverage.py."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from latent_explorer.cli.options import (
    NUMBER,
    LocalPath,
    classifier_option,
    data_options,
    device_option,
    split_option,
)
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.format import shortened

if TYPE_CHECKING:
    from latent_explorer.explain.report.coverage import Coverage


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.option("--images", "data", type=LocalPath(), metavar="DATA", help="Real pictures to ask about, too.")
@data_options(split="--split-column")
@split_option("all")
@click.option(
    "--n", default=500, show_default=True, type=click.IntRange(1, 100_000), help="Seeds; at most so many of DATA."
)
@click.option("--psi", default=1.0, type=NUMBER, show_default=True, help="Truncation of the seeds.")
@classifier_option
@device_option
@json_option
def coverage(
    explainer: str,
    data: str | None,
    side: str,
    n: int,
    psi: float,
    classifier: str | None,
    device: str,
    as_json: bool,
    **selection: Any,
) -> None:
    """Count how often seeds and the pictures of the file reach each class: is a class drawn at all?"""
    from latent_explorer.data.dataset import evenly_spaced_rows, open_dataset
    from latent_explorer.explain.report.coverage import coverage as job
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer import resolve_classifier
    from latent_explorer.models.explainer_file import read_explainer

    model = read_explainer(explainer)
    output, size = Output(as_json=as_json), model.generator.config.resolution
    settings: dict[str, Any] = {"n": n, "psi": psi, "classifier_id": resolve_classifier(model, classifier)}
    with ExitStack() as stack:
        if data is not None:
            pictures = open_dataset(data, **selection)
            stack.callback(pictures.close)
            rows = evenly_spaced_rows(pictures.indices(side), n)
            settings["ids"] = [pictures.names[i] for i in rows]
            settings["read"] = lambda part: pictures.read(rows[part], size)
        found = output.run(job(model, device=choose_device(device), **settings))
    output.result({"model_hash": model.model_hash, **found.to_dict()}, format_text(found))


def format_text(found: Coverage) -> str:
    """Return the shares as text, a block for each class, and what is to be known about them."""
    lines = []
    for k, name in enumerate(found.class_names):
        lines.append(shortened(name))
        for each in found.sets:
            rate = each.reaching(k)
            low, high = rate.interval
            lines.append(f"  {each.title:24}  {rate.share:.3f} [{low:.3f}, {high:.3f}]  {rate.count:,} of {rate.n:,}")
        if sentence := found.sentence(k):
            lines.append(f"  {sentence}")
    if found.told and found.drawn is not None:
        lines.append("The generator is given class probabilities, with a seed those of a random picture of the file.")
    return "\n".join(lines)
