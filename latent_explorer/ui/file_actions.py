# SPDX-License-Identifier: MIT
"""Actions of the window on files: opening, saving, exporting, copying, dropping and dragging out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QIODevice, QMimeData, QStandardPaths, Qt, QTemporaryDir, QUrl
from PySide6.QtGui import QDrag, QGuiApplication, QImage, QPixmap
from PySide6.QtWidgets import QFileDialog, QMessageBox

from latent_explorer.app.exploration.document import Document
from latent_explorer.app.exploration.updates import Message, report_errors
from latent_explorer.common.format import shortened
from latent_explorer.data.images import SUFFIXES, read_image
from latent_explorer.models.foreign_files import file_pattern
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.scaling import to_qimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from PySide6.QtWidgets import QWidget

    from latent_explorer.app.explorer import Explorer

OURS = f"*.explainer *.exploration *.projection *.npz *.npy {file_pattern()}"
OPENABLE = f"Everything that opens ({OURS} {' '.join(f'*{s}' for s in sorted(SUFFIXES))})"
EXPLORATION, PNG = "Exploration (*.exploration)", "Picture (*.png)"


class FileActions:
    """File actions, which ask for names and leave the work to the explorer."""

    def __init__(self, window: QWidget, explorer: Explorer) -> None:
        self._window = window
        self._explorer = explorer
        self.discarded = False  # True once the person chose not to save the changes
        self._scratch: QTemporaryDir | None = None  # of pictures that are dragged out

    def open(self) -> None:
        """Ask for a file and open it."""
        names, _kind = QFileDialog.getOpenFileNames(self._window, "Open", self.folder(), f"{OPENABLE};;All files (*)")
        if names:
            self._explorer.open_path(*map(Path, names))

    def save(self) -> bool:
        """Save to the current file, or ask for one. Return False if cancelled or failed."""
        explorer, path = self._explorer, self._explorer.path
        if path is None:
            return self.save_as()
        if not explorer.changed_elsewhere:
            return explorer.save()
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._window,
            "Latent Explorer",
            f"{shortened(path.name)} was changed by another window or program since it was opened here. "
            "Replace it? With No you choose another name.",
            buttons.Yes | buttons.No | buttons.Cancel,
            buttons.No,
        )
        if answer == buttons.No:
            return self.save_as()
        return answer == buttons.Yes and explorer.save(replace=True)

    def save_as(self) -> bool:
        path = self.ask("Save exploration", f"{self.name()}.exploration", EXPLORATION)
        return path is not None and self._explorer.save(path, replace=True)  # the file dialog has asked

    def may_close(self) -> bool:
        """Ask about changes before the window closes. Return True if it may.

        What is not asked about is offered at the next start, unlike what was `discarded`.
        """
        return self.may_leave(action="Save the changes to" if self._explorer.path else "Save")

    def may_leave(self, jobs: Sequence[str] = (), action: str = "Another file is about to be opened. Save") -> bool:
        """Ask about `jobs` that end when the exploration is left, and about changes, also if it has no file yet.

        Return True if it may be left.
        """
        if jobs and not self._may_end(jobs):
            return False
        explorer = self._explorer
        made = explorer.document != Document() or (explorer.state is not None and explorer.state.timelines)
        if explorer.path is None and not made:
            return True  # a few sliders are quickly set again
        return self._may_lose(action)

    def _may_end(self, jobs: Sequence[str]) -> bool:
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._window,
            "Latent Explorer",
            f"{', '.join(map(shortened, jobs))}: still running, and cancelled when another file is opened. Open it?",
            buttons.Yes | buttons.No,
            buttons.No,
        )
        return answer == buttons.Yes

    def _may_lose(self, action: str) -> bool:
        """Offer to save changes. Return True unless cancelled."""
        self.discarded = False
        path = self._explorer.path
        if not self._explorer.unsaved:
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._window,
            "Latent Explorer",
            f"{action} {shortened(path.name) if path else 'this exploration'}?",
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )
        if answer == buttons.Save:
            return self.save()
        self.discarded = answer == buttons.Discard
        return self.discarded

    def export_png(self) -> None:
        """Ask for a name and save the picture with its recipe."""
        path = self.ask("Export picture", f"{self.name()}.png", PNG)
        if path is not None:
            self._explorer.export_png(path)

    def screenshot(self) -> None:
        """Ask for a name and save a picture of the window."""
        shown = self._window.grab()
        path = self.ask("Picture of the window", "latent-explorer.png", PNG)
        if path is not None and shown.save(str(path), "PNG"):
            self._explorer.updates.emit(Message(f"Saved {path.name}.", file=path))

    def copy_picture(self) -> None:
        """Copy the picture: as PNG with its recipe, and as pixels for other programs."""
        data = self._mime()
        if data is not None:
            QGuiApplication.clipboard().setMimeData(data)

    def drag_picture(self) -> None:
        """Start a drag of the picture as a PNG file with its recipe, for a folder or a slide."""
        data, shown = self._mime(), self._explorer.shown
        if data is None or shown is None:
            return
        self._scratch = QTemporaryDir()
        path = Path(self._scratch.path()) / f"{self.name()}.png"
        path.write_bytes(bytes(data.data("image/png").data()))
        data.setUrls([QUrl.fromLocalFile(str(path))])
        drag = QDrag(self._window)
        drag.setMimeData(data)
        side = 12 * theme.UNIT
        small = to_qimage(shown.result.after.image).scaled(side, side, mode=Qt.TransformationMode.SmoothTransformation)
        drag.setPixmap(QPixmap.fromImage(small))
        drag.exec(Qt.DropAction.CopyAction)

    def _mime(self) -> QMimeData | None:
        """Return the picture for the clipboard; None, with the reason in the window, if there is none to be had."""
        if self._explorer.shown is None:
            return None
        data: QMimeData | None = None
        with report_errors(self._explorer.updates.emit, "Copying the picture"):
            png = self._explorer.png()
            data = QMimeData()
            data.setData("image/png", png)
            data.setImageData(QImage.fromData(png))
        return data

    def open_dropped(self, data: QMimeData) -> bool:
        """Open dropped files. Return False if there are none."""
        paths = dropped_paths(data)
        if paths:
            self._explorer.open_path(*paths)
        return bool(paths)

    def name(self) -> str:
        """Return the name of a new file: that of the exploration, else of the model."""
        if self._explorer.path is not None:
            return self._explorer.path.stem
        summary = self._explorer.summary
        return summary.name.replace("/", "-") if summary else "picture"

    def folder(self) -> str:
        """Return the folder of the last dialog, else the user's documents."""
        places = QStandardPaths.StandardLocation.DocumentsLocation
        return self._explorer.settings.last_folder or QStandardPaths.writableLocation(places)

    def ask(self, title: str, name: str, kind: str) -> Path | None:
        """Ask for a file to write and add the suffix of `kind`, "Picture (*.png)", if it lacks; None if cancelled.

        A `kind` that ends in "(*)" accepts any name.
        """
        ending = kind[kind.rindex("*") + 1 : -1]
        chosen, _kind = QFileDialog.getSaveFileName(self._window, title, str(Path(self.folder()) / name), kind)
        if not chosen:
            return None
        path = Path(chosen)
        return path if path.suffix == ending or not ending else path.with_name(path.name + ending)


def dropped_paths(data: QMimeData) -> list[Path]:
    """Return the local files in drag-and-drop data."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def dropped_image(data: QMimeData, name: str) -> np.ndarray | None:
    """Return the picture (H, W, 3) uint8 in data that was pasted, or dropped from a browser; None if there is none."""
    image = data.imageData() if data.hasImage() else None
    if not isinstance(image, QImage) or image.isNull():
        return None
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # our own reader handles alpha, depth and colour profiles
    return read_image(bytes(buffer.data().data()), name=name)
