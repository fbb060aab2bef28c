# SPDX-License-Identifier: MIT
"""Enlarge pictures and write on them: text in any script, colours of classes, probability captions."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from latent_explorer.common.format import ELLIPSIS, shortened
from latent_explorer.common.palette import PRINT
from latent_explorer.common.paths import resource
from latent_explorer.media.fonts import FontFile, fallback, letters_of, open_font

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Scripts whose letters change with their neighbours: Indic, Tibetan and Burmese, Khmer.
_JOINING = ((0x0900, 0x0DFF), (0x0F00, 0x109F), (0x1780, 0x17FF))
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
    return ImageFont.truetype(str(resource(f"fonts/Inter-{name}.otf")), size)


@dataclass(frozen=True)
class Run:
    """Part of a line that one font draws; `font` is None for the bundled one."""

    text: str
    font: FontFile | None = None

    @property
    def is_shaped(self) -> bool:
        """True if its letters join, stack or run from right to left, so that they cannot be set one by one."""
        return self.font is not None and any(map(_joins, self.text))

    def face(self, face: ImageFont.FreeTypeFont) -> ImageFont.FreeTypeFont:
        """Return its font, as large as the bundled `face`."""
        return face if self.font is None else open_font(self.font, round(face.size))


def _joins(c: str) -> bool:
    indic = any(low <= ord(c) <= high for low, high in _JOINING)
    return indic or unicodedata.bidirectional(c) in ("R", "AL") or unicodedata.category(c).startswith("M")


def _follows(c: str) -> bool:
    """Return True for a mark or a joiner, which the font of the letter before it draws."""
    return unicodedata.category(c).startswith("M") or c in "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"


@lru_cache(maxsize=2048)
def runs(text: str) -> tuple[Run, ...]:
    """Split a line into parts, each with a font that has its letters; the bundled one draws what no font has."""
    if text.isascii():
        return (Run(text),)
    text = unicodedata.normalize("NFC", text)
    known = _bundled_letters()
    own = [ord(c) in known for c in text]
    for i in range(1, len(text)):  # a mark belongs to its letter, a space between foreign words to them
        if _follows(text[i]) or (text[i] == " " and own[i + 1 : i + 2] == [False]):
            own[i] = own[i - 1] if _follows(text[i]) else own[i] and own[i - 1]
    found: list[Run] = []
    for is_own, group in itertools.groupby(range(len(text)), key=own.__getitem__):
        part = "".join(text[i] for i in group)
        found += [Run(part)] if is_own else _foreign_runs(part)
    joined = itertools.groupby(found, key=lambda run: run.font)
    return tuple(Run("".join(run.text for run in each), one) for one, each in joined)


@cache
def _bundled_letters() -> frozenset[int]:
    return letters_of(FontFile(str(font(16).path)))


def _foreign_runs(text: str) -> list[Run]:
    """Split a text that the bundled font lacks: one font for all of it, or else for each letter with its marks."""
    if (whole := fallback(text)) is not None:
        return [Run(text, whole)]
    letters: list[str] = []
    for c in text:
        if letters and (_follows(c) or c == " "):
            letters[-1] += c
        else:
            letters.append(c)
    return [Run(each, fallback(each)) for each in letters]


def text_width(text: str, face: ImageFont.FreeTypeFont) -> float:
    """Return the width of a line in px."""
    return sum(run.face(face).getlength(run.text) for run in runs(text))


def shorten(text: str, width: int, face: ImageFont.FreeTypeFont) -> str:
    """Cut the text with an ellipsis if it is wider than `width` px."""
    if text_width(text, face) <= width:
        return text
    low, high = 0, len(text)  # `low` letters fit beside the ellipsis
    while high - low > 1:
        middle = (low + high) // 2
        fits = text_width(text[:middle] + ELLIPSIS, face) <= width
        low, high = (middle, high) if fits else (low, middle)
    return text[:low].rstrip() + ELLIPSIS


def draw_text(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    color: str,
    face: ImageFont.FreeTypeFont,
    anchor: str = "la",
) -> None:
    """Draw a line with the bundled `face`, and with other fonts on the same baseline for the letters that it lacks.

    `anchor` is Pillow's: "l" or "r" for the left or right end at `place`, "a" or "m" for the top or the middle.
    """
    parts = runs(text)
    if all(run.font is None for run in parts):
        draw.text(place, text, color, face, anchor=anchor)
        return
    x, y = place
    ascent, descent = face.getmetrics()
    x -= text_width(text, face) if anchor[0] == "r" else 0
    baseline = y + (ascent if anchor[1] == "a" else (ascent - descent) / 2)
    for run in parts:
        draw.text((x, baseline), run.text, color, run.face(face), anchor="ls")
        x += run.face(face).getlength(run.text)


def font_warning(texts: Iterable[str]) -> str:
    """Return a sentence about the letters that no font here has, or that cannot be joined; "" if all can be drawn."""
    parts = [run for text in dict.fromkeys(texts) for run in runs(text)]
    known = _bundled_letters()
    lacking = dict.fromkeys(c for run in parts if run.font is None for c in run.text if ord(c) not in known)
    if letters := "".join(c for c in lacking if not c.isspace() and c.isprintable()):
        return (
            f"No font on this computer has the letters {shortened(letters, 12)}: they are missing, or boxes stand "
            "for them. Install a font that has them, such as Noto Sans, and export again."
        )
    if any(run.is_shaped for run in parts) and not features.check("raqm"):
        return (
            "Letters that join or run from right to left are set one by one, since Pillow finds no Raqm and FriBidi. "
            "Install them, and export again."
        )
    return ""


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
    if text_width(label, strong) > right - left:
        label = f"{value:.2f}"
    draw_text(draw, (left, top), label, PRINT.ink, strong)
    room = right - left - text_width(label, strong) - size
    if note and text_width(note, font(size)) <= room:
        draw_text(draw, (right, top), note, PRINT.muted, font(size), anchor="ra")


def _bar(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], share: float, color: str) -> None:
    """Draw a bar filled to `share`, with a tick where a two-class verdict changes."""
    left, top, right, bottom = box
    draw.rectangle(box, fill=PRINT.line)
    draw.rectangle((left, top, left + round(share * (right - left)), bottom), fill=color)
    middle = (left + right) // 2
    draw.line((middle, top - 3, middle, bottom + 3), fill=PRINT.ink, width=1)
