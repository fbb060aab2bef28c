# SPDX-License-Identifier: MIT
"""The parts that encoders of animations share: their interface, differences between frames, and frame times.

Pillow keeps all frames of an animation in memory until it writes them. So each frame is written at once as a picture of
its own by Pillow, and only the containers (GIF, WebP, APNG) are written here: a minute needs no more memory than a
second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from latent_explorer.media.png import Texts

MAX_FPS = 50.0  # browsers show a frame of less than 20 ms for 100 ms

Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True)
class EncoderOptions:
    """Options of an encoder. `quality` is 1 to 100, as in AnimationSettings."""

    fps: float
    loop: bool = True
    quality: int = 90


class Encoder(Protocol):
    """Writes frames, each (H, W, 3) uint8 of one size, as they are added; `finish` completes the file.

    Formats that can carry texts store them under their keywords.
    """

    def add(self, image: np.ndarray, texts: Texts = ...) -> None: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


def frame_durations(fps: float) -> Iterator[int]:
    """Yield frame durations in ms without end, in whole hundredths of a second as GIF counts.

    Their sum does not drift from `fps`. Raises UserError if `fps` is not above 0 and at most MAX_FPS.
    """
    if not 0 < fps <= MAX_FPS:
        raise UserError(
            f"An animation cannot show {fps:g} frames per second. Choose more than 0 and at most {MAX_FPS:g}."
        )
    shown, frame = 0, 0
    while True:
        frame += 1
        until = round(100 * frame / fps)
        yield 10 * (until - shown)
        shown = until


class FileEncoder:
    """Base class of encoders that write into an open file."""

    def __init__(self, path: Path, encoder_options: EncoderOptions) -> None:
        self.encoder_options = encoder_options
        self.times = frame_durations(encoder_options.fps)  # in ms
        self.changes = FrameDiff()
        self.frames = 0
        self.file = path.open("wb")

    def close(self) -> None:
        """Close the file, finished or not."""
        self.file.close()


class FrameDiff:
    """Finds the pixels of each frame that differ from the frame before it."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None

    def of(self, image: np.ndarray) -> tuple[Box, np.ndarray]:
        """Return the box around everything that changed, and the mask of changed pixels in it, (h, w) bool.

        The first frame changes everything; a frame that changes nothing has a box of one unchanged pixel.
        """
        before, self._before = self._before, image
        height, width = image.shape[:2]
        if before is None:
            return (0, 0, width, height), np.ones((height, width), bool)
        if before.shape != image.shape:
            raise ValueError(f"all frames need one size, not {before.shape} and {image.shape}")
        changed = (before != image).any(axis=2)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        if not len(rows):
            return (0, 0, 1, 1), np.zeros((1, 1), bool)
        box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        return box, changed[box[1] : box[3], box[0] : box[2]]


def crop_box(image: np.ndarray, box: Box) -> np.ndarray:
    """Return the part of the picture inside the box."""
    return np.ascontiguousarray(image[box[1] : box[3], box[0] : box[2]])
