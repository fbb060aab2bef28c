# SPDX-License-Identifier: MIT
"""Sheets as PDF: real text in an embedded font, pictures without loss, equal bytes for equal sheets."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from animation_frames import leaf
from PIL import Image, ImageDraw, ImageFont

from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import resource
from latent_explorer.media.pdf import pdf_bytes, truetype_subset, write_pdf
from latent_explorer.media.sheet import Cell, PlacedImage, Row, Text, draw, layout_sheet

ROWS = (
    Row("1  Brown spots", (Cell(leaf(0.1), "P(diseased) 0.12"), Cell(leaf(0.9), "P(diseased) 0.91", True))),
    Row("2  Ränder – κ", (Cell(leaf(0.3), "0.31"), None), ("+1.42 logits",)),
)  # fmt: skip
SHEET = layout_sheet(ROWS, ("original", "plus"), "What moves the classifier", "leaves, model abc", 96)


def streams(data: bytes) -> list[bytes]:
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    out = []
    for part in found:
        try:
            out.append(zlib.decompress(part))
        except zlib.error:
            out.append(part)
    return out


def test_text_is_text_in_an_embedded_truetype_font():
    data = pdf_bytes(SHEET, "A title")
    assert data.startswith(b"%PDF-")
    assert data.count(b"/FontFile2") == 2  # regular and semibold
    assert b"/FontFile3" not in data
    assert any(b" Tj" in part or b" TJ" in part for part in streams(data))
    assert b"/ToUnicode" in data


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs poppler's pdftotext")
def test_another_reader_finds_the_words(tmp_path):
    write_pdf(tmp_path / "s.pdf", SHEET, "A title")
    done = subprocess.run(["pdftotext", "-layout", str(tmp_path / "s.pdf"), "-"], capture_output=True, check=True)
    words = done.stdout.decode()
    for text in (mark.text for mark in SHEET.marks if isinstance(mark, Text)):
        assert " ".join(text.split()) in " ".join(words.split())
    assert not done.stderr


def test_pictures_are_kept_without_loss():
    data = pdf_bytes(SHEET)
    wanted = [mark for mark in SHEET.marks if isinstance(mark, PlacedImage)]
    side = 2 * 96
    sizes = [part for part in streams(data) if len(part) == side * (3 * side + 1)]  # PNG rows
    raw = [part for part in streams(data) if len(part) == side * side * 3]
    assert len(sizes) + len(raw) == len(wanted) == 3


def test_equal_sheets_are_equal_bytes():
    assert pdf_bytes(SHEET, "t") == pdf_bytes(SHEET, "t")


def test_letters_that_the_font_lacks_are_no_crash():
    odd = layout_sheet([Row("葉 🍂 leaf", (Cell(leaf(0.2), "葉"),))], title="🍂")
    assert pdf_bytes(odd).startswith(b"%PDF-")
    assert draw(odd).ndim == 3
    assert pdf_bytes(layout_sheet([])).startswith(b"%PDF-")


@pytest.mark.parametrize("letter", ["P", "g", "0", "é", "&"])
def test_converted_letters_look_like_the_originals(letter):
    path = resource("fonts/Inter-Regular.otf")
    drawn = []
    for source in (path, io.BytesIO(truetype_subset(path, letter))):
        canvas = Image.new("L", (300, 300))
        ImageDraw.Draw(canvas).text((20, 20), letter, 255, ImageFont.truetype(source, 200))
        drawn.append(np.asarray(canvas).astype(float) / 255)
    ink = drawn[0].sum()
    assert ink > 1000
    assert np.abs(drawn[0] - drawn[1]).sum() < 0.06 * ink  # hinting at the edges


def test_an_unwritable_place_is_a_sentence():
    with pytest.raises(UserError, match="cannot be written"):
        write_pdf(Path(os.devnull) / "s.pdf", SHEET)


def test_a_sheet_drawn_twice_as_large_has_the_same_layout():
    small, large = draw(SHEET), draw(SHEET, 2)
    assert large.shape == (2 * small.shape[0], 2 * small.shape[1], 3)
    halved = np.asarray(Image.fromarray(large).resize(small.shape[1::-1], Image.Resampling.BOX))
    assert np.abs(halved.astype(int) - small).mean() < 2
