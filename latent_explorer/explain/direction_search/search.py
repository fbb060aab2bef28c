# SPDX-License-Identifier: MIT
"""Searches for directions in W, as one job: SeFa, GANSpace, a linear boundary, a classifier-guided direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.common.errors import UserError
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.direction_search import boundary, ganspace, guided, sefa
from latent_explorer.explain.direction_search.check import check_directions, orient
from latent_explorer.explain.direction_search.context import open_context

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import numpy as np
    import torch

    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.direction_search.settings import FoundDirection, SearchSettings
    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.explain.labels import LabelSet
    from latent_explorer.models.classifiers import Classifier
    from latent_explorer.models.explainer import Explainer

_FINDERS = {"sefa": sefa.find, "ganspace": ganspace.find}


def find_directions(
    explainer: Explainer,
    settings: SearchSettings,
    *,
    classifier_id: str | None = None,
    labels: LabelSet | Sequence[int] | np.ndarray | None = None,
    given: Sequence[Direction] = (),
    embedding: Classifier | None = None,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, list[FoundDirection]]:
    """Find directions and try them on pictures that they were not found with. A job.

    labels  a person's labels of pictures, or 1, 0 or -1 (skipped) for each picture of the file, in place of the
            classifier's word (boundary only)
    given   directions to which those found are to be perpendicular (boundary only)
    embedding  network whose answer is to stay, by its cosine, in place of the identity loss (guided only)
    budget  seconds that the next step may last

    UserError for settings that do not fit the model, and where nothing can be found.
    """
    if settings.method != "boundary" and (labels is not None or given):
        raise UserError("Labels and given directions are for the linear boundary only.")
    if settings.method != "guided" and embedding is not None:
        raise UserError("A network that says what is to stay is for the classifier-guided direction only.")
    context = yield from open_context(explainer, settings, classifier_id, device, BatchSizer(budget), labels)
    if settings.method == "boundary":
        found = yield from boundary.find(context, given)
    elif settings.method == "guided":
        found = yield from guided.find(context, embedding)
    else:
        found = yield from _FINDERS[settings.method](context)
    if not context.logits.shape[1]:
        return found
    found = yield from orient(context, found)
    return (yield from check_directions(context, found))
