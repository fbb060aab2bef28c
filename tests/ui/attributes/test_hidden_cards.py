# SPDX-License-Identifier: MIT
"""Cards that are hidden, and notes on attributes, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from panel_harness import open_model
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.exploration.state import attribute_amount
from latent_explorer.ui.attributes.note_dialog import NoteDialog
from latent_explorer.ui.attributes.panel import AttributesPanel


@pytest.fixture
def panel(qtbot, explorer, tmp_path):
    made = AttributesPanel(explorer)
    qtbot.addWidget(made)
    made.resize(360, 660)
    made.show()
    open_model(qtbot, explorer, tmp_path)
    yield made
    made.list.hide_preview()


def names(panel):
    return [card.name.text for card in panel.list.cards]


def actions(menu):
    return {action.text(): action for action in menu.actions() if action.text()}


def test_a_key_hides_a_card_and_the_line_below_shows_it_again(panel, explorer):
    every = names(panel)
    first = explorer.attributes()[0]
    explorer.apply(SetAttribute(first, 0.5))
    assert panel.list.hidden.isHidden()
    card = panel.list.cards[0]
    card.slider.track.setFocus()
    QTest.keyClick(card.slider.track, Qt.Key.Key_H)
    assert names(panel) == every[1:]
    assert attribute_amount(explorer.state, first) == 0  # what is not listed moves nothing
    assert explorer.undo_text == 'Undo hiding "brown spots"'
    actions(panel.list.cards[2].menu())["Hide\tH"].trigger()
    assert panel.list.hidden.text() == "2 hidden"
    assert list(actions(panel.list.hidden.menu())) == ["Show brown spots", "Show mildew", "Show all"]
    actions(panel.list.hidden.menu())["Show brown spots"].trigger()
    assert names(panel)[0] == "brown spots"
    explorer.undo()
    actions(panel.list.hidden.menu())["Show all"].trigger()
    assert names(panel) == every
    assert panel.list.hidden.isHidden()


def test_all_can_be_hidden_and_come_back(panel, explorer):
    while panel.list.cards:
        actions(panel.list.cards[0].menu())["Hide\tH"].trigger()
    assert panel._pages.currentIndex() == 0
    assert panel.list.hidden.text() == "10 hidden"
    actions(panel.list.hidden.menu())["Show all"].trigger()
    assert len(panel.list.cards) == 10


def test_a_note_is_written_by_keyboard_and_stands_on_the_card(panel, explorer):
    card = panel.list.cards[1]
    assert card.note.isHidden()
    card.slider.track.setFocus()
    QTest.keyClick(card.slider.track, Qt.Key.Key_F2, Qt.KeyboardModifier.ShiftModifier)
    (dialog,) = panel.findChildren(NoteDialog)
    dialog.field.setPlainText("only at the rim <b>\nof old leaves")
    QTest.keyClick(dialog.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    attribute = explorer.attributes()[1]
    assert attribute.note == "only at the rim <b>\nof old leaves"
    assert not card.note.isHidden()
    assert card.note.toolTip() == attribute.note
    assert card.note.accessibleDescription() == attribute.note
    assert explorer.undo_text == f'Undo the note on "{attribute.name}"'
    again = panel.list.edit_note(attribute)
    assert again.field.toPlainText() == attribute.note
    again.field.setPlainText("x" * 1001)
    assert not again.save.isEnabled()
    assert again.room.text() == "1 characters too many"
    again.reject()
    explorer.undo()
    assert card.note.isHidden()


def test_names_pins_and_merging_are_undone(panel, explorer):
    card = panel.list.cards[3]
    before = names(panel)
    card.renamed.emit("powder")
    card.pin_toggled.emit(True)
    assert names(panel)[0] == "powder"
    keys = [attribute_key(a) for a in explorer.attributes()]
    panel.list.cards[2].merge_with = keys[1]
    panel.list.cards[2].merge_requested.emit()
    assert len(panel.list.cards) == 9
    explorer.undo()
    assert [attribute_key(a) for a in explorer.attributes()] == keys
    explorer.undo()
    explorer.undo()
    assert names(panel) == before
