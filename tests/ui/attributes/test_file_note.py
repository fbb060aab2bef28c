# SPDX-License-Identifier: MIT
"""Note of a file: shown as text above the sliders until it is closed, then hidden for that file."""

from __future__ import annotations

import contextlib

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from window_tools import desktop_on, open_fake

from latent_explorer.models.summary import MAX_NOTE

NOTE = "<b>Watch the ground</b> while you drag the first slider."


@pytest.fixture
def opened(qtbot, tmp_path):
    """Return a function that opens a window on a fake explainer with a note, keeping the settings between windows."""
    with contextlib.ExitStack() as open_windows:

        def show(note):
            desktop = open_windows.enter_context(desktop_on(tmp_path, note=note))
            open_fake(qtbot, desktop, tmp_path)
            return desktop.window.attributes

        yield show


def test_the_note_stands_above_the_sliders_as_plain_text(opened):
    panel = opened(NOTE)
    assert panel.note.isVisible()
    assert panel.note.text.text() == NOTE
    assert panel.note.text.textFormat() == Qt.TextFormat.PlainText
    assert panel.note.text.accessibleName()
    assert panel.note.geometry().bottom() < panel.list.mapTo(panel, panel.list.rect().topLeft()).y()


def test_a_closed_note_stays_away_and_another_one_comes(opened):
    panel = opened(NOTE)
    panel.note.close_button.setFocus()
    QTest.keyClick(panel.note.close_button, Qt.Key.Key_Space)
    assert not panel.note.isVisible()
    assert not opened(NOTE).note.isVisible()
    assert opened("It has another one now.").note.isVisible()


def test_without_a_note_there_is_nothing(opened):
    assert not opened("").note.isVisible()


def test_the_longest_note_is_whole_and_leaves_room_for_sliders(opened, qapp):
    panel = opened("The ground moves when you drag. " * 18 + "It does, I say: look and see.")
    assert len(panel.note.text.text()) >= MAX_NOTE - 20
    qapp.processEvents()
    label = panel.note.text
    assert label.height() >= label.heightForWidth(label.width())
    assert panel.list.viewport().height() >= 2 * panel.list.cards[0].height()
