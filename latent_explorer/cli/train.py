# SPDX-License-Identifier: MIT
"""`train-classifier`, `train`, `train-encoder` and `export`: the trainings' options and results."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latent_explorer.cli.options import (
    OUTPUT_FILE,
    OUTPUT_FOLDER,
    PATH,
    LocalPath,
    data_options,
    device_option,
    setting_options,
    settings_option,
)
from latent_explorer.cli.output import Output, json_option
from latent_explorer.cli.stop_request import StopRequest
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import size_text
from latent_explorer.common.paths import check_writable
from latent_explorer.data.threads import reserve_one_core
from latent_explorer.training.config import ClassifierTraining, DataConfig, EncoderTraining, TrainConfig
from latent_explorer.training.presets import PRESETS
from latent_explorer.training.settings import OPTIONS, parse_settings, train_config, train_settings, with_settings

if TYPE_CHECKING:
    from latent_explorer.training.run_folder import RunStatus

RESUME_OPTIONS = ("images", "attributes", "device")  # options that a resumed run accepts


@click.command("train-classifier")
@click.argument("data", type=LocalPath())
@data_options()
@click.option("--out", required=True, type=OUTPUT_FILE, help="File to write.")
@setting_options(ClassifierTraining, "resolution", "architecture", "frame_only")
@settings_option
@json_option
def train_classifier(
    data: str,
    out: Path,
    resolution: int | None,
    architecture: str | None,
    frame_only: int | None,
    settings: tuple[str, ...],
    as_json: bool,
    **selection: Any,
) -> None:
    """Train a small classifier from a column of labels, and say whether to trust it."""
    from latent_explorer.models.classifier_file import write_classifier
    from latent_explorer.training.train_classifier import train_classifier as job

    config = ClassifierTraining(DataConfig(str(Path(data).resolve()), **selection))
    given = {"resolution": resolution, "architecture": architecture, "frame_only": frame_only}
    config = with_settings(config, given, settings)
    output = Output(as_json=as_json)
    classifier, about = output.run(job(config))
    write_classifier(out, classifier, about)
    test = about["test"]
    low, high = test["interval"]
    text = (
        f"{out}: accuracy {test['accuracy']:.3f} on {test['n']} test pictures (95 % interval {low:.3f} to {high:.3f}), "
        f"calibration error {test['calibration_error']:.3f}, {about['milliseconds_a_picture']:.1f} ms per picture"
    )
    output.result({"path": out, **about}, text)


@click.command()
@click.argument("data", required=False, type=LocalPath())
@data_options()
@click.option(
    "--classifier",
    metavar="FILE",
    type=LocalPath(),
    help="The classifier to explain; without it one is trained from --label.",
)
@click.option(
    "--classifier-data",
    metavar="DATA2",
    type=LocalPath(),
    help="Train the classifier on these pictures; the options of labels then mean them.",
)
@click.option("--preset", metavar="KEY", help=f"Ready-made settings, one of {', '.join(PRESETS)}.")
@click.option(
    "--init",
    metavar="X.explainer",
    type=LocalPath(),
    help="Start from the networks of an explainer; its widths win. A larger preset grows it.",
)
@setting_options(TrainConfig, *OPTIONS)
@click.option("--name", help="What the explainer is called; the run folder's name without it.")
@click.option("--out", type=OUTPUT_FOLDER, help="Run folder; without it a new one among your runs.")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the run in --out; all but --images, --attributes and --device comes from there. DATA says where "
    "its pictures are now, if they were moved.",
)
@settings_option
@json_option
@click.pass_obj
def train(
    arguments: list[str], /, data: str | None, out: Path | None, resume: bool, as_json: bool, **options: Any
) -> int:
    """Train a generator and an encoder that explain a classifier, and find its attributes.

    Without --classifier one is trained first. The result is RUN/result.explainer. Ctrl-C writes a checkpoint and ends
    the training, and so does the line `pause` on standard input (with --json); the line `stop` also writes the result.
    --resume goes on from there, with the same pictures, wherever they are now.
    """
    reserve_one_core(os.environ)  # before torch is imported
    from latent_explorer.app.training.pipeline import run_pipeline

    folder = (out or _new_run_folder()).resolve()
    given = {name: options[name] for name in OPTIONS if options[name] is not None}
    changes = {name: value for name, value in given.items() if name in RESUME_OPTIONS}
    if resume:
        _reject_with_resume(out, options)
        config = None
        if data is not None:
            changes["data"] = str(Path(data).resolve())
    else:
        given |= parse_settings(options.pop("settings"), train_settings())
        others = {name: value for name, value in options.items() if name not in OPTIONS}
        config = train_config(data, settings=given, **others)
    output, stop_request = _listening_output(as_json)
    with stop_request.on_signals():
        job = run_pipeline(
            folder, config, changes=changes, command=["latent-explorer", *arguments], stop_request=stop_request
        )
        status = output.run(job)
    if status is not None:  # None in the other ones of several processes
        _print_result(status, folder, output)
    return stop_request.exit_code


def _listening_output(as_json: bool) -> tuple[Output, StopRequest]:
    """Return the output of a training and its stop request, which with --json also listens to standard input."""
    output, stop_request = Output(as_json=as_json), StopRequest()
    if as_json:
        stop_request.on_stdin_lines()
    return output, stop_request


def _print_result(status: RunStatus, folder: Path, output: Output) -> None:
    """Print the result of `train`."""
    result = folder / "result.explainer"
    fields = {
        "run": folder,
        "state": status.state,
        "finished": status.state == "finished",
        "images": status.images,
        "result": result if result.exists() else None,
    }
    further = f"Next: latent-explorer {result}" if result.exists() else "Go on with --resume."
    output.result(fields, f"{folder}: {status.message} {further}")


def _reject_with_resume(out: Path | None, options: dict[str, Any]) -> None:
    """Raise UserError for options that a run which goes on already has."""
    if out is None:
        raise UserError("Say with --out which run folder to go on with.")
    given = [name for name, value in options.items() if value and name not in RESUME_OPTIONS]
    if given:
        what = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UserError(
            f"A run goes on with what it was started with: leave out {what.replace('--settings', '--set')}, "
            "or start a new run in another folder."
        )


@click.command("train-encoder")
@click.argument("explainer", metavar="X", type=LocalPath())
@click.option(
    "--out",
    required=True,
    type=OUTPUT_FILE,
    metavar="X2.explainer",
    help="File to write; X2.encoder-training beside it holds the state until it is done.",
)
@setting_options(EncoderTraining, "images")
@click.option("--resume", is_flag=True, help="Go on where an interrupted one stopped.")
@settings_option
@device_option
@json_option
def train_encoder(
    explainer: str, out: Path, images: int | None, resume: bool, settings: tuple[str, ...], device: str, as_json: bool
) -> int:
    """Train an encoder for a generator without one (a plain StyleGAN2) on its own pictures.

    Projections then start from it. Ctrl-C keeps the state, and so does the line `pause` on standard input (with
    --json); --resume goes on from there.
    """
    reserve_one_core(os.environ)  # before torch is imported
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer_file import read_explainer, write_explainer
    from latent_explorer.training.train_encoder import train_encoder as job

    config = with_settings(EncoderTraining(), {"images": images}, settings)
    model = read_explainer(explainer)
    output, stop_request = _listening_output(as_json)
    state = out.with_suffix(".encoder-training")
    check_writable(state)
    with stop_request.on_signals():
        training = job(model, config, state, device=choose_device(device), resume=resume, should_stop=stop_request)
        trained = output.run(training)
    if trained is None:
        output.result(
            {"path": None, "finished": False, "state": state}, f"Paused; {state} holds the state. Go on with --resume."
        )
        return stop_request.exit_code
    write_explainer(trained, out)
    figures = trained.figures["encoder"]
    fields = {"path": out, "finished": True, "model_hash": trained.model_hash, "figures": figures}
    output.result(fields, f"{out}: error of w {figures['w_error']:.2f} (1: no better than the mean)")
    return 0


@click.command()
@click.argument("run", type=PATH)
@click.option("--out", required=True, type=OUTPUT_FILE, metavar="X.explainer", help="File to write.")
@click.option("--name", help="What the explainer is called; the file's name without it.")
@click.option("--n", default=250, show_default=True, type=click.IntRange(min=2), help="Encoded pictures to keep.")
@click.option("--best", is_flag=True, help="The best checkpoint instead of the newest.")
@click.option("--generated", is_flag=True, help="Keep generated pictures instead, so that no photograph is stored.")
@json_option
def export(run: Path, out: Path, name: str | None, n: int, best: bool, generated: bool, as_json: bool) -> None:
    """Make an explainer from a training's newest checkpoint, also while it goes on.

    At the end of a training this is the best checkpoint, if validation rated an earlier one better.
    """
    from latent_explorer.models.explainer_file import write_explainer
    from latent_explorer.training.export import export as make

    output = Output(as_json=as_json)
    job = make(run, name or out.stem, pictures=n, best=best, generated=generated)
    explainer = output.run(job)
    write_explainer(explainer, out)
    fields = {"path": out, "model_hash": explainer.model_hash, "figures": explainer.figures}
    text = f"{out}: {size_text(out.stat().st_size)}. Next: latent-explorer attfind {out} --out {out}"
    output.result(fields, text)


def _new_run_folder() -> Path:
    from latent_explorer.common.paths import runs_dir

    if "RANK" in os.environ:  # each process would choose its own name
        raise UserError("Several processes need one folder that they share. Say which with --out.")
    return runs_dir() / time.strftime("%Y-%m-%d %H.%M.%S")
