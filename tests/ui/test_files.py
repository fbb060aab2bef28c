# SPDX-License-Identifier: MIT
"""Saving and exporting from the window, with the file dialogs answered by the test."""

from __future__ import annotations

from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMessageBox
from window_tools import drag, wait_picture

from latent_explorer.app.exploration.recipe_png import read_recipe

CTRL = Qt.KeyboardModifier.ControlModifier


def answer(monkeypatch, path) -> None:
    """Let every file dialog return `path`."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_args: ([str(path)], ""))


def test_exported_picture_brings_its_state(qtbot, desktop, tmp_path, monkeypatch):
    drag(desktop.window.attributes.list.cards[0].slider, 0.7)
    wait_picture(qtbot, desktop)
    answer(monkeypatch, tmp_path / "leaf")  # without the ending
    QTest.keyClick(desktop.window, Qt.Key.Key_E, CTRL)
    path = tmp_path / "leaf.png"
    assert read_recipe(path).state == desktop.explorer.state
    with Image.open(path) as image:
        assert image.size == (512, 512)
    assert desktop.window.notices.text.text() == "Saved leaf.png."
    desktop.window.notices.hide()


def test_saved_exploration_opens_again(qtbot, desktop, tmp_path, monkeypatch):
    drag(desktop.window.attributes.list.cards[1].slider, 0.7)
    state = desktop.explorer.state
    answer(monkeypatch, tmp_path / "mine & yours.exploration")
    QTest.keyClick(desktop.window, Qt.Key.Key_S, CTRL)
    assert not desktop.window.isWindowModified()
    desktop.window.actions_by_key["reset"].trigger()
    monkeypatch.setattr(QMessageBox, "question", lambda *_args: QMessageBox.StandardButton.Discard)
    QTest.keyClick(desktop.window, Qt.Key.Key_O, CTRL)
    qtbot.waitUntil(lambda: desktop.explorer.state == state)
    desktop.window._fill_recent()
    assert desktop.window.recent.actions()[0].text() == "mine && yours.exploration"


def test_a_cancelled_file_dialog_does_nothing(desktop, monkeypatch):
    answer(monkeypatch, "")
    for key in ("save", "export_png", "open", "screenshot"):
        desktop.window.actions_by_key[key].trigger()
    assert desktop.explorer.path is None


def test_picture_of_the_window(desktop, tmp_path, monkeypatch):
    answer(monkeypatch, tmp_path / "window.png")
    desktop.window.actions_by_key["screenshot"].trigger()
    with Image.open(tmp_path / "window.png") as image:
        assert image.width >= 1366


def test_pasting_from_a_clipboard_that_gives_nothing_is_a_sentence(desktop, monkeypatch):
    class Held:
        def mimeData(self) -> None:
            """As while another program holds the clipboard."""

    monkeypatch.setattr(QGuiApplication, "clipboard", Held)
    desktop.window.actions_by_key["paste"].trigger()
    assert "no picture on the clipboard" in desktop.window.notices.history[-1][1]
