# SPDX-License-Identifier: MIT
"""Which pictures a page of the overview shows: where they come from, and a choice that is balanced over the verdicts.

Pure functions only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from latent_explorer.app.exploration.picture_requests import resolve_thumbnail
from latent_explorer.common.log_odds import log_odds
from latent_explorer.explain.recipe import ProjectedBase, SampleBase, SeedBase, canonical_edits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Base, Edit, PictureRequest
    from latent_explorer.models.summary import ExplainerSummary

Source = Literal["samples", "seeds", "projected", "favourites"]
POOL = 48  # pictures that are classified, to choose from
POOL_OF_LARGE = 16  # the same above LARGE px, where each takes a second on a CPU
LARGE = 128  # px


def pool(explorer: Explorer, source: Source) -> list[Base]:
    """Return the pictures of a source to choose from, at most POOL; of the file's both verdicts, where known."""
    summary, state = explorer.summary, explorer.state
    if summary is None or state is None:
        return []
    most = POOL if summary.resolution <= LARGE else POOL_OF_LARGE
    if source == "seeds":
        return [SeedBase(seed) for seed in range(most)]
    if source == "samples":
        return [SampleBase(row) for row in _rows(summary, state.target_class, most)]
    document = explorer.document
    listed = map(ProjectedBase, document.projected) if source == "projected" else document.favourites
    return list(dict.fromkeys(listed))[:most]


def _rows(summary: ExplainerSummary, target: int, most: int) -> list[int]:
    """Return the pictures of the file to choose from, spread evenly over those of the class and over the others."""
    samples = summary.samples
    if samples is None:
        return []
    places = np.arange(len(samples.ids))
    of_class = np.zeros(len(places), bool)
    if samples.probs.ndim == 2 and target < samples.probs.shape[1]:
        of_class = samples.probs.argmax(axis=1) == target
    parts = [places[of_class], places[~of_class]]
    counts = balanced_counts([len(part) for part in parts], most)
    chosen = (part[np.linspace(0, len(part) - 1, n).round().astype(int)] for part, n in zip(parts, counts, strict=True))
    return sorted(int(row) for part in chosen for row in part)


def balanced_counts(available: Sequence[int], total: int) -> list[int]:
    """Return how many of two groups to take: half of `total` each; what one lacks, the other gives."""
    first = min(available[0], max(total // 2, total - available[1]))
    return [first, min(available[1], total - first)]


def balanced(logits: np.ndarray, target: int, total: int) -> list[int]:
    """Return the rows of `total` pictures, half of them called the target class as far as there are so many.

    logits  (N, K) of the pictures

    Those called the target come last; in either group the probability of the target descends.
    """
    called = logits.argmax(axis=1) == target
    groups = [np.flatnonzero(~called), np.flatnonzero(called)]
    counts = balanced_counts([len(group) for group in groups], total)
    score = log_odds(logits, target)
    return [
        int(row)
        for group, count in zip(groups, counts, strict=True)
        for row in sorted(group[:count], key=lambda row: -score[row])
    ]


def request_of(explorer: Explorer, base: Base, edits: tuple[Edit, ...] = ()) -> PictureRequest:
    """Return the request of a picture as in the list of samples, without truncation, and with these edits."""
    assert explorer.state is not None
    request = resolve_thumbnail(explorer.state, base, explorer.latents.noise_of(base))
    recipe = msgspec.structs.replace(request.recipe, edits=canonical_edits(edits))
    return msgspec.structs.replace(request, recipe=recipe)
