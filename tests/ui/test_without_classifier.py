# SPDX-License-Identifier: MIT
"""The window on a generator without a classifier: nothing speaks of classes and probabilities that there are not."""

from __future__ import annotations

import pytest
from foreign_models import write_generator
from window_tools import desktop_on

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.explorer import Explorer
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.plain_generator import explainer_of_generator
from latent_explorer.models.explainer_file import write_explainer
from latent_explorer.models.importers.generators.file import import_generator
from latent_explorer.ui.attributes.panel import AttributesPanel
from latent_explorer.ui.canvas.live_plot import NO_CLASSIFIER, LivePlot
from latent_explorer.ui.main_thread import MainThreadInvoker


@pytest.fixture
def explorer(qapp, tmp_path):
    bridge = MainThreadInvoker()
    made = Explorer(bridge.post, data_dir=tmp_path, config_dir=tmp_path)
    yield made
    bridge.close()
    made.close()


@pytest.fixture
def desktop(qtbot, tmp_path):
    with desktop_on(tmp_path, ModelHost()) as made:
        yield made


@pytest.fixture
def plain(tmp_path):
    generator = import_generator(write_generator(tmp_path / "network.pt")).generator
    explainer = run_job(explainer_of_generator(generator, "plain"))
    write_explainer(explainer, tmp_path / "plain.explainer")
    return tmp_path / "plain.explainer"


def test_no_class_is_offered_and_no_probability_promised(qtbot, explorer, plain):
    panel, live = AttributesPanel(explorer), LivePlot(explorer)
    qtbot.addWidget(panel)
    qtbot.addWidget(live)
    explorer.open_path(plain)
    qtbot.waitUntil(lambda: explorer.shown is not None, timeout=60_000)
    assert panel.target.isHidden()
    assert panel._towards.isHidden()
    assert not panel.add.isHidden()
    assert live.empty.text() == NO_CLASSIFIER


def test_what_asks_a_classifier_is_off_in_the_menus(qtbot, desktop, plain):
    desktop.explorer.open_path(plain)
    qtbot.waitUntil(lambda: desktop.explorer.shown is not None, timeout=60_000)
    on = {key for key, action in desktop.window.actions_by_key.items() if action.isEnabled()}
    assert not on & {"explain_picture", "find_attributes", "make_study", "copy_words"}
    assert on >= {"add_slider", "random_walk", "find_directions"}
