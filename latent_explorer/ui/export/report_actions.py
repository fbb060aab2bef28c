# SPDX-License-Identifier: MIT
"""Actions on reports: whether one can be written, writing it, and opening it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from latent_explorer.app.exploration.updates import DocumentChanged, ModelOpened
from latent_explorer.app.report import ReportController

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtGui import QAction

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.report import ReportWritten
    from latent_explorer.ui.file_actions import FileActions
    from latent_explorer.ui.widgets.notice_bar import NoticeBar

PAGE = "Web page (*.html)"


class ReportActions:
    """Create it after the window's own subscriptions, which enable every action when a model is opened."""

    def __init__(self, explorer: Explorer, files: FileActions, notices: NoticeBar, action: QAction) -> None:
        self._controller = ReportController(explorer)
        self._files, self._notices, self._action = files, notices, action
        self._tip = action.toolTip()
        for kind in (ModelOpened, DocumentChanged):
            explorer.updates.on(kind, lambda _update: self._refresh())

    def _refresh(self) -> None:
        missing_requirements = self._controller.missing_requirements
        self._action.setEnabled(not missing_requirements)
        self._action.setToolTip(missing_requirements or self._tip)

    def write(self) -> None:
        """Ask for a name and start writing."""
        path = self._files.ask("Write a report", f"{self._files.name()}-report.html", PAGE)
        if path is not None:
            self._controller.write(path, self._written)

    def _written(self, made: ReportWritten) -> None:
        self._notices.show_message(
            f"Saved {made.path.name}. {made.answer}", action="Open", on_action=lambda: self._open(made.path)
        )

    def _open(self, path: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self._notices.show_message(f"No program was found that shows web pages: {path}", "warning")
