# SPDX-License-Identifier: MIT
"""The result of a study in the scoring dialog: a sentence, then pages with a plot and a table. Computes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QByteArray, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractItemView, QSizePolicy, QTableView, QWidget

from latent_explorer.studies.scoring import tables
from latent_explorer.studies.scoring.report import cautions, conclusion, headline
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import column, plain, warning
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from latent_explorer.studies.scoring.score_files import Scored
    from latent_explorer.studies.scoring.tables import Table

    Index = QModelIndex | QPersistentModelIndex

MAX_PLOT_HEIGHT = 30 * theme.UNIT  # px, largest height of a plot
MAX_COLUMN_WIDTH = 30 * theme.UNIT  # px, of a column


class ResultTableModel(QAbstractTableModel):
    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._table.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._table.heads)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._table.heads[section]
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return left if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        value = self._table.rows[index.row()][index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return tables.shown(value)
        if role == Qt.ItemDataRole.ForegroundRole and index.row() in self._table.flagged:
            return theme.current().color("warning")
        if role == Qt.ItemDataRole.TextAlignmentRole and isinstance(value, int | float):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


class SvgPlot(QWidget):
    """SVG drawn in the text colour of the theme."""

    def __init__(self) -> None:
        super().__init__()
        self._svg = ""
        self._renderer = QSvgRenderer(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        theme.notifier.changed.connect(self._load)

    def show_svg(self, svg: str, name: str) -> None:
        """Show an SVG; hides the plot if it is empty."""
        self._svg = svg
        self.setAccessibleName(name)
        self.setVisible(bool(svg))
        self._load()

    def _load(self) -> None:
        ink = theme.current().ink
        text = self._svg.replace("currentColor", ink).replace("system-ui, sans-serif", "Inter")
        self._renderer.load(QByteArray(text.encode()))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        size = self._renderer.defaultSize()
        return QSize(size.width(), min(MAX_PLOT_HEIGHT, size.height())) if self._svg else QSize(0, 0)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002  # Qt's signature
        size = self._renderer.defaultSize()
        if not self._svg or size.isEmpty():
            return
        factor = min(self.width() / size.width(), self.height() / size.height())
        box = QRectF(0, 0, size.width() * factor, size.height() * factor)
        painter = QPainter(self)
        self._renderer.render(painter, box)


class StudyResultView(QWidget):
    """View of a result with one page per table that has rows."""

    def __init__(self) -> None:
        super().__init__()
        self._pages: list[tuple[str, Table, str]] = []
        self.sentence = plain("")
        self.sentence.setWordWrap(True)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.cautions = warning()
        self.segments = SegmentedControl("Pages of the result")
        self.plot = SvgPlot()
        self.table = QTableView()
        self._set_up_table()
        layout = column(self, spacing=theme.GAP)
        for widget in (self.sentence, self.cautions, self.segments, self.plot):
            layout.addWidget(widget)
        layout.addWidget(self.table, 1)
        self.segments.chosen.connect(self._show_page)

    def _set_up_table(self) -> None:
        table = self.table
        table.setFont(theme.font())
        table.setShowGrid(False)
        table.setFrameShape(QTableView.Shape.NoFrame)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setTabKeyNavigation(False)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(theme.CONTROL)
        table.horizontalHeader().setHighlightSections(False)

    def show_result(self, scored: Scored) -> None:
        score = scored.score
        self.sentence.setText(f"{conclusion(score)}\n{headline(score)}")
        texts = cautions(score)
        self.cautions.setText(" ".join(texts))
        self.cautions.setVisible(bool(texts))
        plotted_tables = (
            ("Accuracy", tables.groups(score).transposed() if score.overall else tables.Table((), ()), "respondents"),
            ("Attributes", tables.attributes(score), "attributes"),
            ("Arms", tables.differences(score), ""),
            ("Questions", tables.items(score), "items"),
            ("Words", tables.verbal(score), "words"),
            ("Distinctness", tables.distinctness(score), ""),
            ("Who counts", tables.exclusions(score), ""),
        )
        self._pages = [(n, t, _read(scored, plot)) for n, t, plot in plotted_tables if t.rows]
        self.segments.set_labels([name for name, _, _ in self._pages])
        self.segments.choose(0)
        self._show_page(0)

    def _show_page(self, index: int) -> None:
        name, table, svg = self._pages[index]
        self.plot.show_svg(svg, f"Plot: {name}")
        old = self.table.model()
        self.table.setModel(ResultTableModel(table))
        if old is not None:
            old.deleteLater()
        self.table.setAccessibleName(name)
        self.table.resizeColumnsToContents()
        for section in range(len(table.heads)):
            self.table.setColumnWidth(section, min(MAX_COLUMN_WIDTH, self.table.columnWidth(section) + theme.GAP))


def _read(scored: Scored, plot: str) -> str:
    path = scored.folder / f"{plot}.svg"
    return path.read_text(encoding="utf-8") if plot and path.is_file() else ""
