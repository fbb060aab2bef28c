# SPDX-License-Identifier: MIT
"""The painted timeline under mouse, wheel and keys, without a controller: its painting and its signals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fake_explainer import FakeExplainer, FakeRenderer
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QFontMetricsF, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from window_tools import colours_in

from latent_explorer.app.timeline.player import TimelineTrace
from latent_explorer.explain.recipe import PictureRecipe, PictureRequest, SampleBase, StyleShift
from latent_explorer.explain.timeline.timeline import Curve, Keyframe, Timeline, frame_times, recipe_at
from latent_explorer.ui.application import make_application
from latent_explorer.ui.style import theme
from latent_explorer.ui.timeline.easing_popup import EasingEditor, EasingPopup, as_curve
from latent_explorer.ui.timeline.geometry import fit_scale, ruler_ticks
from latent_explorer.ui.timeline.painting import ARROW, flip_labels
from latent_explorer.ui.timeline.view import TimelineView

LEFT = Qt.MouseButton.LeftButton
NO, CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


def recipe(amount: float) -> PictureRecipe:
    return PictureRecipe(SampleBase(4), edits=(StyleShift(40, "max", amount),))


TIMELINE = Timeline(
    "Walk",
    (
        Keyframe(0.0, recipe(0.0)),
        Keyframe(1.0, recipe(1.0), "linear"),
        Keyframe(2.0, recipe(0.5), "hold"),
        Keyframe(4.0, recipe(0.2)),
    ),
)


@pytest.fixture
def view(qtbot):
    make_application()
    theme.apply("light")
    made = TimelineView()
    qtbot.addWidget(made)
    made.resize(820, 106)
    made.show_timeline(TIMELINE)
    made.show()
    made.setFocus()
    qtbot.waitUntil(made.isVisible)
    return made


def at(view: TimelineView, seconds: float, lane: str = "track") -> QPoint:
    """Return the point of a time in a lane."""
    box = getattr(view.lanes, lane)
    return QPoint(round(view.scale.x(seconds)), round(box.center().y()))


def drag(view: TimelineView, start: QPoint, end: QPoint, modifiers=NO) -> None:
    QTest.mousePress(view, LEFT, modifiers, start)
    for share in (0.3, 0.7, 1.0):
        point = start + (end - start) * share
        # QTest.mouseMove cannot hold a modifier.
        view_move(view, point, modifiers)
    QTest.mouseRelease(view, LEFT, modifiers, end)


def view_move(view: TimelineView, point: QPoint, modifiers) -> None:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    place = QPointF(point)
    event = QMouseEvent(QEvent.Type.MouseMove, place, QPointF(view.mapToGlobal(point)), LEFT, LEFT, modifiers)
    QApplication.sendEvent(view, event)


# mouse


def test_a_click_selects_and_shows_a_keyframe(view):
    asked = []
    view.seek_requested.connect(asked.append)
    QTest.mouseClick(view, LEFT, pos=at(view, 1.0))
    assert view.selected == [1]
    assert asked == [1.0]


def test_several_by_ctrl_and_by_shift(view):
    QTest.mouseClick(view, LEFT, pos=at(view, 0.0))
    QTest.mouseClick(view, LEFT, CTRL, at(view, 2.0))
    assert view.selected == [0, 2]
    QTest.mouseClick(view, LEFT, CTRL, at(view, 0.0))
    assert view.selected == [2]
    QTest.mouseClick(view, LEFT, SHIFT, at(view, 4.0))
    assert view.selected == [0, 1, 2, 3]  # from the one that was clicked last
    QTest.mouseClick(view, LEFT, pos=QPoint(4, round(view.lanes.track.center().y())))
    assert view.selected == []


def test_a_drag_moves_all_selected_ones_and_snaps_to_frames(view):
    asked = []
    view.moved.connect(lambda moves, copy: asked.append((moves, copy)))
    view.select([1, 2])
    drag(view, at(view, 1.0), at(view, 1.512))
    assert asked == [({1: 1.5, 2: 2.5}, False)]


def test_a_drag_never_leads_before_the_beginning(view):
    asked = []
    view.moved.connect(lambda moves, copy: asked.append(moves))
    view.select([1, 2])
    drag(view, at(view, 1.0), QPoint(0, 30))
    assert asked == [{1: 0.0, 2: 1.0}]


@pytest.mark.parametrize("modifier", [ALT, CTRL])
def test_a_drag_with_alt_or_ctrl_copies(view, modifier):
    asked = []
    view.moved.connect(lambda moves, copy: asked.append((moves, copy)))
    drag(view, at(view, 1.0), at(view, 3.0), modifier)
    assert asked == [({1: 3.0}, True)]


def test_escape_takes_a_drag_back(view):
    asked = []
    view.moved.connect(lambda moves, copy: asked.append(moves))
    QTest.mousePress(view, LEFT, pos=at(view, 1.0))
    view_move(view, at(view, 1.6), NO)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.mouseRelease(view, LEFT, pos=at(view, 1.6))
    assert asked == []


@pytest.mark.parametrize("lane", ["ruler", "trace"])
def test_ruler_and_trace_scrub_by_frames(view, lane):
    asked = []
    view.seek_requested.connect(asked.append)
    drag(view, at(view, 0.52, lane), at(view, 3.01, lane))
    assert asked[0] == pytest.approx(0.5)
    assert asked[-1] == pytest.approx(3.0)
    assert all(abs(s * 20 - round(s * 20)) < 1e-9 for s in asked)


def test_a_click_on_a_segment_asks_for_its_easing(view):
    asked = []
    view.easing_requested.connect(lambda index, place: asked.append(index))
    QTest.mouseClick(view, LEFT, pos=at(view, 1.5))
    QTest.mouseClick(view, LEFT, pos=at(view, 3.0))
    assert asked == [1, 2]
    drag(view, at(view, 1.5), at(view, 3.0))  # no click
    assert asked == [1, 2]


def test_the_way_back_of_a_loop_is_a_segment_too(view):
    asked = []
    view.easing_requested.connect(lambda index, place: asked.append(index))
    view.show_timeline(Timeline("Loop", TIMELINE.keyframes, loop=True))
    QTest.mouseClick(view, LEFT, pos=at(view, 4.5))
    assert asked == [3]


def test_a_double_click_opens_a_keyframe(view):
    opened = []
    view.opened.connect(opened.append)
    QTest.mouseDClick(view, LEFT, pos=at(view, 2.0))
    assert opened == [2]


# zoom


def test_ctrl_and_wheel_zoom_about_the_mouse_and_fit_shows_all(view):
    x = view.scale.x(2.0)
    turn(view, x, 120, CTRL)
    turn(view, x, 120, CTRL)
    assert view.scale.x(2.0) == pytest.approx(x)
    assert view.scale.end < 4.0
    before = view.scale.start
    turn(view, x, -120, NO)
    assert view.scale.start > before
    QTest.keyClick(view, Qt.Key.Key_Z)
    assert view.scale.start == 0.0
    assert view.scale.end >= 4.0


def turn(view, x, delta, modifiers):
    place = QPointF(x, 30)
    event = QWheelEvent(
        place, view.mapToGlobal(place), QPoint(), QPoint(0, delta),
        Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def test_the_page_turns_with_the_playhead(view):
    view.zoom(8.0, view.scale.x(0.0))
    assert view.scale.end < 3.0
    view.show_playhead(3.0)
    assert view.scale.start <= 3.0 <= view.scale.end


def test_the_ruler_has_readable_marks():
    words = [text for _at, text in ruler_ticks(fit_scale(4.0, 40, 700))]
    assert words[:3] == ["0 s", "0.5 s", "1 s"]


# keys


@pytest.mark.parametrize(
    ("key", "modifiers", "command"),
    [
        (Qt.Key.Key_Space, NO, "play"),
        (Qt.Key.Key_Left, NO, "frame_back"),
        (Qt.Key.Key_Right, ALT, "move_on"),
        (Qt.Key.Key_Down, SHIFT, "extend_on"),
        (Qt.Key.Key_Home, NO, "start"),
        (Qt.Key.Key_Delete, NO, "delete"),
        (Qt.Key.Key_C, CTRL, "copy"),
        (Qt.Key.Key_V, CTRL, "paste"),
        (Qt.Key.Key_D, CTRL, "duplicate"),
    ],
)
def test_keys_ask(view, key, modifiers, command):
    asked = []
    view.command_requested.connect(asked.append)
    QTest.keyClick(view, key, modifiers)
    assert asked == [command]


def test_return_opens_the_easing_after_the_selected_keyframe(view):
    asked = []
    view.easing_requested.connect(lambda index, place: asked.append(index))
    view.select([2])
    QTest.keyClick(view, Qt.Key.Key_Return)
    view.select([3])
    QTest.keyClick(view, Qt.Key.Key_Return)  # nothing follows
    assert asked == [2]


def test_a_screen_reader_hears_what_is_there(view):
    view.select([1])
    view.show_playhead(1.25)
    said = view.accessibleDescription()
    assert said == ("4 keyframes, 4.00 seconds, playhead at 1.25, keyframe 2 selected, linear after it")


# what is seen


def rendered() -> tuple[TimelineTrace, list]:
    renderer = FakeRenderer(FakeExplainer())
    times = frame_times(TIMELINE)
    pictures = [renderer.render(PictureRequest(recipe_at(TIMELINE, s), "")).after for s in times]
    probs = np.array([picture.probs for picture in pictures])
    keyframes = [pictures[times.index(k.seconds)] for k in TIMELINE.keyframes]
    return TimelineTrace(np.array(times), probs, 0.05, ("diseased", "healthy")), keyframes


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [440, 820, 1500])
def test_pictures_and_trace_are_drawn(view, mode, width):
    theme.apply(mode)
    view.resize(width, 106)
    bare = colours_in(view)
    trace, pictures = rendered()
    view.show_trace(trace)
    view.show_pictures(pictures)
    assert colours_in(view) > bare + 20
    theme.apply("light")


def test_the_trace_knows_where_frames_are_missing():
    seconds = np.array([0.0, 0.05, 0.1, 0.5, 0.55])
    trace = TimelineTrace(seconds, np.zeros((5, 2)), 0.05)
    assert trace.ready == [(0.0, 0.1), (0.5, 0.55)]
    assert trace.at(0.3) is None
    assert trace.at(0.51) is not None


# easing


def test_the_popup_takes_ready_made_ways_and_a_curve(qtbot, view):
    popup = EasingPopup(view, "linear")
    chosen = []
    popup.chosen.connect(chosen.append)
    popup.show_above(view.mapToGlobal(QPoint(200, 20)))
    buttons = {b.text(): b for b in popup.kinds.findChildren(QAbstractButton)}
    QTest.mouseClick(buttons["Smooth"], LEFT)
    QTest.mouseClick(buttons["Custom"], LEFT)
    assert chosen == ["smooth", as_curve("smooth")]
    editor = popup.editor
    start = editor.handle_at(1).toPoint()
    QTest.mousePress(editor, LEFT, pos=start)
    QTest.mouseMove(editor, start + QPoint(-30, 0))
    QTest.mouseRelease(editor, LEFT, pos=start + QPoint(-30, 0))
    assert isinstance(chosen[-1], Curve)
    assert chosen[-1].x2 < 0.6
    closed = []
    popup.closed.connect(lambda: closed.append(True))
    QTest.keyClick(popup.kinds, Qt.Key.Key_Escape)
    assert closed == [True]


def test_the_curves_handles_move_by_keys_and_stay_inside(qtbot):
    make_application()
    editor = EasingEditor()
    qtbot.addWidget(editor)
    editor.show_curve(Curve(0.0, 0.0, 1.0, 1.0))
    QTest.keyClick(editor, Qt.Key.Key_Left)
    assert editor.curve.x1 == 0.0
    QTest.keyClick(editor, Qt.Key.Key_Up)
    QTest.keyClick(editor, Qt.Key.Key_Space)
    QTest.keyClick(editor, Qt.Key.Key_Down)
    assert editor.curve == Curve(0.0, 0.02, 1.0, 0.98)
    assert "second at 1.00, 0.98" in editor.accessibleDescription()


# Labels of flips ---------------------------------------------------------------------------------


def flipping(*starts: float) -> TimelineTrace:
    """Return a trace of 4 s whose two classes lead in turns from these times on."""
    seconds = np.arange(0, 4.001, 1 / 30)
    second_leads = np.searchsorted(starts, seconds, side="right") % 2
    return TimelineTrace(seconds, np.eye(2)[second_leads], 1 / 30, ("healthy", "diseased"), 1.0)


@pytest.mark.parametrize(
    "starts", [(1.0,), (3.9,), (1.0, 1.6), (1.0, 1.25, 1.5, 1.75), (0.5, 0.6, 0.7, 2.0, 3.8), (1.0, 1.05, 3.0)]
)
@pytest.mark.parametrize("width", [300, 820, 1900])
def test_a_flip_is_labelled_only_over_the_stretch_that_its_class_leads(view, starts, width):
    view.resize(width, 140)
    trace = flipping(*starts)
    view.show_trace(trace)
    assert len(trace.flips) == len(trace.stretches()) == len(starts)
    metrics = QFontMetricsF(theme.font(11, semibold=True))
    labels = flip_labels(view.lanes, view.scale, trace, metrics)
    for box, text in labels:
        inside = np.linspace(view.scale.seconds(box.left()), view.scale.seconds(box.right()), 50)
        led_by = {trace.names[int(trace.at(t).argmax())] for t in inside}
        assert len(led_by) == 1
        name = text.removeprefix(ARROW).strip().removesuffix("…")
        assert led_by.pop().startswith(name)
        assert box.right() <= view.lanes.trace.right()
        assert box.width() >= metrics.horizontalAdvance(text)
    roomy = [end - start for start, end, _ in trace.stretches() if view.scale.x(end) - view.scale.x(start) > 100]
    assert sum(text in (f"{ARROW} healthy", f"{ARROW} diseased") for _, text in labels) >= len(roomy)


def test_every_flip_is_marked_in_the_colour_of_its_class_even_without_room(view):
    view.resize(420, 140)
    trace = flipping(1.0, 1.1, 1.2, 1.3, 2.0)
    view.show_trace(trace)
    image = view.grab().toImage()
    ratio = image.devicePixelRatio()
    for start, _end, index in trace.stretches():
        x, y = view.scale.x(start) + 1.5, view.lanes.trace.top() + 8.5
        pixel = image.pixelColor(round(x * ratio), round(y * ratio))
        wanted, other = theme.current().class_color(index), theme.current().class_color(1 - index)

        def far(colour, pixel=pixel):
            return sum(abs(a - b) for a, b in zip(colour.getRgb()[:3], pixel.getRgb()[:3], strict=True))

        assert far(wanted) < far(other), start


def test_a_stretch_ends_where_frames_are_missing():
    trace = flipping(1.0)
    some = (trace.seconds < 1.5) | (trace.seconds > 3.0)
    trace = dataclasses.replace(trace, seconds=trace.seconds[some], probs=trace.probs[some])
    ((start, end, index),) = trace.stretches()
    assert (start, index) == (pytest.approx(1.0), 1)
    assert end < 1.5
