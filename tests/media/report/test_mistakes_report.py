# SPDX-License-Identifier: MIT
"""The report on mistakes: figures in the matrix, hostile names, photographs that turn first."""

from __future__ import annotations

import numpy as np

from latent_explorer.common.statistics import wilson_interval
from latent_explorer.media.report.mistakes_page import Cell, MistakesPage, Pair, Turn, mistakes_page

HOSTILE = "<script>alert(1)</script>\u202egnp.exe"


def pair(name: str, turned: bool) -> Pair:
    image = np.zeros((8, 8, 3), np.uint8)
    return Pair(name, image, image, 0.125, 0.875, turned)


def page(counts: np.ndarray) -> str:
    cell = Cell(
        HOSTILE, HOSTILE, "healthy", (Turn(HOSTILE, (3, 4), (2, 4)),), HOSTILE, (pair("b", False), pair("a", True))
    )
    return mistakes_page(MistakesPage(HOSTILE, HOSTILE, (HOSTILE, "healthy"), (("All", counts),), (cell,), "1.2.3"))


def test_shares_are_of_a_label_and_have_intervals():
    text = page(np.array([[6, 2], [0, 0]]))
    low, high = wilson_interval(2, 8)
    assert f"<b>2</b><small>0.250 [{low:.3f}, {high:.3f}]</small>" in text
    assert text.count("<td>–</td>") == 2  # no photograph of the second label
    assert text.count('class="wrong"') == 1
    assert "6 of 8 right" in text
    assert "3 of 4" in text
    assert "Latent Explorer 1.2.3." in text


def test_names_cannot_be_markup_or_reorder_the_page():
    text = page(np.ones((2, 2), int))
    assert "<script" not in text
    assert "\u202e" not in text
    assert "default-src 'none'" in text


def test_photographs_that_turn_stand_first():
    text = page(np.ones((2, 2), int))
    assert text.index('title="a"') < text.index('title="b"')
    assert "0.12 → <b>0.88</b> a" in text
    assert "0.12 → 0.88 b" in text
