# SPDX-License-Identifier: MIT
"""GIF, written frame by frame: a palette for each frame, and only the pixels that changed.

Pixels that do not change are left as they are, so a still background never flickers between two palettes.

Format: CompuServe, Graphics Interchange Format Version 89a, 1990.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from latent_explorer.media.animation.base_encoder import EncoderOptions, FileEncoder, crop_box
from latent_explorer.media.png import NO_TEXTS, Texts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_SIDE = 65535
_LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_TRAILER = b"\x3b"
_KEEP = 1 << 2  # disposal: what a frame has drawn stays
_PALETTE_SAMPLE = 1 << 13  # pixels that a palette is made from; more take longer without improving it
_MIN_TABLE_PIXELS = 1 << 17  # pixels from which a table of all colours is faster than sorting
_CHUNK = 1 << 12  # colours at a time, so that their distances stay in the processor's cache


def colors_of(quality: int) -> int:
    """Return the number of colours of a frame at a quality of 1 to 100."""
    return next(count for least, count in ((80, 256), (60, 128), (40, 64), (0, 32)) if quality >= least)


class GifEncoder(FileEncoder):
    def __init__(self, path: Path, encoder_options: EncoderOptions) -> None:
        super().__init__(path, encoder_options)
        self._colors = colors_of(encoder_options.quality)

    def add(self, image: np.ndarray, texts: Texts = NO_TEXTS) -> None:  # noqa: ARG002  # carries none
        """Add a frame, (H, W, 3) uint8."""
        if not self.frames:
            self._begin(image)
        box, changed = self.changes.of(image)
        whole = bool(changed.all())
        colors = self._colors - (not whole)  # one entry of the palette means "as before"
        indices = np.full(changed.shape, 0, np.uint8)
        palette = np.zeros((0, 3), np.uint8)
        if changed.any():
            indices[changed], palette = _with_palette(crop_box(image, box)[changed], colors)
        if not whole:
            indices[~changed] = len(palette)
        self._write(box, indices, palette, None if whole else len(palette))
        self.frames += 1

    def finish(self) -> None:
        """Write the end of the file."""
        self.file.write(_TRAILER)
        self.file.flush()

    def _begin(self, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        self.file.write(b"GIF89a" + struct.pack("<HHBBB", width, height, 0x70, 0, 0))
        if self.encoder_options.loop:
            self.file.write(_LOOP)

    def _write(
        self, box: tuple[int, int, int, int], indices: np.ndarray, palette: np.ndarray, transparent: int | None
    ) -> None:
        bits = max(1, (len(palette) + (transparent is not None) - 1).bit_length())
        table = np.zeros((1 << bits, 3), np.uint8)
        table[: len(palette)] = palette
        flags = _KEEP | (transparent is not None)
        hundredths = next(self.times) // 10
        left, top, right, bottom = box
        self.file.write(struct.pack("<BBBBHBB", 0x21, 0xF9, 4, flags, hundredths, transparent or 0, 0))
        self.file.write(struct.pack("<BHHHHB", 0x2C, left, top, right - left, bottom - top, 0x80 | (bits - 1)))
        self.file.write(table.tobytes())
        self.file.write(_compressed(indices))


def _compressed(indices: np.ndarray) -> bytes:
    """Return indices (h, w) uint8 as LZW code with its code size and end block, extracted from a GIF by Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(indices).save(buffer, "GIF", optimize=False, interlace=False)
    data = buffer.getvalue()
    place = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while data[place] == 0x21:  # an extension: its label, then blocks that begin with their length
        place += 2
        while data[place]:
            place += data[place] + 1
        place += 1
    flags = data[place + 9]
    place += 10 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    return data[place:-1]


def _with_palette(pixels: np.ndarray, colors: int) -> tuple[np.ndarray, np.ndarray]:
    """Quantize pixels (N, 3) uint8, N > 0: indices (N,) uint8 and a palette (M, 3) uint8, M <= `colors`.

    Exact if there are no more than `colors` colours. Not dithered, because dither would crawl from frame to frame.
    Pillow's MAXCOVERAGE keeps small spots of a rare colour; k-means then moves its colours to the middle of what they
    stand for (2 to 3 dB more on leaves), and every pixel takes the nearest one.
    """
    packed = pixels.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    occurring, expand = _unique(packed)
    unique = np.stack([occurring >> 16, occurring >> 8 & 255, occurring & 255], axis=1).astype(np.uint8)
    if len(unique) <= colors:
        return expand(np.arange(len(unique), dtype=np.uint8)), unique
    palette = _make_palette(pixels, colors)
    return expand(_nearest(unique, palette)), palette


def _unique(packed: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Return the colours that occur, and a function that maps a value per colour to the pixels."""
    if len(packed) < _MIN_TABLE_PIXELS:
        occurring, place = np.unique(packed, return_inverse=True)
        return occurring, lambda values: values[place]
    seen = np.zeros(1 << 24, bool)
    seen[packed] = True
    occurring = np.flatnonzero(seen)

    def expand(values: np.ndarray) -> np.ndarray:
        table = np.empty(1 << 24, np.uint8)
        table[occurring] = values
        spread: np.ndarray = table[packed]
        return spread

    return occurring, expand


def _make_palette(pixels: np.ndarray, colors: int) -> np.ndarray:
    """Make a palette from a sample of pixels, with one of every rough colour so that rare colours are not missed."""
    cells = (pixels >> 3).astype(np.int32) @ np.array([1 << 10, 1 << 5, 1], np.int32)
    last_of_cell = np.full(1 << 15, -1, np.int32)
    last_of_cell[cells] = np.arange(len(pixels))
    # An odd step: an even one would leave out whole columns.
    sample = np.concatenate([pixels[:: len(pixels) // _PALETTE_SAMPLE | 1], pixels[last_of_cell[last_of_cell >= 0]]])
    picture = Image.fromarray(np.ascontiguousarray(sample[None]))
    made = picture.quantize(colors, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    return np.array(made.getpalette(), np.uint8).reshape(-1, 3)[:colors]


def _nearest(colors: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Return the index of the nearest palette colour. Integers below 2**24 are exact in float32: no rounding."""
    centers = palette.astype(np.float32)
    size = (centers**2).sum(axis=1)
    parts = (colors[i : i + _CHUNK].astype(np.float32) for i in range(0, len(colors), _CHUNK))
    near = [(size - 2 * part @ centers.T).argmin(axis=1) for part in parts]
    return np.concatenate(near).astype(np.uint8)
