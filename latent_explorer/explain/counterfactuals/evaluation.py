# SPDX-License-Identifier: MIT
"""The field's figures of counterfactuals, each beside its control. A job. Formulas are in `figures`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.events import Event, Progress
from latent_explorer.common.statistics import Mean
from latent_explorer.data.images import to_float
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.counterfactuals import figures
from latent_explorer.explain.counterfactuals.oracles import Oracle, fit_oracles
from latent_explorer.explain.counterfactuals.records import (
    Confirmation,
    CounterfactualFigures,
    Frechet,
    Identity,
    Probe,
    References,
    check_classes,
)
from latent_explorer.explain.projection.projection import distances
from latent_explorer.models.metrics import frechet_distance

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.counterfactuals.making import Counterfactuals
    from latent_explorer.models.explainer import Explainer

CONTROLS = ("pasted", "random", "noise", "weights")  # pictures of Counterfactuals that show no attribute
FEWEST = 20  # pictures that a Frechet distance is computed over


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
        unordered = yield from self._cout(sources, targets, torch.Generator().manual_seed(0))
        correct = self._correct(sources)
        l1, distance, between = yield from self._distances()
        inside = self._inside()
        oracles = [] if real is None else fit_oracles(real.embeddings, references.attributes)
        unrelated = [] if real is None else fit_oracles(real.embeddings, references.unrelated)
        random = (yield from self._look(made.random)) if oracles or unrelated else before
        return CounterfactualFigures(
            kind=made.kind,
            n=len(made),
            flips=_rate(reached),
            flips_of=self._by_class(reached, sources),
            controls=(yield from self._controls(sources, targets)),
            others=(yield from self._confirmations(before, after, targets)),
            cout=_mean(scores[correct]),
            cout_of={name: _mean(scores[correct & (sources == c)]) for c, name in enumerate(self.names)},
            cout_random=_mean(unordered[correct]),
            bkl=_mean(1 - after.probs.gather(1, targets[:, None])[:, 0]),
            frechet=_frechet(photos.features[reached], after.features[reached]),
            fid=(yield from self._fid(reached)),
            l1=_mean(l1),
            distance=_mean(distance),
            distance_name=self.distance.name,
            similarity=_mean(figures.similarities(before.embeddings, after.embeddings)),
            identity=(yield from self._identity()),
            sparsity=None if inside is None else figures.sparsity(inside),
            inside=None if inside is None else float((inside[:, 0] / inside.sum(dim=1).clamp_min(1e-12)).mean()),
            diversity=self._diversity(),
            sigma_l=_mean(figures.pairwise_means(between)),
            minimality=None if real is None else self._minimality(before, after, real),
            changed_attributes=self._changed_attributes(oracles, before, after),
            correlation_difference=None if real is None else self._correlation(oracles, before, after, real),
            oracles={each.name: _probe(each, before, after, random) for each in oracles},
            unrelated={each.name: _probe(each, before, after, random) for each in unrelated},
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

    def _ask(self, network: Callable[[Tensor], Tensor], images: np.ndarray) -> Generator[Event, None, Tensor]:
        """Return what a network gives for pictures, such as a classifier's probabilities (N, K)."""

        @torch.inference_mode()
        def ask(rows: slice) -> Tensor:
            return network(_float(images[rows]).to(self.device)).float().cpu()

        return torch.cat((yield from self.sizer.anew().run(ask, len(images), "Asking about pictures")))

    def _by_class(self, hits: Tensor, sources: Tensor) -> dict[str, Rate]:
        return {name: _rate(hits[sources == c]) for c, name in enumerate(self.names)}

    def _controls(self, sources: Tensor, targets: Tensor) -> Generator[Event, None, dict[str, dict[str, Rate]]]:
        found = {}
        for name in CONTROLS:
            pictures = getattr(self.made, name)
            if not np.array_equal(pictures, self.made.before):
                reached = (yield from self._ask(self.classifier.probs, pictures)).argmax(dim=1) == targets
                found[name] = {"all": _rate(reached), **self._by_class(reached, sources)}
        return found

    def _confirmations(
        self, before: _Seen, after: _Seen, targets: Tensor
    ) -> Generator[Event, None, dict[str, Confirmation]]:
        found = {}
        reached, rows = after.verdicts == targets, torch.arange(len(targets))
        for name, network in self.references.others.items():
            was = yield from self._ask(network.to(self.device).probs, self.made.before)
            now = yield from self._ask(network.probs, self.made.after)
            both = reached & (now.argmax(dim=1) == targets)
            relative = figures.relative_changes(
                torch.stack([before.probs[rows, targets], was[rows, targets]]),
                torch.stack([after.probs[rows, targets], now[rows, targets]]),
                own=0,
            )
            agreement = _rate(was.argmax(dim=1) == before.verdicts)
            found[name] = Confirmation(agreement, _rate(both), _rate(both[reached]), float(relative[1]))
        return found

    def _cout(
        self, sources: Tensor, targets: Tensor, rng: torch.Generator | None = None
    ) -> Generator[Event, None, Tensor]:
        @torch.inference_mode()
        def ask(img: Tensor) -> Tensor:
            return self.classifier.probs(img).float().cpu()

        scores = []
        for i, (source, target) in enumerate(zip(sources.tolist(), targets.tolist(), strict=True)):
            yield Progress(i, len(sources), "Inserting counterfactuals step by step")
            photo, changed = _float(np.stack([self.made.before[i], self.made.after[i]])).to(self.device)
            scores.append(figures.cout(photo, changed, ask, source, target, rng=rng))
        return torch.tensor(scores)

    def _correct(self, sources: Tensor) -> Tensor:
        truth = self.references.truth
        if truth is None:
            return torch.ones(len(sources), dtype=torch.bool)
        return torch.from_numpy(truth[self.made.rows]) == sources

    def _fid(self, reached: Tensor) -> Generator[Event, None, Frechet | None]:
        inception = self.references.inception
        if inception is None or int(reached.sum()) < FEWEST:
            return None
        rows = reached.numpy()
        was = yield from self._ask(inception, self.made.photos[rows])
        return _frechet(was, (yield from self._ask(inception, self.made.after[rows])))

    def _identity(self) -> Generator[Event, None, Identity | None]:
        embed = self.references.embed
        if embed is None:
            return None
        photos = yield from self._ask(embed, self.made.photos)
        cosines = figures.similarities(photos, (yield from self._ask(embed, self.made.after)))
        unedited = figures.similarities(photos, (yield from self._ask(embed, self.made.before)))
        return Identity(_mean(cosines), _rate(cosines > figures.SAME_PERSON), _mean(unedited))

    def _distances(self) -> Generator[Event, None, tuple[Tensor, Tensor, Tensor]]:
        """Return L1 and the perceptual distance (N,) of each pair, and those (N, 2, 2) between two counterfactuals."""
        made = self.made

        @torch.inference_mode()
        def compare(rows: slice) -> tuple[Tensor, Tensor, Tensor]:
            a, b, c = (_float(images[rows]).to(self.device) for images in (made.before, made.after, made.second))
            changed, between = self.distance(a, b).float().cpu(), self.distance(b, c).float().cpu()
            both = torch.zeros(len(a), 2, 2)
            both[:, 0, 1] = both[:, 1, 0] = between
            return (a - b).abs().mean(dim=(1, 2, 3)).cpu(), changed, both

        parts = yield from self.sizer.anew().run(compare, len(made), "Comparing counterfactuals with their photos")
        l1, distance, between = (torch.cat(each) for each in zip(*parts, strict=True))
        return l1, distance, between

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


def _probe(oracle: Oracle, before: _Seen, after: _Seen, random: _Seen) -> Probe:
    was, now, drawn = (oracle.probs(seen.embeddings) > 0.5 for seen in (before, after, random))
    return Probe(oracle.accuracy, oracle.majority, _rate(was != now), _rate(was != drawn))


def _frechet(photos: Tensor, made: Tensor) -> Frechet | None:
    """Return distances of features (N, F); None of so few pictures that they would say nothing."""
    if len(made) < FEWEST:
        return None
    return Frechet(
        frechet_distance(photos, made), figures.split_frechet(photos, made), figures.split_frechet(photos, photos)
    )


def _float(images: np.ndarray) -> Tensor:
    return torch.from_numpy(to_float(images))


def _rate(hits: Tensor) -> Rate:
    return Rate(int(hits.sum()), len(hits))


def _mean(values: Tensor) -> Mean:
    return Mean.of(values.tolist())
