# SPDX-License-Identifier: MIT
"""Mean change of the target's probability by each listed attribute, measured in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.app.engine.events import PictureReady
from latent_explorer.app.exploration import turning_requests
from latent_explorer.app.exploration.document import attribute_key, listed_set
from latent_explorer.app.exploration.state import ExplorerState
from latent_explorer.app.exploration.updates import DocumentChanged, EffectsMeasured, MainPicture, StateChanged
from latent_explorer.explain.recipe import Base, SampleBase, SeedBase
from latent_explorer.models.attributes import by_effect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.summary import ExplainerSummary

SLOT = "effects"
PICTURES = 48  # that an effect is the mean of, at most
PICTURES_OF_LARGE = 16  # the same above 128 px, where each takes a second on a CPU
LARGE = 128  # px
FEWEST = 8  # pictures of other classes below which there is no mean
MAX_ATTRIBUTES = 24  # that are measured; those with the largest mean effects

Question = tuple[str, str, int]  # model_hash, classifier_id, target


class EffectMeter:
    """Renders encoded pictures (or seeds, where there are none) with each attribute at 1, after everything else.

    A mean change is over the pictures that the classifier does not call the target already. Emits `EffectsMeasured`
    when all are known. What is known is kept as long as the program runs.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._known: dict[Question, dict[str, float]] = {}
        self._asked: Question | None = None
        self._attributes: tuple[Attribute, ...] = ()  # that are being measured
        self._requests: list[Any] = []
        self._answers: dict[int, np.ndarray] = {}
        for kind in (DocumentChanged, MainPicture, StateChanged):
            explorer.updates.on(kind, lambda _update: self._consider())
        explorer.updates.on(PictureReady, self._take, slot=SLOT)

    def mean_changes(self) -> Mapping[str, float]:
        """Return the mean change of P(target) of the attributes measured so far, by `attribute_key`."""
        question = self._question()
        return self._known.get(question, {}) if question else {}

    def _question(self) -> Question | None:
        state = self._explorer.state
        return (state.model_hash, state.classifier_id, state.target_class) if state else None

    def _consider(self) -> None:
        """Begin to measure what is listed and neither known nor being measured."""
        question, summary, state = self._question(), self._explorer.summary, self._explorer.state
        if question is None or summary is None or state is None or self._explorer.shown is None:
            return
        attribute_set = listed_set(self._explorer.document, summary, state)
        if attribute_set is not None and not attribute_set.settled:
            return  # it may be another list in seconds
        listed = [a for a in self._explorer.attributes() if a.target == question[2] and a.mean_effect]
        listed = by_effect(listed)[:MAX_ATTRIBUTES]
        known = self._known.get(question, {})
        wanted = tuple(a for a in listed if attribute_key(a) not in known)
        if (question, _keys(wanted)) == (self._asked, _keys(self._attributes)) or not (wanted or self._attributes):
            return
        self._asked, self._attributes, self._answers = question, wanted, {}
        sets = [(), *((a,) for a in wanted)]
        states = [ExplorerState(question[0], base, classifier_id=question[1]) for base in _bases(summary, question[2])]
        self._requests = [
            each for state in states if wanted for each in turning_requests.trial_requests(state, summary, sets)
        ]
        self._explorer.request_pictures(SLOT, self._requests)

    def _take(self, event: PictureReady) -> None:
        if event.request not in self._requests[event.index : event.index + 1]:
            return  # of an earlier question
        self._answers[event.index] = event.result
        if len(self._answers) < len(self._requests):
            return
        assert self._asked is not None
        logits = np.concatenate([self._answers[i] for i in range(len(self._requests))])
        logits = logits.reshape(-1, len(self._attributes) + 1, logits.shape[1])
        changes = mean_changes(logits, self._asked[2])
        keys = _keys(self._attributes)
        self._known.setdefault(self._asked, {}).update(zip(keys, changes, strict=True) if len(changes) else ())
        self._requests, self._answers = [], {}
        self._explorer.request_pictures(SLOT, [])
        self._explorer.updates.emit(EffectsMeasured())


def mean_changes(logits: np.ndarray, target: int) -> list[float]:
    """Return the mean change of P(target) of each edit; empty if fewer than FEWEST pictures are of another class.

    logits  (N, 1 + A, K) of each picture as it is, and with each of A edits
    """
    logits = logits[logits[:, 0].argmax(axis=1) != target].astype(np.float64)
    if len(logits) < FEWEST:
        return []
    powers = np.exp(logits - logits.max(axis=2, keepdims=True))
    probs = (powers / powers.sum(axis=2, keepdims=True))[:, :, target]
    return [float(change) for change in (probs[:, 1:] - probs[:, :1]).mean(axis=0)]


def _keys(attributes: tuple[Attribute, ...]) -> tuple[str, ...]:
    return tuple(attribute_key(a) for a in attributes)


def _bases(summary: ExplainerSummary, target: int) -> list[Base]:
    """Return encoded pictures, spread evenly over those that are not of the target class; or seeds."""
    samples = summary.samples
    count = PICTURES if summary.resolution <= LARGE else PICTURES_OF_LARGE
    if samples is None or len(samples.ids) == 0:
        return [SeedBase(seed) for seed in range(count)]
    others = np.arange(len(samples.ids))
    if samples.probs.ndim == 2 and target < samples.probs.shape[1]:
        others = np.flatnonzero(samples.probs.argmax(axis=1) != target)
    rows = np.unique(np.linspace(0, len(others) - 1, count).round().astype(int))
    return [SampleBase(int(others[row])) for row in rows if len(others)]
