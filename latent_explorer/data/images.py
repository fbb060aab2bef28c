# SPDX-License-Identifier: MIT
"""Reading of one picture as (H, W, 3) uint8 RGB, and the two conversions between pixels and network input."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from latent_explorer.common.errors import UserError, unreadable
from latent_explorer.data.colour_profiles import to_srgb
from latent_explorer.data.deep_pixels import TIFF_MARKS, DeepPicture, Range, of_picture, read_deep, tiff_size, turned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Formats that Pillow decodes by itself. Not EPS or PDF, which start other programs.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "TGA", "JPEG2000", "AVIF")
# fmt: off
SUFFIXES = frozenset([
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff",
    ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".jp2", ".avif",
])
# fmt: on
MAX_PIXELS = 80_000_000  # 240 MB as RGB; no camera picture is larger, decompression bombs are
MAX_FILE_BYTES = 256 << 20


def is_image_name(name: str) -> bool:
    """Return True if the ending of a file name is that of a picture."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def read_image(
    source: str | os.PathLike[str] | bytes | Image.Image,
    size: int | None = None,
    *,
    name: str = "",
    ranges: Callable[[str], Range | None] | None = None,
    enlarge: bool = True,
) -> np.ndarray:
    """Read a picture as (H, W, 3) uint8 RGB; with `size`, its middle square at size x size px (LANCZOS).

    Without `enlarge` the square of a smaller picture stays as it is.

    Camera rotation (EXIF) is applied, transparency becomes black, colours become sRGB, and the first frame of an
    animation is taken. More than 8 bits, signed numbers and floats become 8 bits by the range that the file tells, else
    by `ranges` (of the set, by kind of number), else as the picture's own values suggest. `name` is used in messages
    for a `source` that has none (bytes).

    Raises UserError, naming the file, for anything that is not a picture, is damaged or is absurdly large.
    """
    if not name and isinstance(source, (str, os.PathLike)):
        name = os.fspath(source)
    name = name or "The picture"
    with explain_read_errors(name):
        if isinstance(source, Image.Image):
            return _finish(source, size, name, enlarge=enlarge)
        if may_be_deep(source):
            source = source if isinstance(source, bytes) else _bytes_of(source, name)
            if (deep := open_deep(source, name)) is not None:
                return _sized(deep_to_rgb(deep, ranges), size, enlarge)
        with open_picture(source, name) as picture:
            return _finish(picture, size, name, ranges, enlarge)


def may_be_deep(source: str | os.PathLike[str] | bytes) -> bool:
    """Return True if a file may hold more than 8 bits that Pillow would cut, by its first bytes."""
    head = source[:32] if isinstance(source, bytes) else b""
    if not isinstance(source, bytes):
        with open(source, "rb") as file:
            head = file.read(32)
    return head.startswith(TIFF_MARKS) or (head.startswith(b"\x89PNG\r\n\x1a\n") and head[24:25] == b"\x10")


def open_deep(raw: bytes, name: str) -> DeepPicture | None:
    """Return a picture that Pillow would cut or confuse, with its values as they are; None for all others."""
    try:
        with open_picture(raw, name):  # its size is checked
            pass
    except UserError:
        raise
    except Exception:  # not a kind that Pillow knows: its own size is checked below
        if (size := tiff_size(raw)) is None or size[0] * size[1] > MAX_PIXELS:
            raise
    return read_deep(raw, name)


def deep_to_rgb(deep: DeepPicture, ranges: Callable[[str], Range | None] | None = None) -> Image.Image:
    """Return a picture of more than 8 bits upright, as 8-bit RGB."""
    given = ranges(deep.kind) if ranges is not None and deep.declared is None else None
    return turned(deep.to_8_bits(given), deep.turn).convert("RGB")


def _bytes_of(path: str | os.PathLike[str], name: str) -> bytes:
    if os.stat(path).st_size > MAX_FILE_BYTES:
        raise _too_large(name)
    return Path(path).read_bytes()


