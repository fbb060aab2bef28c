# SPDX-License-Identifier: MIT
"""Tour of the window: it goes on by what a person does, is left by Esc, and begins on its own once at most."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from window_tools import desktop_on, drag, open_fake, wait_picture

from latent_explorer.app.engine.failure import Failure
from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.exploration.updates import ErrorReport, Message
from latent_explorer.ui.bottom_strip import TIMELINE
from latent_explorer.ui.dialogs import window_tour
from latent_explorer.ui.dialogs.window_tour import AGAIN, DRAG, EXPORT, STEPS, TURN, WATCH, beside

ROOM = QRect(0, 0, 1366, 744)
SIZE = QSize(304, 150)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(window_tour, "REST_MS", 20)
    monkeypatch.setattr(window_tour, "BEGIN_MS", 20)


def wait_step(qtbot, desktop, step) -> None:
    qtbot.waitUntil(lambda: desktop.window.tour.step == step, timeout=60_000)


def test_a_step_that_was_done_goes_on_and_the_next_one_waits(qtbot, desktop, tmp_path):
    tour, cards = desktop.window.tour, desktop.window.attributes.list.cards
    desktop.window.strip.show_tab(TIMELINE)
    desktop.window.actions_by_key["tour"].trigger()
    assert tour.step == DRAG
    drag(cards[0].slider, 0.4)
    wait_step(qtbot, desktop, WATCH)
    assert desktop.window.strip.tab != TIMELINE, "the plot is shown"
    qtbot.wait(200)
    assert tour.step == WATCH, "it waits for another movement"
    drag(cards[0].slider, 0.0)
    wait_step(qtbot, desktop, TURN)
    wait_picture(qtbot, desktop)
    for attribute in desktop.explorer.attributes()[:6]:
        desktop.explorer.apply(SetAttribute(attribute, 1.0))
    wait_picture(qtbot, desktop)
    result = desktop.explorer.shown.result
    if result.after.verdict != result.before.verdict:
        wait_step(qtbot, desktop, EXPORT)
    else:
        tour.next()
    desktop.explorer.updates.emit(Message("Cancelled."))
    qtbot.wait(100)
    assert tour.step == EXPORT, "only a file that was saved ends it"
    desktop.explorer.updates.emit(Message("Saved.", file=tmp_path / "a.png"))
    qtbot.waitUntil(lambda: not tour.active, timeout=60_000)
    assert tour.callout.isHidden()
    assert tour.ring.isHidden()


def test_next_leads_through_all_steps_and_esc_skips(desktop):
    window = desktop.window
    window.tour.start()
    for step, (heading, text) in enumerate(STEPS):
        assert window.tour.step == step
        assert window.tour.callout.accessibleName() == f"Tour, step {step + 1} of 4: {heading}. {text}"
        QTest.keyClick(window.tour.callout, Qt.Key.Key_Return)
    assert not window.tour.active
    assert window.notices.history[-1] == ("info", AGAIN)
    window.tour.start()
    window.actions_by_key["cancel"].trigger()  # Esc
    assert not window.tour.active


def test_a_verdict_that_has_turned_already_does_not_hurry_on(qtbot, desktop, monkeypatch):
    tour = desktop.window.tour
    monkeypatch.setattr(tour, "_turned", lambda: True)
    tour.start()
    tour.next()
    tour.next()
    assert tour.callout.text.text() == window_tour.TURNED
    qtbot.wait(100)
    assert tour.step == TURN


def test_the_callout_stands_beside_the_widget_and_covers_neither_it_nor_the_pictures(qtbot, desktop):
    window = desktop.window
    window.tour.start()
    card = window.attributes.list.cards[0]
    place = QRect(card.mapTo(window, QPoint()), card.size())
    bubble = window.tour.callout.geometry()
    inner = bubble.adjusted(10, 10, -10, -10)
    assert not inner.intersects(place)
    assert window.rect().contains(inner)
    picture = window.canvas.view
    assert not inner.intersects(QRect(picture.mapTo(window, QPoint()), picture.size()))
    window.resize(1000, 620)
    qtbot.waitUntil(
        lambda: window.rect().contains(window.tour.callout.geometry().adjusted(8, 8, -8, -8)), timeout=60_000
    )


@pytest.mark.parametrize("side", ["left", "right", "above", "below"])
@pytest.mark.parametrize(
    "target", [QRect(0, 0, 40, 30), QRect(1300, 700, 60, 40), QRect(600, 300, 200, 100), QRect(0, 600, 1366, 100)]
)
def test_it_fits_into_the_window_without_covering_the_widget(side, target):
    box, placed = beside(SIZE, target, ROOM, side)
    assert placed is not None
    assert ROOM.contains(box)
    assert not box.intersects(target)


@pytest.mark.parametrize("target", [QRect(), QRect(0, 0, 1366, 744)])
def test_without_a_widget_or_room_beside_it_there_is_no_arrow(target):
    box, side = beside(SIZE, target, ROOM, "below")
    assert side is None
    assert ROOM.contains(box)


def test_the_first_start_begins_it_once(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "xcb")
    for expected in (True, False):
        with desktop_on(tmp_path) as desktop:
            desktop.window.tour.start_once()
            open_fake(qtbot, desktop, tmp_path)
            if expected:
                qtbot.waitUntil(lambda desktop=desktop: desktop.window.tour.active, timeout=60_000)
            qtbot.wait(200)
            assert desktop.window.tour.active is expected
            assert desktop.explorer.settings.tour_shown


def test_nothing_begins_without_a_screen_or_after_an_error(qtbot, tmp_path, monkeypatch):
    with desktop_on(tmp_path) as desktop:
        desktop.window.tour.start_once()  # the platform is "offscreen"
        open_fake(qtbot, desktop, tmp_path)
        qtbot.wait(100)
        assert not desktop.window.tour.active
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "xcb")
    with desktop_on(tmp_path) as desktop:
        monkeypatch.setattr(desktop.window, "_show_error", lambda _update: None)
        desktop.window.tour.start_once()
        desktop.explorer.updates.emit(ErrorReport(Failure("It is damaged.", "", "user"), "Opening"))
        open_fake(qtbot, desktop, tmp_path)
        qtbot.wait(100)
        assert not desktop.window.tour.active
        assert not desktop.explorer.settings.tour_shown
