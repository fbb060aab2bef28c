# SPDX-License-Identifier: MIT
"""The samples' list of what triggers a class: asked on demand, ranked, with how often each class is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from window_tools import desktop_on

from latent_explorer.app.coverage import NAME, coverage_details, coverage_lines
from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration.intents import SetTarget
from latent_explorer.common.events import Progress
from latent_explorer.explain.recipe import SampleBase, SeedBase
from latent_explorer.explain.report import coverage as report_coverage
from latent_explorer.explain.report.coverage import Coverage, PictureSet
from latent_explorer.models.explainer_file import write_explainer
from latent_explorer.ui.samples.panel import TRIGGERS


@pytest.fixture
def real(qtbot, tmp_path: Path, tiny_explainer) -> Iterator:
    path = tmp_path / "tiny.explainer"
    write_explainer(tiny_explainer, path)
    with desktop_on(tmp_path, ModelHost()) as desktop:
        desktop.begin(path)
        qtbot.waitUntil(lambda: desktop.explorer.shown is not None, timeout=60_000)
        yield desktop


def test_the_pictures_that_score_highest_are_listed_for_the_class_of_the_sliders(qtbot, real) -> None:
    panel, explorer = real.window.samples, real.explorer
    at = panel.source.findData(TRIGGERS)
    names = explorer.summary.classifiers[0].class_names
    assert panel.source.itemText(at) == f"What triggers {names[explorer.state.target_class]}"
    assert panel.coverage.found is None  # nothing is asked before the list is chosen
    panel.source.setCurrentIndex(at)
    assert panel.empty.sentence.text().startswith("Seeds and the pictures of the file are drawn")
    qtbot.waitUntil(lambda: bool(panel.view.thumbnails.bases), timeout=60_000)
    found, target = panel.coverage.found, explorer.state.target_class
    listed = panel.view.thumbnails.bases
    assert listed[0] == SeedBase(int(found.seeds.probs[:, target].argmax()))
    assert SampleBase(int(found.drawn.probs[:, target].argmax())) in listed
    lines = panel.coverage_line.text().splitlines()
    assert lines[0].startswith(f"{names[target]}: ")
    assert f"{found.seeds.reaching(target).share:.0%} of seeds" in lines[0]
    assert f"{found.seeds.reaching(target).count} of 500 seeds at psi 1 (" in panel.coverage_line.toolTip()
    other = 1 - target
    explorer.apply(SetTarget(other))
    assert panel.source.currentText() == f"What triggers {names[other]}"
    assert panel.view.thumbnails.bases[0] == SeedBase(int(found.seeds.probs[:, other].argmax()))
    panel.source.setCurrentIndex(0)
    assert not panel.coverage_line.isVisible()


def _endless(*_args, **_settings):
    while True:
        yield Progress(0, 1)


def test_a_list_that_was_stopped_says_so_and_asks_again(qtbot, real, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, explorer = real.window.samples, real.explorer
    with monkeypatch.context() as patch:
        patch.setattr(report_coverage, "coverage", _endless)
        panel.source.setCurrentIndex(panel.source.findData(TRIGGERS))
        explorer.cancel(next(job for job, name in explorer.jobs.items() if name == NAME))
        qtbot.waitUntil(lambda: not panel.coverage.asking, timeout=60_000)
    assert panel.empty.sentence.text().startswith("This was stopped")
    panel.source.setCurrentIndex(0)
    panel.source.setCurrentIndex(panel.source.findData(TRIGGERS))
    qtbot.waitUntil(lambda: bool(panel.view.thumbnails.bases), timeout=60_000)


def test_a_class_that_is_almost_never_drawn_is_said_in_a_line_and_explained_at_rest() -> None:
    probs = np.tile(np.array([[0.9, 0.1]], np.float32), (200, 1))
    seeds = PictureSet("seeds at psi 1", tuple(map(str, range(200))), probs)
    found = Coverage(("green", "spots"), 1.0, seeds)
    assert coverage_lines(found, 1) == ["spots: 0% of seeds. Almost never drawn.", "green: 100% of seeds"]
    assert found.sentence(1) in coverage_details(found, 1)
    many = Coverage(tuple(map(str, range(9))), 1.0, PictureSet("seeds", ("0",), np.eye(9)[:1]))
    assert coverage_lines(many, 3) == ["3: 0% of seeds"]
