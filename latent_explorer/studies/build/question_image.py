# SPDX-License-Identifier: MIT
"""A question as a picture and as a GIF: four tiles, each with a caption, in two frames, before and after.

The published composition with more space between the halves: examples in the left column, choices in the right one;
verbal questions as a row. The page shows the same picture tile by tile, so the distances must not depend on the
question.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from latent_explorer.common.palette import PRINT
from latent_explorer.media.drawing import draw_text, fit, font

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.studies.build.plan import Kind
    from latent_explorer.studies.build.texts import StudyTexts

Pair = tuple[np.ndarray, np.ndarray]  # before and after, (H, W, 3) uint8 each

GAP = 24  # px between tiles of 512 px; published: 2
_SAMPLE = 30_000  # pixels that a palette is made from
STRIP = 9  # the line below a tile is a ninth of its side
# Column and row of the tiles: example, example, choice 1, choice 2; a row of four.
PLACES = {"classification": ((0, 0), (0, 1), (1, 0), (1, 1)), "verbal": ((0, 0), (1, 0), (2, 0), (3, 0))}
GRID = {"classification": (2, 2), "verbal": (4, 1)}  # columns, rows


def panel(pairs: Sequence[Pair], kind: Kind, tile: int, texts: StudyTexts) -> Pair:
    """Return the two frames of a question. `pairs` are its tiles, enlarged with Lanczos to `tile` px."""
    return _frame(pairs, kind, tile, texts, 0), _frame(pairs, kind, tile, texts, 1)


def panel_size(kind: Kind, tile: int) -> tuple[int, int]:
    """Return the (width, height) of a question's frames, px."""
    (columns, rows), gap = GRID[kind], _gap(tile)
    return columns * (tile + gap) - gap, rows * (tile + tile // STRIP + gap) - gap


def _gap(tile: int) -> int:
    return max(2, GAP * tile // 512)


def _frame(pairs: Sequence[Pair], kind: Kind, tile: int, texts: StudyTexts, state: int) -> np.ndarray:
    canvas = Image.new("RGB", panel_size(kind, tile), PRINT.paper)
    draw = ImageDraw.Draw(canvas)
    strip, gap = tile // STRIP, _gap(tile)
    size = max(9, strip * 5 // 8)
    for place, (pair, (column, row)) in enumerate(zip(pairs, PLACES[kind], strict=True)):
        x, y = column * (tile + gap), row * (tile + strip + gap)
        canvas.paste(Image.fromarray(fit(pair[state], tile, tile)), (x, y))
        middle = y + tile + strip // 2
        face = font(size, semibold=True)
        draw_text(draw, (x, middle), _label(kind, place, texts), PRINT.ink, face, anchor="lm")
        label = texts.word("show_after" if state else "show_before")
        ink, face = (PRINT.ink, face) if state else (PRINT.muted, font(size))
        draw_text(draw, (x + tile, middle), label, ink, face, anchor="rm")
    return np.asarray(canvas)


def _label(kind: Kind, place: int, texts: StudyTexts) -> str:
    if kind == "verbal":
        return texts.word("picture").format(n=place + 1)
    name = "example" if place < 2 else "choice"
    return texts.word(name).format(n=place % 2 + 1)


def drawn(image: np.ndarray, effect: str) -> np.ndarray:
    """Return the picture (H, W, 3) uint8 with a conspicuous change, one of `plan.EFFECTS`."""
    return _EFFECTS[effect](image.copy())


def _dark(image: np.ndarray) -> np.ndarray:
    # A black picture cannot get darker, so it is also lit from the side.
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


def with_one_palette(frames: Sequence[np.ndarray]) -> list[Image.Image]:
    """Quantize frames, (H, W, 3) uint8 of one size, to one palette of 256 colours, without dithering.

    With one palette, pixels that do not change do not flicker. Animations with many frames have a palette per frame
    (`media.animation.gif`).
    """
    height = frames[0].shape[0]
    tall = np.concatenate(list(frames))
    # About _SAMPLE pixels give as good a palette as all of them, in a fraction of the time; the search for better
    # colours ends when less than a hundredth of the pixels change their colour. On questions about leaves this gives
    # 39.8 dB; MAXCOVERAGE alone gives 37 dB, and so does a palette per frame, which flickers.
    step = max(1, math.isqrt(tall.shape[0] * tall.shape[1] // _SAMPLE))
    thinned = Image.fromarray(np.ascontiguousarray(tall[::step, ::step]))
    enough = max(1, thinned.width * thinned.height // 100)
    palette = thinned.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=enough, dither=Image.Dither.NONE)
    whole = Image.fromarray(tall).quantize(palette=palette, dither=Image.Dither.NONE)
    return [whole.crop((0, i * height, whole.width, (i + 1) * height)) for i in range(len(frames))]


def moving_gif(frames: Sequence[Image.Image], seconds: float) -> bytes:
    """Encode the frames as a GIF that loops forever, `seconds` per frame (whole hundredths), without metadata."""
    duration = 10 * round(100 * seconds)
    return still_gif(frames[0], save_all=True, append_images=list(frames[1:]), duration=duration, loop=0)


def still_gif(frame: Image.Image, **options: object) -> bytes:
    """Encode one frame as a GIF; `options` are passed to Pillow."""
    buffer = io.BytesIO()
    frame.save(buffer, "GIF", optimize=False, **options)
    return buffer.getvalue()
