# SPDX-License-Identifier: MIT
"""`demo` on a tiny explainer: four files, a report that agrees with them, and a window with something on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from latent_explorer.app.tour import tour
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Result
from latent_explorer.explain.attfind import AttFindSettings, attfind
from latent_explorer.models.explainer import with_attribute_set
from latent_explorer.models.explainer_file import write_explainer
from latent_explorer.ui.tour import SIZE, grab_window


@pytest.fixture(scope="module")
def file(tiny_explainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny explainer with attributes that were really found."""
    *_, last = attfind(tiny_explainer, AttFindSettings(wanted=4))
    assert isinstance(last, Result)
    path = tmp_path_factory.mktemp("tour") / "tiny.explainer"
    write_explainer(with_attribute_set(tiny_explainer, last.value.attribute_set), path)
    return path


def test_tour_writes_what_it_promises(file: Path, tmp_path: Path, qapp) -> None:
    *_, last = tour(file, tmp_path, "cpu")
    assert isinstance(last, Result)
    found = last.value
    report = json.loads((tmp_path / "report.json").read_text())
    assert {"model_hash", "seeds", "before", "after", "flipped", "seconds"} <= set(report)
    assert report["flipped"] is found.flipped is True
    target = report["target"]
    assert report["before"][target] < 0.5 < report["after"][target]
    with Image.open(tmp_path / "flip.gif") as gif:
        assert gif.n_frames > 20
    grab_window(file, found, tmp_path / "window.png")
    window = np.asarray(Image.open(tmp_path / "window.png").convert("RGB"))
    assert window.shape == (SIZE[1], SIZE[0], 3)
    assert np.asarray(Image.open(tmp_path / "attributes.png")).std() > 5
    middle = window[200:500, 400:900].reshape(-1, 3)  # the picture
    assert len(np.unique(middle, axis=0)) > 500


def test_tour_of_an_explainer_without_attributes_is_refused(tiny_explainer, tmp_path: Path) -> None:
    bare = msgspec.structs.replace(tiny_explainer.attribute_sets[0], attributes=())
    write_explainer(replace(tiny_explainer, attribute_sets=(bare,)), tmp_path / "bare.explainer")
    with pytest.raises(UserError, match="attfind"):
        list(tour(tmp_path / "bare.explainer", tmp_path / "out", "cpu"))
