# SPDX-License-Identifier: MIT
"""Animations in every format: the expected frames at exact times, and no partial files."""

from __future__ import annotations

import csv
import importlib.util
import signal
import sys

import numpy as np
import pytest
from animation_frames import WORDS, animation_frames, leaf, psnr, read_frames, times
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Progress
from latent_explorer.common.jobs import run_job
from latent_explorer.media.animation.frames import Frame, FrameSpool, compose
from latent_explorer.media.animation.settings import FPS, AnimationSettings
from latent_explorer.media.animation.writer import write_animation, write_gif

needs_av = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="videos need the extra `video`")
VIDEOS = [pytest.param(name, marks=needs_av) for name in ("a.mp4", "a.webm")]
# name, quality, worst PSNR in dB, largest error in levels
LOSS = [
    ("a.gif", 90, 38.0, 30),
    ("a.webp", 90, 38.0, 40),
    ("a.webp", 100, np.inf, 0),
    ("a.png", 90, np.inf, 0),
    ("frames", 90, np.inf, 0),
    pytest.param("a.mp4", 90, 34.0, 60, marks=needs_av),
    pytest.param("a.webm", 90, 33.0, 60, marks=needs_av),
]


def write(path, frames=None, **settings):
    return run_job(write_animation(path, frames or animation_frames(), AnimationSettings(**settings), WORDS))


@pytest.mark.parametrize(("name", "quality", "least", "most"), LOSS)
def test_every_frame_is_there_within_the_loss_of_its_format(tmp_path, name, quality, least, most):
    settings = AnimationSettings(size=128, quality=quality)
    frames = animation_frames()
    written = run_job(write_animation(tmp_path / name, iter(frames), settings, WORDS))
    shown = read_frames(tmp_path / name)
    meant = [compose(frame, settings, WORDS) for frame in frames]
    assert len(shown) == written.frames == len(meant)
    assert all(a.shape == b.shape for a, b in zip(shown, meant, strict=True))
    assert min(psnr(a, b) for a, b in zip(shown, meant, strict=True)) >= least
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(shown, meant, strict=True)) <= most


@pytest.mark.parametrize("fps", FPS)
@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_times_are_exact(tmp_path, name, fps):
    write(tmp_path / name, fps=fps)
    assert times(tmp_path / name) == [1000 / fps] * 12


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_says_its_rate_and_its_colours(tmp_path, name):
    import av

    write(tmp_path / name, fps=12.5, size=101)
    with av.open(str(tmp_path / name)) as container:
        stream = container.streams.video[0]
        assert float(stream.average_rate) == 12.5
        assert (stream.width, stream.height) == (102, 102)
        context = stream.codec_context
        assert (context.colorspace, context.color_primaries, context.color_range) == (1, 1, 1)
        seconds = [float(p.pts * p.time_base) for p in container.demux(video=0) if p.size]
    assert np.allclose(sorted(seconds), np.arange(12) / 12.5, atol=1e-3)


@pytest.mark.parametrize(("name", "forever", "once"), [("a.gif", 0, None), ("a.webp", 0, 1)])
def test_it_loops_for_ever_or_plays_once(tmp_path, name, forever, once):
    for loop, said in ((True, forever), (False, once)):
        write(tmp_path / name, loop=loop)
        with Image.open(tmp_path / name) as animation:
            assert animation.info.get("loop") == said


def test_what_stands_still_never_flickers_in_a_gif(tmp_path):
    frames = animation_frames(size=96)
    still = np.all([f.image == frames[0].image for f in frames], axis=(0, -1))
    assert still.mean() > 0.3
    write(tmp_path / "a.gif", frames, size=96)
    shown = read_frames(tmp_path / "a.gif")
    assert all(np.array_equal(frame[still], shown[0][still]) for frame in shown)


def test_a_picture_that_does_not_change_costs_nothing(tmp_path):
    frame = animation_frames(1)[0]
    one = write(tmp_path / "one.gif", [frame]).bytes
    many = write(tmp_path / "many.gif", [frame] * 20).bytes
    assert many - one < 19 * 60
    assert len(read_frames(tmp_path / "many.gif")) == 20


