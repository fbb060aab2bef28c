# SPDX-License-Identifier: MIT
"""The headless tour writes what it promises."""

from __future__ import annotations

import json

import numpy as np
import pytest
from colour_explainer import tiny_explainer
from PIL import Image

from latent_explorer.app.demo import demo
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Result
from latent_explorer.explain.attfind import AttFindSettings, attfind
from latent_explorer.explain.synthesis import Renderer


def finish(job):
    events = []
    while True:
        try:
            events.append(next(job))
        except StopIteration as stop:
            return events, stop.value


@pytest.fixture(scope="module")
def explainer():
    model = tiny_explainer(n=20)
    _, found = finish(attfind(model, AttFindSettings(n=20, wanted=5)))
    model.attribute_sets = (found.attribute_set,)
    return model


def test_the_tour_shows_attributes_and_a_flip_and_reports_it(explainer, tmp_path):
    out = tmp_path / "demo"
    renderer = Renderer(explainer)
    events, report = finish(demo(out, explainer.summary(), renderer.render))
    assert isinstance(events[-1], Result)
    assert {p.name for p in out.iterdir()} == {"attributes.png", "flip.gif", "report.json"}
    written = json.loads((out / "report.json").read_text())
    assert written == report
    assert set(written) >= {"model_hash", "seeds", "before", "after", "flipped", "seconds"}
    assert written["model_hash"] == explainer.model_hash
    assert written["flipped"] is True
    assert (written["before"] < 0.5) != (written["after"] < 0.5)
    with Image.open(out / "flip.gif") as gif:
        assert gif.n_frames >= 20
        assert gif.info["loop"] == 0
    with Image.open(out / "attributes.png") as sheet:
        assert sheet.width >= 1000
        assert np.asarray(sheet).std() > 5


def test_without_attributes_the_tour_says_what_to_do(tmp_path):
    explainer = tiny_explainer(n=3)
    with pytest.raises(UserError, match="Run AttFind"):
        finish(demo(tmp_path, explainer.summary(), Renderer(explainer).render))
