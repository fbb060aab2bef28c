# SPDX-License-Identifier: MIT
"""Programs in the window: one is run after a click only, and an explainer that holds one opens without it."""

from __future__ import annotations

import pytest
import torch
from foreign_models import write_shades
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox
from torch import nn
from window_tools import LEFT, desktop_on, wait_picture

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.importing.controller import ImportController
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.plain_generator import explainer_of_generator
from latent_explorer.models.architecture import GeneratorConfig
from latent_explorer.models.explainer_file import write_explainer
from latent_explorer.models.importers.classifiers.file import import_classifier, inspect_classifier
from latent_explorer.models.programs import process, program
from latent_explorer.models.stylegan2 import Generator
from latent_explorer.ui.importing.dialog import ImportDialog

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")


@pytest.fixture(autouse=True)
def own_consent():
    program.forget_allowed()
    yield
    process.close_all()
    program.forget_allowed()


@pytest.fixture
def traced(tmp_path):
    """A TorchScript file of a network that no library has."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    torch.jit.trace(network.eval(), torch.randn(2, 3, 32, 32)).save(tmp_path / "own.pt")
    return tmp_path / "own.pt"


def test_a_program_is_run_after_a_click(qtbot, explorer, traced, tmp_path):
    dialog = ImportDialog(ImportController(explorer, traced), pictures=write_shades(tmp_path / "shades"))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: "A TorchScript program. It is code" in "".join(dialog.message.texts))
    assert dialog.page is None
    assert not dialog.go.isVisible()
    assert explorer.settings.trusted_programs == ()
    QTest.mouseClick(dialog.run, LEFT)
    qtbot.waitUntil(lambda: dialog.page is not None)
    assert dialog.page.what.text() == "TorchScript program, 2 outputs"
    assert dialog.go.isVisible()
    assert not dialog.run.isVisible()
    (trusted,) = explorer.settings.trusted_programs
    assert program.is_allowed(trusted)
    dialog.reject()


@pytest.fixture
def explainer_file(traced, tmp_path):
    """An explainer whose classifier is a program."""
    program.allow_all()
    classifier = import_classifier(inspect_classifier(traced), "theirs", ("dark", "bright"))
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig((8, 8, 4), z_dim=8, w_dim=8, mapping_layers=2))
    write_explainer(run_job(explainer_of_generator(generator, "plain", classifier)), tmp_path / "x.explainer")
    program.forget_allowed()
    process.close_all()
    return tmp_path / "x.explainer"


def test_an_explainer_opens_without_its_program_and_asks_once(qtbot, explainer_file, tmp_path):
    with desktop_on(tmp_path, ModelHost()) as desktop:
        window = desktop.window
        desktop.begin(explainer_file)
        wait_picture(qtbot, desktop)
        assert window.canvas.view.after.verdict == ""
        qtbot.waitUntil(lambda: bool(window.findChildren(QMessageBox)))
        (box,) = window.findChildren(QMessageBox)
        assert "its classifier theirs (TorchScript)" in box.text()
        run = next(each for each in box.buttons() if each.text() == "Run it")
        QTest.mouseClick(run, LEFT)
        qtbot.waitUntil(lambda: window.canvas.view.after is not None and window.canvas.view.after.verdict != "")
        assert len(desktop.explorer.settings.trusted_programs) == 1
        desktop.explorer.open_path(explainer_file)  # trusted: not asked again
        wait_picture(qtbot, desktop)
        assert window.canvas.view.after.verdict != ""
        assert not [each for each in window.findChildren(QMessageBox) if each.isVisible()]
