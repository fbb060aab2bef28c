# SPDX-License-Identifier: MIT
"""`runs` and `stop`: a list of trainings, and the end of one that another process works on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latent_explorer.app.training.runs import RunHistory
from latent_explorer.cli.options import PATH, LocalPath
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import duration_text
from latent_explorer.common.paths import runs_dir
from latent_explorer.training.run_folder import RunFolder

if TYPE_CHECKING:
    from latent_explorer.app.training.runs import RunView

_FIGURES = ("val_lpips", "val_feature_distance", "val_agreement")


@click.command()
@click.argument("folder", required=False, type=LocalPath(path_type=Path, file_okay=False))
@json_option
def runs(folder: Path | None, as_json: bool) -> None:
    """List the trainings in your runs folder, or in FOLDER, newest first."""
    rows = []
    for view in RunHistory(folder).views():
        view.poll()
        rows.append(_fields(view))
    text = "\n".join(_line(fields) for fields in rows)
    where = folder or runs_dir()
    Output(as_json=as_json).result({"runs": rows}, text or f"There are no runs in {where}.")


@click.command()
@click.argument("run", type=PATH)
@click.option("--pause", is_flag=True, help="Write a checkpoint only; without it, also the result.")
@json_option
def stop(run: Path, pause: bool, as_json: bool) -> None:
    """End the training in RUN (a folder, or a name among your runs) after its next step.

    It writes a checkpoint; `train --resume` goes on from it.
    """
    folder = RunFolder(run if run.exists() else runs_dir() / run)
    folder.config()  # raises UserError if the folder holds no run
    if not folder.is_alive():
        raise UserError(f"No training is running in {folder.path}. Look at `latent-explorer runs`.")
    folder.request("pause" if pause else "stop")
    text = f"{folder.path}: asked to {'pause' if pause else 'stop'}; it ends after its next step."
    Output(as_json=as_json).result({"run": folder.path, "asked": "pause" if pause else "stop"}, text)


def _fields(view: RunView) -> dict[str, Any]:
    status, config = view.status, view.config
    return {
        "name": view.name,
        "run": str(view.path),
        "state": view.state,
        "phase": status.phase if status else None,
        "message": view.message,
        "images": status.images if status else 0,
        "total": config.images if config else None,
        "seconds_left": status.seconds_left if status and view.alive else None,
        "figures": {name: series[-1][1] for name, series in view.series.items() if series},
    }


def _line(fields: dict[str, Any]) -> str:
    """Return one run as text: name, state, images, last figures."""
    parts = [f"{fields['name']:32}  {fields['state']:11}  {fields['images']:>9,}"]
    parts[0] += f" of {fields['total']:,} images" if fields["total"] else " images"
    figures = fields["figures"]
    parts += [f"{name.removeprefix('val_')} {figures[name]:.3f}" for name in _FIGURES if name in figures]
    if fields["seconds_left"] is not None:
        parts.append(f"{duration_text(fields['seconds_left'])} left")
    return "  ".join(parts)
