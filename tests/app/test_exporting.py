# SPDX-License-Identifier: MIT
"""The GIF job: every frame by the render it is given, encoded beside it, and nothing left behind."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from fakes import make_result
from PIL import Image

from latent_explorer.app.exporting import export_gif, sweep_amounts
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Preview, Progress

REQUESTS = [-1.0, -0.5, 0.0, 0.5, 1.0]


def finish(job):
    events = []
    while True:
        try:
            events.append(next(job))
        except StopIteration as stop:
            return events, stop.value


def keep_frames(path, frames, *, fps):
    """Instead of a GIF: the frames as they came."""
    with path.open("wb") as file:
        np.savez(file, *list(frames), fps=fps)


def test_every_request_becomes_an_enlarged_frame_in_order(tmp_path):
    path = tmp_path / "sweep.gif"
    events, value = finish(export_gif(path, REQUESTS, make_result, fps=25, write_gif=keep_frames))
    assert value == path
    with np.load(path) as kept:
        frames = [kept[f"arr_{i}"] for i in range(len(REQUESTS))]
        assert kept["fps"] == 25
    assert all(frame.shape == (512, 512, 3) for frame in frames)
    assert [int(f[0, 0, 0]) for f in frames] == [
        int(make_result(v).after.image[0, 0, 0]) for v in REQUESTS
    ]
    assert len([e for e in events if isinstance(e, Preview)]) == len(REQUESTS)
    progress = [e for e in events if isinstance(e, Progress)]
    assert [e.done for e in progress[:5]] == [1, 2, 3, 4, 5]
    assert {e.total for e in progress} == {5}


def test_cancel_leaves_neither_a_file_nor_a_thread(tmp_path):
    before = set(threading.enumerate())
    job = export_gif(tmp_path / "x.gif", REQUESTS, make_result, write_gif=keep_frames)
    for _ in range(3):
        next(job)
    job.close()
    assert list(tmp_path.iterdir()) == []
    assert set(threading.enumerate()) == before


def test_cancel_while_the_file_is_being_written_leaves_nothing_either(tmp_path):
    writing, cancelled = threading.Event(), threading.Event()

    def slow(path, frames, *, fps):
        keep_frames(path, frames, fps=fps)
        writing.set()
        cancelled.wait(10)

    job = export_gif(tmp_path / "x.gif", REQUESTS, make_result, write_gif=slow)
    while not writing.is_set():
        next(job)
    threading.Timer(0.05, cancelled.set).start()
    job.close()
    assert list(tmp_path.iterdir()) == []


def test_a_failing_render_leaves_neither_a_file_nor_a_thread(tmp_path):
    before = set(threading.enumerate())

    def render(value):
        if value == 0.0:
            raise UserError("no such picture")
        return make_result(value)

    with pytest.raises(UserError, match="no such picture"):
        finish(export_gif(tmp_path / "x.gif", REQUESTS, render, write_gif=keep_frames))
    assert list(tmp_path.iterdir()) == []
    assert set(threading.enumerate()) == before


def full_disk(path, frames, *, fps):
    next(iter(frames))
    raise OSError(28, "No space left on device")


def broken_encoder(path, frames, *, fps):
    raise ValueError("odd frames")


@pytest.mark.parametrize(
    ("write", "error", "words"),
    [(full_disk, UserError, "No space left"), (broken_encoder, ValueError, "odd frames")],
)
def test_a_failing_encoder_ends_the_job(tmp_path, write, error, words):
    before = set(threading.enumerate())
    with pytest.raises(error, match=words):
        finish(export_gif(tmp_path / "x.gif", REQUESTS, make_result, write_gif=write))
    assert list(tmp_path.iterdir()) == []
    assert set(threading.enumerate()) == before


def test_a_missing_folder_is_said(tmp_path):
    job = export_gif(tmp_path / "no" / "x.gif", REQUESTS, make_result, write_gif=keep_frames)
    with pytest.raises(UserError, match=r"x\.gif cannot be written"):
        finish(job)


def test_a_sweep_goes_there_and_back_and_loops_without_a_rest():
    amounts = sweep_amounts(5)
    assert amounts == [-1.0, -0.5, 0.0, 0.5, 1.0, 0.5, 0.0, -0.5]
    assert 0.0 in sweep_amounts()


def test_the_real_encoder_writes_a_looping_gif(tmp_path):
    path = tmp_path / "sweep.gif"
    finish(export_gif(path, REQUESTS, make_result, fps=20))
    with Image.open(path) as gif:
        assert gif.n_frames == len(REQUESTS)
        assert gif.size == (512, 512)
        assert gif.info["duration"] == 50
        assert gif.info["loop"] == 0
