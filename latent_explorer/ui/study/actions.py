# SPDX-License-Identifier: MIT
"""The window's side of studies: what the menu Study opens. Everything that a study is stands in the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog

from latent_explorer.ui.study.scoring_dialog import ScoringDialog
from latent_explorer.ui.study.wizard import StudyDialog

if TYPE_CHECKING:
    from latent_explorer.app.study.controller import StudyController
    from latent_explorer.ui.main_window import MainWindow

D = TypeVar("D", bound=QDialog)


class StudyActions:
    """Opens the wizard and the scoring dialog over the window."""

    def __init__(self, window: MainWindow, controller: StudyController) -> None:
        self._window, self.controller = window, controller

    def make(self) -> StudyDialog | None:
        """The wizard, once a model is open."""
        if not self.controller.ready:
            return None
        return _opened(StudyDialog(self._window.explorer, self.controller, self._window))

    def score(self) -> ScoringDialog:
        """The scoring dialog."""
        return _opened(ScoringDialog(self._window.explorer, self.controller, self._window))


def _opened(dialog: D) -> D:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
    return dialog
