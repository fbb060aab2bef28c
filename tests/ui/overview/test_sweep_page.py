# SPDX-License-Identifier: MIT
"""Page "Class sweep": pictures that move with one slider, what moves them, playing, figures, and the export."""

from __future__ import annotations

import numpy as np
import pytest
from panel_harness import explorer_on, open_model
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from tiny import make_explainer

from latent_explorer.app.directions import DirectionsController
from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.sweep.plan import ALPHAS
from latent_explorer.explain.directions.direction import Direction
from latent_explorer.ui.overview.page import NO_MODEL
from latent_explorer.ui.overview.sweep_page import SweepPage
from latent_explorer.ui.style import theme

WAIT = 60_000


@pytest.fixture(scope="module")
def model():
    return make_explainer(samples=30)


@pytest.fixture
def explorer(qapp, tmp_path, model):
    host = ModelHost(read=lambda _path: model, identify=lambda _path: model.model_hash)
    with explorer_on(tmp_path, host) as made:
        yield made


@pytest.fixture
def page(qtbot, explorer, tmp_path) -> SweepPage:
    theme.apply("light")
    made = SweepPage(explorer)
    qtbot.addWidget(made)
    made.resize(1000, 600)
    made.show()
    assert made.empty.sentence.text() == NO_MODEL
    open_model(qtbot, explorer, tmp_path)
    qtbot.waitUntil(lambda: made.play.isEnabled() and bool(made.controller.found.control_curve()[0]), timeout=WAIT)
    return made


def numbers(page) -> list[float]:
    return [cell.probabilities[1] for cell in page.cells]


def test_all_pictures_move_with_one_slider(qtbot, page):
    assert page.target.currentText() == "diseased"
    assert page.source.currentText() == "Its attributes together"
    assert not page.length.isVisible()
    assert len(page.cells) == 8
    found = page.controller.found
    assert numbers(page) == pytest.approx(found.of_target[:, 0].tolist())
    page.alpha.track.setFocus()
    QTest.keyClick(page.alpha.track, Qt.Key.Key_End)
    assert numbers(page) == pytest.approx(found.of_target[:, 19].tolist())
    assert [cell.probabilities[0] for cell in page.cells] == pytest.approx(found.of_target[:, 0].tolist())
    QTest.mouseClick(page.curve, Qt.MouseButton.LeftButton, pos=page.curve.rect().center())
    assert 0.3 < page.alpha.amount < 0.7
    assert page.alpha.amount in ALPHAS
    assert numbers(page) == pytest.approx(found.of_target[:, round(page.alpha.amount * 20)].tolist())
    figures = found.figures()
    assert f"{figures['probability_last']:.2f} at 0.95" in page.figures.text()
    assert f"as far: {figures['control_last']:.2f}" in page.figures.text()
    assert f"{found.curve()[1][0]:.2f} at alpha 0" in page.curve.accessibleDescription()
    assert page.grab().width() > 0


def test_it_plays_and_stops_out_of_view(qtbot, page):
    QTest.mouseClick(page.play, Qt.MouseButton.LeftButton)
    assert page.play.toolTip() == "Pause"
    seen = set()
    qtbot.waitUntil(lambda: seen.add(page.alpha.amount) or len(seen) > 3, timeout=WAIT)
    page.hide()
    assert page.play.toolTip() == "Play"
    assert not page._timer.isActive()


def test_a_class_that_nothing_leads_to_offers_the_search(qtbot, page, explorer):
    page.target.setCurrentIndex(0)
    page.target.activated.emit(0)
    assert page.nothing.isVisible()
    assert "Nothing leads to healthy yet" in page.nothing.sentence.text()
    assert not page.export.isEnabled()
    QTest.mouseClick(page.nothing.button, Qt.MouseButton.LeftButton)
    assert "Searching for what leads to healthy" in page.nothing.sentence.text()
    assert not page.nothing.button.isVisible()
    explorer.cancel(page.controller._search)
    qtbot.waitUntil(lambda: page.nothing.button.isVisible(), timeout=WAIT)
    direction = Direction("guided healthy", 16, np.full(16, 0.1, "<f4").tobytes())
    explorer.change_document(explorer.document.with_directions(direction))
    assert page.source.currentText() == "guided healthy"
    assert page.length.isVisible()
    qtbot.waitUntil(lambda: page.controller.found is not None and page.controller.found.complete, timeout=WAIT)
    assert page.controller.found.sweep.edits[0].amount == 3.0
    assert not page.search.isVisible()
    page.target.setCurrentIndex(1)
    page.target.activated.emit(1)
    assert page.source.count() == 2
    assert page.search.isVisible(), "no guided direction leads to this class"


def test_a_picture_opens_in_the_main_window(page, explorer):
    page.cells[3].opened.emit()
    assert explorer.state.base == page.controller.found.sweep.bases[3]


def test_the_export_holds_every_class_that_something_leads_to(qtbot, page, explorer, tmp_path, monkeypatch):
    DirectionsController(explorer)
    direction = Direction("guided healthy", 16, np.full(16, 0.1, "<f4").tobytes())
    explorer.change_document(explorer.document.with_directions(direction))
    written = []
    monkeypatch.setattr(page.controller, "export", lambda folder, sweeps: written.append((folder, sweeps)))
    page.write(tmp_path)
    ((folder, sweeps),) = written
    assert folder == tmp_path
    assert [(sweep.target, sweep.name) for sweep in sweeps] == [
        (0, "guided healthy"),
        (1, "first 2 attributes together"),
    ]
