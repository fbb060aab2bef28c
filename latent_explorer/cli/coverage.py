# SPDX-License-Identifier: MIT
"""`coverage`: how often the pictures of a generator reach each class. The job is in explain/report/coverage.py."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

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
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import shortened

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.explain.report.coverage import Coverage
    from latent_explorer.media.sheet import Row
    from latent_explorer.models.explainer import Explainer


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.option("--images", "data", type=LocalPath(), metavar="DATA", help="Real pictures to ask about, too.")
@data_options(split="--split-column")
@split_option("all")
@click.option(
    "--n", default=500, show_default=True, type=click.IntRange(1, 100_000), help="Seeds; at most so many of DATA."
)
@click.option("--psi", default=1.0, type=NUMBER, show_default=True, help="Truncation of the seeds.")
@click.option("--triggers", metavar="CLASS", help="Also draw the pictures that score highest for this class: --out.")
@click.option("--count", default=8, show_default=True, type=click.IntRange(1, 24), help="Pictures of a row of these.")
@click.option("--out", type=OUTPUT_FILE, metavar="SHEET.png", help="Where to draw them.")
@classifier_option
@device_option
@json_option
def coverage(
    explainer: str,
    data: str | None,
    side: str,
    n: int,
    psi: float,
    triggers: str | None,
    count: int,
    out: Path | None,
    classifier: str | None,
    device: str,
    as_json: bool,
    **selection: Any,
) -> None:
    """Count how often seeds and the pictures of the file reach each class: is a class drawn at all?"""
    from latent_explorer.data.dataset import evenly_spaced_rows, open_dataset
    from latent_explorer.explain.direction_search.summary import class_index
    from latent_explorer.explain.report.coverage import coverage as job
    from latent_explorer.explain.report.triggers import ranking
    from latent_explorer.explain.report.triggers import triggers as rows_job
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer import resolve_classifier
    from latent_explorer.models.explainer_file import read_explainer

    if (triggers is None) != (out is None) or (out is not None and out.suffix.lower() != ".png"):
        raise UserError("A sheet needs both: --triggers CLASS says whose, and --out FILE.png where.")
    model = read_explainer(explainer)
    key, chosen = resolve_classifier(model, classifier), choose_device(device)
    target = None if triggers is None else class_index(triggers, model.classifiers[key].config.class_names)
    output, size = Output(as_json=as_json), model.generator.config.resolution
    settings: dict[str, Any] = {"n": n, "psi": psi, "classifier_id": key}
    with ExitStack() as stack:
        if data is not None:
            pictures = open_dataset(data, **selection)
            stack.callback(pictures.close)
            rows = evenly_spaced_rows(pictures.indices(side), n)
            settings["ids"] = [pictures.names[i] for i in rows]
            settings["read"] = lambda part: pictures.read(rows[part], size)
        found = output.run(job(model, device=chosen, **settings))
        fields, text = {"model_hash": model.model_hash, **found.to_dict()}, format_text(found)
        if target is not None and out is not None:
            read = settings.get("read")
            _write_sheet(model, found, target, output.run(rows_job(model, found, target, count, read, chosen)), out)
            highest = {each.title: ranking(each, target, count) for each in found.sets}
            fields |= {"path": out, "triggers": {"class": found.class_names[target], "highest": highest}}
            text += f"\nWrote {out}."
    output.result(fields, text)


def _write_sheet(model: Explainer, found: Coverage, target: int, rows: list[Row], out: Path) -> None:
    from latent_explorer.media.sheet import draw, layout_sheet, write_picture

    notes = ["Below each picture: probability of the class, bold where it is the verdict."]
    if len(rows) < len(found.sets):
        notes.append("The file holds no photographs; its reconstructions stand for them.")
    title = f"{shortened(model.name)}: what triggers {shortened(found.class_names[target])}"
    write_picture(out, draw(layout_sheet(rows, (), title, " ".join(notes)), scale=2))


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
