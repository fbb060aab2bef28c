# SPDX-License-Identifier: MIT
"""Attributes panel on the fake explainer: input becomes intents, states become cards."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from panel_harness import card_at, drag, open_model, waiting_for
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QSlider

from latent_explorer.app.attribute_search import NAME
from latent_explorer.app.engine.events import JobEnded, JobEvent, JobStarted
from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration.document import attribute_key, listed_set
from latent_explorer.app.exploration.intents import SetAttribute, SetBase, SetTarget
from latent_explorer.app.exploration.state import attribute_amount
from latent_explorer.app.exploration.updates import DocumentChanged, HoverPicture, MainPicture, StateChanged
from latent_explorer.common.events import Progress
from latent_explorer.explain.attfind.cost import SearchCost
from latent_explorer.explain.recipe import SampleBase
from latent_explorer.ui.attributes.panel import AttributesPanel
from latent_explorer.ui.style import theme

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def empty(qtbot, explorer):
    """Return the panel before any model is open."""
    theme.apply("light")
    made = AttributesPanel(explorer)
    qtbot.addWidget(made)
    made.resize(360, 660)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.list.hide_preview()


@pytest.fixture
def panel(qtbot, empty, explorer, tmp_path):
    open_model(qtbot, explorer, tmp_path)
    return empty


def test_ten_cards_in_rank_order_with_place_and_effect(panel):
    cards = panel.list.cards
    assert [card.rank.text() for card in cards] == [str(i) for i in range(1, 11)]
    assert cards[0].name.text == "brown spots"
    assert cards[0].place.text() == "8 px · 40"
    assert "diseased by 2.08 on average" in cards[0].effect.accessibleName()
    assert "95 %" in cards[0].effect.toolTip()


def test_the_line_says_where_the_ranking_comes_from(panel):
    assert panel.info.text() == "Found on 60 pictures"
    assert "AttFind notebook" in panel.info.toolTip()


def test_nothing_is_cut_off_at_360_px(panel, qapp):
    qapp.processEvents()
    assert panel.minimumSizeHint().width() <= 360
    for card in panel.list.cards:
        assert card.geometry().right() <= panel.list.viewport().width()
        for part in (card.slider.field, card.effect, card.pin, card.place):
            place = part.mapTo(card, part.rect().bottomRight())
            assert card.rect().contains(place), part


def test_a_drag_reaches_the_state_and_is_one_step_of_undo(panel, explorer):
    attribute = explorer.attributes()[0]
    drag(card_at(panel, 0), 0.0, 0.3, 0.6, 0.9)
    moved = attribute_amount(explorer.state, attribute)
    assert moved == pytest.approx(0.9, abs=0.05)
    assert explorer.undo_text == 'Undo "brown spots"'
    explorer.undo()
    assert explorer.state.edits == ()
    assert explorer.undo_text == ""
    assert card_at(panel, 0).slider.amount == 0


def test_two_drags_are_two_steps(panel, explorer):
    drag(card_at(panel, 0), 0.0, 0.5)
    half = explorer.state
    drag(card_at(panel, 0), 0.5, 0.9)
    explorer.undo()
    assert explorer.state == half


def test_picture_and_numbers_follow(panel, explorer, qtbot):
    with waiting_for(qtbot, explorer, MainPicture) as seen:
        drag(card_at(panel, 0), 0.0, 1.0)
    after, before = seen[-1].result.after, seen[-1].result.before
    assert after.probs[0] > before.probs[0]


def test_typing_double_click_and_keys(panel, explorer):
    card, attribute = card_at(panel, 1), explorer.attributes()[1]
    field = card.slider.field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "0.75")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert attribute_amount(explorer.state, attribute) == pytest.approx(0.75)
    QTest.keyClick(card.slider.track, Qt.Key.Key_Right)
    assert attribute_amount(explorer.state, attribute) == pytest.approx(0.8)
    QTest.mouseDClick(card.slider.track, LEFT)
    assert attribute_amount(explorer.state, attribute) == 0


def test_a_state_is_written_without_an_echo(panel, explorer, qtbot):
    attribute = explorer.attributes()[2]
    with waiting_for(qtbot, explorer, StateChanged) as seen:
        explorer.apply(SetAttribute(attribute, 1.4))
    assert len(seen) == 1
    card = card_at(panel, 2)
    assert card.slider.amount == pytest.approx(1.4)
    assert card.slider.outside
    assert card.slider.field.text() == "1.40"


def test_reset_all(panel, explorer):
    assert not panel.reset.isEnabled()
    for attribute in explorer.attributes()[:3]:
        explorer.apply(SetAttribute(attribute, 0.5))
    assert panel.reset.isEnabled()
    QTest.mouseClick(panel.reset, LEFT)
    assert explorer.state.edits == ()
    assert all(card.slider.amount == 0 for card in panel.list.cards)
    explorer.undo()
    assert len(explorer.state.edits) == 3


def test_a_name_is_edited_in_place_and_lives_in_the_document(panel, explorer):
    card, attribute = card_at(panel, 0), explorer.attributes()[0]
    QTest.mouseClick(card.name, LEFT, pos=QPoint(5, 10))
    assert card.name.editing
    QTest.keyClicks(card.name.editor, "rust")
    QTest.keyClick(card.name.editor, Qt.Key.Key_Return)
    assert card.name.text == "rust"
    assert explorer.document.names[attribute_key(attribute)] == "rust"
    assert "rust" in card.slider.track.accessibleName()


def test_escape_leaves_the_name(panel, explorer):
    card = card_at(panel, 0)
    QTest.keyClick(card, Qt.Key.Key_F2)
    QTest.keyClicks(card.name.editor, "oops")
    QTest.keyClick(card.name.editor, Qt.Key.Key_Escape)
    assert card.name.text == "brown spots"
    assert explorer.document.names == {}


def test_an_emptied_name_brings_the_first_one_back(panel, explorer):
    card, attribute = card_at(panel, 0), explorer.attributes()[0]
    explorer.change_document(explorer.document.renamed(attribute, "rust"))
    assert card.name.text == "rust"
    card.name.edit()
    card.name.editor.clear()
    QTest.keyClick(card.name.editor, Qt.Key.Key_Return)
    assert card.name.text == "brown spots"


def test_a_pin_goes_to_the_top_and_back(panel, explorer):
    QTest.mouseClick(card_at(panel, 4).pin, LEFT)
    assert card_at(panel, 0).name.text == "holes"
    assert card_at(panel, 0).rank.text() == "5"
    assert card_at(panel, 0).pin.isChecked()
    QTest.mouseClick(card_at(panel, 0).pin, LEFT)
    assert card_at(panel, 4).name.text == "holes"


def test_tab_goes_down_the_list_after_a_pin(panel, explorer):
    explorer.change_document(explorer.document.with_pin(explorer.attributes()[4], True))
    panel.activateWindow()
    card_at(panel, 0).pin.setFocus()
    order = []
    for _ in range(40):
        focus = QApplication.focusWidget()
        card = next((c for c in panel.list.cards if c.isAncestorOf(focus)), None)
        if card is not None and card.name.text not in order:
            order.append(card.name.text)
        QTest.keyClick(focus, Qt.Key.Key_Tab)
    assert order[:3] == ["holes", "brown spots", "edge browning"]


def test_a_card_kept_its_widget_through_state_and_document(panel, explorer):
    kept = card_at(panel, 3)
    explorer.apply(SetAttribute(explorer.attributes()[3], 0.4))
    explorer.change_document(explorer.document.with_pin(explorer.attributes()[9], True))
    assert kept in panel.list.cards


def test_both_ends_come_on_hover_and_go_with_a_press(panel, explorer, qtbot):
    card = card_at(panel, 0)
    middle = QPointF(card.rect().center())
    heights = [each.y() for each in panel.list.cards]
    with waiting_for(qtbot, explorer, HoverPicture, count=2) as seen:
        QApplication.sendEvent(card, QEnterEvent(middle, middle, middle))
    assert [each.sign for each in seen] == [-1, 1]
    assert panel.list.popup.isVisible()
    assert panel.list.popup.signs == (-1, 1)
    assert "diseased" in panel.list.popup.accessibleDescription()
    assert [each.y() for each in panel.list.cards] == heights
    QTest.mousePress(card.slider.track, LEFT, pos=card.slider.track.rect().center())
    assert not panel.list.popup.isVisible()
    QTest.mouseRelease(card.slider.track, LEFT)


def test_leaving_a_card_asks_for_nothing(panel, explorer, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(explorer, "hover", asked.append)
    card = card_at(panel, 0)
    middle = QPointF(card.rect().center())
    QApplication.sendEvent(card, QEnterEvent(middle, middle, middle))
    QApplication.sendEvent(card, QEvent(QEvent.Type.Leave))
    qtbot.wait(450)
    assert asked == []


def test_both_ends_by_the_menu(panel, explorer, qtbot):
    menu = card_at(panel, 2).menu()
    action = next(a for a in menu.actions() if a.text() == "Show both ends")
    with waiting_for(qtbot, explorer, HoverPicture, count=2):
        action.trigger()
    assert panel.list.popup.signs == (-1, 1)


def test_already_at_the_end_says_so_instead_of_a_dead_slider(panel, explorer, qtbot):
    with waiting_for(qtbot, explorer, MainPicture) as seen:
        explorer.apply(SetBase(SampleBase(5)))
    result = seen[-1].result
    index = explorer.attributes()[0].entries[0].style_index
    styles = result.styles.copy()
    styles[index] = explorer.summary.style_stats.maximum[index]
    explorer.updates.emit(replace(seen[-1], result=replace(result, styles=styles)))
    card = card_at(panel, 0)
    assert "already at this end" in panel.list.fold.text()
    panel.list.fold.click()
    assert card.message.isVisible()
    assert not card.slider.isVisible()
    explorer.apply(SetAttribute(explorer.attributes()[0], -0.5))
    assert card.slider.isVisible()


def test_the_target_chooser_is_an_intent(panel, explorer):
    assert [panel.target.itemText(i) for i in range(panel.target.count())] == ["diseased", "healthy"]
    panel.target.setCurrentIndex(1)
    panel.target.activated.emit(1)
    assert explorer.state.target_class == 1
    explorer.undo()
    assert panel.target.currentIndex() == 0


def test_a_class_without_attributes_offers_the_search(panel, explorer, monkeypatch):
    asked = []
    monkeypatch.setattr(explorer, "start_attfind", lambda plan: asked.append(plan) or 77)
    explorer.apply(SetTarget(1))
    nothing = panel.search.nothing
    assert nothing.isVisible()
    assert "healthy" in nothing.sentence.text()
    QTest.mouseClick(nothing.button, LEFT)
    assert asked == [None]  # nothing was timed yet
    assert panel.search.searching.isVisible()


def test_the_offer_says_what_a_search_takes_here_and_lets_choose_the_pictures(qtbot, panel, explorer, monkeypatch):
    slow = SearchCost(picture=0.06, gradient=0.3, available=250, styles=760, classes=2, verdicts=2)

    def search_cost(_host, _budget, *, classifier_id):
        assert classifier_id == explorer.state.classifier_id
        yield Progress(0, 1)
        return slow

    asked = []
    monkeypatch.setattr(ModelHost, "search_cost", search_cost)
    monkeypatch.setattr(explorer, "start_attfind", asked.append)
    explorer.apply(SetTarget(1))
    nothing = panel.search.nothing
    assert not nothing.number.isEnabled()
    qtbot.waitUntil(nothing.number.isEnabled, timeout=60_000)
    assert [nothing.number.itemData(i) for i in range(nothing.number.count())] == [250, 120, 60, 30]
    assert nothing.number.currentText() == "120 pictures, about 7 min"
    assert "250 pictures would take some 11 min" in nothing.sentence.text()
    nothing.number.setCurrentIndex(3)
    panel.refresh()  # what was chosen stays
    QTest.mouseClick(nothing.button, LEFT)
    assert [plan.n for plan in asked] == [30]
    assert explorer.jobs == {}


def test_the_search_shows_how_far_it_is_and_can_be_cancelled(panel, explorer, monkeypatch):
    cancelled = []
    monkeypatch.setattr(explorer, "cancel", cancelled.append)
    explorer.apply(SetTarget(1))
    explorer.updates.emit(JobStarted(77, NAME, True))
    explorer.updates.emit(JobEvent(77, Progress(43, 100, "Moving styles", 61.0)))
    page = panel.search.searching
    assert page.bar.value() == 43
    assert page.message.text() == "Moving styles 43 %, 61 s left"
    QTest.mouseClick(page.cancel, LEFT)
    assert cancelled == [77]
    explorer.updates.emit(JobEnded(77, NAME, "cancelled"))
    assert panel.search.nothing.isVisible()


def test_a_search_beside_a_list_tells_how_far_it_is_and_can_be_stopped(panel, explorer, monkeypatch):
    cancelled = []
    monkeypatch.setattr(explorer, "cancel", cancelled.append)
    assert not panel.searching.isVisible()
    explorer.updates.emit(JobStarted(77, NAME, True))
    assert panel.searching.isVisible()
    explorer.updates.emit(JobEvent(77, Progress(430, 1000, "Trying every style on a few pictures")))
    assert panel.searching.bar.value() == 430
    assert panel.searching.message.text() == "Trying every style on a few pictures"
    found = listed_set(explorer.document, explorer.summary, explorer.state)
    counts = {"settled": False, "rendered_moves": 1200, "moves": 9000}
    so_far = msgspec.structs.replace(found, method="attfind-notebook-raced", settings=counts)
    explorer.change_document(explorer.document.with_attribute_set(so_far))
    assert panel.info.text() == "So far: 60 pictures, 1,200 moves"
    QTest.mouseClick(panel.searching.cancel, LEFT)
    assert cancelled == [77]
    explorer.updates.emit(JobEnded(77, NAME, "cancelled"))
    assert not panel.searching.isVisible()
    assert panel.info.text() == "Not settled: 60 pictures, 1,200 moves"
    assert "1,200 of 9,000 moves" in panel.info.toolTip()


def test_without_a_model_it_says_what_to_do(empty):
    assert empty.search.no_model.isVisible()
    assert not empty.target.isVisible()
    assert empty.open_add_slider() is None


def test_an_added_slider_moves_its_style_and_can_go_again(panel, explorer, qtbot):
    with waiting_for(qtbot, explorer, DocumentChanged):
        panel._add_slider(33, False)
    card = card_at(panel, 0)
    assert card.rank.text() == "+"
    assert card.name.text == "Style 33 up"
    drag(card, 0.0, 0.5)
    assert explorer.state.edits[0].style_index == 33
    next(a for a in card.menu().actions() if a.text() == "Remove slider").trigger()
    assert explorer.state.edits == ()
    assert len(panel.list.cards) == 10


def test_dark_and_light_differ(panel, qapp):
    light = panel.grab().toImage()
    theme.apply("dark")
    qapp.processEvents()
    assert panel.grab().toImage() != light
    theme.apply("light")


def test_everything_that_can_be_used_has_a_name(panel):
    for kind in (QAbstractButton, QSlider, QLineEdit, QComboBox):
        for widget in panel.findChildren(kind):
            if widget.isVisibleTo(panel) and widget.objectName() != "qt_spinbox_lineedit":
                assert widget.accessibleName(), widget
