# SPDX-License-Identifier: MIT
"""Sheets: labelled rows of pictures, laid out once as marks and drawn as pixels here or as PDF in `pdf`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from latent_explorer.common.palette import PRINT
from latent_explorer.common.paths import atomic_output
from latent_explorer.media.drawing import draw_text, fit, font, shorten, text_width
from latent_explorer.media.png import NO_TEXTS, Texts, png_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PICTURE = 192  # px, side of a picture on the sheet
GAP = 12
MARGIN = 24
LABEL = 200  # px, width of the row titles
CAPTION = 26  # px below each picture
FOOTER = 18  # px from one line of the footer to the next
TITLE, BODY, ROW, NOTE = 20, 14, 16, 12  # px, heights of letters


@dataclass(frozen=True)
class Cell:
    """Picture (H, W, 3) uint8 and a line below it; `strong` highlights the line (the verdict changed)."""

    image: np.ndarray
    caption: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Row:
    """Title with small lines below it, and the pictures to the right. A missing picture leaves its place empty."""

    title: str
    cells: tuple[Cell | None, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """Line of text whose upper left corner is at (x, y)."""

    x: float
    y: float
    text: str
    size: int
    color: str = PRINT.ink
    strong: bool = False


@dataclass(frozen=True)
class Line:
    """Hairline from left to right."""

    left: float
    right: float
    y: float


@dataclass(frozen=True)
class PlacedImage:
    """Picture (H, W, 3) uint8 shown as a square of `side` px at (x, y)."""

    x: float
    y: float
    side: int
    image: np.ndarray


@dataclass(frozen=True)
class Sheet:
    """Positions of everything on a sheet, in px from the upper left corner."""

    width: int
    height: int
    marks: tuple[Text | Line | PlacedImage, ...]


def layout_sheet(
    rows: Sequence[Row], columns: Sequence[str] = (), title: str = "", footer: str = "", picture: int = PICTURE
) -> Sheet:
    """Lay out the rows below a title and column heads, with a footer at the end, in as many lines as it takes."""
    count = max((len(row.cells) for row in rows), default=len(columns)) or 1
    label = LABEL if any(row.title or row.notes for row in rows) else 0
    head = MARGIN + (TITLE + GAP if title else 0) + (BODY + GAP if columns else 0)
    step = picture + CAPTION + GAP
    width = 2 * MARGIN + label + count * (picture + GAP) - GAP
    last = _wrapped(footer, width - 2 * MARGIN)
    height = head + len(rows) * step + MARGIN + (BODY + GAP + (len(last) - 1) * FOOTER if footer else 0)
    marks: list[Text | Line | PlacedImage] = []
    if title:
        marks.append(_line(MARGIN, MARGIN, title, TITLE, width - 2 * MARGIN, strong=True))
    for i, name in enumerate(columns):
        x = MARGIN + label + i * (picture + GAP)
        y = head - BODY - GAP // 2
        marks.append(_line(x, y, name, BODY, picture, color=PRINT.muted, strong=True))
    for i, row in enumerate(rows):
        marks += _row(row, head + i * step, label, picture)
    if footer:
        y = height - MARGIN - BODY - (len(last) - 1) * FOOTER
        marks.append(Line(MARGIN, width - MARGIN, y - GAP))
        for i, text in enumerate(last):
            marks.append(_line(MARGIN, y + i * FOOTER, text, NOTE, width - 2 * MARGIN, color=PRINT.muted))
    return Sheet(width, height, tuple(marks))


def _wrapped(text: str, width: int) -> list[str]:
    """Return a text in lines of at most `width` px, broken at spaces."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and text_width(f"{lines[-1]} {word}", font(NOTE)) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _row(row: Row, top: int, label: int, picture: int) -> list[Text | Line | PlacedImage]:
    y = top + picture // 2 - 16 - len(row.notes) * 10
    marks: list[Text | Line | PlacedImage] = [
        _line(MARGIN, y, row.title, ROW, label - GAP, strong=True),
        *(
            _line(MARGIN, y + 26 + 20 * i, note, BODY, label - GAP, color=PRINT.muted)
            for i, note in enumerate(row.notes)
        ),
    ]
    for i, cell in enumerate(row.cells):
        if cell is None:
            continue
        x = MARGIN + label + i * (picture + GAP)
        marks.append(PlacedImage(x, top, picture, cell.image))
        color = PRINT.ink if cell.strong else PRINT.muted
        marks.append(_line(x, top + picture + 6, cell.caption, BODY, picture, color=color, strong=cell.strong))
    return [mark for mark in marks if not isinstance(mark, Text) or mark.text]


def _line(x: float, y: float, text: str, size: int, room: int, *, color: str = PRINT.ink, strong: bool = False) -> Text:
    shown = shorten(text, room, font(size, strong)) if text else ""
    return Text(x, y, shown, size, color, strong)


def draw(sheet: Sheet, scale: int = 1) -> np.ndarray:
    """Draw the sheet as a picture (H, W, 3) uint8 with `scale` pixels for each of its own."""
    canvas = Image.new("RGB", (sheet.width * scale, sheet.height * scale), PRINT.paper)
    pen = ImageDraw.Draw(canvas)
    for mark in sheet.marks:
        if isinstance(mark, Text):
            face = font(mark.size * scale, mark.strong)
            draw_text(pen, (mark.x * scale, mark.y * scale), mark.text, mark.color, face)
        elif isinstance(mark, Line):
            ends = (mark.left * scale, mark.y * scale, mark.right * scale, mark.y * scale)
            pen.line(ends, fill=PRINT.line, width=scale)
        else:
            side = mark.side * scale
            picture = Image.fromarray(fit(mark.image, side, side))
            canvas.paste(picture, (round(mark.x * scale), round(mark.y * scale)))
    return np.asarray(canvas)


def draw_sheet(
    rows: Sequence[Row], columns: Sequence[str] = (), title: str = "", footer: str = "", picture: int = PICTURE
) -> np.ndarray:
    """Lay out and draw a sheet. Returns (H, W, 3) uint8."""
    return draw(layout_sheet(rows, columns, title, footer, picture))


def write_picture(path: Path, image: np.ndarray, texts: Texts = NO_TEXTS) -> None:
    """Write a picture (H, W, 3) uint8 as PNG, atomically. Raises UserError if that is not possible."""
    with atomic_output(path) as temporary:
        temporary.write_bytes(png_bytes(image, texts))
