# SPDX-License-Identifier: MIT
"""One question as a picture: four tiles, each with a line below it, in two frames, before and after.

The published composition with room between the halves: examples in the left column, choices in the right one; verbal
questions as a row. The page shows the same picture tile by tile, so the distances must not depend on the question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from latent_explorer.common.palette import LIGHT
from latent_explorer.media.drawing import fit, font

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.studies.build.plan import Kind
    from latent_explorer.studies.build.texts import StudyTexts

Pair = tuple[np.ndarray, np.ndarray]  # before and after, (H, W, 3) uint8 each

GAP = 24  # px between tiles of 512 px; published: 2
STRIP = 9  # the line below a tile is a ninth of its side
# Column and row of the tiles: example, example, choice 1, choice 2; a row of four.
PLACES = {
    "classification": ((0, 0), (0, 1), (1, 0), (1, 1)),
    "verbal": ((0, 0), (1, 0), (2, 0), (3, 0)),
}
GRID = {"classification": (2, 2), "verbal": (4, 1)}  # columns, rows


def panel(pairs: Sequence[Pair], kind: Kind, tile: int, texts: StudyTexts) -> Pair:
    """The two frames of a question. `pairs` are its tiles, enlarged with Lanczos to `tile` px."""
    return _frame(pairs, kind, tile, texts, 0), _frame(pairs, kind, tile, texts, 1)


def panel_size(kind: Kind, tile: int) -> tuple[int, int]:
    """(width, height) of a question's frames, px."""
    (columns, rows), gap = GRID[kind], _gap(tile)
    return columns * (tile + gap) - gap, rows * (tile + tile // STRIP + gap) - gap


def _gap(tile: int) -> int:
    return max(2, GAP * tile // 512)


def _frame(pairs: Sequence[Pair], kind: Kind, tile: int, texts: StudyTexts, state: int) -> np.ndarray:
    canvas = Image.new("RGB", panel_size(kind, tile), LIGHT.paper)
    draw = ImageDraw.Draw(canvas)
    strip, gap = tile // STRIP, _gap(tile)
    size = max(9, strip * 5 // 8)
    for place, (pair, (column, row)) in enumerate(zip(pairs, PLACES[kind], strict=True)):
        x, y = column * (tile + gap), row * (tile + strip + gap)
        canvas.paste(Image.fromarray(fit(pair[state], tile, tile)), (x, y))
        middle = y + tile + strip // 2
        face = font(size, semibold=True)
        draw.text((x, middle), _label(kind, place, texts), LIGHT.ink, face, anchor="lm")
        said = texts.word("show_after" if state else "show_before")
        ink, face = (LIGHT.ink, face) if state else (LIGHT.muted, font(size))
        draw.text((x + tile, middle), said, ink, face, anchor="rm")
    return np.asarray(canvas)


def _label(kind: Kind, place: int, texts: StudyTexts) -> str:
    if kind == "verbal":
        return texts.word("picture").format(n=place + 1)
    name = "example" if place < 2 else "choice"
    return texts.word(name).format(n=place % 2 + 1)


def drawn(image: np.ndarray, effect: str) -> np.ndarray:
    """The picture (H, W, 3) uint8 with an unmistakable change of `plan.EFFECTS`, whatever it shows."""
    return _EFFECTS[effect](image.copy())


def _dark(image: np.ndarray) -> np.ndarray:
    # A black picture cannot get darker: it is lit from the side as well.
    ramp = np.linspace(0.15, 0.45, image.shape[1])[None, :, None]
    return (image * ramp + 8).astype(np.uint8)


def _blue(image: np.ndarray) -> np.ndarray:
    mixed: np.ndarray = (0.45 * image + 0.55 * np.array([20, 60, 220])).astype(np.uint8)
    return mixed


def _frame_of(image: np.ndarray) -> np.ndarray:
    edge = max(2, image.shape[0] // 12)
    inner = image[edge:-edge, edge:-edge].copy()
    image[:] = (230, 159, 0)
    image[edge:-edge, edge:-edge] = inner
    return image


def _bar(image: np.ndarray) -> np.ndarray:
    middle, half = image.shape[0] // 2, max(2, image.shape[0] // 10)
    image[middle - half : middle + half] = (204, 121, 167)
    return image


_EFFECTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "dark": _dark,
    "frame": _frame_of,
    "blue": _blue,
    "bar": _bar,
}
