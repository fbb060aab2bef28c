# SPDX-License-Identifier: MIT
"""Table of pictures: each row a sample at both ends of an attribute, with the probability of the class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractTableModel,
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
from PySide6.QtWidgets import QHeaderView, QStyle, QStyledItemDelegate, QTableView

from latent_explorer.app.overview.pictures import StripRow
from latent_explorer.common.format import number_text, signed_text
from latent_explorer.ui.overview.plain_table import make_plain
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.class_mark import paint_class_mark
from latent_explorer.ui.widgets.scaling import difference, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from PySide6.QtGui import QResizeEvent
    from PySide6.QtWidgets import QStyleOptionViewItem

    from latent_explorer.explain.recipe import Picture

Index = QModelIndex | QPersistentModelIndex
LINE = 20  # px of the text below a picture
INSET = theme.UNIT // 2  # around a picture
SMALLEST, LARGEST = 48, 200  # px, of a picture
MARK = 14  # px between the left edge and the text, for the mark of the class


@dataclass(frozen=True)
class Column:
    """Column of the table: the picture with sign -1, 0 or +1, or how it `differs` from the unedited one."""

    sign: int
    differs: bool = False


PLAIN = (Column(-1), Column(0), Column(1))
DIFFERENCES = (Column(-1, differs=True), Column(0), Column(1, differs=True))


@dataclass(frozen=True)
class StripTexts:
    """Words of a strip: the attribute with its amount, the class, and a name for every row."""

    attribute: str = ""
    amount: float = 1.0
    target: int = 0
    class_names: tuple[str, ...] = ()
    row_name: Callable[[StripRow], str] = lambda _row: ""

    def amount_text(self, sign: int) -> str:
        return signed_text(sign * self.amount) if sign else "unedited"


class PictureTableModel(QAbstractTableModel):
    """Table model of the rows. `places` are those of its rows in the whole strip."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[StripRow] = ()
        self.places: list[int] = []
        self.columns: tuple[Column, ...] = PLAIN
        self.texts = StripTexts()
        self.side = SMALLEST
        self._pixmaps: dict[tuple[int, Column, int, float], QPixmap] = {}

    def show(self, rows: Sequence[StripRow], places: list[int], texts: StripTexts) -> None:
        """Show those of `rows` that stand at `places`."""
        self.beginResetModel()
        self.rows, self.places, self.texts = rows, places, texts
        self._pixmaps.clear()
        self.endResetModel()

    def set_columns(self, columns: tuple[Column, ...]) -> None:
        self.beginResetModel()
        self.columns = columns
        self.endResetModel()

    def update_row(self, place: int) -> None:
        """Draw the row again that stands at `place` of the strip: one of its pictures has come."""
        if place in self.places:
            row = self.places.index(place)
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(self.columns) - 1))

    def picture(self, row: int, sign: int) -> Picture | None:
        return self.rows[self.places[row]].pictures[sign + 1]

    def unedited(self, row: int) -> Picture:
        return self.rows[self.places[row]].pictures[1]

    def image(self, row: int, column: Column) -> np.ndarray | None:
        """Return what a cell shows, (H, W, 3) uint8, or None until it is rendered."""
        picture, unedited = self.picture(row, column.sign), self.unedited(row)
        if picture is None:
            return None
        return difference(unedited.image, picture.image) if column.differs else picture.image

    def pixmap(self, row: int, column: Column, ratio: float) -> QPixmap | None:
        key = (self.places[row], column, self.side, ratio)
        if key not in self._pixmaps:
            image = self.image(row, column)
            if image is None:
                return None
            self._pixmaps[key] = QPixmap.fromImage(scaled(image, self.side, ratio, pixels=False))
        return self._pixmaps[key]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.places)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        column = self.columns[section]
        text = self.texts.amount_text(column.sign)
        return f"change at {text}" if column.differs else text

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if index.isValid() and role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.words(index.row(), self.columns[index.column()])
        return None

    def words(self, row: int, column: Column) -> str:
        """Return what a cell shows, in one line."""
        texts = self.texts
        name = texts.row_name(self.rows[self.places[row]])
        if column.sign:
            name += f", {texts.attribute} {texts.amount_text(column.sign)}"
        picture, unedited = self.picture(row, column.sign), self.unedited(row)
        if picture is None:
            return f"{name}: not rendered yet"
        if not texts.class_names:
            return name
        target = texts.target
        said = f"{name}: {texts.class_names[target]} {number_text(picture.probs[target])}"
        if column.sign:
            said += f", {number_text(unedited.probs[target])} unedited"
        said += f". The verdict is {texts.class_names[picture.verdict]}."
        return said + (" Shown is what changes, doubled; grey is unchanged." if column.differs else "")


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002
        model = index.model()
        assert isinstance(model, PictureTableModel)
        return QSize(model.side + 2 * INSET, model.side + LINE + 2 * INSET)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model, now = index.model(), theme.current()
        assert isinstance(model, PictureTableModel)
        column, side = model.columns[index.column()], model.side
        box = QRectF(option.rect.center().x() - side / 2, option.rect.top() + INSET, side, side)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pixmap = model.pixmap(index.row(), column, painter.device().devicePixelRatioF())
        if pixmap is None:
            painter.fillRect(box, now.color("sunken"))
        else:
            painter.drawPixmap(box.topLeft(), pixmap)
            self._paint_verdict(painter, box, model, index)
        self._paint_frame(painter, box, option)
        painter.restore()

    def _paint_verdict(self, painter: QPainter, box: QRectF, model: PictureTableModel, index: Index) -> None:
        """Paint mark and probability below the picture, in bold where the verdict is not that of the unedited one."""
        sign = model.columns[index.column()].sign
        picture, unedited = model.picture(index.row(), sign), model.unedited(index.row())
        if picture is None or not model.texts.class_names:
            return
        turned = picture.verdict != unedited.verdict
        font = theme.font(theme.SMALL, semibold=turned)
        painter.setFont(font)
        text = number_text(picture.probs[model.texts.target]) + (" turned" if turned else "")
        width = MARK + painter.fontMetrics().horizontalAdvance(text)
        left = box.center().x() - width / 2
        line = QRectF(left + MARK, box.bottom() + 1, width, LINE)
        paint_class_mark(painter, QPointF(left + 4, line.center().y()), picture.verdict, outline="surface")
        painter.setPen(theme.current().color("ink"))
        painter.drawText(line, theme.LEFT, text)

    def _paint_frame(self, painter: QPainter, box: QRectF, option: QStyleOptionViewItem) -> None:
        now, state = theme.current(), option.state
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(now.color("accent"), 2))
            painter.drawRect(box.adjusted(-2, -2, 2, 2))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(now.color("muted", 0.6), 1))
            painter.drawRect(box.adjusted(-1.5, -1.5, 1.5, 1.5))


