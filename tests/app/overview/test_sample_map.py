# SPDX-License-Identifier: MIT
"""Map of samples: known components, a planted margin, places by styles, what moves the present picture, and the job."""

from __future__ import annotations

import numpy as np
import pytest
from headless import HeadlessExplorer
from known_explainers import planted_in_w
from tiny import make_explainer

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration.intents import SetEdit, SetTarget, SetTruncation
from latent_explorer.app.overview.sample_map import SLOT, SampleMapController
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Kept
from latent_explorer.common.jobs import run_job
from latent_explorer.explain.directions.direction import unit_direction
from latent_explorer.explain.latents import typical_ws
from latent_explorer.explain.recipe import DirectionShift, SampleBase, SeedBase, StyleShift
from latent_explorer.explain.report.sample_map import components, map_axes, map_pictures, margin_direction


def test_components_of_a_known_cloud():
    rng = np.random.default_rng(0)
    cloud = rng.standard_normal((4000, 5)) * (1.0, 4.0, 0.5, 2.0, 0.1)
    first, shares = components(cloud - cloud.mean(axis=0), 2)
    assert np.abs(first).argmax(axis=1).tolist() == [1, 3]
    assert (first[[0, 1], [1, 3]] > 0.99).all(), "the sign is always the same"
    assert shares == pytest.approx([16 / 21.26, 4 / 21.26], abs=0.02)


def test_the_margins_direction_is_the_planted_one():
    explainer, truth = planted_in_w(n=400)
    pictures = run_job(map_pictures(explainer, 0, range(400)))
    normal, correlation = margin_direction(pictures.w - pictures.w.mean(axis=0), pictures.logits, 1)
    along = (pictures.w - pictures.w.mean(axis=0)) @ np.stack([normal, truth]).T
    assert np.corrcoef(along.T)[0, 1] > 0.9
    assert correlation > 0.85
    shuffled = np.random.default_rng(1).permutation(pictures.logits)
    assert abs(margin_direction(pictures.w, shuffled, 1)[1]) < 0.3, "nothing to find: the figure says so"


def test_one_class_has_no_margin():
    explainer, _ = planted_in_w(n=40)
    pictures = run_job(map_pictures(explainer, 0, range(40)))
    same = msgspec_like(pictures, np.tile([[3.0, 0.0]], (40, 1)))
    with pytest.raises(UserError, match="of one class"):
        map_axes(explainer, same, "margin", 1)


def msgspec_like(pictures, logits):
    """Return the pictures with other logits."""
    from dataclasses import replace

    return replace(pictures, logits=logits)


@pytest.mark.parametrize("kind", ["components", "margin"])
def test_places_by_styles_are_those_by_w(kind):
    explainer = make_explainer(samples=60)
    events = []
    pictures = run_job(map_pictures(explainer, 20, range(0, 60, 2), psi=0.7), events.append)
    kept = [event.value for event in events if isinstance(event, Kept)]
    assert np.isnan(kept[0].logits).all()
    assert np.isfinite(pictures.logits).all()
    axes = map_axes(explainer, pictures, kind, 1)
    places = axes.places(pictures.w)
    assert places.std(axis=0) == pytest.approx([1, 1])
    synthesis, samples = explainer.generator.synthesis, explainer.samples
    s = synthesis.join(synthesis.styles(samples.ws, samples.cond_of())).double().numpy()
    by_styles = s @ axes.by_styles.T + axes.offset
    apart = by_styles[::2] - places[20:]
    assert np.sqrt(np.square(apart).mean(axis=0)).max() < 0.1, "of a standard deviation"


@pytest.fixture
def window(tmp_path):
    model = make_explainer(samples=30)
    headless = HeadlessExplorer(tmp_path, ModelHost(read=lambda _path: model, identify=lambda _path: model.model_hash))
    headless.changes, headless.pictures = [], []
    headless.model = model
    headless.map = SampleMapController(
        headless.explorer,
        lambda: headless.changes.append(1),
        lambda base, picture: headless.pictures.append((base, picture)),
    )
    headless.explorer.change_settings(device="cpu")
    (tmp_path / "leaf.explainer").touch()
    headless.open()
    assert headless.explorer.summary is not None
    yield headless
    headless.explorer.close()


def test_the_map_is_asked_for_once(window):
    window.map.ask("components")
    window.settle()
    found = window.map.found
    assert len(found.bases) == 430
    assert found.bases[:2] == (SeedBase(0), SeedBase(1))
    assert found.bases[-1] == SampleBase(29)
    assert np.isfinite(found.probs).all()
    assert found.axes.names[0] == "First component of w"
    assert "% of the variance of w" in found.axes.notes[0]
    window.map.ask("components")
    assert window.map.found is found
    pictures = window.map._pictures
    window.map.ask("margin")
    window.settle()
    assert window.map._pictures is pictures, "no picture is asked about twice"
    assert "correlation with the log-odds" in window.map.found.axes.notes[0]
    window.explorer.apply(SetTarget(1 - found.target))
    window.map.ask("margin")
    window.settle()
    assert window.map.found.target == 1 - found.target
    assert window.map._pictures is pictures


def test_the_present_picture_moves_with_its_sliders(window):
    window.map.ask("components")
    window.settle()
    window.explorer.show_base(SampleBase(4))
    window.settle()
    found = window.map.found
    own = found.places[found.bases.index(SampleBase(4))]
    assert window.map.present() == pytest.approx(own, abs=0.15)
    start = window.map.present()
    first = found.axes.vectors[0] / np.linalg.norm(found.axes.vectors[0])
    direction = unit_direction("first", first.astype(np.float32), typical_ws(window.model))
    window.explorer.apply(SetEdit(DirectionShift(direction, 1.5), "first"))
    expected = 1.5 * found.axes.vectors @ direction.array[0]
    assert window.map.present() - start == pytest.approx(expected, abs=1e-6)
    assert expected[0] > 0.5
    window.explorer.apply(SetEdit(DirectionShift(direction, 0.0), "first"))
    window.explorer.apply(SetEdit(StyleShift(3, "max", 1.0), "style 3"))
    assert np.abs(window.map.present() - start).max() > 1e-4
    window.settle()
    assert np.abs(window.map.present() - start).max() > 1e-4, "the same once it is rendered"


def test_a_mark_is_looked_at(window):
    window.map.ask("components")
    window.settle()
    window.map.look_at(SeedBase(7))
    window.settle()
    ((base, picture),) = window.pictures
    assert base == SeedBase(7)
    assert picture.image.shape == (16, 16, 3)
    window.map.look_at(None)
    window.settle()
    assert len(window.pictures) == 1
    window.explorer.apply(SetTruncation(0.5))
    window.map.ask("components")
    window.settle()
    window.map.look_at(SeedBase(7))
    window.settle()
    truncated = window.pictures[-1][1]
    np.testing.assert_allclose(truncated.probs, window.map.found.probs[7], atol=1e-4)
    assert (truncated.image != picture.image).any(), "as it is on the map"
    assert SLOT == "map"


def test_stopping_keeps_what_is_known(window):
    window.map.ask("components")
    window.map.stop()
    window.settle()
    assert window.map.progress is None
    window.map.ask("components")
    window.settle()
    assert window.map.found is not None
