# SPDX-License-Identifier: MIT
"""List of the sets of attributes that turn a photograph, fewest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QSizePolicy

from latent_explorer.explain.counterfactuals.photo_text import attributes_text
from latent_explorer.ui.style import icons, theme

if TYPE_CHECKING:
    from latent_explorer.explain.counterfactuals.photo import Change, PhotoExplanation

ROW = 6 * theme.UNIT  # px
ROWS = 3


class ChangeList(QListWidget):
    """Rows of a name and what it turns. `change_chosen(int)` is emitted when a person chooses one."""

    change_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[tuple[str, bool]] = []
        self.setAccessibleName("What turns the photograph")
        self.setUniformItemSizes(True)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setIconSize(QSize(theme.ICON, theme.ICON))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(ROWS * ROW + 2)
        self.currentRowChanged.connect(lambda row: self.change_chosen.emit(row) if row >= 0 else None)
        theme.notifier.changed.connect(self._draw)

    def show_changes(self, explanation: PhotoExplanation | None, current: int) -> None:
        """Show the changes of an explanation, and mark one of them. Emits nothing."""
        changes = explanation.changes if explanation is not None else ()
        shown = [(f"{attributes_text(change)}\n{outcome_text(change)}", change.explains) for change in changes]
        self.blockSignals(True)
        if shown != self._shown:
            self._shown = shown
            self.clear()
            for text, _explains in shown:
                item = QListWidgetItem(text)
                item.setSizeHint(QSize(0, ROW))
                item.setToolTip(text)
                self.addItem(item)
            self._draw()
        self.setCurrentRow(current if shown else -1)
        self.blockSignals(False)

    def _draw(self) -> None:
        for row, (_text, explains) in enumerate(self._shown):
            icon, color = ("within", "accent") if explains else ("close", "muted")
            self.item(row).setIcon(icons.icon(icon, color))


def outcome_text(change: Change) -> str:
    """Return what a set turns, in a few words."""
    if change.explains:
        return f"turns both, in {change.share:.0%} of the photograph"
    if change.turns_photo and change.unedited.count:
        return "so does the copy without it"
    if change.turns_copy != change.turns_photo:
        return "turns the copy only" if change.turns_copy else "turns the photograph only"
    return "turns neither"
