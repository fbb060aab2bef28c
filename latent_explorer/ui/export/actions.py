# SPDX-License-Identifier: MIT
"""Export actions of the window: their dialogs, then the choice of a file or folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QMessageBox

from latent_explorer.app.export.controller import ExportController
from latent_explorer.media.animation.settings import FORMATS
from latent_explorer.ui.export.animation_dialogs import ExportAllDialog, ExportAnimationDialog
from latent_explorer.ui.export.sheet_dialog import FORMATS as SHEET_FORMATS
from latent_explorer.ui.export.sheet_dialog import ExportSheetDialog
from latent_explorer.ui.widgets.basics import open_dialog

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.timeline.controller import TimelineController
    from latent_explorer.ui.file_actions import FileActions

NOTHING = (
    "An animation shows a timeline or the sweep of an attribute. Add keyframes, find attributes, or add a slider first."
)
NO_ATTRIBUTES = "There are no attributes to export. Find attributes first, or add a slider."


class ExportActions:
    """Opens the export dialogs; `files` asks for file names."""

    def __init__(self, window: QWidget, explorer: Explorer, timelines: TimelineController, files: FileActions) -> None:
        self.controller = ExportController(explorer)
        self._window = window
        self._explorer = explorer
        self._timelines = timelines
        self._files = files

    def animation(self) -> None:
        """Export a timeline, or the sweep of an attribute."""
        if not self.controller.sources():
            QMessageBox.information(self._window, "Export animation", NOTHING)
            return
        current = self._timelines.current
        dialog = ExportAnimationDialog(self.controller, current.name if current else "", self._window)
        dialog.accepted.connect(lambda: self._animation(dialog))
        open_dialog(dialog)

    def _animation(self, dialog: ExportAnimationDialog) -> None:
        suffix, name = dialog.suffix, dialog.source.name.removeprefix("Sweep: ")
        path = self._ask("Export animation", f"{self._files.name()} {name}", suffix, FORMATS)
        if path is not None:
            self.controller.export(path, dialog.source.scene, dialog.settings)

    def sheet(self) -> None:
        """Export a sheet for a paper."""
        dialog, model_hash = ExportSheetDialog(self.controller, self._window), self._model_hash
        dialog.accepted.connect(lambda: self._sheet(dialog, model_hash))
        open_dialog(dialog)

    def _sheet(self, dialog: ExportSheetDialog, model_hash: str) -> None:
        name = f"{self._files.name()} {dialog.plan.kind}"
        path = self._ask("Export sheet", name, dialog.suffix, SHEET_FORMATS)
        if path is not None:
            self.controller.export_sheet(path, dialog.plan, model_hash=model_hash)

    def all(self) -> None:
        """Export all attributes on several pictures."""
        count = len(self._explorer.attributes())
        if not count:
            QMessageBox.information(self._window, "Export all attributes", NO_ATTRIBUTES)
            return
        dialog, model_hash = ExportAllDialog(self.controller, count, self._window), self._model_hash
        dialog.accepted.connect(lambda: self._all(dialog, model_hash))
        open_dialog(dialog)

    @property
    def _model_hash(self) -> str:
        return self._explorer.summary.model_hash if self._explorer.summary else ""

    def _all(self, dialog: ExportAllDialog, model_hash: str) -> None:
        chosen = QFileDialog.getExistingDirectory(self._window, "Export all attributes into", self._files.folder())
        if chosen:
            top, suffix, bases = dialog.top.count, dialog.suffix, dialog.pictures.bases
            self.controller.export_all(Path(chosen), top, bases, dialog.settings, suffix, model_hash=model_hash)

    def _ask(self, title: str, name: str, suffix: str, formats: dict[str, str]) -> Path | None:
        kind = f"{formats[suffix]} (*{suffix})" if suffix else "Folder (*)"
        path = self._files.ask(title, name.replace("/", "-") + suffix, kind)
        if path is not None and not suffix:  # a suffix would make it a file of that kind
            return path.with_name(path.name.replace(".", " ").strip())
        return path
