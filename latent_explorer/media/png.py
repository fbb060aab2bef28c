# SPDX-License-Identifier: MIT
"""PNG bytes of a picture, with texts by keyword. Recipes are such texts; the application decides their content."""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from PIL import Image, PngImagePlugin

if TYPE_CHECKING:
    import numpy as np

Texts = Mapping[str, str]
NO_TEXTS: Texts = MappingProxyType({})


def png_bytes(image: np.ndarray, texts: Texts = NO_TEXTS) -> bytes:
    """Return the picture (H, W, 3) uint8 as PNG."""
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_itxt(key, text)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()
