# SPDX-License-Identifier: MIT
"""Dialog that chooses which square of a photograph is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QWidget

from latent_explorer.ui.projection.crop_view import CropView
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import button, column, hint, row

if TYPE_CHECKING:
    from latent_explorer.app.projection.photos import Photo

SIZE = QSize(64 * theme.UNIT, 64 * theme.UNIT)


class FrameDialog(QDialog):
    """Photograph under its frame. `framed(Crop)` is emitted when the dialog is accepted."""

    framed = Signal(object)

    def __init__(self, photo: Photo, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Frame of the photograph")
        self.resize(SIZE)
        self.crop = CropView()
        self.crop.show_photo(photo.image, photo.crop)
        buttons = QDialogButtonBox.StandardButton
        answer = QDialogButtonBox(buttons.Ok | buttons.Cancel)
        answer.accepted.connect(self.accept)
        answer.rejected.connect(self.reject)
        self.accepted.connect(lambda: self.framed.emit(self.crop.crop))
        foot = row()
        foot.addWidget(button("Middle", self.crop.set_centered_crop, role="quiet"))
        foot.addWidget(button("Whole photo", self.crop.set_full_crop, role="quiet"))
        foot.addStretch(1)
        foot.addWidget(answer)
        layout = column(self, margin=theme.MARGIN)
        layout.addWidget(hint("What is outside of the frame is not shown to the classifier. Drag it, or its corners."))
        layout.addWidget(self.crop, 1)
        layout.addLayout(foot)
        self.crop.setFocus()
