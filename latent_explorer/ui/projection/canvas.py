# SPDX-License-Identifier: MIT
"""The canvas of projections.

Before a run: the photo with its crop, and the generator's view. During it: photo and reconstruction, the loss, and the
probabilities of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QWidget

from latent_explorer.app.exploration.updates import (
    ModelOpened,
    PhotosChanged,
    ProjectionEnded,
    ProjectionProgress,
    ProjectionStarted,
)
from latent_explorer.ui.projection.crop_view import CropView
from latent_explorer.ui.projection.paired_bars import PairedBars, PairedProbabilities
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import Pages, button, column, hint, row
from latent_explorer.ui.widgets.curve_math import Curve
from latent_explorer.ui.widgets.curve_plot import CurvePlot, PlotOptions
from latent_explorer.ui.widgets.image_view import CaptionedImage, ImageView
from latent_explorer.ui.widgets.probability_bars import top_class_text

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.projection.controller import ProjectionController, ProjectionRun
    from latent_explorer.app.projection.photos import Photo
    from latent_explorer.explain.projected import ProjectedPicture

SOLID_CURVE = 4  # number of a curve with a solid line
REDRAW_MS = 100  # ms between two updates
LOWER_HEIGHT = 11 * theme.UNIT  # px, height of loss and bars; more would make the pictures too small on a laptop
SEEN = "Generator's view"
PHOTO, MADE = "Photo", "Reconstruction"


class ProjectionCanvas(QWidget):
    """Two pages: cropping, and the running projection."""

    def __init__(self, explorer: Explorer, controller: ProjectionController) -> None:
        super().__init__()
        self._controller = controller
        self._size = 0  # px of the generator's pictures
        self.setAccessibleName("Projection")
        self.crop = CropView()
        self.crop.changed.connect(controller.set_crop)
        self.classifier_view = ImageView()
        self.classifier_view.set_mode("after")
        self.classifier_view.setAccessibleName(SEEN)
        self.classifier_view.setMinimumSize(self.crop.minimumSize())  # both equally large
        self.view = ImageView()
        self.view.setAccessibleName("Photo and reconstruction")
        self.twins = PairedBars()
        self.loss = CurvePlot("loss over steps")
        self._late = self._better = False  # a step, or pictures, not drawn yet
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(REDRAW_MS)
        self._pause.timeout.connect(self._draw_pending)
        self.pages = Pages()
        self.cropping, self.live = self._crop_page(), self._live_page()
        for page in (self.cropping, self.live):
            self.pages.addWidget(page)
        column(self, spacing=0).addWidget(self.pages)
        explorer.updates.on(ModelOpened, self._model_opened)
        for kind in (PhotosChanged, ProjectionStarted, ProjectionEnded):
            explorer.updates.on(kind, lambda _update: self._show())
        explorer.updates.on(ProjectionProgress, self._progressed)

    def _crop_page(self) -> QWidget:
        page = QWidget()
        pictures = row(spacing=0)
        pictures.addWidget(self.crop, 1)
        pictures.addWidget(self.classifier_view, 1)
        line = row()
        line.setContentsMargins(theme.MARGIN, 0, theme.MARGIN, theme.UNIT)
        help_text = hint("Drag the frame or its corners; arrows move it, + and \N{MINUS SIGN} size it.")
        middle = button("Middle", self.crop.set_centered_crop, role="quiet")
        middle.setToolTip("The largest square in the middle (Home)")
        whole = button("Whole photo", self.crop.set_full_crop, role="quiet")
        whole.setToolTip("A square around the whole photo, with black bars at its sides")
        line.addWidget(help_text, 1)
        line.addWidget(middle)
        line.addWidget(whole)
        layout = column(page, spacing=0)
        layout.addLayout(pictures, 1)
        layout.addLayout(line)
        return page

    def _live_page(self) -> QWidget:
        page = QWidget()
        policy = self.loss.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.loss.setSizePolicy(policy)
        self.loss.setMinimumHeight(LOWER_HEIGHT)
        below = row(spacing=theme.MARGIN)
        below.setContentsMargins(theme.MARGIN, 0, theme.MARGIN, 0)
        below.addWidget(self.loss, 1)
        below.addWidget(self.twins, 1)
        layout = column(page, spacing=theme.UNIT // 2)
        layout.addWidget(self.view, 1)
        holder = QWidget()
        holder.setLayout(below)
        holder.setFixedHeight(LOWER_HEIGHT)
        layout.addWidget(holder)
        return page

    @property
    def needed(self) -> bool:
        """True if there are photos or a run to show."""
        return bool(self._controller.photos) or self._controller.run is not None

    def _model_opened(self, update: ModelOpened) -> None:
        self._size = update.summary.resolution
        self._show()

    def _progressed(self, update: ProjectionProgress) -> None:
        self._late, self._better = True, self._better or update.pictures
        if not self._pause.isActive():
            self._draw_pending()

    def _draw_pending(self) -> None:
        """Draw what has arrived, at most once per pause: the worker can be faster than a plot."""
        if self._late and self._controller.run is not None:
            self._show_step(self._controller.run, pictures=self._better)
            self._late = self._better = False
            self._pause.start()

    def _show(self) -> None:
        run, photo = self._controller.run, self._controller.photo
        at = _place(run, photo) if run else None
        if run is not None and at is not None:
            self.pages.setCurrentWidget(self.live)
            self._show_step(run, pictures=True)
        elif photo is not None:
            self.pages.setCurrentWidget(self.cropping)
            self._show_crop(photo)

    def _show_crop(self, photo: Photo) -> None:
        self.crop.show_photo(photo.image, photo.crop)
        size = self._size or 256
        shot = CaptionedImage(photo.crop_image(size), SEEN, f"{size} × {size} px", -1)
        self.classifier_view.set_images(shot, shot)

    def _show_step(self, run: ProjectionRun, *, pictures: bool) -> None:
        at = _place(run, self._controller.photo)
        if at is None:
            return
        self._draw_loss(run, at)
        if pictures:
            self._show_pictures(run, at)

    def _show_pictures(self, run: ProjectionRun, at: int) -> None:
        if at < len(run.pictures):
            best = run.pictures[at]
            report = best.report
            names, photo, made = report.class_names, report.probs_target, report.probs_reconstruction
            self.view.set_images(_captioned(best, PHOTO, photo), _captioned(best, MADE, made))
            self.twins.set_values(PairedProbabilities(names, ("photo", "now"), photo, made))
        else:
            photo_now = run.photos[at].crop_image(self._size or 256)
            sunken = self.palette().color(QPalette.ColorRole.AlternateBase)
            color = np.array([sunken.red(), sunken.green(), sunken.blue()], np.uint8)
            blank = np.broadcast_to(color, photo_now.shape)
            waiting = CaptionedImage(blank, MADE, "soon", -1)
            self.view.set_images(CaptionedImage(photo_now, PHOTO), waiting)
            self.twins.set_values(None)

    def _draw_loss(self, run: ProjectionRun, at: int) -> None:
        if at >= len(run.curves):
            return
        self.loss.setVisible(bool(run.curves[at]))
        table = np.array(run.curves[at], dtype=np.float64).reshape(-1, 2)
        loss = Curve("loss", "Loss", table[:, 0], table[:, 1])
        self.loss.show_curves([(SOLID_CURVE, loss)], PlotOptions(log=bool((table[:, 1] > 0).all())))


def _place(run: ProjectionRun, photo: Photo | None) -> int | None:
    """Return the index of the photo in the run; None for a photo that was added during it."""
    if photo is None:
        return 0
    return next((i for i, each in enumerate(run.photos) if each is photo), None)


def _captioned(projected: ProjectedPicture, title: str, probs: tuple[float, ...]) -> CaptionedImage:
    class_probs = np.array(probs)
    image = projected.target if title == PHOTO else projected.image
    return CaptionedImage(
        image, title, top_class_text(projected.report.class_names, class_probs), int(class_probs.argmax())
    )
