# SPDX-License-Identifier: MIT
"""The field's figures of counterfactuals, each beside its control. A job. Formulas are in `figures`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from latent_explorer.common.events import Event, Progress
from latent_explorer.common.statistics import mean_interval
from latent_explorer.data.images import to_float
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.counterfactuals import figures
from latent_explorer.explain.direction_search.logistic import fit_logistic
from latent_explorer.explain.projection.projection import distances
from latent_explorer.models.classifiers import Classifier
from latent_explorer.models.metrics import frechet_distance

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.counterfactuals.making import Counterfactuals
    from latent_explorer.models.explainer import Explainer
    from latent_explorer.models.perceptual import PerceptualDistance

CONTROLS = ("random", "noise", "weights")  # pictures of Counterfactuals that show no attribute
FEWEST = 20  # pictures that a Frechet distance is computed over


@dataclass(frozen=True)
class Mean:
    """Mean over pictures with its 95 % t interval; NaN of none."""

    value: float
    interval: tuple[float, float]
    n: int


@dataclass(frozen=True)
class Oracle:
    """Linear probe of one attribute of the data, and its accuracy on training pictures that it was not fitted on."""

    name: str
    accuracy: float
    majority: float  # what always saying the commoner answer would reach
    coefficients: np.ndarray
    intercept: float

    def probs(self, embeddings: np.ndarray) -> np.ndarray:
        """Return the probabilities (N,) that pictures with these embeddings have the attribute."""
        p: np.ndarray = 1 / (1 + np.exp(-np.clip(embeddings @ self.coefficients + self.intercept, -500, 500)))
        return p


@dataclass(frozen=True)
class References:
    """Real pictures that counterfactuals are compared with. Everything is optional: a figure without it is left out.

    truth       (N,) classes of the photographs by their labels; COUT is then of the correctly classified ones
    masks       (N, R, R) bool: what is the object, for sparsity
    training    (M, R, R, 3) uint8 real pictures, for minimality and for the oracles
    attributes  by name: (M,) bool, what the training pictures have
    confirming  classifiers that the explainer was not made for, by name
    """

    truth: np.ndarray | None = None
    masks: np.ndarray | None = None
    training: np.ndarray | None = None
    attributes: Mapping[str, np.ndarray] | None = None
    confirming: Mapping[str, Classifier] | None = None


@dataclass(frozen=True)
class CounterfactualFigures:
    """Figures of one kind of counterfactuals; None where what they need was not given."""

    kind: str
    n: int
    flips: Rate  # FR
    flips_of: dict[str, Rate]  # by the class before
    controls: dict[str, Rate]  # flips by what shows no attribute
    confirmed: dict[str, tuple[Rate, Rate]]  # by network: NAFR, of all; NA rate, of the flips
    cout: Mean
    cout_of: dict[str, Mean]  # by the class before
    frechet: float | None  # on the classifier's features, of the counterfactuals that flip
    split_frechet: float | None
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
    oracles: dict[str, tuple[float, float]]  # accuracy, and the commoner answer's share
    per_second: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as `evaluate --counterfactuals --json` prints them; NaN is None."""
        found: dict[str, Any] = _plain(asdict(self))
        return found


