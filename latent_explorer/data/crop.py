# SPDX-License-Identifier: MIT
"""Square crops of pictures, as fractions and in pixels."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
import numpy as np
from PIL import Image

MIN_SIZE = 0.02  # of the shorter side
_Place = Annotated[float, msgspec.Meta(ge=-100, le=100)]


class Crop(msgspec.Struct, frozen=True):
    """Square in fractions of an upright picture: `left` of its width, `top` of its height, `size` of its shorter side.

    It may reach over the edge; parts outside of the picture are black, as transparent parts are.
    """

    left: _Place
    top: _Place
    size: Annotated[float, msgspec.Meta(gt=0, le=1000)]


def center_square(height: int, width: int) -> Crop:
    """Return the largest square in the middle, the default crop."""
    side = min(height, width)
    return Crop(((width - side) // 2) / width, ((height - side) // 2) / height, 1.0)


def bounding_square(height: int, width: int) -> Crop:
    """Return the smallest square around the whole picture."""
    side = max(height, width)
    return Crop((width - side) / 2 / width, (height - side) / 2 / height, side / min(height, width))


def crop_to_pixels(crop: Crop, height: int, width: int) -> tuple[int, int, int]:
    """Return (left, top, side) in whole pixels of a picture (height, width); the side is at least one pixel."""
    side = max(1, round(crop.size * min(height, width)))
    return round(crop.left * width), round(crop.top * height), side


def crop_from_pixels(left: float, top: float, side: float, height: int, width: int) -> Crop:
    """Return the square at (left, top) with `side`, all in pixels of a picture (height, width)."""
    return Crop(left / width, top / height, side / min(height, width))


def clamp_crop(crop: Crop, height: int, width: int) -> Crop:
    """Limit the size of a crop that was drawn by mouse, and move its centre into the picture."""
    short = min(height, width)
    max_size = max(height, width) / short
    size = min(max(crop.size, MIN_SIZE), max_size) if math.isfinite(crop.size) else 1.0
    half_x, half_y = size * short / width / 2, size * short / height / 2
    left = min(max(crop.left, -half_x), 1 - half_x)
    top = min(max(crop.top, -half_y), 1 - half_y)
    return Crop(left, top, size)


def crop_image(picture: np.ndarray, crop: Crop, size: int | None = None) -> np.ndarray:
    """Return the square of a picture (H, W, 3) uint8 at `size` px (LANCZOS), or in its own pixels.

    The middle crop gives the same bits as `images.read_image(path, size)`.
    """
    height, width = picture.shape[:2]
    left, top, side = crop_to_pixels(crop, height, width)
    inside = left >= 0 and top >= 0 and left + side <= width and top + side <= height
    if not inside:
        picture, left, top = _padded(picture, left, top, side), 0, 0
    if size is None or (size == side and inside):
        return np.ascontiguousarray(picture[top : top + side, left : left + side])
    box = (left, top, left + side, top + side)
    resized = Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS, box=box)
    return np.array(resized, dtype=np.uint8)


def _padded(picture: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """Return the square, black outside of the picture."""
    made = np.zeros((side, side, 3), np.uint8)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + side, picture.shape[1]), min(top + side, picture.shape[0])
    if x1 > x0 and y1 > y0:
        made[y0 - top : y1 - top, x0 - left : x1 - left] = picture[y0:y1, x0:x1]
    return made
