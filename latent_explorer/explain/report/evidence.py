# SPDX-License-Identifier: MIT
"""Evidence for attributes in real pictures: do they bear out what the generator shows? A job.

An attribute says: raise this style and the classifier is surer of the class. That is seen in pictures which the
generator draws. Here real pictures are put in the order of that style's value, through the encoder, and their own
verdicts are looked at: do those with high values score higher?

The class that a StylEx generator is given moves its styles directly, so values taken with it agree with the verdict by
construction. They are therefore taken with the same class probabilities for every picture (styles are affine in them,
so it does not matter which), and those with the class given stand beside them as a control.

Labels explain much of both, the value and the verdict, so that anything that differs between the classes correlates:
what counts is the rank correlation within the classes, beside random coordinates of the same layers and shuffled
values. The rule is `RULE` in `media.report.evidence`.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer import __version__
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Progress
from latent_explorer.common.log_odds import log_odds
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.counterfactuals.references import labels_as_classes
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.explain.report.photo_styles import StyleReader, attribute_values
from latent_explorer.explain.report.rank_statistics import fisher_intervals, mean_ranks, rank_correlations, resamples
from latent_explorer.media.drawing import fit
from latent_explorer.media.report.evidence import AttributeEvidence, Correlation, EndOfOrder, EndPhoto, Evidence
from latent_explorer.media.report.result import StyleMove
from latent_explorer.models.attributes import describe_entries, newest_set

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import torch

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.data.dataset import ImageDataset
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.explainer import Explainer

FEWEST = 20  # photographs from which anything can be said
CONTROL = 0.95  # share of random coordinates and of shuffled values that an attribute is compared with
_LARGEST_SHOWN = 128  # px


class EvidenceSettings(msgspec.Struct, frozen=True):
    """Size of the evidence."""

    shown: int = 20  # pictures of each end
    draws: int = 100  # of random coordinates and of shuffled values, for each attribute
    resamples: int = 1000  # for the intervals
    seed: int = 0


DEFAULT = EvidenceSettings()


def evidence(
    explainer: Explainer,
    attributes: Sequence[Attribute],
    read: Callable[[slice | np.ndarray], np.ndarray],
    ids: Sequence[str],
    labels: np.ndarray | None = None,
    groups: Sequence[str] | None = None,
    settings: EvidenceSettings = DEFAULT,
    *,
    pair: tuple[int, int] | None = None,
    classifier_id: str | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, Evidence]:
    """Look for attributes in the photographs `ids`; `read(rows)` gives (n, R, R, 3) uint8. A job.

    labels  (N,) classes of the classifier, by which the partial correlation is; None: its own verdicts stand in
    groups  (N,) names of what belongs together, as photographs of one leaf: resampled as a whole
    pair    the two classes that alone the search asked about: log-odds are between them

    The attributes of the result stand in the order of `attributes`. UserError where the explainer has no encoder, there
    are no attributes, or fewer than FEWEST photographs or groups of them.
    """
    key = classifier_id or explainer.classifier_id
    if not attributes:
        raise UserError(f"{explainer.name} lists no attributes for this classifier. Search for attributes first.")
    if len(ids) < FEWEST:
        raise UserError(f"{len(ids)} real pictures say too little; {FEWEST} are the fewest. Choose more of them.")
    together = np.arange(len(ids)) if groups is None else np.array(groups)
    if (count := len(np.unique(together))) < FEWEST:
        raise UserError(
            f"The real pictures are of {count} {'group' if count == 1 else 'groups'}, too few for intervals; {FEWEST} "
            f"are the fewest. Bring pictures of more, or leave out --group if each picture stands alone."
        )
    reader = StyleReader(copy_to_device(explainer, device), key, attributes)
    parts = yield from BatchSizer(budget).run(
        lambda rows: reader.read(read(rows), ids[rows]), len(ids), "Encoding real pictures"
    )
    plain, with_class, logits = (np.concatenate(each) for each in zip(*parts, strict=True))
    seen = _Seen(plain, with_class, logits, labels)
    told = reader.is_told
    tests = []
    for done, attribute in enumerate(attributes):
        yield Progress(done, len(attributes), "Comparing with random coordinates")
        tests.append(_test(reader, seen, attribute, pair, settings, told=told))
    intervals = yield from _intervals(tests, seen.strata, together, settings)
    found = []
    for done, (attribute, test) in enumerate(zip(attributes, tests, strict=True)):
        yield Progress(done, len(attributes), "Reading the pictures at the ends")
        ends = [_end(rows, seen, test, attribute.target, read, ids) for rows in test.ends(settings.shown)]
        found.append(_result(reader, attribute, test, intervals[:, done], ends))
    yield Progress(len(attributes), len(attributes), "Reading the pictures at the ends")
    config = explainer.classifiers[key].config
    return Evidence(
        name=explainer.name,
        model_hash=explainer.model_hash,
        classifier=config.name,
        classifier_id=key,
        class_names=config.class_names,
        n=len(ids),
        groups=count,
        strata="verdict" if labels is None else "label",
        told=told,
        resamples=settings.resamples,
        draws=settings.draws,
        attributes=tuple(found),
        version=__version__,
    )


def data_set_evidence(
    explainer: Explainer,
    pictures: ImageDataset,
    rows: np.ndarray,
    settings: EvidenceSettings = DEFAULT,
    attributes: Sequence[Attribute] | None = None,
    *,
    pair: tuple[int, int] | None = None,
    classifier_id: str | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, Evidence]:
    """Look for attributes in the pictures `rows` (n,) of a data set, with its labels and groups. A job.

    attributes, pair  those of the newest search for the classifier without any
    """
    key = classifier_id or explainer.classifier_id
    if attributes is None and (listed := newest_set(explainer.attribute_sets, key)):
        attributes, pair = listed.attributes, listed.pair
    size, group = explainer.generator.config.resolution, pictures.about["options"]["group"]
    labels = labels_as_classes(pictures, explainer.classifiers[key].config.class_names)
    found = yield from evidence(
        explainer,
        attributes or (),
        lambda part: pictures.read(rows[part], size),
        [pictures.names[row] for row in rows],
        None if labels is None else labels[rows],
        [pictures.columns[group][row] or pictures.names[row] for row in rows] if group else None,
        settings,
        pair=pair,
        classifier_id=key,
        device=device,
        budget=budget,
    )
    return found


@dataclass
class _Seen:
    """What was read of the photographs: styles of the layers (N, C), those with the class given, logits (N, K)."""

    s: np.ndarray
    told: np.ndarray
    logits: np.ndarray
    labels: np.ndarray | None

    @property
    def strata(self) -> np.ndarray:
        """What the partial correlation holds fixed (N,)."""
        return self.logits.argmax(axis=1) if self.labels is None else self.labels


@dataclass
class _Test:
    """Ranks of an attribute's values and of the log-odds (N, 1), and the correlations of the controls.

    Each pair of figures is the overall and the partial one.
    """

    values: np.ndarray  # (N,) standard deviations
    ranks: np.ndarray
    odds: np.ndarray
    found: tuple[float, float]
    random: tuple[float, float]
    shuffled: tuple[float, float]
    told: tuple[float, float] | None

    def ends(self, shown: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows with the highest and the lowest values, the outermost first."""
        order = np.argsort(self.values, kind="stable")
        count = min(shown, len(order) // 2)
        return order[::-1][:count], order[:count]


def _test(
    reader: StyleReader,
    seen: _Seen,
    attribute: Attribute,
    pair: tuple[int, int] | None,
    settings: EvidenceSettings,
    *,
    told: bool,
) -> _Test:
    signs = [entry.weight * (1 if entry.end == "max" else -1) for entry in attribute.entries]
    places = [reader.places[entry.style_index] for entry in attribute.entries]
    values = attribute_values(seen.s, places, signs)
    with_class = attribute_values(seen.told, places, signs)
    rng = np.random.default_rng(settings.seed)
    pools = [reader.pool(entry.style_index, seen.s) for entry in attribute.entries]
    draws = settings.draws if all(len(pool) for pool in pools) else 0
    drawn = [
        attribute_values(seen.s, [rng.choice(pool) for pool in pools], signs * rng.choice((-1, 1), len(signs)))
        for _ in range(draws)
    ]
    asked = list(pair) if pair and attribute.target in pair else list(range(seen.logits.shape[1]))
    odds = mean_ranks(log_odds(seen.logits[:, asked], asked.index(attribute.target))[:, None])
    ranks = mean_ranks(np.stack([values, with_class, *drawn], axis=1))
    shuffled = np.stack([rng.permutation(ranks[:, 0]) for _ in range(settings.draws)], axis=1)
    everything = np.concatenate([ranks, shuffled], axis=1)
    of_all = [rank_correlations(everything, odds, strata) for strata in (np.zeros(len(values), int), seen.strata)]

    def control(part: slice) -> tuple[float, float]:
        overall, partial = (_quantile(found[part]) for found in of_all)
        return overall, partial

    return _Test(
        values,
        ranks[:, :1],
        odds,
        found=(float(of_all[0][0]), float(of_all[1][0])),
        random=control(slice(2, 2 + draws)),
        shuffled=control(slice(2 + draws, None)),
        told=(float(of_all[0][1]), float(of_all[1][1])) if told else None,
    )


def _quantile(found: np.ndarray) -> float:
    """Return what CONTROL of these correlations, each towards either end, stay below; NaN if there are none."""
    known = found[np.isfinite(found)]
    return float(np.quantile(np.concatenate([known, -known]), CONTROL)) if len(known) else float("nan")


def _intervals(
    tests: Sequence[_Test], strata: np.ndarray, groups: np.ndarray, settings: EvidenceSettings
) -> Generator[Event, None, np.ndarray]:
    """Return the intervals (2, A, 2) of all overall and partial correlations, 95 % for all attributes together."""
    ranks, odds = (np.concatenate([getattr(test, name) for test in tests], axis=1) for name in ("ranks", "odds"))
    kinds = (np.zeros(len(strata), int), strata)
    drawn: list[list[np.ndarray]] = [[], []]
    done = 0
    for weights in resamples(groups, settings.resamples, np.random.default_rng(settings.seed)):
        yield Progress(done, settings.resamples, "Resampling the pictures")
        for kind, fixed in enumerate(kinds):
            drawn[kind].append(rank_correlations(ranks, odds, fixed, weights))
        done += len(weights)
    z = NormalDist().inv_cdf(1 - 0.025 / len(tests))
    found = np.array([test.found for test in tests]).T
    return np.stack([fisher_intervals(found[kind], np.concatenate(drawn[kind]), z) for kind in (0, 1)])


def _end(
    rows: np.ndarray,
    seen: _Seen,
    test: _Test,
    target: int,
    read: Callable[[slice | np.ndarray], np.ndarray],
    ids: Sequence[str],
) -> EndOfOrder:
    logits = seen.logits[rows].astype(np.float64)
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    photos = [
        EndPhoto(
            name=ids[row],
            image=_small(image),
            value=float(test.values[row]),
            p=float(p[target]),
            label=None if seen.labels is None else int(seen.labels[row]),
            verdict=int(p.argmax()),
        )
        for row, image, p in zip(rows, read(rows), probs, strict=True)
    ]
    return EndOfOrder(tuple(photos))


def _small(image: np.ndarray) -> np.ndarray:
    side = min(_LARGEST_SHOWN, image.shape[0])
    return fit(image, side, side)


def _result(
    reader: StyleReader, attribute: Attribute, test: _Test, intervals: np.ndarray, ends: Sequence[EndOfOrder]
) -> AttributeEvidence:
    overall, partial = (
        Correlation(
            test.found[kind],
            (float(intervals[kind, 0]), float(intervals[kind, 1])),
            test.random[kind],
            test.shuffled[kind],
            None if test.told is None else test.told[kind],
        )
        for kind in (0, 1)
    )
    places = [(entry, *reader.layout.at(entry.style_index)) for entry in attribute.entries]
    moves = tuple(
        StyleMove(e.style_index, e.end, layer.name, channel, layer.resolution) for e, layer, channel in places
    )
    name = attribute.name or describe_entries(attribute)
    return AttributeEvidence(name, attribute.target, moves, overall, partial, *ends)
