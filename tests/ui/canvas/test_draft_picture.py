# SPDX-License-Identifier: MIT
"""A draft on the canvas is marked as one, has no verdict, and leaves the live plot as it was."""

from __future__ import annotations

import numpy as np
import pytest
from panel_harness import explorer_on, open_model, waiting_for

from latent_explorer.app import picture_scheduler
from latent_explorer.app.exploration.intents import SetAttribute, SetBase
from latent_explorer.app.exploration.updates import DraftPicture, MainPicture
from latent_explorer.explain.recipe import SampleBase
from latent_explorer.ui.canvas import panel
from latent_explorer.ui.canvas.live_plot import LivePlot
from latent_explorer.ui.canvas.panel import CanvasPanel
from latent_explorer.ui.widgets.probability_bars import NOT_ASKED


@pytest.fixture
def slow(qtbot, tmp_path, monkeypatch):
    """An explorer whose model gives drafts, the canvas and the plot, in the middle of a drag."""
    monkeypatch.setattr(picture_scheduler, "REST", 1000.0)
    monkeypatch.setattr(panel, "REST_MS", 1_000_000)
    with explorer_on(tmp_path, drafts=True) as explorer:
        canvas, plot = CanvasPanel(explorer), LivePlot(explorer)
        for widget in (canvas, plot):
            qtbot.addWidget(widget)
            widget.resize(700, 500)
            widget.show()
        open_model(qtbot, explorer, tmp_path)
        explorer.begin_gesture()
        with waiting_for(qtbot, explorer, DraftPicture):
            explorer.apply(SetAttribute(explorer.attributes()[0], 0.8))
        yield explorer, canvas, plot


def test_it_is_marked_and_has_no_verdict_until_the_hand_is_off(qtbot, slow):
    explorer, canvas, plot = slow
    drawn = len(plot.plot.probs)
    assert canvas.view.after.mark == "Draft, 8 px"
    assert not canvas.view.after.verdict
    assert canvas.view.before.verdict  # it is whole, as before
    assert not canvas.bars.verdict.asked
    assert canvas.bars.text.text() == NOT_ASKED
    assert "Draft" in canvas.view.accessibleDescription()
    with waiting_for(qtbot, explorer, MainPicture):
        explorer.end_gesture()
    assert canvas.view.after.mark == ""
    assert canvas.view.after.verdict
    assert canvas.bars.verdict.asked
    assert len(plot.plot.probs) == drawn + 1


def test_a_draft_that_stays_says_that_the_picture_is_being_drawn(qtbot, slow):
    explorer, canvas, _plot = slow
    canvas._rest.start(1)
    qtbot.waitUntil(lambda: canvas.view.after.mark != "Draft, 8 px", timeout=60_000)
    assert canvas.view.after.mark == "Draft, 8 px. Drawing 64 px..."
    with waiting_for(qtbot, explorer, MainPicture):
        explorer.end_gesture()
    assert canvas.view.after.mark == ""
    assert not canvas._rest.isActive()


@pytest.mark.parametrize("mode", ["side", "after", "swipe", "difference"])
def test_it_has_the_place_of_the_whole_picture_in_every_view(slow, mode):
    explorer, canvas, _plot = slow
    canvas.view.set_mode(mode)
    for pixels in (False, True):
        canvas.view.set_pixels(pixels)
        drafted = canvas.view.frames()
        image = canvas.view.grab().toImage()
        mark = canvas.view.after.mark
        canvas.view.after.__dict__["mark"] = ""
        assert canvas.view.grab().toImage() != image  # the mark is seen
        canvas.view.after.__dict__["mark"] = mark
        canvas._take_picture(explorer.shown)
        assert canvas.view.frames() == drafted
        canvas._take_draft(explorer._scheduler.draft)


def test_the_picture_before_keeps_its_verdict_when_it_is_looked_at(slow):
    _explorer, canvas, _plot = slow
    canvas.view.set_peek(True)
    assert canvas.bars.verdict.asked
    assert canvas.bars.text.text().startswith("Before:")
    canvas.grab()


def test_of_another_latent_nothing_is_known_yet(qtbot, slow):
    explorer, canvas, _plot = slow
    with waiting_for(qtbot, explorer, DraftPicture):
        explorer.apply(SetBase(SampleBase(9)))
    assert canvas.view.before.mark == canvas.view.after.mark == "Draft, 8 px"
    assert not np.isfinite(canvas.bars.verdict.before).any()
    canvas.grab()


def test_a_draft_of_the_previous_classifier_has_numbers_for_names(slow):
    """Another classifier may have more classes or fewer; its own pictures follow."""
    explorer, canvas, _plot = slow
    for names in (("one",), tuple("abcde")):
        canvas._names = names
        canvas._take_draft(explorer._scheduler.draft)
        assert canvas.bars.verdict.names == ("0", "1")
        assert canvas.bars.verdict.after.shape == canvas.bars.verdict.before.shape == (2,)
        assert canvas.view.before.verdict.startswith(("0", "1"))
        canvas.grab()
