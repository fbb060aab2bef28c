# SPDX-License-Identifier: MIT
"""Evidence for the window: a real job, and how labels are taken from the folder."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from colour_explainer import random_images
from panel_harness import explorer_on
from PIL import Image

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration.document import single_slider
from latent_explorer.app.exploration.updates import EvidenceFound
from latent_explorer.app.overview.real_pictures import RealPictures, open_labelled
from latent_explorer.common.jobs import run_job

TINY = Path(__file__).parents[2] / "fixtures" / "tiny.explainer"
CLASSES = ("diseased", "healthy")
OPTIONS = {"label": "healthy", "classes": "0=diseased,1=healthy", "where": ["crop=apple"], "group": "leaf"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "leaves"
    path.mkdir()
    lines = ["file,healthy,crop,leaf"]
    for i, image in enumerate(random_images(30)):
        Image.fromarray(image).save(path / f"{i}.png")
        lines.append(f"{i}.png,{i % 2},{'apple' if i < 24 else 'pear'},{i // 2}")
    (path / "labels.csv").write_text("\n".join(lines))
    return path


def opened(folder: Path, data: object):
    return run_job(open_labelled(folder, SimpleNamespace(provenance={"data": data}), CLASSES))


def test_a_folder_is_opened_as_the_explainer_was_made(folder):
    pictures, said = opened(folder, {"source": "leaves", "options": OPTIONS})
    assert pictures.class_names == CLASSES
    assert len(pictures) == 24
    assert pictures.about["options"]["group"] == "leaf"
    assert said == "Labels: healthy, pictures with crop=apple."


@pytest.mark.parametrize("data", [None, "text", {"options": 3}, {"options": {"label": 3, "where": [1]}}])
def test_labels_that_could_only_be_guessed_are_left_out(folder, data):
    pictures, said = opened(folder, data)
    assert len(pictures) == 30
    assert "stand in" in said


def test_a_job_measures_the_listed_attributes_and_tells_the_panel(qtbot, qapp, folder, tmp_path):
    with explorer_on(tmp_path, host=ModelHost()) as explorer:
        explorer.open_path(TINY)
        qtbot.waitUntil(lambda: explorer.summary is not None and explorer.shown is not None, timeout=60_000)
        own = single_slider(3, explorer.state.target_class)
        explorer.change_document(explorer.document.with_slider(own))
        controller = RealPictures(explorer, lambda: None)
        found = []
        explorer.updates.on(EvidenceFound, found.append)
        controller.measure("all", 500)
        assert not controller.measuring  # without a folder there is nothing to do
        controller.choose_folder(folder)
        controller.measure("all", 500)
        assert controller.measuring
        qtbot.waitUntil(lambda: bool(found), timeout=60_000)
        qtbot.waitUntil(lambda: not controller.measuring, timeout=60_000)
        asked = controller.attributes()
        assert len(controller.answer.evidence.attributes) == len(asked) == len(found[0].found)
        assert ("3max", own.target) in controller.found
        assert controller.answer.evidence.n == 30