@contextlib.contextmanager
def explain_read_errors(name: str) -> Iterator[None]:
    """Turn anything that Pillow raises about the picture `name` into a UserError, with the original as its cause."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata, which do not matter here.
            warnings.simplefilter("ignore")
            yield
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"There is no file {name}. Check the path.") from error
    except (PermissionError, IsADirectoryError) as error:
        raise UserError(f"{name} cannot be read: {error.strerror}. Choose a picture file you may read.") from error
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except MemoryError as error:
        raise UserError(f"There is not enough memory to open {name}. Make it smaller first.") from error
    except Exception as error:  # decoders may raise anything for damaged bytes
        raise UserError(
            f"{name} cannot be read as a picture: {error or type(error).__name__}. "
            "It is damaged or of an unknown format; save it again as PNG or JPEG."
        ) from error


def open_picture(source: str | os.PathLike[str] | bytes, name: str) -> Image.Image:
    """Open a picture and read only its header. Raises UserError if it is absurdly large."""
    size = len(source) if isinstance(source, bytes) else os.stat(source).st_size
    if size == 0:
        raise unreadable(name, "picture", "", empty=True)
    if size > MAX_FILE_BYTES:
        raise _too_large(name)
    stream = io.BytesIO(source) if isinstance(source, bytes) else os.fspath(source)
    picture = Image.open(stream, formats=_formats())
    width, height = picture.size
    if width * height > MAX_PIXELS:
        picture.close()
        raise _too_large(name)
    return picture


def to_float(image: np.ndarray) -> np.ndarray:
    """(..., H, W, 3) uint8 -> (..., 3, H, W) float32 in [-1, 1]."""
    return np.ascontiguousarray(np.moveaxis(image, -1, -3), dtype=np.float32) / np.float32(127.5) - np.float32(1)


def to_uint8(img: np.ndarray) -> np.ndarray:
    """(..., 3, H, W) float, clipped to [-1, 1] and rounded -> (..., H, W, 3) uint8; undoes `to_float` exactly."""
    scaled = np.clip((np.nan_to_num(np.asarray(img)) + 1) * 127.5, 0, 255)
    return np.ascontiguousarray(np.moveaxis(np.rint(scaled), -3, -1).astype(np.uint8))


def _too_large(name: str) -> UserError:
    return UserError(
        f"{name} is larger than {MAX_PIXELS // 1_000_000} million pixels and was not opened: "
        "decoding it could fill the memory. Make it smaller first."
    )


@functools.cache
def _formats() -> tuple[str, ...]:
    """Return the FORMATS that this Pillow was built with."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _finish(
    picture: Image.Image,
    size: int | None,
    name: str,
    ranges: Callable[[str], Range | None] | None = None,
    enlarge: bool = True,
) -> np.ndarray:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise _too_large(name)
    if width == 0 or height == 0:
        raise UserError(f"{name} has no pixels. Choose another picture.")
    if (deep := of_picture(picture)) is not None:
        return _sized(deep_to_rgb(deep, ranges), size, enlarge)
    return _sized(to_rgb(ImageOps.exif_transpose(picture)), size, enlarge)


def _sized(rgb: Image.Image, size: int | None, enlarge: bool) -> np.ndarray:
    if size is not None and not enlarge:
        size = min(size, *rgb.size)
    return np.array(rgb if size is None else _square(rgb, size), dtype=np.uint8)


def to_rgb(picture: Image.Image) -> Image.Image:
    """Convert any Pillow mode to 8-bit RGB in the colours of sRGB, with transparency on black."""
    if (deep := of_picture(picture)) is not None:
        return deep.to_8_bits().convert("RGB")
    picture = to_srgb(picture)
    if picture.mode == "RGB" and "transparency" not in picture.info:
        return picture
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, picture).convert("RGB")
    return picture.convert("RGB")


def _square(picture: Image.Image, size: int) -> Image.Image:
    """Return the middle square at size x size px; a picture of that size is returned as it is."""
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    if (width, height) == (size, size):
        return picture
    return picture.resize((size, size), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))
