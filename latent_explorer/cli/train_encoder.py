# SPDX-License-Identifier: MIT
"""`train-encoder`: an encoder for a generator that came without one. The training is training/train_encoder.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from latent_explorer.cli.options import device_option, setting_options, settings_option
from latent_explorer.cli.output import Output, json_option
from latent_explorer.cli.stop_request import StopRequest
from latent_explorer.data.threads import reserve_one_core
from latent_explorer.training.config import EncoderTraining
from latent_explorer.training.settings import with_settings

if TYPE_CHECKING:
    from latent_explorer.models.explainer import Explainer


@click.command("train-encoder")
@click.argument("explainer", metavar="X", type=click.Path())
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
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
    output, stop_request = Output(as_json=as_json), StopRequest()
    if as_json:
        stop_request.on_stdin_lines()
    state = out.with_suffix(".encoder-training")
    with stop_request.on_signals():
        training = job(model, config, state, device=choose_device(device), resume=resume, should_stop=stop_request)
        found = output.run(training)
    if found is None:
        _print_paused(state, output)
        return stop_request.exit_code
    write_explainer(found, out)
    _print_finished(found, out, output)
    return 0


def _print_finished(found: Explainer, out: Path, output: Output) -> None:
    figures = found.figures["encoder"]
    fields = {"path": out, "finished": True, "model_hash": found.model_hash, "figures": figures}
    output.result(fields, f"{out}: error of w {figures['w_error']:.2f} (1: no better than the mean)")


def _print_paused(state: Path, output: Output) -> None:
    output.result(
        {"path": None, "finished": False, "state": state}, f"Paused; {state} holds the state. Go on with --resume."
    )
