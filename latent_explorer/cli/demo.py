# SPDX-License-Identifier: MIT
"""`demo`: the tour without a screen. What it shows is found in app/tour.py and ui/tour.py."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from latent_explorer.cli.options import device_option
from latent_explorer.cli.output import Output, json_option, run_job
from latent_explorer.common.events import Progress


@click.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder to write into.",
)
@click.option(
    "--explainer", type=click.Path(path_type=Path), metavar="X", help="Instead of the bundled one."
)
@device_option
@json_option
def demo(out: Path, explainer: Path | None, device: str, as_json: bool) -> None:
    """Make a headless tour: window.png, attributes.png, flip.gif and report.json."""
    from latent_explorer.app.library import default_explainer
    from latent_explorer.app.tour import tour, write_report

    began = time.monotonic()
    path = explainer or default_explainer()
    output = Output(as_json=as_json)
    found = run_job(tour(path, out, device), output)
    output.event(Progress(0, 1, "Drawing the window"))
    os.environ["QT_QPA_PLATFORM"] = "offscreen"  # also where there is a screen: nothing flashes up
    from latent_explorer.ui.tour import grab_window

    grab_window(path, found, out / "window.png")
    output.event(Progress(1, 1, "Drawing the window"))
    write_report(found, out / "report.json", time.monotonic() - began)
    files = [out / name for name in ("window.png", "attributes.png", "flip.gif", "report.json")]
    target, name = found.state.target_class, found.class_names[found.state.target_class]
    verdict = "the class changed" if found.flipped else "the class did not change"
    change = (
        f"P({name}) {found.before.probs[target]:.2f} to {found.after.probs[target]:.2f}: {verdict}"
    )
    fields = {"files": files, "model_hash": found.summary.model_hash, "flipped": found.flipped}
    output.result(fields, "\n".join([*map(str, files), change]))
