# SPDX-License-Identifier: MIT
"""Draw training curves for the documentation: four metrics of some runs, one colour for each run.

    python benchmarks/training_curves.py NAME=RUN... --out CURVES.webp

RUN is a run folder, or its metrics.jsonl. Validation figures are points every few thousand images; losses are smoothed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_SCALE_FACTOR", "2")

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPen, QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from latent_explorer.ui.application import make_application
from latent_explorer.ui.style import theme
from latent_explorer.ui.training.metrics import curve_metric
from latent_explorer.ui.widgets.basics import column, plain, row
from latent_explorer.ui.widgets.curve_math import Curve
from latent_explorer.ui.widgets.curve_plot import CurvePlot, PlotOptions
from latent_explorer.ui.widgets.probability_lines import line_style

# metric: smoothing
SHOWN = {"val_lpips_ratio": 0.0, "val_agreement": 0.0, "val_frechet_mapping": 0.0, "discriminator": 0.9}
PANEL = (420, 250)  # px
DASH = 28  # px, of the legend


def read_curve(run: Path, key: str, name: str) -> Curve:
    """Read one metric of a run over the images seen."""
    lines = (run / "metrics.jsonl" if run.is_dir() else run).read_text("utf-8").splitlines()
    found = [(line["images"], line[key]) for line in map(json.loads, lines) if key in line]
    table = np.array(found, dtype=float).reshape(-1, 2)
    return Curve(key, name, table[:, 0], table[:, 1])


def panel(key: str, runs: dict[str, Path]) -> QWidget:
    """Make a titled plot with one line for each run."""
    plot = CurvePlot()
    plot.setFixedSize(*PANEL)
    curves = [(i, read_curve(run, key, name)) for i, (name, run) in enumerate(runs.items())]
    plot.show_curves(curves, PlotOptions(smoothing=SHOWN[key]))
    made = QWidget()
    layout = column(made, spacing=theme.UNIT // 2)
    title = plain(curve_metric(key).title)
    title.setFont(theme.font(semibold=True))
    layout.addWidget(title)
    layout.addWidget(plot)
    return made


def dash(index: int) -> QPixmap:
    """Draw a piece of the line of run `index`."""
    picture = QPixmap(2 * DASH, 2 * theme.UNIT)
    picture.setDevicePixelRatio(2)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setPen(QPen(theme.current().class_color(index), 2, line_style(index)))
    painter.drawLine(0, theme.UNIT // 2, DASH, theme.UNIT // 2)
    painter.end()
    return picture


def legend(names: list[str]) -> QWidget:
    """Make a legend of the runs."""
    made = QWidget()
    layout = row(made, spacing=theme.GAP)
    for i, name in enumerate(names):
        line = QLabel()
        line.setPixmap(dash(i))
        layout.addWidget(line)
        layout.addWidget(plain(name))
    layout.addStretch(1)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    runs = {name: Path(run) for name, _equals, run in (x.partition("=") for x in options.runs)}
    make_application()
    theme.apply("light")
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(*[theme.MARGIN] * 4)
    grid.setSpacing(theme.SECTION)
    grid.addWidget(legend(list(runs)), 0, 0, 1, 2)
    for place, key in enumerate(SHOWN):
        grid.addWidget(panel(key, runs), 1 + place // 2, place % 2)
    page.show()
    if not page.grab().save(str(options.out)):
        sys.exit(f"{options.out} cannot be written.")


if __name__ == "__main__":
    main()
