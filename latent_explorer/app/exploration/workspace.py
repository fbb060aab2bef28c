# SPDX-License-Identifier: MIT
"""Storage of an exploration: the user's document, the file it belongs to, its autosave.

Independent of the engine and of how a state comes about.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.file import Exploration
from latent_explorer.app.exploration.updates import FileChanged
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import valid_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from latent_explorer.app.exploration.autosave import Autosave
    from latent_explorer.app.exploration.projected_latents import LatentStore
    from latent_explorer.app.exploration.state import ExplorerState


class Workspace:
    """Document, file and autosave of one exploration. `set_state` follows the state, which the session owns."""

    def __init__(self, autosave: Autosave, latents: LatentStore, notify: Callable[[FileChanged], None]) -> None:
        self.document = Document()
        self.path: Path | None = None
        self._autosave = autosave
        self._latents = latents
        self._notify = notify
        self._last_notified: FileChanged | None = None
        self._model = ("", Path())  # name and file of its model
        self._state: ExplorerState | None = None
        self._saved: tuple[object, ...] | None = None  # state and document in the file, or at the beginning
        self._stamp: tuple[int, ...] | None = None  # of the file as this window knows it

    @property
    def unsaved(self) -> bool:
        """True if something differs from the file, or from the beginning if there is none."""
        return self._state is not None and (self._state, self.document) != self._saved

    @property
    def changed_elsewhere(self) -> bool:
        """True if another window or program has written the file since it was opened or saved here."""
        return self.path is not None and _stamp(self.path) not in (None, self._stamp)

    def begin(
        self, state: ExplorerState, model: tuple[str, Path], document: Document, path: Path | None, *, saved: bool
    ) -> None:
        """Begin another exploration. `model` is its name and file; `saved`: closing it now would lose nothing.

        Call `notify_file` afterwards, so that the model can be announced first.
        """
        self.document, self.path, self._state = document, path, state
        self._model = model
        self._saved = (state, document) if saved else None
        self._stamp = None if path is None else _stamp(path)
        self._last_notified = None

    def set_state(self, state: ExplorerState) -> None:
        """Follow the session to another state."""
        self._state = state
        self.notify_file()

    def change(self, document: Document) -> None:
        """Replace the document."""
        self.document = document
        self.notify_file()

    def save(self, path: Path, thumbnail: np.ndarray | None, *, replace: bool = False) -> None:
        """Write the exploration; `path` is its file from now on.

        UserError if that is impossible, or, without `replace`, if the file was changed elsewhere.
        """
        if path == self.path and self.changed_elsewhere and not replace:
            raise UserError(
                f"{path.name} was changed by another window or program since it was opened here. "
                "Save under another name, or open it again."
            )
        exploration_file.write(path, self._exploration(thumbnail))
        self._stamp = _stamp(path)
        self.path, self._saved = path, (self._state, self.document)
        self._autosave.clear()  # or a crash would offer what is older than the file
        self.notify_file()

    def autosave(self, thumbnail: np.ndarray | None) -> bool:
        """Write the autosave if something is unsaved and new; returns True if it was written."""
        return self.unsaved and self._autosave.save(self._exploration(thumbnail))

    def notify_file(self) -> None:
        """Report the file and its unsaved changes if either is news."""
        now = FileChanged(self.path, self.unsaved)
        if now != self._last_notified:
            self._last_notified = now
            self._notify(now)

    def _exploration(self, thumbnail: np.ndarray | None) -> Exploration:
        assert self._state is not None
        name, path = self._model
        latents = self._latents.contents_to_save(self._state, self.document)
        return Exploration(self._state, self.document, name, valid_text(str(path)), thumbnail, latents)


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Return what changes whenever a file is written; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
