# SPDX-License-Identifier: MIT
"""Dialog with the explorations that were not saved when the program ended: continue one, delete others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QDateTime, QLocale, QSize
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QDialog, QListWidget, QListWidgetItem, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import button, column, hint, row
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.app.exploration.autosave import Recovery
    from latent_explorer.app.explorer import Explorer

SIDE = 6 * theme.UNIT  # px of a thumbnail


class RecoveryDialog(QDialog):
    """Dialog for several recoveries; `offer_again` gets those that were neither opened nor deleted."""

    def __init__(
        self,
        recoveries: Sequence[Recovery],
        explorer: Explorer,
        offer_again: Callable[[Sequence[Recovery]], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._recoveries, self._explorer, self._offer_again = list(recoveries), explorer, offer_again
        self.setWindowTitle("Unsaved explorations")
        self.list = QListWidget()
        self.list.setAccessibleName("Unsaved explorations, newest first")
        self.list.setIconSize(QSize(SIDE, SIDE))
        self.list.setUniformItemSizes(True)
        for recovery in recoveries:
            self.list.addItem(_item(recovery))
        self.list.setCurrentRow(0)
        self.list.itemActivated.connect(self.open_current)
        self.continue_button = button("Continue", self.open_current, role="primary")
        self.delete_button = button("Delete", self.delete_current)
        layout = column(self, spacing=theme.GAP, margin=theme.SECTION)
        layout.addWidget(hint("They were open when the program ended. Each stays here for 30 days."))
        layout.addWidget(self.list)
        buttons = row()
        buttons.addWidget(self.delete_button)
        buttons.addStretch(1)
        buttons.addWidget(button("Later", self.reject))
        buttons.addWidget(self.continue_button)
        layout.addLayout(buttons)
        self.resize(60 * theme.UNIT, 45 * theme.UNIT)

    def open_current(self) -> None:
        """Continue the selected exploration, and offer the others again."""
        chosen = self._recoveries.pop(self.list.currentRow())
        self.accept()
        self._explorer.recover(chosen)
        self._offer_again(self._recoveries)

    def delete_current(self) -> None:
        """Delete the selected exploration."""
        place = self.list.currentRow()
        self._explorer.discard(self._recoveries.pop(place))
        self.list.takeItem(place)
        if not self._recoveries:
            self.accept()


def _item(recovery: Recovery) -> QListWidgetItem:
    exploration = recovery.exploration
    when = QLocale().toString(QDateTime.fromSecsSinceEpoch(int(recovery.modified)), QLocale.FormatType.ShortFormat)
    parts = [exploration.model_name[:60] or "An explainer", when]
    counts = (
        (len(exploration.state.timelines), "timeline"),
        (len(exploration.document.projected), "projected picture"),
    )
    parts += [f"{count} {name}{'s' if count > 1 else ''}" for count, name in counts if count]
    item = QListWidgetItem(", ".join(parts))
    if exploration.thumbnail is not None:
        item.setIcon(QIcon(QPixmap.fromImage(scaled(exploration.thumbnail, SIDE, 1.0, pixels=False))))
    return item
