# SPDX-License-Identifier: MIT
"""Table of a confusion matrix: a row for each label, or for each label of each group, with shares and intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStyle, QStyledItemDelegate, QTableView

from latent_explorer.app.overview.mistakes_jobs import CellKey
from latent_explorer.common.format import shortened
from latent_explorer.ui.overview.plain_table import make_plain
from latent_explorer.ui.style import theme

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent
    from PySide6.QtWidgets import QStyleOptionViewItem

    from latent_explorer.explain.counterfactuals.confusion import Confusion

Index = QModelIndex | QPersistentModelIndex
ROW = 5 * theme.UNIT  # px: the count, and the share below it
HEADER = 3 * theme.UNIT
NAME = 21 * theme.UNIT  # px, of the column of labels
NARROWEST, WIDEST = 14 * theme.UNIT, 26 * theme.UNIT
ALL = "All photographs"


@dataclass(frozen=True)
class Line:
    """Row of the table: a label, of all photographs (None) or of a group."""

    group: str | None
    label: int


class ConfusionModel(QAbstractTableModel):
    """Table model. Column 0 names the rows; the others are the verdicts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Confusion | None = None
        self.by: str | None = None
        self.lines: list[Line] = []
        self.cell: CellKey | None = None  # that is open

    def show(self, found: Confusion | None, by: str | None) -> None:
        self.beginResetModel()
        self.found, self.by = found, by
        groups: tuple[str | None, ...] = (None, *(found.groups if found else ()))
        labels = range(len(found.class_names)) if found else ()
        self.lines = [Line(group, label) for group in groups for label in labels]
        self.endResetModel()

    def mark(self, cell: CellKey | None) -> None:
        """Mark the cell that is open."""
        self.cell = cell
        if self.lines:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.lines) - 1, self.columnCount() - 1))

    def key(self, index: Index) -> CellKey | None:
        """Return the cell at a place; None for a name."""
        if not index.isValid() or index.column() == 0:
            return None
        line = self.lines[index.row()]
        return CellKey(line.label, index.column() - 1, self.by if line.group is not None else None, line.group)

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.lines)

    def columnCount(self, parent: Index | None = None) -> int:
        if self.found is None or (parent is not None and parent.isValid()):
            return 0
        return 1 + len(self.found.class_names)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or self.found is None or section >= self.columnCount():
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return f"called {self.found.class_names[section - 1]}" if section else "label"
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if index.isValid() and role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.words(index)
        return None

    def words(self, index: Index) -> str:
        """Return what a cell says, in one line."""
        assert self.found is not None
        line, names = self.lines[index.row()], self.found.class_names
        of = f"{self.by}: {line.group}, " if line.group is not None else ""
        rate = self.found.rate(line.label, max(index.column() - 1, 0), line.group)
        if index.column() == 0:
            return f"{of}{rate.n:,} photographs of {names[line.label]}"
        if not rate.n:
            return f"{of}no photograph is of {names[line.label]}"
        low, high = rate.interval
        return (
            f"{of}{rate.count:,} of {rate.n:,} photographs of {names[line.label]} are called "
            f"{names[index.column() - 1]}: {rate.share:.3f}, 95 % interval {low:.3f} to {high:.3f}"
        )


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002
        return QSize(NARROWEST, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, ConfusionModel)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(option.rect).adjusted(0, 0, -2, -2)
        if index.column() == 0:
            self._paint_name(painter, box, model, index)
        else:
            self._paint_count(painter, box, model, index)
            self._paint_edge(painter, box, model, index, option.state)
        painter.restore()

    def _paint_name(self, painter: QPainter, box: QRectF, model: ConfusionModel, index: Index) -> None:
        assert model.found is not None
        now, line = theme.current(), model.lines[index.row()]
        rate = model.found.rate(line.label, 0, line.group)
        upper, lower = QRectF(box), QRectF(box)
        if model.by is not None:
            upper.setBottom(box.center().y() + 1)
            lower.setTop(box.center().y() + 1)
        painter.setFont(theme.font(semibold=line.group is None))
        painter.setPen(now.color("ink"))
        name = f"{model.found.class_names[line.label]} ({rate.n:,})"
        painter.drawText(upper, theme.LEFT, _elided(painter, name, box.width() - theme.GAP))
        if model.by is None:
            return
        where = ALL if line.group is None else f"{model.by}: {line.group}"
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(now.color("muted"))
        painter.drawText(lower, theme.LEFT, _elided(painter, where, box.width() - theme.GAP))

    def _paint_count(self, painter: QPainter, box: QRectF, model: ConfusionModel, index: Index) -> None:
        assert model.found is not None
        now, line, verdict = theme.current(), model.lines[index.row()], index.column() - 1
        rate = model.found.rate(line.label, verdict, line.group)
        painter.setPen(Qt.PenStyle.NoPen)
        wrong = line.label != verdict and rate.count
        painter.setBrush(now.color("warning", 0.10 + 0.30 * rate.share) if wrong else now.color("surface"))
        painter.drawRoundedRect(box, 3, 3)
        if not rate.n:
            painter.setPen(now.color("disabled"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "\N{EN DASH}")
            return
        low, high = rate.interval
        upper, lower = QRectF(box), QRectF(box)
        upper.setBottom(box.center().y() + 2)
        lower.setTop(box.center().y() + 1)
        painter.setFont(theme.font(semibold=bool(wrong)))
        painter.setPen(now.color("ink"))
        painter.drawText(upper, Qt.AlignmentFlag.AlignCenter, f"{rate.count:,}")
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(now.color("ink" if wrong else "muted"))
        text = f"{rate.share:.2f} [{low:.2f}, {high:.2f}]"
        painter.drawText(lower, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, text)

    def _paint_edge(
        self, painter: QPainter, box: QRectF, model: ConfusionModel, index: Index, state: QStyle.StateFlag
    ) -> None:
        now = theme.current()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if model.key(index) == model.cell:
            painter.setPen(QPen(now.color("accent"), 2))
        elif state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(now.color("ink"), 1.5))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(now.color("muted"), 1))
        else:
            painter.setPen(QPen(now.color("line"), 1))
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 3, 3)


