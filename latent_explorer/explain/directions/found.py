# SPDX-License-Identifier: MIT
"""What a file of vectors holds, as plain values: latents, directions, or numbers that may be either."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


class StoredVector(NamedTuple):
    """One direction as a file has it: (w_dim,) or (num_ws, w_dim), of any length."""

    name: str
    vector: np.ndarray
    named: bool = False  # the array that it comes from has a name that only directions have


class Guess(NamedTuple):
    """What numbers probably are, and why, as a sentence."""

    directions: bool
    reason: str


class VectorFile(NamedTuple):
    """What a file of vectors may be taken as by the open model: pictures, directions, or either."""

    path: Path
    pictures: int  # latents that it holds; 0: it cannot be latents
    vectors: tuple[StoredVector, ...] = ()  # that it holds as directions; empty: it cannot be directions
    guess: Guess = Guess(False, "")
