# SPDX-License-Identifier: MIT
"""The settings in use: read once, written at every change. Their format is in `settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.app import settings
from latent_explorer.app.exploration.updates import Message
from latent_explorer.common.paths import config_dir

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class SettingsStore:
    """The person's settings. When they cannot be written the program goes on and says so once."""

    def __init__(self, notify: Callable[[Message], None], folder: Path | None = None) -> None:
        self._path = (folder or config_dir()) / "settings.json"
        self._notify = notify
        self._warned = False
        self.settings = settings.load(self._path)

    def change(self, **fields: Any) -> None:
        """Change these fields and write the file."""
        self._take(msgspec.structs.replace(self.settings, **fields))

    def add_recent(self, path: Path) -> None:
        """Put a file at the head of the recent ones."""
        self._take(self.settings.with_recent(path))

    def _take(self, new: settings.Settings) -> None:
        if new == self.settings:
            return
        self.settings = new
        try:
            settings.save(new, self._path)
        except OSError as error:
            if not self._warned:
                self._warned = True
                self._notify(
                    Message(
                        f"The settings cannot be kept ({error.strerror or error}). "
                        f"Check the folder {self._path.parent}.",
                        "warning",
                    )
                )
