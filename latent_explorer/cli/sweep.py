# SPDX-License-Identifier: MIT
"""`sweep`: pictures that move together towards each class, as animations. The job is in app/sweep/."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from latent_explorer.app.export.scene import export_context
from latent_explorer.app.sweep.export import export_sweeps
from latent_explorer.app.sweep.plan import (
    FEWEST,
    MOST,
    TOP,
    USUAL,
    class_sweeps,
    target_of,
)
from latent_explorer.cli.export import bases_of, opened_model
from latent_explorer.cli.options import COUNT, NUMBER, OUTPUT_FOLDER, LocalPath, classifier_option, device_option
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import shortened
from latent_explorer.explain.direction_search.summary import class_index
from latent_explorer.explain.directions.direction import MAX_TYPICAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.sweep.export import SweepItem
    from latent_explorer.explain.directions.direction import Direction

_FORM = re.compile(r"(?:(?P<target>[^=]+)=)?(?P<file>.+?)(?:#(?P<number>[0-9]{1,6}))?", re.ASCII)


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.argument("directions", metavar="[CLASS=FILE#N]...", nargs=-1)
@click.option(
    "--count", default=USUAL, show_default=True, type=click.IntRange(FEWEST, MOST), help="Pictures for each class."
)
@click.option("--samples", metavar="N|0-3,7", help="Pictures of the file instead: how many (spread), or which.")
@click.option("--seeds", metavar="0-3,7", help="Seeds instead.")
@click.option("--length", default=MAX_TYPICAL, show_default=True, type=NUMBER, help="Standard deviations at alpha 1.")
@click.option(
    "--top", default=TOP, show_default=True, type=click.IntRange(min=1), help="Attributes, without directions."
)
@click.option("--psi", type=NUMBER, default=1.0, show_default=True, help="Truncation of generated pictures.")
@click.option("--size", type=COUNT, default=0, help="px of a picture in the grid; else 128.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["gif", "webp", "png", "mp4", "webm"]),
    default="gif",
    show_default=True,
)
@click.option("--out", required=True, type=OUTPUT_FOLDER, metavar="DIR")
@classifier_option
@device_option
@json_option
def sweep(
    explainer: str,
    directions: tuple[str, ...],
    count: int,
    samples: str | None,
    seeds: str | None,
    length: float,
    top: int,
    psi: float,
    size: int,
    file_format: str,
    out: Path,
    classifier: str | None,
    device: str,
    as_json: bool,
) -> None:
    """Move 4 to 12 pictures together towards each class, alpha 0 to 0.95, and write one animation for each class.

    Along directions of files (those that `directions` wrote say which class they lead to; of others say
    CLASS=FILE#NUMBER), or without any by the attributes of each class, all together. Beside each stand random moves as
    large.
    """
    host, state, summary = opened_model(explainer, device, classifier, None)
    state = msgspec.structs.replace(state, truncation_psi=psi)
    names = next((c.class_names for c in summary.classifiers if c.classifier_id == state.classifier_id), ())
    given = bases_of(summary, samples, seeds, count) if samples or seeds else []
    context = export_context(state, summary)
    found = _directions(directions, host, names)
    sweeps = class_sweeps(context, found, given, count=count, length=length, top=top)
    output = Output(as_json=as_json)
    written = output.run(export_sweeps(out, sweeps, context, host, suffix=f".{file_format}", size=size))
    fields = {
        "folder": written.folder,
        "together": written.together,
        "table": written.table,
        "manifest": written.manifest,
        "sweeps": msgspec.to_builtins(written.items),
        "model_hash": summary.model_hash,
    }
    output.result(fields, "\n".join([*map(_line, written.items), f"Wrote {len(sweeps)} sweeps into {out}."]))


def _line(item: SweepItem) -> str:
    figures = item.figures
    return (
        f"{shortened(item.target)}, {item.moved}: mean probability {figures['probability_first']:.2f} to "
        f"{figures['probability_last']:.2f}, moved at random {figures['control_last']:.2f}"
    )


def _directions(texts: Sequence[str], host: ModelHost, names: Sequence[str]) -> list[tuple[int, Direction]]:
    """Return the directions of the files with their classes. UserError where a class is not known."""
    from latent_explorer.explain.directions.file import read_directions, unit_directions
    from latent_explorer.explain.latents import typical_ws

    generator, ws = host.explainer.generator, typical_ws(host.explainer)
    found: list[tuple[int, Direction]] = []
    for text in texts:
        target, path, number = _parsed(text)
        every = unit_directions(read_directions(path, generator.num_ws, generator.config.w_dim), ws)
        if number is not None and not 1 <= number <= len(every):
            raise UserError(f"{path.name} holds {len(every):,} directions, and no number {number}.")
        chosen = every if number is None else every[number - 1 : number]
        if target and len(chosen) > 1:
            raise UserError(f"{path.name} holds {len(every):,} directions. Say which: {target}={path.name}#1.")
        for each in chosen:
            leads_to = class_index(target, names) if target else target_of(each, names)
            if leads_to is None:
                raise UserError(
                    f"The direction {shortened(each.name)} does not say which class it leads to. "
                    f"Write {shortened(names[0])}={path.name}."
                )
            found.append((leads_to, each))
    return found


def _parsed(text: str) -> tuple[str, Path, int | None]:
    """Return class, file and number of "[CLASS=]FILE[#N]"; a file may be called so as a whole."""
    if Path(text).is_file():
        return "", Path(text), None
    match = _FORM.fullmatch(text)
    if match is None:
        raise UserError(f"{text[:80]!r} is not a file of directions. Write it like healthy=boundary.npy.")
    return match["target"] or "", Path(match["file"]), None if match["number"] is None else int(match["number"])
