# SPDX-License-Identifier: MIT
"""The field's figures of counterfactuals, each beside its control. A job. Formulas are in `figures`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.common.statistics import Mean
from latent_explorer.data.images import to_float
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.counterfactuals import figures
from latent_explorer.explain.counterfactuals.oracles import Oracle, fit_oracles
from latent_explorer.explain.projection.projection import distances
from latent_explorer.models.classifiers import Classifier
from latent_explorer.models.metrics import frechet_distance

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.counterfactuals.making import Counterfactuals
    from latent_explorer.models.explainer import Explainer

CONTROLS = ("pasted", "random", "noise", "weights")  # pictures of Counterfactuals that show no attribute
FEWEST = 20  # pictures that a Frechet distance is computed over


@dataclass(frozen=True)
class References:
    """What counterfactuals are compared with. Everything is optional: a figure without it is left out.

    truth           (N,) classes of the photographs by their labels; COUT is then of the correctly classified ones
    masks           (N, R, R) bool: what is the object, for sparsity
    training        (M, R, R, 3) uint8 real pictures, for minimality and for the oracles
    training_truth  (M,) classes of these by their labels; the classifier's verdicts without it
    attributes      by name: (M,) bool, what the training pictures have
    others          by name: networks that the counterfactuals were not made for, with the same classes
    """

    truth: np.ndarray | None = None
    masks: np.ndarray | None = None
    training: np.ndarray | None = None
    training_truth: np.ndarray | None = None
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)
    others: Mapping[str, Classifier] = field(default_factory=dict)


@dataclass(frozen=True)
class Confirmation:
    """What another network says of the counterfactuals."""

    agreement: Rate  # it gives the pictures before the verdict of the asked classifier
    confirmed: Rate  # NAFR: of all, those that flip for both
    of_flips: Rate  # NA rate: the same of those that flip for the asked one
    relative_change: float  # RelativeChange of the target's probability


@dataclass(frozen=True)
class CounterfactualFigures:
    """Figures of one kind of counterfactuals; None where what they need was not given, or is too little."""

    kind: str
    n: int
    flips: Rate  # FR
    flips_of: dict[str, Rate]  # by the class before
    controls: dict[str, dict[str, Rate]]  # flips by what shows no attribute, of "all" and by the class before
    others: dict[str, Confirmation]
    cout: Mean
    cout_of: dict[str, Mean]  # by the class before
    frechet: float | None  # on the classifier's features: photographs, counterfactuals that flip
    split_frechet: float | None
    split_frechet_photos: float | None  # the same with photographs on both sides: how small it can be
    l1: Mean
    distance: Mean
    distance_name: str
    similarity: Mean
    sparsity: float | None  # inside the object against outside
    inside: float | None  # share of the change inside the object
    diversity: float
    minimality: float | None
    changed_attributes: float | None  # MNAC
    correlation_difference: float | None  # CD
    oracles: dict[str, tuple[float, float]]  # accuracy, and of always giving the commoner answer
    per_second: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as `evaluate --counterfactuals --json` prints them."""
        found: dict[str, Any] = as_json(self)
        return found


