# SPDX-License-Identifier: MIT
"""Table of attributes with what real pictures say of each: in words, and the correlation within the classes drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStyle, QStyledItemDelegate, QTableView

from latent_explorer.common.format import shortened
from latent_explorer.media.report.evidence import WORDS, signed
from latent_explorer.ui.attributes.attribute_card import SUPPORT_ICONS
from latent_explorer.ui.overview.plain_table import make_plain
from latent_explorer.ui.style import icons, theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QStyleOptionViewItem

    from latent_explorer.media.report.evidence import AttributeEvidence, Correlation

Index = QModelIndex | QPersistentModelIndex
LINE = 24  # px, height of a row
NUMBER = 44  # px, room of the number beside the drawing
NAME, SAYS, DRAWN = range(3)
DRAWN_HELP = (
    "Rank correlation of the attribute's values with the log-odds on real pictures, within the classes. Dot and line: "
    "the correlation with its interval for all attributes together; grey band: what 95 % of random coordinates of the "
    "same layers stay within. Borne out is what lies to the right of the band as a whole."
)


class EvidenceModel(QAbstractTableModel):
    """Table model of the evidence for attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[AttributeEvidence] = []
        self.strata = "label"
        self.reach = 0.5  # largest absolute value that is drawn

    def show(self, rows: Sequence[AttributeEvidence], strata: str) -> None:
        self.beginResetModel()
        self.rows, self.strata = list(rows), strata
        known = [abs(x) for each in rows for x in (*each.partial.interval, each.partial.random) if math.isfinite(x)]
        self.reach = max([0.2, *known])
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else 3

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return theme.LEFT
        if role == Qt.ItemDataRole.ToolTipRole and section == DRAWN:
            return DRAWN_HELP
        heads = ("Attribute", "Real pictures", f"Correlation within the {self.strata}")
        return heads[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        each = self.rows[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.words(each)
        if index.column() == DRAWN:
            return self.words(each) if role == Qt.ItemDataRole.AccessibleTextRole else None
        if role == Qt.ItemDataRole.DisplayRole:
            return shortened(each.name, 40) if index.column() == NAME else WORDS[each.support]
        if role == Qt.ItemDataRole.DecorationRole and index.column() == SAYS:
            return icons.icon(*SUPPORT_ICONS[each.support])
        return None

    def words(self, each: AttributeEvidence) -> str:
        """Return a row in words, for tooltips and screen readers."""
        partial, (low, high) = each.partial, each.partial.interval
        return (
            f"{shortened(each.name, 40)}: {each.verdict}. Within the {self.strata} {signed(partial.value)} "
            f"[{signed(low)}, {signed(high)}], random coordinates up to {signed(partial.random)}"
        )


class _Delegate(QStyledItemDelegate):
    """Paints the last column; the focus is drawn as a marked row."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        option.state &= ~QStyle.StateFlag.State_HasFocus
        super().paint(painter, option, index)
        model = index.model()
        if index.column() == DRAWN and isinstance(model, EvidenceModel):
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            box = QRectF(option.rect).adjusted(4, 0, -4, 0)
            _paint(painter, box, model.rows[index.row()].partial, model.reach)
            painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(super().sizeHint(option, index).width(), LINE)


def _paint(painter: QPainter, box: QRectF, each: Correlation, span: float) -> None:
    """Draw a correlation with its interval over the band of random coordinates, and its number at the right."""
    now = theme.current()
    room = QRectF(box.left(), box.top(), box.width() - NUMBER, box.height())

    def x(value: float) -> float:
        return room.left() + 4 + (max(-span, min(value, span)) + span) / (2 * span) * (room.width() - 8)

    y = room.center().y()
    if math.isfinite(each.random):
        painter.fillRect(QRectF(x(-each.random), y - 6, x(each.random) - x(-each.random), 12), now.color("ink", 0.1))
    painter.setPen(QPen(now.color("muted", 0.6), 1))
    painter.drawLine(QPointF(x(0), y - 8), QPointF(x(0), y + 8))
    painter.setFont(theme.font(theme.SMALL))
    painter.setPen(now.color("ink"))
    number = QRectF(room.right(), box.top(), NUMBER, box.height())
    if not math.isfinite(each.value):
        painter.drawText(number, theme.RIGHT, "–")
        return
    painter.drawText(number, theme.RIGHT, signed(each.value))
    painter.setPen(QPen(now.color("ink"), 1.5))
    low, high = each.interval
    if math.isfinite(low) and math.isfinite(high):
        painter.drawLine(QPointF(x(low), y), QPointF(x(high), y))
    painter.setBrush(now.color("ink"))
    painter.drawEllipse(QPointF(x(each.value), y), 2.5, 2.5)


class EvidenceTable(QTableView):
    """Table in which one row is chosen. `chosen(row)` follows the mouse and the arrow keys."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.evidence = EvidenceModel()
        self.setModel(self.evidence)
        self.setItemDelegate(_Delegate(self))
        make_plain(self, "Attributes and what real pictures say of them")
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setIconSize(QSize(14, 14))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().setDefaultSectionSize(LINE)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setMinimumSectionSize(LINE)
        for place, mode in enumerate(
            (QHeaderView.ResizeMode.Stretch, QHeaderView.ResizeMode.ResizeToContents, QHeaderView.ResizeMode.Stretch)
        ):
            header.setSectionResizeMode(place, mode)
        self.selectionModel().currentRowChanged.connect(lambda index, _old: self.chosen.emit(index.row()))

    def show_rows(self, rows: Sequence[AttributeEvidence], strata: str, row: int) -> None:
        """List attributes and choose a row."""
        self.evidence.show(rows, strata)
        if 0 <= row < len(rows):
            self.selectRow(row)

    def sizeHint(self) -> QSize:
        """Ask for the height of all rows."""
        height = self.horizontalHeader().sizeHint().height() + LINE * len(self.evidence.rows) + 4
        return QSize(60 * theme.UNIT, height)
