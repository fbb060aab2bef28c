# SPDX-License-Identifier: MIT
"""Foot of the attributes panel: offers that turn the picture on the canvas, and what follows a click."""

from __future__ import annotations

import re

import pytest
from panel_harness import open_model, waiting_for
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from latent_explorer.app.exploration.intents import SetAttribute, SetBase
from latent_explorer.app.exploration.state import attribute_amount
from latent_explorer.app.exploration.updates import MainPicture, Message, StateChanged, TurningSet, VerdictOffers
from latent_explorer.explain.recipe import SampleBase
from latent_explorer.models.attributes import Attribute, AttributeEntry
from latent_explorer.ui.attributes.panel import AttributesPanel
from latent_explorer.ui.style import theme

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def view(qtbot, explorer, tmp_path):
    theme.apply("light")
    panel = AttributesPanel(explorer)
    qtbot.addWidget(panel)
    panel.resize(360, 660)
    panel.show()
    qtbot.waitExposed(panel)
    open_model(qtbot, explorer, tmp_path)
    qtbot.waitUntil(panel.verdict.turn.isVisible, timeout=5000)
    return panel.verdict


def test_the_offer_names_its_attributes_and_what_was_rendered(view):
    assert view.turn.accessibleName() == "Turn the verdict: brown spots"
    assert re.fullmatch(r"diseased 0\.\d\d → 0\.\d\d", view.text.text())
    assert view.others.isVisible()
    assert 1 <= len(view.others.menu().actions()) <= 2


def test_a_click_moves_the_sliders_in_one_step_and_the_verdict_turns(view, explorer, qtbot):
    attribute = explorer.attributes()[0]
    with waiting_for(qtbot, explorer, StateChanged, count=2) as seen:
        QTest.mouseClick(view.turn, LEFT)
        qtbot.waitUntil(lambda: attribute_amount(explorer.state, attribute) == 1.0, timeout=5000)
    amounts = [attribute_amount(each.new, attribute) for each in seen]
    assert amounts == sorted(amounts)
    assert len(amounts) > 1  # it moves before the eyes
    qtbot.waitUntil(lambda: view.text.text() == "Turned: healthy before, diseased now.", timeout=5000)
    assert explorer.shown.result.after.logits.argmax() == explorer.state.target_class
    assert explorer.undo_text == 'Undo "Turn the verdict: brown spots"'
    assert QApplication.focusWidget() is view.window().list.cards[0].slider.track  # not in another panel
    explorer.undo()
    assert explorer.state.edits == ()


def test_another_change_ends_the_movement(view, explorer, qtbot):
    QTest.mouseClick(view.turn, LEFT)
    qtbot.waitUntil(lambda: bool(explorer.state.edits), timeout=5000)
    with waiting_for(qtbot, explorer, MainPicture):
        explorer.apply(SetBase(SampleBase(5)))
    state = explorer.state
    qtbot.wait(50)
    assert explorer.state == state


def test_the_other_ways_turn_it_too(view, explorer, qtbot):
    action = view.others.menu().actions()[0]
    action.trigger()
    qtbot.waitUntil(lambda: view.text.text().startswith("Turned:"), timeout=5000)
    assert attribute_amount(explorer.state, explorer.attributes()[0]) == 0


def test_an_offer_for_another_picture_is_not_shown(view, explorer, qtbot):
    offers = view._offers
    with waiting_for(qtbot, explorer, MainPicture):
        explorer.apply(SetBase(SampleBase(9)))
    explorer.updates.emit(offers)
    assert not view.turn.isVisible() or view._offers.request == explorer.shown.request
    explorer.begin_gesture()
    explorer.apply(SetAttribute(explorer.attributes()[5], 0.2))
    assert not view.turn.isVisible()  # the picture of this state has not come yet
    explorer.end_gesture()


def test_where_none_turns_it_says_so_and_offers_a_search(view, explorer, qtbot):
    request, target = explorer.shown.request, explorer.state.target_class
    explorer.updates.emit(VerdictOffers(request, target, (), 10))
    assert view.text.text() == "No set tried of these 10 attributes turns this picture to diseased."
    assert view.search.isVisible()
    assert not view.turn.isVisible()
    QTest.mouseClick(view.search, LEFT)
    qtbot.waitUntil(view.turn.isVisible, timeout=5000)
    assert view._offers.everywhere


def test_styles_found_outside_the_list_become_sliders(view, explorer, qtbot):
    foreign = Attribute("", 0, (AttributeEntry(60, "min"),))
    shown = explorer.shown
    chosen = TurningSet((foreign,), shown.result.after)
    explorer.updates.emit(VerdictOffers(shown.request, 0, (chosen,), 12, everywhere=True))
    assert view.turn.accessibleName() == "Turn the verdict: Style 60 down"
    QTest.mouseClick(view.turn, LEFT)
    qtbot.waitUntil(lambda: attribute_amount(explorer.state, foreign) == 1.0, timeout=5000)
    assert foreign.entries in [a.entries for a in explorer.attributes()]


def test_a_picture_of_the_target_offers_the_other_class(view, explorer, qtbot):
    ill = int(explorer.summary.samples.probs[:, 0].argmax())
    with waiting_for(qtbot, explorer, MainPicture):
        explorer.apply(SetBase(SampleBase(ill)))
    assert view.text.text() == "This picture is diseased already."
    assert not view.turn.isVisible()
    assert view.other_class.accessibleName() == "Show what moves it towards healthy"
    QTest.mouseClick(view.other_class, LEFT)
    assert explorer.state.target_class == 1


def test_a_button_that_goes_leaves_the_focus_in_its_place(view, explorer, qtbot):
    view.turn.setFocus()
    explorer.begin_gesture()
    explorer.apply(SetAttribute(explorer.attributes()[5], 0.2))
    assert not view.turn.isVisible()
    assert QApplication.focusWidget() is view
    explorer.end_gesture()


def test_the_explanation_is_a_sentence_to_copy(view, explorer, qtbot):
    with waiting_for(qtbot, explorer, Message) as told:
        QTest.mouseClick(view.copy, LEFT)
    sentence = QApplication.clipboard().text()
    name = re.escape(explorer.summary.classifiers[0].name)
    assert re.match(
        rf"The classifier {name} says healthy \(0\.\d\d\) of this picture; taking brown spots \(0\.\d\d\) to the end "
        r"of what the data shows turns that to diseased",
        sentence,
    )
    assert sentence.count(".\n") == 0
    assert told[-1].text == f"Copied: {sentence}"


def test_explaining_a_picture_of_the_target_goes_to_the_other_class_and_says_what_is_missing(view, explorer, qtbot):
    with waiting_for(qtbot, explorer, Message) as told:
        view.explain()
    assert told[-1].text == view.sentence != ""
    ill = int(explorer.summary.samples.probs[:, 0].argmax())
    with waiting_for(qtbot, explorer, MainPicture):
        explorer.apply(SetBase(SampleBase(ill)))
    with waiting_for(qtbot, explorer, Message) as told:
        view.explain()
    assert explorer.state.target_class == 1
    assert "No attributes are known yet" in told[-1].text  # the fake explainer lists none towards it
    assert view.sentence == ""
