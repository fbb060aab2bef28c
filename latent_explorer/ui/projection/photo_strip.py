# SPDX-License-Identifier: MIT
"""The photos to project as small squares, each cropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QMenu

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QPoint

    from latent_explorer.app.projection.photos import Photo

SIDE = 13 * theme.UNIT // 2 - 8  # px of a square
VISIBLE_ROWS = 2  # visible without scrolling


class PhotoStrip(QListWidget):
    """List of photos. `photo_selected(int)` and `removed(int)` are emitted on the user's request."""

    photo_selected = Signal(int)
    removed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._photos: tuple[Photo, ...] = ()
        self._showing = False  # True while the controller's photo is being shown
        self.setProperty("role", "photos")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setIconSize(QSize(SIDE, SIDE))
        self.setGridSize(QSize(SIDE + 8, SIDE + 8))
        self.setFrameShape(QListView.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Your photos")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
        self.currentRowChanged.connect(self._on_row)
        # A click on the current one also shows the photos on the canvas again.
        for signal in (self.itemClicked, self.itemActivated):
            signal.connect(lambda item: self.photo_selected.emit(self.row(item)))

    def show_photos(self, photos: Sequence[Photo], current: int) -> None:
        """Show the photos, and mark the current one."""
        self._showing = True
        known = self._photos
        self._photos = tuple(photos)
        while self.count() > len(photos):
            self.takeItem(self.count() - 1)
        while self.count() < len(photos):
            self.addItem(QListWidgetItem())
        for place, photo in enumerate(photos):
            if place >= len(known) or known[place] is not photo:
                self._draw(self.item(place), photo)
        self.setCurrentRow(current if photos else -1)
        self._fit()
        self._showing = False

    def _draw(self, item: QListWidgetItem, photo: Photo) -> None:
        ratio = self.devicePixelRatioF()
        square = scaled(photo.crop_image(2 * SIDE), SIDE, ratio, pixels=False)
        pixmap = QPixmap.fromImage(square)
        icon = QIcon(pixmap)
        icon.addPixmap(pixmap, QIcon.Mode.Selected)  # otherwise the style would tint it
        item.setIcon(icon)
        item.setToolTip(photo.name)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, photo.name)

    def _fit(self) -> None:
        """Set the height to that of its rows, at most ROWS of them."""
        cell = self.gridSize().height()
        across = max(1, self.viewport().width() // self.gridSize().width())
        rows = min(VISIBLE_ROWS, -(-len(self._photos) // across))
        self.setFixedHeight(max(1, rows) * cell + 2)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.currentRow() >= 0:
            self.removed.emit(self.currentRow())
            return
        super().keyPressEvent(event)

    def _on_row(self, row: int) -> None:
        if not self._showing and row >= 0:
            self.photo_selected.emit(row)

    def _menu(self, where: QPoint) -> None:
        item = self.itemAt(where)
        if item is None:
            return
        row = self.row(item)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Remove", lambda: self.removed.emit(row))
        menu.popup(self.viewport().mapToGlobal(where))
