# SPDX-License-Identifier: MIT
"""Search for attributes beside live sliders: the list so far while it runs, what is kept when it is stopped."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from latent_explorer.app.engine.events import JobEnded, JobEvent
from latent_explorer.app.exploration.document import attribute_key, shown_attributes
from latent_explorer.app.exploration.state import attribute_amount
from latent_explorer.app.exploration.updates import GestureEnded, Message, ModelOpened
from latent_explorer.common.events import Kept
from latent_explorer.explain.attfind.plan import RESUMED, SearchPlan
from latent_explorer.models.attributes import AttributeSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.exploration.document import Document
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.attfind.result import AttFindResult
    from latent_explorer.models.attributes import Attribute

NAME = "Finding attributes"  # of the job


class AttributeSearch:
    """Puts the lists of a search into the document, each in place of the one before.

    Sliders that a person moved, pinned or named stay, also where their attribute is not listed any more. No list
    changes under a hand that drags. A stopped search leaves its list only where there is no settled one.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._jobs: dict[int, str] = {}  # classifier_ids of the searches that run or wait
        self._plans: dict[str, SearchPlan] = {}  # of the last searches, by classifier_id
        self._added: set[str] = set()  # keys of sliders that were kept in place of an attribute
        self._waiting: list[Callable[[], None]] = []  # changes of the list that wait for the end of a drag
        updates = explorer.updates
        updates.on(ModelOpened, lambda _update: self._forget())
        updates.on(GestureEnded, lambda _update: self._catch_up())
        updates.on(JobEvent, self._take)
        updates.on(JobEnded, self._end)

    def plan(self) -> SearchPlan:
        """Return the plan of the last search for the selected classifier, so that one that was stopped goes on."""
        classifier_id = self._explorer.state.classifier_id if self._explorer.state else ""
        known = self._plans.get(classifier_id)
        if known is not None:
            return known
        stopped = [s for s in self._sets() if s.classifier_id == classifier_id and not s.settled]
        return SearchPlan(n=stopped[-1].n) if stopped else SearchPlan()

    def start(self, plan: SearchPlan | None) -> int | None:
        """Search for the attributes of the selected classifier (of all classes). Returns the job.

        That is the one that runs, if there is one for this classifier.
        """
        classifier_id = self._explorer.state.classifier_id if self._explorer.state else ""
        for running, searched in self._jobs.items():
            if searched == classifier_id:
                return running
        asked = plan or self.plan()
        job = self._explorer.start_model_job(
            NAME, lambda host, budget: host.attfind(budget, plan=asked, classifier_id=classifier_id), self._show
        )
        if job is not None:
            self._jobs[job], self._plans[classifier_id] = classifier_id, asked
        return job

    def _forget(self) -> None:
        """Forget searches on the model that was open before."""
        self._jobs.clear()
        self._plans.clear()
        self._waiting.clear()
        self._added.clear()

    def _take(self, update: JobEvent) -> None:
        if update.job in self._jobs and isinstance(update.event, Kept):
            self._show(update.event.value)

    def _end(self, update: JobEnded) -> None:
        classifier_id = self._jobs.pop(update.job, None)
        if classifier_id is not None and update.outcome != "finished":
            self._change(partial(self._stop, classifier_id, failed=update.outcome == "failed"))

    def _show(self, found: AttFindResult | AttributeSet) -> None:
        attribute_set = found if isinstance(found, AttributeSet) else found.attribute_set
        known = self._plans.get(attribute_set.classifier_id, SearchPlan())
        self._plans[attribute_set.classifier_id] = msgspec.structs.replace(known, n=attribute_set.n)
        self._change(partial(self._list, attribute_set))

    def _change(self, change: Callable[[], None]) -> None:
        """Change the list now, or at the end of the drag in progress."""
        self._waiting.append(change)
        session = self._explorer.session
        if session is None or not session.in_gesture:
            self._catch_up()

    def _catch_up(self) -> None:
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            change()

    def _list(self, attribute_set: AttributeSet) -> None:
        """List what was found, under the names that another list of the same classifier gave the same coordinates."""
        same = [s for s in self._sets() if s.classifier_id == attribute_set.classifier_id]
        known = {attribute_key(a): a.name for s in same for a in s.attributes if a.name}
        named = tuple(
            msgspec.structs.replace(a, name=a.name or known.get(attribute_key(a), "")) for a in attribute_set.attributes
        )
        found = msgspec.structs.replace(attribute_set, attributes=named)
        self._replace(self._explorer.document.with_attribute_set(found))

    def _sets(self) -> list[AttributeSet]:
        """Return the lists of the open model and of the exploration."""
        summary = self._explorer.summary
        return [*(summary.attribute_sets if summary else ()), *self._explorer.document.attribute_sets]

    def _stop(self, classifier_id: str, *, failed: bool) -> None:
        """Return to the settled lists of the classifier, if there are any, and say what was kept.

        What went wrong in one that failed is said elsewhere.
        """
        explorer = self._explorer
        sets = [s for s in self._sets() if s.classifier_id == classifier_id]
        stopped = next((s for s in sets if not s.settled), None)
        if any(s.settled for s in sets):
            self._replace(explorer.document.without_lists_so_far(classifier_id))
            listed = "the settled list is shown again"
        else:
            listed = "the list so far is kept" if stopped else "nothing is listed yet"
        moves = f" after {stopped.settings.get('rendered_moves', 0):,} moves" if stopped else ""
        plan = self._plans.get(classifier_id, SearchPlan())
        goes_on = " Find attributes goes on from there." if plan.way in RESUMED else ""
        ended = "The search failed" if failed else "Stopped"
        explorer.updates.emit(Message(f"{ended}{moves}: {listed}.{goes_on}", "warning" if failed else "info"))

    def _replace(self, document: Document) -> None:
        """Take a document with other lists, with sliders for what a person changed and it lists no more."""
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return
        before = self._explorer.attributes()
        own = tuple(a for a in document.sliders if attribute_key(a) not in self._added)
        document = msgspec.structs.replace(document, sliders=own)
        self._added.clear()
        listed = {e.style_index for a in shown_attributes(document, summary, state) for e in a.entries}

        def changed(attribute: Attribute) -> bool:
            key = attribute_key(attribute)
            return attribute_amount(state, attribute) != 0 or key in document.pins or key in document.names

        for each in before:
            if changed(each) and not listed.issuperset(e.style_index for e in each.entries):
                self._added.add(attribute_key(each))
                document = document.with_slider(msgspec.structs.replace(each, mean_effect=0.0, interval=None))
        self._explorer.change_document(document)
