# SPDX-License-Identifier: MIT
"""The window's side of reports: whether one can be written, where to, and opening it. What it shows is the desk's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from latent_explorer.app.exploration.updates import DocumentChanged, ModelOpened
from latent_explorer.app.report import ReportController

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.app.exploration.updates import Update
    from latent_explorer.app.report import ReportWritten
    from latent_explorer.ui.main_window import MainWindow

PAGE = "Web page (*.html)"


class ReportActions:
    """Owned by the window; holds no state. It listens after the window, which enables every action with a model."""

    def __init__(self, window: MainWindow) -> None:
        self._window, self._controller = window, ReportController(window.explorer)
        self._action = window.actions_by_key["write_report"]
        self._tip = self._action.toolTip()
        window.explorer.listeners.append(self.on_update)

    def on_update(self, update: Update) -> None:
        """What the application told."""
        if isinstance(update, (ModelOpened, DocumentChanged)):
            missing_requirements = self._controller.missing_requirements
            self._action.setEnabled(not missing_requirements)
            self._action.setToolTip(missing_requirements or self._tip)

    def write(self) -> None:
        """Ask for a name and start writing."""
        files = self._window.files
        path = files.ask("Write a report", f"{files.name()}-report.html", PAGE)
        if path is not None:
            self._controller.write(path, self._written)

    def _written(self, made: ReportWritten) -> None:
        self._window.notices.show_message(
            f"Saved {made.path.name}. {made.answer}",
            action="Open",
            on_action=lambda: self._open(made.path),
        )

    def _open(self, path: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self._window.notices.show_message(
                f"No program was found that shows web pages: {path}", "warning"
            )
