# SPDX-License-Identifier: MIT
"""Sheets of pictures: cutting, layout, and playing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from window_tools import colours_in

from latent_explorer.ui.application import make_application
from latent_explorer.ui.style import theme
from latent_explorer.ui.training.sheet_player import SheetPlayer, best_layout, cut, largest

LABELS = ("original", "reconstruction")


def numbered(bands: int, kinds: int, columns: int, side: int) -> np.ndarray:
    """Make pictures of one value each: 100 * kind + number in the row."""
    rows = []
    for band in range(bands):
        for kind in range(kinds):
            values = [20 * kind + band * columns + i for i in range(columns)]
            rows.append(np.concatenate([np.full((side, side, 3), v, np.uint8) for v in values], 1))
    return np.concatenate(rows, 0)


def test_a_sheet_is_cut_into_its_rows_band_after_band():
    sheet = cut(numbered(2, 2, 3, 4), LABELS, 4)
    assert sheet.rows.shape == (2, 6, 4, 4, 3)
    assert sheet.rows[0, :, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert sheet.rows[1, :, 0, 0, 0].tolist() == [20, 21, 22, 23, 24, 25]


def test_a_sheet_of_other_measures_is_still_cut():
    assert cut(np.zeros((9, 5, 3), np.uint8), LABELS, 4).rows.shape == (2, 1, 4, 4, 3)
    assert cut(np.zeros((4, 8, 3), np.uint8), LABELS, 4).labels == ("original",)


@pytest.mark.parametrize(("width", "height"), [(1000, 200), (400, 400), (200, 900)])
def test_pictures_never_leave_their_room(width, height):
    made = best_layout(16, 4, width, height)
    assert made.per_line * made.lines >= 16
    assert made.per_line * (made.side + 2) - 2 <= width + 1e-6
    assert made.lines * 4 * (made.side + 2) - 2 + (made.lines - 1) * 8 <= height + 1e-6


def test_where_room_is_short_fewer_pictures_are_shown_larger():
    assert largest(16, 4, 1000, 400).per_line == 16
    short = largest(16, 4, 400, 180)
    assert short.side >= 40
    assert short.per_line * short.lines < 16
    assert largest(16, 4, 400, 60).side == pytest.approx(best_layout(1, 4, 400, 60).side)


@pytest.fixture
def flipper(qtbot, tmp_path):
    make_application()
    theme.apply("light")
    for at in (4_000, 8_000, 12_000):
        image = np.full((8 * 2 * 2, 8 * 4, 3), at // 100, np.uint8)
        Image.fromarray(image).save(tmp_path / f"{at:08d}.png")
    made = SheetPlayer()
    qtbot.addWidget(made)
    made.resize(420, 260)
    made.show()
    return made


def show(flipper, folder) -> None:
    flipper.show_sheets(sorted(folder.glob("*.png")), LABELS, 8)


def test_no_sheet_yet(flipper):
    flipper.show_sheets([], LABELS, 8)
    assert flipper.empty.isVisible()
    assert flipper.current is None


def test_the_newest_is_followed_until_the_person_turns_back(flipper, tmp_path):
    show(flipper, tmp_path)
    assert flipper.caption.text() == "12,000"
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "00016000.png")
    show(flipper, tmp_path)
    assert flipper.caption.text() == "16,000"
    QTest.keyClick(flipper.view, Qt.Key.Key_Left)
    assert flipper.caption.text() == "12,000"
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "00020000.png")
    show(flipper, tmp_path)
    assert flipper.caption.text() == "12,000"
    QTest.keyClick(flipper.view, Qt.Key.Key_Home)
    assert flipper.caption.text() == "4,000"
    assert "original" in flipper.view.accessibleDescription()


def test_the_very_first_sheet_stands_alone(flipper, tmp_path):
    for path in sorted(tmp_path.glob("*.png"))[1:]:
        path.unlink()
    show(flipper, tmp_path)
    assert colours_in(flipper) > 1, "painted without an error, its slider too"
    assert not flipper.slider.isEnabled()
    assert not flipper.play.isEnabled()
    QTest.keyClick(flipper.view, Qt.Key.Key_Space)
    assert not flipper.playing


def test_playing_turns_from_the_first_to_the_last_and_stops(qtbot, flipper, tmp_path):
    show(flipper, tmp_path)
    QTest.keyClick(flipper.view, Qt.Key.Key_Space)
    assert flipper.playing
    assert flipper.caption.text() == "4,000"
    qtbot.waitUntil(lambda: not flipper.playing, timeout=4000)
    assert flipper.caption.text() == "12,000"


def test_a_sheet_that_vanished_is_no_trouble(flipper, tmp_path):
    show(flipper, tmp_path)
    (tmp_path / "00008000.png").unlink()
    (tmp_path / "00004000.png").write_bytes(b"half a pic")
    flipper.slider.setValue(1)
    flipper.slider.setValue(0)
    assert flipper.view.layout_now() is None
    flipper.slider.setValue(2)
    assert flipper.view.layout_now() is not None


def test_whole_pixels_are_whole(flipper, tmp_path):
    show(flipper, tmp_path)
    flipper.pixels.click()
    assert flipper.view.layout_now().side % 8 == 0
