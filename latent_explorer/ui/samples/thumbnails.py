# SPDX-License-Identifier: MIT
"""Strip of latents as thumbnails: class dot, star of a favourite, ring around the one on the canvas.

Thumbnails are requested only while their rows are visible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QPainter, QPen, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate

from latent_explorer.app.exploration.intents import describe_base
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.class_mark import paint_class_mark
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from PySide6.QtGui import QResizeEvent
    from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

    from latent_explorer.explain.recipe import Base, Picture
    from latent_explorer.models.summary import ExplainerSummary

PICTURE_SIDE = 13 * theme.UNIT // 2  # side of a thumbnail, px
INSET = theme.UNIT // 2  # around a picture, for the ring
CELL = PICTURE_SIDE + 2 * INSET
SETTLE_MS = 60  # ms after scrolling before pictures are requested
BASE_ROLE = int(Qt.ItemDataRole.UserRole)
Index = QModelIndex | QPersistentModelIndex


class ThumbnailModel(QAbstractListModel):
    """List model of the latents in the strip, with their pictures, names and stars."""

    def __init__(self) -> None:
        super().__init__()
        self.bases: list[Base] = []
        self._rows: dict[Base, int] = {}
        self.pictures: dict[Base, Picture] = {}
        self._pixmaps: dict[tuple[Base, float], QPixmap] = {}
        self.summary: ExplainerSummary | None = None
        self.class_names: tuple[str, ...] = ()
        self.favourites: frozenset[Base] = frozenset()
        self.names: Mapping[Base, str] = {}  # of latents with a name

    def start(self, summary: ExplainerSummary | None, class_names: tuple[str, ...]) -> None:
        """Forget the pictures of the previous model."""
        self.pictures.clear()
        self._pixmaps.clear()
        self.summary, self.class_names = summary, class_names
        self.set_bases([])

    def set_bases(self, bases: Sequence[Base], names: Mapping[Base, str] | None = None) -> None:
        """Show these latents; `names` holds the names of those that have one."""
        self.beginResetModel()
        self.names = names or {}
        self.bases = list(bases)
        self._rows = {base: row for row, base in enumerate(self.bases)}
        self.endResetModel()

    def set_picture(self, base: Base, picture: Picture) -> None:
        """Store the picture of a latent."""
        self.pictures[base] = picture
        for key in [key for key in self._pixmaps if key[0] == base]:
            del self._pixmaps[key]
        self._touch(base)

    def set_favourites(self, favourites: Iterable[Base]) -> None:
        """Set the latents that carry a star."""
        new = frozenset(favourites)
        changed, self.favourites = new ^ self.favourites, new
        for base in changed:
            self._touch(base)

    def _touch(self, base: Base) -> None:
        row = self._rows.get(base)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row))

    def row_of(self, base: Base) -> int | None:
        return self._rows.get(base)

    def pixmap(self, base: Base, ratio: float) -> QPixmap | None:
        """Return the thumbnail for a screen with `ratio` device pixels, or None until its picture has arrived."""
        held = self._pixmaps.get((base, ratio))
        picture = self.pictures.get(base)
        if held is None and picture is not None:
            held = QPixmap.fromImage(scaled(picture.image, PICTURE_SIDE, ratio, pixels=False))
            self._pixmaps[base, ratio] = held
        return held

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: ARG002 (a list has no parents)
        return len(self.bases)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid() or self.summary is None:
            return None
        base = self.bases[index.row()]
        if role == BASE_ROLE:
            return base
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._tooltip(base)
        return None

    def _tooltip(self, base: Base) -> str:
        assert self.summary is not None
        plain = describe_base(base, self.summary)
        text = self.names.get(base) or plain[:1].upper() + plain[1:]
        picture = self.pictures.get(base)
        if picture is not None and picture.verdict >= 0 and len(self.class_names) == len(picture.probs):
            best = picture.verdict
            text += f"\n{self.class_names[best]} {picture.probs[best]:.2f}"
        return text + ("\nFavourite" if base in self.favourites else "")


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002
        return QSize(CELL, CELL)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, ThumbnailModel)
        base, now = index.data(BASE_ROLE), theme.current()
        box = QRectF(option.rect)
        box = QRectF(box.left(), box.top(), PICTURE_SIDE, PICTURE_SIDE).translated(INSET, INSET)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pixmap = model.pixmap(base, painter.device().devicePixelRatioF())
        if pixmap is None:
            painter.fillRect(box, now.color("sunken"))
        else:
            painter.drawPixmap(box.topLeft(), pixmap)
            paint_class_mark(painter, box.bottomRight() - QPointF(7, 7), model.pictures[base].verdict)
        if base in model.favourites:
            icons.icon("favourite_on", "on_picture").paint(
                painter, box.adjusted(2, 2, 0, 0).toRect().adjusted(0, 0, 14 - PICTURE_SIDE, 14 - PICTURE_SIDE)
            )
        state = option.state
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(now.color("accent"), 2))
            painter.drawRect(box.adjusted(-2, -2, 2, 2))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(now.color("muted", 0.6), 1))
            painter.drawRect(box.adjusted(-1.5, -1.5, 1.5, 1.5))
        if state & QStyle.StateFlag.State_HasFocus and not state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(now.color("accent"), 1, Qt.PenStyle.DotLine))
            painter.drawRect(box.adjusted(-2, -2, 2, 2))
        painter.restore()


class ThumbnailView(QListView):
    """Grid of thumbnails. `picture_requested` carries the visible latents, top to bottom."""

    chosen = Signal(object)
    picture_requested = Signal(object)
    menu_requested = Signal(object, object)  # base, global position

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.thumbnails = ThumbnailModel()
        self.setModel(self.thumbnails)
        self.setItemDelegate(_Delegate(self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.setAccessibleName(name)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu)
        self._showing = False  # True while the state is shown, when nothing is chosen
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self._ask)
        self.verticalScrollBar().valueChanged.connect(lambda _value: self._timer.start())
        self.thumbnails.modelReset.connect(self.scrollToTop)
        self.thumbnails.modelReset.connect(self._timer.start)
        self.selectionModel().currentChanged.connect(self._on_current)

    def show_base(self, base: Base) -> None:
        """Mark the latent on the canvas without emitting `chosen`."""
        row = self.thumbnails.row_of(base)
        self._showing = True
        if row is None:
            self.selectionModel().clear()
        else:
            index = self.thumbnails.index(row)
            if index != self.currentIndex():
                here = self.viewport().rect().contains(self.visualRect(index))
                self.setCurrentIndex(index)
                if not here:  # centred, since its neighbours are likely to be viewed next
                    self.scrollTo(index, QListView.ScrollHint.PositionAtCenter)
        self._showing = False

    def _on_current(self, index: QModelIndex) -> None:
        if not self._showing and index.isValid():
            self.chosen.emit(index.data(BASE_ROLE))

    def _on_menu(self, position: Any) -> None:
        index = self.indexAt(position)
        if index.isValid():
            self.menu_requested.emit(index.data(BASE_ROLE), self.viewport().mapToGlobal(position))

    def _ask(self) -> None:
        """Request the latents in view and a screenful below, to have them rendered before scrolling there."""
        height = self.viewport().height()
        if height <= 0 or not self.thumbnails.bases:
            return
        area = self.viewport().rect().adjusted(0, -CELL, 0, height)
        rows = [
            row
            for row in range(self.thumbnails.rowCount())
            if self.visualRect(self.thumbnails.index(row)).intersects(area)
        ]
        self.picture_requested.emit([self.thumbnails.bases[row] for row in rows])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._timer.start()
