# SPDX-License-Identifier: MIT
"""Pictures of more than 8 bits, of signed numbers or of floats: their values as they are, and as 8 bits.

Pillow cuts 16-bit colours to their upper half, wraps signed bytes and large numbers, ignores "white is zero" above 8
bits, scrambles 16-bit planes, and does not open floats in colour. TIFF is therefore unpacked here, strip by strip.
"""

from __future__ import annotations

import io
import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import size_text

if TYPE_CHECKING:
    from latent_explorer.data.sources import Source

SCANNED = 1000  # most pictures of a set whose values decide on its range
BLOCK_ROWS = 512  # converted at once: floats take four times the memory
BATCH_BYTES = 32 << 20  # of strips that are unpacked at once
TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MAX_TAGS = 4096
MAX_BYTES = 640 << 20  # unpacked; 80 million pixels of four times 16 bits
BITS = (8, 10, 12, 14, 15, 16, 20, 24, 32)
OVERSHOOT = 0.2  # of floats meant to be 0 to 1, after filters
# Methods of packing that keep all bits: none, LZW, Deflate, PackBits, LZMA, Zstandard.
_LOSSLESS = frozenset([1, 5, 8, 32773, 32946, 34925, 50000])
_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q"}  # of a tag's values
_SAMPLES = {1: "u", 2: "i", 3: "f", 4: "u"}
_WIDTH, _HEIGHT, _BITS, _PACKING, _COLOURS, _TURN = 256, 257, 258, 259, 262, 274
_STRIPS, _CHANNELS, _ROWS, _STRIP_SIZES, _PLANES, _PREDICTOR = 273, 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_SIZES = 322, 323, 324, 325
_EXTRA, _SAMPLE_FORMAT = 338, 339
_LEAST, _MOST = (340, 280), (341, 281)  # tags of the smallest and the largest value
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2

Range = tuple[float, float]  # values that become 0 and 255
Tags = dict[int, tuple[float, ...]]


@dataclass(frozen=True)
class DeepPicture:
    """Values (H, W, 1 or 3) of any number type; `alpha` (H, W) in 0..1.

    declared  range that the file itself tells
    inverted  the smallest value is white
    turn      EXIF orientation
    """

    values: np.ndarray
    alpha: np.ndarray | None = None
    declared: Range | None = None
    inverted: bool = False
    turn: int = 1

    @property
    def kind(self) -> str:
        """The kind of number: "u", "i" or "f"."""
        return self.values.dtype.kind

    def extremes(self) -> Range:
        """Return the smallest and the largest finite value; 0 and 0 if there is none."""
        values = self.values
        if self.kind == "f":
            values = values[np.isfinite(values)]
        return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)

    def to_8_bits(self, given: Range | None = None) -> Image.Image:
        """Return the picture as 8-bit L or RGB, on black where it is transparent; `given` is the range of its set."""
        low, high = self.declared or given or guess_range(self.kind, *self.extremes())
        scale = 255 / max(high - low, 1e-30)
        out: np.ndarray = np.empty(self.values.shape, np.uint8)
        for top in range(0, len(out), BLOCK_ROWS):
            rows = slice(top, top + BLOCK_ROWS)
            block = (self.values[rows].astype(np.float64) - low) * scale
            block = np.clip(np.nan_to_num(block, posinf=255.0, neginf=0.0), 0, 255)
            if self.inverted:
                block = 255 - block
            if self.alpha is not None:
                block *= self.alpha[rows, :, None]
            out[rows] = np.rint(block)
        return Image.fromarray(out[..., 0] if out.shape[-1] == 1 else out)


def guess_range(kind: str, low: float, high: float) -> Range:
    """Guess which range values of this kind are meant to fill, from the smallest and the largest of them.

    Whole numbers fill 8, 10, 12, 14, 16 or more bits; floats 0 to 1, -1 to 1 or like whole numbers. Anything else with
    negative values (temperatures, Hounsfield units) is spread over what occurs.
    """
    if kind == "f" and low >= -1 - OVERSHOOT and high <= 1 + OVERSHOOT:
        return (0.0, 1.0) if low >= -OVERSHOOT else (-1.0, 1.0)
    if low < 0:
        return low, max(high, low + 1e-6)
    bits = next((bits for bits in BITS if high < 2**bits), None)
    return (0.0, 2.0**bits - 1) if bits else (low, high)


