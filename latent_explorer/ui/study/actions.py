# SPDX-License-Identifier: MIT
"""The window's side of studies: the dialogs that the menu Study opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.ui.study.scoring_dialog import ScoringDialog
from latent_explorer.ui.study.wizard import StudyDialog
from latent_explorer.ui.widgets.dialogs import open_dialog

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.study.controller import StudyController


class StudyActions:
    """Opens the wizard and the scoring dialog over the window."""

    def __init__(self, window: QWidget, explorer: Explorer, controller: StudyController) -> None:
        self._window, self._explorer, self.controller = window, explorer, controller

    def make(self) -> StudyDialog | None:
        """The wizard, once a model is open."""
        if not self.controller.ready:
            return None
        return open_dialog(StudyDialog(self._explorer, self.controller, self._window))

    def score(self) -> ScoringDialog:
        """The scoring dialog."""
        return open_dialog(ScoringDialog(self._explorer, self.controller, self._window))
