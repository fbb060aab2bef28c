# SPDX-License-Identifier: MIT
"""`project`: pictures as latents of an explainer, with a report on how faithful each is. The job is the window's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
import msgspec

from latent_explorer.cli.options import OUTPUT_FOLDER, PATH, SEED, LocalPath, classifier_option, device_option
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Kept, Metric, Notice, Progress
from latent_explorer.common.jobs import forward_events
from latent_explorer.data.images import read_image
from latent_explorer.explain.projection.report_text import checks, domain_sentence, further_cautions, summary
from latent_explorer.explain.projection.result_files import ResultFolder
from latent_explorer.explain.projection_settings import (
    DEFAULT,
    NVIDIA_SCHEDULE,
    LpipsSize,
    ProjectionSettings,
    Space,
    Start,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.explain.projection.target import Target
    from latent_explorer.models.explainer import Explainer

_BATCH_SIZE = 64  # pictures whose results are in memory before they are written
_WORDS = {True: "passed", False: "failed", None: "not known"}
SCHEDULES = {"default": DEFAULT, "nvidia": NVIDIA_SCHEDULE}


def _choice(name: str, values: tuple[str, ...], text: str) -> Callable[[Any], Any]:
    return click.option(f"--{name}", type=click.Choice(values), help=text)


@click.command()
@click.argument("explainer", metavar="X", type=LocalPath())
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=PATH)
@click.option(
    "--schedule",
    type=click.Choice(tuple(SCHEDULES)),
    default="default",
    show_default=True,
    help="Where all other settings start from: ours, or NVIDIA's published one.",
)
@_choice("space", get_args(Space), "W, W+ or style space.")
@_choice("start", get_args(Start), "Where to start; auto: the encoder, else the nearest samples.")
@click.option("--steps", type=click.IntRange(min=0), help="Steps of the optimisation.")
@_choice("noise", ("keep", "optimise"), "Whether the noise maps are optimised, too.")
@_choice("lpips", get_args(LpipsSize), "At which size LPIPS looks.")
@click.option("--tuning", type=click.IntRange(min=0), help="Steps of pivotal tuning; 0: none.")
@click.option("--seed", type=SEED, help="Of every random number.")
@click.option(
    "--set",
    "others",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting by its name in explain/projection_settings.py; may be repeated.",
)
@classifier_option
@click.option("--out", required=True, type=OUTPUT_FOLDER, metavar="DIR", help="Folder to write into.")
@device_option
@json_option
def project(
    explainer: str,
    images: tuple[Path, ...],
    schedule: str,
    others: tuple[str, ...],
    classifier: str | None,
    out: Path,
    device: str,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Find latents that show pictures: files, folders, or latents of other programs (npz with w, npy, pt).

    Writes for each NAME.projection (opens in the window), NAME.npz (w, as NVIDIA's projector writes it) and NAME.png
    (target and reconstruction), and for all summary.json and summary.csv.
    """
    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.projection.photos import pictures_in
    from latent_explorer.explain.projection.latent_import import SUFFIXES, import_latents
    from latent_explorer.models.explainer import resolve_classifier

    settings = projection_settings(SCHEDULES[schedule], chosen, others)
    host = ModelHost()
    host.open(Path(explainer), device)
    key = resolve_classifier(host.explainer, classifier)
    results = ResultFolder(out)
    output = Output(as_json=as_json)
    latents = [path for path in images if path.suffix.lower() in SUFFIXES]
    pictures = pictures_in([path for path in images if path not in latents])
    for path in latents:
        results.add(import_latents(host.explainer, host.renderer, path, key))
    for first in range(0, len(pictures), _BATCH_SIZE):
        some = pictures[first : first + _BATCH_SIZE]
        targets = output.run(cut_targets(host.explainer, some, key))
        if targets:
            _project(host, targets, settings, key, output, results)
    if not results.reports:
        raise UserError("There is no picture in what was given, or none that can be read. Choose others.")
    output.result(results.write_summaries(), _text(results))


def projection_settings(start: ProjectionSettings, chosen: dict[str, Any], others: Sequence[str]) -> ProjectionSettings:
    """Return settings with what was chosen by an option (None: not) and by NAME=VALUE.

    UserError for a name that is not a setting, and for a value out of its range.
    """
    fields: dict[str, Any] = msgspec.to_builtins(start)
    fields |= {name: value for name, value in chosen.items() if value is not None}
    for text in others:
        name, equals, value = text.partition("=")
        if not equals or name not in fields:
            raise UserError(
                f"{text!r} is not a setting of a projection. Write NAME=VALUE with one of: {', '.join(fields)}."
            )
        fields[name] = value
    try:
        return msgspec.convert(fields, ProjectionSettings, strict=False)
    except msgspec.ValidationError as error:
        raise UserError(f"A setting is out of its range: {error}. Choose another value.") from error


def cut_targets(model: Explainer, paths: Sequence[Path], key: str) -> Generator[Event, None, list[Target]]:
    """Crop the pictures to what will be projected. A job; unreadable pictures are reported and left out."""
    from latent_explorer.explain.projection.target import cut_target

    targets = []
    for done, path in enumerate(paths):
        yield Progress(done, len(paths), "Cutting the photos")
        try:
            photo = read_image(path, name=path.name)
        except UserError as error:
            yield Notice(str(error), "warning")
        else:
            targets.append(cut_target(model, photo, path.name, key))
    return targets


def _project(
    host: ModelHost,
    targets: Sequence[Target],
    settings: ProjectionSettings,
    key: str,
    output: Output,
    results: ResultFolder,
) -> None:
    """Project some pictures. Interrupted, the best so far is written before the command ends."""
    from latent_explorer.explain.projection.projection import project

    pictures: list[ProjectedPicture] = []

    def watch(event: Event) -> Event | None:
        if isinstance(event, Kept):
            pictures[:] = event.value
        # A line for every step would be too much for people.
        return event if output.as_json or not isinstance(event, Metric) else None

    job = project(host.explainer, targets, settings, device=host.device, classifier_id=key)
    try:
        output.run(forward_events(job, watch))
    except KeyboardInterrupt:
        results.add(pictures)
        results.write_summaries()
        raise
    results.add(pictures)


def _text(results: ResultFolder) -> str:
    """Return a line for each picture, and below it the three checks and what else speaks against it."""
    lines = []
    for report in results.reports:
        lines.append(f"{report.name}: {summary(report)}")
        lines += [f"  {check.name} {_WORDS[check.passed]}: {check.text}" for check in checks(report)]
        lines += [f"  {caution}" for caution in (*further_cautions(report), domain_sentence(report)) if caution]
    return "\n".join([*lines, f"{len(results.reports)} pictures in {results.path}"])
