# SPDX-License-Identifier: MIT
"""Rendered frames on disk, so that a timeline plays in real time. Least recently used files are evicted.

A file holds one frame, named by a hash of everything that determines it: model, device, versions and request. So an
entry is never out of date, only unused. Files are replaced whole and carry a checksum: a crash, a full disk or a
second window cannot make a frame wrong, only absent. (Each window bounds the size by the files that it listed.)
Used on the engine's thread only; independent of timelines.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import logging
import os
import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from latent_explorer import __version__
from latent_explorer.common.paths import atomic_path
from latent_explorer.explain.recipe import Picture, PictureRequest, RenderResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

MAX_BYTES = 256 << 20
SUFFIX = ".frame"
STRAY_SECONDS = 3600  # age from which a temporary file counts as left over from a crash
_RENDER_VERSION = 2  # increase it when the same recipe renders to another result than before


class FrameRequest(msgspec.Struct, frozen=True, cache_hash=True):
    """Request to this model whose picture may come from the cache."""

    request: PictureRequest
    model_hash: str


@dataclass(frozen=True)
class CachedFrame:
    """Answer to a FrameRequest."""

    result: RenderResult
    cached: bool


def cache_scope(model_hash: str, device: str) -> str:
    """Return what determines a picture's bits besides its request: model, device and versions of the code."""
    return f"{model_hash} {device} {__version__} {_RENDER_VERSION} {_torch_version()}"


class FrameCache:
    """Frames in `folder`, at most `max_bytes` of them. No method raises for what the disk does or holds."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._sizes: OrderedDict[str, int] | None = None  # bytes by name, least recently used first
        self._bytes = 0
        self._works = True

    def get_or_render(
        self, request: PictureRequest, scope: str, render: Callable[[PictureRequest], RenderResult]
    ) -> CachedFrame:
        """Return the frame, from the cache or else from `render`; its errors propagate. See `cache_scope`."""
        name = _name(request, scope)
        cached = self.get(name)
        if cached is not None:
            return CachedFrame(cached, True)
        result = render(request)
        self.put(name, result)
        return CachedFrame(result, False)

    def get(self, name: str) -> RenderResult | None:
        """Return the frame kept under the name; None if there is none, or a damaged one."""
        path = self._folder / name
        try:
            result = _decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, ValueError) as error:
            log.info("A cached frame cannot be used: %s", error)
            self._forget(name)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # keeps the order of use across restarts
        if name in self._file_sizes():
            self._file_sizes().move_to_end(name)
        return result

    def put(self, name: str, result: RenderResult) -> None:
        """Store a frame, evicting the least recently used ones if there is no room."""
        if not self._works:
            return
        data = _encode(result)
        if len(data) > self._max_bytes:
            return
        sizes = self._file_sizes()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room(len(data))
            with atomic_path(self._folder / name, durable=False) as temporary:
                temporary.write_bytes(data)
        except OSError as error:
            log.warning("The frame cache is off: %s", error)
            self._works = False
            return
        self._bytes += len(data) - sizes.pop(name, 0)
        sizes[name] = len(data)

    def _file_sizes(self) -> OrderedDict[str, int]:
        """Return the sizes of the files in the folder, listed once. Also removes files left over from crashes."""
        if self._sizes is None:
            self._sizes, self._bytes = OrderedDict(), 0
            for modified, path, size in sorted(self._files()):
                if path.suffix == SUFFIX and not path.name.startswith("."):
                    self._sizes[path.name] = size
                    self._bytes += size
                elif time.time() - modified > STRAY_SECONDS:
                    _remove(path)
        return self._sizes

    def _files(self) -> list[tuple[float, Path, int]]:
        files = []
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                with contextlib.suppress(OSError):
                    stat = path.stat()
                    files.append((stat.st_mtime, path, stat.st_size))
        return files

    def _make_room(self, size: int) -> None:
        if self._bytes + size <= self._max_bytes:
            return
        self._sizes = None  # look again: another window may have used or removed some
        sizes = self._file_sizes()
        # Remove a tenth more than needed, so that the folder is not listed at every frame.
        while sizes and self._bytes + size > 0.9 * self._max_bytes:
            self._forget(next(iter(sizes)))

    def _forget(self, name: str) -> None:
        self._bytes -= self._file_sizes().pop(name, 0)
        _remove(self._folder / name)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _name(request: PictureRequest, scope: str) -> str:
    digest = hashlib.sha256(scope.encode() + b"\n" + msgspec.json.encode(request))
    return digest.hexdigest()[:40] + SUFFIX


@functools.cache
def _torch_version() -> str:
    """Return the version of torch, since versions may round differently. Read without importing it."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version("torch")
    return ""


class _Array(msgspec.Struct, frozen=True, array_like=True):
    dtype: str
    shape: tuple[int, ...]
    data: bytes


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """Frame as it is written. `before` is empty where the picture has no edits: then it is the picture itself."""

    after: tuple[_Array, _Array, _Array]
    before: tuple[_Array, ...]
    styles: _Array
    w_distance: float
    seconds: float
    unlikeness: float | None


def _encode(result: RenderResult) -> bytes:
    same = result.before is result.after
    stored = _Stored(
        after=_picture(result.after),
        before=() if same else _picture(result.before),
        styles=_array(result.styles),
        w_distance=result.w_distance,
        seconds=result.seconds,
        unlikeness=result.unlikeness,
    )
    data = msgspec.msgpack.encode(stored)  # compression would hardly save space and take ten times as long
    return zlib.crc32(data).to_bytes(4, "big") + data


def _decode(data: bytes) -> RenderResult:
    if zlib.crc32(memoryview(data)[4:]).to_bytes(4, "big") != data[:4]:
        raise ValueError("its checksum is another")
    stored = msgspec.msgpack.decode(memoryview(data)[4:], type=_Stored)
    after = Picture(*map(_numpy, stored.after))
    before = Picture(*map(_numpy, stored.before)) if stored.before else after
    styles = _numpy(stored.styles)
    return RenderResult(after, before, styles, stored.w_distance, stored.seconds, unlikeness=stored.unlikeness)


def _picture(picture: Picture) -> tuple[_Array, _Array, _Array]:
    return _array(picture.image), _array(picture.logits), _array(picture.probs)


def _array(array: np.ndarray) -> _Array:
    return _Array(array.dtype.str, array.shape, array.tobytes())


def _numpy(stored: _Array) -> Any:
    return np.frombuffer(bytearray(stored.data), np.dtype(stored.dtype)).reshape(stored.shape)
