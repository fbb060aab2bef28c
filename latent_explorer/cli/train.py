# SPDX-License-Identifier: MIT
"""`train-classifier`, `train` and `export`. The recipes are in training/; here is only how they are asked for and stopped."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latent_explorer.cli.options import data_options, settings_option
from latent_explorer.cli.output import Output, json_option, run_job
from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from latent_explorer.common.events import Event


@click.command("train-classifier")
@click.argument("data", type=click.Path())
@data_options()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option(
    "--resolution", default=64, show_default=True, help="Pixels a side at which it sees pictures."
)
@click.option(
    "--architecture", type=click.Choice(["small-resnet", "mobilenet_v2"]), default="small-resnet"
)
@click.option(
    "--frame-only", default=0, metavar="PX", help="Control: train on the outer PX pixels alone."
)
@settings_option
@json_option
def train_classifier(
    data: str,
    out: Path,
    resolution: int,
    architecture: str,
    frame_only: int,
    settings: tuple[str, ...],
    as_json: bool,
    **selection: Any,
) -> None:
    """Train a small classifier from a column of labels, and say whether to trust it."""
    from latent_explorer.models.classifier_file import write_classifier
    from latent_explorer.training.classifier import train_classifier as job
    from latent_explorer.training.config import ClassifierTraining, DataConfig
    from latent_explorer.training.settings import with_settings

    config = ClassifierTraining(
        DataConfig(str(Path(data).resolve()), **selection),
        resolution=resolution,
        architecture=architecture,
        frame_only=frame_only,
    )
    output = Output(as_json=as_json)
    classifier, about = run_job(job(with_settings(config, settings)), output)
    write_classifier(out, classifier, about)
    test = about["test"]
    low, high = test["interval"]
    text = (
        f"{out}: accuracy {test['accuracy']:.3f} on {test['n']} test pictures (95 % interval {low:.3f} to {high:.3f}), "
        f"calibration error {test['calibration_error']:.3f}, {about['milliseconds_a_picture']:.1f} ms a picture"
    )
    output.result({"path": out, **about}, text)


@click.command()
@click.argument("data", required=False, type=click.Path())
@data_options()
@click.option(
    "--classifier", metavar="FILE", type=click.Path(), help="Written by train-classifier."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Run folder; without it a new one among your runs.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the run in --out; DATA and its options come from there.",
)
@click.option("--images", type=int, help="How many images to see in all.")
@click.option("--resolution", type=int, help="Pixels a side; the classifier is asked at this size.")
@settings_option
@json_option
def train(
    data: str | None,
    classifier: str | None,
    out: Path | None,
    resume: bool,
    images: int | None,
    resolution: int | None,
    settings: tuple[str, ...],
    as_json: bool,
    **selection: Any,
) -> None:
    """Train a generator and an encoder that explain a classifier.

    Ctrl-C (or the line `stop` on standard input, with --json) writes a checkpoint; --resume goes on from it.
    """
    from latent_explorer.training.config import DataConfig, TrainConfig
    from latent_explorer.training.settings import with_settings
    from latent_explorer.training.train import train as job

    if resume:
        if out is None:
            raise UserError("Say with --out which run folder to go on with.")
        config = TrainConfig(DataConfig(""), "", images=images or 0)
    else:
        if data is None or classifier is None:
            raise UserError(
                "A new training needs DATA and --classifier FILE (see train-classifier)."
            )
        named = {"images": images, "resolution": resolution}
        pictures = DataConfig(str(Path(data).resolve()), **selection)
        config = TrainConfig(pictures, str(Path(classifier).resolve()))
        chosen = [f"{name}={value}" for name, value in named.items() if value is not None]
        config = with_settings(config, [*chosen, *settings])
    folder = (out or _new_run_folder()).resolve()
    output = Output(as_json=as_json)
    finished = _run_until_stopped(job(config, folder, resume=resume), output)
    state = "finished" if finished else "stopped; go on with --resume"
    output.result({"run": folder, "finished": finished}, f"{folder}: {state}")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="X.explainer",
    help="File to write.",
)
@click.option("--name", help="What the explainer is called; the file's name without it.")
@click.option(
    "--n",
    default=250,
    show_default=True,
    type=click.IntRange(min=2),
    help="Encoded pictures to keep.",
)
@json_option
def export(run: Path, out: Path, name: str | None, n: int, as_json: bool) -> None:
    """Make an explainer from a training's newest checkpoint."""
    from latent_explorer.models.explainer_file import write_explainer
    from latent_explorer.training.export import export as make

    explainer = make(run, name or out.stem, pictures=n)
    write_explainer(explainer, out)
    fields = {"path": out, "model_hash": explainer.model_hash, "figures": explainer.figures}
    text = (
        f"{out}: {out.stat().st_size / 1e6:.1f} MB. Next: latent-explorer attfind {out} --out {out}"
    )
    Output(as_json=as_json).result(fields, text)


def _new_run_folder() -> Path:
    from latent_explorer.common.paths import runs_dir

    return runs_dir() / time.strftime("%Y-%m-%d %H.%M.%S")


def _run_until_stopped(job: Generator[Event, None, Any], output: Output) -> bool:
    """Run a job; False when it was asked to stop on standard input, which keeps its work and is no error."""
    stopped, over = threading.Event(), threading.Event()
    with _terminate_like_ctrl_c():
        try:
            if output.as_json and sys.stdin is not None and not sys.stdin.isatty():
                listener = threading.Thread(target=_await_stop, args=(stopped, over), daemon=True)
                listener.start()
            run_job(job, output)
            over.set()
        except KeyboardInterrupt:
            if not stopped.is_set():
                raise
    return not stopped.is_set()


def _await_stop(stopped: threading.Event, over: threading.Event) -> None:
    """Wait for the line `stop`. The end of the input means nothing: a closed window ends no training."""
    pending = b""
    with suppress(OSError):
        # Not sys.stdin: a thread that waits inside its lock would break the interpreter's exit.
        while chunk := os.read(0, 1024):
            *lines, pending = (pending + chunk).split(b"\n")
            if any(line.strip() == b"stop" for line in lines):
                if not over.is_set():
                    stopped.set()
                    _thread.interrupt_main()
                return


@contextmanager
def _terminate_like_ctrl_c() -> Iterator[None]:
    """Shutting down the machine keeps a training's work, too."""

    def interrupt(number: int, frame: object) -> None:  # noqa: ARG001  # the protocol's arguments
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
