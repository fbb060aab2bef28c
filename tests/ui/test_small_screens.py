# SPDX-License-Identifier: MIT
"""The window on small and on scaled screens: it fits, and nothing has to be scrolled for or is cut off."""

from __future__ import annotations

import base64
import os
import subprocess
import sys

import pytest
from PySide6.QtCore import QByteArray, QRect, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QLabel, QWidget
from window_tools import desktop_on

from latent_explorer.ui.widgets.basics import open_dialog
from latent_explorer.ui.widgets.fitting import fit_to_screen, fitting_geometry

# Windows on 800 x 600, 1366 x 768 at 150 %, 1920 x 1080 at 200 %: what a panel, a title bar and borders leave, in px.
SIZES = ((796, 540), (910, 440), (960, 470), (1024, 700))


@pytest.mark.parametrize("size", SIZES)
def test_nothing_scrolls_and_all_tools_are_in_view(qtbot, desktop, size):
    window = desktop.window
    window.resize(*size)
    qtbot.waitUntil(lambda: (window.width(), window.height()) == size)
    qtbot.waitUntil(lambda: window.area.horizontalScrollBar().maximum() == 0)
    qtbot.waitUntil(lambda: window.area.verticalScrollBar().maximum() == 0)
    for panel in (window.projection.left, window.canvas, window.strip, window.attributes, window.tools, window.status):
        inside = panel.rect().translated(panel.mapTo(window, panel.rect().topLeft()))
        assert window.rect().contains(inside), panel.accessibleName()
    qtbot.waitUntil(lambda: all(frame.width() >= 120 for frame in window.canvas.view.frames()))
    for button in window.strip.tabs.findChildren(QWidget):
        assert button.width() >= button.sizeHint().width()  # its word is not cut off


def test_even_less_room_scrolls(qtbot, desktop):
    window = desktop.window
    window.resize(500, 300)
    qtbot.waitUntil(lambda: window.width() == 500)
    qtbot.waitUntil(lambda: window.area.horizontalScrollBar().maximum() > 0)


def test_the_strip_folds_on_a_low_window_and_comes_back(qtbot, desktop):
    window = desktop.window
    window.resize(1000, 440)
    qtbot.waitUntil(lambda: window.strip.folded)
    window.resize(1000, 700)
    qtbot.waitUntil(lambda: not window.strip.folded)
    window.resize(1000, 440)
    qtbot.waitUntil(lambda: window.strip.folded)
    window.strip.set_folded(False)  # a person wants it
    window.resize(1000, 430)
    qtbot.waitUntil(lambda: window.height() == 430)
    assert not window.strip.folded


def test_words_beside_the_tools_leave_room_for_the_menus(qtbot, desktop):
    window = desktop.window
    wide = window.tools.width()
    window.resize(800, 560)
    qtbot.waitUntil(lambda: window.tools.width() < wide - 100)
    qtbot.waitUntil(lambda: window.tools.geometry().right() < window.width())
    window.resize(1366, 700)
    qtbot.waitUntil(lambda: window.tools.width() >= wide)


@pytest.mark.parametrize("kept", [(-3000, -200, 2500, 1400), (5000, 5000, 800, 600), (100, 100, 1200, 700)])
def test_a_geometry_of_another_screen_is_brought_onto_this_one(qtbot, tmp_path, kept):
    """Kept as by a window on that screen."""
    room = QGuiApplication.primaryScreen().availableGeometry()
    other = QWidget()
    qtbot.addWidget(other)
    other.setGeometry(*kept)
    geometry = base64.b64encode(bytes(other.saveGeometry())).decode()
    with desktop_on(tmp_path) as first:
        first.explorer.change_settings(window_geometry=geometry)
        window = first.window
        window.hide()
        window.restoreGeometry(QByteArray.fromBase64(geometry.encode()))
        window.setGeometry(*kept)
        window.present()
        assert room.contains(window.geometry())
        window.close()


@pytest.mark.parametrize(
    ("wanted", "fitting"),
    [
        ((100, 100, 600, 400), (100, 100, 600, 400)),
        ((0, 0, 1920, 1080), (0, 30, 800, 570)),
        ((-500, -500, 400, 300), (0, 30, 400, 300)),
        ((700, 500, 400, 300), (400, 300, 400, 300)),
        ((9000, 9000, 9000, 9000), (0, 30, 800, 570)),
    ],
)
def test_a_wanted_place_becomes_one_on_the_screen(wanted, fitting):
    assert fitting_geometry(QRect(0, 0, 800, 600), QRect(*wanted), 30) == QRect(*fitting)


def test_a_dialog_fits_too(qtbot, desktop):
    dialog = QDialog(desktop.window)
    label = QLabel("a dialog")
    label.setParent(dialog)
    dialog.resize(QSize(5000, 4000))
    open_dialog(dialog)
    assert dialog.screen().availableGeometry().contains(dialog.geometry())
    dialog.close()


def test_a_maximized_window_stays_maximized(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.showMaximized()
    fit_to_screen(window)
    assert window.isMaximized()


SCALED = """
import sys, tempfile
from pathlib import Path
from window_tools import desktop_on
from PySide6.QtTest import QTest
with desktop_on(Path(tempfile.mkdtemp())) as desktop:
    window = desktop.window
    window.hide()
    window.present()
    QTest.qWait(300)
    room = window.screen().availableGeometry()
    print(room.width(), window.devicePixelRatio(), room.contains(window.geometry()),
          window.area.horizontalScrollBar().maximum(), window.area.verticalScrollBar().maximum())
"""


def test_a_screen_at_150_percent():
    """The offscreen platform is 800 px wide; scaled it is smaller than any laptop."""
    environment = {**os.environ, "QT_SCALE_FACTOR": "1.5", "QT_QPA_PLATFORM": "offscreen"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", SCALED], env=environment, capture_output=True, text=True, timeout=90, check=False
    )
    width, ratio, fits, *_scrolls = done.stdout.split()
    assert (ratio, fits) == ("1.5", "True"), done.stdout + done.stderr
    assert float(width) < 600
