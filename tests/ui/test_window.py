# SPDX-License-Identifier: MIT
"""Whole window, driven by mouse and keys."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from fake_explainer import CLASSES
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QComboBox,
    QLineEdit,
    QMessageBox,
    QScrollBar,
)
from window_tools import colours_in, desktop_on, drag, open_fake, wait_picture

from latent_explorer.app.engine.failure import Failure
from latent_explorer.app.exploration.intents import SetAttribute, SetBase, SetTruncation
from latent_explorer.app.exploration.picture_requests import Caution
from latent_explorer.app.exploration.recipe_png import read_recipe
from latent_explorer.app.exploration.updates import ErrorReport, Message
from latent_explorer.common.events import Progress
from latent_explorer.explain.recipe import SampleBase, SeedBase
from latent_explorer.models.attributes import Attribute, AttributeEntry
from latent_explorer.ui.dialogs.error import ErrorDialog
from latent_explorer.ui.widgets.status_bar import StatusBar

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def empty(qtbot, tmp_path):
    with desktop_on(tmp_path) as made:
        yield made


@pytest.fixture
def desktop(qtbot, empty, tmp_path):
    open_fake(qtbot, empty, tmp_path)
    return empty


def first_slider(desktop):
    card = desktop.window.attributes.list.cards[0]
    return card.slider


# the first minute


def test_empty_state_offers_what_comes_with_the_program(empty):
    canvas = empty.window.canvas
    assert canvas.pages.currentWidget() is canvas.welcome
    asked = []
    canvas.open_requested.disconnect()
    canvas.open_requested.connect(asked.append)
    for offer in (canvas.welcome.button, canvas.welcome.shortcut):
        assert offer.isVisible()
        offer.click()
    assert asked == ["leaf-health", "leaf-shortcut"]
    assert "explainer" in canvas.welcome.sentence.text()
    assert not canvas.bars.isVisible()
    for key in ("export_png", "undo", "grid", "shuffle"):
        assert not empty.window.actions_by_key[key].isEnabled()
    assert empty.window.actions_by_key["open"].isEnabled()


def test_dragging_a_slider_moves_picture_bars_plot_and_words(qtbot, desktop):
    window = desktop.window
    before = desktop.explorer.shown.result.after
    points = len(window.strip.live.plot.probs)
    drag(first_slider(desktop), 1.0)
    wait_picture(qtbot, desktop)
    after = desktop.explorer.shown.result.after
    assert not np.array_equal(before.image, after.image)
    assert np.array_equal(window.canvas.bars.verdict.after, after.probs)
    assert window.canvas.view.after.image is after.image  # numbers and picture travel together
    assert len(window.strip.live.plot.probs) > points
    assert f"{CLASSES[0]} {after.probs[0]:.2f}" in window.canvas.bars.text.text()


def test_one_drag_is_one_undo(qtbot, desktop):
    start = desktop.explorer.state
    drag(first_slider(desktop), 0.8)
    wait_picture(qtbot, desktop)
    assert desktop.explorer.state != start
    assert 'Undo "brown spots"' in desktop.window.actions_by_key["undo"].text()
    QTest.keyClick(desktop.window, Qt.Key.Key_Z, CTRL)
    assert desktop.explorer.state == start
    assert first_slider(desktop).amount == 0.0
    assert desktop.window.actions_by_key["undo"].text() == "&Undo"
    QTest.keyClick(desktop.window, Qt.Key.Key_Z, CTRL | SHIFT)
    assert desktop.explorer.state != start


def test_an_ampersand_in_a_name_is_no_shortcut(desktop):
    explorer, undo = desktop.explorer, desktop.window.actions_by_key["undo"]
    attribute = explorer.attributes()[0]
    explorer.change_document(explorer.document.renamed(attribute, "rust & mildew"))
    drag(first_slider(desktop), 0.8)
    assert undo.text() == '&Undo "rust && mildew"'


def test_a_flip_is_said(qtbot, desktop):
    for attribute in desktop.explorer.attributes()[:3]:
        desktop.explorer.apply(SetAttribute(attribute, 1.0))
    wait_picture(qtbot, desktop)
    bars = desktop.window.canvas.bars
    assert bars.verdict.flipped
    assert bars.text.text().startswith("Flipped from healthy to diseased")


# the canvas


def test_modes_of_the_canvas_by_key(qtbot, desktop):
    view = desktop.window.canvas.view
    shown = {}
    drag(first_slider(desktop), 1.0)
    wait_picture(qtbot, desktop)
    for key, mode in zip("12345", ("side", "after", "swipe", "difference", "heat"), strict=True):
        QTest.keyClick(desktop.window, key)
        assert view.mode == mode
        assert len(view.frames()) == {"side": 2, "heat": 3}.get(mode, 1)
        assert colours_in(view) > 10
        shown[mode] = view.grab().toImage()
    assert all(shown[a] != shown[b] for a in shown for b in shown if a < b)


def test_space_held_shows_the_before(qtbot, desktop):
    view = desktop.window.canvas.view
    drag(first_slider(desktop), 1.0)
    wait_picture(qtbot, desktop)
    plain = view.grab().toImage()
    QTest.keyPress(view, Qt.Key.Key_Space)
    assert view.peeking
    assert view.grab().toImage() != plain
    QTest.keyRelease(view, Qt.Key.Key_Space)
    assert not view.peeking
    assert view.grab().toImage() == plain


def test_pixels_cover_whole_screen_pixels(desktop):
    QTest.keyClick(desktop.window, "p")
    frame = desktop.window.canvas.view.frames()[0]
    assert desktop.window.canvas.view.pixels
    assert frame.width() % 64 == 0


def test_grid_stands_in_for_the_picture(qtbot, desktop):
    QTest.keyClick(desktop.window, "g")
    canvas = desktop.window.canvas
    assert canvas.pages.currentWidget() is canvas.grid
    qtbot.waitUntil(lambda: all(c.probabilities is not None for c in canvas.grid.cells))
    QTest.keyClick(desktop.window, "1")
    assert canvas.pages.currentWidget() is canvas.view
    assert not desktop.window.actions_by_key["grid"].isChecked()


@pytest.mark.parametrize(
    ("base", "words"), [(SampleBase(3), "Reconstruction (before)"), (SeedBase(7), "Seed 7 (before)")]
)
def test_before_says_what_it_is(qtbot, desktop, base, words):
    desktop.explorer.apply(SetBase(base))
    wait_picture(qtbot, desktop)
    assert desktop.window.canvas.view.before.title == words


# plot, status, notices


def test_plot_folds_to_its_title(desktop):
    tall = desktop.window.strip.height()
    QTest.keyClick(desktop.window, "l")
    assert desktop.window.strip.folded
    assert desktop.window.strip.height() < tall
    assert not desktop.window.actions_by_key["plot"].isChecked()
    desktop.window.strip.fold.click()
    assert not desktop.window.strip.folded
    assert desktop.window.actions_by_key["plot"].isChecked()


def test_status_says_when_a_picture_is_outside_the_data(qtbot, desktop):
    status = desktop.window.status
    assert status.data.text() == "Within the data"
    desktop.explorer.apply(SetBase(SeedBase(1)))
    desktop.explorer.apply(SetTruncation(1.4))
    wait_picture(qtbot, desktop)
    assert status.data.text() == "Outside the data: truncation"
    status.data.click()
    assert "Truncation 1.40 is above 1" in desktop.window.notices.text.text()
    desktop.explorer.undo()
    wait_picture(qtbot, desktop)
    assert not desktop.window.notices.isVisible()  # it no longer applies


def test_status_names_what_is_outside_and_claims_only_what_was_tested(qtbot):
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.show_warnings((Caution("Far from every leaf.", "combination of styles"), Caution("Far.", "latent")))
    assert bar.data.text() == "Outside the data: combination of styles, latent"
    assert bar.data.toolTip() == "Far from every leaf.\nFar."
    bar.show_warnings((Caution("The reconstruction changes the class."),))
    assert bar.data.text() == "Take care"
    bar.show_warnings((), compared=False)
    assert bar.data.text() == "Styles within their ranges"
    bar.show_warnings(())
    assert bar.data.text() == "Within the data"


def test_device_menu_lists_and_marks_the_choice(desktop):
    actions = desktop.window.status.device_menu.actions()
    assert [a.isChecked() for a in actions] == [True, False]  # automatic
    assert all(a.toolTip() for a in actions)


def test_job_shows_progress_and_cancels_by_escape(desktop):
    jobs = desktop.window.status.jobs
    asked = []
    jobs.cancel_requested.connect(asked.append)
    jobs.started(7, "Finding attributes", True)
    jobs.progressed(7, Progress(43, 100, "Finding attributes", 62.0))
    assert jobs.isVisible()
    assert jobs.text.text() == "Finding attributes 43 %, 62 s left"
    QTest.keyClick(desktop.window, Qt.Key.Key_Escape)
    assert asked == [7]
    jobs.ended(7)
    assert not jobs.isVisible()


def test_notices_can_be_read_again(desktop):
    window = desktop.window
    window.explorer.updates.emit(Message("Saved leaf.png."))
    assert window.notices.isVisible()
    window.explorer.updates.emit(ErrorReport(Failure("No picture.", "", "defect"), "Making the picture", "main"))
    assert window.notices.text.text() == "No picture."
    assert [text for _severity, text in window.notices.history] == ["Saved leaf.png.", "No picture."]
    window.notices.hide()


def test_trouble_opens_the_error_dialog(qtbot, empty, tmp_path):
    broken = tmp_path / "notes.txt"
    broken.write_bytes(b"BM")
    empty.explorer.open_path(broken)
    dialog = empty.window.findChild(ErrorDialog)
    assert dialog.isVisible()
    assert "notes.txt" in dialog.message.text()
    dialog.accept()
    assert empty.window.canvas.pages.currentWidget() is empty.window.canvas.welcome


# files


def test_copied_picture_carries_its_recipe(qtbot, desktop, tmp_path):
    drag(first_slider(desktop), 0.5)
    wait_picture(qtbot, desktop)
    QTest.keyClick(desktop.window, Qt.Key.Key_C, CTRL)
    data = QGuiApplication.clipboard().mimeData()
    path = tmp_path / "copied.png"
    path.write_bytes(bytes(data.data("image/png").data()))
    assert read_recipe(path).state == desktop.explorer.state


def test_dropping_an_exported_picture_restores_it(qtbot, desktop, tmp_path):
    drag(first_slider(desktop), 0.5)
    wait_picture(qtbot, desktop)
    state, path = desktop.explorer.state, tmp_path / "leaf.png"
    desktop.explorer.export_png(path)
    desktop.window.actions_by_key["reset"].trigger()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    desktop.window.dropEvent(event)
    wait_picture(qtbot, desktop)
    assert desktop.explorer.state == state
    desktop.window.notices.hide()


def test_title_names_model_and_marks_changes(qtbot, desktop, tmp_path):
    assert "Leaf health" in desktop.window.windowTitle()
    assert not desktop.window.isWindowModified()
    assert desktop.explorer.save(tmp_path / "mine.exploration")
    drag(first_slider(desktop), 0.5)
    assert desktop.window.windowTitle().startswith("mine.exploration")
    assert desktop.window.isWindowModified()


def test_closing_asks_about_a_changed_file(qtbot, desktop, tmp_path, monkeypatch):
    desktop.explorer.save(tmp_path / "mine.exploration")
    drag(first_slider(desktop), 0.5)
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Discard]
    monkeypatch.setattr(QMessageBox, "question", lambda *_args: answers.pop(0))
    assert not desktop.window.close()
    assert desktop.window.isVisible()
    assert desktop.window.close()


def test_another_file_asks_about_timelines_that_stand_in_no_file(qtbot, desktop, tmp_path, monkeypatch):
    explorer, asked = desktop.explorer, []
    first = explorer.session
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Discard]
    monkeypatch.setattr(QMessageBox, "question", lambda *args: asked.append(args[2]) or answers.pop(0))
    desktop.timelines.add_keyframe()
    model = tmp_path / "again.explainer"
    model.write_bytes(b"")
    explorer.open_path(model)
    assert explorer.session is first
    assert "this exploration" in asked[0]
    explorer.open_path(model)
    qtbot.waitUntil(lambda: explorer.session is not first, timeout=20_000)
    assert desktop.timelines.timelines == ()


@pytest.mark.parametrize("made", ["names", "pins", "sliders", "favourites", "notes", "attribute_sets"])
def test_another_file_asks_about_whatever_was_made(desktop, tmp_path, monkeypatch, made):
    explorer, asked = desktop.explorer, []
    no = QMessageBox.StandardButton.Cancel
    monkeypatch.setattr(QMessageBox, "question", lambda *args: asked.append(args[2]) or no)
    attribute = explorer.attributes()[0]
    own = Attribute("own", 0, (AttributeEntry(3, "max"),))
    document = {
        "names": explorer.document.renamed(attribute, "mine"),
        "pins": explorer.document.with_pin(attribute, True),
        "sliders": explorer.document.with_slider(own),
        "favourites": explorer.document.with_favourite(SeedBase(3), True),
        "notes": msgspec.structs.replace(explorer.document, notes="seen"),
        "attribute_sets": explorer.document.with_attribute_set(explorer.summary.attribute_sets[0]),
    }[made]
    explorer.change_document(document)
    (tmp_path / "again.explainer").write_bytes(b"")
    explorer.open_path(tmp_path / "again.explainer")
    assert len(asked) == 1
    assert explorer.document == document


def test_saving_what_another_window_changed_asks(desktop, tmp_path, monkeypatch):
    explorer, path = desktop.explorer, tmp_path / "mine.exploration"
    explorer.save(path)
    drag(first_slider(desktop), 0.5)
    other = path.read_bytes() + b""
    path.write_bytes(other)
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *_args: answers.pop(0))
    assert not desktop.window.files.save()
    assert path.read_bytes() == other
    assert desktop.window.files.save()
    assert path.read_bytes() != other
    assert answers == []


def test_place_of_the_window_is_remembered(qtbot, desktop):
    desktop.window.resize(1280, 700)
    assert desktop.window.close()
    assert desktop.explorer.settings.window_geometry
    assert desktop.explorer.settings.window_state


# everybody


def _belongs_to_qt(widget) -> bool:
    """Return True for parts made by Qt: a combo box's pop-up list, a spin box's line."""
    owner = widget.parentWidget()
    inside = isinstance(owner.parentWidget(), QComboBox) or isinstance(owner, QComboBox)
    return inside or widget.objectName().startswith("qt_")


def test_every_interactive_widget_has_a_name(desktop):
    kinds = (QAbstractButton, QAbstractItemView, QAbstractSlider, QComboBox, QLineEdit)
    nameless = [
        f"{type(w).__name__} in {type(w.parentWidget()).__name__}"
        for kind in kinds
        for w in desktop.window.findChildren(kind)
        if not isinstance(w, QScrollBar)
        and not _belongs_to_qt(w)
        and not (isinstance(w, QAbstractButton) and w.text())
        and not w.accessibleName()
    ]
    assert nameless == []


def test_light_and_dark_differ_and_show_something(qtbot, desktop):
    light = desktop.window.grab().toImage()
    desktop.window.actions_by_key["theme_dark"].trigger()
    QTest.qWait(50)
    dark = desktop.window.grab().toImage()
    assert desktop.explorer.settings.theme == "dark"
    assert colours_in(desktop.window) > 50
    corner = (4, light.height() - 4)
    assert light.pixelColor(*corner).lightness() > 200
    assert dark.pixelColor(*corner).lightness() < 60
    desktop.window.actions_by_key["theme_light"].trigger()
