# SPDX-License-Identifier: MIT
"""Budgets: files stay below them, the chosen settings are reported, and impossible budgets are refused."""

from __future__ import annotations

import importlib.util
import itertools

import pytest
from animation_frames import WORDS, animation_frames, read_frames

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice
from latent_explorer.common.jobs import run_job
from latent_explorer.media.animation.budget import described, estimate, ladder, sample_places
from latent_explorer.media.animation.settings import AnimationSettings
from latent_explorer.media.animation.writer import write_animation

needs_av = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="videos need the extra `video`")
FORMATS = [".gif", ".webp", ".png", *(pytest.param(v, marks=needs_av) for v in (".mp4", ".webm"))]
SETTINGS = AnimationSettings(size=192)


def write(path, frames, settings):
    events = []
    written = run_job(write_animation(path, frames, settings, WORDS), events.append)
    return written, [event.text for event in events if isinstance(event, Notice)]


SHARES = [(suffix, share) for suffix in (".gif", ".webp", ".png") for share in (0.6, 0.25)]
VIDEO_SHARES = [pytest.param(suffix, 0.6, marks=needs_av) for suffix in (".mp4", ".webm")]


@pytest.mark.parametrize(("suffix", "share"), [*SHARES, *VIDEO_SHARES])
def test_the_file_stays_below_and_nearly_fills_the_budget(tmp_path, suffix, share):
    frames = animation_frames(24)
    free = run_job(write_animation(tmp_path / f"free{suffix}", frames, SETTINGS, WORDS))
    limit = int(free.bytes * share)
    settings = AnimationSettings(size=192, budget_bytes=limit)
    written, said = write(tmp_path / f"a{suffix}", iter(frames), settings)
    assert written.bytes == (tmp_path / f"a{suffix}").stat().st_size <= limit
    assert written.bytes > 0.3 * limit
    assert len(said) == 1
    assert f"{written.settings.fps:g} frames per second" in said[0]
    step = round(20 / written.settings.fps)
    assert len(read_frames(tmp_path / f"a{suffix}")) == written.frames == -(-24 // step)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([f"a{suffix}", f"free{suffix}"])


def test_a_large_budget_changes_nothing(tmp_path):
    frames = animation_frames(6)
    free, _ = write(tmp_path / "free.gif", frames, SETTINGS)
    settings = AnimationSettings(size=192, budget_bytes=10_000_000)
    written, said = write(tmp_path / "a.gif", frames, settings)
    assert said == []
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "free.gif").read_bytes()
    assert (written.settings, free.bytes) == (settings, written.bytes)


def test_what_cannot_be_kept_is_a_sentence_and_no_file(tmp_path):
    with pytest.raises(UserError, match=r"Even at 96 px, 10 frames per second, .* more than 1 kB"):
        write(tmp_path / "a.gif", animation_frames(), AnimationSettings(size=192, budget_bytes=1000))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_estimate_from_a_few_frames_is_near(tmp_path, suffix):
    frames = animation_frames(40)
    places = sample_places(len(frames), suffix)
    assert sum(map(len, places)) <= 32
    runs = [[frames[i] for i in run] for run in places]
    expected = run_job(estimate(runs, len(frames), suffix, SETTINGS, WORDS))
    written = run_job(write_animation(tmp_path / f"a{suffix}", frames, SETTINGS, WORDS))
    assert expected == pytest.approx(written.bytes, rel=0.6 if suffix in (".mp4", ".webm") else 0.2)


@pytest.mark.parametrize(("total", "step"), [(1, 1), (2, 1), (5, 2), (40, 1), (40, 5), (3, 5)])
def test_looked_at_are_frames_that_are_there(total, step):
    for run in sample_places(total, ".gif", step):
        assert run
        assert 0 <= run[0] <= run[-1] < total
        assert all(b - a == step for a, b in itertools.pairwise(run))


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".mp4"])
@pytest.mark.parametrize("fps", [10.0, 12.5, 20.0, 25.0, 50.0])
def test_every_rung_is_less_than_the_one_before_and_possible(suffix, fps):
    rungs = ladder(AnimationSettings(fps=fps, size=512), suffix, 512)
    assert rungs[0].size == 512
    assert rungs[-1].size == 96
    for rung, lower in itertools.pairwise(rungs):
        assert lower.checked() != rung
        assert (lower.size, lower.fps, lower.quality) <= (rung.size, rung.fps, rung.quality)
        assert (fps / lower.fps).is_integer()
    assert "px" in described(rungs[-1], suffix, 512)
