# SPDX-License-Identifier: MIT
"""The encoder of each format, and the number of bytes that frames take. `writer` writes whole animations."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from latent_explorer.media.animation import video
from latent_explorer.media.animation.apng import ApngEncoder
from latent_explorer.media.animation.base_encoder import Encoder, EncoderOptions
from latent_explorer.media.animation.frames import CaptionContext, Frame, compose
from latent_explorer.media.animation.gif import GifEncoder
from latent_explorer.media.animation.settings import VIDEO, AnimationSettings
from latent_explorer.media.animation.video import VideoEncoder
from latent_explorer.media.animation.webp import WebpEncoder
from latent_explorer.media.png import NO_TEXTS, Texts, png_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class PictureFolder:
    """Writes frames as numbered PNG pictures into an existing folder, each with its recipe."""

    def __init__(self, path: Path, encoder_options: EncoderOptions) -> None:  # noqa: ARG002  # as all encoders are made
        self._folder = path
        self._count = 0
        self._shape: tuple[int, ...] = ()

    def add(self, image: np.ndarray, texts: Texts = NO_TEXTS) -> None:
        """Add a frame, (H, W, 3) uint8."""
        self._shape = self._shape or image.shape
        if image.shape != self._shape:
            raise ValueError(f"all frames need one size, not {self._shape} and {image.shape}")
        (self._folder / f"frame_{self._count:05d}.png").write_bytes(png_bytes(image, texts))
        self._count += 1

    def finish(self) -> None:
        pass

    def close(self) -> None:
        pass


_ENCODERS: dict[str, Callable[[Path, EncoderOptions], Encoder]] = {
    ".gif": GifEncoder,
    ".webp": WebpEncoder,
    ".png": ApngEncoder,
    ".mp4": VideoEncoder,
    ".webm": VideoEncoder,
    "": PictureFolder,
}


def check_format(suffix: str) -> None:
    """Raise UserError if the format needs a package that is not installed."""
    if suffix in VIDEO:
        video.load_av()


def open_encoder(path: Path, suffix: str, settings: AnimationSettings) -> Encoder:
    """Open the encoder for the format of `suffix`, which writes to `path`, or into `path` for a folder of pictures."""
    return _ENCODERS[suffix](path, EncoderOptions(settings.fps, settings.loop, settings.quality))


def encoded(
    frames: Iterable[Frame], suffix: str, settings: AnimationSettings, context: CaptionContext, folder: Path
) -> Path:
    """Write a file (or folder) with these frames inside `folder`, for trials."""
    path = folder / f"trial{suffix}"
    if not suffix:
        path.mkdir()
    with closing(open_encoder(path, suffix, settings)) as encoder:
        for frame in frames:
            encoder.add(compose(frame, settings, context), frame.texts)
        encoder.finish()
    return path


def encoded_size(frames: Iterable[Frame], suffix: str, settings: AnimationSettings, context: CaptionContext) -> int:
    """Return the number of bytes that these frames take."""
    with tempfile.TemporaryDirectory(prefix="latent-explorer-") as folder:
        return size_of(encoded(frames, suffix, settings, context, Path(folder)))


def as_shown(frame: Frame, suffix: str, settings: AnimationSettings, context: CaptionContext) -> np.ndarray:
    """Return the frame as a viewer of this format shows it, (H, W, 3) uint8: with its palette and its loss."""
    with tempfile.TemporaryDirectory(prefix="latent-explorer-") as folder:
        path = encoded([frame], suffix, settings, context, Path(folder))
        if suffix in VIDEO:
            return next(video.all_frames(path))
        with Image.open(next(path.iterdir()) if path.is_dir() else path) as picture:
            return np.asarray(picture.convert("RGB"))


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.iterdir())
    return path.stat().st_size
