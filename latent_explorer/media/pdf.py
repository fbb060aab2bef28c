# SPDX-License-Identifier: MIT
"""Sheets as PDF for papers: text is text in an embedded font, pictures are stored without loss. Uses fpdf2.

The bundled font has PostScript outlines, which fpdf2 would label as TrueType and print shops refuse, so the letters in
use are converted to TrueType first. Letters that it lacks come from fonts of the system, in the same way; those that
join or run from right to left are drawn, since fpdf2 sets letters one by one. Every file has the same date, so that the
same sheet gives the same bytes.
"""

from __future__ import annotations

import io
import logging
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from latent_explorer.common.palette import PRINT
from latent_explorer.common.paths import atomic_output, resource
from latent_explorer.media.drawing import Run, fit, font, runs
from latent_explorer.media.fonts import FontFile
from latent_explorer.media.sheet import Line, PlacedImage, Sheet, Text

POINTS = 0.5  # a pixel of the sheet on paper: 192 px are 96 pt, 34 mm
_PICTURE_SCALE = 2  # stored pixels per pixel of the sheet: 288 per inch
_ERROR = 1.0  # largest distance of the converted outline, in units of the font (2048 to a line's height or so)
_FAMILY = "Inter"
_SHAPED_SCALE = 8  # pixels per pixel of the sheet of letters that join: 1152 per inch
# Of a variable font only its default is used.
_DROPPED = ["fvar", "gvar", "avar", "cvar", "HVAR", "VVAR", "MVAR", "STAT", "COLR", "CPAL", "SVG ", "sbix"]
_Families = dict[FontFile | None, str]  # names of fonts in the file; None is the bundled one
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
        families = _add_fonts(pdf, sheet, Path(folder))
        pdf.add_page()
        for mark in sheet.marks:
            _draw(pdf, mark, families)
        return bytes(pdf.output())


def _add_fonts(pdf: Any, sheet: Sheet, folder: Path) -> _Families:
    """Add every font with the letters in use; `folder` must exist until the file is written."""
    letters: dict[tuple[FontFile, bool], str] = {}
    for mark in (mark for mark in sheet.marks if isinstance(mark, Text)):
        for run in (run for run in runs(mark.text) if not run.is_shaped):
            own = FontFile(str(resource(f"fonts/Inter-{'SemiBold' if mark.strong else 'Regular'}.otf")))
            place = (run.font or own, mark.strong and run.font is None)
            letters[place] = letters.get(place, "") + run.text
    families: _Families = {None: _FAMILY}
    for number, ((file, strong), text) in enumerate(letters.items()):
        path = folder / f"{number}.ttf"
        path.write_bytes(truetype_subset(file.path, text, file.index))
        is_own = Path(file.path).parent == resource("fonts")
        family = _FAMILY if is_own else families.setdefault(file, f"Font{number}")
        pdf.add_font(family, "B" if strong else "", path)
    return families


def _draw(pdf: Any, mark: Text | Line | PlacedImage, families: _Families) -> None:
    if isinstance(mark, Text):
        _draw_text(pdf, mark, families)
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


def _draw_text(pdf: Any, mark: Text, families: _Families) -> None:
    pdf.set_text_color(*_rgb(mark.color))
    # Pillow places the top of the line at y, PDF the baseline: the ascender of Inter is 0.97 of its size.
    x, baseline = mark.x * POINTS, (mark.y + 0.97 * mark.size) * POINTS
    for run in runs(mark.text):
        if run.is_shaped:
            x += _draw_shaped(pdf, run, mark, (x, baseline))
            continue
        pdf.set_font(families[run.font], "B" if mark.strong and run.font is None else "", mark.size * POINTS)
        pdf.text(x, baseline, run.text)
        x += pdf.get_string_width(run.text)


def _draw_shaped(pdf: Any, run: Run, mark: Text, place: tuple[float, float]) -> float:
    """Draw letters that join as a sharp picture, since fpdf2 sets one by one; return their width in points."""
    face = run.face(font(mark.size * _SHAPED_SCALE))
    left, top, right, bottom = (round(edge) for edge in face.getbbox(run.text, anchor="ls"))
    ink = Image.new("L", (max(1, right - left), max(1, bottom - top)), 0)
    ImageDraw.Draw(ink).text((-left, -top), run.text, 255, face, anchor="ls")
    picture = Image.new("RGBA", ink.size, (*_rgb(mark.color), 0))
    picture.putalpha(ink)
    unit = POINTS / _SHAPED_SCALE
    x, baseline = place
    pdf.image(picture, x + left * unit, baseline + top * unit, ink.width * unit, ink.height * unit, alt_text=run.text)
    return float(face.getlength(run.text)) * unit


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def truetype_subset(path: str | Path, letters: str, index: int = 0) -> bytes:
    """Return these letters of a font as a TrueType font; PostScript outlines are converted, variations left out."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    for library in ("fontTools", "fpdf"):  # letters without a font are told by `font_warning`
        logging.getLogger(library).setLevel(logging.ERROR)
    font = TTFont(path, fontNumber=index, recalcTimestamp=False)
    options = Options(layout_features=[], notdef_outline=True, name_IDs=["*"])
    options.drop_tables += _DROPPED
    subsetter = Subsetter(options)
    subsetter.populate(text=letters + " ")  # the space, so that the subset is never empty
    subsetter.subset(font)
    if "glyf" not in font:
        _convert_outlines(font)
    font.flavor = None
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def _convert_outlines(font: Any) -> None:
    """Replace a font's PostScript outlines by TrueType ones."""
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib import newTable

    order, glyphs, outlines = font.getGlyphOrder(), font.getGlyphSet(), {}
    for name in order:
        pen = TTGlyphPen(None)
        glyphs[name].draw(Cu2QuPen(pen, _ERROR, reverse_direction=True))
        outlines[name] = pen.glyph()
    font["loca"] = newTable("loca")
    font["glyf"] = table = newTable("glyf")
    table.glyphOrder, table.glyphs = order, outlines
    for tag in ("CFF ", "CFF2", "VORG"):
        if tag in font:
            del font[tag]
    _describe(font, len(order))


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
