# SPDX-License-Identifier: MIT
"""An imported generator without a classifier: its pictures can be explored, and what needs one says so."""

from __future__ import annotations

import pytest
import torch
from window_tools import desktop_on, wait_picture

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration.document import single_slider
from latent_explorer.app.exploration.intents import SetAttribute
from latent_explorer.app.exploration.updates import ErrorReport
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.plain_generator import explainer_of_generator
from latent_explorer.explain.recipe import SeedBase
from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.explainer_file import write_explainer
from latent_explorer.models.stylegan2 import Generator
from latent_explorer.ui.attributes.search_pages import NO_CLASSIFIER


@pytest.fixture
def desktop(qtbot, tmp_path):
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig((8, 8, 4), z_dim=8, w_dim=8, mapping_layers=2))
    write_explainer(run_job(explainer_of_generator(generator, "plain")), tmp_path / "plain.explainer")
    with desktop_on(tmp_path, ModelHost()) as made:
        made.begin(tmp_path / "plain.explainer")
        wait_picture(qtbot, made)
        yield made


def test_it_is_explored_without_a_verdict(qtbot, desktop, tmp_path):
    explorer, window = desktop.explorer, desktop.window
    errors: list[ErrorReport] = []
    explorer.updates.on(ErrorReport, errors.append)
    assert window.canvas.view.after.verdict == ""
    assert window.canvas.bars.verdict is None
    assert window.attributes.search.currentWidget().sentence.text() == NO_CLASSIFIER
    slider = single_slider(3, 0)
    explorer.change_document(explorer.document.with_slider(slider))
    for amount in (0.4, 0.8):
        explorer.apply(SetAttribute(slider, amount))
        wait_picture(qtbot, desktop)
        window.grab()
    explorer.show_base(SeedBase(5))
    wait_picture(qtbot, desktop)
    window.canvas.show_grid(True)
    window.canvas.set_photo(False)
    qtbot.waitUntil(lambda: explorer.wait_idle(0.01), timeout=8000)
    window.grab()
    explorer.export_png(tmp_path / "x.png")
    assert (tmp_path / "x.png").exists()
    assert errors == []
    explorer.start_attfind()
    qtbot.waitUntil(lambda: bool(errors), timeout=8000)
    assert "no classifier" in errors[0].failure.message