def as_json(value: Any) -> Any:
    """Return dataclasses, dictionaries and tuples as JSON holds them: NaN is None, a rate has share and interval."""
    if isinstance(value, Rate):
        return {"share": as_json(value.share), "n": value.n, "interval": list(value.interval)}
    if hasattr(value, "__dataclass_fields__"):
        return {each.name: as_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def check_classes(others: Mapping[str, Classifier], class_names: Sequence[str]) -> None:
    """UserError where another network does not name the same classes, in the same order."""
    for name, other in others.items():
        if other.config.class_names != tuple(class_names):
            raise UserError(
                f"{name} cannot confirm flips: its classes are {', '.join(other.config.class_names)}, those here "
                f"{', '.join(class_names)}, in this order. Give a classifier that was trained with these."
            )


def judge(
    explainer: Explainer,
    made: Counterfactuals,
    references: References,
    *,
    classifier_id: str | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, CounterfactualFigures]:
    """Measure counterfactuals. A job. UserError where another network does not name the same classes."""
    return (yield from _Judge(explainer, made, references, classifier_id, device, budget).run())


@dataclass(frozen=True)
class _Seen:
    """What networks say of pictures, on the CPU."""

    probs: Tensor  # (N, K)
    features: Tensor  # (N, F) of the classifier
    embeddings: Tensor  # (N, E) of the network that judges distances: its last two layers, averaged over the picture

    @property
    def verdicts(self) -> Tensor:
        return self.probs.argmax(dim=1)


class _Judge:
    def __init__(
        self,
        explainer: Explainer,
        made: Counterfactuals,
        references: References,
        classifier_id: str | None,
        device: str | torch.device,
        budget: StepBudget,
    ) -> None:
        self.device = torch.device(device)
        self.classifier = explainer.classifiers[classifier_id or explainer.classifier_id].to(self.device)
        self.names = self.classifier.config.class_names
        self.made, self.references = made, references
        self.distance = distances(explainer, self.device)[1]
        self.sizer = BatchSizer(budget)
        check_classes(references.others, self.names)

    def run(self) -> Generator[Event, None, CounterfactualFigures]:
        made, references = self.made, self.references
        photos = yield from self._look(made.photos)
        before = yield from self._look(made.before)
        after = yield from self._look(made.after)
        real = None if references.training is None else (yield from self._look(references.training))
        sources, targets = before.verdicts, torch.from_numpy(made.targets)
        reached = after.verdicts == targets
        scores = yield from self._cout(sources, targets)
        correct = self._correct(sources)
        l1, distance = yield from self._distances()
        inside = self._inside()
        oracles = [] if real is None else fit_oracles(real.embeddings, references.attributes)
        was, now = photos.features[reached], after.features[reached]
        enough = len(now) >= FEWEST
        return CounterfactualFigures(
            kind=made.kind,
            n=len(made),
            flips=_rate(reached),
            flips_of=self._by_class(reached, sources),
            controls=(yield from self._controls(sources, targets)),
            others=(yield from self._confirmations(before, after, targets)),
            cout=_mean(scores[correct]),
            cout_of={name: _mean(scores[correct & (sources == c)]) for c, name in enumerate(self.names)},
            frechet=frechet_distance(photos.features, now) if enough else None,
            split_frechet=figures.split_frechet(was, now) if enough else None,
            split_frechet_photos=figures.split_frechet(was, was) if enough else None,
            l1=_mean(l1),
            distance=_mean(distance),
            distance_name=self.distance.name,
            similarity=_mean(figures.similarities(before.embeddings, after.embeddings)),
            sparsity=None if inside is None else figures.sparsity(inside),
            inside=None if inside is None else float((inside[:, 0] / inside.sum(dim=1).clamp_min(1e-12)).mean()),
            diversity=self._diversity(),
            minimality=None if real is None else self._minimality(before, after, real),
            changed_attributes=self._changed_attributes(oracles, before, after),
            correlation_difference=None if real is None else self._correlation(oracles, before, after, real),
            oracles={each.name: (each.accuracy, each.majority) for each in oracles},
            per_second=len(made) / made.seconds if made.seconds else math.nan,
        )

    def _look(self, images: np.ndarray) -> Generator[Event, None, _Seen]:
        @torch.inference_mode()
        def see(rows: slice) -> tuple[Tensor, Tensor, Tensor]:
            img = _float(images[rows]).to(self.device)
            maps = self.distance.features(img)
            embedding = torch.cat([x.mean(dim=(2, 3)) for x in maps[-2:]], dim=1)
            return self.classifier.probs(img), self.classifier.features(img), embedding

        parts = yield from self.sizer.run(see, len(images), "Looking at pictures")
        return _Seen(*(torch.cat(each).float().cpu() for each in zip(*parts, strict=True)))

    def _ask(self, network: Classifier, images: np.ndarray) -> Generator[Event, None, Tensor]:
        """Return a network's probabilities (N, K) of pictures."""

        @torch.inference_mode()
        def ask(rows: slice) -> Tensor:
            return network.probs(_float(images[rows]).to(self.device)).float().cpu()

        return torch.cat((yield from self.sizer.anew().run(ask, len(images), "Asking about pictures")))

    def _by_class(self, hits: Tensor, sources: Tensor) -> dict[str, Rate]:
        return {name: _rate(hits[sources == c]) for c, name in enumerate(self.names)}

    def _controls(self, sources: Tensor, targets: Tensor) -> Generator[Event, None, dict[str, dict[str, Rate]]]:
        found = {}
        for name in CONTROLS:
            pictures = getattr(self.made, name)
            if not np.array_equal(pictures, self.made.before):
                reached = (yield from self._ask(self.classifier, pictures)).argmax(dim=1) == targets
                found[name] = {"all": _rate(reached), **self._by_class(reached, sources)}
        return found

    def _confirmations(
        self, before: _Seen, after: _Seen, targets: Tensor
    ) -> Generator[Event, None, dict[str, Confirmation]]:
        found = {}
        reached, rows = after.verdicts == targets, torch.arange(len(targets))
        for name, network in self.references.others.items():
            was = yield from self._ask(network.to(self.device), self.made.before)
            now = yield from self._ask(network, self.made.after)
            both = reached & (now.argmax(dim=1) == targets)
            relative = figures.relative_changes(
                torch.stack([before.probs[rows, targets], was[rows, targets]]),
                torch.stack([after.probs[rows, targets], now[rows, targets]]),
                own=0,
            )
            agreement = _rate(was.argmax(dim=1) == before.verdicts)
            found[name] = Confirmation(agreement, _rate(both), _rate(both[reached]), float(relative[1]))
        return found

    def _cout(self, sources: Tensor, targets: Tensor) -> Generator[Event, None, Tensor]:
        @torch.inference_mode()
        def ask(img: Tensor) -> Tensor:
            return self.classifier.probs(img).float().cpu()

        scores = []
        for i, (source, target) in enumerate(zip(sources.tolist(), targets.tolist(), strict=True)):
            yield Progress(i, len(sources), "Inserting counterfactuals step by step")
            photo, changed = _float(np.stack([self.made.before[i], self.made.after[i]])).to(self.device)
            scores.append(figures.cout(photo, changed, ask, source, target))
        return torch.tensor(scores)

    def _correct(self, sources: Tensor) -> Tensor:
        truth = self.references.truth
        if truth is None:
            return torch.ones(len(sources), dtype=torch.bool)
        return torch.from_numpy(truth[self.made.rows]) == sources

    def _distances(self) -> Generator[Event, None, tuple[Tensor, Tensor]]:
        """Return L1 and the perceptual distance (N,) of each pair."""
        made = self.made

        @torch.inference_mode()
        def compare(rows: slice) -> tuple[Tensor, Tensor]:
            a, b = (_float(images[rows]).to(self.device) for images in (made.before, made.after))
            return (a - b).abs().mean(dim=(1, 2, 3)).cpu(), self.distance(a, b).float().cpu()

        parts = yield from self.sizer.anew().run(compare, len(made), "Comparing counterfactuals with their photos")
        l1, distance = (torch.cat(each) for each in zip(*parts, strict=True))
        return l1, distance

    def _inside(self) -> Tensor | None:
        if self.references.masks is None:
            return None
        masks = torch.from_numpy(self.references.masks[self.made.rows])
        return figures.mask_changes(_float(self.made.before), _float(self.made.after), masks)

    def _diversity(self) -> float:
        """Between the counterfactuals by the first and by the next attributes."""
        before = _float(self.made.before)
        changes = [(_float(images) - before).flatten(1) for images in (self.made.after, self.made.second)]
        return figures.diversity(torch.stack(changes, dim=1))

    def _minimality(self, before: _Seen, after: _Seen, real: _Seen) -> float | None:
        """Distances are those of embeddings, so that N times M pictures need not be compared one by one."""
        # Not by matrix products, which leave errors where distances are small.
        to_real = torch.cdist(before.embeddings, real.embeddings, compute_mode="donot_use_mm_for_euclid_dist")
        sources, targets = before.verdicts.tolist(), self.made.targets.tolist()
        count = min(int((real.verdicts == c).sum()) for c in {*sources, *targets})
        if not count:
            return None
        of_class = [torch.nonzero(real.verdicts == c).flatten()[:count] for c in range(len(self.names))]
        to_target, to_source = (
            torch.stack([to_real[i, of_class[c]] for i, c in enumerate(classes)]) for classes in (targets, sources)
        )
        return figures.minimality((before.embeddings - after.embeddings).norm(dim=1), to_target, to_source)

    def _changed_attributes(self, oracles: Sequence[Oracle], before: _Seen, after: _Seen) -> float | None:
        if not oracles:
            return None
        return figures.changed_attributes(_answers(oracles, before), _answers(oracles, after))

    def _correlation(self, oracles: Sequence[Oracle], before: _Seen, after: _Seen, real: _Seen) -> float | None:
        """CD against the classifier's second class; it is not defined where there are more than two."""
        if not oracles or len(self.names) != 2:
            return None
        references = self.references
        labels = torch.from_numpy(np.stack([references.attributes[each.name] for each in oracles], axis=1)).double()
        truth = references.training_truth
        asked_label = real.verdicts if truth is None else torch.from_numpy(truth)
        change = _answers(oracles, after) - _answers(oracles, before)
        return figures.correlation_difference(change, after.probs[:, 1] - before.probs[:, 1], labels, asked_label)


def _answers(oracles: Sequence[Oracle], seen: _Seen) -> Tensor:
    return torch.stack([each.probs(seen.embeddings) for each in oracles], dim=1)


def _float(images: np.ndarray) -> Tensor:
    return torch.from_numpy(to_float(images))


def _rate(hits: Tensor) -> Rate:
    return Rate(int(hits.sum()), len(hits))


def _mean(values: Tensor) -> Mean:
    return Mean.of(values.tolist())
