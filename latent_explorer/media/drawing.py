# SPDX-License-Identifier: MIT
"""Enlarging pictures and writing on them: the bundled font, colours of paper and classes, probability captions."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from latent_explorer.common.paths import resource

if TYPE_CHECKING:
    from collections.abc import Sequence

PAPER, INK, MUTED, LINE = "#FAFAF8", "#1D1D1F", "#6B6B70", "#DADAD6"
# Okabe and Ito's colours, told apart by colour-blind readers too; the order is the window's.
CLASS_COLORS = ("#D55E00", "#009E73", "#56B4E9", "#E69F00", "#CC79A7", "#0072B2", "#F0E442", INK)

EXPORT_SIZE = 512  # px; small pictures are enlarged by a whole factor to about this


def class_color(index: int) -> str:
    """The colour of class `index`; after eight they repeat, so never tell by colour alone."""
    return CLASS_COLORS[index % len(CLASS_COLORS)]


def export_factor(image: np.ndarray) -> int:
    """How many times a picture is enlarged on export: 8 at 64 px, 1 from 512 px on."""
    side: int = max(image.shape[:2])
    return max(1, EXPORT_SIZE // side)


def enlarge(image: np.ndarray, factor: int = 8) -> np.ndarray:
    """(H, W, 3) uint8 enlarged by a whole factor with Lanczos."""
    return image if factor == 1 else fit(image, image.shape[1] * factor, image.shape[0] * factor)


def fit(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """(H, W, 3) uint8 brought to (height, width, 3) with Lanczos."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


@cache
def font(size: int, semibold: bool = False) -> ImageFont.FreeTypeFont:
    """The bundled font at `size` px."""
    name = "SemiBold" if semibold else "Regular"
    return ImageFont.truetype(resource(f"fonts/Inter-{name}.otf"), size)


def shorten(text: str, width: int, face: ImageFont.FreeTypeFont) -> str:
    """The text, cut with an ellipsis where it is wider than `width` px."""
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def with_caption(
    image: np.ndarray,
    probs: Sequence[float] | np.ndarray,
    class_names: Sequence[str],
    target: int,
    note: str = "",
) -> np.ndarray:
    """The picture (H, W, 3) uint8 with a strip below: "P(diseased) 0.91", a bar with a tick at one half, a note.

    Drawn for pictures of 256 px and more; the strip is an eighth of the width.
    """
    height, width = image.shape[:2]
    strip = max(40, width // 8)
    canvas = Image.new("RGB", (width, height + strip), PAPER)
    canvas.paste(Image.fromarray(image), (0, 0))
    draw = ImageDraw.Draw(canvas)
    margin, size = strip // 5, strip * 3 // 10
    value = float(probs[target])
    label = f"P({class_names[target]}) {value:.2f}"
    top = height + margin
    draw.text((margin, top), label, INK, font(size, semibold=True))
    if note:
        draw.text((width - margin, top), note, MUTED, font(size), anchor="ra")
    bar_top, bar_bottom = height + strip - margin - strip // 8, height + strip - margin
    _bar(draw, (margin, bar_top, width - margin, bar_bottom), value, class_color(target))
    return np.asarray(canvas)


def _bar(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], share: float, color: str
) -> None:
    """A bar filled to `share`, with a tick where a two-class verdict changes."""
    left, top, right, bottom = box
    draw.rectangle(box, fill=LINE)
    draw.rectangle((left, top, left + round(share * (right - left)), bottom), fill=color)
    middle = (left + right) // 2
    draw.line((middle, top - 3, middle, bottom + 3), fill=INK, width=1)
