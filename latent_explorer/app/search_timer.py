# SPDX-License-Identifier: MIT
"""What a search for attributes takes on this machine, timed in the background where one is offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.app.exploration.updates import DeviceChanged, ModelOpened, SearchTimed

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.attfind.cost import SearchCost


class SearchTimer:
    """Times searches of the open model, one for each classifier that is asked about. Emits `SearchTimed`."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._asked: set[str] = set()  # classifier_ids
        self._known: dict[str, SearchCost] = {}
        explorer.updates.on(ModelOpened, lambda _update: self._forget())
        explorer.updates.on(DeviceChanged, lambda _update: self._forget())

    def cost(self) -> SearchCost | None:
        """Return what a search for the selected classifier takes, or None; then it is timed."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None or summary.samples is None:
            return None
        classifier_id = state.classifier_id
        if classifier_id not in self._asked:
            job = self._explorer.start_model_job(
                "Timing a search for attributes",
                lambda host, budget: host.search_cost(budget, classifier_id=classifier_id),
                lambda cost: self._take(classifier_id, cost),
                quiet=True,
            )
            if job is not None:  # else a model is being opened; the panel asks again
                self._asked.add(classifier_id)
        return self._known.get(classifier_id)

    def _take(self, classifier_id: str, cost: SearchCost) -> None:
        self._known[classifier_id] = cost
        self._explorer.updates.emit(SearchTimed())

    def _forget(self) -> None:
        self._asked.clear()
        self._known.clear()
