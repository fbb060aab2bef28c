# SPDX-License-Identifier: MIT
"""Photographs of one cell as thumbnails: each with its verdict, and beside it the same with the best attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate

from latent_explorer.common.format import number_text, shortened
from latent_explorer.explain.counterfactuals.mistakes_text import name_of
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.class_mark import paint_class_mark
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    import numpy as np
    from PySide6.QtWidgets import QStyleOptionViewItem

    from latent_explorer.app.overview.mistakes_jobs import CellPhoto
    from latent_explorer.explain.counterfactuals.mistakes import CellExplanation, Example

Index = QModelIndex | QPersistentModelIndex
SIDE = 9 * theme.UNIT  # px, of a picture
LINE = 20  # px of the text below
INSET = theme.UNIT // 2
MARK = 14  # px between the left edge and the text, for the mark of the class


class CellPhotosModel(QAbstractListModel):
    """List model of the photographs; those that turn stand first, then those that do not, then the others."""

    def __init__(self) -> None:
        super().__init__()
        self.photos: list[CellPhoto] = []
        self.examples: dict[str, Example] = {}
        self._given: tuple[tuple[CellPhoto, ...], CellExplanation | None, tuple[str, ...]] = ((), None, ())
        self.class_names: tuple[str, ...] = ()
        self.attribute = ""
        self._pixmaps: dict[tuple[str, bool, float], QPixmap] = {}

    def show(self, photos: tuple[CellPhoto, ...], found: CellExplanation | None, class_names: tuple[str, ...]) -> None:
        """Show photographs, with what the attribute made of them; more of the same cell are added at the end."""
        before, self._given = self._given, (photos, found, class_names)
        if before == self._given:
            return
        if found is None and before[1:] == self._given[1:] and before[0] and before[0] == photos[: len(before[0])]:
            self.beginInsertRows(QModelIndex(), len(self.photos), len(photos) - 1)
            self.photos = list(photos)
            self.endInsertRows()
            return
        self.beginResetModel()
        self.examples = {each.name: each for each in found.examples} if found else {}
        self.photos = sorted(photos, key=lambda each: _rank(self.examples.get(each.name)))
        self.attribute = shortened(name_of(found.shown), 40) if found else ""
        self.class_names = class_names
        self._pixmaps.clear()
        self.endResetModel()

    def pixmap(self, row: int, after: bool, ratio: float) -> QPixmap | None:
        """Return a photograph, or the same with the attribute; None where it was not tried."""
        photo = self.photos[row]
        key = (photo.name, after, ratio)
        if key not in self._pixmaps:
            image = self._image(photo, after)
            if image is None:
                return None
            self._pixmaps[key] = QPixmap.fromImage(scaled(image, SIDE, ratio, pixels=False))
        return self._pixmaps[key]

    def _image(self, photo: CellPhoto, after: bool) -> np.ndarray | None:
        if not after:
            return photo.image
        example = self.examples.get(photo.name)
        return None if example is None else example.after.image

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.photos)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if index.isValid() and role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.words(index.row())
        return None

    def words(self, row: int) -> str:
        """Return what an item shows, in one line."""
        photo, names = self.photos[row], self.class_names
        k = int(photo.probs.argmax())
        text = f"{photo.name}: {names[k]} {number_text(photo.probs[k])}"
        example = self.examples.get(photo.name)
        if example is None:
            return text
        after = example.after
        said = f"{names[after.verdict]} {number_text(after.probs[after.verdict])}"
        return f"{text}; with {self.attribute}: {said}{', it turns' if example.turned else ''}"


def _rank(example: Example | None) -> int:
    return 2 if example is None else 0 if example.turned else 1


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002
        model = index.model()
        assert isinstance(model, CellPhotosModel)
        return QSize((2 if model.examples else 1) * (SIDE + INSET) + INSET + theme.UNIT, SIDE + LINE + 2 * INSET)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, CellPhotosModel)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        now, box = theme.current(), QRectF(option.rect).adjusted(0, 0, -theme.UNIT // 2, 0)
        ratio = painter.device().devicePixelRatioF()
        photo, example = model.photos[index.row()], model.examples.get(model.photos[index.row()].name)
        at = box.topLeft() + QPointF(INSET, INSET)
        before = model.pixmap(index.row(), False, ratio)
        assert before is not None
        painter.drawPixmap(at, before)
        self._paint_verdict(painter, at, photo.probs, bold=False)
        after = model.pixmap(index.row(), True, ratio)
        if after is not None and example is not None:
            at += QPointF(SIDE + INSET, 0)
            painter.drawPixmap(at, after)
            self._paint_verdict(painter, at, example.after.probs, bold=example.turned)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(now.color("ink"), 1.5))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 3, 3)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(now.color("line"), 1))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.restore()

    def _paint_verdict(self, painter: QPainter, at: QPointF, probs: np.ndarray, *, bold: bool) -> None:
        now, k = theme.current(), int(probs.argmax())
        paint_class_mark(painter, at + QPointF(6, SIDE + LINE / 2), k, outline="surface")
        painter.setFont(theme.font(theme.SMALL, semibold=bold))
        painter.setPen(now.color("ink" if bold else "muted"))
        room = QRectF(at.x() + MARK, at.y() + SIDE, SIDE - MARK, LINE)
        painter.drawText(room, theme.LEFT, number_text(probs[k]))


class CellPhotos(QListView):
    """Thumbnails that fill the width. `described(str)` is the one under the mouse or the keyboard, in words."""

    described = Signal(str)
    opened = Signal(str)  # name of a photograph

    def __init__(self) -> None:
        super().__init__()
        self.items = CellPhotosModel()
        self.setModel(self.items)
        self.setItemDelegate(_Delegate(self))
        self.setAccessibleName("Photographs of the cell")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMinimumHeight(SIDE + LINE + 2 * INSET)
        self.setStyleSheet("QListView { background: transparent; border: 0; }")
        self.entered.connect(self._describe)
        self.activated.connect(self._open)  # by a double click, too
        self.selectionModel().currentChanged.connect(lambda index, _old: self._describe(index))

    def show_photos(
        self, photos: tuple[CellPhoto, ...], found: CellExplanation | None, class_names: tuple[str, ...]
    ) -> None:
        """Show the photographs of a cell, and what turned them once it is known."""
        self.items.show(photos, found, class_names)

    def _describe(self, index: QModelIndex) -> None:
        if index.isValid():
            self.described.emit(self.items.words(index.row()))

    def _open(self, index: QModelIndex) -> None:
        if index.isValid():
            self.opened.emit(self.items.photos[index.row()].name)
