# SPDX-License-Identifier: MIT
"""From true colours to a palette: at most 256 colours a frame, chosen to cover what is there, without dithering.

Dither would crawl from frame to frame. Pillow's MAXCOVERAGE keeps small spots of a rare colour; k-means then moves
its colours to the middle of what they stand for (2 to 3 dB more on leaves), and every pixel takes the nearest one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

_ENOUGH = 1 << 13  # pixels that a palette is made from; more only cost time
_MANY = 1 << 17  # pixels
_AT_ONCE = 1 << 12  # colours, so that their distances stay in the processor's cache


def with_palette(pixels: np.ndarray, colors: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices (N,) uint8 and the palette (M, 3) uint8, M <= `colors`, of pixels (N, 3) uint8, N > 0.

    Exact where there are no more than `colors` colours.
    """
    packed = pixels.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    found, places = _unique(packed)
    unique = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.uint8)
    if len(unique) <= colors:
        return places(np.arange(len(unique), dtype=np.uint8)), unique
    palette = _chosen(pixels, colors)
    return places(_nearest(unique, palette)), palette


def _unique(packed: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """The colours that occur, and what brings a value of each colour to its pixels."""
    if len(packed) < _MANY:
        found, place = np.unique(packed, return_inverse=True)
        return found, lambda values: values[place]
    seen = np.zeros(1 << 24, bool)  # for many pixels a table of all colours is quicker than to sort
    seen[packed] = True
    found = np.flatnonzero(seen)

    def places(values: np.ndarray) -> np.ndarray:
        table = np.empty(1 << 24, np.uint8)
        table[found] = values
        spread: np.ndarray = table[packed]
        return spread

    return found, places


def _chosen(pixels: np.ndarray, colors: int) -> np.ndarray:
    """A palette from some of the pixels and, so that no rare colour is missed, one of every colour there roughly is."""
    cells = (pixels >> 3).astype(np.int32) @ np.array([1 << 10, 1 << 5, 1], np.int32)
    there = np.full(1 << 15, -1, np.int32)
    there[cells] = np.arange(len(pixels))
    # An odd step: an even one would leave out whole columns.
    sample = np.concatenate([pixels[:: len(pixels) // _ENOUGH | 1], pixels[there[there >= 0]]])
    picture = Image.fromarray(np.ascontiguousarray(sample[None]))
    made = picture.quantize(colors, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    return np.array(made.getpalette(), np.uint8).reshape(-1, 3)[:colors]


def _nearest(colors: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The index of the nearest palette colour. Whole numbers below 2**24 are exact in float32: no rounding anywhere."""
    there = palette.astype(np.float32)
    size = (there**2).sum(axis=1)
    parts = (colors[i : i + _AT_ONCE].astype(np.float32) for i in range(0, len(colors), _AT_ONCE))
    near = [(size - 2 * part @ there.T).argmin(axis=1) for part in parts]
    return np.concatenate(near).astype(np.uint8)
