# SPDX-License-Identifier: MIT
"""Marks on the effect bars: what each attribute does to the picture on the canvas."""

from __future__ import annotations

import pytest
from panel_harness import open_model, shown_panel, waiting_for
from PySide6.QtGui import QColor

from latent_explorer.app.exploration.intents import SetAttribute, SetBase
from latent_explorer.app.exploration.updates import OwnEffects
from latent_explorer.explain.recipe import SampleBase
from latent_explorer.ui.attributes.effect_bar import EffectBar


def test_every_card_is_marked_for_the_picture_shown(qtbot, explorer, tmp_path):
    panel = shown_panel(qtbot, explorer)
    with waiting_for(qtbot, explorer, OwnEffects):
        open_model(qtbot, explorer, tmp_path)
    with waiting_for(qtbot, explorer, OwnEffects) as told:
        explorer.apply(SetBase(SampleBase(7)))
        assert panel.list.cards[0].effect._stale
    for key, effect in told[-1].effects.items():
        bar = panel.list._cards[key].effect
        assert bar._own == effect
        assert not bar._stale
        assert "On this picture, as it is now" in bar.toolTip()
    with waiting_for(qtbot, explorer, OwnEffects):
        explorer.apply(SetAttribute(explorer.attributes()[0], 0.5))


@pytest.fixture
def bar(qtbot):
    made = EffectBar()
    qtbot.addWidget(made)
    made.set_effect(0.5, (0.4, 0.6), (0.0, 1.0), QColor("#d55e00"), target="diseased")
    return made


def test_a_prediction_is_said_and_drawn_otherwise(bar):
    pictures = [bar.grab().toImage()]
    for effect, exact in ((0.3, True), (0.3, False), (3.0, True), (-3.0, True)):
        bar.set_own(effect, exact=exact)
        picture = bar.grab().toImage()
        assert all(picture != before for before in pictures)
        pictures.append(picture)
    bar.set_own(0.3, exact=False)
    assert "~0.30, predicted from a gradient" in bar.toolTip()
    bar.set_stale()
    assert bar.grab().toImage() != pictures[2]
