# SPDX-License-Identifier: MIT
"""AttFind's search: from an effect table to a ranked list of style coordinates, on numpy arrays.

Written from the published description of the StylEx notebook: unstable pictures, the accumulating greedy search, the
merge of two classes.

An effect table has shape (N, 2, S, K) float32: picture, direction (0 to the minimum, 1 to the maximum), style_index,
class; its entries are changes of logits relative to the reconstruction's. A column is direction * S + style_index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from latent_explorer.explain.attfind.unstable import large_share

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


Stop = Literal["complete", "no pictures", "no coordinate helps", "all explained"]
Procedure = Literal["notebook", "paper"]


class Choice(NamedTuple):
    """One step of a search: the column that it chose, and the pictures that were not yet explained."""

    direction: int
    style_index: int
    pictures: np.ndarray  # numbers of the pictures whose mean effect was the largest of all columns


@dataclass(frozen=True)
class Ranking:
    """Coordinates that one search found, best first, and why it ended.

    `choices` are all its steps. There are more of them than picks if a coordinate was chosen in both directions.
    """

    picks: tuple[Pick, ...]
    stop: Stop
    choices: tuple[Choice, ...] = ()


class Lists(NamedTuple):
    """The search of each target, and the attributes that are shown, best first: with two classes, both merged."""

    rankings: dict[int, Ranking]
    ranked: dict[int, tuple[Pick, ...]]


def unstable_pictures(
    effects: np.ndarray, effect: float = UNSTABLE_EFFECT, share: float = UNSTABLE_SHARE
) -> np.ndarray:
    """Return which pictures are unstable (N,) bool: more than `share` of their entries exceed `effect`.

    The search sets the effects of such a picture to zero, and it keeps its place in every mean.
    """
    unstable: np.ndarray = large_share(effects, effect) > share
    return unstable


def greedy_search(
    effects: np.ndarray,
    classes: np.ndarray,
    target: int,
    count: int,
    tau: float,
    both_ends: bool = False,
    procedure: Procedure = "notebook",
    unstable: np.ndarray | None = None,
) -> Ranking:
    """Search greedily for the coordinates that move pictures of the other classes to `target`.

    Each step takes the column with the largest mean positive effect over the pictures that are not yet
    explained. In the notebook a picture is explained when the effects of the picks on it add up to `tau` logits; when
    every picture is, or no column helps the rest, the sums start again at zero (the next round) with used columns out.
    In the paper (Algorithm 1) it is explained when one pick alone has that effect on it, and there is no next round:
    many small effects are never enough, so lists are shorter (the reference's section A.5).

    effects    (N, 2, S, K)
    classes    (N,) argmax of the reconstruction
    both_ends  list a coordinate twice that is chosen in both directions, as the notebook does
    unstable   (N,) bool: pictures whose effects count as 0
    """
    num_styles = effects.shape[2]
    rows = np.flatnonzero(classes != target)
    if len(rows) == 0:
        return Ranking((), "no pictures")
    # max(0, .) of the effects on the target, (rows, 2 S)
    gains = np.maximum(effects[rows, :, :, target].reshape(len(rows), -1), 0).astype(np.float64)
    if unstable is not None:
        gains[unstable[rows]] = 0
    explained = np.zeros(len(rows))
    picks: list[Pick] = []
    choices: list[Choice] = []
    chosen: set[int] = set()
    round_number, new_round = 1, True
    while len(picks) < count:
        active = explained < tau
        best = int(gains[active].mean(axis=0).argmax()) if active.any() else -1
        if best < 0 or gains[active, best].mean() <= 0:
            if procedure == "paper" and not active.any():
                return Ranking(tuple(picks), "all explained", tuple(choices))
            if new_round or procedure == "paper":
                return Ranking(tuple(picks), "no coordinate helps", tuple(choices))
            explained[:], round_number, new_round = 0, round_number + 1, True
            continue
        if procedure == "paper":
            np.maximum(explained, gains[:, best], out=explained)
        else:
            explained += gains[:, best]
        gains[:, best] = 0
        new_round = False
        direction, style_index = divmod(best, num_styles)
        choices.append(Choice(direction, style_index, rows[active]))
        # A coordinate may be chosen in both directions, for different pictures; it gets one slider.
        if both_ends or style_index not in chosen:
            chosen.add(style_index)
            picks.append(Pick(style_index, direction, target, round_number))
    return Ranking(tuple(picks), "complete", tuple(choices))


def search_all(
    effects: np.ndarray,
    classes: np.ndarray,
    count: int,
    tau: float,
    both_ends: bool = False,
    procedure: Procedure = "notebook",
    unstable: np.ndarray | None = None,
) -> Lists:
    """Search the table towards every class, and merge the lists of two classes. Arguments as of `greedy_search`."""
    num_classes = effects.shape[3]
    how = count, tau, both_ends, procedure, unstable
    rankings = {t: greedy_search(effects, classes, t, *how) for t in range(num_classes)}
    ranked = {t: ranking.picks for t, ranking in rankings.items()}
    if num_classes == 2:
        merged = merge_rankings(rankings[0].picks, rankings[1].picks, effects, count, unstable)
        ranked = {0: merged, 1: reversed_picks(merged)}
    return Lists(rankings, ranked)


def merge_rankings(
    first: Sequence[Pick],
    second: Sequence[Pick],
    effects: np.ndarray,
    count: int,
    unstable: np.ndarray | None = None,
) -> tuple[Pick, ...]:
    """Merge the lists of class 0 and class 1 of a two-class table into one towards class 0, best first.

    Applying a pick's direction goes from class 1 to class 0, the opposite direction goes back. Ranked by the mean
    effect on class 0 plus the mean effect of the way back on class 1, over all pictures.
    """
    in_first = {pick.style_index for pick in first}
    flipped = [replace(pick, direction=1 - pick.direction, target=0) for pick in second]
    candidates = [pick for pick in flipped if pick.style_index not in in_first] + list(first)
    stable = slice(None) if unstable is None else ~unstable

    def score(pick: Pick) -> float:
        j, d = pick.style_index, pick.direction
        both = effects[stable, d, j, 0].astype(np.float64) + effects[stable, 1 - d, j, 1]
        return float(both.sum() / len(effects))

    return tuple(sorted(candidates, key=score, reverse=True)[:count])


def reversed_picks(picks: Sequence[Pick]) -> tuple[Pick, ...]:
    """Return a merged list of two classes in the other direction: towards class 1."""
    return tuple(replace(p, direction=1 - p.direction, target=1 - p.target) for p in picks)


def with_figures(
    picks: Sequence[Pick], effects: np.ndarray, classes: np.ndarray, unstable: np.ndarray | None = None
) -> tuple[Pick, ...]:
    """Return the picks with mean effect and 95 % interval over the pictures of the other classes."""
    out, resamples = [], {k: _resamples(int((classes != k).sum())) for k in {pick.target for pick in picks}}
    for pick in picks:
        others = classes != pick.target
        values = effects[others, pick.direction, pick.style_index, pick.target]
        if unstable is not None:
            values = np.where(unstable[others], 0, values)
        mean, interval = mean_interval(values, resamples[pick.target])
        out.append(replace(pick, mean_effect=mean, interval=interval))
    return tuple(out)


def mean_interval(values: np.ndarray, resamples: np.ndarray | None = None) -> tuple[float, tuple[float, float]]:
    """Return the mean of (n,) values and its 95 % percentile-bootstrap interval, which is deterministic.

    resamples  those of n values, made once for many intervals
    """
    if len(values) == 0:
        return 0.0, (0.0, 0.0)
    values = values.astype(np.float64)
    means = values[_resamples(len(values)) if resamples is None else resamples].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(values.mean()), (float(low), float(high))


def _resamples(count: int) -> np.ndarray:
    """Return numbers of values drawn with replacement (_RESAMPLES, count), always the same."""
    return np.random.default_rng(0).integers(0, max(1, count), (_RESAMPLES, count))
