# SPDX-License-Identifier: MIT
"""The dialog that chooses among the values of a label and names the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from latent_explorer.data.labels import parse_classes, write_classes
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import button, column, hint, row, warning

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = ("Class", "Value", "Pictures")
HELP = (
    "Untick what shall be left out. Double click a name, or press F2, to change it. "
    "Values with one name make one class."
)
TOO_FEW = "A classifier needs two classes at least."
NOT_IN_NAMES = str.maketrans(",=", "  ")  # they end a name in `--classes`


class ClassesDialog(QDialog):
    """`classes()` is what `--classes` takes: "0=diseased,1=healthy"; empty when everything is as it was."""

    def __init__(
        self,
        counts: Mapping[str, int],
        names: Mapping[str, str],
        chosen: str,
        parent: QWidget | None = None,
    ) -> None:
        """`counts` by value, `names` that are known for values, `chosen` as `classes()` gave it last time."""
        super().__init__(parent)
        self.setWindowTitle("Classes")
        self.resize(52 * theme.UNIT, 44 * theme.UNIT)
        self._plain = {value: names.get(value, value) for value in counts}
        kept = parse_classes(chosen) if chosen else {}
        self.table = QTableWidget(len(counts), len(COLUMNS))
        self.table.setAccessibleName("Classes")
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.setTabKeyNavigation(False)
        for at, (value, count) in enumerate(counts.items()):
            self._fill(at, value, count, kept)
        self.problem = warning()
        self.ok = button("Use these classes", self.accept, role="primary")
        self.ok.setDefault(True)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        layout.addWidget(hint(HELP))
        layout.addWidget(self.table, 1)
        layout.addWidget(self.problem)
        buttons = row()
        buttons.addStretch(1)
        buttons.addWidget(button("Cancel", self.reject))
        buttons.addWidget(self.ok)
        layout.addLayout(buttons)
        self.table.itemChanged.connect(self._check)
        self._check()

    def _fill(self, at: int, value: str, count: int, kept: Mapping[str, str]) -> None:
        name = QTableWidgetItem(kept.get(value) or self._plain[value])
        name.setData(Qt.ItemDataRole.UserRole, value)
        on = not kept or value in kept
        name.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.table.setItem(at, 0, name)
        fixed = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        for place, text in ((1, value), (2, f"{count:,}")):
            item = QTableWidgetItem(text)
            item.setFlags(fixed)
            if place == 2:
                right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                item.setTextAlignment(right)
            self.table.setItem(at, place, item)

    def _chosen(self) -> dict[str, str]:
        made = {}
        for at in range(self.table.rowCount()):
            item = self.table.item(at, 0)
            if item is not None and item.checkState() == Qt.CheckState.Checked:
                value = item.data(Qt.ItemDataRole.UserRole)
                made[value] = " ".join(item.text().translate(NOT_IN_NAMES).split()) or value
        return made

    def classes(self) -> str:
        """What was chosen, as the command line takes it."""
        chosen = self._chosen()
        return "" if chosen == self._plain else write_classes(chosen)

    def _check(self) -> None:
        enough = len(set(self._chosen().values())) >= 2
        self.ok.setEnabled(enough)
        self.problem.setText("" if enough else TOO_FEW)
        self.problem.setVisible(not enough)
