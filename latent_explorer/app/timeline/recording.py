# SPDX-License-Identifier: MIT
"""Recording changes of the picture, reduced to the keyframes that reproduce them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np

from latent_explorer.explain.recipe import StyleShift, place_of
from latent_explorer.explain.timeline.file import MAX_KEYFRAMES
from latent_explorer.explain.timeline.timeline import MAX_SECONDS, Keyframe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from latent_explorer.explain.recipe import Edit, PictureRecipe

    Sample: TypeAlias = tuple[float, PictureRecipe]

TOLERANCE = 0.02  # of an amount (1 = the end of the range), psi or a conditioning probability
REST_SECONDS = 0.1  # without a change that count as a rest
LEAD, TAIL = 0.25, 0.5  # seconds kept before the first change and after the last


class Recorder:
    """Records recipes as they change. All times are in seconds on one clock."""

    def __init__(self, recipe: PictureRecipe, now: float) -> None:
        self._begun = now
        self._samples: list[Sample] = [(now, recipe)]

    def seconds(self, now: float) -> float:
        """Return the length of the recording, in seconds."""
        return min(now - self._begun, MAX_SECONDS)

    def note(self, recipe: PictureRecipe, now: float) -> None:
        """Record that the picture is another one from now on."""
        if recipe != self._samples[-1][1] and now - self._begun < MAX_SECONDS - TAIL:
            self._samples.append((now, recipe))

    def keyframes(self) -> tuple[Keyframe, ...]:
        """Return the keyframes from shortly before the first change to shortly after the last; empty if none."""
        if len(self._samples) < 2:
            return ()
        first, last = self._samples[1][0], self._samples[-1][0]
        start = max(self._begun, first - LEAD)
        samples = [(start, self._samples[0][1]), *self._samples[1:]]
        samples.append((last + TAIL, samples[-1][1]))
        tolerance = TOLERANCE
        kept = list(_runs(samples, tolerance))
        while len(kept) > MAX_KEYFRAMES and tolerance < 1:  # a coarser recording is better than a truncated one
            tolerance *= 2
            kept = list(_runs(samples, tolerance))
        return tuple(msgspec.structs.replace(k, seconds=round(k.seconds - start, 3)) for k in kept[:MAX_KEYFRAMES])


def _runs(samples: Sequence[Sample], tolerance: float) -> Iterator[Keyframe]:
    """Yield the keyframes. A recipe that cannot be blended into the next (other latent or noise) is held until then."""
    runs = [list(run) for _, run in itertools.groupby(samples, key=lambda s: _kind(s[1]))]
    for run, following in itertools.zip_longest(runs, runs[1:]):
        kept = simplify_keyframes(_with_rests(run), tolerance)
        for seconds, recipe in kept[:-1]:
            yield Keyframe(seconds, recipe, "linear")
        yield Keyframe(*kept[-1], "hold" if following else "linear")


def simplify_keyframes(samples: Sequence[Sample], tolerance: float = TOLERANCE) -> list[Sample]:
    """Return the fewest samples that reproduce the others to within `tolerance` by linear interpolation in time.

    The first and the last sample are kept. Algorithm of Ramer (1972) and Douglas and Peucker (1973), with the distance
    taken at equal times.
    """
    times = np.array([seconds for seconds, _ in samples])
    values = _numbers([recipe for _, recipe in samples])
    kept = {0, len(samples) - 1}
    open_spans = [(0, len(samples) - 1)]
    while open_spans:
        a, b = open_spans.pop()
        if b - a < 2 or times[b] <= times[a]:
            continue
        share = ((times[a + 1 : b] - times[a]) / (times[b] - times[a]))[:, None]
        line = values[a] + share * (values[b] - values[a])
        errors = np.abs(values[a + 1 : b] - line).max(axis=1, initial=0.0)
        worst = a + 1 + int(errors.argmax())
        if errors.max() > tolerance:
            kept.add(worst)
            open_spans += [(a, worst), (worst, b)]
    return [samples[i] for i in sorted(kept)]


def _with_rests(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples with the end of every rest added, where a change after the rest has to start."""
    out = [samples[0]]
    for before, after in itertools.pairwise(samples):
        if after[0] - before[0] > REST_SECONDS and after[1] != before[1]:
            out.append((after[0] - REST_SECONDS / 2, before[1]))
        out.append(after)
    return out


def _kind(recipe: PictureRecipe) -> tuple[object, ...]:
    """Return the properties that cannot be interpolated."""
    has_cond = recipe.cond is not None
    cutoff = None if recipe.truncation_psi == 1 else recipe.truncation_cutoff
    return recipe.base, recipe.noise, has_cond, cutoff


def _numbers(recipes: Sequence[PictureRecipe]) -> np.ndarray:
    """Return (N, D): psi, the conditioning, and the amount of every edit that any of the recipes has."""
    places = list(dict.fromkeys(place_of(e) for r in recipes for e in r.edits))
    rows = []
    for recipe in recipes:
        amounts = {place_of(e): _signed(e) for e in recipe.edits}
        moved = (amounts.get(place, 0.0) for place in places)
        rows.append([recipe.truncation_psi, *(recipe.cond or ()), *moved])
    return np.array(rows)


def _signed(edit: Edit) -> float:
    towards_min = isinstance(edit, StyleShift) and edit.end == "min"
    return -edit.amount if towards_min else edit.amount
