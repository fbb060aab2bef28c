# SPDX-License-Identifier: MIT
"""A question as GIF: two frames that share one palette, so that what does not change does not flicker.

Animations with many frames are written by `media.animation`, with a palette a frame.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence


def with_one_palette(frames: Sequence[np.ndarray]) -> list[Image.Image]:
    """Frames, (H, W, 3) uint8 of one size, with the 256 colours that cover them all best. Never dithered."""
    height = frames[0].shape[0]
    tall = np.concatenate(list(frames))
    # Every fifth pixel of large frames gives as good a palette in a fraction of the time.
    thinned = Image.fromarray(np.ascontiguousarray(tall[::5, ::5] if height >= 256 else tall))
    # On questions about leaves: 40 dB; MAXCOVERAGE alone 37 dB, and so with a palette a frame, which flickers as well.
    palette = thinned.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    whole = Image.fromarray(tall).quantize(palette=palette, dither=Image.Dither.NONE)
    return [whole.crop((0, i * height, whole.width, (i + 1) * height)) for i in range(len(frames))]


def moving(frames: Sequence[Image.Image], seconds: float) -> bytes:
    """The frames as an endless GIF; each stands for `seconds`, in whole hundredths as GIF counts. No other metadata."""
    return _saved(
        frames[0], save_all=True, append_images=list(frames[1:]), duration=10 * round(100 * seconds), loop=0
    )  # fmt: skip


def still(frame: Image.Image) -> bytes:
    """One frame as a GIF."""
    return _saved(frame)


def _saved(frame: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    frame.save(buffer, "GIF", optimize=False, **options)
    return buffer.getvalue()
