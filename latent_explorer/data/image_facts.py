# SPDX-License-Identifier: MIT
"""Facts on one picture file: readable or not and why, size, kind, and digests that tell copies. No sentences."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PIL import Image, ImageOps, UnidentifiedImageError

from latent_explorer.common.errors import UserError
from latent_explorer.data.colour_profiles import profile_name
from latent_explorer.data.deep_pixels import TIFF_MARKS, DeepPicture, Range, of_picture
from latent_explorer.data.images import (
    MAX_PIXELS,
    deep_to_rgb,
    explain_read_errors,
    may_be_deep,
    open_deep,
    open_picture,
    to_rgb,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# Larger JPEGs are decoded at reduced size: every byte is still read, but their pixels are not compared.
WHOLE_PIXELS = 1_500_000
THUMB = 8  # px a side
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
    profile: str = ""  # name of a colour profile other than sRGB
    darkest: int = 0  # of 0 to 255, as grey
    brightest: int = 255
    thumb: bytes = b""  # THUMB x THUMB grey values


def inspect_image(raw: bytes, name: str, ranges: Callable[[str], Range | None] | None = None) -> ImageFacts:
    """Inspect the bytes of a picture; never raises for their content. For `ranges` see `images.read_image`."""
    file = hashlib.blake2b(raw, digest_size=16).digest()
    if not raw:
        return ImageFacts("the file is empty", file=file)
    try:
        with explain_read_errors(name):
            if may_be_deep(raw) and (deep := open_deep(raw, name)) is not None:
                return _look_deep(deep, raw, file, ranges)
            with open_picture(raw, name) as picture:
                return _look(picture, file, ranges)
    except UserError as error:
        return ImageFacts(_problem(error, raw), file=file)


def _look_deep(deep: DeepPicture, raw: bytes, file: bytes, ranges: Callable[[str], Range | None] | None) -> ImageFacts:
    rgb = deep_to_rgb(deep, ranges)
    height, width, channels = deep.values.shape
    if deep.turn in (5, 6, 7, 8):
        width, height = height, width
    return replace(
        _pixels(rgb),
        width=width,
        height=height,
        format="TIFF" if raw[:1] in (b"I", b"M") else "PNG",
        mode="RGB" if channels == 3 else "L",
        high_bit_depth=True,
        rotated=deep.turn in range(2, 9),
        transparent=deep.alpha is not None and bool((deep.alpha < 1).any()),
        file=file,
    )


def _pixels(rgb: Image.Image) -> ImageFacts:
    """Return the facts on the pixels themselves."""
    grey = rgb.convert("L")
    darkest, brightest = grey.getextrema()
    return ImageFacts(
        content=hashlib.blake2b(rgb.tobytes(), digest_size=16, salt=b"%d" % rgb.width).digest(),
        pixels_compared=True,
        darkest=int(darkest),  # type: ignore[arg-type]
        brightest=int(brightest),  # type: ignore[arg-type]
        thumb=grey.resize((THUMB, THUMB), Image.Resampling.BOX).tobytes(),
    )


def _look(picture: Image.Image, file: bytes, ranges: Callable[[str], Range | None] | None) -> ImageFacts:
    width, height = picture.size
    mode, kind, profile = picture.mode, picture.format or "", profile_name(picture)
    pixels_compared = kind not in ("JPEG", "MPO") or width * height <= WHOLE_PIXELS
    if not pixels_compared:
        picture.draft("RGB", (width // 8, height // 8))
    turn = picture.getexif().get(_ORIENTATION, 1)
    if (deep := of_picture(picture)) is not None:
        rgb, transparent = deep_to_rgb(deep, ranges), False
    else:
        upright = ImageOps.exif_transpose(picture)
        transparent = upright.has_transparency_data and any(upright.convert("RGBA").getchannel("A").histogram()[:255])
        rgb = to_rgb(upright)
    facts = _pixels(rgb)
    if not pixels_compared:
        facts = replace(facts, content=file, pixels_compared=False)
    if turn in (5, 6, 7, 8):
        width, height = height, width
    return replace(
        facts,
        width=width,
        height=height,
        format=kind,
        mode="L" if deep is not None else mode,
        high_bit_depth=deep is not None,
        rotated=turn in range(2, 9),
        animated=_is_animated(picture),
        transparent=transparent,
        file=file,
        profile=profile,
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
    if "channels" in str(error):
        return "of several channels, and nothing says which are its colours"
    if cause is None or isinstance(cause, Image.DecompressionBombError):
        return f"larger than {MAX_PIXELS // 1_000_000} million pixels"
    if isinstance(cause, UnidentifiedImageError):
        if raw[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
            return "a HEIC photo, which is not read here"
        if raw[:4] in TIFF_MARKS:
            return "a kind of TIFF that is not read here"
        return "not a picture, whatever its name says"
    if isinstance(cause, EOFError) or any(word in str(cause) for word in ("truncated", "Truncated")):
        return "cut off: the end of the file is missing"
    return "damaged"
