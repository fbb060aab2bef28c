# SPDX-License-Identifier: MIT
"""Files that an earlier version wrote, kept in tests/fixtures, still open and mean the same.

They are never made again: tests/fixtures/README.md says how they were.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from headless import HeadlessExplorer

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration import updates
from latent_explorer.cli.root import main
from latent_explorer.explain.recipe import (
    BlendBase,
    BlendEndBase,
    MixBase,
    Noise,
    ProjectedBase,
    SampleBase,
    SeedBase,
    StyleShift,
)
from latent_explorer.explain.timeline.file import read_timeline
from latent_explorer.explain.timeline.timeline import Curve, frames

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
EXPLAINER = FIXTURES / "tiny.explainer"
EXPLORATION = FIXTURES / "tiny.exploration"
TIMELINE = FIXTURES / "timeline.json"
MODEL = "0253b3486c359ed7d7cd44ec8d6f3a34e4a9a637229488f52aba972d5fd10cd7"
CLASSIFIER = "5409351905957c3c970fd463ae9fe95a5d5f5d2d2bd45cd07fadef99e090e506"
PLAIN, NOISY = "9740102d058590e0", "7e2c080ddb90ea91"  # projected pictures
LOGITS = (20.2611, -2.9208)  # of the exploration's picture


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[HeadlessExplorer]:
    """An explorer on the real networks."""
    headless = HeadlessExplorer(tmp_path, ModelHost())
    yield headless
    headless.explorer.close()


def complaints(told: list) -> list:
    return [u for u in told if isinstance(u, (updates.ErrorReport, updates.Message))]


def test_an_old_explainer_opens(opened: HeadlessExplorer) -> None:
    assert complaints(opened.open(EXPLAINER)) == []
    summary = opened.explorer.summary
    assert summary is not None
    assert (summary.name, summary.resolution, summary.model_hash) == ("tiny", 16, MODEL)
    assert [c.classifier_id for c in summary.classifiers] == [CLASSIFIER]
    assert summary.classifiers[0].class_names == ("healthy", "diseased")
    assert summary.conditioned_on == CLASSIFIER
    assert summary.has_encoder
    assert summary.samples is not None
    assert summary.samples.ids == tuple(f"sample-{i}.png" for i in range(12))
    assert summary.figures == {"agreement": 0.5}
    assert summary.provenance == {"data": "random numbers", "licence": "MIT"}
    (found,) = summary.attribute_sets
    assert [(a.name, a.target, a.interval) for a in found.attributes] == [
        ("first", 1, (0.3, 0.7)),
        ("second", 1, (0.1, 0.3)),
    ]
    assert opened.explorer.shown is not None


def test_an_old_exploration_opens_with_everything_in_it(opened: HeadlessExplorer) -> None:
    opened.open(EXPLAINER)
    assert complaints(opened.open(EXPLORATION)) == []
    explorer = opened.explorer
    document, state = explorer.document, explorer.state
    assert not explorer.unsaved
    assert explorer.path == EXPLORATION
    # what the user added
    assert document.names == {"3max": "brown spots & rust"}
    assert document.pins == ("40min",)
    assert document.favourites == (SeedBase(5), ProjectedBase(PLAIN))
    assert document.projected == (PLAIN, NOISY)
    assert document.notes == "Made before the move."
    names = [a.name for a in explorer.attributes()]
    assert names == ["second", "Style 7 up", "brown spots & rust"]
    # the state
    assert state is not None
    assert (state.model_hash, state.classifier_id, state.target_class) == (MODEL, CLASSIFIER, 1)
    assert state.base == ProjectedBase(NOISY)
    assert state.noise == Noise("maps", maps_id=NOISY)
    assert state.edits == (StyleShift(3, "max", 0.75), StyleShift(20, "max", 0.5, "sigma"))
    assert (state.truncation_psi, state.truncate_encoded) == (0.8, True)
    walk, moving = state.timelines
    assert walk == read_timeline(TIMELINE).timeline
    assert (moving.name, moving.fps, moving.ping_pong) == ("To the projection", 10.0, True)
    assert [k.recipe.base for k in moving.keyframes] == [ProjectedBase(PLAIN), ProjectedBase(NOISY), SeedBase(3)]
    assert [k.easing for k in moving.keyframes] == [Curve(0.25, 0.1, 0.25, 1.0), "hold", "smooth"]


def test_an_old_exploration_shows_the_picture_that_it_was_saved_with(opened: HeadlessExplorer) -> None:
    opened.open(EXPLAINER)
    opened.open(EXPLORATION)
    shown, saved = opened.explorer.shown, exploration_file.read(EXPLORATION).thumbnail
    assert shown is not None
    assert saved is not None
    # Another processor rounds otherwise; a picture that means something else is far away.
    np.testing.assert_allclose(shown.result.after.image, saved.astype(float), atol=2)
    np.testing.assert_allclose(shown.result.after.logits, LOGITS, atol=0.01)


def test_old_projections_still_render_to_their_pictures(opened: HeadlessExplorer) -> None:
    from latent_explorer import api

    opened.open(EXPLAINER)
    opened.open(EXPLORATION)
    kept = [opened.explorer.latents.get(i) for i in (PLAIN, NOISY)]
    assert all(kept)
    assert [p.latent_id for p in kept] == [PLAIN, NOISY]
    assert [p.noise is not None for p in kept] == [False, True]
    assert [p.report.settings.noise for p in kept] == ["keep", "optimise"]
    pictures = api.Explainer(EXPLAINER, device="cpu").render(kept)
    np.testing.assert_allclose(pictures.images, [p.image.astype(float) for p in kept], atol=2)


def test_an_old_timeline_is_read() -> None:
    held = read_timeline(TIMELINE)
    moves = held.timeline
    assert held.model_hash == MODEL
    assert (moves.name, moves.space, moves.fps) == ("Old walk", "w+", 12.5)
    assert (moves.loop, moves.ping_pong, moves.closing_seconds) == (True, False, 0.2)
    assert moves.classifier_id == CLASSIFIER
    assert [k.seconds for k in moves.keyframes] == [0.0, 0.2, 0.4, 0.6, 0.8]
    easings = ["linear", "smooth", "hold", Curve(0.1, 0.2, 0.3, 1.0), "smooth"]
    assert [k.easing for k in moves.keyframes] == easings
    first, second, third, fourth, fifth = (k.recipe for k in moves.keyframes)
    assert (first.base, first.truncation_psi, first.truncation_cutoff) == (SeedBase(1), 0.7, 3)
    assert (second.base, second.edits) == (SampleBase(2), (StyleShift(3, "max", 0.8),))
    assert (third.base, third.cond) == (SeedBase(4), (0.25, 0.75))
    assert fourth.base == MixBase(SeedBase(1), SampleBase(2), 0, 1)
    end = BlendEndBase(SeedBase(1), 0.5, 2, (1.0, 0.0))
    assert fifth.base == BlendBase(end, SampleBase(0), 0.25)
    assert fifth.noise == Noise("blend", a=Noise("seed", 1), b=Noise("none"), amount=0.5)
    assert fifth.edits == (StyleShift(40, "max", -1.5, "sigma"),)
    assert len(frames(moves)) == 13


def test_animate_takes_an_old_timeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "walk.gif"
    told = ["animate", EXPLAINER, TIMELINE, "--out", out, "--size", 16, "--device", "cpu", "--json"]
    assert main([str(each) for each in told]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["frames"], result["model_hash"]) == (13, MODEL)
    assert out.read_bytes().startswith(b"GIF89a")
