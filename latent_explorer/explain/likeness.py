# SPDX-License-Identifier: MIT
"""Likeness of changes of pictures: the cosine from which two are taken for one. numpy only."""

from __future__ import annotations

import numpy as np

ALIKE = 0.6  # cosine of two changes from which a person takes them for one
LEAST_CHANGE = 1.0  # root mean square in grey levels of 255 below which a change looks like nothing


def unit_change(before: np.ndarray, after: np.ndarray) -> np.ndarray | None:
    """Return the change between pictures of one shape, in grey levels, as a flat vector of length 1.

    None where it is too faint to look like anything.
    """
    change: np.ndarray = after.astype(np.float32).ravel() - before.astype(np.float32).ravel()
    length = float(np.linalg.norm(change))
    return None if length < LEAST_CHANGE * len(change) ** 0.5 else change / length


def likes(cosine: np.ndarray) -> dict[int, int]:
    """Return, of things that `cosine` (A, A) compares, those like an earlier one, and the one each is most like."""
    found = {}
    for i in range(1, len(cosine)):
        earlier = np.nan_to_num(cosine[i, :i], nan=-1.0)
        nearest = int(earlier.argmax())
        if earlier[nearest] >= ALIKE:
            found[i] = nearest
    return found
