# SPDX-License-Identifier: MIT
"""One open model and the state of its exploration: `apply` is the only way to a next state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.app.exploration.history import History

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.exploration.intents import Intent
    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.models.summary import ExplainerSummary


class Session:
    """The state and its history. `changed` is called with (old, new) after every change."""

    def __init__(
        self, summary: ExplainerSummary, state: ExplorerState, changed: Callable[[ExplorerState, ExplorerState], object]
    ) -> None:
        self.summary = summary
        self._changed = changed
        self._state = state
        self._history: History[ExplorerState] = History()

    @property
    def state(self) -> ExplorerState:
        return self._state

    def apply(self, intent: Intent) -> None:
        """Make the intent's next state the current one; nothing happens when it is equal."""
        old, new = self._state, intent.next_state(self._state)
        if new != old:
            self._history.push(old, new, intent.label(self.summary), intent.merge_key)
            self._go(new)

    def begin_gesture(self) -> None:
        """The mouse is down: equal intents merge into one step of undo."""
        self._history.begin_gesture()

    def end_gesture(self) -> None:
        """The mouse is up, or the focus went elsewhere."""
        self._history.end_gesture()

    def undo(self) -> None:
        """Back to the state before the last step, if there is one."""
        self._go(self._history.undo())

    def redo(self) -> None:
        """Forward again, if there is somewhere to go."""
        self._go(self._history.redo())

    @property
    def undo_text(self) -> str:
        """For the menu: "Undo shift of style 214"; empty when there is nothing."""
        return self._history.undo_text

    @property
    def redo_text(self) -> str:
        """For the menu: "Redo shift of style 214"; empty when there is nothing."""
        return self._history.redo_text

    def _go(self, new: ExplorerState | None) -> None:
        if new is None or new == self._state:
            return
        old, self._state = self._state, new
        self._changed(old, new)
