# SPDX-License-Identifier: MIT
"""Two classifiers asked about the same generator: what both look at, and what only one does. A job.

AttFind makes a list for each. Every coordinate of either list is then moved on the same pictures for both, and each
list's coordinates are applied together, to turn the verdicts of one and of the other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.statistics import rank_correlation
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.effects import SingleMoves, reconstruct
from latent_explorer.explain.attfind.greedy import ENDS
from latent_explorer.explain.attfind.searched import latents_to_search, observed_range
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.attfind.sufficiency import Rate, flips
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.latents import copy_to_device

if TYPE_CHECKING:
    from collections.abc import Generator

    import torch

    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.models.attributes import AttributeSet
    from latent_explorer.models.explainer import Explainer


@dataclass(frozen=True)
class SharedMove:
    """One coordinate, and what moving it does to each of the two classifiers.

    `effects` are mean changes of the target's log-odds over the pictures of other classes (by each classifier's own
    verdict), in standard deviations of that classifier's log-odds, so that a steep and a flat one can be compared.
    `places` are its places in the two lists, from 1; None where it is not in one.
    """

    style_index: int
    end: str
    target: int
    effects: tuple[float, float]
    places: tuple[int | None, int | None]


@dataclass(frozen=True)
class Comparison:
    """Two classifiers on one generator. Pairs are in the order of `classifier_ids`."""

    classifier_ids: tuple[str, str]
    n: int
    same_verdicts: Rate  # on the reconstructions
    moves: tuple[SharedMove, ...]  # those that both list, then by the larger effect
    rank_correlation: float  # Spearman's, of the effects of all these moves; NaN of fewer than three
    # [list of][verdict of]: all of a list applied together, towards the runner-up of the classifier that is asked: one
    # edit for both only where their verdicts, and their runners-up, are the same.
    flips: tuple[tuple[Rate, Rate], tuple[Rate, Rate]]

    @property
    def shared(self) -> int:
        """Moves that are in both lists."""
        return sum(None not in move.places for move in self.moves)

    def to_dict(self) -> dict[str, Any]:
        return {
            "classifier_ids": list(self.classifier_ids),
            "n": self.n,
            "same_verdicts": _fields(self.same_verdicts),
            "shared": self.shared,
            "rank_correlation": None if np.isnan(self.rank_correlation) else self.rank_correlation,
            "flips": [[_fields(rate) for rate in rates] for rates in self.flips],
            "moves": [asdict(move) for move in self.moves],
        }


def _fields(rate: Rate) -> dict[str, Any]:
    return {"share": rate.share, "interval": rate.interval, "n": rate.n}


def compare_classifiers(
    explainer: Explainer,
    first: str,
    second: str,
    *,
    n: int = 250,
    wanted: int = 10,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, Comparison]:
    """Compare two classifiers of an explainer, by their ids. A job.

    UserError if they are the same, or if their classes have other names.
    """
    model = copy_to_device(explainer, device)
    keys, both = (first, second), (model.classifiers[first], model.classifiers[second])
    names = [classifier.config.class_names for classifier in both]
    if first == second:
        raise UserError("These are one classifier. Give two to compare.")
    if names[0] != names[1]:
        told = " and ".join(", ".join(each) for each in names)
        raise UserError(
            f"The classifiers tell different classes: {told}. Only classifiers of the same can be compared."
        )
    sizer = BatchSizer(budget)
    ws, cond = latents_to_search(explainer, None, n, None, device)
    synthesis, settings, ranges = model.generator.synthesis, AttFindSettings(n=n, wanted=wanted), explainer.style_stats
    sets, pictures = [], []
    for key, classifier in zip(keys, both, strict=True):
        search = attfind(model, settings, classifier_id=key, ranges=ranges, device=device, budget=budget)
        sets.append((yield from search).attribute_set)
        pictures.append((yield from reconstruct(synthesis, classifier, ws, cond, sizer)))
    style_range, _ = observed_range(pictures[0], ranges, ranges)
    places = [_places(each) for each in sets]
    listed = sorted(places[0].keys() | places[1].keys())
    effects = []
    for classifier, seen in zip(both, pictures, strict=True):
        moves = SingleMoves(synthesis, classifier, seen, style_range, 1.0, sizer)
        effects.append((yield from _mean_effects(moves, listed)))
    compared = [
        SharedMove(j, ENDS[d], t, (effects[0][i], effects[1][i]), (places[0].get((j, d, t)), places[1].get((j, d, t))))
        for i, (j, d, t) in enumerate(listed)
    ]
    compared.sort(key=lambda move: (None in move.places, -max(move.effects)))
    rates = []
    for each in sets:
        row = []
        for classifier, seen in zip(both, pictures, strict=True):
            found = yield from flips(synthesis, classifier, seen, each, style_range, (wanted,), (1.0,), sizer)
            row.append(found[0].reached)
        rates.append((row[0], row[1]))
    verdicts = [seen.classes for seen in pictures]
    first_effects, second_effects = ([move.effects[k] for move in compared] for k in (0, 1))
    correlation = rank_correlation(first_effects, second_effects)
    same = Rate(int((verdicts[0] == verdicts[1]).sum()), len(verdicts[0]))
    return Comparison(keys, len(ws), same, tuple(compared), correlation, (rates[0], rates[1]))


def _places(found: AttributeSet) -> dict[tuple[int, int, int], int]:
    """Return the place of every (style_index, direction, target) in its class's list."""
    places: dict[tuple[int, int, int], int] = {}
    counts: dict[int, int] = {}
    for attribute in found.attributes:
        entry = attribute.entries[0]
        counts[attribute.target] = counts.get(attribute.target, 0) + 1
        places[entry.style_index, ENDS.index(entry.end), attribute.target] = counts[attribute.target]
    return places


def _mean_effects(moves: SingleMoves, listed: list[tuple[int, int, int]]) -> Generator[Event, None, list[float]]:
    """Return the mean effect of each (style_index, direction, target), in deviations of the target's log-odds."""
    pictures, means = moves.pictures, []
    before = pictures.logits.cpu().numpy().astype(np.float64)
    for style_index, direction, target in listed:
        rows = np.flatnonzero(pictures.classes != target)
        todo = np.stack([rows, np.full_like(rows, direction), np.full_like(rows, style_index)], axis=1)
        after = before[rows] + (yield from moves.exact(todo))
        change = _log_odds(after, target) - _log_odds(before[rows], target)
        spread = _log_odds(before, target).std()
        means.append(float(change.mean() / spread) if len(rows) and spread > 0 else 0.0)
    return means


def _log_odds(logits: np.ndarray, target: int) -> np.ndarray:
    """Return log(p / (1 - p)) of a class (N,) for logits (N, K)."""
    odds: np.ndarray = logits[:, target] - np.logaddexp.reduce(np.delete(logits, target, axis=1), axis=1)
    return odds
