# SPDX-License-Identifier: MIT
"""MP4 (H.264) and WebM (VP9) through PyAV, the extra `video`, which is imported only when a video is written.

Both are 4:2:0 with BT.709 colours, which the file states: every browser and presentation program plays them with the
right colours.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.paths import is_frozen
from latent_explorer.media.png import NO_TEXTS, Texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from latent_explorer.media.animation.base_encoder import EncoderOptions

INSTALL = 'python -m pip install "latent-explorer[video]"'
KEY_SECONDS = 5  # between key frames, so that seeking stays fast
_BT709, _LIMITED = 1, 1  # ITU-T H.273, tables 2 to 4, and ffmpeg's AVCOL_RANGE_MPEG


def load_av() -> Any:
    """Import PyAV; raises UserError with the command that installs it if it is missing."""
    try:
        import av
    except ImportError as error:
        if is_frozen():
            raise UserError(
                "Videos need the package PyAV, which the installed program leaves out for its size. "
                "Choose GIF or WebP, or run the program from Python."
            ) from error
        raise UserError(
            f"Videos need the package PyAV, which is not installed. Install it by: {INSTALL} (or choose GIF or WebP)."
        ) from error
    return av


def all_frames(path: Path) -> Iterator[np.ndarray]:
    """Yield the frames of a video that was written here, (H, W, 3) uint8, as a player shows them."""
    with load_av().open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.reformat(format="rgb24", src_colorspace=_BT709).to_ndarray()


class VideoEncoder:
    """Encodes MP4 or WebM. Odd sides grow by one pixel, because 4:2:0 needs even sides."""

    def __init__(self, path: Path, encoder_options: EncoderOptions) -> None:
        self._av = load_av()
        self._coding = encoder_options
        self._mp4 = path.suffix.lower() != ".webm"
        self._container = self._av.open(
            str(path),
            "w",
            format="mp4" if self._mp4 else "webm",
            # No random numbers or dates: the same frames give the same bytes.
            options={"fflags": "+bitexact", **({"movflags": "+faststart"} if self._mp4 else {})},
        )
        self._stream: Any = None
        self._count = 0

    def add(self, image: np.ndarray, texts: Texts = NO_TEXTS) -> None:  # noqa: ARG002  # carries none
        """Add a frame, (H, W, 3) uint8."""
        height, width = image.shape[:2]
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        if self._stream is None:
            self._begin(image)
        elif (self._stream.height, self._stream.width) != image.shape[:2]:
            raise ValueError(f"all frames need one size, not also {image.shape}")
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=_BT709)
        frame.pts = self._count
        frame.time_base = self._stream.codec_context.time_base
        self._container.mux(self._stream.encode(frame))
        self._count += 1

    def finish(self) -> None:
        """Write the frames that the encoder still holds, and the index."""
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def close(self) -> None:
        """Close the file, finished or not."""
        try:
            self._container.close()
        except (OSError, self._av.FFmpegError):
            return  # an unfinished file, which is not kept

    def _begin(self, image: np.ndarray) -> None:
        rate = Fraction(self._coding.fps).limit_denominator(100)
        crf, height, width = self._crf(), image.shape[0], image.shape[1]
        if self._mp4:
            # Without mbtree: in x264 it gives different bytes in every run if the width is not a multiple of 128 px.
            options = {"crf": str(crf), "preset": "medium", "x264-params": "mbtree=0"}
        else:
            options = {"crf": str(crf), "b": "0", "deadline": "good", "cpu-used": "4"}
        stream = self._container.add_stream("libx264" if self._mp4 else "libvpx-vp9", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = 1 / rate
        context.gop_size = round(KEY_SECONDS * self._coding.fps)
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED
        self._stream = stream

    def _crf(self) -> int:
        """Return the constant rate factor for a quality of 1 to 100: 90 is 17 for H.264 and 22 for VP9."""
        worst, best = (41, 14) if self._mp4 else (54, 18)
        return round(worst + (best - worst) * self._coding.quality / 100)
