# SPDX-License-Identifier: MIT
"""Enlarge pictures and write on them: the bundled font, colours of classes, probability captions."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from latent_explorer.common.palette import PRINT
from latent_explorer.common.paths import resource

if TYPE_CHECKING:
    from collections.abc import Sequence

EXPORT_SIZE = 512  # px; small pictures are enlarged by an integer factor to about this


def class_color(index: int) -> str:
    """Return the colour of class `index`. Eight colours repeat, so colour alone must not identify a class."""
    return PRINT.classes[index % len(PRINT.classes)]


def export_factor(image: np.ndarray) -> int:
    """Return the factor by which a picture is enlarged on export: 8 at 64 px, 1 from 512 px on."""
    side: int = max(image.shape[:2])
    return max(1, EXPORT_SIZE // side)


def enlarge(image: np.ndarray, factor: int = 8) -> np.ndarray:
    """Enlarge (H, W, 3) uint8 by an integer factor with Lanczos."""
    return image if factor == 1 else fit(image, image.shape[1] * factor, image.shape[0] * factor)


def fit(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize (H, W, 3) uint8 to (height, width, 3) with Lanczos."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


@cache
def font(size: int, semibold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the bundled font at `size` px."""
    name = "SemiBold" if semibold else "Regular"
    return ImageFont.truetype(resource(f"fonts/Inter-{name}.otf"), size)


def shorten(text: str, width: int, face: ImageFont.FreeTypeFont) -> str:
    """Cut the text with an ellipsis if it is wider than `width` px."""
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
    *,
    text: bool = True,
    bar: bool = True,
) -> np.ndarray:
    """Return the picture (H, W, 3) uint8 above a strip with caption and bar.

    `text` adds the caption "P(diseased) 0.91" and a note, `bar` a bar with a tick at one half, where a two-class
    verdict changes. If the words do not fit, the number stays.
    """
    height, width = image.shape[:2]
    unit = max(40, width // 8)
    margin, size, thick = unit // 5, unit * 3 // 10, unit // 8
    strip = (unit if text else 2 * margin + thick) if bar else 2 * margin + size
    strip += strip % 2  # videos need even sides
    canvas = Image.new("RGB", (width, height + strip), PRINT.paper)
    canvas.paste(Image.fromarray(image), (0, 0))
    draw = ImageDraw.Draw(canvas)
    value = float(probs[target])
    if text:
        name = class_names[target] if target < len(class_names) else str(target)
        _caption(draw, (margin, height + margin, width - margin), size, (name, value, note))
    if bar:
        bottom = height + strip - margin
        _bar(draw, (margin, bottom - thick, width - margin, bottom), value, class_color(target))
    return np.asarray(canvas)


def _caption(draw: ImageDraw.ImageDraw, place: tuple[int, int, int], size: int, texts: tuple[str, float, str]) -> None:
    """Draw the probability at the left and the note at the right of the line `place` (left, top, right)."""
    left, top, right = place
    name, value, note = texts
    strong = font(size, semibold=True)
    label = f"P({name}) {value:.2f}"
    if strong.getlength(label) > right - left:
        label = f"{value:.2f}"
    draw.text((left, top), label, PRINT.ink, strong)
    room = right - left - strong.getlength(label) - size
    if note and font(size).getlength(note) <= room:
        draw.text((right, top), note, PRINT.muted, font(size), anchor="ra")


def _bar(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], share: float, color: str) -> None:
    """Draw a bar filled to `share`, with a tick where a two-class verdict changes."""
    left, top, right, bottom = box
    draw.rectangle(box, fill=PRINT.line)
    draw.rectangle((left, top, left + round(share * (right - left)), bottom), fill=color)
    middle = (left + right) // 2
    draw.line((middle, top - 3, middle, bottom + 3), fill=PRINT.ink, width=1)
