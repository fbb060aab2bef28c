# SPDX-License-Identifier: MIT
"""Animated PNG, written frame by frame without loss: only the box that changed of each frame.

Format: W3C, Portable Network Graphics (Third Edition), section 11.3.6.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from latent_explorer.media.animation.base_encoder import EncoderOptions, FileEncoder, crop_box
from latent_explorer.media.png import NO_TEXTS, Texts, png_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class ApngEncoder(FileEncoder):
    def __init__(self, path: Path, encoder_options: EncoderOptions) -> None:
        super().__init__(path, encoder_options)
        self._sequence = 0
        self._head = 0  # position of the number of frames

    def add(self, image: np.ndarray, texts: Texts = NO_TEXTS) -> None:
        """Add a frame, (H, W, 3) uint8. The file carries the texts of the first."""
        box = self.changes.of(image)[0]
        data = png_bytes(crop_box(image, box), NO_TEXTS if self.frames else texts)
        if not self.frames:
            self._begin(data)
        left, top, right, bottom = box
        place = struct.pack(">IIII", right - left, bottom - top, left, top)
        self._chunk(b"fcTL", self._next() + place + struct.pack(">HHBB", next(self.times), 1000, 0, 0))
        for name, part in _chunks(data):
            if name == b"IDAT":
                self._chunk(*((b"fdAT", self._next() + part) if self.frames else (name, part)))
        self.frames += 1

    def finish(self) -> None:
        """Write the end, and the number of frames at the beginning."""
        self._chunk(b"IEND", b"")
        self.file.seek(self._head)
        self._control()
        self.file.flush()

    def _begin(self, first: bytes) -> None:
        self.file.write(_SIGNATURE)
        for name, part in _chunks(first):
            if name == b"IHDR":
                self._chunk(name, part)
                self._head = self.file.tell()
                self._control()
            elif name == b"iTXt":
                self._chunk(name, part)

    def _control(self) -> None:
        plays = 0 if self.encoder_options.loop else 1  # 0: for ever
        self._chunk(b"acTL", struct.pack(">II", self.frames, plays))

    def _next(self) -> bytes:
        self._sequence += 1
        return struct.pack(">I", self._sequence - 1)

    def _chunk(self, name: bytes, data: bytes) -> None:
        check = zlib.crc32(name + data)
        self.file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", check))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGNATURE)
    while place < len(data):
        (size,) = struct.unpack_from(">I", data, place)
        yield data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        place += size + 12
