# SPDX-License-Identifier: MIT
"""The labelling window: keys, buttons, counts and figures, sets, and its end."""

from __future__ import annotations

import pytest
from exploration_examples import AGE
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from window_tools import colours_in

from latent_explorer.explain.direction_search.judge import Judgement
from latent_explorer.explain.labels import SKIPPED
from latent_explorer.ui.labelling.figures_view import FigureView, figures_text
from latent_explorer.ui.labelling.window import LabelDialog

WAIT = 60_000  # ms
FIGURES = {"accuracy": 0.9, "low": 0.8, "high": 0.95, "majority": 0.55, "shuffled": 0.5, "examples": 40.0}


@pytest.fixture
def page(desktop, qtbot):
    desktop.window.actions_by_key["label_pictures"].trigger()
    dialog = desktop.window.findChild(LabelDialog)
    qtbot.waitUntil(lambda: dialog.controller.image is not None, timeout=WAIT)
    return dialog


def press(qtbot, page, key) -> None:
    """Press a key when the picture is there."""
    qtbot.waitUntil(lambda: page.controller.image is not None, timeout=WAIT)
    QTest.keyClick(page.picture, key)


def values(page) -> list[int]:
    return [label.value for label in page.controller.labels.labels]


def test_keys_label_and_take_back(qtbot, page):
    keys = (Qt.Key.Key_1, Qt.Key.Key_0, Qt.Key.Key_S, Qt.Key.Key_Space)
    for key in keys:
        press(qtbot, page, key)
    press(qtbot, page, Qt.Key.Key_3)
    assert values(page) == [1, 0, SKIPPED, SKIPPED]
    assert page.counts.accessibleName() == "Has it: 1, Has it not: 1, Skipped: 2"
    QTest.keyClick(page.picture, Qt.Key.Key_Backspace)
    QTest.keyClick(page.picture, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: values(page) == [1, 0], timeout=WAIT)
    page.answers[1].click()
    assert values(page) == [1, 0, 1]
    page.back.click()
    assert values(page) == [1, 0]
    assert colours_in(page.picture) > 1
    assert "2 more" not in page.note.text()
    assert page.note.text().startswith("Too few pictures")


def test_a_name_takes_its_own_keys(qtbot, page):
    page.name.setFocus()
    QTest.keyClicks(page.name, "10 spots")
    QTest.keyClick(page.name, Qt.Key.Key_Return)
    assert values(page) == []
    assert page.controller.labels.name == "10 spots"
    assert page.question.text() == "Does it have: 10 spots?"
    assert page.isVisible()
    press(qtbot, page, Qt.Key.Key_1)
    assert values(page) == [1]


def test_ratings_have_five_keys(qtbot, page):
    page.kind.chosen.emit(1)
    assert list(page.answers) == [1, 2, 3, 4, 5, SKIPPED]
    for key in (Qt.Key.Key_5, Qt.Key.Key_0, Qt.Key.Key_2):
        press(qtbot, page, key)
    assert values(page) == [5, 2]
    assert not page.seek.isEnabled()
    assert page.counts.accessibleName() == "1: 0, 2: 1, 3: 0, 4: 0, 5: 1, Skipped: 0"
    page.kind.chosen.emit(0)
    assert (page.controller.number, values(page)) == (1, [])


def test_figures_stand_beside_their_controls(qtbot, page):
    page.controller.figures.judgement = Judgement(FIGURES)
    page._changed()
    text = page.figure.accessibleName()
    assert text == "Cross-validated accuracy 0.90, 95 % 0.80 to 0.95, on 40; larger label 0.55, shuffled 0.50"
    assert "chance" in page.figure.toolTip()
    assert colours_in(page.figure) > 2
    rated = {key: value for key, value in FIGURES.items() if key not in ("accuracy", "majority")} | {"correlation": 0.3}
    assert figures_text(rated).startswith("Cross-validated correlation 0.30")
    view = FigureView()
    qtbot.addWidget(view)
    view.show_figures(rated, fresh=False)
    assert colours_in(view) > 2


def test_other_sets_are_in_the_menu(qtbot, page, monkeypatch, tmp_path):
    press(qtbot, page, Qt.Key.Key_1)
    path = tmp_path / "a.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(path.with_suffix("")), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: (str(path), ""))
    by_text = {action.text(): action for action in page.menu().actions()}
    assert by_text["No name (1)"].isChecked()
    by_text["Export labels..."].trigger()
    assert path.is_file()
    by_text["Another attribute"].trigger()
    assert values(page) == []
    by_text["Import labels..."].trigger()
    assert values(page) == [1]
    assert page.controller.number == 1
    page.menu().actions()[0].trigger()
    assert page.controller.number == 0


def test_the_boundary_is_conditional_on_what_is_chosen(desktop, page):
    assert not page.given.isEnabled()
    desktop.explorer.change_document(desktop.explorer.document.with_directions(AGE))
    assert page.given.isEnabled()
    page.given.menu_of_all().actions()[0].trigger()
    assert page.controller.given == (AGE,)
    assert page.given.text() == "age"
    page.given.menu_of_all().actions()[0].trigger()
    assert page.controller.given == ()


def test_one_window_that_ends_without_loss(desktop, qtbot, page):
    desktop.window.actions_by_key["label_pictures"].trigger()
    assert len(desktop.window.findChildren(LabelDialog)) == 1
    press(qtbot, page, Qt.Key.Key_1)
    with qtbot.waitSignal(page.destroyed, timeout=WAIT):
        page.reject()
    assert desktop.explorer.unsaved
    assert len(desktop.explorer.document.labels[0].labels) == 1
    desktop.window.actions_by_key["label_pictures"].trigger()
    again = desktop.window.findChild(LabelDialog)
    assert values(again) == [1]


def test_another_exploration_gets_none_of_it(desktop, qtbot, page, tmp_path, monkeypatch):
    page.name.setFocus()
    QTest.keyClicks(page.name, "spots")
    assert desktop.explorer.document.labels[0].name == "spots"
    monkeypatch.setattr(desktop.explorer, "may_leave", lambda _jobs: True)
    path = tmp_path / "other.explainer"
    path.touch()
    with qtbot.waitSignal(page.destroyed, timeout=WAIT):
        desktop.explorer.open_path(path)
    assert desktop.explorer.document.labels == ()
