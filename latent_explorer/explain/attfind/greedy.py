# SPDX-License-Identifier: MIT
"""AttFind's search: from an effect table to a ranked list of style coordinates, on numpy arrays.

Written from the published description of the StylEx notebook: unstable pictures, the accumulating greedy search, the
merge of two classes.

An effect table has shape (N, 2, S, K) float32: picture, direction (0 to the minimum, 1 to the maximum), style_index,
class; its entries are changes of logits relative to the reconstruction's. A column is direction * S + style_index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.models.attributes import End

ENDS: tuple[End, End] = ("min", "max")  # directions 0 and 1 of the table
UNSTABLE_EFFECT = 2.0  # logits
UNSTABLE_SHARE = 750 / 23040  # of a picture's 2 S K entries, 3.26 %: 750 at the size of the published model
_RESAMPLES = 1000


@dataclass(frozen=True)
class Pick:
    """Chosen style coordinate: moving it in `direction` raises the logit of `target`."""

    style_index: int
    direction: int
    target: int
    round: int  # of the greedy search
    mean_effect: float = 0.0  # over the pictures of the other classes
    interval: tuple[float, float] = (0.0, 0.0)  # 95 %, bootstrap over those pictures

    @property
    def end(self) -> End:
        return ENDS[self.direction]


Stop = Literal["complete", "no pictures", "no coordinate helps"]


@dataclass(frozen=True)
class Ranking:
    """Coordinates that one search found, best first, and why it ended."""

    picks: tuple[Pick, ...]
    stop: Stop


def stable_effects(
    effects: np.ndarray, effect: float = UNSTABLE_EFFECT, share: float = UNSTABLE_SHARE
) -> tuple[np.ndarray, np.ndarray]:
    """Return the table with unstable pictures set to zero, and which pictures those are, (N,) bool.

    A picture is unstable when more than `share` of its entries exceed `effect`. It keeps its place in every mean.
    """
    counts = (np.abs(effects) > effect).sum(axis=(1, 2, 3))
    unstable = counts > share * effects[0].size
    return np.where(unstable[:, None, None, None], np.float32(0), effects), unstable


def greedy_search(
    effects: np.ndarray, classes: np.ndarray, target: int, count: int, tau: float, both_ends: bool = False
) -> Ranking:
    """Search greedily for the coordinates that move pictures of the other classes to `target`.

    Each step takes the column with the largest mean positive effect over the pictures that are not yet
    explained; a picture is explained when the effects of the picks on it add up to `tau` logits. When every picture
    is explained, or no column helps the rest, the sums start again at zero (the next round) with used columns out.

    effects    (N, 2, S, K), see `stable_effects`
    classes    (N,) argmax of the reconstruction
    both_ends  list a coordinate twice that is chosen in both directions, as the notebook does
    """
    num_styles = effects.shape[2]
    rows = np.flatnonzero(classes != target)
    if len(rows) == 0:
        return Ranking((), "no pictures")
    # max(0, .) of the effects on the target, (rows, 2 S)
    gains = np.maximum(effects[rows, :, :, target].reshape(len(rows), -1), 0).astype(np.float64)
    explained = np.zeros(len(rows))
    picks: list[Pick] = []
    chosen: set[int] = set()
    round_number, new_round = 1, True
    while len(picks) < count:
        active = explained < tau
        best = int(gains[active].mean(axis=0).argmax()) if active.any() else -1
        if best < 0 or gains[active, best].mean() <= 0:
            if new_round:
                return Ranking(tuple(picks), "no coordinate helps")
            explained[:], round_number, new_round = 0, round_number + 1, True
            continue
        explained += gains[:, best]
        gains[:, best] = 0
        new_round = False
        direction, style_index = divmod(best, num_styles)
        # A coordinate may be chosen in both directions, for different pictures; it gets one slider.
        if both_ends or style_index not in chosen:
            chosen.add(style_index)
            picks.append(Pick(style_index, direction, target, round_number))
    return Ranking(tuple(picks), "complete")


def merge_rankings(first: Sequence[Pick], second: Sequence[Pick], effects: np.ndarray, count: int) -> tuple[Pick, ...]:
    """Merge the lists of class 0 and class 1 of a two-class table into one towards class 0, best first.

    Applying a pick's direction goes from class 1 to class 0, the opposite direction goes back. Ranked by the mean
    effect on class 0 plus the mean effect of the way back on class 1, over all pictures.
    """
    in_first = {pick.style_index for pick in first}
    flipped = [replace(pick, direction=1 - pick.direction, target=0) for pick in second]
    candidates = [pick for pick in flipped if pick.style_index not in in_first] + list(first)
    means = effects.mean(axis=0, dtype=np.float64)  # (2, S, 2)

    def score(pick: Pick) -> float:
        j, d = pick.style_index, pick.direction
        return float(means[d, j, 0] + means[1 - d, j, 1])

    return tuple(sorted(candidates, key=score, reverse=True)[:count])


def reversed_picks(picks: Sequence[Pick]) -> tuple[Pick, ...]:
    """Return a merged list of two classes in the other direction: towards class 1."""
    return tuple(replace(p, direction=1 - p.direction, target=1 - p.target) for p in picks)


def with_figures(picks: Sequence[Pick], effects: np.ndarray, classes: np.ndarray) -> tuple[Pick, ...]:
    """Return the picks with mean effect and 95 % interval over the pictures of the other classes."""
    out = []
    for pick in picks:
        values = effects[classes != pick.target, pick.direction, pick.style_index, pick.target]
        mean, interval = mean_interval(values)
        out.append(replace(pick, mean_effect=mean, interval=interval))
    return tuple(out)


def mean_interval(values: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Return the mean of (n,) values and its 95 % percentile-bootstrap interval, which is deterministic."""
    if len(values) == 0:
        return 0.0, (0.0, 0.0)
    values = values.astype(np.float64)
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (_RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(values.mean()), (float(low), float(high))
