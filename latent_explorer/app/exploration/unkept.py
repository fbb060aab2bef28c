# SPDX-License-Identifier: MIT
"""The notice that nothing can be kept in the user's folders. The program works without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.app.exploration.updates import Message

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class UnkeptNotice:
    """Notice that is given once for each reason, whichever of settings and autosave fails first."""

    def __init__(self, notify: Callable[[Message], None]) -> None:
        self._notify = notify
        self._told: set[str] = set()

    def __call__(self, folder: Path, error: Exception) -> None:
        """Say that `folder` cannot be written, and why, unless it was said before."""
        cause = error.__cause__ or error
        reason = str(getattr(cause, "strerror", None) or cause)
        if reason in self._told:
            return
        self._told.add(reason)
        text = (
            f"Settings and unsaved work cannot be kept in {folder} ({reason}). Free some space there or check its "
            "permissions; until then, save explorations elsewhere."
        )
        self._notify(Message(text, "warning"))
