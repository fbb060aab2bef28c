# SPDX-License-Identifier: MIT
"""Training dock in the window: open, closed, floating, in the status line, and as the window closes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fake_explainer import model_host
from fake_training_controller import FakeTrainingController
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QLabel, QMessageBox
from run_folders import make_run
from window_tools import colours_in

from latent_explorer.app.training.plan import TrainingPlan
from latent_explorer.app.training.updates import PicturesMoved, RunChanged, StartFailed
from latent_explorer.ui.application import ApplicationContext, make_application
from latent_explorer.ui.style import theme
from latent_explorer.ui.training.dock import HISTORY, RUN, START

ROOT = Path(__file__).resolve().parents[3]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def controller(tmp_path):
    runs = tmp_path / "runs"
    runs.mkdir()
    made = FakeTrainingController(runs)
    yield made
    made.close()


@pytest.fixture
def window(qtbot, tmp_path, controller):
    make_application()
    desktop = ApplicationContext(
        model_host=model_host(),
        data_dir=tmp_path,
        config_dir=tmp_path,
        mode="light",
        make_training=lambda _explorer: controller,
    )
    desktop.window.resize(1366, 744)
    desktop.window.show()
    yield desktop.window
    desktop.close()
    desktop.window.hide()
    desktop.window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def toggle(window) -> None:
    window.actions_by_key["training"].trigger()
    QCoreApplication.processEvents()


def run_something(controller, state: str = "running"):
    make_run(controller._runs / "leaves", state)
    view = controller.runs()[0]
    if state == "running":
        controller.go(view)
    else:
        controller.attach(view)
    return view


def test_hidden_and_unmade_until_asked(window):
    dock = window.dock_host.dock
    assert dock.isHidden()
    assert dock.pages.count() == 0
    toggle(window)
    assert dock.isVisible()
    assert dock.page == START
    assert window.actions_by_key["training"].isChecked()
    toggle(window)
    assert dock.isHidden()
    assert not window.actions_by_key["training"].isChecked()


def test_nothing_of_it_delays_the_start():
    """Pages are imported when the dock is first opened."""
    code = (
        "import sys, latent_explorer.ui.main_window; "
        "late = [n for n in ('latent_explorer.ui.training.run_page', "
        "'latent_explorer.ui.training.start_page') if n in sys.modules]; sys.exit(str(late) if late else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_it_opens_on_the_run_where_there_is_one(window, controller):
    run_something(controller)
    toggle(window)
    assert window.dock_host.dock.page == RUN


def test_the_picture_stays_usable_at_1366_x_768(qtbot, window):
    assert not window.strip.folded
    toggle(window)
    qtbot.waitUntil(lambda: window.dock_host.dock.height() > 250)
    assert window.size().height() <= 744
    assert window.strip.folded, "the live plot made room"
    assert window.canvas.view.height() >= 200
    assert window.dock_host.dock.height() <= 0.45 * window.height()
    toggle(window)
    assert not window.strip.folded


@pytest.mark.parametrize("page", [START, RUN, HISTORY])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_page_fits_and_is_dressed(qtbot, window, controller, page, mode):
    run_something(controller, "failed")
    window.set_theme(mode)
    try:
        window.dock_host.dock.open(page)
        QCoreApplication.processEvents()
        dock = window.dock_host.dock
        assert dock.width() == window.width()
        assert dock.minimumSizeHint().width() <= 1024
        assert colours_in(dock.pages) > 2
        assert cut_off(dock) == []
        background = dock.grab().toImage().pixelColor(dock.width() // 2, 6)
        assert background == theme.current().color("paper")
    finally:
        theme.apply("light")


def cut_off(dock) -> list[str]:
    """Return texts of buttons and one-line labels that have less room than they need."""
    found = []
    for kind in (QAbstractButton, QLabel):
        for each in dock.findChildren(kind):
            wraps = isinstance(each, QLabel) and (each.wordWrap() or type(each) is not QLabel)
            if each.isVisible() and each.text() and not wraps and each.width() < each.sizeHint().width():
                found.append(f"{type(each).__name__} {each.text()!r}")
    return found


def test_pages_are_reached_by_keyboard(window):
    toggle(window)
    dock = window.dock_host.dock
    for index, button in enumerate(dock.tabs.findChildren(QAbstractButton)):
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
        QTest.keyClick(button, Qt.Key.Key_Space)
        assert dock.page == index


def test_it_floats_in_a_real_window_and_comes_back(qtbot, window, controller):
    run_something(controller)
    toggle(window)
    dock = window.dock_host.dock
    QTest.mouseClick(dock.float_button, LEFT)
    assert dock.isFloating()
    assert dock.windowFlags() & Qt.WindowType.Window
    assert not dock.windowFlags() & Qt.WindowType.FramelessWindowHint
    assert not window.strip.folded, "the picture has the whole room again"
    QTest.mouseClick(dock.float_button, LEFT)
    assert not dock.isFloating()
    assert dock.isVisible()
    QTest.mouseClick(dock.float_button, LEFT)
    dock.close()
    assert dock.isHidden()
    assert not window.actions_by_key["training"].isChecked()
    toggle(window)
    assert dock.isVisible()
    assert not dock.isFloating()


def test_the_status_line_names_a_running_training_and_opens_it(window, controller):
    badge = window.status.training
    assert badge.isHidden()
    view = run_something(controller)
    assert badge.accessibleName() == "Training 50 %, 6 min left"
    QTest.mouseClick(badge, LEFT)
    assert window.dock_host.dock.isVisible()
    view.folder.request("stop")
    view.poll()
    controller.updates.emit(RunChanged(view))
    assert badge.accessibleName() == "Stopping the training"
    controller.halt()
    assert badge.isHidden()


def test_a_training_that_went_on_is_told_in_one_notice(window, controller):
    run_something(controller)
    window.dock_host.begin()
    assert window.notices.text.text() == "The training of leaves went on while the window was closed."
    assert window.notices.button.text() == "Show"
    window.notices.button.click()
    assert window.dock_host.dock.page == RUN


def test_closing_the_window_during_a_training_asks_nothing(window, controller, monkeypatch):
    monkeypatch.setattr(QMessageBox, "question", lambda *_args: pytest.fail("it asked"))
    run_something(controller)
    window.dock_host.begin()
    toggle(window)
    assert window.close()
    assert not {"pause", "stop"} & {call[0] for call in controller.asked}
    assert not window.dock_host._poll_timer.isActive()


def test_new_figures_reach_the_page_in_view(window, controller):
    view = run_something(controller)
    toggle(window)
    run = window.dock_host.dock.run
    view.folder.append_metrics(24_400, {"l1": 0.1, "val_agreement": 0.99})
    view.folder.log_line("Validation: agreement 0.99.")
    controller.poll()
    assert run.curves.legend.rows[0].accessibleDescription() == "0.990"
    assert "0.99" in run.log.text.toPlainText()


def test_the_badge_shows_the_training_that_runs_not_the_one_looked_at(window, controller):
    running = run_something(controller)
    make_run(controller._runs / "old", "finished")
    toggle(window)
    controller.attach(next(view for view in controller.runs() if view is not running))
    window.dock_host.dock.show_page(HISTORY)
    QTest.mouseClick(window.status.training, LEFT)
    assert window.dock_host.dock.page == RUN
    assert controller.attached is running
    assert window.dock_host.dock.run.facts.name.text() == running.name


def test_a_start_that_failed_leads_back_to_the_form(window, controller):
    toggle(window)
    dock = window.dock_host.dock
    dock.start.started.emit()
    controller.updates.emit(StartFailed(TrainingPlan(), "The classifier could not be read."))
    assert dock.page == START
    assert dock.start.check.findings.texts == ["The classifier could not be read."]


def test_its_own_window_is_closed_by_the_same_keys(qtbot, window):
    toggle(window)
    dock = window.dock_host.dock
    dock.float_button.click()
    dock.activateWindow()
    qtbot.waitUntil(dock.isActiveWindow)
    QTest.keyClick(dock.tabs.findChildren(QAbstractButton)[0], Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert dock.isHidden()


def test_a_started_training_brings_its_page(window, controller):
    toggle(window)
    window.dock_host.dock.start.started.emit()
    assert window.dock_host.dock.page == RUN


def test_the_place_of_moved_pictures_is_asked_for_and_the_run_resumed(qtbot, window, controller, tmp_path, monkeypatch):
    make_run(tmp_path / "runs" / "leaves", "paused")
    view = controller.runs()[0]
    said = []

    def choose(box: QMessageBox) -> int:
        said.append(f"{box.text()} {box.informativeText()}")
        pressed = next(button for button in box.buttons() if button is box.defaultButton())
        monkeypatch.setattr(box, "clickedButton", lambda: pressed)
        return 0

    monkeypatch.setattr(QMessageBox, "exec", choose)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: str(tmp_path / "new"))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: ("", ""))  # cancelled
    toggle(window)
    was = tmp_path / "old"
    controller.updates.emit(PicturesMoved(view, was, 80_000))
    qtbot.waitUntil(lambda: controller.asked[-1:] == [("resume", 80_000, tmp_path / "new")])
    assert window.dock_host.dock.page == RUN
    assert "leaves" in said[0]
    assert str(was)[-20:] in said[0]
    asked = list(controller.asked)
    was = tmp_path / "old.zip"
    controller.updates.emit(PicturesMoved(view, was, None))
    qtbot.waitUntil(lambda: len(said) == 2)
    assert controller.asked == asked
