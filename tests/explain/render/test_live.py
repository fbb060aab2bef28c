# SPDX-License-Identifier: MIT
"""Drafts of the picture on the canvas: how large, of what, and when none is needed."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from latent_explorer.common.jobs import GivenUp
from latent_explorer.data.images import to_uint8
from latent_explorer.explain.recipe import (
    Draft,
    LiveRequest,
    Picture,
    PictureRecipe,
    PictureRequest,
    RenderResult,
    SampleBase,
    StyleShift,
)
from latent_explorer.explain.render import block_times, renderer
from latent_explorer.explain.render.block_times import BlockTimes
from latent_explorer.explain.render.renderer import Renderer

EXPLAINER = tiny.make_explainer(64)
LAYOUT = EXPLAINER.generator.synthesis.layout


def request(layer: str = "", base: int = 1, amount: float = 0.5) -> PictureRequest:
    edits = (StyleShift(LAYOUT.index(layer, 0), "max", amount),) if layer else ()
    return PictureRequest(PictureRecipe(SampleBase(base), edits=edits), EXPLAINER.classifier_id)


@pytest.fixture
def slow(monkeypatch) -> Renderer:
    """Renderer on which every block counts as slow, and which has shown the unedited picture."""
    monkeypatch.setattr(block_times, "QUICK", 0.0)
    monkeypatch.setattr(block_times, "FRAME", 0.0)
    monkeypatch.setattr(block_times, "WORTHWHILE", 1e9)
    renderer = Renderer(EXPLAINER)
    renderer.render(request())
    return renderer


def test_a_quick_picture_is_whole(monkeypatch):
    monkeypatch.setattr(block_times, "QUICK", 1e9)
    renderer = Renderer(EXPLAINER)
    for _ in range(2):  # also before its time is known
        assert isinstance(renderer.live(LiveRequest(request())), RenderResult)


def test_a_draft_is_the_sum_of_the_torgb_outputs(slow):
    draft = slow.live(LiveRequest(request("b8.conv1"), request()))
    assert isinstance(draft, Draft)
    assert draft.resolution == block_times.SMALLEST == 16
    whole = slow.render(request("b8.conv1"))
    assert isinstance(draft.before, Picture)
    np.testing.assert_array_equal(draft.before.image, whole.before.image)
    synthesis = EXPLAINER.generator.synthesis
    samples = EXPLAINER.samples
    with torch.inference_mode():
        s = synthesis.join(synthesis.styles(samples.ws[1:2], samples.cond[1:2]))
        j = LAYOUT.index("b8.conv1", 0)
        s[0, j] += 0.5 * (float(EXPLAINER.style_stats.maximum[j]) - s[0, j])
        styles = synthesis.replace(synthesis.styles(samples.ws[1:2], samples.cond[1:2]), s)
        expected = list(synthesis.progressive(styles, synthesis.noise_const()))[2]
    expected = to_uint8(expected[0].clamp(-1, 1).numpy())
    assert np.abs(draft.after.astype(int) - expected).max() <= 1


def test_a_draft_goes_as_far_as_what_has_changed(slow):
    """Below the layer that is moved it would show nothing of the move."""
    draft = slow.live(LiveRequest(request("b32.conv0"), request()))
    assert draft.resolution == 32
    still = slow.live(LiveRequest(request("b32.conv0", amount=0.6), request("b32.conv0")))
    assert still.resolution == 32
    assert isinstance(slow.live(LiveRequest(request("b64.conv1", amount=-0.5), request())), RenderResult)
    other = slow.live(LiveRequest(request("b32.conv0", base=2), request("b32.conv0")))
    assert other.resolution == 16
    assert other.before.shape == (16, 16, 3)


def test_a_known_picture_is_shown_whole(slow):
    assert isinstance(slow.live(LiveRequest(request(), request("b8.conv1"))), RenderResult)
    assert isinstance(slow.live(LiveRequest(request(base=3), request())), Draft)


def test_a_slow_picture_is_given_up_between_blocks_and_a_quick_one_finished(slow, monkeypatch):
    assert isinstance(slow.render(request("b8.conv1"), give_up=lambda: True), RenderResult)
    monkeypatch.setattr(block_times, "SLOW", 0.0)
    asked = []
    with pytest.raises(GivenUp):
        slow.render(request("b8.conv1"), give_up=lambda: asked.append(1) or len(asked) == 2)
    assert isinstance(slow.render(request("b8.conv1"), give_up=lambda: False), RenderResult)


def test_the_memory_of_slow_pictures_is_given_back(slow, monkeypatch):
    trimmed = []
    monkeypatch.setattr(renderer, "return_freed_memory", lambda: trimmed.append(1))
    slow.render(request("b8.conv1"))
    assert not trimmed  # a quick one leaves little, and there are many
    monkeypatch.setattr(block_times, "SLOW", 0.0)
    slow.render(request("b8.conv1", amount=0.5))
    assert len(trimmed) == 1


def test_the_picture_on_the_canvas_is_given_up_where_it_is_whole(slow, monkeypatch):
    monkeypatch.setattr(block_times, "SLOW", 0.0)
    for whole in (
        request("b64.conv1", amount=-0.5),
        request("b8.conv1"),
    ):  # a draft would save nothing, or none is needed
        with pytest.raises(GivenUp):
            slow.live(LiveRequest(whole, request()), give_up=lambda: True)
        monkeypatch.setattr(block_times, "QUICK", 1e9)


class Clocked:
    """Synthesis whose blocks take set times on a clock of their own."""

    def __init__(self, monkeypatch, seconds: dict[int, float]) -> None:
        self.seconds, self.resolutions, self.now = seconds, list(seconds), 0.0
        monkeypatch.setattr(block_times.time, "perf_counter", lambda: self.now)

    def progressive(self, _styles, _noise):
        start = self.now
        for seconds in self.seconds.values():
            self.now = start + seconds
            yield torch.zeros(1, 3, 1, 1)


def test_the_first_picture_of_a_model_is_given_up_once_it_takes_long(monkeypatch):
    synthesis = Clocked(monkeypatch, {4: 0.1, 8: 0.2, 16: 0.3, 32: 0.6})
    times, asked = BlockTimes(), []
    with pytest.raises(GivenUp):
        times.synthesize(synthesis, [], [], give_up=lambda: asked.append(synthesis.now) or True)
    assert asked == [0.3]


def test_the_resolution_follows_the_measured_times(monkeypatch):
    synthesis = Clocked(monkeypatch, {4: 0.001, 8: 0.004, 16: 0.010, 32: 0.040, 64: 0.2, 128: 0.6, 256: 1.0})
    times = BlockTimes()
    assert times.quick(synthesis)  # nothing is known
    times.synthesize(synthesis, [], [])
    assert not times.quick(synthesis)
    assert times.draft_resolution(synthesis, 4) == 16
    assert times.draft_resolution(synthesis, 64) == 64
    assert times.draft_resolution(synthesis, 128) is None  # it would save too little
    for seconds, expected in ((0.030, 32), (0.045, 32), (0.060, 16), (0.045, 16)):
        synthesis.seconds[32] = seconds
        for _ in range(20):
            times.synthesize(synthesis, [], [], up_to=32)
        assert times.draft_resolution(synthesis, 4) == expected
    synthesis.seconds = dict.fromkeys(synthesis.seconds, 0.020)
    for _ in range(20):
        times.synthesize(synthesis, [], [])
    assert times.quick(synthesis)
