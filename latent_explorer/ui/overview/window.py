# SPDX-License-Identifier: MIT
"""Window "Overview" beside the main one: pages that show many pictures and attributes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QSizePolicy, QWidget

from latent_explorer.ui.overview.heat_map_page import HeatMapPage
from latent_explorer.ui.overview.map_page import MapPage
from latent_explorer.ui.overview.mistakes_page import MistakesPage
from latent_explorer.ui.overview.pictures_page import PicturesPage
from latent_explorer.ui.overview.real_pictures_page import RealPicturesPage
from latent_explorer.ui.overview.sweep_page import SweepPage
from latent_explorer.ui.overview.two_page import TwoClassifiersPage
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import Pages, column, hairline
from latent_explorer.ui.widgets.fitting import fit_to_screen
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.ui.overview.page import OverviewPage

Page = TypeVar("Page", bound="OverviewPage")
# Beside it, at 1366 px, the sliders and most of the edited picture can still be seen
SIZE = QSize(92 * theme.UNIT, 84 * theme.UNIT)
PAGES: tuple[tuple[str, type[OverviewPage]], ...] = (  # by title, in the order of the tabs
    ("Pictures", PicturesPage),
    ("Heat map", HeatMapPage),
    ("Map", MapPage),
    ("Class sweep", SweepPage),
    ("Two classifiers", TwoClassifiersPage),
    ("Mistakes", MistakesPage),
    ("Real pictures", RealPicturesPage),
)


class OverviewWindow(QDialog):
    """Window that stays open beside the main one. A page is made when it is first shown, and kept."""

    def __init__(self, explorer: Explorer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._explorer = explorer
        self._placed = False
        self._made: dict[int, OverviewPage] = {}
        self.setWindowTitle("Overview")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.resize(SIZE)
        self.tabs = SegmentedControl("Pages of the overview", [title for title, _page in PAGES])
        self.tabs.chosen.connect(self.show_page)
        self._pages = Pages()
        layout = column(self, spacing=0)
        head = column(margin=theme.GAP)
        head.addWidget(self.tabs)
        layout.addLayout(head)
        layout.addWidget(hairline())
        layout.addWidget(self._pages, 1)
        for key, act in (
            (QKeySequence.StandardKey.Undo, explorer.undo),
            (QKeySequence.StandardKey.Redo, explorer.redo),
        ):
            QShortcut(key, self, act)  # what a click here did to the main window
        QShortcut(QKeySequence.StandardKey.NextChild, self, lambda: self._step(1))
        QShortcut(QKeySequence.StandardKey.PreviousChild, self, lambda: self._step(-1))
        self.show_page(0)

    @property
    def page(self) -> OverviewPage:
        """Page in view."""
        return self._made[self.tabs.index]

    def show_page(self, index: int) -> None:
        """Show a page by its place among the tabs, making it if it was never shown."""
        self.tabs.choose(index)
        if index not in self._made:
            _title, page = PAGES[index]
            self._made[index] = page(self._explorer)
            self._pages.addWidget(self._made[index])
        for place, made in self._made.items():  # only the page in view asks for room
            policy = QSizePolicy.Policy.Preferred if place == index else QSizePolicy.Policy.Ignored
            made.setSizePolicy(policy, policy)
        self._pages.setCurrentWidget(self._made[index])
        self._made[index].setFocus()  # not the first button, whose focus ring would look like advice

    def present_page(self, kind: type[Page]) -> Page:
        """Show the window with a page of a kind, and return the page."""
        self.present()  # first: a window that is shown gives its focus to the first tab
        self.show_page(next(place for place, (_title, page) in enumerate(PAGES) if page is kind))
        assert isinstance(self.page, kind)
        return self.page

    def present(self) -> None:
        """Show the window, or bring it to the front."""
        if not self.isVisible():
            self._place()
            self.show()
            fit_to_screen(self)
        self.raise_()
        self.activateWindow()

    def _place(self) -> None:
        """Stand at the left edge of the main window at first, over the samples and the picture before."""
        owner = self.parentWidget()
        if owner is not None and not self._placed:
            self.move(owner.frameGeometry().topLeft() + QPoint(0, theme.CONTROL))
        self._placed = True

    def _step(self, by: int) -> None:
        self.show_page((self.tabs.index + by) % len(PAGES))
