# SPDX-License-Identifier: MIT
"""Two classifiers asked about the same generator: what both look at, and what only one does. A job.

AttFind makes a list for each. Every move of either list is then rendered once for each picture, and both classifiers
are asked about that one picture; so are the lists, all their moves together (see `shared_edits`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Notice, Progress
from latent_explorer.common.format import shortened
from latent_explorer.common.jobs import forward_events
from latent_explorer.common.statistics import rank_correlation, t_quantile
from latent_explorer.explain.attfind.attfind import attfind
from latent_explorer.explain.attfind.effects import SingleMoves, reconstruct
from latent_explorer.explain.attfind.greedy import ENDS
from latent_explorer.explain.attfind.searched import latents_to_search, observed_range
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.counterfactuals.attribute_effects import Effect, relative_change
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.explain.report.pair import Pair, log_odds, predicted_log_odds
from latent_explorer.explain.report.shared_edits import ListEdit, list_edits, rate_fields
from latent_explorer.models.attributes import End

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import torch

    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.attfind.kept_moves import KeptMoves
    from latent_explorer.models.attributes import AttributeSet
    from latent_explorer.models.explainer import Explainer

Ratio = tuple[float, tuple[float, float]]
UNKNOWN: Ratio = (float("nan"), (float("nan"), float("nan")))
Listed = dict[tuple[int, int, int], int]  # places in a list, from 1, by (style_index, direction, target)


@dataclass(frozen=True)
class SharedMove:
    """One coordinate, and what moving it to an end does to each of the two classifiers, asked of the same pictures.

    `effects` are mean changes of the target's log-odds over the `n` pictures in which at least one of the two sees
    another class, in standard deviations of that classifier's log-odds over all pictures, so that a steep and a flat
    one can be compared; `intervals` are their 95 % intervals (Student's t), and `difference` that of the first minus
    the second, picture by picture. `places` are its places in the two lists, from 1; None where it is not in one.
    `relative` is the RelativeChange of the target's probability, of the second to the first and of the first to the
    second, each with its 95 % interval; see `attribute_effects.relative_change`.
    """

    style_index: int
    end: End
    target: int
    n: int
    effects: tuple[float, float]
    intervals: tuple[tuple[float, float], tuple[float, float]]
    difference: tuple[float, float]
    places: tuple[int | None, int | None]
    relative: tuple[Ratio, Ratio] = (UNKNOWN, UNKNOWN)

    @property
    def listed_by(self) -> str:
        """ "both", "first" or "second"."""
        if None not in self.places:
            return "both"
        return "second" if self.places[0] is None else "first"


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation of the effects on the two classifiers towards one class; NaN of fewer than three.

    Of the listed moves it is low by selection: each is there because one of the two scored it high. Of all moves, both
    ends of every coordinate, it has no selection, but the effects are predicted by one gradient for each picture.
    """

    target: int
    listed: float
    moves: int  # that are listed towards the class
    all_predicted: float


@dataclass(frozen=True)
class Comparison:
    """Two classifiers on one generator. Pairs are in the order of `classifier_ids`, classes in that of the first's."""

    classifier_ids: tuple[str, str]
    names: tuple[str, str]
    class_names: tuple[str, ...]
    n: int
    verdicts: np.ndarray  # (N, 2) of the first n pictures of the explainer
    moves: tuple[SharedMove, ...]  # those that both list, then by the larger effect
    correlations: tuple[Correlation, ...]  # by class
    edits: tuple[ListEdit, ...]
    size_measure: str  # in which `edits` are as large
    # Share of each list that is the same if what its race did not render is completed at random: see `race.Race`.
    agreements: tuple[float, float] = (1.0, 1.0)

    @property
    def same_verdicts(self) -> Rate:
        """Share of the reconstructions that both give the same class."""
        return Rate(int((self.verdicts[:, 0] == self.verdicts[:, 1]).sum()), len(self.verdicts))

    @property
    def coordinates(self) -> dict[str, tuple[int, ...]]:
        """Coordinates (style_index) that "both" list, only the "first" or only the "second": each once.

        Whatever end and class: with two classes AttFind lists each towards both.
        """
        first, second = ({m.style_index for m in self.moves if m.places[k] is not None} for k in (0, 1))
        split = {"both": first & second, "first": first - second, "second": second - first}
        return {key: tuple(sorted(each)) for key, each in split.items()}

    @property
    def shared_moves(self) -> int:
        """Moves (coordinate, end and class) that are in both lists."""
        return sum(move.listed_by == "both" for move in self.moves)

    def to_dict(self) -> dict[str, Any]:
        """As `compare --json` prints it."""
        count = len(self.class_names)
        table = np.zeros((count, count), dtype=int)
        np.add.at(table, tuple(self.verdicts.T), 1)
        return {
            "classifier_ids": list(self.classifier_ids),
            "names": list(self.names),
            "class_names": list(self.class_names),
            "n": self.n,
            "same_verdicts": rate_fields(self.same_verdicts),
            "verdicts": table.tolist(),  # [of the first][of the second]
            "coordinates": {key: list(each) for key, each in self.coordinates.items()},
            "shared_moves": self.shared_moves,
            "rank_correlations": [
                {
                    "target": each.target,
                    "listed": _known(each.listed),
                    "moves": each.moves,
                    "all_predicted": _known(each.all_predicted),
                }
                for each in self.correlations
            ],
            "list_agreements": list(self.agreements),
            "size_measure": self.size_measure,
            "edits": [each.to_dict() for each in self.edits],
            "moves": [asdict(move) | {"listed_by": move.listed_by} for move in self.moves],
        }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value  # JSON has no NaN


def compare_classifiers(
    explainer: Explainer,
    first: str,
    second: str,
    *,
    n: int = 250,
    wanted: int = 10,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
    kept: KeptMoves | None = None,
) -> Generator[Event, None, Comparison]:
    """Compare two classifiers of an explainer, by their ids. A job.

    kept  where what the two searches rendered is kept, and taken from

    UserError if they are the same, or if their classes have other names; these may stand in another order.
    """
    check_pair(explainer, first, second)
    model = copy_to_device(explainer, device)
    pair = Pair(model.classifiers[first], model.classifiers[second])
    sizer = BatchSizer(budget)
    ws, cond = latents_to_search(explainer, None, n, None, device)
    synthesis, settings, ranges = model.generator.synthesis, AttFindSettings(n=n, wanted=wanted), explainer.style_stats
    sets = []
    for key in (first, second):
        search = attfind(model, settings, classifier_id=key, ranges=ranges, device=device, budget=budget, kept=kept)
        name = model.classifiers[key].config.name
        sets.append((yield from forward_events(search, partial(_said_of, name))).attribute_set)
    pictures = yield from reconstruct(synthesis, pair, ws, cond, sizer)
    verdicts = np.stack([each.argmax(axis=1) for each in pair.split(pictures.logits.cpu().numpy())], axis=1)
    style_range, _ = observed_range(pictures, ranges, ranges)
    moves = SingleMoves(synthesis, pair, pictures, style_range, 1.0, sizer)
    places = (listed_places(sets[0]), listed_places(sets[1], pair.second_class))
    compared = yield from _compared(moves, pair, verdicts, places)
    predicted = yield from moves.predicted()
    correlations = tuple(_correlation(t, compared, pair, pictures.logits, predicted) for t in range(len(pair.names)))
    edits, measure = yield from list_edits(moves, pair, verdicts, [list(each) for each in places])
    compared.sort(key=lambda move: (move.listed_by != "both", -max(move.effects)))
    return Comparison(
        (first, second),
        (pair.classifiers[0].config.name, pair.classifiers[1].config.name),
        pair.names,
        len(ws),
        verdicts,
        tuple(compared),
        correlations,
        edits,
        measure,
        (_agreement(sets[0]), _agreement(sets[1])),
    )


def _agreement(found: AttributeSet) -> float:
    return float(found.settings.get("agreement", 1.0))


def _said_of(name: str, event: Event) -> Event:
    """Say of which classifier's list an event is."""
    if isinstance(event, Progress):
        return replace(event, message=f"{shortened(name, 30)}: {event.message[:1].lower()}{event.message[1:]}")
    return replace(event, text=f"{shortened(name, 30)}: {event.text}") if isinstance(event, Notice) else event


def check_pair(explainer: Explainer, first: str, second: str) -> None:
    """Raise UserError if two classifiers of an explainer are the same or have other classes, in whatever order."""
    if first == second:
        raise UserError("These are one classifier. Give two to compare.")
    names = [explainer.classifiers[key].config.class_names for key in (first, second)]
    if sorted(names[0]) != sorted(names[1]):
        told = " and ".join(", ".join(each) for each in names)
        raise UserError(
            f"The classifiers tell different classes: {told}. Only classifiers of the same can be compared; "
            "import-classifier --class-names names those of a checkpoint."
        )


def listed_places(found: AttributeSet, class_of: Mapping[int, int] | None = None) -> Listed:
    """Return the place of every (style_index, direction, target) in its class's list, in the order of the lists.

    class_of  number of each class among those of the other classifier
    """
    places: Listed = {}
    counts: dict[int, int] = {}
    for attribute in found.attributes:
        entry, target = attribute.entries[0], attribute.target
        if class_of is not None:
            target = class_of[target]
        counts[target] = counts.get(target, 0) + 1
        places[entry.style_index, ENDS.index(entry.end), target] = counts[target]
    return places


def _compared(
    moves: SingleMoves, pair: Pair, verdicts: np.ndarray, places: tuple[Listed, Listed]
) -> Generator[Event, None, list[SharedMove]]:
    """Render every listed move once for each picture that it is to move, and ask both classifiers."""
    listed = sorted(places[0].keys() | places[1].keys())
    rows_of = [np.flatnonzero((verdicts != t).any(axis=1)) for t in range(len(pair.names))]
    todo = [(i, d, j) for j, d, t in listed for i in rows_of[t]]
    message = "Moving what is listed, and asking both"
    effects = yield from moves.exact(np.array(todo, dtype=np.int64).reshape(-1, 3), message)
    before = moves.pictures.logits.cpu().numpy().astype(np.float64)
    out, done = [], 0
    for j, d, t in listed:
        rows = rows_of[t]
        after = before[rows] + effects[done : done + len(rows)]
        done += len(rows)
        changes = [
            _in_deviations(log_odds(b[rows], t), log_odds(a, t), log_odds(b, t))
            for b, a in zip(pair.split(before), pair.split(after), strict=True)
        ]
        means, intervals = zip(*(_mean_with_interval(each) for each in changes), strict=True)
        _, difference = _mean_with_interval(changes[0] - changes[1])
        both = places[0].get((j, d, t)), places[1].get((j, d, t))
        relative = _relative_changes(*pair.split(before[rows]), *pair.split(after), t)
        out.append(SharedMove(j, ENDS[d], t, len(rows), means, intervals, difference, both, relative))
    return out


def _relative_changes(
    a_before: np.ndarray, b_before: np.ndarray, a_after: np.ndarray, b_after: np.ndarray, target: int
) -> tuple[Ratio, Ratio]:
    """Return the RelativeChange of the second to the first, and of the first to the second, for logits (N, K)."""
    first, second = (
        Effect(1 / (1 + np.exp(-log_odds(after, target))) - 1 / (1 + np.exp(-log_odds(before, target))), np.zeros(0))
        for before, after in ((a_before, a_after), (b_before, b_after))
    )
    return relative_change(second, first), relative_change(first, second)


def _in_deviations(before: np.ndarray, after: np.ndarray, everywhere: np.ndarray) -> np.ndarray:
    spread = everywhere.std()
    changes: np.ndarray = (after - before) / spread if spread > 0 else np.zeros_like(before)
    return changes


def _mean_with_interval(values: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Return the mean and its 95 % interval of Student's t; the mean alone of fewer than two, 0 of none."""
    mean = float(values.mean()) if len(values) else 0.0
    if len(values) < 2:
        return mean, (mean, mean)
    half = t_quantile(0.975, len(values) - 1) * float(values.std(ddof=1)) / len(values) ** 0.5
    return mean, (mean - half, mean + half)


def _correlation(
    target: int, compared: list[SharedMove], pair: Pair, logits: torch.Tensor, predicted: np.ndarray
) -> Correlation:
    """Return how the effects towards a class go together: of the listed moves, and of all, predicted (N, 2, S, 2 K)."""
    listed = [move.effects for move in compared if move.target == target]
    of_all = [
        predicted_log_odds(b, p, target).mean(axis=0).ravel().tolist()
        for b, p in zip(pair.split(logits.cpu().numpy()), pair.split(predicted), strict=True)
    ]
    return Correlation(
        target,
        rank_correlation([first for first, _ in listed], [second for _, second in listed]),
        len(listed),
        rank_correlation(*of_all),
    )
