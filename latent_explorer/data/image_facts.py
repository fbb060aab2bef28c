# SPDX-License-Identifier: MIT
"""Facts on one picture file: readable or not and why, size, kind, and digests that tell copies. No sentences."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from latent_explorer.common.errors import UserError
from latent_explorer.data.images import MAX_PIXELS, explain_read_errors, open_picture, to_rgb

# Larger JPEGs are decoded at reduced size: every byte is still read, but their pixels are not compared.
WHOLE_PIXELS = 1_500_000
_ORIENTATION = 0x0112  # EXIF


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Facts on a picture. `problem` is "" if it is readable; otherwise only `file` may be set besides."""

    problem: str = ""
    width: int = 0  # px, upright
    height: int = 0
    format: str = ""
    mode: str = ""  # Pillow's
    high_bit_depth: bool = False  # more than 8 bits a channel
    rotated: bool = False  # according to the camera's EXIF mark
    animated: bool = False
    transparent: bool = False  # at least one pixel is
    content: bytes = b""  # equal for equal pixels where `pixels_compared`, else for equal bytes
    file: bytes = b""  # equal for equal bytes
    pixels_compared: bool = False


def inspect_image(raw: bytes, name: str) -> ImageFacts:
    """Inspect the bytes of a picture; never raises for their content."""
    file = hashlib.blake2b(raw, digest_size=16).digest()
    if not raw:
        return ImageFacts("the file is empty", file=file)
    try:
        with explain_read_errors(name), open_picture(raw, name) as picture:
            return _look(picture, raw, file)
    except UserError as error:
        return ImageFacts(_problem(error, raw), file=file)


def _look(picture: Image.Image, raw: bytes, file: bytes) -> ImageFacts:
    width, height = picture.size
    mode, kind = picture.mode, picture.format or ""
    pixels_compared = kind not in ("JPEG", "MPO") or width * height <= WHOLE_PIXELS
    if not pixels_compared:
        picture.draft("RGB", (width // 8, height // 8))
    turn = picture.getexif().get(_ORIENTATION, 1)
    upright = ImageOps.exif_transpose(picture)
    transparent = upright.has_transparency_data and any(upright.convert("RGBA").getchannel("A").histogram()[:255])
    deep_png = raw.startswith(b"\x89PNG\r\n\x1a\n") and raw[24:25] == b"\x10"  # 16 bits a channel
    content = file
    if pixels_compared:
        rgb = to_rgb(upright)
        content = hashlib.blake2b(rgb.tobytes(), digest_size=16, salt=b"%d" % rgb.width).digest()
    if turn in (5, 6, 7, 8):
        width, height = height, width
    return ImageFacts(
        width=width,
        height=height,
        format=kind,
        mode=mode,
        high_bit_depth=mode in ("I", "F") or mode.startswith("I;16") or deep_png,
        rotated=turn in range(2, 9),
        animated=_is_animated(picture),
        transparent=transparent,
        content=content,
        file=file,
        pixels_compared=pixels_compared,
    )


def _is_animated(picture: Image.Image) -> bool:
    if picture.format == "MPO":  # a photo and its small copy
        return False
    with contextlib.suppress(Exception):  # the first frame was read; damage in the others does not matter
        return bool(getattr(picture, "is_animated", False))
    return True


def _problem(error: UserError, raw: bytes) -> str:
    """Return why a picture cannot be read, in a few words."""
    cause = error.__cause__
    if cause is None or isinstance(cause, Image.DecompressionBombError):
        return f"larger than {MAX_PIXELS // 1_000_000} million pixels"
    if isinstance(cause, UnidentifiedImageError):
        if raw[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
            return "a HEIC photo, which is not read here"
        return "not a picture, whatever its name says"
    if isinstance(cause, EOFError) or any(word in str(cause) for word in ("truncated", "Truncated")):
        return "cut off: the end of the file is missing"
    return "damaged"
