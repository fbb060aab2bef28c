# SPDX-License-Identifier: MIT
"""Grid of pictures with the same edits, each with its before, after and flip."""

from __future__ import annotations

import pytest
from fake_explainer import FakeExplainer
from panel_harness import open_model, waiting_for
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latent_explorer.app.exploration.intents import SetAttribute, SetTarget
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.app.exploration.updates import GridPicture
from latent_explorer.explain.recipe import SampleBase, SeedBase
from latent_explorer.ui.canvas.grid import GridPanel, choose_bases, columns_for

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def grid(qtbot, explorer, tmp_path):
    made = GridPanel(explorer)
    qtbot.addWidget(made)
    made.resize(760, 460)
    made.show()
    qtbot.waitExposed(made)
    with waiting_for(qtbot, explorer, GridPicture, count=8):
        open_model(qtbot, explorer, tmp_path)
    return made


def test_eight_pictures_of_other_classes_at_first(grid, explorer):
    probs = explorer.summary.samples.probs
    assert len(grid.cells) == 8
    assert all(probs[base.index].argmax() != 0 for base in grid.bases)
    assert all(cell.probabilities is not None for cell in grid.cells)
    assert grid.tally.text() == "0 of 8 flipped"


def test_a_slider_moves_all_of_them(grid, explorer, qtbot):
    strongest = explorer.attributes()[0]
    with waiting_for(qtbot, explorer, GridPicture, count=8):
        explorer.apply(SetAttribute(strongest, 1.0))
    for cell in grid.cells:
        before, after = cell.probabilities
        assert after > before
        flipped = before < 0.5 < after
        assert cell.verdict == ("flipped" if flipped else "")
    assert grid.tally.text() == f"{sum(bool(c.verdict) for c in grid.cells)} of 8 flipped"


def test_flipped_is_said_and_drawn_not_only_coloured(grid, explorer, qtbot):
    cell = grid.cells[0]
    plain = cell.grab().toImage()
    for attribute in explorer.attributes()[:2]:
        explorer.apply(SetAttribute(attribute, 1.0))
    qtbot.waitUntil(lambda: cell.verdict != "", timeout=5000)
    assert cell.verdict == "flipped"
    assert cell.accessibleDescription().endswith("flipped")
    assert cell.grab().toImage() != plain


@pytest.mark.parametrize("place", [0, 1, 2])
def test_six_eight_or_twelve(grid, explorer, qtbot, place):
    wanted = (6, 8, 12)[place]
    grid.count.setCurrentIndex(place)
    grid.count.activated.emit(place)
    assert len(grid.cells) == wanted
    qtbot.waitUntil(lambda: all(cell.probabilities for cell in grid.cells), timeout=5000)


def test_shuffle_brings_others(grid):
    first = grid.bases
    QTest.mouseClick(grid.shuffle, LEFT)
    assert grid.bases != first


def test_seeds(grid):
    grid.source.setCurrentIndex(2)
    grid.source.activated.emit(2)
    assert all(isinstance(base, SeedBase) for base in grid.bases)


def test_nothing_is_rendered_while_hidden(grid, explorer, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(explorer, "set_grid", asked.append)
    grid.hide()
    assert asked == [()]
    grid.show()
    assert asked == [(), grid.bases]


def test_a_double_click_opens_the_picture(grid, explorer, qtbot):
    with qtbot.waitSignal(grid.opened):
        QTest.mouseDClick(grid.cells[3], LEFT)
    assert explorer.state.base == grid.bases[3]


def test_return_opens_and_space_shows_the_unedited_one(grid, explorer, qtbot):
    with waiting_for(qtbot, explorer, GridPicture, count=8):
        explorer.apply(SetAttribute(explorer.attributes()[0], 1.0))
    cell = grid.cells[0]
    after = cell.grab().toImage()
    QTest.keyPress(cell, Qt.Key.Key_Space)
    assert cell.grab().toImage() != after
    QTest.keyRelease(cell, Qt.Key.Key_Space)
    assert cell.grab().toImage() == after
    QTest.keyClick(cell, Qt.Key.Key_Return)
    assert explorer.state.base == grid.bases[0]


def test_another_class_is_read_from_the_same_pictures(grid, explorer):
    grid.source.setCurrentIndex(1)
    grid.source.activated.emit(1)
    bases = grid.bases
    explorer.apply(SetTarget(1))
    assert grid.bases == bases


def test_another_class_has_other_others(grid, explorer):
    explorer.apply(SetTarget(1))
    probs = explorer.summary.samples.probs
    assert all(probs[base.index].argmax() == 0 for base in grid.bases)


def test_pictures_stay_inside_the_panel(grid, qapp):
    qapp.processEvents()
    for cell in grid.cells:
        corner = cell.mapTo(grid, cell.rect().bottomRight())
        assert grid.rect().contains(corner)


def test_choice_is_repeatable_and_without_repetition(grid, explorer):
    first = choose_bases(explorer.summary, explorer.state, "all", 12, 3)
    assert first == choose_bases(explorer.summary, explorer.state, "all", 12, 3)
    assert len(set(first)) == 12
    assert all(isinstance(base, SampleBase) for base in first)


def test_of_a_classifier_of_other_classes_no_sample_is_known_to_be_another():
    summary = FakeExplainer(classifiers=3).summary()
    own, reversed_, same = summary.classifiers
    told = summary.samples.probs.argmax(axis=1)

    def verdicts(asked, source="others"):
        state = ExplorerState("a" * 64, SampleBase(0), classifier_id=asked.classifier_id)
        return {int(told[b.index]) for b in choose_bases(summary, state, source, 12, 3)}

    assert verdicts(own) == verdicts(same) == {1}
    assert verdicts(reversed_) == verdicts(own, "all") == {0, 1}


@pytest.mark.parametrize(("size", "columns"), [((760, 460), 4), ((300, 900), 2), ((1600, 240), 8)])
def test_the_number_of_columns_makes_the_pictures_large(size, columns):
    assert columns_for(8, *size) == columns


def test_named_for_screen_readers(grid):
    for cell in grid.cells:
        assert cell.accessibleName().startswith("leaf_")
        assert "before" in cell.accessibleDescription()
