# SPDX-License-Identifier: MIT
"""The three checks of a projection on test pictures: class kept without the classifier's word, detail kept, domain.

Method. Test pictures, spread evenly over the test side, are projected by our default. For each the report's checks are
printed, with P of the first class on the photo, on its reconstruction, and on what the same search finds when the
classifier is neither in the loss nor given to the generator. A sheet of photos and reconstructions shows which spots
are lost, to compare the share of detail with.

    python benchmarks/projection_checks.py [X.explainer] --out SHEET.png [--data DATA] [--n PICTURES]
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from ablation import LEAVES
from leaf_shortcut import SELECTION

from latent_explorer.app import library
from latent_explorer.common.jobs import run_job
from latent_explorer.data.dataset import open_dataset
from latent_explorer.explain.projection.projection import project
from latent_explorer.explain.projection.report_text import checks
from latent_explorer.explain.projection.target import Target
from latent_explorer.explain.projection_settings import DEFAULT
from latent_explorer.media.sheet import Cell, Row, draw_sheet, write_picture
from latent_explorer.models.explainer_file import read_explainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("explainer", type=Path, nargs="?", default=None)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=LEAVES)
    parser.add_argument("--n", type=int, default=24)
    chosen = parser.parse_args()
    model = read_explainer(chosen.explainer or library.bundled_explainer())
    data = open_dataset(chosen.data, **SELECTION)
    rows = data.indices("test")
    rows = rows[np.linspace(0, len(rows) - 1, chosen.n).round().astype(int)]
    photos = data.read(rows, model.generator.config.resolution)
    targets = [Target(data.names[row], photo) for row, photo in zip(rows, photos, strict=True)]
    found = run_job(project(model, targets, DEFAULT), lambda _event: None)
    for picture in found:
        report = picture.report
        passed = {check.name: check.passed for check in checks(report)}
        probs = (report.probs_target, report.probs_reconstruction, report.probs_unasked)
        print(report.name, passed, [f"{p[0]:.2f}" for p in probs if p], f"{report.detail_kept:.2f}", flush=True)
    pairs = [
        Row("photo", tuple(Cell(picture.target) for picture in found)),
        Row("reconstruction", tuple(Cell(picture.image) for picture in found)),
    ]
    write_picture(chosen.out, draw_sheet(pairs, title="Projected by our default"))


if __name__ == "__main__":
    main()
