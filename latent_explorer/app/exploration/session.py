# SPDX-License-Identifier: MIT
"""One open model, the state of its exploration, and undo. `apply` is the only way to a next state."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.state import ExplorerState

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.exploration.intents import Intent
    from latent_explorer.models.summary import ExplainerSummary


@dataclass(frozen=True)
class _Step:
    """Snapshots of the states around a change: under 10 kB each, so cheaper than inverses."""

    before: ExplorerState
    after: ExplorerState
    label: str
    merge_key: object | None
    documents: tuple[Document, Document] | None = None  # around a change of the document


class Session:
    """State of the exploration, with undo and redo over `max_steps` steps.

    `changed` is called with (old, new) after every change, `document_changed` likewise where undo or redo goes over a
    change of the document: what differs between the two is to be done.
    """

    def __init__(
        self,
        summary: ExplainerSummary,
        state: ExplorerState,
        changed: Callable[[ExplorerState, ExplorerState], object],
        max_steps: int = 200,
        document_changed: Callable[[Document, Document], object] = lambda _old, _new: None,
    ) -> None:
        self.summary = summary
        self.state = state
        self._changed = changed
        self._document_changed = document_changed
        self._done: deque[_Step] = deque(maxlen=max_steps)
        self._undone: list[_Step] = []
        self.in_gesture = False  # the mouse is down on a control

    def apply(self, *intents: Intent) -> None:
        """Do the intents one after the other and announce the last state; nothing happens when it is equal."""
        old = self.state
        for intent in intents:
            self._do(intent)
        if self.state != old:
            self._changed(old, self.state)

    def record(self, label: str, before: Document, after: Document, *intents: Intent) -> None:
        """Make a change of the document a step of undo, together with intents that belong to it."""
        self.end_gesture()
        old = self.state
        for intent in intents:
            self.state = intent.next_state(self.state)
        self._undone.clear()
        self._done.append(_Step(old, self.state, label, None, (before, after)))
        self._changed(old, self.state)

    def _do(self, intent: Intent) -> None:
        """Make the intent's next state the current one, as a step of undo."""
        before, after = self.state, intent.next_state(self.state)
        if before == after:
            return
        self._undone.clear()
        key = intent.merge_key if self.in_gesture else None
        if key is not None and self._done and self._done[-1].merge_key == key:
            before = self._done.pop().before
        if before != after:  # a drag that comes back to where it began has changed nothing
            self._done.append(_Step(before, after, intent.label(self.summary), key))
        self.state = after

    def begin_gesture(self) -> None:
        """Merge intents of equal `merge_key` into one step until `end_gesture`: the mouse is down."""
        self.end_gesture()
        self.in_gesture = True

    def end_gesture(self) -> None:
        """Make the next change a step of its own: the mouse is up, or the focus went elsewhere."""
        self.in_gesture = False
        if self._done:
            self._done[-1] = replace(self._done[-1], merge_key=None)

    def undo(self) -> None:
        """Go back to the state before the last step, if there is one."""
        self.end_gesture()
        if self._done:
            step = self._done.pop()
            self._undone.append(step)
            if step.documents is not None:
                self._document_changed(*step.documents[::-1])
            self._go(step.before)

    def redo(self) -> None:
        """Go forward again to the state after the step undone last, if there is one."""
        self.end_gesture()
        if self._undone:
            step = self._undone.pop()
            self._done.append(step)
            if step.documents is not None:
                self._document_changed(*step.documents)
            self._go(step.after)

    @property
    def undo_text(self) -> str:
        """Text of the menu: 'Undo "style 214"'; empty when there is nothing to undo."""
        return f"Undo {self._done[-1].label}" if self._done else ""

    @property
    def redo_text(self) -> str:
        """Text of the menu: 'Redo "style 214"'; empty when there is nothing to redo."""
        return f"Redo {self._undone[-1].label}" if self._undone else ""

    def _go(self, new: ExplorerState) -> None:
        old, self.state = self.state, new
        self._changed(old, new)
