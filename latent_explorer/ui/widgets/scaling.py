# SPDX-License-Identifier: MIT
"""From (H, W, 3) uint8 to what the screen shows: Lanczos at device resolution, or whole pixels. No widgets here."""

from __future__ import annotations

import numpy as np
from PIL import Image
from PySide6.QtGui import QImage


def to_qimage(image: np.ndarray) -> QImage:
    """(H, W, 3) uint8 to a QImage that owns its bytes."""
    height, width, _ = image.shape
    data = np.ascontiguousarray(image)
    return QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def shown_side(image: np.ndarray, side: float, ratio: float, *, pixels: bool) -> float:
    """The side at which a picture is drawn in a square of `side` device-independent px (its longer edge).

    With `pixels` every pixel covers a whole number of the screen's, so the picture may be smaller than the square.
    """
    longest = max(image.shape[:2])
    if not pixels:
        return max(1.0, int(side * ratio) / ratio)
    factor = max(1, int(side * ratio) // longest)
    return factor * longest / ratio


def scaled(image: np.ndarray, side: float, ratio: float, *, pixels: bool) -> QImage:
    """The picture with its longer edge `side` device-independent px long, drawn for `ratio` device pixels each."""
    height, width, _ = image.shape
    factor = side * ratio / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = Image.Resampling.NEAREST if pixels else Image.Resampling.LANCZOS
    # Blue first and 32 bits a pixel is what the screen wants: swapped while the picture is still small.
    bgrx = np.full((height, width, 4), 255, np.uint8)
    bgrx[..., :3] = image[..., ::-1]
    source = Image.frombuffer("RGBX", (width, height), bgrx.tobytes(), "raw", "RGBX", 0, 1)
    data = source.resize(size, how).tobytes()
    made = QImage(data, size[0], size[1], 4 * size[0], QImage.Format.Format_RGB32).copy()
    made.setDevicePixelRatio(ratio)
    return made


def difference(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Twice the signed change around mid grey, (H, W, 3) uint8: grey means the same."""
    change = after.astype(np.int16) - before.astype(np.int16)
    return np.clip(128 + 2 * change, 0, 255).astype(np.uint8)
