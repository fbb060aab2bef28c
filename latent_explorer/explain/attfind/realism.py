# SPDX-License-Identifier: MIT
"""Coordinates whose pictures a discriminator finds unreal are left out of a search.

After the discriminator filter of StylEx's authors (reference, section A.4), with two differences. They reject a
coordinate when the score of any of ten pictures changes by more than 0.2, up or down. That is a number of their
network's, so here the scores of the unmoved pictures are the scale: a coordinate is rejected when the median score of
its moved pictures is below a percentile of them. And it is moved as far as the search moves it, not twice as far.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch

from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from torch import Tensor

    from latent_explorer.common.events import Event
    from latent_explorer.explain.attfind.effects import SingleMoves
    from latent_explorer.explain.attfind.greedy import Pick
    from latent_explorer.models.discriminator import Discriminator
    from latent_explorer.models.explainer import Explainer

PICTURES = 10  # of other classes, on which a coordinate is judged


class RealismCheck:
    """Scores of a search's unmoved pictures (N,), and the verdicts on coordinates moved from them.

    Pictures are scored one at a time: the discriminator's statistics over a batch would let others in on the score.
    """

    def __init__(self, explainer: Explainer, classifier_id: str, moves: SingleMoves, percentile: float) -> None:
        """Raise UserError if the explainer holds no discriminator that can be asked. It is on the device of `moves`."""
        if not 0 <= percentile < 100:
            raise UserError(f"A percentile of realism is from 0 to below 100, not {percentile:g}.")
        if explainer.discriminator is None:
            raise UserError(
                f"{explainer.name} holds no discriminator, so nothing says how real its pictures look. Search without "
                "this filter; explainers that are exported from a training hold one."
            )
        self._discriminator: Discriminator = copy.deepcopy(explainer.discriminator).to(moves.pictures.s.device)
        self._classifier = explainer.classifiers[explainer.conditioned_on or classifier_id]
        outputs = self._discriminator.config.outputs
        if outputs not in (1, self._classifier.num_classes):
            raise UserError(
                f"The discriminator of {explainer.name} is told {outputs} probabilities, which none of its classifiers "
                "gives. Search without the filter by realism."
            )
        self._moves, self._percentile = moves, percentile
        self._limit: float | None = None  # known once it was needed
        self._known: dict[tuple[int, int, int], bool] = {}  # by target, direction and style_index: rejected

    def rejected(self, picks: Iterable[Pick], verdicts: np.ndarray) -> Generator[Event, None, set[int]]:
        """Return the coordinates of those picks that make pictures unreal. A job within a job.

        verdicts  (N,) on the unmoved pictures, as the picks' targets
        """
        pictures = self._moves.pictures
        if self._limit is None:
            scores = yield from self._scores(pictures.s, np.arange(len(pictures)))
            self._limit = float(np.percentile(scores, self._percentile))
        found = set()
        for pick in picks:
            key = pick.target, pick.direction, pick.style_index
            if key not in self._known:
                rows = np.flatnonzero(verdicts != pick.target)[:PICTURES]
                scores = yield from self._scores(self._moves.moved(rows, pick.direction, pick.style_index), rows)
                self._known[key] = len(rows) > 0 and float(np.median(scores)) < self._limit
            if self._known[key]:
                found.add(pick.style_index)
        return found

    def _scores(self, s: Tensor, rows: np.ndarray) -> Generator[Event, None, np.ndarray]:
        """Return the scores (M,) of the pictures `rows` with style values s (M, S); high means real."""
        synthesis, pictures, world = self._moves.synthesis, self._moves.pictures, self._moves.world
        own = world.share(len(rows))

        @torch.inference_mode()
        def score(part: slice) -> list[float]:
            found = []
            for i in own[part]:
                img = synthesis.render(
                    synthesis.replace(pictures.row(int(rows[i])), s[i : i + 1]), synthesis.noise_const()
                )
                img = img.clamp(-1, 1)
                found.append(float(self._discriminator.score(img, self._classifier.probs(img))))
            return found

        parts = yield from self._moves.batch_sizer.run(score, len(own), "Asking the discriminator")
        return world.gather_rows(np.array([value for part in parts for value in part]), len(rows))
