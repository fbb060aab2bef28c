# SPDX-License-Identifier: MIT
"""Unstable pictures, told by few of their moves: those of which many a move changes a logit far.

A search sets their effects to zero, see `greedy.unstable_pictures`. Where not every move is rendered, pictures are
suspected by predicted effects and then judged by exact ones, drawn at random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from latent_explorer.common.events import Event

    # Pictures (M,) and columns (B,) -> the effects (M, B, C). A job within a job.
    Look = Callable[[np.ndarray, np.ndarray], Generator[Event, None, np.ndarray]]

SAMPLES = (150, 500)  # moves of a picture that may be unstable


def large_share(effects: np.ndarray, effect: float) -> np.ndarray:
    """Return the share (N,) of each picture's effects (N, ...) that exceed `effect`."""
    # Picture by picture: a table may be larger than memory.
    return np.array([(np.abs(each) > effect).mean() for each in effects], dtype=float)


def judge(
    suspects: np.ndarray, columns: np.ndarray, look: Look, effect: float, share: float
) -> Generator[Event, None, np.ndarray]:
    """Return which of the suspects (M,) are unstable (M,) bool: more than `share` of their effects exceed `effect`.

    By some of the columns, which are all in random order, or by all of them if those do not tell. A job within a job.
    """
    unstable, large = np.zeros(len(suspects), dtype=bool), np.zeros(len(suspects))
    open_ones, before = np.arange(len(suspects)), 0
    for count in (*(c for c in SAMPLES if c < len(columns)), len(columns)):
        effects = yield from look(suspects[open_ones], columns[before:count])
        large[open_ones] += large_share(effects, effect) * (count - before)
        shares = large[open_ones] / count
        unstable[open_ones] = shares > share
        open_ones = open_ones[np.abs(shares - share) < 2 * np.sqrt(share / count)]
        before = count
    return unstable
