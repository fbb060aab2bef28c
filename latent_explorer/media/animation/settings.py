# SPDX-License-Identifier: MIT
"""The settings of an animation and its formats. Nothing is drawn here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

# GIF counts time in hundredths of a second, so only these rates are exact; browsers slow down faster ones.
FPS = (10.0, 12.5, 20.0, 25.0, 50.0)
SIZES = (128, 192, 256, 384, 512, 768, 1024)  # px, offered beside the model's own
MIN_SIZE, MAX_SIZE = 16, 4096
LOSSLESS = 100
# By the ending of the file; a name without one is a folder of pictures.
FORMATS = {
    ".gif": "GIF",
    ".webp": "Animated WebP",
    ".png": "Animated PNG (APNG)",
    ".mp4": "MP4 video (H.264)",
    ".webm": "WebM video (VP9)",
    "": "Folder of PNG pictures",
    ".csv": "Table of probabilities (CSV)",
}
VIDEO = (".mp4", ".webm")
ALWAYS_LOSSLESS = (".png", "")


class AnimationSettings(msgspec.Struct, frozen=True):
    """Settings of an animation. Every field has a default."""

    size: int = 0  # px, the longer side of a picture; 0: enlarged as exported pictures are, 8 times at 64 px
    fps: float = 20.0
    loop: bool = True
    ping_pong: bool = False  # also play backwards
    caption: bool = False  # the target's probability in words
    bar: bool = False  # the same as a bar
    before_after: bool = False  # the picture without its edits on the left
    quality: int = 90  # 1 to 100; 100 is lossless WebP; GIF: its colours; no effect on PNG
    budget_bytes: int = 0  # upper limit of the file's size; 0: none
    csv: bool = False  # also the probabilities, as a table beside the file

    def checked(self) -> AnimationSettings:
        """Return the settings themselves; raises UserError for a value that is not possible."""
        if self.fps not in FPS:
            offered = ", ".join(f"{fps:g}" for fps in FPS)
            raise UserError(
                f"{self.fps:g} frames per second cannot be kept exactly by every format. Choose one of {offered}."
            )
        if self.size and not MIN_SIZE <= self.size <= MAX_SIZE:
            raise UserError(f"{self.size} px is not a size for an animation. Choose {MIN_SIZE} to {MAX_SIZE} px.")
        if not 1 <= self.quality <= LOSSLESS:
            raise UserError(f"The quality {self.quality} is outside 1 to {LOSSLESS}.")
        if self.budget_bytes < 0:
            raise UserError("The file cannot be smaller than nothing. Choose a larger budget.")
        return self


def format_of(path: Path) -> str:
    """Return the file name's ending in lower case, a key of FORMATS. Raises UserError for any other."""
    suffix = path.suffix.lower()
    if suffix in FORMATS:
        return suffix
    endings = ", ".join(key for key in FORMATS if key)
    raise UserError(
        f"{path.name} ends in {suffix}, which is not an animation. Use {endings}, or a name without an ending "
        "for a folder of pictures."
    )
