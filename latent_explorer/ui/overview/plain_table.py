# SPDX-License-Identifier: MIT
"""Look and behaviour that the overview's tables share: no frame, no grid, cells that are opened and not edited."""

from __future__ import annotations

from PySide6.QtWidgets import QAbstractItemView, QTableView

from latent_explorer.ui.style import theme


def make_plain(table: QTableView, name: str) -> None:
    """Give a table the overview's look and its accessible name; Tab leaves it, the arrow keys move within it."""
    table.setAccessibleName(name)
    table.setFont(theme.font(theme.SMALL))
    table.setShowGrid(False)
    table.setFrameShape(QTableView.Shape.NoFrame)
    table.setMouseTracking(True)
    table.setTabKeyNavigation(False)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setStyleSheet("QTableView { background: transparent; border: 0; }")
    table.verticalHeader().hide()
