# SPDX-License-Identifier: MIT
"""Page "Map": marks that are pointed at with mouse and keys, the picture beside them, and what is opened."""

from __future__ import annotations

import numpy as np
import pytest
from panel_harness import explorer_on, open_model
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from tiny import make_explainer

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration.intents import SetEdit
from latent_explorer.explain.recipe import SeedBase, StyleShift
from latent_explorer.ui.overview.map_page import MapPage
from latent_explorer.ui.overview.page import NO_MODEL
from latent_explorer.ui.style import theme

WAIT = 60_000


@pytest.fixture(scope="module")
def model():
    return make_explainer(samples=30)


@pytest.fixture
def page(qtbot, explorer, tmp_path) -> MapPage:
    theme.apply("light")
    made = MapPage(explorer)
    qtbot.addWidget(made)
    made.resize(1000, 600)
    made.show()
    assert made.empty.sentence.text() == NO_MODEL
    open_model(qtbot, explorer, tmp_path)
    qtbot.waitUntil(lambda: made.line.text() == "430 pictures", timeout=WAIT)
    return made


@pytest.fixture
def explorer(qapp, tmp_path, model):
    with explorer_on(tmp_path, ModelHost(read=lambda _path: model, identify=lambda _path: model.model_hash)) as made:
        yield made


def at(page, number) -> QPoint:
    x, y = page.view.points(page.controller.found.places[number : number + 1])[0]
    return QPoint(round(x), round(y))


def lonely(page) -> int:
    """Return the mark that is furthest from the next one."""
    points = page.view.points(page.controller.found.places)
    apart = np.linalg.norm(points[:, None] - points, axis=2) + 1e9 * np.eye(len(points))
    return int(apart.min(axis=1).argmax())


def test_pointing_shows_the_picture_and_a_click_opens_it(qtbot, page, explorer):
    number = lonely(page)
    base = page.controller.found.bases[number]
    QTest.mouseMove(page.view, at(page, number))
    qtbot.waitUntil(lambda: page.picture._image is not None, timeout=WAIT)
    probs = page.controller.found.probs[number]
    assert f"{probs[page.controller.found.target]:.2f}" in page.verdict.text()
    assert ("healthy", "diseased")[probs.argmax()] in page.verdict.text()
    assert page.name.text() in page.view.accessibleDescription()
    QTest.mouseClick(page.view, Qt.MouseButton.LeftButton, pos=at(page, number))
    assert explorer.state.base == base
    assert page.grab().width() > 0


def test_the_keyboard_goes_from_mark_to_mark(page, explorer):
    page.view.setFocus()
    QTest.keyClick(page.view, Qt.Key.Key_Right)
    first = page.view._at
    QTest.keyClick(page.view, Qt.Key.Key_Right)
    second = page.view._at
    places = page.controller.found.places
    assert 0 <= first != second
    assert places[second, 0] > places[first, 0] > 0
    QTest.keyClick(page.view, Qt.Key.Key_Return)
    assert explorer.state.base == page.controller.found.bases[second]


def test_the_ring_moves_with_the_sliders(qtbot, page, explorer):
    qtbot.waitUntil(lambda: page.view._present is not None, timeout=WAIT)
    before = page.view._present.copy()
    explorer.apply(SetEdit(StyleShift(3, "max", 1.0), "style 3"))
    assert np.abs(page.view._present - before).max() > 1e-4
    unedited = page.view._present_probs.copy()
    qtbot.waitUntil(lambda: np.abs(page.view._present_probs - unedited).max() > 1e-4, timeout=WAIT)
    assert page.view.grab().width() > 0


def test_seeds_alone_and_other_axes(qtbot, page):
    page.samples.setChecked(False)
    shown = [isinstance(base, SeedBase) for base in page.controller.found.bases]
    assert page.view._shown.tolist() == shown
    page.kind.setCurrentIndex(1)
    page.kind.activated.emit(1)
    qtbot.waitUntil(lambda: page.controller.found.axes.names[0] == "Direction of the margin", timeout=WAIT)
    page.hide()
    assert page.controller._requests == []
