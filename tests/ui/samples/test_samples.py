# SPDX-License-Identifier: MIT
"""Samples panel: strip, seeds, favourites, truncation."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QWidget
from window_tools import desktop_on, drag, open_fake, wait_picture

from latent_explorer.app.exploration.intents import SetBase, SetTruncation
from latent_explorer.explain.recipe import SampleBase, SeedBase


@pytest.fixture
def panel(desktop):
    return desktop.window.samples


def test_strip_lists_the_encoded_pictures_and_rings_the_shown_one(qtbot, desktop, panel):
    assert len(panel.view.thumbnails.bases) == 60
    shown = panel.view.currentIndex().row()
    assert panel.view.thumbnails.bases[shown] == desktop.explorer.state.base
    qtbot.waitUntil(lambda: panel.view.thumbnails.pictures.get(desktop.explorer.state.base) is not None)
    words = panel.view.currentIndex().data(Qt.ItemDataRole.ToolTipRole)
    assert words.startswith("Sample leaf_00")
    assert "0." in words


def test_samples_of_a_plain_generator_are_called_generated(qtbot, tmp_path):
    """They were called encoded pictures, and each a reconstruction; nobody had encoded anything."""
    with desktop_on(tmp_path, generated=True) as desktop:
        open_fake(qtbot, desktop, tmp_path)
        assert desktop.window.samples.source.currentText() == "Generated pictures"
        assert desktop.window.canvas.view.before.title == "Generated (before)"
        words = [action.text() + action.toolTip() for action in desktop.window.actions_by_key.values()]
        for widget in desktop.window.findChildren(QWidget):
            words += [widget.toolTip(), widget.accessibleName()]
            words += [widget.text()] if isinstance(widget, (QLabel, QAbstractButton)) else []
            words += [widget.itemText(i) for i in range(widget.count())] if isinstance(widget, QComboBox) else []
        assert [text for text in words if "encoded" in text.lower()] == []


def test_choosing_a_thumbnail_is_one_step_of_undo(qtbot, desktop, panel):
    start = desktop.explorer.state.base
    at = panel.view.currentIndex().row()
    panel.view.setFocus()
    QTest.keyClick(panel.view, Qt.Key.Key_Left)
    assert desktop.explorer.state.base == SampleBase(at - 1)
    wait_picture(qtbot, desktop)
    desktop.explorer.undo()
    assert desktop.explorer.state.base == start
    assert panel.view.currentIndex().row() == at


def test_only_thumbnails_in_view_are_asked_for(qtbot, desktop, panel):
    last = SampleBase(59)
    qtbot.waitUntil(lambda: panel.view.thumbnails.pictures.get(desktop.explorer.state.base) is not None)
    panel.view.scrollToTop()
    assert panel.view.thumbnails.pictures.get(last) is None
    panel.view.scrollToBottom()
    qtbot.waitUntil(lambda: panel.view.thumbnails.pictures.get(last) is not None)


def test_next_previous_and_random(qtbot, desktop, panel):
    at = panel.view.currentIndex().row()
    QTest.keyClick(desktop.window, "n")
    assert desktop.explorer.state.base == SampleBase(at + 1)
    QTest.keyClick(desktop.window, "b")
    QTest.keyClick(desktop.window, "r")
    assert desktop.explorer.state.base != SampleBase(at)


def test_seeds_are_listed_typed_and_shuffled(qtbot, desktop, panel):
    panel.source.setCurrentIndex(1)
    assert panel.view.thumbnails.bases[:2] == [SeedBase(0), SeedBase(1)]
    assert panel.seed.isVisible()
    panel.shuffle.click()
    assert desktop.explorer.state.base == panel.view.thumbnails.bases[0]
    panel.seed.selectAll()
    QTest.keyClicks(panel.seed, "1234")
    QTest.keyClick(panel.seed, Qt.Key.Key_Return)
    assert desktop.explorer.state.base == SeedBase(1234)


def test_truncation_is_for_seeds_until_asked_for(qtbot, desktop, panel):
    assert not panel.psi.isEnabled()
    assert panel.towards_average.isVisible()
    panel.towards_average.click()
    assert desktop.explorer.state.truncate_encoded
    assert panel.psi.isEnabled()
    desktop.explorer.apply(SetBase(SeedBase(5)))
    assert panel.psi.isEnabled()
    assert not panel.towards_average.isVisible()


def test_psi_has_a_detent_at_one_and_marks_what_is_above(qtbot, desktop, panel):
    desktop.explorer.apply(SetBase(SeedBase(5)))
    drag(panel.psi, 0.4)
    assert desktop.explorer.state.truncation_psi == pytest.approx(0.4, abs=0.02)
    drag(panel.psi, 1.005)
    assert desktop.explorer.state.truncation_psi == 1.0
    desktop.explorer.apply(SetTruncation(1.3))
    assert panel.psi.outside
    assert desktop.explorer.undo_text == "Undo change of truncation"


def test_cutoff_counts_rows(desktop, panel):
    desktop.explorer.apply(SetBase(SeedBase(5)))
    panel.cutoff.setCurrentIndex(3)
    panel.cutoff.activated.emit(3)
    assert desktop.explorer.state.truncation_cutoff == 3
    desktop.explorer.undo()
    assert panel.cutoff.currentIndex() == 0


def test_favourites_have_an_empty_state_and_a_star(qtbot, desktop, panel):
    panel.source.setCurrentIndex(panel.source.findData("favourites"))
    assert panel._pages.currentWidget() is panel.empty
    QTest.keyClick(desktop.window, "f")
    assert desktop.explorer.document.favourites == (desktop.explorer.state.base,)
    assert panel.view.thumbnails.bases == [desktop.explorer.state.base]
    assert panel.favourite.isChecked()
    panel.favourite.click()
    assert desktop.explorer.document.favourites == ()


def test_a_model_without_samples_offers_seeds(qtbot, tmp_path):
    with desktop_on(tmp_path, samples=0) as desktop:
        open_fake(qtbot, desktop, tmp_path)
        assert desktop.window.samples.source.currentIndex() == 1
        desktop.window.samples.source.setCurrentIndex(0)
        assert desktop.window.samples._pages.currentWidget() is desktop.window.samples.empty
