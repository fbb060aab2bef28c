# SPDX-License-Identifier: MIT
"""Page of the history: all runs with state, size and figures, and curves to compare several."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QMessageBox,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from latent_explorer.common.format import shortened, size_text
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.training import metrics, run_text
from latent_explorer.ui.training.curves_view import CurvesView, split_in_two
from latent_explorer.ui.widgets.basics import EmptyState, NoWheelComboBox, Pages, button, column, icon_button, row

if TYPE_CHECKING:
    from latent_explorer.app.training.controller import TrainingController
    from latent_explorer.app.training.runs import RunView

COLUMNS = ("Name", "State", "Images", "Agreement", "LPIPS", "When", "Size")
NUMBERS = (2, 3, 4, 6)  # columns of figures
EXPLAINED = {3: "val_agreement", 4: "val_lpips_ratio"}  # columns whose heads have tooltips
NO_RUNS = "No training was started yet. Every training is listed here with its curves until you delete it."
NO_CURVES = "Select one run or several to compare their curves."


class HistoryPage(Pages):
    """List of all runs. Emits `show_requested` after a run was attached, `new_requested` for a new one."""

    show_requested = Signal()
    new_requested = Signal()

    def __init__(self, controller: TrainingController) -> None:
        super().__init__()
        self._controller = controller
        self._views: list[RunView] = []
        self.table = self._make_table()
        self.curve_metric = NoWheelComboBox("Figure to compare")
        self.curve_metric.setMinimumWidth(20 * theme.UNIT)
        self.curves = CurvesView(NO_CURVES)
        self.buttons = {
            "show": button("Show", self._show),
            "resume": button("Resume", self._resume, icon="play"),
            "reveal": button("Open folder", self._reveal, icon="open"),
            "delete": button("Delete...", self._delete, icon="delete"),
        }
        self.add = icon_button("add", "Add a run folder from another place", self._add)
        self.empty = EmptyState("history", NO_RUNS, "New training", self.new_requested.emit)
        self.addWidget(self.empty)
        self.addWidget(self._make_body())
        self.table.itemSelectionChanged.connect(self._selection_changed)
        self.table.itemDoubleClicked.connect(lambda _item: self._show())
        self.curve_metric.activated.connect(lambda _index: self._draw())
        self.show_runs()

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, len(COLUMNS))
        table.setAccessibleName("Trainings")
        for place, name in enumerate(COLUMNS):
            item = QTableWidgetItem(name)
            if place in EXPLAINED:
                item.setToolTip(metrics.curve_metric(EXPLAINED[place]).help)
            table.setHorizontalHeaderItem(place, item)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(theme.CONTROL)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        head = table.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        head.setMinimumSectionSize(7 * theme.UNIT)
        head.setHighlightSections(False)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        head.setDefaultAlignment(left)
        return table

    def _make_body(self) -> QWidget:
        left = QWidget()
        layout = column(left)
        layout.addWidget(self.table, 1)
        line = row()
        for made in self.buttons.values():
            line.addWidget(made)
        line.addStretch(1)
        line.addWidget(self.add)
        layout.addLayout(line)
        self.curves.add_choice(self.curve_metric)
        body = QWidget()
        outer = column(body)
        outer.setContentsMargins(theme.MARGIN, 0, theme.MARGIN, theme.UNIT)
        outer.addWidget(split_in_two(left, self.curves))
        return body

    def show_runs(self) -> None:
        """Show all runs as they are now; the selection stays."""
        selected = {view.path for view in self.selected()}
        self._views = self._controller.runs()
        self.setCurrentIndex(int(bool(self._views)))
        blocked = self.table.blockSignals(True)
        self.table.setRowCount(len(self._views))
        for at, view in enumerate(self._views):
            view.poll()
            self._fill(at, view)
        self.table.clearSelection()
        mode = self.table.selectionMode()
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.MultiSelection)
        for at, view in enumerate(self._views):
            if view.path in selected:
                self.table.selectRow(at)
        self.table.setSelectionMode(mode)
        self.table.blockSignals(blocked)
        if self._views and not self.selected():
            self.table.selectRow(0)
        self._selection_changed()

    def show_changed(self, view: RunView) -> None:
        for at, known in enumerate(self._views):
            if known.path == view.path:
                self._fill(at, known)
                if known in self.selected():
                    self._fill_metrics(self.selected())
                    self._draw()

    def _fill(self, at: int, view: RunView) -> None:
        status = view.status
        agreement, lpips = (metrics.latest_value(view, k) for k in ("val_agreement", "val_lpips_ratio"))
        texts = (
            view.name,
            run_text.STATES[view.state][0],
            f"{status.images:,}" if status is not None else "",
            "" if agreement is None else f"{agreement:.3f}",
            "" if lpips is None else f"{lpips:.2f}",
            run_text.date_text(view.updated),
            size_text(run_text.folder_size(view.path)),
        )
        for place, text in enumerate(texts):
            item = QTableWidgetItem(text)
            if place in NUMBERS:
                right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                item.setTextAlignment(right)
            if place == 0:
                item.setToolTip(str(view.path))
            if place == 1:
                _text, icon, color = run_text.STATES[view.state]
                item.setIcon(icons.icon(icon, color))
                item.setToolTip(view.message)
            self.table.setItem(at, place, item)

    def selected(self) -> list[RunView]:
        rows = sorted({index.row() for index in self.table.selectedIndexes()})
        return [self._views[at] for at in rows if at < len(self._views)]

    def _selection_changed(self) -> None:
        views = self.selected()
        one = views[0] if len(views) == 1 else None
        self.buttons["show"].setEnabled(one is not None)
        self.buttons["reveal"].setEnabled(one is not None)
        going = one is not None and not one.alive and one.state not in ("finished", "unknown")
        self.buttons["resume"].setEnabled(going)
        self.buttons["delete"].setEnabled(bool(views) and not any(v.alive for v in views))
        self._fill_metrics(views)
        self._draw()

    def _fill_metrics(self, views: list[RunView]) -> None:
        shared = metrics.shared_metrics(views)
        self.curve_metric.setEnabled(bool(shared))
        known = [self.curve_metric.itemData(i) for i in range(self.curve_metric.count())]
        if [each.key for each in shared] == known:
            return  # an open list stays open
        before = self.curve_metric.currentData()
        self.curve_metric.clear()
        for each in shared:
            self.curve_metric.addItem(each.title, each.key)
            self.curve_metric.setItemData(self.curve_metric.count() - 1, each.help, Qt.ItemDataRole.ToolTipRole)
        self.curve_metric.setCurrentIndex(max(0, self.curve_metric.findData(before)))

    def _draw(self) -> None:
        key = self.curve_metric.currentData()
        self.curves.show_curves(metrics.compared(self.selected(), key) if key else [])

    def _show(self) -> None:
        views = self.selected()
        if len(views) == 1:
            self._controller.attach(views[0])
            self.show_requested.emit()

    def _resume(self) -> None:
        views = self.selected()
        if len(views) == 1:
            self._controller.attach(views[0])
            if self._controller.resume():
                self.show_requested.emit()

    def _reveal(self) -> None:
        for view in self.selected()[:1]:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(view.path)))

    def _delete(self) -> None:
        views = self.selected()
        if views and self._confirm_delete(views):
            for view in views:
                self._controller.delete(view)
            self.show_runs()

    def _confirm_delete(self, views: list[RunView]) -> bool:
        names = ", ".join(shortened(view.name) for view in views[:3])
        more = f" and {len(views) - 3} more" if len(views) > 3 else ""
        size = size_text(sum(run_text.folder_size(view.path) for view in views))
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self,
            "Latent Explorer",
            f"Delete {names}{more} with all checkpoints, sheets and results ({size})? This cannot be undone.",
            buttons.Yes | buttons.Cancel,
            buttons.Cancel,
        )
        return answer == buttons.Yes

    def _add(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Add a run folder")
        if name:
            self._controller.open_folder(Path(name))
            self.show_runs()
