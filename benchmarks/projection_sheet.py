# SPDX-License-Identifier: MIT
"""Draw a sheet of photographs and their projections in W and W+ by the bundled explainer, with figures.

python benchmarks/projection_sheet.py PHOTO... --out SHEET.png
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import latent_explorer
from latent_explorer.app import library
from latent_explorer.explain.projection_settings import ProjectionSettings, Space
from latent_explorer.media.sheet import Cell, Row, draw_sheet, write_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

CREDIT = "Photographs: PlantVillage (Hughes & Salathé 2015, Mohanty et al. 2016), CC BY-SA 3.0."
PICTURE = 160  # px


def verdict(names: Sequence[str], probs: Sequence[float]) -> str:
    """Return the most probable class: "diseased 0.91"."""
    top = max(range(len(probs)), key=lambda k: probs[k])
    return f"{names[top]} {probs[top]:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", metavar="PHOTO")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    explainer = latent_explorer.open(library.bundled_explainer())
    spaces: tuple[Space, ...] = ("w", "w+")
    found = [explainer.project(options.photos, ProjectionSettings(space=space)) for space in spaces]
    names = explainer.class_names
    targets = tuple(Cell(p.target, verdict(names, p.report.probs_target)) for p in found[0])
    rows = [Row("Photograph", targets, (f"{targets[0].image.shape[0]} px", "what it says"))]
    for space, projections in zip(spaces, found, strict=True):
        cells = tuple(
            Cell(p.image, f"{verdict(names, p.report.probs_reconstruction)}  {p.report.lpips:.3f}") for p in projections
        )
        rows.append(Row(f"In {space.upper()}", cells, ("what it says of it,", found[0][0].report.lpips_net)))
    title = f"Projections by {explainer.summary.name}: pictures that it never saw"
    write_picture(options.out, draw_sheet(rows, title=title, footer=CREDIT, picture=PICTURE))


if __name__ == "__main__":
    main()
