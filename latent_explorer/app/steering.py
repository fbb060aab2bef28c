# SPDX-License-Identifier: MIT
"""What a person does to the open session: intents, gestures, undo. Without a session nothing happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latent_explorer.app.exploration.intents import Intent
    from latent_explorer.app.exploration.session import Session


class Steering:
    """Hands on to the session, if there is one."""

    def __init__(self) -> None:
        self.session: Session | None = None

    def apply(self, intent: Intent) -> None:
        """Do what the person asks."""
        if self.session is not None:
            self.session.apply(intent)

    def begin_gesture(self) -> None:
        """The mouse is down on a control: until `end_gesture` its changes are one step of undo."""
        if self.session is not None:
            self.session.begin_gesture()

    def end_gesture(self) -> None:
        """The mouse is up."""
        if self.session is not None:
            self.session.end_gesture()

    def undo(self) -> None:
        """Take the last step back."""
        if self.session is not None:
            self.session.undo()

    def redo(self) -> None:
        """Do the step undone last again."""
        if self.session is not None:
            self.session.redo()

    @property
    def undo_text(self) -> str:
        """For the menu: "Undo shift of style 214"; empty when there is nothing."""
        return self.session.undo_text if self.session else ""

    @property
    def redo_text(self) -> str:
        """For the menu: "Redo shift of style 214"; empty when there is nothing."""
        return self.session.redo_text if self.session else ""
