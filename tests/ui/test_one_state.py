# SPDX-License-Identifier: MIT
"""What is on the canvas determines what the window shows: bars while Space is held, sliders beside a timeline."""

from __future__ import annotations

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog
from window_tools import open_fake, wait_picture

from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.exploration.state import attribute_amount
from latent_explorer.app.exploration.updates import TimelineFrame
from latent_explorer.explain.recipe import PictureRecipe, SampleBase, SeedBase, attribute_edits
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline
from latent_explorer.ui.attributes.verdict_view import BETWEEN
from latent_explorer.ui.bottom_strip import TIMELINE


@pytest.fixture
def player(desktop):
    desktop.window.strip.show_tab(TIMELINE)
    return desktop.timelines.player


def make(desktop, *recipes: PictureRecipe) -> None:
    frames = tuple(Keyframe(float(t), recipe, "linear") for t, recipe in enumerate(recipes))
    desktop.timelines.make(Timeline("t", frames, fps=10.0))


def seek(qtbot, desktop, seconds: float) -> TimelineFrame:
    desktop.timelines.player.seek(seconds)

    def shown() -> bool:
        frame = desktop.explorer.shown
        return isinstance(frame, TimelineFrame) and frame.seconds == pytest.approx(seconds)

    qtbot.waitUntil(shown, timeout=5000)
    return desktop.explorer.shown


@pytest.mark.parametrize("mode", ["side", "after", "swipe", "difference"])
def test_the_bars_show_the_picture_before_while_space_is_held(qtbot, desktop, mode):
    window, explorer = desktop.window, desktop.explorer
    explorer.apply(SetAttribute(explorer.attributes()[0], 1.0))
    wait_picture(qtbot, desktop)
    window.set_view(mode)
    bars, result = window.canvas.bars, explorer.shown.result
    after = bars.grab().toImage()
    assert bars.verdict.shown is result.after.probs
    window.canvas.view.setFocus()
    QTest.keyPress(window.canvas.view, Qt.Key.Key_Space)
    assert bars.verdict.shown is result.before.probs
    assert bars.text.text() == f"Before: diseased {result.before.probs[0]:.2f}, healthy {result.before.probs[1]:.2f}."
    assert bars.grab().toImage() != after
    explorer.apply(SetAttribute(explorer.attributes()[0], 0.9))  # a picture that comes meanwhile
    wait_picture(qtbot, desktop)
    assert bars.verdict.shown is explorer.shown.result.before.probs
    QTest.keyRelease(window.canvas.view, Qt.Key.Key_Space)
    assert bars.verdict.shown is explorer.shown.result.after.probs


def test_sliders_thumbnail_and_bars_belong_to_the_frame(qtbot, desktop, player):
    window, explorer = desktop.window, desktop.explorer
    first = explorer.attributes()[0]
    start = PictureRecipe(SampleBase(7))
    make(desktop, start, PictureRecipe(SampleBase(7), edits=attribute_edits(first)))
    for seconds in (0.0, 0.5, 1.0):
        frame = seek(qtbot, desktop, seconds)
        assert window.attributes.list.card(first).slider.amount == pytest.approx(seconds)
        assert window.attributes.list.card(first).isEnabled()
        assert window.samples.view.thumbnails.bases[window.samples.view.currentIndex().row()] == SampleBase(7)
        assert window.canvas.bars.verdict.shown is frame.result.after.probs
        assert window.attributes._result is frame.result
    window.attributes.list.card(first).amount_changed.emit(0.25)
    wait_picture(qtbot, desktop)
    assert explorer.state.base == SampleBase(7)
    assert attribute_amount(explorer.session.state, first) == 0.25


def test_sliders_are_grey_where_the_frame_is_no_single_state(qtbot, desktop, player):
    window, explorer = desktop.window, desktop.explorer
    make(desktop, PictureRecipe(SampleBase(3)), PictureRecipe(SampleBase(8)))
    own = explorer.session.state
    card = window.attributes.list.cards[0]
    greyed = (card, window.attributes.add, window.samples.towards_average, window.samples.inputs)
    seek(qtbot, desktop, 0.0)
    assert all(widget.isEnabled() for widget in greyed)
    card.slider.setFocus()
    seek(qtbot, desktop, 0.5)
    assert not any(widget.isEnabled() for widget in greyed)
    assert not window.samples.psi.isEnabled()
    assert window.attributes.verdict.text.text() == BETWEEN
    assert not window.attributes.verdict.turn.isVisible()
    assert not window.samples.view.selectionModel().hasSelection()
    assert QApplication.focusWidget() in (window.attributes.list, None)  # None: the window is not active
    seek(qtbot, desktop, 1.0)
    assert all(widget.isEnabled() for widget in greyed)
    assert window.samples.view.currentIndex().row() == 8
    desktop.window.strip.set_folded(True)
    assert explorer.state == own
    assert all(widget.isEnabled() for widget in greyed)


def test_seeds_between_two_seeds_name_no_seed(qtbot, desktop, player):
    panel = desktop.window.samples
    make(desktop, PictureRecipe(SeedBase(3), 0.5), PictureRecipe(SeedBase(4), 0.5))
    seek(qtbot, desktop, 0.0)
    assert (panel.seed.text(), panel.psi.amount) == ("3", 0.5)
    seek(qtbot, desktop, 0.5)
    assert panel.seed.text() == ""
    assert panel.towards_average.isHidden()


def test_a_frame_is_not_hidden_behind_a_photo(qtbot, desktop, player):
    """The photo gives the canvas to the picture under the playhead."""
    make(desktop, PictureRecipe(SampleBase(3)), PictureRecipe(SampleBase(8)))
    desktop.window.canvas.show_stage(True)
    seek(qtbot, desktop, 0.5)
    assert desktop.window.canvas.pages.currentWidget() is desktop.window.canvas.view


def test_dialogs_about_a_model_close_when_another_file_is_opened(qtbot, desktop, tmp_path):
    window = desktop.window
    for key in ("add_slider", "export_sheet", "morph", "keys"):
        window.actions_by_key[key].trigger()
    shown = [dialog for dialog in window.findChildren(QDialog) if dialog.isVisible()]
    assert len(shown) == 4
    open_fake(qtbot, desktop, tmp_path)
    qtbot.waitUntil(lambda: sum(shiboken6.isValid(dialog) and dialog.isVisible() for dialog in shown) == 1)
    assert "Closed, because another file was opened" in window.notices.history[-1][1]
