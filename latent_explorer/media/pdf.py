# SPDX-License-Identifier: MIT
"""Sheets as PDF for papers: text is text in an embedded font, pictures are stored without loss. Uses fpdf2.

The bundled font has PostScript outlines, which fpdf2 would label as TrueType and print shops refuse, so the letters in
use are converted to TrueType first. Every file has the same date, so that the same sheet gives the same bytes.
"""

from __future__ import annotations

import io
import logging
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from latent_explorer.common.palette import PRINT
from latent_explorer.common.paths import atomic_output, resource
from latent_explorer.media.drawing import fit
from latent_explorer.media.sheet import Line, PlacedImage, Sheet, Text

POINTS = 0.5  # a pixel of the sheet on paper: 192 px are 96 pt, 34 mm
_PICTURE_SCALE = 2  # stored pixels per pixel of the sheet: 288 per inch
_ERROR = 1.0  # largest distance of the converted outline, in units of the font (2048 to a line's height or so)
_FAMILY = "Inter"
_DATE = datetime(2000, 1, 1, tzinfo=UTC)


def write_pdf(path: Path, sheet: Sheet, title: str = "") -> None:
    """Write the sheet as one page of its own size. Raises UserError if the file cannot be written."""
    data = pdf_bytes(sheet, title)
    with atomic_output(path) as temporary:
        temporary.write_bytes(data)


def pdf_bytes(sheet: Sheet, title: str = "") -> bytes:
    """Return the sheet as a PDF file."""
    from fpdf import FPDF

    pdf = FPDF(unit="pt", format=(sheet.width * POINTS, sheet.height * POINTS))
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.set_creation_date(_DATE)
    pdf.set_title(title)
    with tempfile.TemporaryDirectory(prefix="latent-explorer-") as folder:
        _add_fonts(pdf, sheet, Path(folder))
        pdf.add_page()
        for mark in sheet.marks:
            _draw(pdf, mark)
        return bytes(pdf.output())


def _add_fonts(pdf: Any, sheet: Sheet, folder: Path) -> None:
    """Add the bundled font with the letters in use; `folder` must exist until the file is written."""
    for strong, style, name in ((False, "", "Regular"), (True, "B", "SemiBold")):
        texts = [m.text for m in sheet.marks if isinstance(m, Text) and m.strong == strong]
        if texts:
            path = folder / f"{name}.ttf"
            path.write_bytes(truetype_subset(resource(f"fonts/Inter-{name}.otf"), "".join(texts)))
            pdf.add_font(_FAMILY, style, path)


def _draw(pdf: Any, mark: Text | Line | PlacedImage) -> None:
    if isinstance(mark, Text):
        pdf.set_font(_FAMILY, "B" if mark.strong else "", mark.size * POINTS)
        pdf.set_text_color(*_rgb(mark.color))
        # Pillow places the top of the line at y, PDF the baseline: the ascender of Inter is 0.97 of its size.
        pdf.text(mark.x * POINTS, (mark.y + 0.97 * mark.size) * POINTS, mark.text)
    elif isinstance(mark, Line):
        pdf.set_draw_color(*_rgb(PRINT.line))
        pdf.set_line_width(POINTS)
        y = mark.y * POINTS
        pdf.line(mark.left * POINTS, y, mark.right * POINTS, y)
    else:
        side = mark.side * _PICTURE_SCALE
        picture = Image.fromarray(fit(mark.image, side, side))
        size = mark.side * POINTS
        pdf.image(picture, mark.x * POINTS, mark.y * POINTS, size, size)


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def truetype_subset(path: Path, letters: str) -> bytes:
    """Convert these letters of a font with PostScript outlines to a TrueType font."""
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont, newTable

    logging.getLogger("fontTools").setLevel(logging.ERROR)
    font = TTFont(path, recalcTimestamp=False)
    subsetter = Subsetter(Options(layout_features=[], notdef_outline=True, name_IDs=["*"]))
    subsetter.populate(text=letters + " ")  # the space, so that the subset is never empty
    subsetter.subset(font)
    order, glyphs, outlines = font.getGlyphOrder(), font.getGlyphSet(), {}
    for name in order:
        pen = TTGlyphPen(None)
        glyphs[name].draw(Cu2QuPen(pen, _ERROR, reverse_direction=True))
        outlines[name] = pen.glyph()
    font["loca"] = newTable("loca")
    font["glyf"] = table = newTable("glyf")
    table.glyphOrder, table.glyphs = order, outlines
    for tag in ("CFF ", "VORG"):
        if tag in font:
            del font[tag]
    _describe(font, len(order))
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def _describe(font: Any, count: int) -> None:
    """Fill the tables that declare the outlines as TrueType."""
    maxp = font["maxp"]
    maxp.tableVersion, maxp.numGlyphs = 0x00010000, count
    for name in (
        *("maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs"),
        *("maxStackElements", "maxSizeOfInstructions", "maxComponentElements"),
    ):
        setattr(maxp, name, 0)
    maxp.maxZones = 1
    font["post"].formatType = 3.0
    font.sfntVersion = "\x00\x01\x00\x00"
