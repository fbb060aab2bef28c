# SPDX-License-Identifier: MIT
"""`open`, `doctor` and `get-weights`: the window, a check of the installation, and the network of LPIPS."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from latent_explorer.app.diagnostics import explain_failure, has_screen
from latent_explorer.cli.options import LocalPath
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError


@click.command("open")
@click.argument("file", required=False, type=LocalPath(exists=True, path_type=Path))
@json_option
def open_command(file: Path | None = None, as_json: bool = False) -> int:
    """Open the window, on an explainer, an exploration or a picture that was exported from here."""
    if not has_screen():
        raise UserError(
            "There is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set. Run `latent-explorer demo --out demo` "
            "for the tour without one, or start the program from a desktop session."
        )
    try:
        from latent_explorer.ui.application import run
        from latent_explorer.ui.probe import platform_failure
    except ImportError as error:
        if ".so" not in str(error) and "DLL" not in str(error):
            raise
        raise UserError(
            f"Qt cannot be loaded ({error}). Run `latent-explorer doctor`: it names the missing system libraries."
        ) from error
    if failure := platform_failure():
        raise UserError(f"No window can be shown: {explain_failure(failure)}")
    status = run(file)
    Output(as_json=as_json).result({"status": status})
    return status


@click.command()
@click.option("--qt-probe", is_flag=True, hidden=True, help="Print what Qt says of itself, as one line of JSON.")
@json_option
def doctor(qt_probe: bool, as_json: bool) -> int:
    """Check versions, device, Qt and its system libraries, fonts, folders and weights."""
    if qt_probe:
        from latent_explorer.ui.probe import probe

        click.echo(probe())
        return 0
    from latent_explorer.app.diagnostics import report_text, run_checks

    checks = list(run_checks())
    healthy = all(check.ok for check in checks if check.essential)
    fields = {"ok": healthy, "checks": [dataclasses.asdict(check) for check in checks]}
    Output(as_json=as_json).result(fields, report_text(checks))
    return 0 if healthy else 1


@click.command("get-weights")
@click.argument("net", type=click.Choice(["alex", "squeeze"]), default="alex")
@json_option
def get_weights(net: str, as_json: bool) -> None:
    """Fetch the network that LPIPS needs from PyTorch's server.

    alex is what LPIPS is reported with, and 244 MB; squeeze is 5 MB, and its figures differ. Without either,
    trainings go by the feature distance of the classifier instead.
    """
    from latent_explorer.models.lpips_weights import fetch_backbone
    from latent_explorer.models.perceptual import LpipsDistance

    output = Output(as_json=as_json)
    path = output.run(fetch_backbone(net))
    name = LpipsDistance(net).name  # its value on a known pair is asserted
    output.result({"path": path, "name": name}, f"{path}: {name} is ready.")
