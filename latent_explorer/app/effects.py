# SPDX-License-Identifier: MIT
"""What each listed attribute does to many pictures, measured in the background: mean effects, and which look alike."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.app.engine.events import PictureReady
from latent_explorer.app.exploration.document import attribute_key, listed_set
from latent_explorer.app.exploration.picture_requests import resolve
from latent_explorer.app.exploration.state import ExplorerState, with_attributes
from latent_explorer.app.exploration.turning_requests import TRIALS
from latent_explorer.app.exploration.updates import DocumentChanged, EffectsMeasured, MainPicture, StateChanged
from latent_explorer.common.statistics import mean_interval
from latent_explorer.explain.likeness import correlation, mean_cosine
from latent_explorer.explain.recipe import Base, LooksRequest, SampleBase, SeedBase
from latent_explorer.models.attributes import by_effect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Looks
    from latent_explorer.models.attributes import Attribute, AttributeSet
    from latent_explorer.models.summary import ExplainerSummary

SLOT = "effects"
PICTURES = 48  # that an effect is the mean of, at most
PICTURES_OF_LARGE = 16  # the same above 128 px, where each takes a second on a CPU
LARGE = 128  # px
FEWEST = 8  # pictures of other classes below which there is no mean
MAX_ATTRIBUTES = 24  # that are measured; those with the largest mean effects


@dataclass(frozen=True)
class Measured:
    """Means over n pictures of other classes at amount 1.

    change  of the target's probability
    effect  on its logit, with a 95 % interval
    apart   the search did not choose the attribute on any of these pictures
    """

    change: float
    effect: float
    interval: tuple[float, float]
    n: int
    apart: bool


@dataclass(frozen=True)
class Likeness:
    """Two attributes compared on n pictures: cosine of what they change, correlation of their effects on the logit."""

    cosine: float
    correlation: float
    n: int


@dataclass(frozen=True)
class _Question:
    """What is measured: pictures from `first` on, where the ones before were searched."""

    model_hash: str
    classifier_id: str
    target: int
    first: int = 0


class EffectMeter:
    """Renders encoded pictures (or seeds, where there are none) with each attribute at 1, after everything else.

    Means are over pictures that the classifier does not call the target already, and that the search did not choose
    the attributes on, if the file holds enough of them. Emits `EffectsMeasured` when all are known. What is known is
    kept as long as the program runs.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._known: dict[_Question, dict[str, Measured]] = {}
        self._alike: dict[_Question, dict[tuple[str, str], Likeness]] = {}
        self._asked: _Question | None = None
        self._attributes: tuple[Attribute, ...] = ()  # that are being measured
        self._requests: list[Any] = []
        self._answers: dict[int, Looks] = {}
        for kind in (DocumentChanged, MainPicture, StateChanged):
            explorer.updates.on(kind, lambda _update: self._consider())
        explorer.updates.on(PictureReady, self._take, slot=SLOT)

    def measured(self) -> Mapping[str, Measured]:
        """Return what was measured of the listed attributes so far, by `attribute_key`."""
        question = self._question()
        return self._known.get(question, {}) if question else {}

    def likenesses(self) -> Mapping[tuple[str, str], Likeness]:
        """Return what was measured of pairs of the listed attributes, by both keys, in both orders."""
        question = self._question()
        return self._alike.get(question, {}) if question else {}

    def _question(self) -> _Question | None:
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return None
        first = _unsearched(listed_set(self._explorer.document, summary, state), summary, state.target_class)
        return _Question(state.model_hash, state.classifier_id, state.target_class, first)

    def _consider(self) -> None:
        """Begin to measure what is listed and neither known nor being measured."""
        question, summary, state = self._question(), self._explorer.summary, self._explorer.state
        if question is None or summary is None or state is None or self._explorer.shown is None:
            return
        attribute_set = listed_set(self._explorer.document, summary, state)
        if attribute_set is not None and not attribute_set.settled:
            return  # it may be another list in seconds
        listed = [a for a in self._explorer.attributes() if a.target == question.target and a.mean_effect]
        listed = by_effect(listed)[:MAX_ATTRIBUTES]
        known = self._known.get(question, {})
        wanted = tuple(a for a in listed if attribute_key(a) not in known)
        if (question, _keys(wanted)) == (self._asked, _keys(self._attributes)) or not (wanted or self._attributes):
            return
        self._asked, self._attributes, self._answers = question, wanted, {}
        asked = ExplorerState(question.model_hash, classifier_id=question.classifier_id)
        bases = _bases(summary, question) if wanted else []
        self._requests = [each for base in bases for each in _requests(asked, base, summary, wanted)]
        self._explorer.request_pictures(SLOT, self._requests)

    def _take(self, event: PictureReady) -> None:
        if event.request not in self._requests[event.index : event.index + 1]:
            return  # of an earlier question
        self._answers[event.index] = event.result
        if len(self._answers) < len(self._requests):
            return
        assert self._asked is not None
        answers = [self._answers[i] for i in range(len(self._requests))]
        count = len(self._attributes) + 1
        logits = np.concatenate([each.logits for each in answers])
        logits = logits.reshape(-1, count, logits.shape[1]).astype(np.float64)
        images = np.concatenate([each.images for each in answers])
        images = images.reshape(-1, count, *images.shape[1:])
        others = logits[:, 0].argmax(axis=1) != self._asked.target
        keys = _keys(self._attributes)
        found = measure(logits[others], self._asked.target, apart=self._asked.first > 0)
        self._known.setdefault(self._asked, {}).update(zip(keys, found, strict=True) if found else ())
        if found:
            alike = compare(keys, images[others], logits[others][:, :, self._asked.target])
            self._alike.setdefault(self._asked, {}).update(alike)
        self._requests, self._answers = [], {}
        self._explorer.request_pictures(SLOT, [])
        self._explorer.updates.emit(EffectsMeasured())


