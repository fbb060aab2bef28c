# SPDX-License-Identifier: MIT
"""Fonts made for tests: each letter is a solid block, so that what they drew is easily told from an empty box."""

from __future__ import annotations

from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont

NAMES = {"familyName": "Made", "styleName": "Regular"}


def _block(pen, height: int = 700) -> None:
    pen.moveTo((50, 0))
    for point in ((50, height), (950, height), (950, 0)):
        pen.lineTo(point)
    pen.closePath()


def write_font(path: Path, letters: str, *, embedding: int = 0) -> Path:
    """Write a TrueType font, or one with PostScript outlines if the path ends in .otf, or a collection if in .ttc."""
    glyphs = [".notdef", "space", *(f"u{ord(letter):x}" for letter in letters)]
    is_postscript = path.suffix == ".otf"
    builder = FontBuilder(1000, isTTF=not is_postscript)
    builder.setupGlyphOrder(glyphs)
    builder.setupCharacterMap({32: "space", **{ord(letter): f"u{ord(letter):x}" for letter in letters}})
    if is_postscript:
        outlines = {}
        for name in glyphs:
            pen = T2CharStringPen(1000, None)
            if name.startswith("u"):
                _block(pen)
            outlines[name] = pen.getCharString()
        builder.setupCFF("Made", {"FullName": "Made"}, outlines, {})
    else:
        outlines = {}
        for name in glyphs:
            pen = TTGlyphPen(None)
            if name.startswith("u"):
                _block(pen)
            outlines[name] = pen.glyph()
        builder.setupGlyf(outlines)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 50)))
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable(NAMES)
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120, fsType=embedding)
    builder.setupPost()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".ttc":
        builder.save(path)
        return path
    builder.save(path.with_suffix(".ttf"))
    collection = TTCollection()
    collection.fonts.append(TTFont(path.with_suffix(".ttf")))
    collection.save(path)
    path.with_suffix(".ttf").unlink()
    return path
