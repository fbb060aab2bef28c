# SPDX-License-Identifier: MIT
"""Editing in the timeline of the whole window: moving, copying, easing, loops, and several timelines."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QInputDialog, QMenu, QMessageBox
from timeline_tools import ALT, CTRL, LEFT, SHIFT, at, make_three, panel_of, slider
from window_tools import desktop_on, open_fake

from latent_explorer.explain.timeline.timeline import Curve, duration
from latent_explorer.ui.timeline.easing_popup import EasingPopup


@pytest.fixture
def desktop(qtbot, tmp_path):
    with desktop_on(tmp_path) as made:
        open_fake(qtbot, made, tmp_path)
        yield made


def drag_view(view, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(view, LEFT, pos=start)
    for share in (0.4, 0.8, 1.0):
        QTest.mouseMove(view, start + (end - start) * share)
    QTest.mouseRelease(view, LEFT, pos=end)


def test_a_drag_moves_a_keyframe_past_another_in_one_undo(qtbot, desktop):
    make_three(qtbot, desktop)
    panel = panel_of(desktop)
    recipes = [k.recipe for k in panel.controller.current.keyframes]
    drag_view(panel.view, at(panel.view, 1.0), at(panel.view, 2.2))
    assert panel.view.times == pytest.approx([0.0, 2.0, 2.2])
    assert panel.view.selected == [2]
    assert [k.recipe for k in panel.controller.current.keyframes] == [recipes[0], recipes[2], recipes[1]]
    QTest.keyClick(desktop.window, Qt.Key.Key_Z, CTRL)
    assert panel.view.times == [0.0, 1.0, 2.0]


def test_delete_copy_paste_double_and_cut(qtbot, desktop):
    make_three(qtbot, desktop)
    panel = panel_of(desktop)
    view = panel.view
    view.setFocus()
    view.select([1, 2])
    QTest.keyClick(view, Qt.Key.Key_C, CTRL)
    QTest.keyClick(view, Qt.Key.Key_End)
    QTest.keyClick(view, Qt.Key.Key_V, CTRL)
    assert view.times == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert view.selected == [3, 4]
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert view.times == [0.0, 1.0, 2.0]
    view.select([0])
    QTest.keyClick(view, Qt.Key.Key_D, CTRL)
    assert view.times == [0.0, 1.0, 2.0, 3.0]
    QTest.keyClick(view, Qt.Key.Key_X, CTRL)
    assert view.times == [0.0, 1.0, 2.0]
    QTest.keyClick(view, Qt.Key.Key_A, CTRL)
    assert view.selected == [0, 1, 2]


def test_keyframes_move_by_frames_with_alt_and_arrows(qtbot, desktop):
    make_three(qtbot, desktop)
    view = panel_of(desktop).view
    view.setFocus()
    view.select([1])
    QTest.keyClick(view, Qt.Key.Key_Right, ALT)
    QTest.keyClick(view, Qt.Key.Key_Right, ALT | SHIFT)
    assert view.times == pytest.approx([0.0, 1.55, 2.0])
    assert view.selected == [1]


def test_reverse_distribute_and_stretch(qtbot, desktop):
    make_three(qtbot, desktop)
    panel = panel_of(desktop)
    recipes = [k.recipe for k in panel.controller.current.keyframes]
    desktop.window.actions_by_key["reverse_timeline"].trigger()
    assert [k.recipe for k in panel.controller.current.keyframes] == recipes[::-1]
    drag_view(panel.view, at(panel.view, 1.0), at(panel.view, 1.5))
    desktop.window.actions_by_key["distribute_keyframes"].trigger()
    assert panel.view.times == pytest.approx([0.0, 1.0, 2.0])
    field = panel.transport.duration
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "3")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert duration(panel.controller.current) == pytest.approx(3.0)


def test_a_segments_easing_is_chosen_in_the_popup_in_one_undo(qtbot, desktop):
    make_three(qtbot, desktop)
    panel = panel_of(desktop)
    QTest.mouseClick(panel.view, LEFT, pos=at(panel.view, 0.5))
    popup = panel.view.findChild(EasingPopup)
    buttons = {b.text(): b for b in popup.kinds.findChildren(QAbstractButton)}
    QTest.mouseClick(buttons["Hold"], LEFT)
    assert panel.controller.current.keyframes[0].easing == "hold"
    QTest.mouseClick(buttons["Custom"], LEFT)
    assert isinstance(panel.controller.current.keyframes[0].easing, Curve)
    popup.close()
    QTest.keyClick(desktop.window, Qt.Key.Key_Z, CTRL)
    assert panel.controller.current.keyframes[0].easing == "smooth"


def test_a_double_click_brings_a_keyframe_to_the_sliders(qtbot, desktop):
    make_three(qtbot, desktop)
    view = panel_of(desktop).view
    QTest.mouseDClick(view, LEFT, pos=at(view, 0.0))
    assert slider(desktop, 0).amount == 0.0
    assert slider(desktop, 1).amount == 0.0


def test_loop_ping_pong_rate_and_space(qtbot, desktop):
    make_three(qtbot, desktop)
    panel = panel_of(desktop)
    QTest.mouseClick(panel.transport.loop, LEFT)
    assert panel.controller.current.loop
    assert desktop.window.actions_by_key["loop"].isChecked()
    QTest.mouseClick(panel.transport.ping_pong, LEFT)
    assert panel.controller.current.ping_pong
    desktop.explorer.undo()
    assert not desktop.window.actions_by_key["ping_pong"].isChecked()
    choose(panel.menus.fps, "12.5 frames per second")
    assert panel.controller.current.fps == 12.5
    assert panel.transport.fps.text() == "12.5 fps"
    choose(panel.menus.space, "Style space")
    assert panel.controller.current.space == "style"


def choose(menu: QMenu, text: str) -> None:
    """Open the menu and trigger one of its actions."""
    menu.aboutToShow.emit()
    next(a for a in menu.actions() if a.text().replace("&", "") == text).trigger()


def test_several_timelines_by_name(qtbot, desktop, monkeypatch):
    make_three(qtbot, desktop)
    panel = panel_of(desktop)
    first = panel.controller.current.name
    choose(panel.menus.timelines, "New timeline")
    assert panel.view.times == []
    assert panel.sentence.isVisible()
    monkeypatch.setattr(QInputDialog, "getText", lambda *_a, **_k: ("Well & sick", True))
    choose(panel.menus.timelines, "Rename...")
    assert panel.controller.current.name == "Well & sick"
    assert panel.transport.name.text() == "Well && sick"
    choose(panel.menus.timelines, first)
    assert len(panel.view.times) == 3
    choose(panel.menus.timelines, "Duplicate")
    assert len(panel.controller.timelines) == 3
    monkeypatch.setattr(QMessageBox, "question", lambda *_a: QMessageBox.StandardButton.Yes)
    choose(panel.menus.timelines, "Delete...")
    assert len(panel.controller.timelines) == 2
