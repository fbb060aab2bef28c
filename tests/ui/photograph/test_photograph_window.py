# SPDX-License-Identifier: MIT
"""Window "Explain a photograph": dropping, both verdicts beside each other, the brush, what is said, copied, saved."""

from __future__ import annotations

import numpy as np
import pytest
from fake_photographs import ALL, ONE, FakeSearch, change
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from window_tools import colours_in, desktop_on, open_fake

from latent_explorer.ui.photograph.frame_dialog import FrameDialog
from latent_explorer.ui.photograph.masked_view import outline
from latent_explorer.ui.photograph.window import INVITE, NO_ATTRIBUTES, NO_CLASSIFIER, NO_MODEL, PhotographWindow
from latent_explorer.ui.projection.panel import ProjectionPanel

LEFT = Qt.MouseButton.LeftButton
WAIT = 60_000  # ms


@pytest.fixture
def desktop(qtbot, tmp_path):
    with desktop_on(tmp_path) as made:
        open_fake(qtbot, made, tmp_path)
        yield made


@pytest.fixture
def search(desktop):
    made = FakeSearch()
    controller = desktop.photographs
    controller._refine, controller._explain, controller._given_explain = made.refine, made.explain, made.explain
    return made


@pytest.fixture
def window(qtbot, desktop, search, monkeypatch) -> PhotographWindow:
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_args: ([], ""))
    desktop.window.actions_by_key["explain_photograph"].trigger()
    made = desktop.window.findChild(PhotographWindow)
    qtbot.waitExposed(made)
    return made


