# SPDX-License-Identifier: MIT
"""Pages of a run and of the history: status, actions, curves, sheets and log."""

from __future__ import annotations

import pytest
from fake_training_controller import FakeTrainingController
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QInputDialog, QMessageBox
from run_folders import make_run

from latent_explorer.ui.application import make_application
from latent_explorer.ui.style import theme
from latent_explorer.ui.training import metrics

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def controller(runs):
    made = FakeTrainingController(runs)
    yield made
    made.close()


def make_page(qtbot, controller, name: str):
    make_application()
    theme.apply("light")
    if name == "run":
        from latent_explorer.ui.training.run_page import RunPage as Page
    else:
        from latent_explorer.ui.training.history_page import HistoryPage as Page
    made = Page(controller)
    qtbot.addWidget(made)
    made.resize(1366, 260)
    made.show()
    return made


def shown(page) -> set[str]:
    """Return the keys of the visible buttons."""
    return {key for key, button in page.facts.buttons.items() if not button.isHidden()}


def primary(page) -> list[str]:
    return [k for k, b in page.facts.buttons.items() if b.property("role") == "primary"]


def asked(controller) -> list[str]:
    return [call[0] for call in controller.asked]


def test_without_a_run_one_sentence_and_one_button(qtbot, controller):
    page = make_page(qtbot, controller, "run")
    assert page.currentWidget() is page.empty
    with qtbot.waitSignal(page.new_requested):
        QTest.mouseClick(page.empty.button, LEFT)


def test_a_running_training_shows_everything(qtbot, controller, runs):
    make_run(runs / "leaves", "running")
    controller.go(controller.runs()[0])
    page = make_page(qtbot, controller, "run")
    facts = page.facts
    assert facts.state.text() == "Training the explainer"
    assert facts.progress.text() == "50 %, 6 min left"
    assert facts.speed.text() == "63.4 images/s"
    assert facts.facts["Images"].text() == "24,000 of 48,000"
    assert facts.facts["Device"].text() == "CPU"
    assert facts.facts["Agreement"].text().endswith("at 24,000 images")
    assert shown(page) == {"pause", "stop", "current"}
    assert primary(page) == []
    assert page.groups.labels == ["Validation", "Losses", "Speed"]
    assert [row.curve.name for row in page.curves.legend.rows][:2] == ["Agreement", "LPIPS (mean image = 1)"]
    assert page.sheets.caption.text() == "24,000"
    assert page.sheets.view.layout_now().side >= 20
    assert "6,204 pictures" in page.log.text.toPlainText()


def test_groups_of_figures_keep_apart(qtbot, controller, runs):
    make_run(runs / "leaves", "running")
    controller.go(controller.runs()[0])
    page = make_page(qtbot, controller, "run")
    QTest.mouseClick(page.groups.findChildren(QAbstractButton)[1], LEFT)
    names = [row.curve.name for row in page.curves.legend.rows]
    assert names[:2] == ["Reconstruction, L1", "Reconstruction, LPIPS"]
    assert "Agreement" not in names


@pytest.mark.parametrize("key", ["pause", "stop", "current"])
def test_a_running_training_is_steered(qtbot, controller, runs, key):
    make_run(runs / "leaves", "running")
    controller.go(controller.runs()[0])
    page = make_page(qtbot, controller, "run")
    QTest.mouseClick(page.facts.buttons[key], LEFT)
    assert asked(controller) == [{"current": "open_current"}.get(key, key)]


def test_what_was_asked_for_is_said_until_it_is_done(qtbot, controller, runs):
    folder = make_run(runs / "leaves", "running")
    controller.go(controller.runs()[0])
    folder.request("pause")
    controller.attached.poll()
    page = make_page(qtbot, controller, "run")
    assert page.facts.state.text() == "Pausing"
    assert not page.facts.buttons["pause"].isEnabled()
    assert page.facts.buttons["stop"].isEnabled()


def test_a_training_that_begins_has_no_curves_and_nothing_to_open(qtbot, controller, runs):
    make_run(runs / "leaves", "running", images=0, phase="classifier", phase_done=200, phase_total=600)
    controller.go(controller.runs()[0])
    page = make_page(qtbot, controller, "run")
    assert page.facts.state.text() == "Training the classifier"
    assert page.facts.progress.text().startswith("33 %")
    assert page.curves.empty.isVisible()
    assert page.sheets.empty.isVisible()
    assert not page.facts.buttons["current"].isEnabled()


@pytest.mark.parametrize(
    ("state", "result", "buttons", "first"),
    [
        ("paused", False, {"resume", "current"}, ["resume"]),
        ("failed", False, {"resume", "current"}, ["resume"]),
        ("running", False, {"resume", "current"}, ["resume"]),  # but nobody works on it
        ("stopped", True, {"resume", "result"}, ["result"]),
        ("stopped", False, {"resume", "current"}, ["resume"]),
        ("finished", True, {"result", "longer"}, ["result"]),
    ],
)
def test_an_ended_training_offers_what_comes_next(qtbot, controller, runs, state, result, buttons, first):
    folder = make_run(runs / "leaves", state, message="The disk is full.")
    if result:
        folder.result.touch()
    controller.attach(controller.runs()[0])
    page = make_page(qtbot, controller, "run")
    assert shown(page) == buttons
    assert primary(page) == first
    assert page.facts.message.isVisible()
    trouble = state in ("failed", "running")
    assert page.facts.message.property("role") == ("warning" if trouble else "hint")


