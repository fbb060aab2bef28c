# SPDX-License-Identifier: MIT
"""Sheets: labelled rows of pictures on paper, such as original, minus and plus of every attribute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from latent_explorer.common.paths import exported
from latent_explorer.media.drawing import INK, LINE, MUTED, PAPER, fit, font, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PICTURE = 192  # px, side of a picture on the sheet
GAP = 12
MARGIN = 24
LABEL = 200  # px, width of the row titles
CAPTION = 26  # px below each picture
TITLE, BODY = 20, 14  # px


@dataclass(frozen=True)
class Cell:
    """A picture (H, W, 3) uint8 and a line below it; `strong` sets the line off (the verdict changed)."""

    image: np.ndarray
    caption: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Row:
    """A title, small lines below it, and the pictures to the right."""

    title: str
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()


def draw_sheet(
    rows: Sequence[Row],
    columns: Sequence[str] = (),
    title: str = "",
    footer: str = "",
    picture: int = PICTURE,
) -> np.ndarray:
    """The rows below a title and column heads, a footer at the end: (H, W, 3) uint8."""
    count = max((len(row.cells) for row in rows), default=len(columns)) or 1
    label = LABEL if any(row.title or row.notes for row in rows) else 0
    head = MARGIN + (TITLE + GAP if title else 0) + (BODY + GAP if columns else 0)
    step = picture + CAPTION + GAP
    width = 2 * MARGIN + label + count * (picture + GAP) - GAP
    height = head + len(rows) * step + MARGIN + (BODY + GAP if footer else 0)
    canvas = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(canvas)
    if title:
        face = font(TITLE, semibold=True)
        draw.text((MARGIN, MARGIN), shorten(title, width - 2 * MARGIN, face), INK, face)
    for i, name in enumerate(columns):
        x = MARGIN + label + i * (picture + GAP)
        face = font(BODY, semibold=True)
        draw.text((x, head - BODY - GAP // 2), shorten(name, picture, face), MUTED, face)
    for i, row in enumerate(rows):
        _draw_row(canvas, draw, row, head + i * step, label, picture)
    if footer:
        draw.line(
            (MARGIN, height - MARGIN - BODY - GAP, width - MARGIN, height - MARGIN - BODY - GAP),
            fill=LINE,
        )
        draw.text(
            (MARGIN, height - MARGIN - BODY),
            shorten(footer, width - 2 * MARGIN, font(12)),
            MUTED,
            font(12),
        )
    return np.asarray(canvas)


def _draw_row(
    canvas: Image.Image, draw: ImageDraw.ImageDraw, row: Row, top: int, label: int, picture: int
) -> None:
    face = font(16, semibold=True)
    y = top + picture // 2 - 16 - len(row.notes) * 10
    draw.text((MARGIN, y), shorten(row.title, label - GAP, face), INK, face)
    for i, note in enumerate(row.notes):
        text = shorten(note, label - GAP, font(BODY))
        draw.text((MARGIN, y + 26 + 20 * i), text, MUTED, font(BODY))
    for i, cell in enumerate(row.cells):
        x = MARGIN + label + i * (picture + GAP)
        canvas.paste(Image.fromarray(fit(cell.image, picture, picture)), (x, top))
        face = font(BODY, semibold=cell.strong)
        text = shorten(cell.caption, picture, face)
        draw.text((x, top + picture + 6), text, INK if cell.strong else MUTED, face)


def write_picture(path: Path, image: np.ndarray) -> None:
    """Write a picture (H, W, 3) uint8, all at once or not at all. UserError when that is impossible."""
    with exported(path) as temporary:
        Image.fromarray(image).save(temporary)
