# SPDX-License-Identifier: MIT
"""Directions in W by value: what the slider of a boundary or a component adds to ws. No torch.

A direction goes wherever its edit goes (undo, explorations, recipes, timelines) and needs nothing that is kept
elsewhere. Whatever finds a direction, a file or a computation, makes one with `unit_direction`.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Annotated

import msgspec
import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.format import shortened, valid_text

MAX_TYPICAL = 3.0  # standard deviations: the ends of the slider
_DTYPE = np.dtype("<f4")
_MAX_NAME = 200  # characters
_Row = Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class Direction(msgspec.Struct, frozen=True):
    """A direction whose `vector` is as long as one standard deviation of w along it.

    vector  bytes of float32, little-endian: (w_dim,), the same for all rows of ws, or (num_ws, w_dim)
    first, last  the rows of ws that it moves, both included; None: to the end
    """

    name: str
    w_dim: _Row
    vector: bytes
    first: _Row = 0
    last: _Row | None = None

    @property
    def array(self) -> np.ndarray:
        """The vector as (1, w_dim) or (num_ws, w_dim) float32."""
        return np.frombuffer(self.vector, _DTYPE).reshape(-1, self.w_dim)

    def shift(self, num_ws: int) -> np.ndarray:
        """Return what one standard deviation adds to ws: (num_ws, w_dim) float32, zero in the other rows."""
        shift = np.zeros((num_ws, self.w_dim), np.float32)
        rows = slice(self.first, num_ws if self.last is None else self.last + 1)
        shift[rows] = np.broadcast_to(self.array, shift.shape)[rows]
        return shift

    def with_rows(self, first: int, last: int | None) -> Direction:
        """Return the same direction for other rows."""
        return msgspec.structs.replace(self, first=first, last=last)

    def rows_text(self, num_ws: int) -> str:
        """Return the rows that it moves: "all rows", "row 3", "rows 0-3"."""
        last = num_ws - 1 if self.last is None else self.last
        if (self.first, last) == (0, num_ws - 1):
            return "all rows"
        return f"row {last}" if self.first == last else f"rows {self.first}-{last}"


def direction_problem(direction: Direction, num_ws: int = 0, w_dim: int = 0) -> str:
    """Return why a direction cannot be used, by a model of this size where it is given; empty if it can.

    It completes "The direction NAME ...".
    """
    count, rest = divmod(len(direction.vector), max(1, direction.w_dim) * _DTYPE.itemsize)
    if rest or not count or not direction.w_dim or len(direction.name) > _MAX_NAME:
        return "is damaged"
    if not np.isfinite(direction.array).all() or np.abs(direction.array).max() > 1e6:
        return "holds numbers that are not finite, or enormous"
    if w_dim and direction.w_dim != w_dim:
        return f"has {direction.w_dim} numbers a row, not {w_dim}"
    if num_ws and count not in (1, num_ws):
        return f"has {count} rows, not 1 or {num_ws}"
    last = direction.first if direction.last is None else direction.last
    if last < direction.first or (num_ws and last >= num_ws):
        return "moves rows that are not there"
    return ""


@functools.lru_cache(maxsize=256)
def direction_key(direction: Direction) -> str:
    """Return the identity of a direction whichever rows it moves: names given by the user are kept by it."""
    digest = hashlib.sha256(direction.vector + direction.name.encode("utf-8", "replace"))
    return f"direction-{digest.hexdigest()[:16]}"


def unit_direction(name: str, vector: np.ndarray, ws: np.ndarray) -> Direction:
    """Return the direction of a vector (w_dim,) or (num_ws, w_dim) of any length and either sign.

    ws  (M, num_ws, w_dim): latents of the model, which say how long a standard deviation is. Over the rows the squares
        of step / deviation are averaged, each row with the fourth power of its length as its weight: a vector for all
        rows moves each of them by its own deviation, and rows that hardly move count for nothing.

    UserError if the vector is zero or not finite, or if no latent varies along it.
    """
    num_ws, w_dim = ws.shape[1:]
    if vector.shape not in ((w_dim,), (num_ws, w_dim), (1, w_dim)):
        raise UserError(
            f"The direction {shortened(name)} has the shape {vector.shape}, not {(w_dim,)} or {(num_ws, w_dim)}."
        )
    rows = np.atleast_2d(vector).astype(np.float64)
    largest = np.abs(rows).max(initial=0.0)
    if not np.isfinite(largest) or largest == 0:
        raise UserError(f"The direction {shortened(name)} is zero or not finite, so it leads nowhere.")
    rows = rows / largest
    everywhere = np.broadcast_to(rows, ws.shape[1:])
    variances = np.einsum("mrd,rd->mr", ws.astype(np.float64), everywhere).var(axis=0)
    steps = np.sqrt(variances.sum() / np.square(np.square(everywhere).sum(axis=1)).sum())
    if not steps > 0:
        raise UserError(f"No latent of this model varies along the direction {shortened(name)}.")
    scaled = np.ascontiguousarray(steps * rows, _DTYPE)
    return Direction(valid_text(name)[:_MAX_NAME], scaled.shape[1], scaled.tobytes())
