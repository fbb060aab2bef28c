# SPDX-License-Identifier: MIT
"""A sheet of random seeds as several explainers draw them, a row each: those that nobody chose, 0 to 11.

python benchmarks/seeds_sheet.py NAME=X.explainer [NAME=Y.explainer ...] --out SHEET.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from projection_sheet import PICTURE
from reconstruction_sheet import cells

import latent_explorer
from latent_explorer.media.sheet import Row, draw_sheet, write_picture

SEEDS = range(12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("explainers", nargs="+", metavar="NAME=X")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rows = []
    for text in options.explainers:
        name, _equals, path = text.partition("=")
        explainer = latent_explorer.open(path)
        drawn = explainer.render(explainer.sample(SEEDS))
        rows.append(Row(name, cells(drawn.images, drawn.probs, explainer.class_names)))
    title = f"Random seeds {SEEDS[0]} to {SEEDS[-1]}, no truncation, the stored noise"
    write_picture(options.out, draw_sheet(rows, title=title, picture=PICTURE))


if __name__ == "__main__":
    main()
