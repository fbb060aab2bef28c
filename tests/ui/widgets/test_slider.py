# SPDX-License-Identifier: MIT
"""Slider: mouse, keys, wheel and typing, and its accessible texts."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from latent_explorer.common.format import number_text
from latent_explorer.ui.application import make_application
from latent_explorer.ui.widgets.number_box import parse_number
from latent_explorer.ui.widgets.slider import ValueSlider
from latent_explorer.ui.widgets.slider_track import INSIDE_SHARE

LEFT = Qt.MouseButton.LeftButton


class Harness(QWidget):
    """Slider in a window with another focusable widget, and a record of its signals."""

    def __init__(self, **options) -> None:
        super().__init__()
        self.other = QWidget()
        self.other.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.other.setMinimumHeight(20)
        self.slider = ValueSlider("spots", **options)
        layout = QVBoxLayout(self)
        layout.addWidget(self.other)
        layout.addWidget(self.slider)
        self.said: list[object] = []
        self.slider.amount_changed.connect(self.said.append)
        self.slider.pressed.connect(lambda: self.said.append("pressed"))
        self.slider.released.connect(lambda: self.said.append("released"))
        self.resize(420, 90)

    @property
    def amounts(self) -> list[float]:
        return [each for each in self.said if isinstance(each, float)]

    def at(self, amount: float) -> QPoint:
        track = self.slider.track
        return QPoint(round(track.x_of(amount)), track.height() // 2)


@pytest.fixture
def harness(qtbot):
    make_application()
    made = Harness()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    made.other.setFocus()
    return made


def drag(harness: Harness, start: float, *stops: float) -> None:
    track = harness.slider.track
    QTest.mousePress(track, LEFT, pos=harness.at(start))
    for stop in stops:
        QTest.mouseMove(track, harness.at(stop))
    QTest.mouseRelease(track, LEFT, pos=harness.at(stops[-1]))


def turn_wheel(widget: QWidget, notches: int) -> bool:
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        widget.mapToGlobal(middle),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def test_a_drag_is_one_gesture_around_its_values(harness):
    drag(harness, 0.0, 0.4, 0.9)
    assert harness.said[0] == "pressed"
    assert harness.said[-1] == "released"
    assert harness.said.count("pressed") == harness.said.count("released") == 1
    assert harness.slider.amount == pytest.approx(0.9, abs=0.03)


def test_gripping_the_handle_off_its_centre_moves_nothing(harness):
    track = harness.slider.track
    QTest.mousePress(track, LEFT, pos=harness.at(0.0) + QPoint(5, 0))
    QTest.mouseRelease(track, LEFT, pos=harness.at(0.0) + QPoint(5, 0))
    assert harness.amounts == []


def test_a_press_beside_the_handle_brings_it_there(harness):
    QTest.mousePress(harness.slider.track, LEFT, pos=harness.at(1.5))
    assert harness.slider.amount == pytest.approx(1.5, abs=0.03)


def test_it_snaps_gently_at_zero(harness):
    harness.slider.set_amount(0.8)
    track = harness.slider.track
    QTest.mousePress(track, LEFT, pos=harness.at(0.8))
    QTest.mouseMove(track, harness.at(0.0) + QPoint(2, 0))
    assert harness.slider.amount == 0
    QTest.mouseMove(track, harness.at(0.0) + QPoint(8, 0))
    assert 0 < harness.slider.amount < 0.3


def test_shift_drags_finely(harness):
    track = harness.slider.track
    QTest.mousePress(track, LEFT, Qt.KeyboardModifier.ShiftModifier, harness.at(0.0))
    move = harness.at(1.0)
    event = QMouseEvent(
        QMouseEvent.Type.MouseMove,
        QPointF(move),
        QPointF(track.mapToGlobal(move)),
        Qt.MouseButton.NoButton,
        LEFT,
        Qt.KeyboardModifier.ShiftModifier,
    )
    QApplication.sendEvent(track, event)
    assert harness.slider.amount == pytest.approx(0.2, abs=0.03)


def test_a_double_click_resets(harness):
    harness.slider.set_amount(1.2)
    QTest.mouseDClick(harness.slider.track, LEFT, pos=harness.at(1.2))
    assert harness.slider.amount == 0
    assert harness.amounts[-1] == 0


@pytest.mark.parametrize(
    ("key", "amount"),
    [
        (Qt.Key.Key_Right, 0.55),
        (Qt.Key.Key_Left, 0.45),
        (Qt.Key.Key_PageUp, 0.75),
        (Qt.Key.Key_PageDown, 0.25),
        (Qt.Key.Key_Home, -2.0),
        (Qt.Key.Key_End, 2.0),
        (Qt.Key.Key_Delete, 0.0),
    ],
)
def test_keys_step_and_each_press_is_a_gesture(harness, key, amount):
    harness.slider.set_amount(0.5)
    harness.slider.setFocus()
    QTest.keyClick(harness.slider.track, key)
    assert harness.slider.amount == pytest.approx(amount)
    assert harness.said == ["pressed", pytest.approx(amount), "released"]


def test_the_wheel_acts_only_with_focus(harness):
    assert not turn_wheel(harness.slider.track, 1)
    assert harness.slider.amount == 0
    harness.slider.setFocus()
    assert turn_wheel(harness.slider.track, 1)
    assert harness.slider.amount > 0


def test_the_wheel_is_one_gesture_until_the_focus_leaves(harness):
    harness.slider.setFocus()
    for _ in range(3):
        turn_wheel(harness.slider.track, 1)
    harness.other.setFocus()
    assert harness.said.count("pressed") == 1
    assert harness.said[-1] == "released"


@pytest.mark.parametrize(
    ("typed", "amount"), [("0.75", 0.75), ("-1,5", -1.5), ("\N{MINUS SIGN}.25", -0.25), ("9", 2.0)]
)
def test_a_typed_number_counts(harness, typed, amount):
    field = harness.slider.field
    field.setFocus()
    field.selectAll()
    field.insert(typed)  # QTest types Latin 1 only
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert harness.slider.amount == pytest.approx(amount)
    assert harness.amounts == [pytest.approx(amount)]


def test_nonsense_and_escape_leave_the_number(harness):
    harness.slider.set_amount(0.5)
    field = harness.slider.field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "lots")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == "0.50"
    QTest.keyClicks(field, "1.7")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "0.50"
    assert harness.amounts == []


def test_an_emptied_field_resets(harness):
    harness.slider.set_amount(0.5)
    field = harness.slider.field
    field.setFocus()
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    harness.other.setFocus()
    assert harness.slider.amount == 0


def test_what_the_state_says_is_shown_in_silence(harness):
    harness.slider.set_amount(1.23)
    assert harness.said == []
    assert harness.slider.field.text() == "1.23"


def test_a_number_being_typed_is_not_overwritten(harness):
    field = harness.slider.field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "1.")
    harness.slider.set_amount(0.3)
    assert field.text() == "1."


def test_beyond_the_data_is_marked_in_shape_and_words(harness):
    harness.slider.set_amount(1.0)
    assert not harness.slider.outside
    inside = harness.slider.grab().toImage()
    harness.slider.set_amount(1.4)
    assert harness.slider.outside
    assert "outside the data" in harness.slider.track.accessibleDescription()
    assert harness.slider.field.toolTip()
    assert harness.slider.grab().toImage() != inside


def test_it_is_named_for_screen_readers_and_28_px_tall(harness):
    assert harness.slider.height() == 28
    assert harness.slider.track.accessibleName() == "spots"
    assert harness.slider.field.accessibleName() == "spots, number"


def test_other_ranges_rest_elsewhere(qtbot):
    make_application()
    harness = Harness(minimum=-0.5, maximum=1.5, default=1.0, inside=(-0.5, 1.0))
    qtbot.addWidget(harness)
    harness.show()
    assert harness.slider.amount == 1
    QTest.mouseDClick(harness.slider.track, LEFT, pos=harness.at(0.2))
    assert harness.slider.amount == 1


@pytest.mark.parametrize("value", [0.0, -0.001, 1.0, -1.25, 0.5])
def test_numbers_read_back_as_shown(value):
    assert parse_number(number_text(value)) == pytest.approx(value, abs=0.005)


@pytest.mark.parametrize("text", ["", "-", "nan", "1.2.3", "inf", "one"])
def test_what_is_no_number(text):
    assert parse_number(text) is None


def test_the_range_of_the_data_gets_most_of_the_track(qtbot):
    slider = ValueSlider("brown")
    qtbot.addWidget(slider)
    slider.resize(250, 32)
    track = slider.track
    left, low, high, right = (track.x_of(amount) for amount in (-2.0, -1.0, 1.0, 2.0))
    assert high - low == pytest.approx(INSIDE_SHARE * (right - left))
    assert track.x_of(0.0) == pytest.approx((left + right) / 2)
    for amount in (-2.0, -1.3, -1.0, 0.25, 1.0, 1.7, 2.0):
        assert track.amount_at(track.x_of(amount)) == pytest.approx(amount)
    assert track.amount_at(left - 50) == -2.0


def test_a_range_that_fills_the_track_stays_even(qtbot):
    slider = ValueSlider("share", 0.0, 1.0, inside=(0.0, 1.0))
    qtbot.addWidget(slider)
    slider.resize(250, 32)
    left, right = slider.track.x_of(0.0), slider.track.x_of(1.0)
    assert slider.track.x_of(0.25) == pytest.approx(left + 0.25 * (right - left))
