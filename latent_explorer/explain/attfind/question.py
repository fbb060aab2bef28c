# SPDX-License-Identifier: MIT
"""What a search asks the classifier about every picture: which classes, and which changes are ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from latent_explorer.common.errors import UserError
from latent_explorer.explain.attfind.tables import new_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Effect = Literal["logit", "probability"]


class Question(msgspec.Struct, frozen=True):
    """Answers (C) that are read off the logits (K): of every class against the rest, or of two classes alone.

    Of a pair, the answers are the two logits less their mean, so that only what decides between the two counts: half
    their log-odds, with either sign. That is also about what the logits of a classifier of two classes are. Their
    softmax is the probability of each if the picture shows one of the two.

    effect  whose changes are ranked: the answers', or their softmax's. Effects are stored and shown as answers
    pair    the two classes; None: all K
    """

    effect: Effect = "logit"
    pair: tuple[int, int] | None = None

    def check(self, class_names: Sequence[str]) -> None:
        """Raise UserError unless the pair is of two different classes that the classifier has."""
        if self.pair is None:
            return
        if len(set(self.pair)) < 2 or not all(0 <= k < len(class_names) for k in self.pair):
            raise UserError(
                f"A pair is of two different classes out of {len(class_names)}, numbered from 0, not "
                f"{self.pair[0]} and {self.pair[1]}."
            )

    def classes(self, num_classes: int) -> tuple[int, ...]:
        """Return the classes (C,) that are asked about, of K."""
        return tuple(range(num_classes)) if self.pair is None else self.pair

    def answers(self, logits: Tensor) -> Tensor:
        """Return the answers (B, C) in logits (B, K); they are linear in these."""
        if self.pair is None:
            return logits
        two = logits[:, list(self.pair)]
        return two - two.mean(dim=1, keepdim=True)

    def ranked(self, answers: np.ndarray, effects: np.ndarray) -> np.ndarray:
        """Return what is ranked of the effects (N, 2, S, C) on pictures with these answers (N, C)."""
        if self.effect == "logit":
            return effects
        changes = new_table(effects.shape)
        for change, answer, effect in zip(changes, answers.astype(np.float32), effects, strict=True):
            change[:] = _softmax(answer + effect) - _softmax(answer)
        return changes


def _softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return shares
