# SPDX-License-Identifier: MIT
"""Search for the attributes that turn a classifier's verdict of one picture, whoever renders it. Pure functions only.

Only rendered margins count: effects do not add up, since a verdict far from the boundary hardly moves at first. Their
sums merely say which sets to render. A margin is the target's logit minus the largest of the others: above 0, the
verdict is the target.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from latent_explorer.models.attributes import Attribute

AttributeTuple = tuple["Attribute", ...]
# Yields sets to be rendered with all their attributes at 1, gets their margins (N,), returns those that turn.
Search = Generator[list[AttributeTuple], np.ndarray, list[AttributeTuple]]

MAX_CANDIDATES = 12  # attributes that are tried
MAX_OFFERS = 3
WIDTH = 4  # sets of a length that are tried
SAFE_MARGIN = 1e-3  # logits; pictures rendered one by one differ from those of a batch by about 1e-5


def margins(logits: np.ndarray, target: int) -> np.ndarray:
    """Return the margins (N,) of logits (N, K)."""
    others: np.ndarray = np.delete(logits, target, axis=1).max(axis=1)
    return np.asarray(logits[:, target] - others)


def search(attributes: Sequence[Attribute], margin: float) -> Search:
    """Find sets that turn a picture whose margin is `margin`: at most MAX_OFFERS, fewest attributes first.

    Two strategies of the StylEx paper at every length, as long as none turns, and at one length more, where there are
    few. *Independent*: the sets that promise most by what their attributes do to this picture alone. *Subset*: the
    best set that is one shorter, with each of the others. No attribute of a set that is returned can be left out, and
    none contains another.
    """
    trials = _Trials(attributes, margin)
    yield from trials.render([frozenset({i}) for i in range(len(attributes))])
    for length in range(2, len(attributes) + 1):
        found = trials.turning()
        if len(found) >= MAX_OFFERS or (found and length > len(found[0]) + 1):
            break
        yield from trials.render(trials.promising(length))
        yield from trials.render(trials.extended(length))
    while shorter := trials.without_one():
        yield from trials.render(shorter)
    return [trials.attributes_of(found) for found in trials.turning()[:MAX_OFFERS]]


class _Trials:
    """Sets of places in the list of attributes, and the margins of those that were rendered."""

    def __init__(self, attributes: Sequence[Attribute], margin: float) -> None:
        self._attributes = attributes
        self._margin = margin
        self._rendered: dict[frozenset[int], float] = {}

    def attributes_of(self, places: frozenset[int]) -> AttributeTuple:
        """Return the attributes of a set, in the order of the list."""
        return tuple(self._attributes[i] for i in sorted(places))

    def render(self, sets: Sequence[frozenset[int]]) -> Generator[list[AttributeTuple], np.ndarray, None]:
        """Have sets rendered."""
        if sets:
            answers = yield [self.attributes_of(s) for s in sets]
            self._rendered.update(zip(sets, map(float, answers), strict=True))

    def turning(self) -> list[frozenset[int]]:
        """Return the rendered sets that turn, without those that contain another; fewest first, then by margin."""
        found = [s for s in self._rendered if self._turns(s)]
        shortest = [s for s in found if not any(other < s for other in found)]
        return sorted(shortest, key=lambda s: (len(s), -self._rendered[s]))

    def promising(self, length: int) -> list[frozenset[int]]:
        """Return the most promising sets of a length, without those that contain one that turns."""
        helping = [i for i in range(len(self._attributes)) if self._gain(i) > 0]
        sets = (frozenset(c) for c in combinations(helping, length) if self._independent(c))
        return heapq.nlargest(WIDTH, (s for s in sets if not self._is_longer(s)), key=self.predicted)

    def extended(self, length: int) -> list[frozenset[int]]:
        """Return the best rendered set of one less, with each other attribute that was not tried with it."""
        shorter = [s for s in self._rendered if len(s) == length - 1 and not self._turns(s)]
        if not shorter:
            return []
        best = max(shorter, key=self._rendered.__getitem__)
        sets = [best | {i} for i in range(len(self._attributes)) if i not in best]
        return [s for s in sets if s not in self._rendered and self._independent(tuple(s)) and not self._is_longer(s)]

    def without_one(self) -> list[frozenset[int]]:
        """Return what is left of the sets that turn, those to be offered, without one attribute, where not rendered."""
        left = {s - {i} for s in self.turning()[:MAX_OFFERS] if len(s) > 1 for i in s}
        return sorted(left - self._rendered.keys(), key=sorted)

    def predicted(self, places: frozenset[int]) -> float:
        """Return the margin if effects on this picture just add up."""
        return self._margin + sum(self._gain(i) for i in places)

    def _turns(self, places: frozenset[int]) -> bool:
        return self._rendered[places] > SAFE_MARGIN

    def _gain(self, place: int) -> float:
        return self._rendered[frozenset({place})] - self._margin

    def _independent(self, places: Sequence[int]) -> bool:
        """Return True if no two of the attributes move the same coordinate."""
        indices = [entry.style_index for i in places for entry in self._attributes[i].entries]
        return len(indices) == len(set(indices))

    def _is_longer(self, places: frozenset[int]) -> bool:
        return any(found < places for found in self.turning())
