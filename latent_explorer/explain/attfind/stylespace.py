# SPDX-License-Identifier: MIT
"""The channels of Wu et al., "StyleSpace Analysis": the baseline that replications set beside AttFind. A job.

Nothing is rendered to choose them: a channel is ranked by how far the styles of a class's exemplars stand from those of
all pictures. The effects that the list shows are rendered afterwards, and those of unstable pictures count as 0, as
AttFind's do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from latent_explorer.common.events import Event, Notice
from latent_explorer.explain.attfind.effects import SingleMoves, reconstruct
from latent_explorer.explain.attfind.greedy import UNSTABLE_EFFECT, UNSTABLE_SHARE, Pick, mean_interval
from latent_explorer.explain.attfind.result import Subject, attribute_of
from latent_explorer.explain.attfind.searched import latents_to_search, observed_range
from latent_explorer.explain.attfind.unstable import judge, large_share
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.models.attributes import AttributeSet

if TYPE_CHECKING:
    from collections.abc import Generator

    import torch

    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.models.explainer import Explainer, Samples
    from latent_explorer.models.summary import StyleStats

FEWEST_EXEMPLARS = 5  # of which a standard deviation means something


class StyleSpaceSettings(msgspec.Struct, frozen=True):
    """Settings of a ranking of channels."""

    n: int = 250  # pictures of the explainer
    seed: int | None = None  # seed to draw them with; None: the first n
    kappa: float = 1.0  # share of the way to the observed end, as AttFind moves
    wanted: int = 10  # channels for each class
    # "signal": |mean| / deviation of the exemplars' z-scores, as Wu et al. rank; "difference": |mean| alone, as the
    # replication does.
    score: Literal["signal", "difference"] = "signal"
    # "extreme": the top `share` of the pictures by the logit of the class against the others, as Wu et al. draw them;
    # "confident": those with a probability above `confidence`, as the replication does.
    exemplars: Literal["extreme", "confident"] = "extreme"
    share: float = 0.1  # of 100,000 pictures the authors take 0.01; of a few hundred that would be two or three
    confidence: float = 0.9
    unstable_effect: float = UNSTABLE_EFFECT
    unstable_share: float = UNSTABLE_SHARE

    def stored(self, unstable: int) -> dict[str, float | int | str | bool]:
        """Return what is stored with an attribute set; `unstable` pictures were found."""
        stored: dict[str, float | int | str | bool] = {"wanted": self.wanted, "unstable_pictures": unstable}
        if self.exemplars == "extreme":
            stored["share"] = self.share
        else:
            stored["confidence"] = self.confidence
        if self.seed is not None:
            stored["seed"] = self.seed
        return stored


def stylespace(
    explainer: Explainer,
    settings: StyleSpaceSettings = StyleSpaceSettings(),  # noqa: B008  # frozen
    *,
    classifier_id: str | None = None,
    latents: Samples | None = None,
    ranges: StyleStats | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, AttributeSet]:
    """Rank the style channels of every class. Arguments as of `attfind`. A job.

    Directions follow the sign of the exemplars' mean: a channel whose exemplars stand high moves to the maximum.
    """
    model = copy_to_device(explainer, device)
    key = classifier_id or model.classifier_id
    classifier, synthesis = model.classifiers[key], model.generator.synthesis
    ws, cond = latents_to_search(explainer, latents, settings.n, settings.seed, device)
    sizer = BatchSizer(budget)
    pictures = yield from reconstruct(synthesis, classifier, ws, cond, sizer)
    style_range, source = observed_range(pictures, ranges, explainer.style_stats)
    logits, names = pictures.logits.cpu().numpy(), classifier.config.class_names
    subject = Subject(
        key, tuple(range(len(names))), logits, style_range.cpu().numpy(), source, model.generator.config.layout
    )
    moves = SingleMoves(synthesis, classifier, pictures, style_range, settings.kappa, sizer)
    chosen: list[tuple[int, int, int]] = []  # target, style_index, direction
    for target, name in enumerate(names):
        rows = exemplars(logits, target, settings)
        if len(rows) < FEWEST_EXEMPLARS:
            yield Notice(f"No channels towards {name}: it has {len(rows)} exemplars, fewer than 5.", "warning")
            continue
        ranked = rank_channels(pictures.s.cpu().numpy(), rows, settings.score)[: settings.wanted]
        chosen += [(target, style_index, direction) for style_index, direction in ranked]
    effects = []
    for target, style_index, direction in chosen:
        others = np.flatnonzero(subject.verdicts != target)
        columns = np.full_like(others, direction), np.full_like(others, style_index)
        effects.append((others, (yield from moves.exact(np.stack([others, *columns], axis=1)))))
    unstable = yield from _unstable(moves, effects, settings)
    attributes = []
    for (target, style_index, direction), (others, moved) in zip(chosen, effects, strict=True):
        values = np.where(unstable[others], 0, moved[:, target])
        attributes.append(attribute_of(Pick(style_index, direction, target, 1, *mean_interval(values)), subject))
    method = f"stylespace-{settings.score}-{settings.exemplars}"
    stored = settings.stored(int(unstable.sum()))
    return AttributeSet(key, method, len(ws), settings.kappa, source, tuple(attributes), stored)


def _unstable(
    moves: SingleMoves, effects: list[tuple[np.ndarray, np.ndarray]], settings: StyleSpaceSettings
) -> Generator[Event, None, np.ndarray]:
    """Return which pictures are unstable (N,) bool, as AttFind's race finds it, which renders few moves, too.

    Suspected are pictures on which one of the `effects` (pictures (M,), changes (M, K)) is large, or half as many moves
    as make it unstable are predicted to be.
    """
    limits = settings.unstable_effect, settings.unstable_share
    suspected = np.zeros(len(moves.pictures), dtype=bool)

    def predict(rows: slice, predicted: np.ndarray) -> None:
        suspected[rows] = large_share(predicted, limits[0]) > limits[1] / 2

    def look(pictures: np.ndarray, drawn: np.ndarray) -> Generator[Event, None, np.ndarray]:
        direction, style_index = np.unravel_index(drawn, tuple(moves.style_range.shape))
        columns = (np.tile(x, len(pictures)) for x in (direction, style_index))
        wanted = np.stack([np.repeat(pictures, len(drawn)), *columns], axis=1)
        found = yield from moves.exact(wanted, "Looking for unstable pictures")
        return found.reshape(len(pictures), len(drawn), found.shape[1])

    yield from moves.predict(predict)
    for others, changes in effects:
        suspected[others[(np.abs(changes) > limits[0]).any(axis=1)]] = True
    suspects, unstable = np.flatnonzero(suspected), np.zeros_like(suspected)
    order = np.random.default_rng(0).permutation(moves.style_range.numel())
    unstable[suspects] = yield from judge(suspects, order, look, *limits)
    return unstable


def exemplars(logits: np.ndarray, target: int, settings: StyleSpaceSettings) -> np.ndarray:
    """Return the pictures (M,) that stand for a class, by their logits (N, K)."""
    others = np.delete(logits.astype(np.float64), target, axis=1)
    margin = logits[:, target] - np.logaddexp.reduce(others, axis=1)  # log(p / (1 - p)) of the class
    if settings.exemplars == "confident":
        return np.flatnonzero(margin > np.log(settings.confidence / (1 - settings.confidence)))
    count = max(FEWEST_EXEMPLARS, round(settings.share * len(logits)))
    return np.sort(np.argsort(-margin, kind="stable")[:count])


def rank_channels(s: np.ndarray, rows: np.ndarray, score: str) -> list[tuple[int, int]]:
    """Return (style_index, direction) of all channels, best first; direction 1 is to the maximum.

    s     (N, S) styles of all pictures
    rows  the exemplars among them

    z = (s - mean) / deviation over all pictures; the score is |mean(z)| over the exemplars, divided by their deviation
    of z for "signal" (Wu et al., 2021, section 4; the reference's section D.1). A channel that never varies comes last.
    """
    deviation = s.std(axis=0)
    varies = deviation > 1e-6 * np.abs(s).max(initial=1e-12)
    z = (s[rows] - s.mean(axis=0)) / np.where(varies, deviation, 1)
    mean = z.mean(axis=0)
    scores = np.abs(mean)
    if score == "signal":
        scores = scores / np.maximum(z.std(axis=0), 1e-6)
    order = np.argsort(-np.where(varies, scores, -1), kind="stable")
    return [(int(j), int(mean[j] > 0)) for j in order]
