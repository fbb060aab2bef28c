# SPDX-License-Identifier: MIT
"""Page "Heat map" of the overview: cells, their words, the keyboard, the order of the rows and the control."""

from __future__ import annotations

import numpy as np
import pytest
from panel_harness import open_model
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latent_explorer.app.exploration.intents import SetTarget
from latent_explorer.ui.overview.diverging import contrast, diverging, ink_on
from latent_explorer.ui.overview.heat_map_page import HINT, HeatMapPage
from latent_explorer.ui.overview.heat_table import wrapped
from latent_explorer.ui.overview.page import NO_ATTRIBUTES
from latent_explorer.ui.overview.window import PAGES, OverviewWindow
from latent_explorer.ui.style import theme


@pytest.fixture
def page(qtbot, explorer, tmp_path) -> HeatMapPage:
    theme.apply("light")
    window = OverviewWindow(explorer)
    qtbot.addWidget(window)
    window.show_page([page for _title, page in PAGES].index(HeatMapPage))
    open_model(qtbot, explorer, tmp_path)
    window.present()
    qtbot.waitExposed(window)
    qtbot.waitUntil(lambda: complete(window.page))
    return window.page


def complete(page: HeatMapPage) -> bool:
    shown = page.table.cells.shown
    return len(shown.rows) > 0 and bool(np.isfinite(shown.values).all())


def test_a_row_for_every_picture_and_a_column_for_every_attribute(explorer, page):
    model = page.table.cells
    names = [a.name for a in explorer.attributes()]
    assert model.columnCount() == len(names) + 2  # the pictures and the control
    headers = [model.headerData(c, Qt.Orientation.Horizontal) for c in range(model.columnCount())]
    assert headers[0] == "P(diseased)\nmean"
    assert [header.split("\n")[0] for header in headers[1:-1]] == names
    assert headers[-1].startswith("Style ")
    assert model.rowCount() == 48
    assert page.grab().width() > 0


def test_another_file_fills_the_table_anew(qtbot, explorer, page, tmp_path):
    before = page.table.cells.shown.rows
    page.table.setCurrentIndex(cell(page, 3, 3))
    assert page.line.text() != HINT
    page.another.click()
    qtbot.waitUntil(lambda: page.line.text() == HINT)
    open_model(qtbot, explorer, tmp_path)
    qtbot.waitUntil(lambda: complete(page) and page.table.cells.shown.rows[0] is not before[0])
    assert page.map.counts == (528, 528, 0)


def cell(page, row, column):
    """Return a cell by its place; column 0 holds the pictures."""
    return page.table.cells.index(row, column)


def test_the_least_probable_picture_stands_first_and_others_on_request(page):
    def probs():
        return [row.picture.probs[0] for row in page.table.cells.shown.rows]

    assert probs() == sorted(probs())
    page.sorting.setCurrentIndex(1)
    page.sorting.activated.emit(1)
    assert probs() == sorted(probs(), reverse=True)
    page.sorting.setCurrentIndex(2)
    page.sorting.activated.emit(2)
    assert sorted(probs()) != probs()


def test_the_keyboard_stays_on_its_picture_when_the_order_changes(page):
    table = page.table
    table.setCurrentIndex(cell(page, 4, 6))
    held = table.cells.shown.rows[4]
    page.sorting.setCurrentIndex(1)
    page.sorting.activated.emit(1)
    assert (table.currentIndex().row(), table.currentIndex().column()) == (43, 6)
    assert table.cells.shown.rows[43] is held
    assert page.line.text() == table.cells.words(table.currentIndex())


def test_a_cell_says_its_change_in_words(page):
    page.quantity.choose(1)
    page.quantity.chosen.emit(1)
    words = page.table.cells.words(cell(page, 0, 1))
    value = page.table.cells.value(cell(page, 0, 1))
    assert words.startswith(f"brown spots at its end: +{value:.2f} probability of diseased, to ")
    assert "; Sample leaf_" in words
    assert "The verdict is healthy" in page.table.cells.words(cell(page, 0, 0))
    assert page.legend.accessibleName().startswith("Change of the probability of diseased: blue at ")
    assert page.table.cells.shown.limit == pytest.approx(np.abs(page.table.cells.shown.values).max())


def test_a_click_and_enter_open_the_picture_with_that_edit(explorer, page):
    table, before = page.table, explorer.state
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(cell(page, 2, 3)).center())
    assert explorer.state.base == table.cells.shown.rows[2].base
    assert [e.style_index for e in explorer.state.edits] == [explorer.attributes()[2].entries[0].style_index]
    explorer.undo()
    assert explorer.state == before
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Down)
    QTest.keyClick(table, Qt.Key.Key_Left)
    QTest.keyClick(table, Qt.Key.Key_Left)
    assert table.currentIndex().row() == 3
    assert page.line.text() == table.cells.words(table.currentIndex())
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert explorer.state.base == table.cells.shown.rows[3].base
    assert [e.style_index for e in explorer.state.edits] == [explorer.attributes()[0].entries[0].style_index]


def test_the_control_is_named_as_one_and_can_be_drawn_again(qtbot, page):
    control = page.map.columns[-1].name
    assert f"the control: {control}, drawn at random" in page.origin.text()
    assert page.origin.text().startswith("All 528 cells were rendered")
    model = page.table.cells
    assert "a control" in model.headerData(11, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    page.another.click()
    assert page.map.columns[-1].name != control
    qtbot.waitUntil(lambda: complete(page) and model.shown.columns[-1] == page.map.columns[-1].name)


def test_means_are_over_pictures_of_other_classes(page):
    shown = page.table.cells.shown
    others = [row.picture.verdict != 0 for row in shown.rows]
    assert 0 < sum(others) < len(others)
    assert shown.means[0] == pytest.approx(shown.values[others, 0].mean())
    header = page.table.cells.headerData(1, Qt.Orientation.Horizontal)
    assert header == f"brown spots\n+{shown.means[0]:.2f}"


def test_a_class_without_attributes_says_what_to_do(explorer, page):
    explorer.apply(SetTarget(1))
    assert page.empty.sentence.text() == NO_ATTRIBUTES
    assert page.empty.isVisible()
    assert page.map._requests.newest == []
    explorer.apply(SetTarget(0))
    assert page.content.isVisible()


def test_ink_can_be_read_on_every_colour(page):
    for mode in ("light", "dark"):
        theme.apply(mode)
        for value in np.linspace(-1, 1, 21):
            color = diverging(value, 1.0)
            assert contrast(ink_on(color), color) >= 4.5
    theme.apply("light")
    assert diverging(-2.0, 1.0) == diverging(-1.0, 1.0)
    assert diverging(0.0, 1.0).name().upper() == theme.LIGHT.surface


def test_a_long_name_is_broken_and_elided(page):
    metrics = page.table.fontMetrics()
    width = metrics.horizontalAdvance("brown spots")
    assert wrapped("brown spots", metrics, width) == ["brown spots"]
    assert wrapped("brown spots on veins", metrics, width)[0] == "brown spots"
    assert len(wrapped("a " * 200, metrics, width)) == 2