@pytest.mark.parametrize("state", ["running", "paused", "failed", "interrupted", "stopped", "finished"])
def test_nothing_is_cut_off_in_the_dock_of_a_low_screen(qtbot, controller, runs, state):
    made = "running" if state == "interrupted" else state
    folder = make_run(runs / "leaves", made, message="The disk is full. " * 12)
    folder.result.touch()
    view = controller.runs()[0]
    (controller.go if state == "running" else controller.attach)(view)
    page = make_page(qtbot, controller, "run")
    page.resize(1366, 200)
    facts = page.facts
    for button in facts.buttons.values():
        if not button.isHidden():
            assert button.width() >= button.minimumSizeHint().width()
            assert facts.rect().contains(button.geometry())
    for label in (facts.name, facts.state, facts.progress, *facts.facts.values()):
        assert label.height() >= label.fontMetrics().height()
    assert facts.message.height() >= facts.message.heightForWidth(facts.message.width())


def test_resume_open_and_train_longer(qtbot, controller, runs, monkeypatch):
    folder = make_run(runs / "leaves", "finished", images=48_000)
    folder.result.touch()
    controller.attach(controller.runs()[0])
    page = make_page(qtbot, controller, "run")
    monkeypatch.setattr(QInputDialog, "getInt", lambda *_args: (80_000, True))
    page.facts.buttons["result"].click()
    page.facts.buttons["longer"].click()
    assert controller.asked[-2:] == [("open_result",), ("resume", 80_000)]


def test_a_snapshot_under_way_is_said(qtbot, controller, runs):
    make_run(runs / "leaves", "running")
    controller.go(controller.runs()[0])
    controller.snapshot_busy = True
    page = make_page(qtbot, controller, "run")
    assert page.facts.buttons["current"].text() == "Opening..."
    assert not page.facts.buttons["current"].isEnabled()


def test_a_run_folder_from_before_there_was_a_status_can_be_looked_at(qtbot, controller, runs):
    (make_run(runs / "leaves").path / "status.json").unlink()
    controller.attach(controller.runs()[0])
    page = make_page(qtbot, controller, "run")
    assert page.facts.state.text() == "Interrupted"
    assert page.curves.plot.isVisible()


# the history ----------------------------------------------------------------------------------


def cells(page, column: int) -> list[str]:
    return [page.table.item(at, column).text() for at in range(page.table.rowCount())]


@pytest.fixture
def history(qtbot, controller, runs):
    make_run(runs / "a finished one", "finished", images=48_000)
    make_run(runs / "b failed", "failed", images=12_000)
    make_run(runs / "c running", "running")
    views = controller.runs()
    controller.go(views[2])
    return make_page(qtbot, controller, "history")


def test_no_runs_yet(qtbot, controller):
    page = make_page(qtbot, controller, "history")
    assert page.currentWidget() is page.empty


def test_all_runs_are_listed_with_their_figures(history):
    assert cells(history, 0) == ["a finished one", "b failed", "c running"]
    assert cells(history, 1) == ["Finished", "Failed", "Training"]
    assert cells(history, 2) == ["48,000", "12,000", "24,000"]
    assert all(float(text) > 0.6 for text in cells(history, 3))
    assert all(text.startswith("today ") for text in cells(history, 5))
    assert all(text.endswith("B") for text in cells(history, 6))


def test_selected_runs_are_compared(history):
    history.table.selectAll()
    assert [row.curve.name for row in history.curves.legend.rows] == cells(history, 0)
    assert history.curve_metric.currentText() == "Agreement"
    index = history.curve_metric.findData("l1")
    history.curve_metric.setCurrentIndex(index)
    history.curve_metric.activated.emit(index)
    history.show_runs()
    assert history.curve_metric.currentData() == "l1", "the choice outlives a refresh"
    assert len(history.selected()) == 3


def test_a_figure_that_comes_later_is_offered(history, controller):
    history.table.selectRow(2)
    assert history.curve_metric.findData("val_new") < 0
    controller.running.folder.append_metrics(24_400, {"val_new": 0.5})
    controller.running.poll()
    history.show_changed(controller.running)
    assert history.curve_metric.findData("val_new") >= 0
    assert history.curve_metric.currentText() == "Agreement", "what was chosen stays"


def test_what_can_be_done_depends_on_the_selection(history):
    on = {key: button.isEnabled() for key, button in history.buttons.items()}
    assert on == {"show": True, "resume": False, "reveal": True, "delete": True}
    history.table.selectRow(1)
    assert history.buttons["resume"].isEnabled()
    history.table.selectRow(2)
    assert not history.buttons["delete"].isEnabled(), "somebody works on it"
    history.table.selectAll()
    assert not history.buttons["show"].isEnabled()


def test_deleting_asks_first(history, controller, runs, monkeypatch):
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Yes]
    said = []

    def question(*args):
        said.append(args[2])
        return answers.pop(0)

    monkeypatch.setattr(QMessageBox, "question", question)
    history.buttons["delete"].click()
    assert (runs / "a finished one").exists()
    history.buttons["delete"].click()
    assert not (runs / "a finished one").exists()
    assert "a finished one" in said[0]
    assert "cannot be undone" in said[0]
    assert cells(history, 0) == ["b failed", "c running"]


def test_show_resume_and_open_folder(qtbot, history, controller, runs, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    history.table.selectRow(1)
    history.buttons["reveal"].click()
    assert opened == [str(runs / "b failed")]
    with qtbot.waitSignal(history.show_requested):
        history.buttons["resume"].click()
    assert asked(controller)[-2:] == ["attach", "resume"]
    with qtbot.waitSignal(history.show_requested):
        history.buttons["show"].click()


# words ----------------------------------------------------------------------------------------


def test_unknown_figures_are_shown_by_their_name():
    made = metrics.curve_metric("val_new_thing")
    assert (made.title, made.group) == ("New thing", "Validation")
    assert metrics.groups_of({"l1": [(1, 2)], "val_l1": []}) == ["Losses"]
