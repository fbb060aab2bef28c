# SPDX-License-Identifier: MIT
"""Projected pictures as values: the latent, its report, and the file. No torch."""

from __future__ import annotations

import hashlib
import io
import itertools
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.guarded_files import read_bytes
from latent_explorer.common.paths import atomic_output
from latent_explorer.explain.projection_settings import ProjectionSettings, Space, Start

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

SUFFIX = ".projection"
MAX_BYTES = 1 << 30  # a tuned generator of 1024 px takes 60 MB
_VERSION = 1
_FORMAT = "latent-explorer-projection"
_MAX_REPORT = 4 << 20  # bytes; ten thousand classes take one million
_MAX_HEADER = 8 << 20  # bytes


class _Header(msgspec.Struct):
    """Content of the header: one entry, because the library writes several in any order."""

    version: int
    report: msgspec.Raw
    sha256: str = ""  # of report and arrays; earlier files have none


class ProjectionReport(msgspec.Struct, frozen=True):
    """Settings, figures and verdicts of a projection. Pictures are compared at the generator's resolution."""

    name: str
    model_hash: str
    classifier_id: str
    class_names: tuple[str, ...]
    space: Space
    start: Start  # the one that was taken, never "auto"
    steps: int  # until the kept latent
    seconds: float  # of the whole batch that the picture was projected in
    lpips: float  # target against the rendered picture
    lpips_net: str  # the judge: "LPIPS (squeeze)", or "feature distance", which is no LPIPS
    optimised: str  # the distance that was minimised: the same names
    psnr: float  # dB
    probs_target: tuple[float, ...]  # (K,)
    probs_reconstruction: tuple[float, ...]  # (K,)
    agreement: bool  # the classifier names the same class for both
    probability_difference: float  # |p - p'| of the target's class
    w_distance: float  # RMS distance of ws from w_avg, in standard deviations of w
    in_domain: bool
    domain_reason: str  # a sentence; empty when nothing is wrong
    domain_figures: dict[str, float] = {}  # what the verdict rests on
    tuned: bool = False  # a weight delta belongs to it: attribute ranges are approximate
    cond_assumed: bool = False  # the imported file held no cond: equal class probabilities are used
    probs_photo: tuple[float, ...] = ()  # (K,) of the photo at its own size, where that was computed
    # (K,) of what a search finds whose loss does not ask the classifier; empty: not made (stopped, or an older file).
    probs_unasked: tuple[float, ...] = ()
    detail_kept: float | None = None  # of what stands out in the photo, 0 to 1; None: not measured
    detail_area: float = 0.0  # how much stands out, of where the classifier looks, 0 to 1
    settings: ProjectionSettings = ProjectionSettings()


@dataclass(frozen=True, eq=False)
class ProjectedPicture:
    """Latent of one picture with everything that renders it again, bit for bit."""

    ws: np.ndarray  # (num_ws, w_dim) float32
    target: np.ndarray  # (R, R, 3) uint8: the photo as the generator sees it
    image: np.ndarray  # (R, R, 3) uint8: what the latent renders to
    report: ProjectionReport
    cond: np.ndarray | None = None  # (K,) float32, what the generator is told
    styles: tuple[np.ndarray, ...] | None = None  # of every layer, each (channels,); style space
    noise: tuple[np.ndarray, ...] | None = None  # (H, W) of every 3x3 convolution, where optimised
    # What pivotal tuning adds to the generator's tensors, by their names; float16.
    delta: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def latent_id(self) -> str:
        """First 16 hexadecimal digits of SHA-256 over the model and all arrays; its name in an exploration."""
        return _digest(self.report.model_hash.encode(), _arrays(self))[:16]


def to_bytes(projected: ProjectedPicture) -> bytes:
    """Return the content of a `.projection` file: safetensors, with the report in its header."""
    report = msgspec.json.encode(projected.report)
    if len(report) > _MAX_REPORT:
        raise UserError(f"The projection of {projected.report.name[:100]} cannot be kept: its report is too long.")
    header = _Header(_VERSION, msgspec.Raw(report), _digest(report, _arrays(projected)))
    arrays = {k: np.ascontiguousarray(v) for k, v in _arrays(projected).items()}
    content: bytes = save(arrays, {_FORMAT: msgspec.json.encode(header).decode()})
    return content


def latent_npz(projected: ProjectedPicture) -> bytes:
    """Return the latent as an npz for other programs: `w` (1, num_ws, w_dim), and `cond` (1, K) where there is one."""
    arrays = {"w": projected.ws[None]}
    if projected.cond is not None:
        arrays["cond"] = projected.cond[None]
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for its own
    return content.getvalue()


def write_projected(path: str | os.PathLike[str], projected: ProjectedPicture) -> None:
    """Write a `.projection` file atomically."""
    content = to_bytes(projected)
    with atomic_output(path) as temporary:
        temporary.write_bytes(content)


