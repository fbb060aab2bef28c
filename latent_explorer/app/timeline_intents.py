# SPDX-License-Identifier: MIT
"""The one intent about timelines: a timeline becomes another, so that every change of one can be undone.

What the next timeline is comes from `explain.timeline_edits` and `explain.timeline_makers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from latent_explorer.app.intents import Intent

if TYPE_CHECKING:
    from latent_explorer.app.state import ExplorerState
    from latent_explorer.explain.timeline import Timeline
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
