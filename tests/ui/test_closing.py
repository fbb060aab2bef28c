# SPDX-License-Identifier: MIT
"""Closing the window with unsaved work asks; what was discarded is not offered again, the rest is."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox
from window_tools import desktop_on, open_fake

from latent_explorer.app.exploration.intents import SetBase
from latent_explorer.app.exploration.updates import Message
from latent_explorer.explain.recipe import SeedBase

BUTTON = QMessageBox.StandardButton


@pytest.mark.parametrize("answer", [BUTTON.Cancel, BUTTON.Discard])
def test_quitting_asks_about_work_that_is_in_no_file(qtbot, tmp_path, monkeypatch, answer):
    asked = []
    monkeypatch.setattr(QMessageBox, "question", lambda *args: asked.append(args[2]) or answer)
    with desktop_on(tmp_path) as desktop:
        open_fake(qtbot, desktop, tmp_path)
        desktop.timelines.add_keyframe()
        desktop.window.actions_by_key["quit"].trigger()
        assert asked == ["Save this exploration?"]
        assert desktop.window.isVisible() == (answer == BUTTON.Cancel)
    with desktop_on(tmp_path) as second:
        assert bool(second.explorer.recoverable()) == (answer == BUTTON.Cancel)


def test_quitting_after_a_glance_asks_nothing_and_offers_it_again(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(QMessageBox, "question", lambda *_args: pytest.fail("asked"))
    with desktop_on(tmp_path) as desktop:
        open_fake(qtbot, desktop, tmp_path)
        desktop.explorer.apply(SetBase(SeedBase(99)))
        assert desktop.window.close()
    with desktop_on(tmp_path) as second:
        assert second.explorer.recoverable()


def test_a_notice_about_a_file_shows_its_folder(desktop, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    notices = desktop.window.notices
    desktop.explorer.updates.emit(Message("Saved leaf.png.", file=tmp_path / "leaf.png"))
    assert notices.button.text() == "Show in folder"
    notices.button.click()
    assert opened == [QUrl.fromLocalFile(str(tmp_path))]
    desktop.explorer.export_png(tmp_path / "again.png")
    assert notices.button.isVisible()
    desktop.explorer.updates.emit(Message("Nothing moved."))
    assert not notices.button.isVisible()
