# SPDX-License-Identifier: MIT
"""What a person's labels are worth so far: their figures, and the pictures that their boundary is least sure of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.explain.direction_search.boundary import Design, fitted, judged, shuffled, without
from latent_explorer.explain.direction_search.labelled import Answers, labelled_latents
from latent_explorer.explain.direction_search.settings import SearchSettings
from latent_explorer.explain.labels import Label

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.common.events import Event
    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.explain.labels import LabelSet
    from latent_explorer.models.explainer import Explainer


@dataclass(frozen=True)
class Judgement:
    """Figures of a boundary of labels as `boundary.find` has them, and unlabelled pictures, the least sure first."""

    figures: dict[str, float]
    unsure: tuple[Label, ...] = ()


def judge(
    explainer: Explainer, labels: LabelSet, pool: Sequence[Label] = (), given: Sequence[Direction] = (), seed: int = 0
) -> Generator[Event, None, Judgement]:
    """Return the figures of labels, of which there must be enough, and the order of the pool. A job.

    pool   pictures without a label, of which the one nearest to the boundary is the least sure (Lewis and Gale 1994)
    given  directions that the boundary is conditional on

    Of ratings the pool is returned as it is: their fit is least sure where they are most, which tells little.
    """
    settings, answers = SearchSettings("boundary", seed=seed), Answers.of(labels)
    ws, _ = labelled_latents(explainer, [*labels.given, *pool])
    block, n = ws.cpu().double().numpy(), len(labels.given)
    design = Design.of(block[:n])
    taken = [design.coordinates(each.shift(block.shape[1]).astype(np.float64)) for each in given]
    x, y = without(design.x, taken), answers.values
    figures = yield from judged(x, y, settings, answers.rating, answers.drawn)
    figures["shuffled"] = yield from shuffled(x, y, settings, answers.rating, answers.drawn)
    if answers.rating or not len(pool):
        return Judgement(figures, tuple(pool))
    coefficients, intercept = fitted(x, y, settings, rating=False)
    side = without(design.of_others(block[n:]), taken) @ coefficients + intercept
    return Judgement(figures, tuple(pool[i] for i in np.argsort(np.abs(side), kind="stable")))