def judge(
    explainer: Explainer,
    made: Counterfactuals,
    references: References,
    *,
    classifier_id: str | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, CounterfactualFigures]:
    """Measure counterfactuals. A job."""
    return (yield from _Judge(explainer, made, references, classifier_id, device, budget).run())


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
        self.distance: PerceptualDistance = distances(explainer, self.device)[1]
        self.sizer = BatchSizer(budget)

    def run(self) -> Generator[Event, None, CounterfactualFigures]:
        made, training = self.made, self.references.training
        before, after = (yield from self._look(made.before)), (yield from self._look(made.after))
        real = None if training is None else (yield from self._look(training))
        sources, targets = before.probs.argmax(dim=1), torch.from_numpy(made.targets)
        reached = after.probs.argmax(dim=1) == targets
        scores = yield from self._cout(sources, targets)
        correct = self._correct(sources)
        dist, l1 = yield from self._distances()
        inside = None if self.references.masks is None else self._inside()
        oracles = self._oracles(real)
        changed, cd = self._attributes(oracles, before, after, real)
        enough = int(reached.sum()) >= FEWEST
        split = (
            figures.split_frechet(before.features[reached], after.features[reached], figures.SPLITS) if enough else None
        )
        return CounterfactualFigures(
            kind=made.kind,
            n=len(made),
            flips=_rate(reached),
            flips_of={name: _rate(reached[sources == c]) for c, name in enumerate(self.names)},
            controls=(yield from self._controls(targets)),
            confirmed=(yield from self._confirmed(reached, targets)),
            cout=_mean(scores[correct]),
            cout_of={name: _mean(scores[correct & (sources == c)]) for c, name in enumerate(self.names)},
            frechet=frechet_distance(before.features, after.features[reached]) if enough else None,
            split_frechet=split,
            l1=_mean(l1),
            distance=_mean(dist),
            distance_name=self.distance.name,
            similarity=_mean(figures.similarities(before.embeddings, after.embeddings)),
            sparsity=None if inside is None else figures.sparsity(inside),
            inside=None if inside is None else float((inside[:, 0] / inside.sum(dim=1).clamp_min(1e-12)).mean()),
            diversity=self._diversity(),
            minimality=self._minimality(before, after, real, targets),
            changed_attributes=changed,
            correlation_difference=cd,
            oracles={each.name: (each.accuracy, each.majority) for each in oracles},
            per_second=len(made) / made.seconds if made.seconds else math.nan,
        )

    def _controls(self, targets: Tensor) -> Generator[Event, None, dict[str, Rate]]:
        found = {}
        for name in CONTROLS:
            pictures = getattr(self.made, name)
            if not np.array_equal(pictures, self.made.before):
                found[name] = _rate((yield from self._look(pictures)).probs.argmax(dim=1) == targets)
        return found

    def _diversity(self) -> float:
        """Between the counterfactuals by the first and by the next attributes."""
        changes = [
            (_float(images) - _float(self.made.before)).flatten(1) for images in (self.made.after, self.made.second)
        ]
        return figures.diversity(torch.stack(changes, dim=1))

    def _look(self, images: np.ndarray) -> Generator[Event, None, _Seen]:
        parts = yield from self.sizer.run(lambda rows: self._seen(images[rows]), len(images), "Looking at pictures")
        return _Seen(*(torch.cat([getattr(part, name) for part in parts]) for name in _SEEN))

    @torch.inference_mode()
    def _seen(self, images: np.ndarray) -> _Seen:
        img = _float(images).to(self.device)
        maps = self.distance.features(img)
        embedding = torch.cat([x.mean(dim=(2, 3)) for x in maps[-2:]], dim=1)
        return _Seen(
            self.classifier.probs(img).float().cpu(),
            self.classifier.features(img).float().cpu(),
            embedding.float().cpu(),
        )

    def _cout(self, sources: Tensor, targets: Tensor) -> Generator[Event, None, Tensor]:
        scores = []
        for i, (source, target) in enumerate(zip(sources.tolist(), targets.tolist(), strict=True)):
            yield Progress(i, len(sources), "Inserting counterfactuals step by step")
            pair = _float(np.stack([self.made.before[i], self.made.after[i]])).to(self.device)
            scores.append(figures.cout(pair[0], pair[1], self._ask, source, target))
        return torch.tensor(scores)

    @torch.inference_mode()
    def _ask(self, img: Tensor) -> Tensor:
        return self.classifier.probs(img).float().cpu()

    def _correct(self, sources: Tensor) -> Tensor:
        truth = self.references.truth
        if truth is None:
            return torch.ones(len(sources), dtype=torch.bool)
        return torch.from_numpy(truth[self.made.rows]) == sources

    def _distances(self) -> Generator[Event, None, tuple[Tensor, Tensor]]:
        """Return the perceptual distance and L1 (N,) of each pair."""
        made = self.made

        @torch.inference_mode()
        def compare(rows: slice) -> tuple[Tensor, Tensor]:
            a, b = (_float(images[rows]).to(self.device) for images in (made.before, made.after))
            return self.distance(a, b).float().cpu(), (a - b).abs().mean(dim=(1, 2, 3)).cpu()

        parts = yield from self.sizer.run(compare, len(made), "Comparing counterfactuals with their photos")
        return torch.cat([d for d, _ in parts]), torch.cat([l1 for _, l1 in parts])

    def _minimality(self, before: _Seen, after: _Seen, real: _Seen | None, targets: Tensor) -> float | None:
        """Distances are those of embeddings, so that N times M pictures need not be compared one by one."""
        if real is None:
            return None
        verdicts, sources = real.probs.argmax(dim=1), before.probs.argmax(dim=1)
        everyone = torch.cdist(before.embeddings, real.embeddings)
        count = min(int((verdicts == c).sum()) for c in {*sources.tolist(), *targets.tolist()})
        if not count:
            return None
        of_class = [torch.nonzero(verdicts == c).flatten()[:count] for c in range(len(self.names))]
        to_target, to_source = (
            torch.stack([everyone[i, of_class[c]] for i, c in enumerate(classes.tolist())])
            for classes in (targets, sources)
        )
        return figures.minimality((before.embeddings - after.embeddings).norm(dim=1), to_target, to_source)

    def _confirmed(self, reached: Tensor, targets: Tensor) -> Generator[Event, None, dict[str, tuple[Rate, Rate]]]:
        """Ask each other network of the counterfactuals: NAFR of all of them, NA rate of those that flip."""
        found = {}
        for name, network in (self.references.confirming or {}).items():
            ask = partial(self._verdicts, network.to(self.device))
            parts = yield from self.sizer.anew().run(ask, len(self.made), f"Asking {name}")
            both = reached & (torch.cat(parts) == targets)
            found[name] = _rate(both), _rate(both[reached])
        return found

    @torch.inference_mode()
    def _verdicts(self, network: Classifier, rows: slice) -> Tensor:
        return network.probs(_float(self.made.after[rows]).to(self.device)).argmax(dim=1).cpu()

    def _inside(self) -> Tensor:
        masks = torch.from_numpy(self.references.masks[self.made.rows])  # type: ignore[index]
        return figures.mask_changes(_float(self.made.before), _float(self.made.after), masks)

    def _oracles(self, real: _Seen | None) -> list[Oracle]:
        """Fit a probe of each attribute on three quarters of the training pictures, and measure it on the rest."""
        if real is None or not self.references.attributes:
            return []
        x = real.embeddings.double().numpy()
        order = np.random.default_rng(0).permutation(len(x))
        fitted, held = order[len(x) // 4 :], order[: len(x) // 4]
        found = []
        for name, has in self.references.attributes.items():
            if len(np.unique(has[fitted])) < 2:
                continue
            coefficients, intercept = fit_logistic(x[fitted], has[fitted].astype(int), ridge=1.0)
            right = (x[held] @ coefficients + intercept > 0) == has[held]
            share = float(has[held].mean())
            found.append(Oracle(name, float(right.mean()), max(share, 1 - share), coefficients, intercept))
        return found

    def _attributes(
        self, oracles: Sequence[Oracle], before: _Seen, after: _Seen, real: _Seen | None
    ) -> tuple[float | None, float | None]:
        """Return MNAC and CD; the asked attribute is the classifier's last class, as it sees it."""
        if not oracles or real is None:
            return None, None
        was, now = (
            torch.from_numpy(np.stack([each.probs(x.embeddings.double().numpy()) for each in oracles], axis=1))
            for x in (before, after)
        )
        has = self.references.attributes or {}
        labels = torch.from_numpy(np.stack([has[each.name] for each in oracles], axis=1)).double()
        asked, asked_label = after.probs[:, -1] - before.probs[:, -1], real.probs[:, -1]
        return (
            figures.changed_attributes(was, now),
            figures.correlation_difference(now - was, asked, labels, asked_label),
        )


@dataclass(frozen=True)
class _Seen:
    """What networks say of pictures, on the CPU."""

    probs: Tensor  # (N, K)
    features: Tensor  # (N, F) of the classifier
    embeddings: Tensor  # (N, E) of the network that judges distances: its last two layers, averaged over the picture


_SEEN = ("probs", "features", "embeddings")


def _float(images: np.ndarray) -> Tensor:
    return torch.from_numpy(to_float(images))


def _rate(hits: Tensor) -> Rate:
    return Rate(int(hits.sum()), len(hits))


def _mean(values: Tensor) -> Mean:
    listed = [float(v) for v in values]
    return Mean(sum(listed) / len(listed) if listed else math.nan, mean_interval(listed), len(listed))


def _plain(value: Any) -> Any:
    """Return a value of dictionaries, tuples and numbers as JSON can hold it: NaN is None, a rate has its interval."""
    if isinstance(value, Rate):
        return {"share": _plain(value.share), "n": value.n, "interval": list(value.interval)}
    if isinstance(value, dict):
        if set(value) == {"count", "n"}:
            return _plain(Rate(value["count"], value["n"]))
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
