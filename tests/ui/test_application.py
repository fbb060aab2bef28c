# SPDX-License-Identifier: MIT
"""Start-up: window before everything slow, and calls from the engine's thread to the window's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
from PySide6.QtCore import QThread
from window_tools import desktop_on, open_fake

from latent_explorer.app.exploration.intents import SetBase
from latent_explorer.common.paths import self_command
from latent_explorer.explain.recipe import SeedBase
from latent_explorer.ui.application import make_application
from latent_explorer.ui.dialogs.recovery import RecoveryDialog
from latent_explorer.ui.main_thread import MainThreadInvoker

START = """
import sys, tempfile
from pathlib import Path
from latent_explorer.ui.application import ApplicationContext, make_application
app = make_application()
folder = Path(tempfile.mkdtemp())
desktop = ApplicationContext(data_dir=folder, config_dir=folder)
desktop.window.show()
app.processEvents()
slow = {"torch", "torchvision", "lpips", "qtpy", "scipy", "fpdf", "fontTools", "av"} & set(sys.modules)
print("visible" if desktop.window.isVisible() else "hidden", sorted(slow))
desktop.window.close()
desktop.close()
"""

# macOS sends the first event before the window is ready to open it, and others at any time.
ASKED = """
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QFileOpenEvent
from latent_explorer.app.explorer import Explorer
from latent_explorer.ui import application
def begin(self, path=None):
    print("begin", path)
    QCoreApplication.postEvent(app, QFileOpenEvent("/later.exploration"))
def open_path(self, *paths):
    print("open", *paths)
    app.quit()
application.ApplicationContext.begin, Explorer.open_path = begin, open_path
app = application.make_application()
QCoreApplication.postEvent(app, QFileOpenEvent("/first ü.explainer"))
application.run()
"""


def test_macos_opens_files_by_events(tmp_path):
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, timeout=120, env=env)
    assert done.stdout.splitlines() == ["begin /first ü.explainer", "open /later.exploration"], done.stderr


def test_window_is_visible_before_anything_slow_is_imported(tmp_path):
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, timeout=60, env=env)
    assert done.stdout.strip() == "visible []", done.stderr


def test_bridge_runs_on_the_window_s_thread_in_order(qtbot):
    make_application()
    bridge, seen = MainThreadInvoker(), []
    here = QThread.currentThread()

    def post_all() -> None:
        for number in range(50):
            bridge.post(lambda number=number: seen.append((number, QThread.currentThread() is here)))

    thread = threading.Thread(target=post_all)
    thread.start()
    qtbot.waitUntil(lambda: len(seen) == 50)
    thread.join()
    assert seen == [(number, True) for number in range(50)]
    bridge.close()
    bridge.post(lambda: seen.append("late"))
    qtbot.wait(20)
    assert "late" not in seen
    bridge.deleteLater()


def test_work_left_behind_is_offered_again(qtbot, tmp_path, monkeypatch):
    with desktop_on(tmp_path) as first:
        open_fake(qtbot, first, tmp_path)
        first.explorer.apply(SetBase(SeedBase(99)))
    with desktop_on(tmp_path) as second:
        monkeypatch.setattr(second.explorer, "open_bundled", lambda: None)
        second.begin()
        assert "Continue" in second.window.notices.button.text()
        second.window.notices.button.click()
        qtbot.waitUntil(lambda: second.explorer.state is not None, timeout=8000)
        assert second.explorer.state.base == SeedBase(99)


def test_all_that_was_left_behind_is_offered(qtbot, tmp_path, monkeypatch):
    for seed in (7, 8, 9):
        with desktop_on(tmp_path) as crashed:
            open_fake(qtbot, crashed, tmp_path)
            crashed.explorer.apply(SetBase(SeedBase(seed)))
    with desktop_on(tmp_path) as desktop:
        monkeypatch.setattr(desktop.explorer, "open_bundled", lambda: None)
        desktop.begin()
        desktop.window.notices.button.click()
        (dialog,) = desktop.window.findChildren(RecoveryDialog)
        assert dialog.list.count() == 3
        assert "Leaf health" in dialog.list.item(0).text()
        dialog.list.setCurrentRow(1)
        dialog.delete_button.click()
        assert len(desktop.explorer.recoverable()) == 2
        dialog.list.setCurrentRow(1)
        dialog.continue_button.click()
        qtbot.waitUntil(lambda: desktop.explorer.state is not None, timeout=8000)
        assert desktop.explorer.state.base == SeedBase(7)
        assert "Continue" in desktop.window.notices.button.text(), "the other one is offered, too"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_closes_the_window_in_order(number, tmp_path):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "LATENT_EXPLORER_TIMING": "1"}
    window = subprocess.Popen(self_command("open"), stderr=subprocess.PIPE, text=True, env=environment)
    assert window.stderr is not None
    for line in window.stderr:
        if "window_visible" in line:
            break
    window.send_signal(number)
    rest = window.stderr.read()
    assert window.wait(60) == 130
    assert "Traceback" not in rest
    window.stderr.close()
