# SPDX-License-Identifier: MIT
"""Sliders of directions in the window, and the dialogs on what a file is and which rows a direction moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from exploration_examples import AGE
from PySide6.QtWidgets import QFileDialog

from latent_explorer.app.exploration.state import direction_amount
from latent_explorer.app.exploration.updates import VectorsFound
from latent_explorer.explain.direction_search.settings import LOSS_TITLES, GuidedSettings, SearchSettings
from latent_explorer.explain.directions.found import Guess, StoredVector, VectorFile
from latent_explorer.ui.attributes.find_directions import IDENTITIES
from latent_explorer.ui.attributes.vector_dialog import VectorDialog

VECTORS = tuple(StoredVector(f"c {i}", np.ones(8, np.float32)) for i in range(1, 10))


@pytest.fixture
def shown(desktop):
    desktop.explorer.change_document(desktop.explorer.document.with_directions(AGE))
    return desktop.window.attributes.list.directions


def test_without_directions_nothing_is_shown(desktop):
    assert not desktop.window.attributes.list.directions.isVisible()


def test_a_slider_is_in_standard_deviations(desktop, shown):
    (card,) = shown.cards
    assert shown.isVisible()
    assert (card.name.text, card.rows.text()) == ("age", "rows 0-1")
    assert card.slider.track.accessibleName() == "age, standard deviations"
    card.slider.field.committed.emit(1.5)
    assert direction_amount(desktop.explorer.state, AGE) == 1.5
    card.slider.field.committed.emit(9.0)
    assert direction_amount(desktop.explorer.state, AGE) == 3
    desktop.explorer.undo()
    assert card.slider.amount == 1.5
    desktop.window.attributes.reset.click()
    assert card.slider.amount == 0


def test_it_is_renamed_and_removed(desktop, shown):
    (card,) = shown.cards
    card.name.renamed.emit("years")
    assert card.name.text == "years"
    assert [a.text().split("\t")[0] for a in card.menu().actions() if a.text()] == [
        "Rename", "Rows it moves...", "Reset", "Remove slider",
    ]  # fmt: skip
    card.remove.click()
    assert shown.cards == []
    assert not shown.isVisible()


def test_its_rows_are_chosen_in_a_dialog(desktop, shown):
    (card,) = shown.cards
    card.slider.field.committed.emit(1.0)
    card.rows.click()
    shown.dialog.first.setCurrentIndex(4)
    shown.dialog.last.setCurrentIndex(2)
    shown.dialog.accept()
    (direction,) = desktop.explorer.directions()
    assert (direction.first, direction.last) == (2, 4)
    assert shown.cards == [card], "it keeps its focus"
    assert card.rows.text() == "rows 2-4"
    assert direction_amount(desktop.explorer.state, direction) == 1


def test_a_file_that_may_be_either_is_asked_about(desktop, monkeypatch):
    directions, opened = desktop.window.attributes.list.directions, []
    monkeypatch.setattr(directions.controller, "open_latents", opened.append)
    found = VectorFile(Path("x.npy"), 1, VECTORS[:1], Guess(False, "It lies where the latents of this model lie."))
    desktop.explorer.updates.emit(VectorsFound(found))
    assert directions.dialog.picture.isChecked()
    directions.dialog.go.click()
    assert opened == [found]


def test_of_many_directions_the_first_few_are_offered(qtbot):
    dialog = VectorDialog(VectorFile(Path("x.npz"), 0, VECTORS, Guess(True, "")))
    qtbot.addWidget(dialog)
    assert dialog.direction.isChecked()
    assert not dialog.picture.isEnabled()
    assert (dialog.first.count, dialog.last.count) == (1, 5)
    dialog.first.setValue(7)
    with qtbot.waitSignal(dialog.directions_chosen) as caught:
        dialog.go.click()
    assert caught.args == [6, 6]


def test_tab_goes_from_a_direction_to_the_attributes(desktop, shown):
    (card,) = shown.cards
    stops = [*card.stops, *desktop.window.attributes.list.cards[0].stops]
    chain, widget = [], stops[0]
    while widget is not stops[0] or not chain:
        chain.append(widget)
        widget = widget.nextInFocusChain()
    assert [widget for widget in chain if widget in stops] == stops


def test_a_search_is_chosen_in_a_dialog(desktop, monkeypatch):
    directions, asked = desktop.window.attributes.list.directions, []
    monkeypatch.setattr(directions.controller, "find", lambda *args: asked.append(args))
    desktop.window.actions_by_key["find_directions"].trigger()
    dialog = directions.dialog
    assert [dialog.method.itemText(i) for i in range(4)] == [
        "Classifier-guided", "Linear boundary", "GANSpace", "SeFa",
    ]  # fmt: skip
    assert dialog.target.currentIndex() == 1 + desktop.explorer.state.target_class
    assert not dialog.about_count.isVisible()
    dialog.target.setCurrentIndex(0)
    assert dialog.target.currentText() == "Every class"
    assert dialog.about_count.isVisible()
    dialog.method.setCurrentIndex(3)
    assert (dialog.target.currentText(), dialog.about_count.isVisible(), dialog.count.count) == ("No class", False, 5)
    dialog.first.setCurrentIndex(3)
    dialog.last.setCurrentIndex(1)
    dialog.go.click()
    desktop.window.actions_by_key["find_directions"].trigger()
    directions.dialog.target.setCurrentIndex(2)
    directions.dialog.go.click()
    assert asked == [
        (SearchSettings("sefa", rows=(1, 3), count=5), (), None),
        (SearchSettings("guided", target=1), (), None),
    ]


def test_a_requested_amount_leaves_nothing_as_it_is_unless_that_is_chosen(desktop, monkeypatch):
    directions, asked = desktop.window.attributes.list.directions, []
    monkeypatch.setattr(directions.controller, "find", lambda *args: asked.append(args))
    desktop.window.actions_by_key["find_directions"].trigger()
    dialog, amount = directions.dialog, list(LOSS_TITLES).index("amount")
    dialog.loss.setCurrentIndex(amount)
    assert dialog.identity.currentText() == "Nothing"
    assert "by as much as you ask for" in dialog.sentence.text()
    dialog.loss.setCurrentIndex(0)
    assert dialog.identity.currentText() == "The picture"
    dialog.identity.setCurrentIndex(2)
    dialog.loss.setCurrentIndex(amount)
    dialog.go.click()
    guided = GuidedSettings(loss="amount", identity="features")
    target = desktop.explorer.state.target_class
    assert asked == [(SearchSettings("guided", target=target, guided=guided), (), None)]


def test_what_a_direction_does_is_said_at_its_name(desktop, shown, monkeypatch):
    monkeypatch.setattr(shown.controller, "effect", lambda _direction: "1% of 90 pictures.")
    shown.refresh()
    assert shown.cards[0].name.toolTip() == "1% of 90 pictures."


def test_what_stays_and_what_is_left_alone_are_chosen(desktop, shown, monkeypatch):
    asked = []
    monkeypatch.setattr(shown.controller, "find", lambda *args: asked.append(args))
    desktop.window.actions_by_key["find_directions"].trigger()
    dialog, last = shown.dialog, len(IDENTITIES) - 1
    assert dialog.identity.isEnabled()
    assert not dialog.given.isEnabled()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: ("", ""))
    dialog.identity.setCurrentIndex(last)
    dialog.identity.activated.emit(last)
    assert dialog.identity.currentIndex() == 0, "no file was chosen"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: ("/x/face.onnx", ""))
    dialog.identity.setCurrentIndex(last)
    dialog.identity.activated.emit(last)
    assert dialog.identity.currentText() == "What face.onnx sees"
    dialog.go.click()
    desktop.window.actions_by_key["find_directions"].trigger()
    dialog = shown.dialog
    dialog.identity.setCurrentIndex(3)
    dialog.method.setCurrentIndex(1)
    assert not dialog.identity.isEnabled()
    assert dialog.given.isEnabled()
    dialog.given.menu_of_all().actions()[0].trigger()
    assert dialog.given.text() == "age"
    assert dialog.given.accessibleName() == "Conditional on: age"
    dialog.go.click()
    (guided, given, network), (boundary, others, none) = asked
    assert (guided.method, guided.guided.identity, given, network) == ("guided", "auto", (), Path("/x/face.onnx"))
    assert (boundary.method, others, none) == ("boundary", (AGE,), None)