def test_few_colours_are_kept_exactly(tmp_path):
    frames = [Frame(leaf(0.1 * i) // 64 * 64, np.ones(2) / 2, i / 20) for i in range(5)]
    write(tmp_path / "a.gif", frames, size=64)
    assert all(
        np.array_equal(shown, frame.image) for shown, frame in zip(read_frames(tmp_path / "a.gif"), frames, strict=True)
    )


def test_there_and_back_repeats_no_end(tmp_path):
    frames = animation_frames(5)
    written = write(tmp_path / "a.png", iter(frames), ping_pong=True, size=64, csv=True)
    shown = read_frames(tmp_path / "a.png")
    assert written.frames == 8
    assert [np.array_equal(s, frames[i].image) for s, i in zip(shown, (0, 1, 2, 3, 4, 3, 2, 1), strict=True)] == [
        True
    ] * 8
    rows = [line for line in written.table.read_text().splitlines() if line[0].isdigit()]
    assert [row.split(",")[1] for row in rows] == [f"{i / 20:.3f}" for i in range(8)]


def test_caption_bar_and_before_stand_around_the_picture(tmp_path):
    frame = animation_frames(3)[1]
    plain = compose(frame, AnimationSettings(size=256), WORDS)
    captioned = compose(frame, AnimationSettings(size=256, caption=True, bar=True), WORDS)
    assert plain.shape == (256, 256, 3)
    assert np.array_equal(captioned[:256], plain)
    both = compose(frame, AnimationSettings(size=256, before_after=True, bar=True), WORDS)
    assert np.array_equal(both[:256, -256:], plain)
    assert not np.array_equal(both[:256, :256], plain)
    only_bar = compose(frame, AnimationSettings(size=256, bar=True), WORDS)
    assert 256 < len(only_bar) < len(captioned)


def test_the_table_names_classifier_and_classes(tmp_path):
    write(tmp_path / "p.csv")
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert lines[:2] == ["# classifier: net 1234", "# model: abcd"]
    rows = list(csv.DictReader(lines[2:]))
    assert len(rows) == 12
    assert rows[3]["seconds"] == "0.150"
    assert float(rows[3]["P(diseased)"]) == pytest.approx(4 / 13, abs=1e-6)


def test_lossless_pictures_carry_their_texts(tmp_path):
    write(tmp_path / "frames")
    write(tmp_path / "a.png")
    for name, note in (("frames/frame_00007.png", "frame 7"), ("a.png", "frame 0")):
        with Image.open(tmp_path / name) as picture:
            picture.load()
            assert picture.text["note"] == note


def test_the_same_frames_make_the_same_bytes(tmp_path):
    for name in ("a.gif", "a.webp", "a.png"):
        write(tmp_path / name)
        first = (tmp_path / name).read_bytes()
        write(tmp_path / name)
        assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("name", VIDEOS)
def test_the_same_frames_make_the_same_video_whatever_memory_held_before(tmp_path, name):
    random = np.random.default_rng(0)
    blocks = random.integers(0, 256, (25, 25, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    frames = [Frame(np.roll(blocks, 2 * i, axis=1), np.ones(2) / 2, i / 20) for i in range(20)]
    files = set()
    for _trial in range(8):
        used = [random.bytes(size) for size in random.integers(1_000, 300_000, 20)]
        del used[::2]  # the encoder's buffers come from here
        write(tmp_path / name, iter(frames), size=200)
        files.add((tmp_path / name).read_bytes())
    assert len(files) == 1


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("a.avi", {}, r"ends in \.avi"),
        ("a.gif", {"fps": 24}, "24 frames per second"),
        ("a.gif", {"size": 5}, "5 px"),
        ("a.gif", {"quality": 0}, "quality 0"),
        ("frames", {"budget_bytes": 10**6}, "one file"),
    ],
)
def test_what_is_impossible_is_a_sentence(tmp_path, name, settings, words):
    with pytest.raises(UserError, match=words):
        write(tmp_path / name, **settings)
    assert not list(tmp_path.iterdir())


def test_without_pyav_the_sentence_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError, match=r'pip install "latent-explorer\[video\]"'):
        write(tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "frames", *VIDEOS])
@pytest.mark.parametrize("extra", [{}, {"ping_pong": True}])
def test_a_cancel_leaves_nothing_and_an_old_file_alone(tmp_path, name, extra):
    old = tmp_path / "a.gif"
    old.write_bytes(b"old")
    job = write_animation(tmp_path / name, animation_frames(), AnimationSettings(**extra), WORDS)
    for _ in range(14 if extra else 5):
        assert isinstance(next(job), Progress)
    job.close()
    assert [p.name for p in tmp_path.iterdir()] == ["a.gif"]
    assert old.read_bytes() == b"old"


def test_a_folder_that_holds_something_is_not_replaced(tmp_path):
    (tmp_path / "frames").mkdir()
    write(tmp_path / "frames")
    with pytest.raises(UserError, match="not empty"):
        write(tmp_path / "frames")


@pytest.mark.skipif(sys.platform == "win32", reason="file sizes are limited by RLIMIT_FSIZE")
@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "frames", *VIDEOS])
def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path, name):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        with pytest.raises(UserError, match="cannot be written"):
            write(tmp_path / name, animation_frames(size=128), size=256)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "frames"])
def test_frames_of_two_sizes_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="one size"):
        write(tmp_path / name, [*animation_frames(2), *animation_frames(1, size=48)])
    assert not list(tmp_path.iterdir())


def test_spooled_frames_come_back_in_any_order(tmp_path):
    frames = animation_frames(4)
    with FrameSpool(tmp_path) as spool:
        for frame in frames:
            spool.add(frame)
        for i in (3, 0, 2, 2):
            assert np.array_equal(spool[i].image, frames[i].image)
            assert np.array_equal(spool[i].before, frames[i].before)
            assert spool[i].texts == frames[i].texts
        assert [f.seconds for f in spool] == [f.seconds for f in frames]
    assert not list(tmp_path.iterdir())


def test_plain_pictures_become_a_gif_at_any_rate(tmp_path):
    write_gif(tmp_path / "a.gif", [f.image for f in animation_frames(4)], fps=4 / 3)
    assert times(tmp_path / "a.gif") == [750] * 4
