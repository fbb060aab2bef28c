# SPDX-License-Identifier: MIT
"""Attributes that nobody would see are put away under one line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from panel_harness import card_at, drag, open_model, shown_panel, waiting_for
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latent_explorer.app.exploration.intents import SetAttribute, SetBase
from latent_explorer.app.exploration.updates import EffectsMeasured, MainPicture
from latent_explorer.explain.recipe import SampleBase
from latent_explorer.ui.attributes.attribute_list import FEWEST_SHOWN

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(qtbot, explorer, tmp_path):
    panel = shown_panel(qtbot, explorer)
    with waiting_for(qtbot, explorer, EffectsMeasured):
        open_model(qtbot, explorer, tmp_path)
    return panel


def names(panel):
    return [card.name.text for card in panel.list.cards if card.isVisible()]


def test_the_faint_are_folded_and_can_be_unfolded(panel):
    shown = names(panel)
    assert shown[0] == "brown spots"
    assert "narrow blade" not in shown
    count = 10 - len(shown)
    assert panel.list.fold.text() == f"{count} more, faint"
    assert all(card.card_data.measured.change < 0.05 for card in panel.list.cards if not card.isVisible())
    QTest.mouseClick(panel.list.fold, LEFT)
    assert len(names(panel)) == 10
    QTest.mouseClick(panel.list.fold, LEFT)
    assert names(panel) == shown


def test_what_was_moved_pinned_or_asked_for_is_shown(panel, explorer, qtbot):
    faint = explorer.attributes()[-1]
    explorer.apply(SetAttribute(faint, 0.4))
    assert faint.name in names(panel)
    explorer.undo()
    assert faint.name not in names(panel)
    explorer.change_document(explorer.document.with_pin(faint, True))
    assert names(panel)[0] == faint.name
    explorer.change_document(explorer.document.with_pin(faint, False))
    panel.list.reveal(faint)
    assert faint.name in names(panel)


def test_a_drag_through_zero_folds_nothing_under_the_mouse(panel, explorer, qtbot):
    faint = explorer.attributes()[-1]
    explorer.apply(SetAttribute(faint, 0.4))
    card = panel.list.card(faint)
    seen = []
    card.amount_changed.connect(lambda _amount: seen.append(card.isVisible()))
    drag(card, 0.4, 0.0, -0.3)
    assert seen
    assert all(seen)


def test_dead_sliders_are_put_away_with_their_reason(panel, explorer, qtbot):
    with waiting_for(qtbot, explorer, MainPicture) as seen:
        explorer.apply(SetBase(SampleBase(5)))
    result, styles = seen[-1].result, seen[-1].result.styles.copy()
    for attribute in explorer.attributes()[:2]:
        index, end = attribute.entries[0].style_index, attribute.entries[0].end
        stats = explorer.summary.style_stats
        styles[index] = (stats.maximum if end == "max" else stats.minimum)[index]
    explorer.updates.emit(replace(seen[-1], result=replace(result, styles=styles)))
    assert "brown spots" not in names(panel)
    assert "2 already at this end" in panel.list.fold.text()


def test_a_list_of_faint_attributes_still_shows_some(panel, explorer):
    rows = [card.card_data for card in panel.list.cards]
    panel.list._fold([key for key, card in panel.list._cards.items() if card.card_data in rows])
    assert len(names(panel)) == FEWEST_SHOWN


def test_the_order_is_by_effect_whatever_the_search_chose_first(panel, explorer):
    effects = [a.mean_effect for a in explorer.attributes()]
    assert effects == sorted(effects, reverse=True)
    assert card_at(panel, 0).rank.text() == "1"
