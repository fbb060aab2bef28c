# SPDX-License-Identifier: MIT
"""Directions from files of other programs, and whether the numbers of a file are latents or directions. No torch.

Conventions known by name: InterFaceGAN's boundaries (`.npy`, (1, w_dim)); GANSpace's components (`.npz`, `lat_comp`;
`comp` in the `.pt` of e4e); closed-form factorization in rosinality's `.pt` (`eigvec`, a direction in each column);
a dictionary of tensors by name. Signs and lengths differ between all of them, and only the sign is kept.
`NAME.direction` in an `.npz` is a direction of ours, (w_dim,) or (num_ws, w_dim).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.format import shortened, size_text, valid_text
from latent_explorer.common.guarded_arrays import MAX_MEMBERS, read_arrays
from latent_explorer.common.guarded_files import open_regular
from latent_explorer.common.guarded_zip import GuardedZip
from latent_explorer.common.paths import atomic_output
from latent_explorer.explain.directions.direction import unit_direction
from latent_explorer.explain.directions.found import Guess, StoredVector
from latent_explorer.models.importers.checkpoint_file import Checkpoint
from latent_explorer.models.importers.pickle_values import StoredTensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from latent_explorer.explain.directions.direction import Direction

ARRAY_SUFFIXES = (".npy", ".npz")
MAX_DIRECTIONS = 1024  # of a file: as many components as the widest w has
MAX_BYTES = 256 << 20  # of the arrays of a file
_COLUMNS = ("eigvec",)  # arrays whose columns are directions
_COMPONENTS = ("lat_comp", "comp", "components", "directions", "boundaries", "eigvecs", "eigenvectors")  # W, many
_LINEAR = ("weight", "coef")  # of a linear classifier of w
_OWN = "direction"  # "NAME.direction": one with a name, as `write_directions` stores it
_NAMED = (*_COLUMNS, *_COMPONENTS, _OWN, "boundary", "component", *_LINEAR)
_OTHERS = ("bias", "mean", "std", "stdev", "avg", "var", "ratio", "latent", "latents", "w", "ws", "latent_in", "cond")
_TENSORS = (StoredTensor, np.ndarray)
_WORDS = re.compile(r"direction|boundar|component|eigvec|eigenvec|interfacegan|ganspace|sefa|pca|editing|attribute")
_LATENT_WORDS = re.compile(r"project|latent|encod|invert|inversion|sample")
_FAR = 6.0  # standard deviations from the latents of a model, beyond which numbers are none of them


def read_directions(path: Path, num_ws: int, w_dim: int) -> list[StoredVector]:
    """Read the directions of a file for a model of this size. UserError if it is damaged or holds none that fit."""
    arrays, all_shapes = _arrays(path, w_dim)
    named = {key: array for key, array in arrays.items() if _last_word(key) in _NAMED} or arrays
    vectors = [v for key, array in named.items() for v in _vectors(path, key, array, num_ws, w_dim)]
    if not vectors:
        shapes = ", ".join(f"{shortened(key)} {shape}".strip() for key, shape in list(all_shapes.items())[:3])
        raise UserError(
            f"{path.name} fits this model neither as latents nor as directions: it holds {shapes or 'no numbers'}. "
            f"This model takes ({w_dim},), ({num_ws}, {w_dim}), or several of these: (N, {w_dim}), "
            f"(N, {num_ws}, {w_dim})."
        )
    if len(vectors) > MAX_DIRECTIONS:
        raise UserError(f"{path.name} holds {len(vectors):,} directions; at most {MAX_DIRECTIONS:,} are read.")
    return vectors


def unit_directions(vectors: Iterable[StoredVector], ws: np.ndarray) -> list[Direction]:
    """Return directions as long as one standard deviation of `ws` (M, num_ws, w_dim) along them."""
    return [unit_direction(each.name, each.vector, ws) for each in vectors]


def write_directions(path: Path, directions: Sequence[Direction], num_ws: int) -> None:
    """Write directions as an `.npz` that `read_directions` reads, each under its name.

    One for all rows is stored as (w_dim,), others as (num_ws, w_dim) with zeros in the rows that they do not move.
    UserError where the file cannot be written.
    """
    arrays: dict[str, np.ndarray] = {}
    for number, each in enumerate(directions, 1):
        everywhere = len(each.array) == 1 and each.first == 0 and each.last in (None, num_ws - 1)
        name = re.sub(r"[^\w ,()+-]+", "_", each.name) or "direction"  # a name inside an archive is no path
        key = f"{name}.{_OWN}"
        key = key if key not in arrays else f"{name} ({number}).{_OWN}"
        arrays[key] = each.array[0] if everywhere else each.shift(num_ws)
    with atomic_output(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for its own


def says_direction(vectors: Iterable[StoredVector]) -> bool:
    """Return True if the arrays of a file have names that only directions have."""
    return any(each.named for each in vectors)


def guess(path: Path, vectors: list[StoredVector], ws: np.ndarray) -> Guess:
    """Say whether the vectors of a file are latents or directions, by its name, their lengths and where they lie.

    ws  (M, num_ws, w_dim): latents of the model
    """
    text = " ".join([path.stem, *(each.name for each in vectors[:100])]).lower()
    if _WORDS.search(text):
        return Guess(True, "Its name says so.")
    if _LATENT_WORDS.search(text):
        return Guess(False, "Its name says so.")
    rows = [np.atleast_2d(each.vector).astype(np.float64) for each in vectors]
    lengths = np.array([np.linalg.norm(each) for each in rows])
    if np.abs(lengths - 1).max() < 1e-3:
        return Guess(True, "Its length is 1, as that of a boundary or a component.")
    if any((~each.any(axis=1)).any() for each in rows):
        return Guess(True, "Some of its rows are zero, as in no latent.")
    distance = max(_distance(each, ws.mean(axis=1)) for each in rows)
    if distance > _FAR:
        return Guess(True, "It lies far from all latents of this model.")
    return Guess(False, "It lies where the latents of this model lie.")


def _distance(rows: np.ndarray, w: np.ndarray) -> float:
    """Return how far rows (R, w_dim) lie from w (M, w_dim), in standard deviations.

    The larger of two distances: the root mean square over the coordinates, and that along the mean of w, which latents
    have in common and directions have not.
    """
    mean, deviation = w.mean(axis=0), np.maximum(w.std(axis=0), 1e-6)
    apart = rows - mean
    each = np.sqrt(np.square(apart / deviation).mean())
    along = max(float((w @ mean).std()), 1e-6)
    return float(max(each, np.abs(apart @ mean).mean() / along))


def _last_word(key: str) -> str:
    return key.rsplit(".", 1)[-1].lower()


def _vectors(path: Path, key: str, array: np.ndarray, num_ws: int, w_dim: int) -> list[StoredVector]:
    """Return the directions in an array, which may have many shapes; none if it has another one."""
    word = _last_word(key)
    if word in _OTHERS or array.dtype.kind != "f" or not 1 <= array.ndim <= 3:
        return []
    if word in _COLUMNS and array.shape == (w_dim, array.shape[-1]):
        array = array.T
    if array.shape[-1] != w_dim or not array.size:
        return []
    if array.ndim == 3 and array.shape[1] == 1:
        array = array[:, 0]
    many_in_w = array.ndim == 2 and (array.shape[0] != num_ws or word in (*_COLUMNS, *_COMPONENTS) or num_ws == 1)
    if array.ndim == 3 and array.shape[1] != num_ws:
        return []
    several = array if array.ndim == 3 or many_in_w else array[None]
    if len(several) > MAX_DIRECTIONS:
        raise UserError(f"{path.name} holds {len(several):,} directions; at most {MAX_DIRECTIONS:,} are read.")
    if np.abs(array).max() > np.finfo(np.float32).max or not np.isfinite(array).all():
        raise UserError(f"{path.name} holds numbers that are not finite, or enormous. Write the direction again.")
    stem = valid_text(path.stem)
    name = stem if not key or word in _NAMED else valid_text(key)
    if word == _OWN and "." in key:
        name = valid_text(key.rpartition(".")[0])
    names = [name] if len(several) == 1 else [f"{name} {number}" for number in range(1, len(several) + 1)]
    return [StoredVector(n, v, word in _NAMED) for n, v in zip(names, several, strict=True) if v.any()]


class _Arrays(NamedTuple):
    """Arrays of a file by name ("" for one that has none) that may fit a w of this width, and the shapes of all."""

    arrays: dict[str, np.ndarray]
    shapes: dict[str, tuple[int, ...]]


def _arrays(path: Path, w_dim: int) -> _Arrays:
    """Return the arrays of a file. UserError if it is damaged."""
    if path.suffix.lower() not in ARRAY_SUFFIXES:
        return _checkpoint_arrays(path, w_dim)
    try:
        arrays = read_arrays(path, _wanted_members(path), MAX_BYTES)
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}. Check the path.") from error
    except (OSError, DamagedData) as error:
        if path.is_file() and path.stat().st_size == 0:
            raise unreadable(path, "latent", error, empty=True) from error
        raise UserError(
            f"{path} cannot be read as latents or directions ({error}). It should be an npz or npy of floats, or a .pt."
        ) from error
    return _Arrays(arrays, {name: array.shape for name, array in arrays.items()})


def vector_shapes(path: Path) -> dict[str, Any] | None:
    """Return {"arrays": shapes by name} of a file that can only hold latents or directions; None for another one."""
    if path.suffix.lower() in ARRAY_SUFFIXES:
        return {"arrays": _arrays(path, 0).shapes}
    try:
        with Checkpoint(path) as checkpoint:
            if not may_be_vectors(checkpoint.content):
                return None
            return {"arrays": {k: tuple(tensor.shape) for k, tensor in tensors_of(checkpoint.content).items()}}
    except UserError:
        return None


def _wanted_members(path: Path) -> list[str]:
    """Return the arrays of an `.npz` to read: those whose names say that they are directions, else all."""
    with open_regular(path) as file:
        if file.read(2) != b"PK":
            return [""]
    with GuardedZip(path, MAX_MEMBERS) as archive:
        names = [name.removesuffix(".npy") for name in archive.names if name.endswith(".npy")]
    return [name for name in names if _last_word(name) in _NAMED] or names


def _checkpoint_arrays(path: Path, w_dim: int) -> _Arrays:
    """Return those tensors of a checkpoint that are a few vectors; the others stay unread."""
    with Checkpoint(path) as checkpoint:
        content = checkpoint.content
        tensors = tensors_of(content)
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        fitting = [name for name, shape in shapes.items() if 1 <= len(shape) <= 3 and w_dim in (shape[0], shape[-1])]
        if 4 * sum(math.prod(shapes[name]) for name in fitting) > MAX_BYTES:
            raise UserError(f"{path} holds more than {size_text(MAX_BYTES)} of vectors. Split the file.")
        return _Arrays({name: checkpoint.read(tensors[name]) for name in fitting}, shapes)


def tensors_of(content: object) -> dict[str, StoredTensor | np.ndarray]:
    """Return the tensors that a checkpoint holds at its top, by name; "" is one that is all of it."""
    if isinstance(content, _TENSORS):
        return {"": content}
    if not isinstance(content, dict):
        return {}
    return {str(key): value for key, value in content.items() if isinstance(value, _TENSORS)}


def may_be_vectors(content: object) -> bool:
    """Return True if a checkpoint holds nothing but vectors of one width, as no model does; no numbers are read."""
    tensors = tensors_of(content)
    if any(_last_word(name) in _NAMED[: -len(_LINEAR)] for name in tensors):
        return True
    widths = {tensor.shape[-1] if 1 <= len(tensor.shape) <= 3 else 0 for tensor in tensors.values()}
    layers = any(_last_word(name) in ("weight", "bias") for name in tensors)
    return len(widths) == 1 and 0 not in widths and not layers
