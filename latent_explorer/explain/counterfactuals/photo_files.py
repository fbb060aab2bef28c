# SPDX-License-Identifier: MIT
"""Files of explained photographs: a sheet of their pictures, and their figures as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from latent_explorer.common.paths import atomic_output
from latent_explorer.explain.counterfactuals.photo_text import attributes_text, control_notes, fields
from latent_explorer.media.sheet import Cell, Row, draw_sheet, write_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.counterfactuals.photo import PhotoExplanation

COLUMNS = ("photo", "model's copy", "copy, edited", "place of the change", "photo, edited there")
FOOTER = (
    "Bold: the verdict changed. Below the names: how often controls of the same size turn the same place of the photo, "
    "and whether other networks turn with the change."
)


def summary_fields(found: Sequence[PhotoExplanation], class_names: Sequence[str]) -> dict[str, Any]:
    """Return explanations as `explain-photo --json` prints them."""
    return {
        "explained": sum(each.explained for each in found),
        "n": len(found),
        "photos": [fields(each, class_names) for each in found],
    }


def write_explanations(path: Path, found: Sequence[PhotoExplanation], class_names: Sequence[str]) -> None:
    """Write the figures, if the name ends in .json, else the sheet as PNG. UserError if it cannot be written."""
    if path.suffix.lower() == ".json":
        content = msgspec.json.encode(summary_fields(found, class_names))
        with atomic_output(path) as temporary:
            temporary.write_bytes(msgspec.json.format(content, indent=2) + b"\n")
        return
    rows = [_row(each, class_names) for each in found]
    write_picture(path, draw_sheet(rows, COLUMNS, "Photos explained", FOOTER))


def _row(each: PhotoExplanation, names: Sequence[str]) -> Row:
    """Return a photograph with the first of its changes."""
    before = each.photo.verdict

    def cell(image: np.ndarray, probs: np.ndarray) -> Cell:
        top = int(probs.argmax())
        return Cell(image, f"{names[top]} {probs[top]:.2f}", strong=top != before)

    cells: list[Cell | None] = [cell(each.photo.image, each.photo.probs), cell(each.copy.image, each.copy.probs)]
    notes: tuple[str, ...] = ()
    if each.changes:
        change = each.changes[0]
        mask = np.repeat((change.mask * 255).round().astype(np.uint8)[:, :, None], 3, axis=2)
        cells += [
            cell(change.copy.image, change.copy.probs),
            Cell(mask, f"{change.share:.0%} of the picture"),
            cell(change.photo.image, change.photo.probs),
        ]
        explains = "explains the photo" if change.explains else "does not explain the photo"
        notes = (attributes_text(change), explains, *control_notes(change))
    return Row(Path(each.name).stem, tuple(cells), notes)
