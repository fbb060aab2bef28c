# SPDX-License-Identifier: MIT
"""The timeline in the whole window, with the real controller behind it: keyframes by K, scrubbing,
playing, recording."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox
from timeline_tools import CTRL, LEFT, SHIFT, at, make_three, panel_of, slider, wait_rendered
from window_tools import desktop_on, drag, open_fake, wait_picture

from latent_explorer.app.exploration.updates import TimelineFrame
from latent_explorer.explain.timeline.timeline import frame_times
from latent_explorer.ui.bottom_strip import PLOT, TIMELINE
from latent_explorer.ui.samples.thumbnails import ThumbnailView
from latent_explorer.ui.timeline.make_dialogs import MorphDialog, RandomWalkDialog, StyleMixDialog, SweepDialog
from latent_explorer.ui.timeline.timeline_text import EMPTY
from latent_explorer.ui.timeline.transport import Transport


@pytest.fixture
def desktop(qtbot, tmp_path):
    with desktop_on(tmp_path) as made:
        open_fake(qtbot, made, tmp_path)
        yield made


# the first minute


def test_empty_it_says_in_one_sentence_what_to_do(desktop):
    QTest.keyClick(desktop.window, "t")
    panel = panel_of(desktop)
    assert desktop.window.strip.shows(TIMELINE)
    assert panel.sentence.isVisible()
    assert panel.sentence.text() == EMPTY
    assert not panel.view.isVisible()
    assert not panel.transport.play.isEnabled()
    QTest.mouseClick(panel.first, LEFT)
    assert panel.view.isVisible()
    assert panel.view.times == [0.0]


def test_k_makes_keyframes_and_shows_them(qtbot, desktop):
    assert desktop.window.strip.shows(PLOT)
    make_three(qtbot, desktop)
    panel = panel_of(desktop)
    assert desktop.window.strip.shows(TIMELINE)
    assert panel.view.times == [0.0, 1.0, 2.0]
    assert panel.transport.duration.value == 2.0
    assert panel.transport.play.isEnabled()
    qtbot.waitUntil(lambda: all(panel.controller.player.picture_at(t) for t in panel.view.times), timeout=8000)
    assert desktop.window.strip.height() <= 150


def test_every_keyframe_is_one_undo(qtbot, desktop):
    make_three(qtbot, desktop)
    assert "keyframe" in desktop.window.actions_by_key["undo"].text()
    QTest.keyClick(desktop.window, Qt.Key.Key_Z, CTRL)
    assert panel_of(desktop).view.times == [0.0, 1.0]


# tabs of the strip


def test_plot_timeline_and_training_share_the_strip(qtbot, desktop):
    window = desktop.window
    QTest.keyClick(window, "t")
    assert window.actions_by_key["timeline"].isChecked()
    assert not window.actions_by_key["plot"].isChecked()
    QTest.keyClick(window, "t")
    assert window.strip.folded
    QTest.keyClick(window, "l")
    assert window.strip.shows(PLOT)
    tabs = {button.text(): button for button in window.strip.tabs.findChildren(QAbstractButton)}
    QTest.mouseClick(tabs["Training"], LEFT)
    assert window.dock_host.dock.isVisible()
    assert window.strip.tabs.word == "Training"
    QTest.keyClick(window, "t")
    assert window.strip.shows(TIMELINE)
    assert not window.dock_host.dock.isVisible(), "on a low screen there is room for one"


def test_frames_are_made_only_while_the_timeline_is_in_front(qtbot, desktop):
    make_three(qtbot, desktop)
    assert panel_of(desktop).controller.player.active
    QTest.keyClick(desktop.window, "l")
    assert not panel_of(desktop).controller.player.active


# scrubbing and playing


def test_scrubbing_shows_the_frame_and_a_slider_brings_its_picture_back(qtbot, desktop):
    make_three(qtbot, desktop)
    panel, canvas = panel_of(desktop), desktop.window.canvas
    QTest.mouseClick(panel.view, LEFT, pos=at(panel.view, 0.5, "ruler"))
    qtbot.waitUntil(lambda: "0.50 s" in canvas.view.after.title, timeout=8000)
    assert panel.view.playhead == pytest.approx(0.5)
    assert panel.transport.time.text().startswith("0.50")
    drag(slider(desktop, 2), 0.4)
    wait_picture(qtbot, desktop)
    qtbot.waitUntil(lambda: canvas.view.after.title == "After")


def test_a_click_on_the_trace_jumps_there(qtbot, desktop):
    make_three(qtbot, desktop)
    view = panel_of(desktop).view
    QTest.mouseClick(view, LEFT, pos=at(view, 1.5, "trace"))
    assert panel_of(desktop).controller.player.playhead == pytest.approx(1.5)


def test_the_flip_is_marked_with_its_class(qtbot, desktop):
    make_three(qtbot, desktop)
    wait_rendered(qtbot, desktop)
    panel = panel_of(desktop)
    qtbot.waitUntil(lambda: bool(panel.view.trace.flips))
    seconds, index = panel.view.trace.flips[0]
    assert 0 < seconds < 2
    assert panel.view.trace.names[index] == "diseased"
    assert panel.transport.progress.text() == ""


def test_a_bar_says_how_much_is_rendered_where_words_have_no_room(qtbot):
    transport = Transport()
    qtbot.addWidget(transport)
    transport.resize(260, 32)
    transport.show()
    assert transport.bar.isHidden()
    transport.show_progress(0.4)
    assert transport.progress.isHidden()
    assert transport.bar.isVisible()
    assert (transport.bar.value(), transport.bar.toolTip()) == (40, "Rendering 40 %")
    assert transport.bar.geometry().bottom() == transport.rect().bottom()
    transport.show_progress(1.0)
    assert transport.bar.isHidden()


def test_playing_runs_through_every_lane_and_stops_at_the_end(qtbot, desktop):
    make_three(qtbot, desktop)
    wait_rendered(qtbot, desktop)
    panel = panel_of(desktop)
    shown = []
    desktop.explorer.updates.on(TimelineFrame, lambda frame: shown.append(frame.seconds))
    panel.seek(1.0)
    QTest.keyClick(desktop.window, Qt.Key.Key_Space, SHIFT)
    assert panel.controller.player.playing
    assert panel.transport.play.accessibleName().startswith("Pause")
    qtbot.waitUntil(lambda: not panel.controller.player.playing, timeout=6000)
    assert shown == sorted(shown)
    assert shown[-1] == pytest.approx(2.0)
    assert panel.view.playhead == pytest.approx(2.0)
    assert panel.transport.play.accessibleName().startswith("Play")


def test_space_plays_in_the_timeline_and_shows_before_elsewhere(qtbot, desktop):
    make_three(qtbot, desktop)
    panel = panel_of(desktop)
    panel.seek(0.0)
    panel.view.setFocus()
    QTest.keyClick(panel.view, Qt.Key.Key_Space)
    assert panel.controller.player.playing
    QTest.keyClick(panel.view, Qt.Key.Key_Space)
    assert not panel.controller.player.playing
    desktop.window.canvas.view.setFocus()
    QTest.keyPress(desktop.window.canvas.view, Qt.Key.Key_Space)
    assert desktop.window.canvas.view.peeking
    assert not panel.controller.player.playing
    QTest.keyRelease(desktop.window.canvas.view, Qt.Key.Key_Space)


def test_frames_and_keyframes_by_key(qtbot, desktop):
    make_three(qtbot, desktop)
    panel = panel_of(desktop)
    panel.seek(0.0)
    QTest.keyClick(desktop.window, ".")
    QTest.keyClick(desktop.window, ".")
    QTest.keyClick(desktop.window, ",")
    assert panel.controller.player.playhead == pytest.approx(0.05)
    panel.view.setFocus()
    QTest.keyClick(panel.view, Qt.Key.Key_Down)
    assert (panel.controller.player.playhead, panel.view.selected) == (1.0, [1])
    QTest.keyClick(panel.view, Qt.Key.Key_Down, SHIFT)
    assert panel.view.selected == [1, 2]
    QTest.keyClick(panel.view, Qt.Key.Key_Home)
    assert panel.controller.player.playhead == 0.0
    QTest.keyClick(panel.view, Qt.Key.Key_End)
    assert panel.controller.player.playhead == 2.0


# made at once


def test_a_random_walk_is_one_click(qtbot, desktop):
    desktop.window.actions_by_key["random_walk"].trigger()
    panel = panel_of(desktop)
    assert len(panel.view.times) == 8
    assert panel.controller.current.loop
    assert len(panel.view.segments()) == 8, "the way back closes the circle"
    assert desktop.window.strip.shows(TIMELINE)


@pytest.mark.parametrize(
    ("key", "kind", "count"),
    [
        ("random_walk_with", RandomWalkDialog, 8),
        ("morph", MorphDialog, 2),
        ("style_mix", StyleMixDialog, 2),
        ("sweep", SweepDialog, 2),
    ],
)
def test_dialogs_make_timelines(qtbot, desktop, key, kind, count):
    desktop.window.actions_by_key[key].trigger()
    dialog = panel_of(desktop).findChild(kind)
    dialog.seconds.setFocus()
    dialog.seconds.selectAll()
    QTest.keyClicks(dialog.seconds, "0.5")
    QTest.mouseClick(dialog.go, LEFT)
    times = panel_of(desktop).view.times
    assert len(times) == count
    assert times[1] == pytest.approx(0.5)


def test_a_sweep_in_the_steps_of_published_morphs(desktop):
    desktop.window.actions_by_key["sweep"].trigger()
    dialog = panel_of(desktop).findChild(SweepDialog)
    dialog._way.setCurrentIndex(1)
    assert not dialog.stop.isEnabled()
    QTest.mouseClick(dialog.go, LEFT)
    made = panel_of(desktop).controller.current
    assert len(frame_times(made)) == 20
    assert not made.ping_pong


def test_a_morph_is_chosen_by_pictures(qtbot, desktop):
    samples = desktop.window.samples.view
    qtbot.waitUntil(lambda: len(samples.thumbnails.pictures) > 0)
    desktop.window.actions_by_key["morph"].trigger()
    dialog = panel_of(desktop).findChild(MorphDialog)
    first, second = dialog.findChildren(ThumbnailView)
    assert (first.accessibleName(), second.accessibleName()) == ("From", "To")
    assert not dialog.findChildren(QComboBox)
    in_view = first.thumbnails.bases[:8]
    qtbot.waitUntil(lambda: all(base in first.thumbnails.pictures for base in in_view))
    second.setCurrentIndex(second.thumbnails.index(5))
    assert dialog.ends == (first.thumbnails.bases[0], second.thumbnails.bases[5])
    asked = []
    set_strip = desktop.explorer.set_strip
    desktop.explorer.set_strip = lambda bases: asked.append(bases) or set_strip(bases)
    dialog.reject()
    assert asked
    assert set(asked[0]) <= set(samples.thumbnails.bases)  # the samples get their pictures again


# recording


def test_record_makes_keyframes_of_a_slider_session(qtbot, desktop):
    window = desktop.window
    action = window.actions_by_key["record"]
    QTest.keyClick(window, Qt.Key.Key_R, CTRL | SHIFT)
    assert action.isChecked()
    assert action.iconText().startswith("Stop 0:0")
    drag(slider(desktop, 0), 1.0)
    QTest.qWait(150)
    drag(slider(desktop, 1), 0.6)
    QTest.qWait(150)
    action.trigger()
    assert not action.isChecked()
    assert action.iconText() == "Record"
    assert window.strip.shows(TIMELINE)
    assert len(panel_of(desktop).view.times) >= 2
