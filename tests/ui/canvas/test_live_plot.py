# SPDX-License-Identifier: MIT
"""The live plot draws what there is, also when that is nothing, and only of the classifier that is asked."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest
from panel_harness import open_model

from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.ui.canvas.live_plot import LivePlot, ProbabilityPlot
from latent_explorer.ui.widgets.probability_lines import drawn_classes


@pytest.fixture
def live(qtbot, explorer, tmp_path):
    made = LivePlot(explorer)
    qtbot.addWidget(made)
    made.resize(600, 140)
    made.show()
    open_model(qtbot, explorer, tmp_path)
    return made


@pytest.mark.parametrize("names", [(), ("a",), ("a", "b", "c")])
def test_an_empty_plot_has_no_rows_and_can_be_painted(qtbot, names):
    plot = ProbabilityPlot()
    qtbot.addWidget(plot)
    plot.start(names)
    plot.lift()
    assert plot.probs.shape == (0, len(names))
    plot.grab()
    if names:
        plot.add(np.full(len(names), 1 / len(names)))
        plot.lift()
        plot.lift()
        assert plot.probs.shape == (2, len(names))
        plot.grab()
    plot.start(names)
    plot.grab()


@pytest.mark.parametrize("table", [np.empty((0, 0)), np.empty((0, 3)), np.empty((2, 0)), np.full((2, 2), np.nan)])
def test_of_an_empty_table_nothing_is_drawn_and_nothing_fails(table):
    assert drawn_classes(table) == list(range(table.shape[1] if table.size else 0))


def test_cleared_it_shows_the_hint_until_there_is_a_line_again(qtbot, explorer, live):
    for amount in (0.5, 0.6):
        explorer.apply(SetAttribute(explorer.attributes()[0], amount))
        qtbot.waitUntil(lambda: explorer.wait_idle(0.01))
    qtbot.waitUntil(lambda: live.plot.isVisible(), timeout=5000)
    live.clear()
    assert live.empty.isVisible()
    live.grab()
    explorer.apply(SetAttribute(explorer.attributes()[0], 0.7))
    explorer.apply(SetAttribute(explorer.attributes()[0], 0.8))
    qtbot.waitUntil(lambda: len(live.plot.probs) >= 1, timeout=5000)


def test_a_late_picture_of_another_classifier_is_left_out(explorer, live):
    picture, before = explorer.shown, len(live.plot.probs)
    late = dataclasses.replace(picture, request=msgspec.structs.replace(picture.request, classifier_id="another"))
    explorer.updates.emit(late)
    assert len(live.plot.probs) == before
