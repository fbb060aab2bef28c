# SPDX-License-Identifier: MIT
"""Animations as files. GIF through Pillow: one palette a frame, exact times, all at once or not at all."""

from __future__ import annotations

import hashlib
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


MAX_GIF_FPS = 50.0  # browsers show a frame of less than 20 ms for 100 ms


def frame_durations(fps: float) -> Iterator[int]:
    """Endless frame durations in ms, whole hundredths of a second as GIF counts; their sum never drifts from `fps`."""
    if not 0 < fps <= MAX_GIF_FPS:
        raise UserError(
            f"A GIF cannot show {fps:g} frames per second. Choose more than 0 and at most {MAX_GIF_FPS:g}."
        )
    shown, frame = 0, 0
    while True:
        frame += 1
        until = round(100 * frame / fps)
        yield 10 * (until - shown)
        shown = until


def write_gif(path: Path, frames: Iterable[np.ndarray], *, fps: float = 20.0) -> None:
    """Write frames, each (H, W, 3) uint8 of one size, as a GIF that loops for ever.

    Every frame gets the palette that covers its own colours best, undithered: dither would crawl from frame to frame.
    Raises UserError when the frame rate is impossible or the file cannot be written.
    """
    pictures = _quantized(frames)  # a byte a pixel each
    if not pictures:
        raise ValueError("an animation needs at least one frame")
    sizes = {picture.size for picture in pictures}
    if len(sizes) > 1:
        raise ValueError(f"all frames need one size, not {sorted(sizes)}")
    times = list(islice(frame_durations(fps), len(pictures)))
    try:
        with atomic_path(path) as temporary:
            pictures[0].save(
                temporary,
                "GIF",
                save_all=True,
                append_images=pictures[1:],
                duration=times,
                loop=0,
                optimize=False,
                disposal=1,
            )
    except OSError as error:
        raise UserError(
            f"{path.name} cannot be written ({error.strerror or error}). "
            "Free some space or choose another folder."
        ) from error


def _quantized(frames: Iterable[np.ndarray]) -> list[Image.Image]:
    """The frames with a palette each. A frame that comes again, as on the way back, is made once."""
    made: dict[bytes, Image.Image] = {}
    out = []
    for frame in frames:
        key = hashlib.sha256(frame.tobytes()).digest() + bytes(str(frame.shape), "ascii")
        if key not in made:
            made[key] = _with_palette(frame)
        out.append(made[key])
    return out


def _with_palette(frame: np.ndarray) -> Image.Image:
    # Every fourth pixel of a large picture gives as good a palette in a tenth of the time.
    step = 4 if min(frame.shape[:2]) >= 256 else 1
    thinned = Image.fromarray(np.ascontiguousarray(frame[::step, ::step]))
    palette = thinned.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    if step == 1:
        return palette
    return Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)


def there_and_back(frames: Iterable[np.ndarray], rest: int = 0) -> list[np.ndarray]:
    """Frames and the way back, so that a loop has no jump; each end is held for `rest` more frames."""
    one_way = list(frames)
    held = chain(one_way[:1] * rest, one_way, one_way[-1:] * rest, one_way[-2:0:-1])
    return list(held)
