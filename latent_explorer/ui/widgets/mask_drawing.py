# SPDX-License-Identifier: MIT
"""What a brush covers of a picture, and how a painted mask is drawn over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter
from PySide6.QtGui import QImage

if TYPE_CHECKING:
    from PySide6.QtGui import QColor


def line_weight(
    shape: tuple[int, ...], start: tuple[float, float], end: tuple[float, float], radius: float
) -> np.ndarray:
    """Return (H, W) float32, 0 to 1: how much of each pixel a round brush covers between two points (x, y), px.

    The edge is one pixel wide: the weight falls from 1 at half a pixel within the radius to 0 at half a pixel outside.
    """
    covered = np.zeros(shape, np.float32)
    (left, right), (top, bottom) = (
        (max(0, int(min(a, b) - radius) - 1), min(size, int(max(a, b) + radius) + 2))
        for a, b, size in zip(start, end, shape[::-1], strict=True)
    )
    y, x = np.mgrid[top:bottom, left:right] + 0.5  # centres of the pixels that can be reached
    way = np.subtract(end, start)
    along = ((x - start[0]) * way[0] + (y - start[1]) * way[1]) / max(float(way @ way), 1e-12)
    along = np.clip(along, 0, 1)
    distance = np.hypot(x - start[0] - along * way[0], y - start[1] - along * way[1])
    covered[top:bottom, left:right] = np.clip(radius + 0.5 - distance, 0, 1)
    return covered


def overlay(mask: np.ndarray, size: tuple[int, int], ratio: float, color: QColor) -> QImage:
    """Return a mask (H, W) as a tint of `size` (width, height) device px with an outline where it passes one half.

    The tint has the colour's alpha. The outline is white within and black without, which is seen on every picture.
    """
    large = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR)).clip(0, 1)
    within = large >= 0.5
    width = 2 * max(1, round(ratio)) + 1
    hard = Image.fromarray(within.astype(np.uint8) * 255)
    outer = np.asarray(hard.filter(ImageFilter.MaxFilter(width))) > 0
    inner = np.asarray(hard.filter(ImageFilter.MinFilter(width))) > 0
    alpha = color.alphaF() * large
    channels = [alpha * part for part in (color.blueF(), color.greenF(), color.redF())]
    pixels = np.stack([*channels, alpha], axis=-1)  # blue first, multiplied by alpha
    pixels[within & ~inner] = 1.0
    pixels[outer & ~within] = (0.0, 0.0, 0.0, 0.75)
    data = (255 * pixels + 0.5).astype(np.uint8).tobytes()
    made = QImage(data, size[0], size[1], 4 * size[0], QImage.Format.Format_ARGB32_Premultiplied).copy()
    made.setDevicePixelRatio(ratio)
    return made
