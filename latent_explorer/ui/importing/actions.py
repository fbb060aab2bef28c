# SPDX-License-Identifier: MIT
"""Opening of the import dialog for files of other programs, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from latent_explorer.app.exploration.updates import ForeignFileOpened, ModelOpened
from latent_explorer.ui.widgets.basics import open_dialog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PySide6.QtWidgets import QWidget

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.ui.importing.dialog import ImportDialog


class ImportActions:
    """Opens the dialog; `explain` begins a training with a .classifier and pictures, or None."""

    def __init__(self, explorer: Explorer, window: QWidget, explain: Callable[[Path, Path | None], None]) -> None:
        self._explorer, self._window, self._explain = explorer, window, explain
        self._opened: Path | None = None  # the explainer on the screen
        self.dialog: ImportDialog | None = None  # the last one
        explorer.updates.on(ModelOpened, self._model_opened)
        # Later: a drop ends first, and the window is up when a file came on the command line.
        explorer.updates.on(ForeignFileOpened, lambda update: QTimer.singleShot(0, window, lambda: self.open(update)))

    def open(self, update: ForeignFileOpened) -> None:
        """Open the dialog on a file."""
        from latent_explorer.app.importing.controller import ImportController
        from latent_explorer.ui.importing.dialog import ImportDialog

        controller = ImportController(self._explorer, update.path)
        dialog = ImportDialog(controller, self._window, pictures=update.pictures, opened=self._opened)
        dialog.explain_requested.connect(self._explain)
        self.dialog = open_dialog(dialog)

    def _model_opened(self, update: ModelOpened) -> None:
        self._opened = update.path
