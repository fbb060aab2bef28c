# SPDX-License-Identifier: MIT
"""Page "Mistakes": folder, matrix, cells by mouse and keyboard, the sentence, classes to be given, the export."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from labelled_leaves import write_labelled
from panel_harness import explorer_on, open_model
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from tiny import make_explainer

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.overview.mistakes_jobs import CellKey
from latent_explorer.explain.counterfactuals import mistakes
from latent_explorer.explain.projection import projection
from latent_explorer.models import perceptual
from latent_explorer.ui.overview import folder_bar, mistakes_page
from latent_explorer.ui.overview.mistakes_page import CHOOSE, INVITE, RIGHT_ONES, MistakesPage
from latent_explorer.ui.overview.page import NO_MODEL
from latent_explorer.ui.overview.window import OverviewWindow
from latent_explorer.ui.style import theme

WAIT = 60_000
MISTAKE = CellKey(1, 0)  # the tiny explainer lists attributes for class 1


@pytest.fixture(scope="module")
def model():
    return make_explainer(samples=20)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory, model) -> Path:
    return write_labelled(tmp_path_factory.mktemp("labelled") / "leaves", model, "health", ("0", "1"))


@pytest.fixture
def page(qtbot, qapp, tmp_path, model, monkeypatch) -> MistakesPage:
    monkeypatch.setattr(mistakes, "REFINEMENT", msgspec.structs.replace(mistakes.REFINEMENT, steps=1))
    monkeypatch.setattr(mistakes, "MOST", 4)
    for module in (perceptual, projection):  # whose networks take seconds to load
        monkeypatch.setattr(module, "lpips_available", lambda _net: False)
    host = ModelHost(read=lambda _path: model, identify=lambda _path: model.model_hash)
    with explorer_on(tmp_path, host) as explorer:
        theme.apply("light")
        made = MistakesPage(explorer)
        qtbot.addWidget(made)
        made.resize(720, 640)
        made.show()
        assert made.empty.sentence.text() == NO_MODEL
        open_model(qtbot, explorer, tmp_path)
        assert made.nothing.sentence.text() == INVITE
        yield made


@pytest.fixture
def counted(qtbot, page, labelled, monkeypatch) -> MistakesPage:
    monkeypatch.setattr(folder_bar.QFileDialog, "getExistingDirectory", lambda *_: str(labelled))
    page.nothing.button.click()
    qtbot.waitUntil(lambda: page.controller.judged is not None, timeout=WAIT)
    return page


def click(page: MistakesPage, key: CellKey) -> None:
    model = page.table.cells
    row = next(i for i, line in enumerate(model.lines) if (line.group, line.label) == (key.group, key.label))
    place = page.table.visualRect(model.index(row, key.verdict + 1)).center()
    QTest.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_a_folder_a_cell_and_the_sentence(qtbot, counted):
    page = counted
    assert "20 photographs" in page.summary.text()
    assert page.sentence.text() == CHOOSE
    assert "of 10 photographs of diseased are called healthy" in page.table.text_at(MISTAKE)
    click(page, MISTAKE)
    assert page.stop.isVisible()
    assert not page.export.isEnabled()
    qtbot.waitUntil(lambda: page.controller.explanation is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: not page.stop.isVisible(), timeout=WAIT)
    assert page.sentence.text() == page.controller.sentence() != ""
    assert "Some attribute alone turns" in page.others.text()
    page.copy.click()
    assert QApplication.clipboard().text() == page.sentence.text()
    items = page.photos.items
    assert items.rowCount() == page.controller.count_of(MISTAKE)
    shown = [items.examples.get(photo.name) for photo in items.photos]
    ranks = [2 if each is None else 0 if each.turned else 1 for each in shown]
    assert ranks == sorted(ranks)
    assert "with " in items.words(0)
    assert page.grab().width() > 0


def test_cells_open_by_the_keyboard_and_right_ones_are_shown(qtbot, counted):
    page = counted
    page.table.setFocus()
    page.table.setCurrentIndex(page.table.cells.index(0, 1))
    QTest.keyClick(page.table, Qt.Key.Key_Return)
    assert page.controller.cell == CellKey(0, 0)
    assert page.sentence.text() == RIGHT_ONES
    qtbot.waitUntil(lambda: page.photos.items.rowCount() == page.controller.count_of(CellKey(0, 0)), timeout=WAIT)


def test_numbers_can_be_given_other_classes(qtbot, counted):
    page = counted
    assert list(page.bar.values) == ["0", "1"]
    assert "order of the numbers" in page.bar.note.text()
    before = page.controller.matrix.counts
    for value, place in (("0", 1), ("1", 0)):
        page.bar.values[value].setCurrentIndex(place)
    page.bar.values["1"].activated.emit(0)
    qtbot.waitUntil(lambda: page.controller.judged is not None, timeout=WAIT)
    assert page.controller.matrix.counts.tolist() == before[::-1].tolist()
    assert page.bar.note.isHidden()


def test_groups_have_rows_of_their_own(qtbot, counted):
    page = counted
    page.bar.by.setCurrentIndex(page.bar.by.findData("crop"))
    page.bar.by.activated.emit(page.bar.by.currentIndex())
    assert [(line.group, line.label) for line in page.table.cells.lines][2:4] == [("apple", 0), ("apple", 1)]
    key = CellKey(1, 0, "crop", "apple")
    click(page, key)
    assert page.controller.cell == key
    assert "crop: apple" in page.head.text()


def test_a_dropped_folder_is_opened(qtbot, page, labelled):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(labelled))])
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    page.dropEvent(event)
    qtbot.waitUntil(lambda: page.controller.judged is not None, timeout=WAIT)
    assert page.bar.name.text() == "leaves"


def test_a_folder_without_labels_is_a_sentence(qtbot, page, tmp_path):
    folder = tmp_path / "alone"
    folder.mkdir()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(folder / "1.png")
    page.open(folder)
    qtbot.waitUntil(lambda: "has no labels" in page.nothing.sentence.text(), timeout=WAIT)


def test_the_action_of_the_menu_asks_for_a_folder(qtbot, desktop, labelled, monkeypatch):
    asked = []
    monkeypatch.setattr(folder_bar.QFileDialog, "getExistingDirectory", lambda *_: asked.append(1) or "")
    action = desktop.window.actions_by_key["mistakes"]
    action.trigger()
    (window,) = desktop.window.findChildren(OverviewWindow)
    qtbot.waitExposed(window)
    assert isinstance(window.page, MistakesPage)
    assert asked == [1]
    window.page.controller.path = labelled
    action.trigger()
    assert asked == [1]  # a folder is open


def test_it_is_exported(qtbot, counted, tmp_path, monkeypatch):
    page, out = counted, tmp_path / "out"
    click(page, MISTAKE)
    qtbot.waitUntil(lambda: page.controller.explanation is not None and page.export.isEnabled(), timeout=WAIT)
    monkeypatch.setattr(mistakes_page.QFileDialog, "getExistingDirectory", lambda *_: str(out))
    page.export.click()
    qtbot.waitUntil(lambda: (out / "mistakes.html").exists(), timeout=WAIT)
    assert page.sentence.text().replace("'", "&#x27;") in (out / "mistakes.html").read_text()
    qtbot.waitUntil(page.export.isEnabled, timeout=WAIT)
