# SPDX-License-Identifier: MIT
"""The frame cache: gives back what it was given, stays within its bound, and survives whatever the disk does."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest
from exploration_examples import AGE
from fakes import make_result

from latent_explorer.app.engine import frame_cache
from latent_explorer.app.engine.frame_cache import SUFFIX, FrameCache, cache_scope
from latent_explorer.common.errors import UserError
from latent_explorer.explain.recipe import DirectionShift, PictureRecipe, PictureRequest, SeedBase


def request(seed: int, scope: str = "m") -> tuple[PictureRequest, str]:
    return PictureRequest(PictureRecipe(SeedBase(seed)), "c"), scope


def noisy(seed: int):
    result = make_result(0.1)
    result.after.image[:] = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)
    return result


def same(a, b) -> bool:
    pairs = [
        (getattr(x, f), getattr(y, f))
        for x, y in ((a.after, b.after), (a.before, b.before))
        for f in ("image", "logits", "probs")
    ]
    pairs.append((a.styles, b.styles))
    equal = all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in pairs)
    plain = [(x.w_distance, x.seconds, x.unlikeness) for x in (a, b)]
    return equal and plain[0] == plain[1]


def size_of(folder) -> int:
    return sum(p.stat().st_size for p in folder.iterdir())


def test_a_frame_comes_back_bit_for_bit_also_in_another_window(tmp_path):
    result = noisy(1)
    first = FrameCache(tmp_path).get_or_render(*request(1), lambda _r: result)
    again = FrameCache(tmp_path).get_or_render(*request(1), lambda _r: pytest.fail("rendered again"))
    assert (first.cached, again.cached) == (False, True)
    assert same(first.result, again.result)
    again.result.after.image[:] = 0  # what comes back is the caller's own


def test_an_unedited_picture_is_kept_once(tmp_path):
    result = noisy(1)
    object.__setattr__(result, "before", result.after)
    cache = FrameCache(tmp_path)
    cache.put("x" + SUFFIX, result)
    found = cache.get("x" + SUFFIX)
    assert found is not None
    assert found.before is found.after


def test_another_model_device_or_request_is_another_frame(tmp_path):
    cache = FrameCache(tmp_path)
    cache.get_or_render(*request(1, cache_scope("a", "CPU")), lambda _r: noisy(1))
    for other in (
        request(2, cache_scope("a", "CPU")),
        request(1, cache_scope("b", "CPU")),
        request(1, cache_scope("a", "card")),
    ):
        assert not cache.get_or_render(*other, lambda _r: noisy(2)).cached


def test_frames_along_a_direction_are_told_apart_by_its_numbers(tmp_path):
    cache = FrameCache(tmp_path)
    for number, rows in enumerate(((0, None), (0, 0), (1, 1))):
        recipe = PictureRecipe(SeedBase(1), edits=(DirectionShift(AGE.with_rows(*rows), 1.0),))
        made = cache.get_or_render(PictureRequest(recipe, "c"), "m", lambda _r, seed=number: noisy(seed))
        assert not made.cached
    assert cache.get_or_render(PictureRequest(recipe, "c"), "m", lambda _r: noisy(9)).cached


def test_it_stays_within_its_bound_and_keeps_what_was_used_last(tmp_path):
    cache = FrameCache(tmp_path, max_bytes=20_000)
    cache.get_or_render(*request(0), lambda _r: noisy(0))
    for seed in range(1, 100):
        cache.get_or_render(*request(seed), lambda _r, seed=seed: noisy(seed))
        assert cache.get_or_render(*request(0), lambda _r: noisy(0)).cached
        assert size_of(tmp_path) <= 20_000
        time.sleep(0.001)
    assert cache.get_or_render(*request(99), lambda _r: noisy(0)).cached
    assert not cache.get_or_render(*request(1), lambda _r: noisy(1)).cached


def test_two_windows_share_the_folder_and_its_bound(tmp_path):
    one, two = (FrameCache(tmp_path, max_bytes=20_000) for _ in range(2))
    for seed in range(60):
        (one if seed % 2 else two).get_or_render(*request(seed), lambda _r, seed=seed: noisy(seed))
    # Each knows its own frames at once and the other's when it must make room.
    assert size_of(tmp_path) <= 40_000
    assert one.get_or_render(*request(58), lambda _r: noisy(0)).cached


@pytest.mark.parametrize("damage", [b"", b"not zlib", None])
def test_a_damaged_frame_is_rendered_again(tmp_path, damage):
    cache = FrameCache(tmp_path)
    cache.get_or_render(*request(1), lambda _r: noisy(1))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-5] if damage is None else damage)
    again = cache.get_or_render(*request(1), lambda _r: noisy(1))
    assert not again.cached
    assert same(again.result, noisy(1))
    assert cache.get_or_render(*request(1), lambda _r: noisy(1)).cached


def test_what_a_crash_left_half_written_goes_in_time(tmp_path):
    old, young = tmp_path / ".x-abc.frame", tmp_path / ".y-abc.frame"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    FrameCache(tmp_path).get_or_render(*request(1), lambda _r: noisy(1))
    assert not old.exists()
    assert young.exists()  # another window may be writing it now


def test_a_folder_that_cannot_be_written_costs_only_the_cache(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    cache = FrameCache(blocked / "frames")
    for _ in range(3):
        assert not cache.get_or_render(*request(1), lambda _r: noisy(1)).cached
    assert caplog.text.count("frame cache is off") == 1


def test_a_failing_disk_is_survived(tmp_path, monkeypatch):
    cache = FrameCache(tmp_path)

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(frame_cache, "atomic_path", full)
    assert same(cache.get_or_render(*request(1), lambda _r: noisy(1)).result, noisy(1))


def test_errors_of_rendering_go_through_and_are_not_kept(tmp_path):
    cache = FrameCache(tmp_path)

    def fails(_request):
        raise UserError("no")

    with pytest.raises(UserError):
        cache.get_or_render(*request(1), fails)
    assert not cache.get_or_render(*request(1), lambda _r: noisy(1)).cached


def test_a_frame_larger_than_the_whole_cache_is_not_kept(tmp_path):
    cache = FrameCache(tmp_path, max_bytes=100)
    cache.get_or_render(*request(1), lambda _r: noisy(1))
    assert list(tmp_path.iterdir()) == []
