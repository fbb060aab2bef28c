# SPDX-License-Identifier: MIT
"""Likeness of changes of pictures: the cosine from which two are taken for one. numpy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

ALIKE = 0.6  # cosine of two changes from which a person takes them for one
LEAST_CHANGE = 1.0  # root mean square in grey levels of 255 below which a change looks like nothing


def unit_change(before: np.ndarray, after: np.ndarray) -> np.ndarray | None:
    """Return the change between pictures of one shape, in grey levels, as a flat vector of length 1.

    None where it is too faint to look like anything.
    """
    change: np.ndarray = after.astype(np.float32).ravel() - before.astype(np.float32).ravel()
    length = float(np.linalg.norm(change))
    return None if length < LEAST_CHANGE * len(change) ** 0.5 else change / length


def mean_cosine(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean cosine (A, A) of what A edits change; nan for two that change none of the pictures visibly.

    pictures  for each picture (1 + A, H, W, 3) in grey levels: as it is, and with each edit
    """
    count = len(pictures[0]) - 1
    total, seen = np.zeros((count, count)), np.zeros((count, count))
    for images in pictures:
        changes = [unit_change(images[0], image) for image in images[1:]]
        visible = np.array([change is not None for change in changes])
        units = np.stack([np.zeros(images[0].size, np.float32) if c is None else c for c in changes])
        total += units @ units.T
        seen += np.outer(visible, visible)
    return np.divide(total, seen, out=np.full_like(total, np.nan), where=seen > 0)


def correlation(effects: np.ndarray) -> np.ndarray:
    """Return the Pearson correlations (A, A) of columns (n, A); nan for constant ones."""
    centred = effects - effects.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    norms = np.outer(length, length)
    out: np.ndarray = np.divide(centred.T @ centred, norms, out=np.full_like(norms, np.nan), where=norms > 0)
    return out


def likes(cosine: np.ndarray) -> dict[int, int]:
    """Return, of things that `cosine` (A, A) compares, those like an earlier one, and the one each is most like."""
    found = {}
    for i in range(1, len(cosine)):
        earlier = np.nan_to_num(cosine[i, :i], nan=-1.0)
        nearest = int(earlier.argmax())
        if earlier[nearest] >= ALIKE:
            found[i] = nearest
    return found