def _elided(painter: QPainter, text: str, width: float) -> str:
    return painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(width))


class _Header(QHeaderView):
    """Header with the classes, elided where there is no room."""

    def __init__(self, table: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self.setFixedHeight(HEADER)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        text = self.model().headerData(section, Qt.Orientation.Horizontal)
        if text is None:
            return
        painter.save()
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(theme.current().color("muted"))
        where = theme.LEFT if section == 0 else Qt.AlignmentFlag.AlignCenter
        painter.drawText(rect.adjusted(0, 0, -2, 0), where, _elided(painter, str(text), rect.width() - 4))
        painter.restore()


class ConfusionTable(QTableView):
    """Matrix of which a cell is opened by a click or by Enter. `opened(CellKey)`."""

    opened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.cells = ConfusionModel()
        self.setModel(self.cells)
        self.setItemDelegate(_Delegate(self))
        make_plain(self, "Confusion matrix: labels in rows, verdicts in columns")
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalHeader(_Header(self))
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.clicked.connect(self._open)
        self.activated.connect(self._open)

    def show_matrix(self, found: Confusion | None, by: str | None) -> None:
        """Show a matrix, or none; the place of scrolling and of the keyboard is kept where it is of the same size."""
        self.cells.show(found, by)
        self._share_width()
        self.updateGeometry()

    def full_height(self) -> int:
        """Return the height that shows every row, px."""
        bar = self.horizontalScrollBar().sizeHint().height() if self._too_wide() else 0
        return HEADER + ROW * len(self.cells.lines) + bar + 2

    def text_at(self, key: CellKey) -> str:
        """Return what a cell says."""
        line = self.cells.lines.index(Line(key.group, key.label))
        return self.cells.words(self.cells.index(line, key.verdict + 1))

    def _open(self, index: QModelIndex) -> None:
        key = self.cells.key(index)
        if key is not None:
            self.opened.emit(key)

    def _too_wide(self) -> bool:
        return NAME + NARROWEST * (self.cells.columnCount() - 1) > self.width()

    def _share_width(self) -> None:
        """Give the verdicts the same width, as much as there is room for."""
        count = self.cells.columnCount() - 1
        if count < 1:
            return
        bar = self.verticalScrollBar().sizeHint().width()
        self.setColumnWidth(0, NAME)
        width = min(max((self.width() - bar - NAME) // count, NARROWEST), WIDEST)
        for column in range(1, count + 1):
            self.setColumnWidth(column, width)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()


def cell_words(key: CellKey, class_names: tuple[str, ...]) -> str:
    """Return what a cell holds: "healthy called diseased, crop: apple"."""
    text = f"{shortened(class_names[key.label], 30)} called {shortened(class_names[key.verdict], 30)}"
    return f"{text}, {shortened(key.by or '', 20)}: {shortened(key.group, 30)}" if key.group is not None else text
