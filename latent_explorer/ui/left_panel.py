# SPDX-License-Identifier: MIT
"""Left column: samples of the model, or the user's pictures to project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import Pages, column, row
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGES = ("Samples", "Your photos")
TEXT_EDGE = theme.UNIT  # px from a segment's edge to its word, to align words with the margin


class LeftPanel(QWidget):
    """Two pages with tabs. `projecting_changed(bool)` is emitted when "Your photos" becomes current or not."""

    projecting_changed = Signal(bool)

    def __init__(self, samples: QWidget, project: QWidget, sample_buttons: Sequence[QWidget]) -> None:
        super().__init__()
        self.setAccessibleName("Samples and your photos")
        self.pages = Pages()
        for page in (samples, project):
            self.pages.addWidget(page)
        self._buttons = tuple(sample_buttons)
        self.tabs = SegmentedControl("Left column", PAGES, tight=True)
        self.tabs.chosen.connect(lambda index: self.set_projecting(bool(index)))
        head = row(spacing=0)
        head.setContentsMargins(theme.MARGIN - TEXT_EDGE, 0, theme.GAP, 0)
        head.addWidget(self.tabs)
        head.addStretch(1)
        for each in self._buttons:
            head.addWidget(each)
        layout = column(self, spacing=theme.GAP)
        layout.setContentsMargins(0, theme.UNIT, 0, 0)
        layout.addLayout(head)
        layout.addWidget(self.pages, 1)

    @property
    def projecting(self) -> bool:
        """True if the page "Your photos" is current."""
        return self.pages.currentIndex() == 1

    def set_projecting(self, projecting: bool) -> None:
        """Make the page "Your photos" current if `projecting`, else "Samples"."""
        before = self.projecting
        self.tabs.choose(int(projecting))
        self.pages.setCurrentIndex(int(projecting))
        for each in self._buttons:
            each.setVisible(not projecting)
        if before != projecting:
            self.projecting_changed.emit(projecting)
