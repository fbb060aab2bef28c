# SPDX-License-Identifier: MIT
"""Draw a sheet of photographs and their reconstructions by an explainer, each with the classifier's verdict.

python benchmarks/reconstruction_sheet.py X PHOTO... --out SHEET.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from projection_sheet import CREDIT, PICTURE, verdict

import latent_explorer
from latent_explorer.data.images import read_image
from latent_explorer.media.sheet import Cell, Row, draw_sheet, write_picture


def cells(images: np.ndarray, probs: np.ndarray, names: tuple[str, ...]) -> tuple[Cell, ...]:
    """Return cells of pictures with their most probable classes."""
    return tuple(Cell(image, verdict(names, p)) for image, p in zip(images, probs, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("explainer", metavar="X", type=Path)
    parser.add_argument("photos", nargs="+", metavar="PHOTO", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    explainer = latent_explorer.open(options.explainer)
    size = explainer.summary.resolution
    names = explainer.class_names
    photos = np.stack([read_image(photo, size) for photo in options.photos])
    latents = explainer.encode(photos)
    assert latents.cond is not None  # what the classifier says of the photographs
    copies = explainer.render(latents)
    rows = [
        Row("Photograph", cells(photos, latents.cond, names), (f"{size} px", "what it says")),
        Row("Reconstruction", cells(copies.images, copies.probs, names), ("what it says of it",)),
    ]
    title = f"{explainer.summary.name}: pictures that it never saw"
    write_picture(options.out, draw_sheet(rows, title=title, footer=CREDIT, picture=PICTURE))


if __name__ == "__main__":
    main()
