# SPDX-License-Identifier: MIT
"""Names in any script on sheets, captions and PDFs: fonts of the system, and a sentence where there is none."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from animation_frames import leaf
from made_fonts import write_font
from PIL import Image, ImageDraw, ImageFont

from latent_explorer.common.paths import resource
from latent_explorer.media import drawing, fonts
from latent_explorer.media.drawing import draw_text, font, font_warning, runs, shorten, text_width, with_caption
from latent_explorer.media.fonts import FontFile, fallback
from latent_explorer.media.pdf import pdf_bytes
from latent_explorer.media.sheet import Cell, Row, draw, layout_sheet

CHINESE, JAPANESE, KOREAN, ARABIC, HINDI = "健康", "枯れた葉", "잎", "ورقة مريضة", "रोगी पत्ता"
NAMES = (CHINESE, JAPANESE, KOREAN, ARABIC, HINDI)
EVERY = "".join(dict.fromkeys("".join(NAMES).replace(" ", "")))


@pytest.fixture(autouse=True)
def system(tmp_path, monkeypatch):
    """A computer without fontconfig whose fonts are in one folder, empty at first."""
    monkeypatch.setattr(fonts, "folders", lambda: [tmp_path / "fonts"])
    monkeypatch.setattr(fonts.shutil, "which", lambda _name: None)
    forget()
    yield tmp_path / "fonts"
    forget()


def forget() -> None:
    drawing._bundled_letters()
    for cached in (fonts._fallback, fonts._from_folders, fonts.letters_of, fonts.open_font, drawing.runs):
        cached.cache_clear()


def ink(text: str) -> np.ndarray:
    canvas = Image.new("L", (400, 60))
    draw_text(ImageDraw.Draw(canvas), (10, 10), text, "white", font(24))
    return np.asarray(canvas)


@pytest.mark.parametrize("ending", ["ttf", "otf", "ttc"])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_drawn_with_a_font_of_the_system(system, ending, name):
    boxes = ink(name)
    path = write_font(system / f"made.{ending}", EVERY)
    forget()
    assert {run.font for run in runs(name)} == {FontFile(str(path))}
    canvas = Image.new("L", (400, 60))
    baseline = 10 + font(24).getmetrics()[0]
    ImageDraw.Draw(canvas).text((10, baseline), name, "white", ImageFont.truetype(str(path), 24), anchor="ls")
    assert np.array_equal(ink(name), np.asarray(canvas))
    assert not np.array_equal(ink(name), boxes)
    assert font_warning([name]) == ""


def test_own_letters_stay_in_the_own_font(system):
    path = write_font(system / "made.ttf", EVERY)
    assert [(run.text, run.font) for run in runs(f"P({CHINESE}) 0.91")] == [
        ("P(", None),
        (CHINESE, FontFile(str(path))),
        (") 0.91", None),
    ]
    assert len(runs(ARABIC)) == 1  # with the space between its words
    assert [run.font for run in runs("Ränder – κ ж…")] == [None]
    assert [run.text for run in runs("cafe\N{COMBINING ACUTE ACCENT}")] == ["café"]


def test_text_without_foreign_letters_is_drawn_as_before(system):
    canvas = Image.new("L", (400, 60))
    ImageDraw.Draw(canvas).text((10, 10), "P(ill) 0.91", "white", font(24))
    assert np.array_equal(ink("P(ill) 0.91"), np.asarray(canvas))


def test_the_right_edge_and_the_middle_hold_with_two_fonts(system):
    write_font(system / "made.ttf", EVERY)
    canvas = Image.new("L", (400, 60))
    draw_text(ImageDraw.Draw(canvas), (390, 30), f"a {CHINESE}", "white", font(24), anchor="rm")
    rows, columns = np.nonzero(np.asarray(canvas))
    assert 385 <= columns.max() <= 390
    assert columns.min() >= 390 - text_width(f"a {CHINESE}", font(24)) - 1
    assert rows.min() <= 30 <= rows.max()


def test_a_long_foreign_name_is_shortened(system):
    write_font(system / "made.ttf", EVERY)
    cut = shorten(CHINESE * 200, 200, font(16))
    assert cut.endswith("…")
    assert text_width(cut, font(16)) <= 200
    assert text_width(cut + CHINESE[0], font(16)) > 200 - 16


def test_each_letter_may_need_a_font_of_its_own(system):
    write_font(system / "a.ttf", CHINESE)
    write_font(system / "b.ttf", KOREAN)
    assert len({run.font for run in runs(CHINESE + KOREAN)}) == 2
    assert font_warning([CHINESE + KOREAN]) == ""


@pytest.mark.parametrize("name", NAMES)
def test_letters_that_no_font_has_are_told(system, name):
    write_font(system / "made.ttf", "☃")
    assert name[0] in font_warning(["leaf", f"a {name}"])
    assert "Install a font" in font_warning([name])
    assert {run.font for run in runs(name)} == {None}
    assert font_warning(["leaf", "Ränder"]) == ""


def test_fonts_that_cannot_be_used_are_passed_over(system):
    (system).mkdir()
    (system / "0.ttf").write_bytes(b"no font")
    (system / "1.ttf").write_bytes(b"")
    (system / "2.otf").write_bytes(resource("fonts/Inter-Regular.otf").read_bytes()[:5000])
    write_font(system / "3.ttf", EVERY, embedding=2)  # must not be embedded
    assert fallback(CHINESE) is None
    path = write_font(system / "4.ttf", EVERY)
    forget()
    assert fallback(CHINESE) == FontFile(str(path))


def test_fontconfig_is_asked_first_and_not_believed(system, monkeypatch):
    path = write_font(system / "made.ttf", EVERY)
    other = write_font(system / "other.ttf", "x")
    monkeypatch.setattr(fonts.shutil, "which", lambda name: f"/usr/bin/{name}")
    for answer in (f"{path}\n0\n", f"{other}\n0\n", "", "nonsense\n"):
        done = subprocess.CompletedProcess([], 0, stdout=answer.encode())
        monkeypatch.setattr(fonts.subprocess, "run", lambda *_a, done=done, **_k: done)
        forget()
        assert fallback(CHINESE) == FontFile(str(path))


def test_likely_fonts_come_first(system):
    for name in ("aaa-Bold", "NotoSansCJK-Regular", "zzz", "NotoSansMono", "DejaVuSans"):
        write_font(system / f"{name}.ttf", CHINESE)
    names = [each.path.rpartition("/")[2] for each in fonts._from_folders()]
    assert names[:3] == ["NotoSansCJK-Regular.ttf", "DejaVuSans.ttf", "zzz.ttf"]


def test_a_caption_holds_a_foreign_class(system):
    image = np.zeros((256, 256, 3), np.uint8)
    boxes = with_caption(image, [0.1, 0.9], ["healthy", CHINESE], 1)
    write_font(system / "made.ttf", EVERY)
    forget()
    assert not np.array_equal(with_caption(image, [0.1, 0.9], ["healthy", CHINESE], 1), boxes)


def sheet_of(*names: str):
    rows = [Row(name, (Cell(leaf(0.2), f"P({name}) 0.91", True),)) for name in names]
    return layout_sheet(rows, ["photo"], " ".join(names), "leaves")


@pytest.mark.parametrize("ending", ["ttf", "otf", "ttc"])
def test_a_pdf_embeds_the_letters_that_it_needs(system, ending):
    from test_pdf import streams

    write_font(system / f"made.{ending}", EVERY)
    data = pdf_bytes(sheet_of(CHINESE, KOREAN))
    assert data.count(b"/FontFile2") == 3  # regular, semibold, the system's
    assert b"/FontFile3" not in data
    assert any(f"<{ord(CHINESE[0]):04X}>".encode() in part for part in streams(data))  # it can be searched
    assert draw(sheet_of(CHINESE, KOREAN)).ndim == 3


@pytest.mark.parametrize("name", [ARABIC, HINDI])
def test_letters_that_join_are_drawn_into_a_pdf(system, name):
    write_font(system / "made.ttf", EVERY)
    data = pdf_bytes(sheet_of(name))
    assert data.count(b"/Subtype /Image") > 1  # beside the picture
    assert data.count(b"/FontFile2") == 2  # the font itself would be of no use


def test_without_the_means_to_join_letters_it_is_told(system, monkeypatch):
    write_font(system / "made.ttf", EVERY)
    monkeypatch.setattr(drawing.features, "check", lambda _name: False)
    assert "one by one" in font_warning([ARABIC])
    assert font_warning([CHINESE]) == ""