def photo(tmp_path, name="leaf.png", value="green"):
    Image.new("RGB", (90, 60), value).save(tmp_path / name)
    return tmp_path / name


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    where = QPointF(window.rect().center())
    event = QDropEvent(where, Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    window.dropEvent(event)
    return event.isAccepted()


def known(qtbot, window):
    controller = window.controller
    qtbot.waitUntil(lambda: bool(controller.cases) and all(map(controller.is_known, controller.cases)), timeout=WAIT)


def texts(window):
    return " ".join(window.answer.lines.texts)


def test_a_drop_shows_both_verdicts_and_what_follows(qtbot, window, tmp_path):
    assert window.empty.sentence.text() == INVITE
    assert drop(window, photo(tmp_path))
    known(qtbot, window)
    answer = window.answer
    assert answer.copy.outcome.text().startswith("turns to")
    assert answer.photo.outcome.text().startswith("turns to")
    assert "the explanation holds for the photograph" in texts(window)
    assert "takes 25% of it" in answer.region.text()
    assert answer.copy.bars.verdict is not None
    assert answer.photo.bars.verdict.flipped
    assert "Random edits of the same size: 1 of 4" in answer.controls.accessibleDescription()
    assert "in the model's copy" in answer.sentence.text()
    assert "in the photograph" in answer.sentence.text()
    assert colours_in(window) > 20


def test_where_the_two_disagree_it_is_said_and_called_no_explanation(qtbot, window, search, tmp_path):
    search.changes = lambda q: (change(q.attributes[:1], photo=0.3),)
    drop(window, photo(tmp_path))
    known(qtbot, window)
    assert "The two verdicts disagree" in texts(window)
    assert "no explanation of the photograph" in texts(window)
    assert window.answer.photo.outcome.text().startswith("does not turn")
    assert "turns the copy only" in window.answer.changes.item(0).text()


def test_noise_and_the_copy_alone_are_named_where_they_turn_it_too(qtbot, window, search, tmp_path):
    search.changes = lambda q: (change(q.attributes[:1], noise=ALL, unedited=ONE),)
    drop(window, photo(tmp_path))
    known(qtbot, window)
    assert "Plain noise of the same strength" in texts(window)
    assert "without the edit, too" in texts(window)


def test_rows_are_chosen_by_key_and_copied_with_both_figures(qtbot, window, search, tmp_path):
    search.changes = lambda q: (change(q.attributes[:1]), change(q.attributes[1:3], copy=0.7, photo=0.6))
    drop(window, photo(tmp_path))
    known(qtbot, window)
    rows = window.answer.changes
    assert rows.count() == 2
    rows.setFocus()
    QTest.keyClick(rows, Qt.Key.Key_Down)
    assert window.controller.case.chosen == 1
    window.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert "0.10 to 0.70 in the model's copy, 0.20 to 0.60 in the photograph" in copied or "0.70" in copied
    names = [a.name for a in window.controller.case.change.attributes]
    assert all(name in copied for name in names)


def test_while_it_is_refined_the_copy_is_live_and_stop_waits(qtbot, window, search, tmp_path):
    search.held = True
    drop(window, photo(tmp_path))
    qtbot.waitUntil(lambda: search.holding, timeout=WAIT)
    qtbot.waitUntil(lambda: window.answer.copy.view.before is not None, timeout=WAIT)
    assert window.answer.copy.view.before.title == "Copy so far"
    assert "so far" in window.answer.copy_text.text()
    assert window.progress.isVisible()
    assert not window.answer.masked.painter.isVisible()
    window.stop.click()
    qtbot.waitUntil(lambda: window.controller.run is None, timeout=WAIT)
    assert window.progress_text.text() == "Stopped."
    search.held = False
    window.stop.click()
    known(qtbot, window)
    assert not window.stop.isVisible()


def test_a_stroke_asks_again_within_what_was_painted_and_clear_takes_it_back(qtbot, window, search, tmp_path):
    drop(window, photo(tmp_path))
    known(qtbot, window)
    painter = window.answer.masked.painter
    assert painter.isVisible()
    QTest.mousePress(painter, LEFT, pos=QPoint(painter.width() // 3, painter.height() // 3))
    QTest.mouseMove(painter, painter.rect().center())
    QTest.mouseRelease(painter, LEFT, pos=painter.rect().center())
    known(qtbot, window)
    only = search.questions[-1].only
    assert only is not None
    assert 0 < only.mean() < 0.3
    assert "It may be in" in window.answer.region.text()
    window.answer.clear.click()
    known(qtbot, window)
    assert search.questions[-1].only is None
    assert search.refined == ["leaf.png"]


def test_the_brush_keeps_each_photographs_own_region(qtbot, window, tmp_path):
    drop(window, photo(tmp_path, "a.png"), photo(tmp_path, "b.png", "brown"))
    known(qtbot, window)
    only = np.zeros((64, 64), np.float32)
    only[:5] = 1
    window.controller.paint(only)
    known(qtbot, window)
    assert np.array_equal(window.answer.masked.painter.painted, only)
    window.controller.select(1 - window.controller.current)
    assert not window.answer.masked.painter.painted.any()


def test_closing_the_window_cancels_and_opening_it_goes_on(qtbot, desktop, window, search, tmp_path):
    search.held = True
    drop(window, photo(tmp_path))
    qtbot.waitUntil(lambda: search.holding, timeout=WAIT)
    window.close()
    qtbot.waitUntil(lambda: not desktop.explorer.jobs, timeout=WAIT)
    search.held = False
    desktop.window.actions_by_key["explain_photograph"].trigger()
    known(qtbot, window)


def test_the_class_to_turn_to_is_chosen(qtbot, window, search, tmp_path):
    drop(window, photo(tmp_path))
    known(qtbot, window)
    names = window.controller.classifier.class_names
    assert [window.target.itemText(i) for i in range(window.target.count())] == ["the runner-up", *names]
    window.target.setCurrentIndex(1)
    window.target.activated.emit(1)
    known(qtbot, window)
    assert search.questions[-1].target == 0


def test_the_sheet_is_written(qtbot, window, tmp_path, monkeypatch):
    drop(window, photo(tmp_path))
    known(qtbot, window)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(tmp_path / "explained"), ""))
    window.save.click()
    with Image.open(tmp_path / "explained.png") as sheet:
        assert sheet.width > 800


def test_photos_of_the_main_window_are_explained_with_their_frame(qtbot, desktop, window, search, tmp_path):
    desktop.projections.open_photos([photo(tmp_path)])
    qtbot.waitUntil(lambda: bool(desktop.projections.photos), timeout=WAIT)
    panel = desktop.window.findChild(ProjectionPanel)
    assert panel.explain.text() == "Explain this photo"
    panel.explain.click()
    known(qtbot, window)
    assert window.controller.case.photo is desktop.projections.photo
    panel.explain.click()
    assert len(window.controller.cases) == 1


def test_a_photograph_that_has_the_class_already_is_said_to(qtbot, window, search, tmp_path):
    search.changes = lambda _question: ()
    drop(window, photo(tmp_path))
    known(qtbot, window)
    window.target.setCurrentIndex(1)
    window.target.activated.emit(1)
    known(qtbot, window)
    assert "of this photograph already" in texts(window)
    assert window.answer.photo.view.after.verdict == "nothing to show"
    assert window.answer.photo.bars.verdict is None


def test_another_frame_is_another_photograph(qtbot, window, search, tmp_path):
    drop(window, photo(tmp_path))
    known(qtbot, window)
    window.frame.click()
    dialog = window.findChild(FrameDialog)
    dialog.crop.set_full_crop()
    dialog.accept()
    known(qtbot, window)
    assert search.refined == ["leaf.png"] * 2
    assert window.controller.case.photo.crop.size > 1  # with bars above and below


def test_what_is_missing_is_said_in_one_sentence(window, monkeypatch):
    monkeypatch.setattr(type(window.controller), "attributes", lambda _self: ())
    window._show()
    assert window.empty.sentence.text() == NO_ATTRIBUTES
    assert not window.open_button.isEnabled()
    monkeypatch.setattr(type(window.controller), "classifier", None)
    window._show()
    assert window.empty.sentence.text() == NO_CLASSIFIER


def test_without_a_model_it_says_so(qtbot, tmp_path):
    with desktop_on(tmp_path) as desktop:
        window = PhotographWindow(desktop.explorer, desktop.photographs, desktop.window)
        window.present()
        qtbot.waitExposed(window)
        assert window.empty.sentence.text() == NO_MODEL
        assert not drop(window, photo(tmp_path))


def test_the_outline_runs_between_pixels_inside_and_outside():
    inside = np.zeros((4, 5), bool)
    inside[1, 2] = True
    edges = {tuple(map(int, edge)) for edge in outline(inside)}
    assert edges == {(2, 1, 2, 2), (3, 1, 3, 2), (2, 1, 3, 1), (2, 2, 3, 2)}
    assert not len(outline(np.ones((4, 5), bool)))