def read_projected(source: str | os.PathLike[str] | bytes, name: str = "") -> ProjectedPicture:
    """Read a `.projection` file, or its bytes (called `name` in messages); nothing in it is executed.

    Raises UserError when it is damaged, too large, of a newer version or something else.
    """
    if isinstance(source, bytes):
        return _parsed(source, name or "The projection")
    path = Path(source)
    try:
        return _parsed(read_bytes(path, MAX_BYTES), str(path))
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}. Check the path.") from error
    except DamagedData as error:
        raise _unreadable(str(path), str(error)) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from error


def _arrays(projected: ProjectedPicture) -> dict[str, np.ndarray]:
    """Return every array by its name in the file."""
    arrays = {"ws": projected.ws, "target": projected.target, "image": projected.image}
    if projected.cond is not None:
        arrays["cond"] = projected.cond
    arrays |= {f"styles.{i:03d}": a for i, a in enumerate(projected.styles or ())}
    arrays |= {f"noise.{i:03d}": a for i, a in enumerate(projected.noise or ())}
    arrays |= {f"delta.{key}": a for key, a in projected.delta.items()}
    return arrays


def _digest(text: bytes, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(text)
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _parsed(content: bytes, name: str) -> ProjectedPicture:
    if not content:
        raise unreadable(name, "projection", "", empty=True)
    length = int.from_bytes(content[:8], "little")
    if len(content) > MAX_BYTES or length > _MAX_HEADER:
        raise _unreadable(name, "it is too large, or something else")
    try:
        # The library checks the table against the length, but its Python interface hides the header's metadata.
        arrays = load(content)
        table = guarded_json.decode(content[8 : 8 + length], dict[str, msgspec.Raw])
        texts = guarded_json.decode(table["__metadata__"], dict[str, str])
        header = guarded_json.decode(texts[_FORMAT], _Header)
    except (SafetensorError, LookupError, TypeError, ValueError) as error:
        raise _unreadable(name, "it is damaged or something else") from error
    if header.version != _VERSION:
        raise UserError(
            f"{name} was written by a newer version of Latent Explorer (format {header.version}). Update the program."
        )
    if len(header.report) > _MAX_REPORT:
        raise _unreadable(name, "its report is too long")
    if header.sha256 and header.sha256 != _digest(bytes(header.report), arrays):
        raise _unreadable(name, "it does not match its checksum, so it is damaged")
    try:
        report = guarded_json.decode(header.report, ProjectionReport)
        projected = _assembled(arrays, report)
        _check(projected)
    except (ValueError, LookupError) as error:
        raise _unreadable(name, f"what it holds does not fit together ({error})") from error
    return projected


def _assembled(arrays: dict[str, np.ndarray], report: ProjectionReport) -> ProjectedPicture:
    def numbered(prefix: str) -> tuple[np.ndarray, ...] | None:
        keys = itertools.takewhile(arrays.__contains__, (f"{prefix}.{i:03d}" for i in itertools.count()))
        return tuple(map(arrays.pop, list(keys))) or None

    delta = {k.removeprefix("delta."): arrays.pop(k) for k in list(arrays) if k.startswith("delta.")}
    projected = ProjectedPicture(
        ws=arrays.pop("ws"),
        target=arrays.pop("target"),
        image=arrays.pop("image"),
        report=report,
        cond=arrays.pop("cond", None),
        styles=numbered("styles"),
        noise=numbered("noise"),
        delta=delta,
    )
    if arrays:
        raise ValueError(f"unknown: {', '.join(sorted(arrays))[:200]}")
    return projected


def _check(projected: ProjectedPicture) -> None:
    """Raise ValueError for shapes, types or values that no projection has."""
    size = projected.target.shape[0]
    for picture in (projected.target, projected.image):
        _expect(picture.dtype == np.uint8 and picture.shape == (size, size, 3), "a picture")
    _expect(projected.ws.ndim == 2, "ws")
    floats = [projected.ws, *(projected.styles or ()), *(projected.noise or ())]
    if projected.cond is not None:
        _expect(projected.cond.ndim == 1, "cond")
        floats.append(projected.cond)
    _expect(all(a.dtype == np.float32 and np.isfinite(a).all() for a in floats), "a latent")
    _expect(all(a.ndim == 1 for a in projected.styles or ()), "styles")
    _expect(all(a.ndim == 2 for a in projected.noise or ()), "noise maps")
    deltas = projected.delta.values()
    _expect(all(a.dtype == np.float16 and np.isfinite(a).all() for a in deltas), "weights")


def _expect(sound: bool, what: str) -> None:
    if not sound:
        raise ValueError(f"{what} of another shape, type or range")


def _unreadable(name: str, why: str) -> UserError:
    return UserError(f"{name} cannot be read as a projection: {why}. Project the picture again.")
