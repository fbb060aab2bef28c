# SPDX-License-Identifier: MIT
"""`animate`, `sheet` and `export-all`: the exports of the window. The exports are in app/export/."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration import picture_requests
from latent_explorer.app.export.batch import export_all as all_job
from latent_explorer.app.export.batch import pictures_of
from latent_explorer.app.export.job import animation
from latent_explorer.app.export.scene import Scene, export_context
from latent_explorer.app.export.sheets import KINDS, PSIS, SheetPlan
from latent_explorer.app.export.sheets import sheet as sheet_job
from latent_explorer.cli.directions import direction_edits, direction_option
from latent_explorer.cli.generate import parse_seeds
from latent_explorer.cli.options import (
    COUNT,
    NUMBER,
    OUTPUT_FILE,
    OUTPUT_FILE_OR_NEW_FOLDER,
    OUTPUT_FOLDER,
    PATH,
    LocalPath,
    classifier_option,
    combine_options,
    device_option,
)
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import size_text
from latent_explorer.explain.projected import read_projected
from latent_explorer.explain.recipe import ProjectedBase, SampleBase, SeedBase
from latent_explorer.explain.timeline.edits import with_edits
from latent_explorer.explain.timeline.file import read_timeline
from latent_explorer.media.animation.settings import FORMATS, FPS, AnimationSettings

if TYPE_CHECKING:
    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.explain.recipe import Base
    from latent_explorer.models.summary import ExplainerSummary

_UNITS = {"": 1, "b": 1, "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000}
_RATES = ", ".join(f"{fps:g}" for fps in FPS)


# Appearance of an animation, and the size of its file.
settings_options = combine_options(
    click.option("--size", type=COUNT, default=0, help="px of a picture; else 8 x at 64 px."),
    click.option("--quality", type=COUNT, default=90, show_default=True, help="1 to 100; 100 is lossless WebP."),
    click.option("--budget", metavar="2MB", help="Stay below; size, rate and quality give way."),
    click.option("--before-after", is_flag=True, help="The unedited picture beside it."),
    click.option("--caption", is_flag=True, help="The target's probability in words."),
    click.option("--bar", is_flag=True, help="The target's probability as a bar."),
)
# The classifier, its class and the device.
model_options = combine_options(
    classifier_option,
    click.option("--target", metavar="CLASS", help="The class that captions and sliders are about."),
    device_option,
    json_option,
)


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.argument("timeline", metavar="TIMELINE.json", type=PATH)
@click.option(
    "--out",
    required=True,
    type=OUTPUT_FILE_OR_NEW_FOLDER,
    metavar="FILE",
    help=f"Ends in {', '.join(filter(None, FORMATS))}; without an ending a folder of pictures.",
)
@click.option("--fps", type=NUMBER, help=f"{_RATES}; else the timeline's own.")
@click.option("--loop/--once", default=True, show_default=True, help="Whether the file repeats for ever.")
@click.option("--ping-pong/--one-way", default=None, help="And back; else as the timeline says.")
@click.option("--csv", "table", is_flag=True, help="Also the probabilities, as FILE.csv.")
@click.option(
    "--latents",
    multiple=True,
    type=PATH,
    metavar="FILE",
    help="A projected picture that the timeline names; may be repeated.",
)
@direction_option
@settings_options
@model_options
def animate(
    explainer: str,
    timeline: Path,
    out: Path,
    fps: float | None,
    loop: bool,
    ping_pong: bool | None,
    table: bool,
    latents: tuple[Path, ...],
    directions: tuple[str, ...],
    classifier: str | None,
    target: str | None,
    device: str,
    as_json: bool,
    **appearance: Any,
) -> None:
    """Render a timeline as GIF, WebP, APNG, MP4, WebM, a folder of pictures, or a table of probabilities."""
    stored = read_timeline(timeline)
    moves = stored.timeline
    fps = moves.fps if fps is None else fps
    ping_pong = moves.ping_pong if ping_pong is None else ping_pong
    settings = animation_settings(appearance, fps=fps, loop=loop, ping_pong=ping_pong, csv=table)
    host, state, summary = opened_model(explainer, device, classifier, target)
    if stored.model_hash not in ("", summary.model_hash):
        raise UserError(f"{timeline.name} was made with another model ({stored.model_hash[:12]}). Give that explainer.")
    host.add_latents([read_projected(path) for path in latents])
    moves = with_edits(moves, direction_edits(directions, host.explainer))
    picture_requests.check(msgspec.structs.replace(state, timelines=(moves,)), summary)
    output = Output(as_json=as_json)
    written = output.run(animation(out, Scene(moves, state, summary), settings, host.render))
    fields = {
        "path": written.path,
        "table": written.table,
        "frames": written.frames,
        "seconds": written.frames / written.settings.fps,
        "bytes": written.bytes,
        "settings": msgspec.to_builtins(written.settings),  # a budget may have lowered them
        "model_hash": summary.model_hash,
    }
    output.result(fields, f"{written.path}: {written.frames} frames, {size_text(written.bytes)}")


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.option("--kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True)
@click.option(
    "--samples", metavar="N|0-3,7", help="Pictures of the file: how many (spread), or which (with a dash or comma)."
)
@click.option("--seeds", metavar="0-3,7", help="Seeds, a row each, instead.")
@click.option("--latents", multiple=True, type=PATH, metavar="FILE", help="Projected pictures, a row each.")
@click.option(
    "--top", default=3, show_default=True, type=click.IntRange(min=1), help="Attributes, for counterfactuals."
)
@click.option("--together/--one-by-one", default=True, help="And all of them together.")
@click.option("--psis", default=",".join(f"{p:g}" for p in PSIS), show_default=True, help="For truncation.")
@click.option("--columns", default="0-3", show_default=True, metavar="SEEDS", help="For mixing.")
@click.option("--rows", default="0-3", show_default=True, metavar="FIRST-LAST", help="Rows of ws that mixing takes.")
@click.option("--psi", type=NUMBER, default=1.0, show_default=True, help="Truncation of generated pictures.")
@click.option("--out", required=True, type=OUTPUT_FILE, metavar="F.png|F.pdf")
@model_options
def sheet(
    explainer: str,
    kind: Any,
    samples: str | None,
    seeds: str | None,
    latents: tuple[Path, ...],
    top: int,
    together: bool,
    psis: str,
    columns: str,
    rows: str,
    psi: float,
    out: Path,
    classifier: str | None,
    target: str | None,
    device: str,
    as_json: bool,
) -> None:
    """Draw a sheet for a paper: counterfactuals, a truncation sweep, or a style-mixing grid."""
    host, state, summary = opened_model(explainer, device, classifier, target)
    state = msgspec.structs.replace(state, truncation_psi=psi)
    projected = [read_projected(path) for path in latents]
    host.add_latents(projected)
    mixed = parse_seeds(rows)
    plan = SheetPlan(
        kind=kind,
        bases=_rows(summary, samples, seeds, projected),
        attributes=top,
        together=together,
        psis=_numbers(psis),
        others=tuple(SeedBase(seed) for seed in parse_seeds(columns)),
        first=mixed[0],
        last=mixed[-1],
    )
    output = Output(as_json=as_json)
    written = output.run(sheet_job(out, plan, export_context(state, summary, projected), host.render))
    fields = {"path": written, "kind": kind, "model_hash": summary.model_hash}
    output.result(fields, str(written))


@click.command("export-all")
@click.argument("explainer", metavar="X", type=LocalPath())
@click.option("--top", default=8, show_default=True, type=click.IntRange(min=1), help="Attributes, best first.")
@click.option("--samples", metavar="N|0-3,7", help="Pictures of the file: how many (spread), or which. Default: 4.")
@click.option("--seeds", metavar="0-3,7", help="Seeds instead.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["gif", "webp", "png", "mp4", "webm"]),
    default="gif",
    show_default=True,
)
@click.option("--fps", type=NUMBER, default=20.0, show_default=True, help=f"{_RATES}.")
@click.option("--psi", type=NUMBER, default=1.0, show_default=True, help="Truncation of generated pictures.")
@click.option("--out", required=True, type=OUTPUT_FOLDER, metavar="DIR")
@settings_options
@model_options
def export_all(
    explainer: str,
    top: int,
    samples: str | None,
    seeds: str | None,
    file_format: str,
    fps: float,
    psi: float,
    out: Path,
    classifier: str | None,
    target: str | None,
    device: str,
    as_json: bool,
    **appearance: Any,
) -> None:
    """Animate the first attributes on several pictures, with a manifest of what every file shows."""
    settings = animation_settings(appearance, fps=fps, loop=True, ping_pong=True)
    host, state, summary = opened_model(explainer, device, classifier, target)
    state = msgspec.structs.replace(state, truncation_psi=psi)
    context = export_context(state, summary, (), top)
    bases = bases_of(summary, samples, seeds, 4)
    output = Output(as_json=as_json)
    done = output.run(all_job(out, context, bases, settings, host.render, f".{file_format}"))
    fields = {
        "folder": done.folder,
        "manifest": done.manifest,
        "table": done.table,
        "animations": msgspec.to_builtins(done.items),
        "model_hash": summary.model_hash,
    }
    output.result(fields, f"{len(done.items)} animations and their manifest in {done.folder}")


def animation_settings(appearance: dict[str, Any], **others: Any) -> AnimationSettings:
    """Return settings from the options of `settings_options` and others, checked."""
    budget = appearance.pop("budget")
    limit = parse_size(budget) if budget else 0
    return AnimationSettings(**appearance, **others, budget_bytes=limit).checked()


def parse_size(text: str) -> int:
    """Return the bytes of "2MB", "500 kB" or "1500000"; a megabyte is a million bytes. UserError for anything else."""
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([a-zA-Z]*)\s*", text)
    unit = _UNITS.get(match[2].lower()) if match else None
    if not match or unit is None or float(match[1]) * unit < 1:
        raise UserError(f"{text[:40]!r} is not a file size. Write it like 2MB or 500kB.")
    return round(float(match[1]) * unit)


def opened_model(
    explainer: str, device: str, classifier: str | None, target: str | None
) -> tuple[ModelHost, ExplorerState, ExplainerSummary]:
    """Return the model on its device, and the state that its window would begin with, asking about `target`."""
    from latent_explorer.models.explainer import resolve_classifier

    host = ModelHost()
    summary = host.open(Path(explainer), device).summary
    key = resolve_classifier(host.explainer, classifier) if classifier is not None else ""
    return host, picture_requests.opening_state(summary, key, target), summary


def bases_of(summary: ExplainerSummary, samples: str | None, seeds: str | None, count: int) -> list[Base]:
    """Return the latents of `--samples` and `--seeds`; without either `count` samples."""
    bases: list[Base] = []
    if samples and samples.strip().isdecimal():
        bases += pictures_of(summary, int(samples))
    elif samples:
        num_samples = len(summary.samples.ids) if summary.samples else 0
        indices = parse_seeds(samples)
        if max(indices) >= num_samples:
            held = f"{summary.name} holds {num_samples} {summary.samples_are}"
            raise UserError(f"There is no picture {max(indices)}: {held}.")
        bases += [SampleBase(index) for index in indices]
    if seeds:
        bases += [SeedBase(seed) for seed in parse_seeds(seeds)]
    return bases or pictures_of(summary, count)


def _rows(
    summary: ExplainerSummary, samples: str | None, seeds: str | None, projected: list[ProjectedPicture]
) -> tuple[Base, ...]:
    """Return the rows of a sheet: projected pictures, and those of `--samples` and `--seeds`."""
    bases: list[Base] = [ProjectedBase(picture.latent_id) for picture in projected]
    others = bases_of(summary, samples, seeds, 4) if samples or seeds or not bases else []
    return (*bases, *others)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(NUMBER.convert(part, None, None) for part in text.split(","))
    except click.BadParameter as error:
        raise UserError(f"{text[:40]!r} are not numbers. Write them like 0,0.5,1.") from error
