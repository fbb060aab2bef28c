# SPDX-License-Identifier: MIT
"""Requests of a search for the attributes that turn the verdict of the picture on the canvas. Pure functions only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.app.exploration.picture_requests import resolve
from latent_explorer.app.exploration.state import attribute_amount, with_attributes
from latent_explorer.explain.counterfactuals.turning_sets import MAX_CANDIDATES
from latent_explorer.explain.recipe import TrialsRequest
from latent_explorer.models.attributes import by_effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.explain.counterfactuals.turning_sets import AttributeTuple
    from latent_explorer.explain.recipe import PictureRequest
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.summary import ExplainerSummary

TRIALS = 4  # sets in a request


def candidates(attributes: Sequence[Attribute], state: ExplorerState) -> AttributeTuple:
    """Return the attributes that can still be moved to 1, at most MAX_CANDIDATES: those with the largest effects."""
    movable = [a for a in attributes if attribute_amount(state, a) < 1]
    return tuple(by_effect(movable)[:MAX_CANDIDATES])


def trial_requests(
    state: ExplorerState, summary: ExplainerSummary, sets: Sequence[AttributeTuple]
) -> list[TrialsRequest]:
    """Return requests for the logits of the state's picture with each set at 1, TRIALS sets each.

    A request takes about as long as a few pictures, so that a slider need not wait longer.
    """
    request = resolve(state, summary)
    edits = [resolve(with_attributes(state, each), summary).recipe.edits for each in sets]
    return [TrialsRequest(request, tuple(edits[i : i + TRIALS])) for i in range(0, len(edits), TRIALS)]


def offer_requests(
    state: ExplorerState, summary: ExplainerSummary, sets: Sequence[AttributeTuple]
) -> list[PictureRequest]:
    """Return requests for the pictures with each set at 1, exactly as they will be on the canvas."""
    return [resolve(with_attributes(state, each), summary) for each in sets]
