# SPDX-License-Identifier: MIT
"""What can be done with one latent of the strip: its menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from latent_explorer.explain.recipe import ProjectedBase

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.explain.recipe import Base
    from latent_explorer.ui.samples.panel import SamplesPanel


def sample_menu(panel: SamplesPanel, explorer: Explorer, base: Base) -> QMenu:
    """The menu of a latent; it goes when it was used."""
    menu = QMenu(panel)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    starred = base in explorer.document.favourites
    words = "Remove from favourites" if starred else "Keep as a favourite"
    menu.addAction(
        words,
        lambda: explorer.change_document(explorer.document.with_favourite(base, not starred)),
    )
    if isinstance(base, ProjectedBase):
        menu.addSeparator()
        menu.addAction("How faithful it is", lambda: _report(panel, explorer, base))
        menu.addAction("Export...", lambda: panel.export_requested.emit(base.latent_id))
        if base.latent_id in explorer.document.projected:
            menu.addAction("Remove from the list", lambda: panel.removed.emit(base.latent_id))
    return menu


def _report(panel: SamplesPanel, explorer: Explorer, base: ProjectedBase) -> None:
    explorer.show_base(base)
    panel.report_requested.emit(base.latent_id)
