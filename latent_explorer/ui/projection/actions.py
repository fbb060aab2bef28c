# SPDX-License-Identifier: MIT
"""Actions on projections: the dialogs that open photos, the choice of page and canvas, and comparing with the photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from latent_explorer.app.exploration.updates import (
    PhotosChanged,
    ProjectionEnded,
    ProjectionStarted,
    StateChanged,
    TimelineFrame,
    report_errors,
)
from latent_explorer.app.projection.photos import photo_of
from latent_explorer.data.images import SUFFIXES
from latent_explorer.explain.projection.report_text import has_photo
from latent_explorer.explain.recipe import ProjectedBase
from latent_explorer.ui.file_actions import dropped_image, dropped_paths
from latent_explorer.ui.left_panel import LeftPanel
from latent_explorer.ui.projection.canvas import ProjectionCanvas
from latent_explorer.ui.projection.panel import ProjectionPanel

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QAction

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.projection.controller import ProjectionController
    from latent_explorer.app.projection.photos import Photo
    from latent_explorer.ui.canvas.panel import CanvasPanel
    from latent_explorer.ui.samples.panel import SamplesPanel
    from latent_explorer.ui.widgets.notice_bar import NoticeBar

PICTURES = f"Pictures ({' '.join(f'*{suffix}' for suffix in sorted(SUFFIXES))})"
LATENTS = "Projections and latents (*.projection *.npz *.npy)"
PROJECTION, NUMBERS = "Projection (*.projection)", "Latent as numbers (*.npz)"


class ProjectionActions:
    """Connects the panel, the canvas and the samples. `comparison` is the action that shows the photo itself."""

    def __init__(
        self,
        explorer: Explorer,
        controller: ProjectionController,
        samples: SamplesPanel,
        canvas: CanvasPanel,
        notices: NoticeBar,
        comparison: QAction,
    ) -> None:
        self._explorer, self._controller = explorer, controller
        self._samples, self._canvas, self._notices = samples, canvas, notices
        self._comparison = comparison
        self._result_first = False  # the sliders' picture is shown although there are photos
        self.panel = ProjectionPanel(explorer, controller)
        self.stage = ProjectionCanvas(explorer, controller)
        self.left = LeftPanel(samples, self.panel, (samples.favourite,))
        self.left.projecting_changed.connect(lambda _on: self._choose_canvas())
        self.panel.open_requested.connect(self.open_images)
        self.panel.folder_requested.connect(self.open_folder)
        self.panel.paste_requested.connect(self.paste)
        self.panel.result.compare.clicked.connect(self.compare)
        self.panel.result.export_requested.connect(lambda: self._with_shown(self.export))
        self.panel.result.remove_requested.connect(lambda: self._with_shown(controller.remove_projected))
        samples.report_requested.connect(self.show_report)
        samples.removed.connect(controller.remove_projected)
        samples.export_requested.connect(self.export)
        canvas.add_stage(self.stage)
        explorer.updates.on(PhotosChanged, self._photos_changed)
        explorer.updates.on(ProjectionStarted, lambda _update: self._show_photos())
        explorer.updates.on(ProjectionEnded, self._ended)
        explorer.updates.on(StateChanged, self._state_changed)
        explorer.updates.on(TimelineFrame, lambda _frame: self._show_picture())  # it is not shown behind a photo

    def _photos_changed(self, update: PhotosChanged) -> None:
        if update.opened:
            self.left.set_projecting(True)
            self._canvas.show_grid(False)
        self._show_photos()

    def _state_changed(self, update: StateChanged) -> None:
        self.offer_comparison()
        if update.old.edits != update.new.edits:
            self._show_picture()  # otherwise a slider would change a hidden picture

    def _ended(self, update: ProjectionEnded) -> None:
        if update.latent_ids:
            self._result_first = self.left.projecting
            self._samples.show_projected()
            self.compare(True)
        self._choose_canvas()

    def _show_photos(self) -> None:
        self._result_first = False
        self._choose_canvas()

    def _show_picture(self) -> None:
        """Show the sliders' picture until a photo is selected again."""
        self._result_first = True
        self._choose_canvas()

    def _choose_canvas(self) -> None:
        staged = self.left.projecting and self.stage.needed and not self._result_first
        self._canvas.show_stage(staged)

    def offer_comparison(self) -> None:
        """Enable the comparison if the canvas shows the projection of a photo."""
        state = self._explorer.state
        shown = self._explorer.latents.of(state.base) if state else None
        possible = shown is not None and has_photo(shown.report)
        self._comparison.setEnabled(possible)

    def _with_shown(self, act: Callable[[str], object]) -> None:
        """Call `act` with the projected picture on the canvas, if there is one."""
        state = self._explorer.state
        if state is not None and isinstance(state.base, ProjectedBase):
            act(state.base.latent_id)

    def compare(self, on: bool) -> None:
        """Show the photo in place of the unedited reconstruction, or stop doing so."""
        self._comparison.setChecked(on)
        self.panel.result.compare.setChecked(on)
        self._canvas.set_photo(on)

    @property
    def photos_in_view(self) -> tuple[Photo, ...]:
        """Photos that the window shows: those to project, else the photo whose projection is on the canvas."""
        if self.left.projecting and self._controller.photos and not self._result_first:
            return self._controller.photos
        state = self._explorer.state
        shown = self._explorer.latents.of(state.base) if state else None
        if shown is None or not has_photo(shown.report):
            return ()
        return (photo_of(shown.target, shown.report.name),)

    def show_page(self) -> None:
        """Open the page "Your photos" and focus the button for the next step."""
        self.left.set_projecting(True)
        next_step = self.panel.project if self._controller.photos else self.panel.open
        next_step.setFocus()

    def show_report(self, _latent_id: str) -> None:
        """Show the report of the projection on the canvas."""
        self.left.set_projecting(True)
        self._show_picture()

    def open_images(self) -> None:
        """Ask for pictures and read them."""
        settings = self._explorer.settings
        names, _kind = QFileDialog.getOpenFileNames(
            self._canvas.window(), "Open images", settings.last_folder or "", f"{PICTURES};;{LATENTS};;All files (*)"
        )
        if names:
            self._explorer.open_path(*map(Path, names))

    def open_folder(self) -> None:
        """Ask for a folder and read the pictures in it and below it."""
        last = self._explorer.settings.last_folder or ""
        chosen = QFileDialog.getExistingDirectory(self._canvas.window(), "Open a folder of images", last)
        if chosen:
            self._explorer.open_path(Path(chosen))

    def paste(self) -> None:
        """Paste a picture, or files, from the clipboard."""
        data = QGuiApplication.clipboard().mimeData() or QMimeData()  # None while another program holds it
        paths = dropped_paths(data)
        if paths:
            self._explorer.open_path(*paths)
        elif not self.add_image(data, "Pasted picture"):
            self._notices.show_message(
                "There is no picture on the clipboard. Copy one first, or drop a file on the window."
            )

    def add_image(self, data: QMimeData, name: str) -> bool:
        """Add a picture that was pasted, or dropped from a browser. Returns True if the data holds one."""
        found = True
        with report_errors(self._explorer.updates.emit, f"Opening {name}"):
            image = dropped_image(data, name)
            found = image is not None
            if image is not None:
                self._controller.open_image(image, name)
        return found

    def export(self, latent_id: str) -> None:
        """Ask for a name and write a projected picture."""
        picture = self._explorer.latents.get(latent_id)
        if picture is None:
            return
        name = Path(picture.report.name).stem or "projection"
        folder = Path(self._explorer.settings.last_folder or "")
        chosen, kind = QFileDialog.getSaveFileName(
            self._canvas.window(), "Export projection", str(folder / f"{name}.projection"), f"{PROJECTION};;{NUMBERS}"
        )
        if chosen:
            path = Path(chosen)
            ending = ".npz" if kind == NUMBERS else ".projection"
            known = path.suffix in (".npz", ".projection")
            self._controller.export(latent_id, path if known else path.with_name(path.name + ending))
