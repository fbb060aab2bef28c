# SPDX-License-Identifier: MIT
"""TIFF and PNG files of any number type, as microscopes, scanners and scientific programs write them."""

from __future__ import annotations

import struct
import zlib

import numpy as np

KINDS = {"u": 1, "i": 2, "f": 3}


def tiff(
    values: np.ndarray,
    *,
    colours: int | None = None,
    planes: bool = False,
    tile: int = 0,
    rows: int = 0,
    deflate: bool = False,
    predictor: int = 1,
    order: str = "<",
    extra: tuple[int, ...] = (),
    turn: int = 1,
    big: bool = False,
    tags: dict[int, tuple[str, list[float]]] | None = None,
) -> bytes:
    """Return a TIFF of `values` (H, W) or (H, W, C). `colours` is the photometric tag; `rows` those of a strip."""
    values = values[:, :, None] if values.ndim == 2 else values
    height, width, channels = values.shape
    dtype = values.dtype.newbyteorder(order)
    parts = []
    for part in np.moveaxis(values, -1, 0)[..., None] if planes else [values]:
        if tile:
            padded = np.zeros((-(-height // tile) * tile, -(-width // tile) * tile, part.shape[2]), values.dtype)
            padded[:height, :width] = part
            parts += [
                padded[y : y + tile, x : x + tile]
                for y in range(0, padded.shape[0], tile)
                for x in range(0, padded.shape[1], tile)
            ]
        else:
            step = rows or height
            parts += [part[y : y + step] for y in range(0, height, step)]
    chunks = [_packed(part, dtype, predictor, deflate) for part in parts]
    more = {
        256: ("I", [width]), 257: ("I", [height]), 258: ("H", [8 * dtype.itemsize] * channels),
        259: ("H", [8 if deflate else 1]), 262: ("H", [(2 if channels >= 3 else 1) if colours is None else colours]),
        274: ("H", [turn]), 277: ("H", [channels]), 284: ("H", [2 if planes else 1]), 317: ("H", [predictor]),
        339: ("H", [KINDS[dtype.kind]] * channels),
        (325 if tile else 279): ("I", list(map(len, chunks))), (324 if tile else 273): ("I", [0] * len(chunks)),
        **({322: ("H", [tile]), 323: ("H", [tile])} if tile else {278: ("I", [rows or height])}),
        **({338: ("H", list(extra))} if extra else {}), **(tags or {}),
    }  # fmt: skip
    where = 324 if tile else 273
    offset, room = ("Q", 8) if big else ("I", 4)
    start = (16 + 8 + 20 * len(more) + 8) if big else (8 + 2 + 12 * len(more) + 4)
    spill = sum(n for kind, listed in more.values() if (n := struct.calcsize(f"<{len(listed)}{kind}")) > room)
    more[where] = ("I", [start + spill + sum(map(len, chunks[:i])) for i in range(len(chunks))])
    directory, lists = struct.pack(f"{order}{'Q' if big else 'H'}", len(more)), b""
    for tag in sorted(more):
        kind, listed = more[tag]
        body = struct.pack(f"{order}{len(listed)}{kind}", *listed)
        number = {"H": 3, "I": 4, "f": 11, "h": 8}[kind]
        place = body.ljust(room, b"\0") if len(body) <= room else struct.pack(f"{order}{offset}", start + len(lists))
        directory += struct.pack(f"{order}HH{offset}", tag, number, len(listed)) + place
        lists += body if len(body) > room else b""
    mark = b"II" if order == "<" else b"MM"
    head = struct.pack(f"{order}HHHQ", 43, 8, 0, 16) if big else struct.pack(f"{order}HI", 42, 8)
    return mark + head + directory + bytes(room) + lists + b"".join(chunks)


def _packed(part: np.ndarray, dtype: np.dtype, predictor: int, deflate: bool) -> bytes:
    if predictor == 2:
        whole = np.dtype(f"u{dtype.itemsize}")
        flat = np.ascontiguousarray(part).view(whole)
        part = np.diff(flat, axis=1, prepend=np.zeros_like(flat[:, :1])).view(part.dtype)
    body = np.ascontiguousarray(part.astype(dtype))
    if predictor == 3:
        rows, channels = len(part), part.shape[2]
        flat = np.ascontiguousarray(part.astype(dtype.newbyteorder(">")))
        planes = flat.view(np.uint8).reshape(rows, -1, dtype.itemsize).swapaxes(1, 2).reshape(rows, -1, channels)
        body = np.diff(planes, axis=1, prepend=np.zeros_like(planes[:, :1]))
    return zlib.compress(body.tobytes()) if deflate else body.tobytes()


def png16(values: np.ndarray) -> bytes:
    """Return a PNG of (H, W) or (H, W, 3 or 4) uint16."""
    kind = {2: 0, 3: {3: 2, 4: 6}.get(values.shape[-1], 0)}[values.ndim]
    height, width = values.shape[:2]
    lines = values.astype(">u2").reshape(height, -1).view(np.uint8)
    body = b"".join(b"\0" + line.tobytes() for line in lines)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")
