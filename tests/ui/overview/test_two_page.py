# SPDX-License-Identifier: MIT
"""Page "Two classifiers": choosers, both verdicts live, lists and scatter, what is copied and written."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from labelled_leaves import write_labelled
from panel_harness import explorer_on, open_model
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from tiny import make_explainer

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.exploration.updates import DocumentChanged
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.recipe import SampleBase
from latent_explorer.explain.report.shared_edits import Flips, ListEdit
from latent_explorer.explain.report.two_classifiers import UNKNOWN, Comparison, Correlation, SharedMove
from latent_explorer.models.attributes import Attribute, AttributeEntry
from latent_explorer.models.explainer import hash_classifier
from latent_explorer.ui.overview.two_page import ONE, SAME, TwoClassifiersPage
from latent_explorer.ui.overview.window import PAGES, OverviewWindow
from latent_explorer.ui.style import theme

PLACE = [title for title, _page in PAGES].index("Two classifiers")


def move(style_index, end, target, effects, places, relative=(UNKNOWN, UNKNOWN)):
    intervals = tuple((effect - 0.1, effect + 0.1) for effect in effects)
    return SharedMove(style_index, end, target, 8, effects, intervals, (0.1, 0.3), places, relative)


SHARED = move(2, "max", 0, (1.2, 0.4), (1, 2), ((0.25, (0.2, 0.3)), (4.0, (3.0, 5.0))))
ALONE = move(5, "min", 0, (0.9, -0.02), (2, None))
OTHERS = move(7, "max", 0, (0.0, 0.5), (None, 1))
BACK = move(2, "min", 1, (1.0, 0.3), (1, 1))


def comparison(ids):
    turned = Flips((Rate(9, 10), Rate(2, 10)), (Rate(9, 12), Rate(2, 10)), (7, 0))
    idle = Flips((Rate(0, 10), Rate(1, 10)), (Rate(0, 12), Rate(1, 10)), (0, 1))
    edit = ListEdit(0, 0, 2, turned, idle, idle, (0.2, 0.1, 0.2))
    verdicts = np.array([[0, 0], [1, 1], [0, 1], [1, 1], [1, 0]])
    correlations = (Correlation(0, -0.5, 3, 0.25), Correlation(1, float("nan"), 1, 0.25))
    classes = "diseased", "healthy"
    moves = SHARED, ALONE, OTHERS, BACK
    return Comparison(ids, ("first", "second"), classes, 5, verdicts, moves, correlations, (edit,), "pixels")


@pytest.fixture
def explorer(qapp, tmp_path):
    with explorer_on(tmp_path, classifiers=2) as made:
        yield made


@pytest.fixture
def page(qtbot, explorer, tmp_path) -> TwoClassifiersPage:
    theme.apply("light")
    window = OverviewWindow(explorer)
    qtbot.addWidget(window)
    open_model(qtbot, explorer, tmp_path)
    window.show_page(PLACE)
    window.present()
    qtbot.waitExposed(window)
    return window.page


@pytest.fixture
def compared(page):
    """Page with a comparison."""
    ids = page.choices[0].currentData(), page.choices[1].currentData()
    page.controller._show(ids, comparison(ids))
    return page


def test_the_first_two_classifiers_are_chosen_and_their_verdicts_follow_the_sliders(qtbot, explorer, page):
    assert [box.currentText() for box in page.choices] == ["small residual network", "second opinion"]
    qtbot.waitUntil(lambda: "P(diseased)" in page.verdicts.words(1), timeout=60_000)
    before = page.verdicts.words(1)
    explorer.apply(SetAttribute(explorer.attributes()[0], 1.0))
    qtbot.waitUntil(lambda: page.verdicts.words(1) != before, timeout=60_000)
    assert "second opinion: P(diseased)" in page.verdicts.accessibleDescription()


def test_one_classifier_twice_and_one_alone_say_what_to_do(qtbot, page):
    page.choices[1].setCurrentIndex(0)
    page.choices[1].activated.emit(0)
    assert page.nothing.sentence.text() == SAME
    assert not page.compare.isEnabled()
    assert page.nothing.button.isHidden()


def test_an_explainer_with_one_classifier_asks_for_a_file(qtbot, tmp_path):
    with explorer_on(tmp_path) as explorer:
        window = OverviewWindow(explorer)
        qtbot.addWidget(window)
        open_model(qtbot, explorer, tmp_path)
        window.show_page(PLACE)
        window.present()
        assert window.page.nothing.sentence.text() == ONE


def test_lists_are_beside_each_other_and_say_what_is_shared(compared):
    assert [each.text() for each in compared.heads] == ["A: first", "B: second"]
    lists = compared.lists
    assert lists._lists == ([SHARED, ALONE], [OTHERS, SHARED])
    assert "in both lists" in lists.text_at((0, 0))
    assert "RelativeChange B/A +0.25 (+0.20 to +0.30); RelativeChange A/B +4.00" in lists.text_at((0, 0))
    assert "only in A's" in lists.text_at((0, 1))
    assert "RelativeChange" not in lists.text_at((0, 1))
    assert "only in B's" in lists.text_at((1, 0))
    assert "-0.50 of the 3 listed moves" in compared.correlation.text()
    assert "turns A in 90%, B in 20%; a random edit as large 0%, 10%" in compared.figures.text()
    compared.target.setCurrentIndex(1)
    compared.target.activated.emit(1)
    assert lists._lists == ([BACK], [BACK])
    assert "unknown of the 1 listed moves" in compared.correlation.text()
    assert compared.grab().width() > 0


def test_a_click_in_the_scatter_shows_the_edit_and_marks_it_in_both_lists(explorer, compared):
    at = compared.scatter.point_of(ALONE.effects).toPoint()
    QTest.mouseClick(compared.scatter, Qt.MouseButton.LeftButton, pos=at)
    (edit,) = explorer.state.edits
    assert (edit.style_index, edit.end, edit.amount) == (5, "max", -1.0)
    assert compared.lists.current == compared.scatter.current == ALONE
    explorer.undo()
    assert explorer.state.edits == ()


def test_the_lists_work_by_keyboard(explorer, compared):
    compared.lists.setFocus()
    QTest.keyClick(compared.lists, Qt.Key.Key_Right)
    assert "style 7 to its max" in compared.lists.accessibleDescription()
    assert compared.line.text() == compared.lists.accessibleDescription()
    QTest.keyClick(compared.lists, Qt.Key.Key_Down)
    QTest.keyClick(compared.lists, Qt.Key.Key_Down)  # there is no third
    QTest.keyClick(compared.lists, Qt.Key.Key_Return)
    assert [edit.style_index for edit in explorer.state.edits] == [2]


def test_pictures_on_which_they_part_come_one_after_another(explorer, compared):
    seen = []
    for _ in range(3):
        compared.disagree.click()
        seen.append(explorer.state.base)
    assert seen == [SampleBase(2), SampleBase(4), SampleBase(2)]


def test_it_is_copied_as_sentences_and_written_as_compare_writes_it(compared, tmp_path, monkeypatch):
    compared.copy.click()
    said = QApplication.clipboard().text()
    assert "say the same of 60% of 5 pictures" in said
    assert "turn A in 90% and B in 20% of the 10 pictures" in said
    monkeypatch.setattr(
        "latent_explorer.ui.overview.two_page.QFileDialog.getSaveFileName", lambda *_: (str(tmp_path / "x.json"), "")
    )
    compared.export.click()
    assert json.loads((tmp_path / "x.json").read_text())["coordinates"] == {"both": [2], "first": [5], "second": [7]}


def test_a_comparison_stays_as_it_is_and_takes_new_names_and_newer_results(explorer, compared):
    compared.lists.choose(ALONE)
    explorer.updates.emit(DocumentChanged(explorer.document))
    assert compared.lists.current == ALONE
    attribute = Attribute("", ALONE.target, (AttributeEntry(ALONE.style_index, ALONE.end),))
    explorer.change_document(explorer.document.renamed(attribute, "blue rim"))
    assert compared.lists.text_at((0, 1)).startswith("blue rim")
    ids = compared.choices[0].currentData(), compared.choices[1].currentData()
    compared.controller._show(ids, comparison(ids))
    assert compared.lists.current is None


@pytest.fixture
def real_page(qtbot, qapp, tmp_path):
    """Page on an explainer with two small networks, in place of the fake ones; and that explainer."""
    model, other = make_explainer(samples=20), make_explainer(samples=20, seed=1).classifier
    model = replace(model, classifiers=model.classifiers | {hash_classifier(other): other})
    host = ModelHost(read=lambda _path: model, identify=lambda _path: model.model_hash)
    with explorer_on(tmp_path, host) as explorer:
        theme.apply("light")
        made = TwoClassifiersPage(explorer)
        qtbot.addWidget(made)
        made.show()
        open_model(qtbot, explorer, tmp_path)
        yield made, model


def test_regressions_stand_first_in_the_strip(qtbot, real_page, tmp_path, monkeypatch):
    page, model = real_page
    explorer = page.explorer
    qtbot.waitUntil(lambda: page.choices[1].count() == 2, timeout=60_000)
    assert page.parted.isHidden()
    folder = write_labelled(tmp_path / "leaves", model, "state", ("healthy", "diseased"))
    monkeypatch.setattr("latent_explorer.ui.overview.two_page.QFileDialog.getExistingDirectory", lambda *_: str(folder))
    page.photographs.click()
    ids = page.choices[0].currentData(), page.choices[1].currentData()
    qtbot.waitUntil(lambda: page.controller.photographs.found(ids) is not None, timeout=60_000)
    found = page.controller.photographs.found(ids).parted
    strip = page.parted
    assert strip.isVisible()
    assert f"{found.groups['regression']:,} regression" in strip.title.text()
    assert "healthy is healthy" in strip.title.text()
    assert strip.pictures.count() == len(found.pictures) > 0
    said = [strip.pictures.item(i).text().split("\n")[0] for i in range(strip.pictures.count())]
    assert said == sorted(said, key=["Regression", "Gain"].index)
    strip.pictures.setCurrentRow(0)
    assert f"{said[0]}: {found.pictures[0].name}, labelled" in page.line.text()
    opened = []
    monkeypatch.setattr(explorer, "open_path", opened.append)
    pressed = []
    page.photographs.clicked.connect(pressed.append)
    QTest.keyClick(strip.pictures, Qt.Key.Key_Return)
    assert opened == [folder / found.pictures[0].name]
    assert not pressed  # by the Return that the list took
    page.choices[1].setCurrentIndex(0)
    page.choices[1].activated.emit(0)  # A twice
    assert strip.isHidden()
