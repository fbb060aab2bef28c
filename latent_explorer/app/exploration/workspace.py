# SPDX-License-Identifier: MIT
"""What is kept of an exploration: the person's document, the file it belongs to, its autosave.

Does not know the engine, nor how a state comes about.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.file import Exploration
from latent_explorer.app.exploration.updates import FileChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from latent_explorer.app.exploration.autosave import Autosave
    from latent_explorer.app.exploration.projected_latents import LatentStore
    from latent_explorer.app.exploration.state import ExplorerState


class Workspace:
    """One exploration in the making. `state` is handed in with every change, since the session owns it."""

    def __init__(self, autosave: Autosave, latents: LatentStore, notify: Callable[[FileChanged], None]) -> None:
        self.document = Document()
        self.path: Path | None = None
        self._autosave = autosave
        self._latents = latents
        self._notify = notify
        self._last_notified: FileChanged | None = None
        self._model = ("", Path())  # name and file of its model
        self._state: ExplorerState | None = None
        self._saved: tuple[object, ...] | None = None  # what the file holds, or the beginning

    @property
    def unsaved(self) -> bool:
        """Whether something differs from the file, or from the beginning where there is none."""
        return self._state is not None and (self._state, self.document) != self._saved

    def begin(
        self, state: ExplorerState, model: tuple[str, Path], document: Document, path: Path | None, *, saved: bool
    ) -> None:
        """Another exploration. `model` is its name and file; `saved`: nothing would be lost by closing it now.

        The file is told of by `notify_file`, so that the model can be announced first.
        """
        self.document, self.path, self._state = document, path, state
        self._model = model
        self._saved = (state, document) if saved else None
        self._last_notified = None

    def set_state(self, state: ExplorerState) -> None:
        """The session's state changed."""
        self._state = state
        self.notify_file()

    def change(self, document: Document) -> None:
        """The person changed names, pins, sliders, favourites or notes."""
        self.document = document
        self.notify_file()

    def save(self, path: Path, thumbnail: np.ndarray | None) -> None:
        """Write the exploration; `path` is its file from now on. UserError when that is impossible."""
        exploration_file.write(path, self._exploration(thumbnail))
        self.path, self._saved = path, (self._state, self.document)
        self._autosave.clear()  # or a crash would offer what is older than the file
        self.notify_file()

    def autosave(self, thumbnail: np.ndarray | None) -> bool:
        """Write the autosave if something is unsaved and new. Whether it was written."""
        return self.unsaved and self._autosave.save(self._exploration(thumbnail))

    def notify_file(self) -> None:
        """Tell the file and whether it is up to date, if that is news."""
        now = FileChanged(self.path, self.unsaved)
        if now != self._last_notified:
            self._last_notified = now
            self._notify(now)

    def _exploration(self, thumbnail: np.ndarray | None) -> Exploration:
        assert self._state is not None
        name, path = self._model
        latents = self._latents.contents_to_save(self._state, self.document)
        return Exploration(self._state, self.document, name, str(path), thumbnail, latents)
