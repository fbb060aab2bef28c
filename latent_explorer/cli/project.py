# SPDX-License-Identifier: MIT
"""`project`: pictures as latents of an explainer, with a report on how faithful each is. The job is the window's."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
import msgspec
import numpy as np

from latent_explorer.cli.options import classifier_option, device_option, resolve_classifier
from latent_explorer.cli.output import Output, json_option, run_job
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Kept, Metric, Notice
from latent_explorer.common.paths import atomic_output, explain_write_errors, safe_file_name
from latent_explorer.explain.projection.report_text import (
    cautions,
    domain_sentence,
    has_photo,
    summary,
)
from latent_explorer.explain.projection.settings import (
    DEFAULT,
    NVIDIA_SCHEDULE,
    LpipsSize,
    ProjectionSettings,
    Space,
    Start,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from latent_explorer.app.engine.model_host import ModelHost
    from latent_explorer.app.projection.photos import Photo
    from latent_explorer.explain.projected import ProjectedPicture, ProjectionReport

_AT_A_TIME = 64  # pictures whose results are in memory before they are written
_LATENTS = (".npz", ".npy")
SCHEDULES = {"default": DEFAULT, "nvidia": NVIDIA_SCHEDULE}
_COLUMNS = (
    "name",
    "space",
    "start",
    "steps",
    "seconds",
    "lpips",
    "lpips_net",
    "psnr",
    "agreement",
    "probability_difference",
    "w_distance",
    "in_domain",
    "domain_reason",
    "tuned",
)


def _choice(name: str, values: tuple[str, ...], text: str) -> Callable[[Any], Any]:
    return click.option(f"--{name}", type=click.Choice(values), help=text)


@click.command()
@click.argument("explainer", metavar="X", type=click.Path())
@click.argument(
    "images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
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
@click.option("--seed", type=int, help="Of every random number.")
@click.option(
    "--set",
    "others",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting by its name in explain/projection/settings.py; may be repeated.",
)
@classifier_option
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder to write into.",
)
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
    """Find latents that show pictures: files, folders, or latents of other programs (npz with w).

    Writes for each NAME.projection (opens in the window), NAME.npz (w, as NVIDIA's projector writes it) and NAME.png
    (target and reconstruction), and for all summary.json and summary.csv.
    """
    from latent_explorer.app.engine.model_host import ModelHost

    settings = projection_settings(SCHEDULES[schedule], chosen, others)
    host = ModelHost()
    host.open(Path(explainer), device)
    key = resolve_classifier(host.explainer, classifier)
    writer = _Writer(out)
    output = Output(as_json=as_json)
    latents = [path for path in images if path.suffix.lower() in _LATENTS]
    pictures = [path for path in images if path not in latents]
    for path in latents:
        writer.write(_imported(host, path, key))
    for photos in _photos(pictures, output):
        writer.write(_projected(host, photos, settings, key, output, writer))
    if not writer.reports:
        raise UserError(
            "There is no picture in what was given, or none that can be read. Choose others."
        )
    output.result(writer.finish(), writer.text())


def projection_settings(
    start: ProjectionSettings, chosen: dict[str, Any], others: Sequence[str]
) -> ProjectionSettings:
    """Settings with what was chosen by an option (None: not) and by NAME=VALUE. UserError for what is no setting."""
    fields: dict[str, Any] = msgspec.to_builtins(start)
    fields |= {name: value for name, value in chosen.items() if value is not None}
    for text in others:
        name, equals, value = text.partition("=")
        if not equals or name not in fields:
            raise UserError(
                f"{text!r} is no setting of a projection. Write NAME=VALUE with one of: {', '.join(fields)}."
            )
        fields[name] = value
    try:
        return msgspec.convert(fields, ProjectionSettings, strict=False)
    except msgspec.ValidationError as error:
        raise UserError(f"A setting is out of its range: {error}. Choose another value.") from error


def _photos(paths: Sequence[Path], output: Output) -> Iterator[list[Photo]]:
    """The pictures, read some at a time; what cannot be read is said and left out."""
    from latent_explorer.app.projection.photos import pictures_in, read_photo

    read: list[Photo] = []
    for path in pictures_in(paths):
        try:
            read.append(read_photo(path))
        except UserError as error:
            output.event(Notice(str(error), "warning"))
        if len(read) == _AT_A_TIME:
            yield read
            read = []
    if read:
        yield read


def _imported(host: ModelHost, path: Path, key: str) -> list[ProjectedPicture]:
    from latent_explorer.app.projection.jobs import import_latents

    return import_latents(host, path, key)


def _projected(
    host: ModelHost,
    photos: Sequence[Photo],
    settings: ProjectionSettings,
    key: str,
    output: Output,
    writer: _Writer,
) -> list[ProjectedPicture]:
    """Project some pictures. Interrupted, the best so far is written before the command ends."""
    from latent_explorer.app.engine.events import StepBudget
    from latent_explorer.app.projection.jobs import project_photos
    from latent_explorer.explain.attfind.effects import default_budget

    kept: list[ProjectedPicture] = []

    def watched() -> Generator[Event, None, None]:
        for event in project_photos(host, StepBudget(default_budget), photos, settings, key):
            if isinstance(event, Kept):
                kept[:] = event.value
            if output.as_json or not isinstance(event, Metric):  # people do not read a line a step
                yield event

    try:
        run_job(watched(), output)
    except KeyboardInterrupt:
        writer.write(kept)
        writer.finish()
        raise
    return kept


class _Writer:
    """Writes projections into a folder, each name once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = set()
        self._rows: list[dict[str, Any]] = []
        self.reports: list[ProjectionReport] = []
        with explain_write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, found: Sequence[ProjectedPicture]) -> None:
        """One picture's three files each."""
        from latent_explorer.explain.projected import SUFFIX, latent_npz, to_bytes
        from latent_explorer.media.drawing import enlarge, export_factor
        from latent_explorer.media.png import png_bytes

        for picture in found:
            name = self._free(safe_file_name(Path(picture.report.name).stem) or "picture")
            pair = np.concatenate([picture.target, picture.image], axis=1)
            shown = enlarge(pair, export_factor(picture.target))
            files = {
                "projection": (SUFFIX, to_bytes(picture)),
                "latents": (".npz", latent_npz(picture)),
                "image": (".png", png_bytes(shown)),
            }
            paths = {}
            for what, (suffix, content) in files.items():
                paths[what] = self._folder / f"{name}{suffix}"
                with atomic_output(paths[what]) as temporary:
                    temporary.write_bytes(content)
            fields = msgspec.to_builtins(picture.report)
            self.reports.append(picture.report)
            self._rows.append(
                {**fields, "latent_id": picture.latent_id, **{k: str(p) for k, p in paths.items()}}
            )

    def finish(self) -> dict[str, Any]:
        """Write the summaries; the fields of the command's result."""
        rows = self._rows
        of_photos = [report for report in self.reports if has_photo(report)]
        fields = {
            "n": len(rows),
            **{name: _mean(of_photos, name) for name in ("lpips", "psnr", "agreement")},
            "outside_domain": sum(not report.in_domain for report in of_photos),
            "projections": rows,
        }
        table = io.StringIO()
        writer = csv.DictWriter(table, _COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        texts = {
            "summary.json": json.dumps(fields, indent=1) + "\n",
            "summary.csv": table.getvalue(),
        }
        for name, text in texts.items():
            with atomic_output(self._folder / name) as temporary:
                temporary.write_text(text, encoding="utf-8")
        return fields

    def text(self) -> str:
        """For people: a line a picture, and below it what speaks against it."""
        lines = []
        for report in self.reports:
            lines.append(f"{report.name}: {summary(report)}")
            lines += [f"  {said}" for said in (*cautions(report), domain_sentence(report)) if said]
        return "\n".join([*lines, f"{len(self.reports)} pictures in {self._folder}"])

    def _free(self, name: str) -> str:
        """The name, or the name with a number where a picture before had it."""
        free, number = name, 2
        while free.lower() in self._names:
            free, number = f"{name}-{number}", number + 1
        self._names.add(free.lower())
        return free


def _mean(reports: Sequence[ProjectionReport], name: str) -> float | None:
    """None where there is no photo to speak of."""
    return float(np.mean([getattr(report, name) for report in reports])) if reports else None
