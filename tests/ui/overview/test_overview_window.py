# SPDX-License-Identifier: MIT
"""Window "Overview": opened from the menu, pages that work only while they are in view, and the page "Pictures"."""

from __future__ import annotations

import numpy as np
import pytest
from panel_harness import open_model
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latent_explorer.app.exploration.intents import SetAttribute, SetTarget
from latent_explorer.ui.overview.page import NO_MODEL
from latent_explorer.ui.overview.pictures_page import PicturesPage
from latent_explorer.ui.overview.window import OverviewWindow
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.scaling import difference


@pytest.fixture
def page(qtbot, explorer, tmp_path) -> PicturesPage:
    theme.apply("light")
    window = OverviewWindow(explorer)
    qtbot.addWidget(window)
    open_model(qtbot, explorer, tmp_path)
    window.present()
    qtbot.waitExposed(window)
    qtbot.waitUntil(lambda: bool(window.page.strip.rows) and not window.page.strip.left)
    return window.page


def press(table, row, column):
    """Click a picture of a table."""
    at = table.visualRect(table.model().index(row, column)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)


def test_the_action_opens_one_window_and_brings_it_back(qtbot, desktop):
    action = desktop.window.actions_by_key["overview"]
    action.trigger()
    (window,) = desktop.window.findChildren(OverviewWindow)
    qtbot.waitExposed(window)
    assert not window.isModal()
    window.close()
    action.trigger()
    assert desktop.window.findChildren(OverviewWindow) == [window]
    assert window.isVisible()


def test_another_file_is_shown_when_it_is_opened(qtbot, explorer, page, tmp_path):
    before = page.strip.rows
    open_model(qtbot, explorer, tmp_path)
    qtbot.waitUntil(lambda: bool(page.strip.rows) and page.strip.rows is not before and not page.strip.left)


def test_nothing_is_rendered_while_it_is_closed(qtbot, explorer, page):
    page.window().close()
    explorer.apply(SetTarget(1))
    assert page.strip._requests.newest == []
    explorer.apply(SetTarget(0))
    page.window().present()
    qtbot.waitUntil(lambda: bool(page.strip.rows) and not page.strip.left)


def test_both_tables_show_their_pictures_with_probability_and_verdict(page):
    others, called = (half.table for half in page.tables)
    assert [half.heading.text() for half in page.tables] == ["Not called diseased", "Called diseased"]
    assert others.model().rowCount() == called.model().rowCount() == 4
    for table in (others, called):
        assert table.model().columnCount() == 3
        for row in range(4):
            texts = [table.model().index(row, c).data(Qt.ItemDataRole.AccessibleTextRole) for c in range(3)]
            assert "The verdict is" in texts[1]
            assert "brown spots +1.00" in texts[2]
    assert others.model().headerData(2, Qt.Orientation.Horizontal) == "+1.00"
    assert page.grab().width() > 0


def test_a_click_shows_the_picture_with_its_edit_and_undo_goes_back(explorer, page):
    table = page.tables[1].table
    before = explorer.state
    press(table, 1, 0)
    place = table.pictures.places[1]
    assert explorer.state.base == page.strip.rows[place].base
    assert [edit.amount for edit in explorer.state.edits] == [-1.0]
    explorer.undo()
    assert explorer.state == before


def test_the_keyboard_opens_it_too(explorer, page):
    table = page.tables[0].table
    table.setFocus()
    table.setCurrentIndex(table.model().index(0, 1))
    QTest.keyClick(table, Qt.Key.Key_Right)
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert "+1.00" in page.line.text()
    QTest.keyClick(table, Qt.Key.Key_Return)
    place = table.pictures.places[1]
    assert explorer.state.base == page.strip.rows[place].base
    assert [edit.amount for edit in explorer.state.edits] == [1.0]


def test_it_follows_the_slider_that_is_moved_unless_told_not_to(qtbot, explorer, page):
    explorer.apply(SetAttribute(explorer.attributes()[3], 0.4))
    assert page.attribute.currentIndex() == 3
    qtbot.waitUntil(lambda: not page.strip.left)
    page.follow.setChecked(False)
    explorer.apply(SetAttribute(explorer.attributes()[1], 0.4))
    assert page.attribute.currentIndex() == 3


def test_differences_are_shown_of_both_ends(page):
    model = page.tables[0].table.pictures
    plain = model.image(0, model.columns[2])
    page.differences.click()
    assert model.headerData(2, Qt.Orientation.Horizontal) == "change at +1.00"
    change = model.image(0, model.columns[2])
    np.testing.assert_array_equal(change, difference(model.unedited(0).image, plain))
    assert "what changes" in model.words(0, model.columns[0])
    assert model.image(0, model.columns[1]) is model.unedited(0).image
    page.differences.click()
    assert model.image(0, model.columns[2]) is plain


def test_the_controls_ask_anew(qtbot, page):
    page.amount.track.setValue(50)
    assert page.tables[0].table.model().headerData(0, Qt.Orientation.Horizontal) == "\N{MINUS SIGN}0.50"
    page.source.setCurrentIndex(3)
    page.source.activated.emit(3)
    qtbot.waitUntil(lambda: not page.strip.rows)
    assert "empty" in page.line.text()


def test_without_a_model_it_says_what_to_do(qtbot, explorer):
    window = OverviewWindow(explorer)
    qtbot.addWidget(window)
    window.present()
    assert window.page.empty.sentence.text() == NO_MODEL
    assert not window.page.content.isVisible()


def test_keys_go_from_page_to_page(page):
    window, control, shift = page.window(), Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(page.tables[0].table, Qt.Key.Key_Tab, control)
    assert window.tabs.word == "Heat map"
    QTest.keyClick(window.page.table, Qt.Key.Key_Backtab, control | shift)
    assert window.tabs.word == "Pictures"
