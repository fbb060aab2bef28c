# SPDX-License-Identifier: MIT
"""Animated WebP, written frame by frame, lossy or lossless: only the box that changed of each frame.

Format: WebP Container Specification, RFC 9649, section 2.7.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

from PIL import Image

from latent_explorer.media.animation.base_encoder import FileEncoder, crop_box
from latent_explorer.media.png import NO_TEXTS, Texts

if TYPE_CHECKING:
    import numpy as np


MAX_SIDE = 16383
_LOSSLESS = 100
_ANIMATED = 0x02
_NO_BLENDING = 0x02


class WebpEncoder(FileEncoder):
    def add(self, image: np.ndarray, texts: Texts = NO_TEXTS) -> None:  # noqa: ARG002  # carries none
        """Add a frame, (H, W, 3) uint8."""
        if not self.frames:
            self._begin(image)
        left, top, right, bottom = self.changes.of(image)[0]
        left, top = left & ~1, top & ~1  # offsets are stored in units of two pixels
        place = _three(left // 2) + _three(top // 2)
        size = _three(right - left - 1) + _three(bottom - top - 1)
        head = place + size + _three(next(self.times)) + bytes([_NO_BLENDING])
        self._chunk(b"ANMF", head + self._picture(crop_box(image, (left, top, right, bottom))))
        self.frames += 1

    def finish(self) -> None:
        """Write the size of the file at its beginning."""
        size = self.file.tell()
        self.file.seek(4)
        self.file.write(struct.pack("<I", size - 8))
        self.file.flush()

    def _begin(self, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        self.file.write(b"RIFF\0\0\0\0WEBP")
        canvas = _three(width - 1) + _three(height - 1)
        self._chunk(b"VP8X", bytes([_ANIMATED, 0, 0, 0]) + canvas)
        self._chunk(b"ANIM", b"\xff\xff\xff\xff" + struct.pack("<H", 0 if self.encoder_options.loop else 1))

    def _picture(self, image: np.ndarray) -> bytes:
        """Return the chunks of one picture, extracted from a simple WebP file (without VP8X) by Pillow."""
        buffer = io.BytesIO()
        lossless = self.encoder_options.quality >= _LOSSLESS
        quality = 75 if lossless else self.encoder_options.quality  # of a lossless file: the effort
        Image.fromarray(image).save(buffer, "WEBP", lossless=lossless, quality=quality, method=4)
        data = buffer.getvalue()
        if data[12:15] != b"VP8" or data[15:16] not in b" L":
            raise ValueError(f"a picture without transparency became a chunk {data[12:16]!r}")
        return data[12:]

    def _chunk(self, name: bytes, data: bytes) -> None:
        self.file.write(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2))


def _three(number: int) -> bytes:
    return struct.pack("<I", number)[:3]