class PictureTable(QTableView):
    """Table whose pictures are as large as its width allows. `opened(place, sign)`: a picture was chosen."""

    opened = Signal(int, int)
    described = Signal(str)  # the cell that the keyboard or the mouse is on, in words

    def __init__(self, name: str) -> None:
        super().__init__()
        self.pictures = PictureTableModel()
        self.setModel(self.pictures)
        self.setItemDelegate(_Delegate(self))
        make_plain(self, name)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self._fit = QTimer(self, singleShot=True, interval=0)
        self._fit.timeout.connect(self._fit_pictures)
        self.pictures.modelReset.connect(self._fit.start)
        self.clicked.connect(self._open)
        self.activated.connect(self._open)
        self.entered.connect(self._describe)
        self.selectionModel().currentChanged.connect(lambda index, _old: self._describe(index))

    def _open(self, index: QModelIndex) -> None:
        column = self.pictures.columns[index.column()]
        self.opened.emit(self.pictures.places[index.row()], column.sign)

    def _describe(self, index: QModelIndex) -> None:
        if index.isValid():
            self.described.emit(self.pictures.words(index.row(), self.pictures.columns[index.column()]))

    def _fit_pictures(self) -> None:
        """Give the pictures the size that the columns have room for."""
        room = self.viewport().width() // max(1, len(self.pictures.columns)) - 2 * INSET
        self.pictures.side = min(max(room, SMALLEST), LARGEST)
        self.verticalHeader().setDefaultSectionSize(self.pictures.side + LINE + 2 * INSET)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit.start()
