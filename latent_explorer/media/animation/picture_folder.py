# SPDX-License-Identifier: MIT
"""A folder of numbered PNG pictures, one a frame, each with its recipe. No animation file here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.media.png import NO_TEXTS, Texts, png_bytes

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from latent_explorer.media.animation.base_encoder import EncoderOptions


class PictureFolder:
    """Writes frames as they come into a folder that is there already."""

    def __init__(self, path: Path, encoder_options: EncoderOptions) -> None:  # noqa: ARG002  # as all encoders are made
        self._folder = path
        self._count = 0
        self._shape: tuple[int, ...] = ()

    def add(self, image: np.ndarray, texts: Texts = NO_TEXTS) -> None:
        """One more frame, (H, W, 3) uint8."""
        self._shape = self._shape or image.shape
        if image.shape != self._shape:
            raise ValueError(f"all frames need one size, not {self._shape} and {image.shape}")
        (self._folder / f"frame_{self._count:05d}.png").write_bytes(png_bytes(image, texts))
        self._count += 1

    def finish(self) -> None:
        """Every picture is a file of its own already."""

    def close(self) -> None:
        """Nothing is open."""