class SetRanges:
    """Ranges of the deep pictures of a source, by kind of number: one for all, so that dark ones stay dark."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._ranges: dict[str, Range] | None = None

    def __call__(self, kind: str) -> Range | None:
        """Return the range for a kind of number; None if no picture of it was found. The first call reads the set."""
        with self._lock:
            if self._ranges is None:
                self._ranges = _ranges_of(self._source)
            return self._ranges.get(kind)


def _ranges_of(source: Source) -> dict[str, Range]:
    found: dict[str, Range] = {}
    names = source.names
    for name in names[:: max(1, -(-len(names) // SCANNED))]:
        try:
            deep = read_deep(source.read(name), name)
        except Exception:
            continue
        if deep is not None and deep.declared is None:
            low, high = deep.extremes()
            before = found.get(deep.kind, (low, high))
            found[deep.kind] = min(low, before[0]), max(high, before[1])
            if deep.kind == "u" and found["u"][1] >= 2**15:
                break  # all 16 bits are used, whatever the others hold
    return {kind: guess_range(kind, *extremes) for kind, extremes in found.items()}


def read_deep(raw: bytes, name: str) -> DeepPicture | None:
    """Return the picture if it is one that Pillow would cut or confuse, else None. Raises what decoders raise."""
    if raw.startswith(TIFF_MARKS):
        return _read_tiff(raw, name)
    if raw.startswith(b"\x89PNG\r\n\x1a\n") and raw[24:25] == b"\x10":
        return _read_png(raw)
    return None


def of_picture(picture: Image.Image) -> DeepPicture | None:
    """Return an opened picture that Pillow holds in more than 8 bits, else None."""
    if picture.mode not in ("I", "F") and not picture.mode.startswith("I;16"):
        return None
    values = np.asarray(picture)
    if picture.mode.startswith("I;16"):
        values = values.astype(np.uint16)
    elif picture.mode == "I" and values.size and values.min() >= 0:
        values = values.astype(np.uint32)
    # These two decoders spread what the file holds over 16 bits.
    declared = (0.0, 65535.0) if picture.format in ("PPM", "JPEG2000") else None
    return DeepPicture(values[:, :, None], None, declared, False, picture.getexif().get(_TURN, 1))


def _read_png(raw: bytes) -> DeepPicture | None:
    """Read 16 bits of a colour: Pillow keeps the upper byte of each, and as "little endian" the lower one."""
    halves = []
    for order in ("B", "L"):
        with Image.open(io.BytesIO(raw), formats=("PNG",)) as picture:
            if picture.mode not in ("RGB", "RGBA"):
                return of_picture(picture)
            picture.tile = [tile._replace(args=f"{picture.mode};16{order}") for tile in picture.tile]
            halves.append(np.asarray(picture).astype(np.uint16))
            turn = picture.getexif().get(_TURN, 1)
    values = halves[0] << 8 | halves[1]
    alpha = values[:, :, 3] / 65535 if values.shape[2] == 4 else None
    return DeepPicture(values[:, :, :3], alpha, turn=turn)


def _read_tiff(raw: bytes, name: str) -> DeepPicture | None:
    tags = _tags(raw)
    bits, kinds = set(tags.get(_BITS, (1,))), set(tags.get(_SAMPLE_FORMAT, (1,)))
    channels, colours = int(_one(tags, _CHANNELS, 1)), int(_one(tags, _COLOURS, BLACK_IS_ZERO))
    if len(bits) != 1 or len(kinds) != 1 or colours > RGB or _one(tags, _PACKING, 1) not in _LOSSLESS:
        return None
    size, kind = int(bits.pop()), int(kinds.pop())
    many = colours < RGB and channels > 2
    if size not in (8, 16, 32, 64) or kind not in _SAMPLES or (size == 8 and kind != 2 and not many):
        return None
    extra = tags.get(_EXTRA, ())
    if colours < RGB and (channels - len(extra) != 1 or 0 in extra):
        raise UserError(
            f"{name} has {channels} channels, and nothing says which are red, green and blue. Export it as RGB or grey."
        )
    dtype = np.dtype(f"{'<' if raw[:1] == b'I' else '>'}{_SAMPLES[kind]}{size // 8}")
    values = _unpacked(raw, name, tags, dtype, channels)
    shown = 3 if colours == RGB else 1
    alpha = None
    if extra and extra[0] in (1, 2) and channels > shown:
        alpha = values[:, :, shown].astype(np.float64) / (np.iinfo(dtype).max if kind != 3 else 1)
        alpha = None if extra[0] == 1 else np.clip(alpha, 0, 1)  # 1: the colours are on black already
    declared = _declared(tags)
    return DeepPicture(values[:, :, :shown], alpha, declared, colours == WHITE_IS_ZERO, int(_one(tags, _TURN, 1)))


def tiff_size(raw: bytes) -> tuple[int, int] | None:
    """Return width and height of a TIFF in px, None if it is none or does not tell."""
    if not raw.startswith(TIFF_MARKS):
        return None
    tags = _tags(raw)
    return (int(tags[_WIDTH][0]), int(tags[_HEIGHT][0])) if {_WIDTH, _HEIGHT} <= tags.keys() else None


def _declared(tags: Tags) -> Range | None:
    """Return the range that a file tells of itself, if it says more than its number of bits does."""
    least = next((tags[tag] for tag in _LEAST if tag in tags), (0,))
    most = next((tags[tag] for tag in _MOST if tag in tags), None)
    bits = int(_one(tags, _BITS, 1))
    if most is None or not min(least) < max(most) or max(most) in (2**bits - 1, 2 ** (bits - 1) - 1):
        return None
    return float(min(least)), float(max(most))


def _tags(raw: bytes) -> Tags:
    """Return the tags of the first picture of a TIFF or BigTIFF whose values are numbers."""
    order = "<" if raw[:1] == b"I" else ">"
    big = raw[2:4] in (b"+\0", b"\0+")
    number, head, room = ("Q", "HHQ", 8) if big else ("I", "HHI", 4)  # of an offset, of an entry, for its values
    (at,) = struct.unpack_from(f"{order}{number}", raw, 8 if big else 4)
    (count,) = struct.unpack_from(f"{order}{'Q' if big else 'H'}", raw, at)
    at += 8 if big else 2
    tags: Tags = {}
    for i in range(min(count, MAX_TAGS)):
        place = at + i * (struct.calcsize(f"={head}") + room)
        tag, kind, n = struct.unpack_from(f"{order}{head}", raw, place)
        if kind not in _FORMATS or n * struct.calcsize(f"={_FORMATS[kind]}") > len(raw):
            continue
        layout = f"{order}{n}{_FORMATS[kind]}"
        start = place + struct.calcsize(f"={head}")
        if struct.calcsize(layout) > room:
            (start,) = struct.unpack_from(f"{order}{number}", raw, start)
        tags[tag] = struct.unpack_from(layout, raw, start)
    return tags


def _one(tags: Tags, tag: int, default: float) -> float:
    return (tags.get(tag) or (default,))[0]


def _unpacked(raw: bytes, name: str, tags: Tags, dtype: np.dtype, channels: int) -> np.ndarray:
    """Return the values (H, W, channels) of strips or tiles, in planes or not."""
    width, height = int(tags[_WIDTH][0]), int(tags[_HEIGHT][0])
    if width * height * channels * dtype.itemsize > MAX_BYTES:
        raise UserError(
            f"{name} would unpack to more than {size_text(MAX_BYTES)} and was not opened. Make it smaller first."
        )
    tiled = _TILES in tags
    across, down = (int(tags[_TILE_WIDTH][0]), int(tags[_TILE_HEIGHT][0])) if tiled else (
        width, min(int(_one(tags, _ROWS, height)), height)
    )  # fmt: skip
    offsets = [int(value) for value in tags[_TILES if tiled else _STRIPS]]
    sizes = [int(value) for value in tags.get(_TILE_SIZES if tiled else _STRIP_SIZES, ())]
    sizes = sizes or [across * down * channels * dtype.itemsize] * len(offsets)
    in_planes = _one(tags, _PLANES, 1) == 2 and channels > 1
    inside = 1 if in_planes else channels  # channels beside each other in a strip
    columns = -(-width // across)
    count = -(-height // down) * columns  # strips or tiles of a plane
    chunks = [raw[at : at + n] for at, n in zip(offsets, sizes, strict=True)]
    planes = []
    for plane in range(channels if in_planes else 1):
        mine = chunks[plane * count : (plane + 1) * count]
        rows = [down] * len(mine)
        if not tiled:
            rows[-1] = height - down * (count - 1)
        lines = _decode(mine, int(_one(tags, _PACKING, 1)), across * inside * dtype.itemsize, rows)
        values = _without_predictor(lines, int(_one(tags, _PREDICTOR, 1)), dtype, inside)
        values = values.reshape(-1, across, inside)
        if tiled:
            values = values.reshape(-1, columns, down, across, inside).swapaxes(1, 2)
            values = values.reshape(-1, columns * across, inside)
        planes.append(values[:height, :width])
    return np.concatenate(planes, axis=2) if in_planes else planes[0]


def _decode(chunks: list[bytes], packing: int, row_bytes: int, rows: list[int]) -> np.ndarray:
    """Return the unpacked bytes of strips as (all rows, row_bytes) uint8: Pillow reads them as if they were grey."""
    if packing == 1:
        whole = b"".join(chunk[: n * row_bytes] for chunk, n in zip(chunks, rows, strict=True))
        return np.frombuffer(whole, np.uint8).reshape(sum(rows), row_bytes)
    parts = []
    step = max(1, BATCH_BYTES // max(1, rows[0] * row_bytes))
    for first in range(0, len(chunks), step):
        mine = chunks[first : first + step]
        file = _grey_tiff(mine, packing, row_bytes, sum(rows[first : first + step]), rows[0])
        with Image.open(io.BytesIO(file), formats=("TIFF",)) as picture:
            parts.append(np.asarray(picture))
    return np.concatenate(parts)


def _grey_tiff(chunks: list[bytes], packing: int, width: int, height: int, rows: int) -> bytes:
    """Return a TIFF of 8-bit grey with these strips."""
    n = len(chunks)
    tags = [
        (_WIDTH, [width]), (_HEIGHT, [height]), (_BITS, [8]), (_PACKING, [packing]), (_COLOURS, [BLACK_IS_ZERO]),
        (_STRIPS, [0] * n), (_CHANNELS, [1]), (_ROWS, [rows]), (_STRIP_SIZES, [len(chunk) for chunk in chunks]),
    ]  # fmt: skip
    lists = 8 + 2 + 12 * len(tags) + 4  # where the values of tags with more than one begin
    data = lists + (8 * n if n > 1 else 0)
    tags[5] = (_STRIPS, [data + sum(len(chunk) for chunk in chunks[:i]) for i in range(n)])
    head, more = struct.pack("<2sHIH", b"II", 42, 8, len(tags)), b""
    for tag, values in tags:
        packed = struct.pack(f"<{len(values)}I", *values)
        inline = packed if len(values) == 1 else struct.pack("<I", lists + len(more))
        head += struct.pack("<HHI", tag, 4, len(values)) + inline
        more += packed if len(values) > 1 else b""
    return b"".join([head, bytes(4), more, *chunks])


def _without_predictor(lines: np.ndarray, predictor: int, dtype: np.dtype, channels: int) -> np.ndarray:
    """Undo the differences of neighbours that rows were packed as; returns (rows, samples)."""
    if predictor == 3:  # floats: bytes by significance, highest first, then differences of bytes
        steps = lines.reshape(len(lines), -1, channels).cumsum(axis=1, dtype=np.uint8)
        planes = steps.reshape(len(lines), dtype.itemsize, -1)
        return np.ascontiguousarray(planes.swapaxes(1, 2)).view(dtype.newbyteorder(">"))[:, :, 0]
    values = np.ascontiguousarray(lines).view(dtype)
    if predictor == 2:
        native = dtype.newbyteorder("=")
        whole = native if native.kind != "f" else np.dtype(f"u{native.itemsize}")
        steps = values.astype(native).view(whole).reshape(len(lines), -1, channels)
        return steps.cumsum(axis=1, dtype=whole).view(native).reshape(len(lines), -1)
    return values


def turned(picture: Image.Image, turn: int) -> Image.Image:
    """Return a picture upright, by its EXIF orientation."""
    method = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(turn)  # fmt: skip
    return picture if method is None else picture.transpose(method)
