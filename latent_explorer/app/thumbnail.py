# SPDX-License-Identifier: MIT
"""Pictures at about the size of a thumbnail, so that hundreds of large ones do not fill the memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from latent_explorer.explain.recipe import Picture

SIZE = 128  # px; larger pictures are reduced to about this size


def reduced(picture: Picture) -> Picture:
    """Return the picture at about the size of a thumbnail, by the mean over blocks of pixels."""
    factor = picture.image.shape[0] // SIZE
    if factor < 2:
        return picture
    size = picture.image.shape[0] // factor
    cut: Any = picture.image[: size * factor, : size * factor]
    blocks = cut.reshape(size, factor, size, factor, 3).mean(axis=(1, 3))
    return replace(picture, image=blocks.round().astype(np.uint8))
