# SPDX-License-Identifier: MIT
"""GIFs and sheets: exact times, faithful colours, readable text, and no partial files."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.common.palette import PRINT
from latent_explorer.media.animation.base_encoder import frame_durations
from latent_explorer.media.animation.writer import ping_pong_frames, write_gif
from latent_explorer.media.drawing import enlarge, export_factor, font, shorten, with_caption
from latent_explorer.media.sheet import FOOTER, Cell, Row, Text, draw_sheet, layout_sheet, write_picture


def moving_square(n=6, size=32):
    frames = np.zeros((n, size, size, 3), np.uint8)
    for i in range(n):
        frames[i, 4:12, 3 * i : 3 * i + 8] = (200, 40 + 20 * i, 30)
        frames[i, 20:, :, 2] = np.arange(size) * 5
    return frames


def read_gif(path):
    with Image.open(path) as gif:
        frames, times = [], []
        for i in range(gif.n_frames):
            gif.seek(i)
            times.append(gif.info["duration"])
            frames.append(np.asarray(gif.convert("RGB")))
        return np.stack(frames), times, gif.info.get("loop")


def test_a_gif_of_few_colours_keeps_every_pixel_and_loops(tmp_path):
    frames = moving_square()
    write_gif(tmp_path / "a.gif", iter(frames), fps=20)
    read, times, loop = read_gif(tmp_path / "a.gif")
    assert np.array_equal(read, frames)
    assert times == [50] * 6
    assert loop == 0


def test_a_smooth_picture_keeps_its_colours_within_a_few_steps(tmp_path):
    ramp = np.linspace(0, 255, 64)
    frames = []
    for i in range(3):
        red, green = np.meshgrid(ramp, ramp)
        frames.append(np.stack([red, green, np.full_like(red, 60 * i)], axis=-1).astype(np.uint8))
    write_gif(tmp_path / "a.gif", frames, fps=10)
    read, _, _ = read_gif(tmp_path / "a.gif")
    assert np.abs(read.astype(int) - np.stack(frames)).mean() < 12


@pytest.mark.parametrize("fps", [10, 12, 15, 20, 24, 25, 30, 50])
def test_times_are_whole_hundredths_and_do_not_drift(fps):
    times = list(islice(frame_durations(fps), 10 * fps))
    assert sum(times) == 10_000
    assert all(t % 10 == 0 and t >= 20 for t in times)
    assert max(times) - min(times) <= 10


@pytest.mark.parametrize("fps", [0, -1, 60, float("nan")])
def test_impossible_rates_are_a_sentence(tmp_path, fps):
    with pytest.raises(UserError, match="frames per second"):
        write_gif(tmp_path / "a.gif", moving_square(), fps=fps)


def test_a_failing_frame_leaves_no_file_and_an_old_file_alone(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(b"old")

    def frames():
        yield moving_square()[0]
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError):
        write_gif(path, frames())
    with pytest.raises(ValueError, match="size"):
        write_gif(path, [moving_square()[0], moving_square(size=16)[0]])
    with pytest.raises(ValueError, match="at least one"):
        write_gif(path, [])
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_unwritable_place_is_a_sentence():
    with pytest.raises(UserError, match="cannot be written"):
        write_gif(Path(os.devnull) / "a.gif", moving_square())
    with pytest.raises(UserError, match="cannot be written"):
        write_picture(Path(os.devnull) / "a.png", moving_square()[0])


def test_there_and_back_repeats_no_end():
    frames = [np.full((1, 1, 3), i, np.uint8) for i in range(4)]
    assert [int(f[0, 0, 0]) for f in ping_pong_frames(frames)] == [0, 1, 2, 3, 2, 1]
    assert [int(f[0, 0, 0]) for f in ping_pong_frames(frames, rest=1)] == [0, 0, 1, 2, 3, 3, 2, 1]


def test_enlarging_is_by_whole_factors_to_about_512():
    image = moving_square(1, 64)[0]
    assert export_factor(image) == 8
    assert enlarge(image, 8).shape == (512, 512, 3)
    assert enlarge(image, 1) is image
    assert export_factor(np.zeros((1024, 1024, 3), np.uint8)) == 1


def test_the_caption_grows_with_the_probability_and_leaves_the_picture_alone():
    image = enlarge(moving_square(1, 64)[0], 4)
    low = with_caption(image, [0.9, 0.1], ("healthy", "diseased"), 1, "before")
    high = with_caption(image, [0.1, 0.9], ("healthy", "diseased"), 1, "after")
    assert np.array_equal(low[:256], image)
    colour = (0x00, 0x9E, 0x73)
    filled = [(np.abs(p[256:].astype(int) - colour).sum(axis=-1) == 0).sum() for p in (low, high)]
    assert filled[1] > 5 * filled[0] > 0


def test_letters_are_letters_and_not_boxes():
    masks = {c: bytes(font(24).getmask(c)) for c in "iWgé…"}
    assert len(set(masks.values())) == 5
    assert shorten("brown spots on the leaf", 60, font(14)).endswith("…")
    assert shorten("spots", 600, font(14)) == "spots"


def test_a_sheet_holds_its_pictures_at_their_places(tmp_path):
    image = np.full((64, 64, 3), 77, np.uint8)
    rows = [
        Row("brown spots", (Cell(image, "0.12"), Cell(image, "0.91", True)), ("effect 1.4",)),
        Row("a very long name that does not fit into the label at all", (Cell(image),)),
    ]
    sheet = draw_sheet(rows, ("original", "plus"), "Attributes", "leaves", picture=64)
    assert (sheet == 77).all(axis=-1).sum() >= 3 * 60 * 60
    write_picture(tmp_path / "sheet.png", sheet)
    with Image.open(tmp_path / "sheet.png") as read:
        assert np.array_equal(np.asarray(read), sheet)
    assert draw_sheet([]).ndim == 3


def test_a_long_footer_takes_as_many_lines_as_it_needs():
    cells = (Cell(np.zeros((8, 8, 3), np.uint8)),) * 2
    words = "one sentence with its control, which must not be cut off at the end of the line"
    short, long = (layout_sheet([Row("", cells)], footer=text, picture=96) for text in ("a word", words))
    shown = [mark.text for mark in long.marks if isinstance(mark, Text)]
    assert " ".join(shown) == words
    assert len(shown) > 1
    assert long.height - short.height == (len(shown) - 1) * FOOTER
    assert max(mark.y for mark in long.marks if isinstance(mark, Text)) < long.height - 12


def test_the_colours_of_exported_pictures_never_change():
    """A study is identified by the bytes of its pictures: other greys would make another study of the same seed."""
    assert (PRINT.muted, PRINT.line, PRINT.ink, PRINT.paper) == ("#6B6B70", "#DADAD6", "#1D1D1F", "#FAFAF8")
