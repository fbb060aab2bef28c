# SPDX-License-Identifier: MIT
"""`demo`: the tour without a screen. Its parts are in app/tour.py and ui/tour.py."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import click

from latent_explorer.cli.options import OUTPUT_FOLDER, PATH, device_option
from latent_explorer.cli.output import Output, json_option
from latent_explorer.common.events import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from latent_explorer.app.tour import TourResult

FILES = ("window.png", "attributes.png", "flip.gif", "report.json")
SECOND_TOUR_FOLDER = "shortcut"


@click.command()
@click.option("--out", required=True, type=OUTPUT_FOLDER, metavar="DIR", help="Folder to write into.")
@click.option("--explainer", type=PATH, metavar="X", help="Instead of the bundled ones.")
@device_option
@json_option
def demo(out: Path, explainer: Path | None, device: str, as_json: bool) -> None:
    """Make a headless tour: window.png, attributes.png, flip.gif and report.json.

    Without --explainer the same of leaf-shortcut, whose classifier looks at the ground, goes to shortcut/, and
    report.html shows how to tell them apart.
    """
    from latent_explorer.app.library import SHORTCUT, bundled, bundled_explainer

    output = Output(as_json=as_json)
    first = explainer or bundled_explainer()
    second = next((p for p in bundled() if p.stem == SHORTCUT and explainer is None), None)
    result = _tour(first, out, device, output, beside=second is not None)
    files, text = [out / name for name in FILES], _change(result)
    if second is not None:
        _tour(second, out / SECOND_TOUR_FOLDER, device, output, quick=True)
        page = out / "report.html"
        _report((first, second), page, device, output)
        files += [*(out / SECOND_TOUR_FOLDER / name for name in FILES), page]
        text += f"\n... and {SHORTCUT}, a classifier that looks at the ground: this is how you catch it: {page}"
    fields = {"files": files, "model_hash": result.summary.model_hash, "flipped": result.flipped}
    output.result(fields, "\n".join([*map(str, files), text]))


def _tour(
    path: Path, out: Path, device: str, output: Output, *, beside: bool = False, quick: bool = False
) -> TourResult:
    """Write the four files of one explainer; with `beside` its report names that of the other one."""
    from latent_explorer.app.tour import FPS, tour, write_report

    began = time.monotonic()
    result = output.run(tour(path, out, device, fps=FPS / 2 if quick else FPS))
    output.event(Progress(0, 1, "Drawing the window"))
    os.environ["QT_QPA_PLATFORM"] = "offscreen"  # also where there is a screen, so that no window flashes up
    from latent_explorer.ui.tour import grab_window

    grab_window(path, result, out / "window.png")
    output.event(Progress(1, 1, "Drawing the window"))
    seconds = time.monotonic() - began
    write_report(result, out / "report.json", seconds, f"{SECOND_TOUR_FOLDER}/report.json" if beside else "")
    return result


def _report(paths: Sequence[Path], page: Path, device: str, output: Output) -> None:
    """Write a page with both explainers side by side: less than `report` shows, so that a first look is quick."""
    from latent_explorer.explain.report.report import ReportSettings, report
    from latent_explorer.media.report.page import write_page
    from latent_explorer.models.device import choose_device
    from latent_explorer.models.explainer_file import read_explainer

    settings, chosen = ReportSettings(attributes=3, pictures=32), choose_device(device)
    figures = [output.run(report(read_explainer(path), settings, device=chosen)) for path in paths]
    write_page(page, figures)


def _change(result: TourResult) -> str:
    """Return what the sliders did to the verdict, in words."""
    target, name = result.state.target_class, result.class_names[result.state.target_class]
    verdict = "the class changed" if result.flipped else "the class did not change"
    return f"P({name}) {result.before.probs[target]:.2f} to {result.after.probs[target]:.2f}: {verdict}"
