# SPDX-License-Identifier: MIT
"""A thousand attributes or own sliders: cards are made as they are seen, a few at a time."""

from __future__ import annotations

import msgspec
import pytest
from fake_explainer import LAYOUT
from panel_harness import open_model
from PySide6.QtTest import QTest

from latent_explorer.app.exploration.document import Document
from latent_explorer.models.attributes import Attribute, AttributeEntry
from latent_explorer.ui.attributes import attribute_list
from latent_explorer.ui.attributes.attribute_list import FIRST_CARDS, MORE_CARDS
from latent_explorer.ui.attributes.panel import AttributesPanel

COUNT = 1000


def slider(number: int, target: int) -> Attribute:
    index, weight = number % LAYOUT.num_styles, 2 + number // LAYOUT.num_styles
    return Attribute(f"own {number}", target, (AttributeEntry(index, "max", weight),))


@pytest.fixture
def panel(qtbot, explorer, tmp_path):
    made = AttributesPanel(explorer)
    qtbot.addWidget(made)
    made.resize(360, 660)
    made.show()
    qtbot.waitExposed(made)
    open_model(qtbot, explorer, tmp_path)
    yield made
    made.list.hide_preview()


@pytest.fixture
def made_at_once(monkeypatch) -> list[int]:
    """Return how many cards each update of the list made."""
    counts: list[int] = []
    arrange, card = attribute_list.AttributeList._arrange, attribute_list.AttributeCard
    monkeypatch.setattr(attribute_list.AttributeList, "_arrange", lambda s, k: (counts.append(0), arrange(s, k))[1])

    def counted():
        counts[-1] += 1
        return card()

    monkeypatch.setattr(attribute_list, "AttributeCard", counted)
    return counts


def many(explorer) -> None:
    target = explorer.state.target_class
    explorer.change_document(Document(sliders=tuple(slider(i, target) for i in range(COUNT))))


def test_only_the_cards_in_view_are_made_and_never_many_at_once(qtbot, panel, explorer, made_at_once):
    many(explorer)
    QTest.qWait(200)
    first = len(panel.list.cards)
    assert FIRST_CARDS <= first < 40
    bar = panel.list.verticalScrollBar()
    bar.setValue(bar.maximum())
    qtbot.waitUntil(lambda: len(panel.list.cards) > first)
    assert max(made_at_once) <= max(FIRST_CARDS, MORE_CARDS)
    names = [card.name.text for card in panel.list.cards]
    assert names == [f"own {i}" for i in range(len(names))]


def test_a_slider_far_below_is_revealed_while_the_window_lives(qtbot, panel, explorer, made_at_once):
    many(explorer)
    wanted = explorer.document.sliders[90]
    panel.list.reveal(wanted)
    qtbot.waitUntil(lambda: len(panel.list.cards) > 90, timeout=20_000)
    assert max(made_at_once) <= FIRST_CARDS
    qtbot.waitUntil(lambda: panel.list.card(wanted).visibleRegion().isEmpty() is False)


def test_another_list_begins_short_again(qtbot, panel, explorer):
    from latent_explorer.app.exploration.intents import SetTarget

    many(explorer)
    panel.list.reveal(explorer.document.sliders[60])
    qtbot.waitUntil(lambda: len(panel.list.cards) > 60, timeout=20_000)
    other = 1 - explorer.state.target_class
    sliders = tuple(msgspec.structs.replace(a, target=other) for a in explorer.document.sliders)
    explorer.change_document(msgspec.structs.replace(explorer.document, sliders=sliders))
    explorer.apply(SetTarget(other))
    assert len(panel.list.cards) <= FIRST_CARDS