def measure(logits: np.ndarray, target: int, *, apart: bool = False) -> list[Measured]:
    """Return the means of each edit; empty for fewer than FEWEST pictures.

    logits  (N, 1 + A, K) of pictures of other classes, each as it is, and with each of A edits
    """
    if len(logits) < FEWEST:
        return []
    powers = np.exp(logits - logits.max(axis=2, keepdims=True))
    probs = (powers / powers.sum(axis=2, keepdims=True))[:, :, target]
    changes = (probs[:, 1:] - probs[:, :1]).mean(axis=0)
    effects = logits[:, 1:, target] - logits[:, :1, target]
    return [
        Measured(float(change), float(column.mean()), mean_interval(column.tolist()), len(logits), apart)
        for change, column in zip(changes, effects.T, strict=True)
    ]


def compare(keys: Sequence[str], images: np.ndarray, of_target: np.ndarray) -> dict[tuple[str, str], Likeness]:
    """Return the likeness of every two of A edits, in both orders.

    images     (N, 1 + A, H, W, 3) uint8
    of_target  (N, 1 + A) logits
    """
    cosine, together = mean_cosine(list(images)), correlation(of_target[:, 1:] - of_target[:, :1])
    pairs = itertools.permutations(range(len(keys)), 2)
    return {
        (keys[i], keys[j]): Likeness(float(cosine[i, j]), float(together[i, j]), len(images))
        for i, j in pairs
        if not np.isnan(cosine[i, j])
    }


def _keys(attributes: tuple[Attribute, ...]) -> tuple[str, ...]:
    return tuple(attribute_key(a) for a in attributes)


def _requests(
    asked: ExplorerState, base: Base, summary: ExplainerSummary, attributes: Sequence[Attribute]
) -> list[LooksRequest]:
    """Return requests for a picture as it is and with each attribute at 1, a few in each: a slider waits for one."""
    state = ExplorerState(asked.model_hash, base, classifier_id=asked.classifier_id)
    request = resolve(state, summary)
    moved = [(), *((a,) for a in attributes)]
    edits = [resolve(with_attributes(state, each), summary).recipe.edits for each in moved]
    return [LooksRequest(request, tuple(edits[i : i + TRIALS])) for i in range(0, len(edits), TRIALS)]


def _unsearched(attribute_set: AttributeSet | None, summary: ExplainerSummary, target: int) -> int:
    """Return the first sample behind those that were searched, if enough of other classes follow, else 0.

    A search without a seed is of the first n, or of pictures that are not in the file.
    """
    if attribute_set is None or summary.samples is None or "seed" in attribute_set.settings:
        return 0
    others = _others(summary, target)
    return attribute_set.n if int((others >= attribute_set.n).sum()) >= FEWEST else 0


def _others(summary: ExplainerSummary, target: int) -> np.ndarray:
    """Return the rows of the samples that are not of the target class, as far as the file says."""
    samples = summary.samples
    assert samples is not None
    if samples.probs.ndim == 2 and target < samples.probs.shape[1]:
        return np.flatnonzero(samples.probs.argmax(axis=1) != target)
    return np.arange(len(samples.ids))


def _bases(summary: ExplainerSummary, question: _Question) -> list[Base]:
    """Return encoded pictures, spread evenly over those that are not of the target class; or seeds."""
    samples = summary.samples
    count = PICTURES if summary.resolution <= LARGE else PICTURES_OF_LARGE
    if samples is None or len(samples.ids) == 0:
        return [SeedBase(seed) for seed in range(count)]
    others = _others(summary, question.target)
    others = others[others >= question.first]
    rows = np.unique(np.linspace(0, len(others) - 1, count).round().astype(int))
    return [SampleBase(int(others[row])) for row in rows if len(others)]
