# SPDX-License-Identifier: MIT
"""Intents about timelines: a timeline becomes another, so that every change of one can be undone; and the way back
from a keyframe to the sliders.

What the next timeline is comes from `explain.timeline.edits` and `explain.timeline.makers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from latent_explorer.app.exploration.intents import Intent
from latent_explorer.explain.recipe import canonical_edits, is_generated

if TYPE_CHECKING:
    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.explain.recipe import PictureRecipe
    from latent_explorer.explain.timeline.timeline import Timeline
    from latent_explorer.models.summary import ExplainerSummary


class ChangeTimeline(Intent, frozen=True):
    """The timeline called `name` becomes `timeline` (None: it is gone; an unknown name: one more).

    `text` completes "Undo ..."; changes with the same `merge`, if any, are one step within a gesture.
    """

    name: str
    timeline: Timeline | None
    text: str
    merge: str = ""

    @property
    def merge_key(self) -> tuple[object, ...] | None:
        return ("timeline", self.name, self.merge) if self.merge else None

    def label(self, summary: ExplainerSummary) -> str:  # noqa: ARG002
        return self.text

    def next_state(self, state: ExplorerState) -> ExplorerState:
        chosen: list[Timeline | None] = list(state.timelines)
        names = [t.name for t in state.timelines]
        if self.name in names:
            chosen[names.index(self.name)] = self.timeline
        else:
            chosen.append(self.timeline)
        timelines = tuple(t for t in chosen if t is not None)
        return msgspec.structs.replace(state, timelines=timelines)


class ShowRecipe(Intent, frozen=True):
    """Bring a keyframe's picture back to the sliders."""

    recipe: PictureRecipe

    def label(self, summary: ExplainerSummary) -> str:  # noqa: ARG002
        return "picture of a keyframe"

    def next_state(self, state: ExplorerState) -> ExplorerState:
        recipe = self.recipe
        psi, cutoff, encoded = state.truncation_psi, state.truncation_cutoff, False
        if is_generated(recipe.base) or recipe.truncation_psi != 1:
            psi, cutoff = recipe.truncation_psi, recipe.truncation_cutoff
            encoded = not is_generated(recipe.base) or state.truncate_encoded
        return msgspec.structs.replace(
            state,
            base=recipe.base,
            truncation_psi=psi,
            truncation_cutoff=cutoff,
            truncate_encoded=encoded,
            noise=recipe.noise,
            cond=recipe.cond,
            edits=canonical_edits(recipe.edits),
        )
