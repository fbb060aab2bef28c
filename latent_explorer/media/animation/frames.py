# SPDX-License-Identifier: MIT
"""Rendered frames of an animation: composing them with captions, and keeping many of them on disk."""

from __future__ import annotations

import tempfile
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.palette import LIGHT
from latent_explorer.media.drawing import export_factor, fit, with_caption

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from latent_explorer.media.animation.settings import AnimationSettings


@dataclass(frozen=True)
class Frame:
    """Rendered picture at the model's own size, and the classifier's probabilities."""

    image: np.ndarray  # (H, W, 3) uint8
    probs: np.ndarray  # (K,) float32
    seconds: float  # from the beginning
    before: np.ndarray | None = None  # (H, W, 3) uint8, the same without edits
    before_probs: np.ndarray | None = None  # (K,)
    texts: dict[str, str] = field(default_factory=dict)  # its recipe, for formats that can carry it


@dataclass(frozen=True)
class CaptionContext:
    """Names that captions and tables use."""

    class_names: tuple[str, ...] = ()
    target: int = 0
    facts: dict[str, str] = field(default_factory=dict)  # classifier, model hash


def picture_size(image: np.ndarray, settings: AnimationSettings) -> tuple[int, int]:
    """Return the width and height in px of one picture of the animation."""
    height, width = image.shape[:2]
    if not settings.size:
        factor = export_factor(image)
        return width * factor, height * factor
    scale = settings.size / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def compose(frame: Frame, settings: AnimationSettings, context: CaptionContext) -> np.ndarray:
    """Return the frame as shown, (H, W, 3) uint8: enlarged, beside its "before", with caption and bar if chosen."""
    before = frame.before if settings.before_after else None
    after = _one(frame.image, frame.probs, "after" if before is not None else "", settings, context)
    if before is None:
        return after
    probs = frame.probs if frame.before_probs is None else frame.before_probs
    left = _one(before, probs, "before", settings, context)
    gap = np.empty((after.shape[0], 2 * max(2, after.shape[1] // 64), 3), np.uint8)
    gap[:] = [int(LIGHT.paper[i : i + 2], 16) for i in (1, 3, 5)]
    return np.concatenate([left, gap, after], axis=1)


def _one(
    image: np.ndarray, probs: np.ndarray, note: str, settings: AnimationSettings, context: CaptionContext
) -> np.ndarray:
    image = fit(image, *picture_size(image, settings))
    if not (settings.caption or settings.bar) or not len(probs):  # there may be no classifier to ask
        return image
    return with_caption(
        image, probs, context.class_names, context.target, note, text=settings.caption, bar=settings.bar
    )


class FrameSpool:
    """Frames kept on disk, for those that are needed twice: on the way back, or for another attempt at a budget.

    A minute at 512 px would not fit into memory. The file has no name (or loses it at the end), so nothing is left
    behind.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by __exit__
        self._places: list[tuple[int, int, int]] = []  # offset, bytes of image, bytes of before
        self._frames: list[Frame] = []  # without their pictures
        self._shape: tuple[int, ...] = ()
        self._end = 0

    def __enter__(self) -> FrameSpool:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Frame]:
        return (self[i] for i in range(len(self)))

    def add(self, frame: Frame) -> None:
        """Add a frame."""
        self._shape = self._shape or frame.image.shape
        if frame.image.shape != self._shape:
            raise ValueError(f"all frames need one size, not {self._shape} and {frame.image.shape}")
        image = zlib.compress(frame.image.tobytes(), 1)
        before = b"" if frame.before is None else zlib.compress(frame.before.tobytes(), 1)
        self._file.seek(self._end)
        self._file.write(image)
        self._file.write(before)
        self._places.append((self._end, len(image), len(before)))
        self._end += len(image) + len(before)
        nothing = np.empty(0, np.uint8)
        self._frames.append(replace(frame, image=nothing, before=None if frame.before is None else nothing))

    def __getitem__(self, index: int) -> Frame:
        offset, first, second = self._places[index]
        self._file.seek(offset)
        image = self._picture(self._file.read(first))
        before = self._picture(self._file.read(second)) if second else None
        return replace(self._frames[index], image=image, before=before)

    def _picture(self, data: bytes) -> np.ndarray:
        try:
            return np.frombuffer(zlib.decompress(data), np.uint8).reshape(self._shape)
        except (zlib.error, ValueError) as error:
            raise UserError(f"The frames kept on the disk cannot be read again ({error}). Export once more.") from error
