# SPDX-License-Identifier: MIT
"""`open`: the window. The only command that needs a screen."""

from __future__ import annotations

from pathlib import Path

import click

from latent_explorer.app.diagnostics import has_screen
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.errors import UserError


@click.command("open")
@click.argument("file", required=False, type=click.Path(exists=True, path_type=Path))
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
    except ImportError as error:
        if ".so" not in str(error) and "DLL" not in str(error):
            raise
        raise UserError(
            f"Qt cannot be loaded ({error}). Run `latent-explorer doctor`: it names the missing system libraries."
        ) from error
    status = run(file)
    Output(as_json=as_json).result({"status": status})
    return status
