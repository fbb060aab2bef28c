# SPDX-License-Identifier: MIT
"""Table of effects: a row for each picture, a column for each attribute, coloured by the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QPainter, QPen, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStyle, QStyledItemDelegate, QTableView

from latent_explorer.app.overview.classified import Classified
from latent_explorer.app.overview.heat_map import Quantity
from latent_explorer.common.format import number_text, shortened, signed_text
from latent_explorer.ui.overview.diverging import diverging, ink_on
from latent_explorer.ui.overview.plain_table import make_plain
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.class_mark import paint_class_mark
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    from PySide6.QtGui import QFontMetrics, QResizeEvent
    from PySide6.QtWidgets import QStyleOptionViewItem


Index = QModelIndex | QPersistentModelIndex
SIDE = 28  # px, of a thumbnail
ROW = SIDE + 2
FIRST = 10 * theme.UNIT  # px, of the column of pictures
NARROWEST, WIDEST = 13 * theme.UNIT // 2, 14 * theme.UNIT  # px, of the others
LINE = 17  # px of a line of the header
HEADER = 3 * LINE + theme.UNIT  # px: two lines of a name, one of the mean
DIGITS: dict[str, int] = {"odds": 2, "probability": 2}
QUANTITIES: dict[str, str] = {"odds": "log-odds", "probability": "probability"}


@dataclass(frozen=True)
class HeatData:
    """What the table shows: rows in their order, `values` (N, C) of them, NaN until known, and the words."""

    rows: Sequence[Classified] = ()
    names: tuple[str, ...] = ()  # of the rows
    columns: tuple[str, ...] = ()  # names of the attributes; the last is the control, if `has_control`
    has_control: bool = False
    values: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    at_end: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), bool))  # (N, C): nothing can change
    quantity: Quantity = "odds"
    target: int = 0
    class_names: tuple[str, ...] = ()

    @cached_property
    def limit(self) -> float:
        """Largest known change of the attributes and the control, either way; 0 until one is known."""
        known = self.values[np.isfinite(self.values)]
        return float(np.abs(known).max()) if known.size else 0.0

    @cached_property
    def means(self) -> list[float | None]:
        """Return the mean change of every column over the pictures not called the target, None until all are known."""
        others = [row.picture.verdict != self.target for row in self.rows]
        part = self.values[np.array(others, bool)]
        return [float(column.mean()) if len(column) and np.isfinite(column).all() else None for column in part.T]


class HeatTableModel(QAbstractTableModel):
    """Table model. Column 0 holds the pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = HeatData()
        self._pixmaps: dict[tuple[int, float], QPixmap] = {}  # by id of the picture's array

    def show(self, shown: HeatData) -> None:
        """Show other data; rows and columns that stay keep the keyboard's place."""
        same = (len(shown.rows), len(shown.columns)) == (len(self.shown.rows), len(self.shown.columns))
        if not same:
            self.beginResetModel()
        if [id(row) for row in shown.rows] != [id(row) for row in self.shown.rows]:
            self._pixmaps.clear()
        self.shown = shown
        if not same:
            self.endResetModel()
            return
        if shown.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(shown.rows) - 1, len(shown.columns)))
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(shown.columns))

    def is_control(self, section: int) -> bool:
        return self.shown.has_control and section == len(self.shown.columns)

    def value(self, index: Index) -> float | None:
        """Return the change of a cell; None while unknown, and for the pictures."""
        if index.column() == 0:
            return None
        value = float(self.shown.values[index.row(), index.column() - 1])
        return value if np.isfinite(value) else None

    def pixmap(self, row: int, ratio: float) -> QPixmap:
        key = (row, ratio)
        if key not in self._pixmaps:
            image = self.shown.rows[row].picture.image
            self._pixmaps[key] = QPixmap.fromImage(scaled(image, SIDE, ratio, pixels=False))
        return self._pixmaps[key]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.shown.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        columns = self.shown.columns
        return 0 if not columns or (parent is not None and parent.isValid()) else len(columns) + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or section >= self.columnCount():
            return None
        shown = self.shown
        if section == 0:
            target = shortened(shown.class_names[shown.target])
            texts = {
                Qt.ItemDataRole.DisplayRole: f"P({target})\nmean",
                Qt.ItemDataRole.ToolTipRole: f"Means are over the pictures not called {target}",
            }
            return texts.get(Qt.ItemDataRole(role))
        name, mean = shown.columns[section - 1], shown.means[section - 1]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{name}\n{'…' if mean is None else signed_text(mean)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            what = (
                f"{name}, a control: drawn at random among the styles that are not listed"
                if self.is_control(section)
                else name
            )
            told = "not known yet" if mean is None else signed_text(mean)
            return f"{what}.\nMean over the pictures not called {shown.class_names[shown.target]}: {told}"
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if index.isValid() and role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.words(index)
        return None

    def words(self, index: Index) -> str:
        """Return what a cell shows, in one line."""
        shown = self.shown
        row, target = shown.rows[index.row()], shown.class_names[shown.target]
        p = row.picture.probs[shown.target]
        name = f"{shown.names[index.row()]}, {target} {number_text(p)}"
        if index.column() == 0:
            return f"{name}. The verdict is {shown.class_names[row.picture.verdict]}."
        value, attribute = self.value(index), shown.columns[index.column() - 1]
        if value is None:
            return f"{attribute} is not rendered yet; {name}"
        if shown.at_end[index.row(), index.column() - 1]:
            return f"{attribute}: the picture is at this end already; {name}"
        change = f"{signed_text(value, DIGITS[shown.quantity])} {QUANTITIES[shown.quantity]} of {target}"
        if shown.quantity == "probability":
            change += f", to {number_text(p + value)}"
        return f"{attribute} at its end: {change}; {name}"


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002
        return QSize(NARROWEST, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, HeatTableModel)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(theme.SMALL))
        box = QRectF(option.rect).adjusted(0, 0, -1, -1)
        if index.column() == 0:
            self._paint_picture(painter, box, model, index)
        else:
            if model.is_control(index.column()):
                box.adjust(theme.UNIT, 0, 0, 0)  # apart from what it is the control of
            self._paint_cell(painter, box, model, index)
        state, now = option.state, theme.current()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(now.color("ink"), 2))
            painter.drawRect(box.adjusted(1, 1, -1, -1))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(now.color("muted"), 1))
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.restore()

    def _paint_picture(self, painter: QPainter, box: QRectF, model: HeatTableModel, index: Index) -> None:
        shown, picture = model.shown, model.shown.rows[index.row()].picture
        painter.drawPixmap(
            box.topLeft() + QPointF(2, 1), model.pixmap(index.row(), painter.device().devicePixelRatioF())
        )
        paint_class_mark(painter, QPointF(box.left() + SIDE + 12, box.center().y()), picture.verdict, outline="surface")
        painter.setPen(theme.current().color("ink"))
        painter.drawText(box.adjusted(SIDE + 20, 0, 0, 0), theme.LEFT, number_text(picture.probs[shown.target]))

    def _paint_cell(self, painter: QPainter, box: QRectF, model: HeatTableModel, index: Index) -> None:
        value, shown = model.value(index), model.shown
        if value is None:
            painter.fillRect(box, theme.current().color("sunken"))
            return
        color = diverging(value, shown.limit)
        painter.fillRect(box, color)
        painter.setPen(ink_on(color))
        text = signed_text(value, DIGITS[shown.quantity])
        if shown.at_end[index.row(), index.column() - 1]:
            text = "at end"
            painter.setPen(theme.current().color("muted"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


class _Header(QHeaderView):
    """Header with the names in up to two lines, and the mean of the column below."""

    def __init__(self, table: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self.setFixedHeight(HEADER)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        model, now = self.model(), theme.current()
        assert isinstance(model, HeatTableModel)
        if section >= model.columnCount():
            return
        name, _, mean = str(model.headerData(section, Qt.Orientation.Horizontal)).partition("\n")
        painter.save()
        painter.setFont(theme.font(theme.SMALL))
        box = rect.adjusted(2, 0, -2, 0)
        if model.is_control(section):
            box.setLeft(box.left() + theme.UNIT)
        painter.setPen(now.color("muted" if model.is_control(section) or not section else "ink"))
        lines = wrapped(name, painter.fontMetrics(), box.width())
        bottom = box.bottom() - LINE - 2
        for number, line in enumerate(reversed(lines)):
            place = QRect(box.left(), bottom - (number + 1) * LINE, box.width(), LINE)
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, line)
        painter.setPen(now.color("muted"))
        painter.drawText(QRect(box.left(), bottom, box.width(), LINE), Qt.AlignmentFlag.AlignHCenter, mean)
        painter.restore()


def wrapped(text: str, metrics: QFontMetrics, width: int) -> list[str]:
    """Return a text in at most two lines of `width` px, broken at a space; what has no room is elided."""
    words = text.split(" ")
    first = words[0]
    rest = words[1:]
    while rest and metrics.horizontalAdvance(f"{first} {rest[0]}") <= width:
        first += f" {rest.pop(0)}"
    return [metrics.elidedText(line, Qt.TextElideMode.ElideRight, width) for line in (first, " ".join(rest)) if line]


class HeatTable(QTableView):
    """Table of which a cell is opened by a click or by Enter. `opened(row, column)`: column -1 is the picture."""

    opened = Signal(int, int)
    described = Signal(str)  # the cell that the keyboard or the mouse is on, in words

    def __init__(self) -> None:
        super().__init__()
        self.cells = HeatTableModel()
        self.setModel(self.cells)
        self.setItemDelegate(_Delegate(self))
        make_plain(self, "Effects of the attributes on the pictures")
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.setHorizontalHeader(_Header(self))
        self.cells.modelReset.connect(self._share_width)
        self.clicked.connect(self._open)
        self.activated.connect(self._open)
        self.entered.connect(self._describe)
        self.selectionModel().currentChanged.connect(lambda index, _old: self._describe(index))

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(index.row(), index.column() - 1)

    def _describe(self, index: QModelIndex) -> None:
        if index.isValid():
            self.described.emit(self.cells.words(index))

    def _share_width(self) -> None:
        """Give the attributes the same width, as much as there is room for."""
        count = len(self.cells.shown.columns)
        if not count:
            return
        bar = self.verticalScrollBar().sizeHint().width()
        width = (self.width() - bar - FIRST) // count
        self.setColumnWidth(0, FIRST)
        for column in range(1, count + 1):
            self.setColumnWidth(column, min(max(width, NARROWEST), WIDEST))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()
