# SPDX-License-Identifier: MIT
"""A person's classifier and the open explainer: a copy of it that asks the classifier, and can be searched for it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from foreign_models import write_brightness_checkpoint, write_generator
from PySide6.QtWidgets import QFileDialog
from window_tools import desktop_on, wait_picture

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.plain_generator import explainer_of_generator
from latent_explorer.models.explainer_file import read_explainer, write_explainer
from latent_explorer.models.importers.generators.file import read_generator
from latent_explorer.models.summary import note_of, with_note

LONG = 60_000  # ms


@pytest.fixture(params=["explained", "alone"])
def opened(request, tiny_explainer, tmp_path):
    """An explainer of another classifier, and a generator without one."""
    path = tmp_path / f"{request.param}.explainer"
    if request.param == "alone":
        generator = read_generator(write_generator(tmp_path / "network.pt")).generator
        write_explainer(run_job(explainer_of_generator(generator, "alone")), path)
    else:
        noted = with_note(tiny_explainer.provenance, "This classifier looks at the ground.")
        write_explainer(replace(tiny_explainer, provenance=noted), path)
    return path


def test_a_classifier_is_asked_about_the_open_explainer(qtbot, opened, tmp_path, monkeypatch):
    checkpoint = write_brightness_checkpoint(
        tmp_path / "net.pth", classes=3, class_to_idx={"dark": 0, "grey": 1, "bright": 2}
    )
    out = tmp_path / "net in it.explainer"
    suggested = []

    def chosen(_parent, _title, start, _kind):
        suggested.append(start)
        return str(out), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", chosen)
    with desktop_on(tmp_path, ModelHost()) as desktop:
        explorer, window = desktop.explorer, desktop.window
        desktop.begin(opened)
        wait_picture(qtbot, desktop)
        explorer.open_path(checkpoint)
        importing = window.importing
        qtbot.waitUntil(lambda: importing.dialog is not None and importing.dialog.page is not None, timeout=LONG)
        dialog = importing.dialog
        assert opened.stem in dialog.search.toolTip()
        value = msgspec.structs.replace(dialog.page.preprocessing.value, input_size=32, crop=1)
        dialog.page.preprocessing.show_value(value, fixed_size=False)
        dialog.search.click()
        assert suggested == [str(tmp_path / f"net in {opened.stem}.explainer")]
        qtbot.waitUntil(lambda: explorer.summary.name == out.stem, timeout=LONG)
        asked = classifier_of(explorer.state, explorer.summary)
        assert asked.class_names == ("dark", "grey", "bright")
        assert explorer.state.target_class == 0
        search = window.attributes.search
        assert search.currentWidget() is search.nothing
        assert "towards dark" in search.nothing.sentence.text()
        wait_picture(qtbot, desktop)
        assert sum(explorer.shown.result.after.probs) == pytest.approx(1, abs=1e-5)
    model = read_explainer(out)
    assert asked.classifier_id in model.classifiers
    assert note_of(model.provenance) == ""
    assert model.samples is not None
    assert len(model.classifiers) == (1 if opened.stem == "alone" else 2)


def test_without_an_open_explainer_there_is_nothing_to_search(qtbot, explorer, tmp_path):
    from latent_explorer.app.importing.controller import ImportController
    from latent_explorer.ui.importing.dialog import ImportDialog

    checkpoint = write_brightness_checkpoint(tmp_path / "net.pth")
    dialog = ImportDialog(ImportController(explorer, checkpoint))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.page is not None, timeout=LONG)
    assert dialog.go.isVisible()
    assert not dialog.search.isVisible()
    dialog.reject()
