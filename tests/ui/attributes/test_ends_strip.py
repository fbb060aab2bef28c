# SPDX-License-Identifier: MIT
"""Small pictures on the cards: this picture at both ends, and where it changes."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from panel_harness import open_model, shown_panel

from latent_explorer.app.effects import Likeness
from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.exploration.intents import SetBase
from latent_explorer.app.exploration.updates import StateChanged
from latent_explorer.explain.recipe import SampleBase
from latent_explorer.ui.attributes.card_data import likeness_text


@pytest.fixture
def panel(qtbot, explorer, tmp_path):
    panel = shown_panel(qtbot, explorer)
    panel._meter.likenesses = dict  # nothing is known of many pictures yet
    open_model(qtbot, explorer, tmp_path)
    qtbot.waitUntil(lambda: shown(panel) and all(card.ends.ends for card in shown(panel)), timeout=5000)
    return panel


def shown(panel):
    return [card for card in panel.list.cards if card.isVisible()]


def test_every_card_in_view_shows_three_pictures_and_what_the_classifier_says(panel, explorer):
    for card in shown(panel):
        assert len(card.ends._images) == 3
        target = explorer.state.target_class
        minus, plus = card.ends.ends.minus.probs[target], card.ends.ends.plus.probs[target]
        assert card.ends.text == f"diseased {minus:.2f} … {plus:.2f}"
        assert card.ends.accessibleName().startswith(card.ends.text)
    assert panel.grab().width() == 360


def test_they_are_dimmed_until_those_of_another_picture_are_there(panel, explorer, qtbot):
    card = shown(panel)[0]
    old = card.ends.ends
    explorer.apply(SetBase(SampleBase(9)))
    assert card.ends._stale
    qtbot.waitUntil(lambda: not card.ends._stale, timeout=5000)
    assert card.ends.ends.now is explorer.shown.result.after
    assert card.ends.ends is not old
    other_name = msgspec.structs.replace(explorer.state, timelines=())
    explorer.updates.emit(StateChanged(explorer.state, other_name))
    assert not card.ends._stale  # the picture is the same


def test_what_looks_like_a_card_above_says_so(panel, explorer):
    first, second = shown(panel)[:2]
    twin = replace(second.ends.ends, plus=first.ends.ends.plus)
    explorer.updates.emit(twin)
    assert second.ends.alike_text == f"like {first.name.text}"
    assert first.ends.alike_text == ""


def test_what_looks_alike_on_many_pictures_is_marked_whatever_this_one_shows(panel, explorer):
    first, second, third = shown(panel)[:3]
    keys = [attribute_key(a) for a in explorer.attributes()[:3]]
    explorer.updates.emit(replace(second.ends.ends, plus=first.ends.ends.plus))  # alike on this picture
    measured = {(keys[0], keys[1]): Likeness(0.1, 0.9, 30), (keys[0], keys[2]): Likeness(0.74, 0.5, 30)}
    measured |= {(keys[1], keys[2]): Likeness(0.62, float("nan"), 30)}
    panel._meter.likenesses = lambda: measured | {pair[::-1]: each for pair, each in measured.items()}
    panel.refresh()
    assert second.ends.alike_text == ""
    assert third.ends.alike_text == f"like {first.name.text}"  # the most alike of those above
    said = "On 30 pictures of other classes: cosine of the difference pictures 0.74, correlation of their effects 0.50."
    assert said in third.ends.toolTip()
    assert third.merge_with == keys[0]
    assert "correlation" not in likeness_text(measured[keys[1], keys[2]])


def test_the_two_can_be_merged_into_one_slider(panel, explorer):
    first, second = shown(panel)[:2]
    names = [first.name.text, second.name.text]
    assert not any(action.text().startswith("Merge") for action in second.menu().actions())
    explorer.updates.emit(replace(second.ends.ends, plus=first.ends.ends.plus))
    assert not any(action.text().startswith("Merge") for action in first.menu().actions())
    offer = next(action for action in second.menu().actions() if action.text() == f"Merge with {names[0]}")
    count = len(panel.list.cards)
    offer.trigger()
    merged = next(a for a in explorer.attributes() if len(a.entries) == 2)
    assert merged.name == " + ".join(names)
    assert len(panel.list.cards) == count - 1
    card = next(card for card in panel.list.cards if card.name.text == merged.name)
    card.amount_changed.emit(0.5)
    assert {(e.style_index, abs(e.amount)) for e in explorer.state.edits} == {
        (e.style_index, 0.5) for e in merged.entries
    }
    card.removed.emit()
    assert {card.name.text for card in panel.list.cards} >= set(names)
    assert explorer.state.edits == ()
