# SPDX-License-Identifier: MIT
"""Scaling of (H, W, 3) uint8 for the screen: Lanczos at device resolution, or whole pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image
from PySide6.QtGui import QImage


def to_qimage(image: np.ndarray) -> QImage:
    """Convert (H, W, 3) uint8 to a QImage that owns its bytes."""
    height, width, _ = image.shape
    data = np.ascontiguousarray(image)
    return QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def shown_side(longest: int, side: float, ratio: float, *, pixels: bool) -> float:
    """Return the longer edge of a picture drawn in a square of `side`, both in device-independent px.

    longest  the longer edge of the picture itself

    With `pixels` every pixel covers a whole number of device pixels, so the picture may be smaller than the square.
    """
    if not pixels:
        return max(1.0, int(side * ratio) / ratio)
    factor = max(1, int(side * ratio) // longest)
    return factor * longest / ratio


def scaled(image: np.ndarray, side: float, ratio: float, *, pixels: bool) -> QImage:
    """Scale a picture to a longer edge of `side` device-independent px, of `ratio` device pixels each."""
    height, width, _ = image.shape
    factor = side * ratio / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = Image.Resampling.NEAREST if pixels else Image.Resampling.LANCZOS
    # Screens use 32 bits per pixel, blue first: swap before enlarging.
    bgrx = np.full((height, width, 4), 255, np.uint8)
    bgrx[..., :3] = image[..., ::-1]
    source = Image.frombuffer("RGBX", (width, height), bgrx.tobytes(), "raw", "RGBX", 0, 1)
    data = source.resize(size, how).tobytes()
    made = QImage(data, size[0], size[1], 4 * size[0], QImage.Format.Format_RGB32).copy()
    made.setDevicePixelRatio(ratio)
    return made


def difference(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return twice the signed change around mid grey, (H, W, 3) uint8; grey means no change.

    Where one is a smaller draft, both are compared at its size.
    """
    height, width = np.minimum(before.shape[:2], after.shape[:2])
    before, after = (_reduced(image, height, width) for image in (before, after))
    change = after.astype(np.int16) - before.astype(np.int16)
    return np.clip(128 + 2 * change, 0, 255).astype(np.uint8)


def _reduced(image: np.ndarray, height: int, width: int) -> np.ndarray:
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))
