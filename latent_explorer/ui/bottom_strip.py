# SPDX-License-Identifier: MIT
"""Strip at the bottom of the window with tabs for live plot and timeline, which can be folded.

The third tab opens the training's dock below the strip, since it needs more room than the strip has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QStackedLayout, QWidget

from latent_explorer.ui.canvas.live_plot import LivePlot
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.timeline.panel import TimelinePanel
from latent_explorer.ui.widgets.basics import Pages, column, hint, icon_button, row
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction, QResizeEvent
    from PySide6.QtWidgets import QMenu

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.timeline.controller import TimelineController

HEAD = theme.CONTROL + theme.UNIT
LOW, HIGH = 18 * theme.UNIT + 6, 26 * theme.UNIT  # px, open, on a low screen and on a high one
TALL_SCREEN = 840  # px between menus and status bar from which on a screen is high
MIN_HEIGHT = 440  # px between menus and status bar from which on there is room for the open strip
ICON_EDGE = theme.MARGIN - (theme.CONTROL - theme.ICON) // 2  # px, aligns icons with the margin
TABS = ("Live plot", "Timeline", "Training")
PLOT, TIMELINE, TRAINING = range(len(TABS))
FOLDED = 2  # page of the head
MIN_HEAD_WIDTH = theme.CONTROL  # px; parts without room are hidden
MIN_HEIGHT_WITH_DOCK = 900  # px between menus and status bar from which on the strip stays open above the dock
MIN_WIDTH_WITH_CAPTION = 600  # px of width from which on the live plot's head shows its text


class BottomStrip(QWidget):
    """Strip that folds on a low screen while the training's dock is open, so that the picture keeps its size."""

    training_dismissed = Signal()  # unfolded on a screen with room for only the strip or the dock

    def __init__(self, explorer: Explorer, controller: TimelineController) -> None:
        super().__init__()
        self._controller = controller
        self._actions: Mapping[str, QAction] = {}
        self.tab = PLOT
        self._training = False  # True while the dock is open below
        self._gave_way = False  # True while folded because of the dock
        self._too_low = False  # True while folded because the window is low
        self._available = 0  # px between menus and status line
        self._taken = 0  # px that a notice below takes
        self.setAccessibleName("Live plot and timeline")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.fold = icon_button("down", "Hide", lambda: self.set_folded(not self.folded))
        self.tabs = SegmentedControl("Panel below the picture", TABS)
        self.tabs.chosen.connect(self._choose)
        self.live = LivePlot(explorer)
        self.timeline = TimelinePanel(explorer, controller)
        self.clear = icon_button("reset", "Clear the plot", self.live.clear)
        self.caption = hint("probability over the last edits", wrap=False)
        self._head = Pages()
        self._head.addWidget(self._live_head())
        self._head.addWidget(self.timeline.transport)
        self._head.addWidget(QWidget())  # while folded
        self._head.setFixedHeight(theme.CONTROL)
        self._head.setMinimumWidth(MIN_HEAD_WIDTH)
        self.body = QWidget()
        self._pages = QStackedLayout(self.body)
        self._pages.addWidget(self.live)
        self._pages.addWidget(self.timeline)
        self._lay_out()
        self.show_tab(PLOT)

    def _live_head(self) -> QWidget:
        head = QWidget()
        line = row(head)
        line.addWidget(self.caption)
        line.addStretch(1)
        line.addWidget(self.clear)
        return head

    def _lay_out(self) -> None:
        head = row(spacing=theme.UNIT // 2)
        head.setContentsMargins(ICON_EDGE, 0, ICON_EDGE, 0)
        head.addWidget(self.fold)
        head.addWidget(self.tabs)
        head.addSpacing(theme.UNIT // 2)
        head.addWidget(self._head, 1)
        layout = column(self, spacing=0)
        layout.setContentsMargins(0, theme.UNIT // 2, 0, theme.UNIT // 2)
        layout.addLayout(head)
        layout.addWidget(self.body, 1)

    def set_actions(self, actions: Mapping[str, QAction], menus: Mapping[str, QMenu]) -> None:
        """Set the actions and menus of the window; the actions "plot" and "timeline" show the current tab."""
        self._actions = actions
        self.timeline.set_actions(actions, menus)
        self._mark_tab()

    @property
    def folded(self) -> bool:
        return self.body.isHidden()

    def shows(self, tab: int) -> bool:
        """Return True if `tab` is current and unfolded."""
        return self.tab == tab and not self.folded

    def show_tab(self, tab: int) -> None:
        """Make `tab` current and unfold the strip."""
        self.tab = tab
        self._pages.setCurrentIndex(tab)
        self.set_folded(False)

    def toggle_tab(self, tab: int) -> None:
        """Show `tab`, or fold the strip if it is shown already."""
        if self.shows(tab):
            self.set_folded(True)
        else:
            self.show_tab(tab)

    def set_folded(self, on: bool) -> None:
        dismissed = self._gave_way and not on
        self._gave_way = self._gave_way and on
        self.body.setHidden(on)
        self._head.setCurrentIndex(FOLDED if on else self.tab)
        self._mark_tab()
        icons.set_icon(self.fold, "right" if on else "down")
        text = "Show the panel below the picture" if on else "Hide the panel below the picture"
        self.fold.setToolTip(text)
        self.fold.setAccessibleName(text)
        self._controller.player.set_active(self.shows(TIMELINE))
        self._give_height()
        if dismissed:
            self.training_dismissed.emit()

    def set_available_height(self, height: int) -> None:
        """Set the height between menus and status bar, px. It is tall on a high screen, and folds on a low one."""
        self._available = height
        if height < MIN_HEIGHT and not self.folded and not self._too_low:
            self._too_low = True
            self.set_folded(True)
        elif height >= MIN_HEIGHT and self._too_low:
            self._too_low = False
            self.set_folded(False)
        self._give_height()

    def set_taken_height(self, height: int) -> None:
        """Give `height` px to what stands below the strip, as long as it is open."""
        self._taken = height
        self._give_height()

    def _give_height(self) -> None:
        height = max(HEAD, (HIGH if self._available >= TALL_SCREEN else LOW) - self._taken)
        self.setFixedHeight(HEAD if self.folded else height)

    def set_training_docked(self, docked: bool) -> None:
        """Show that the training's dock is open below or not; its tab is current while the strip is folded."""
        if docked and not self.folded and self._available < MIN_HEIGHT_WITH_DOCK:
            self.set_folded(True)
            self._gave_way = True
        elif not docked and self._gave_way:
            self._gave_way = False
            self.set_folded(False)
        self._training = docked
        self._mark_tab()

    def _mark_tab(self) -> None:
        for key, tab in (("plot", PLOT), ("timeline", TIMELINE)):
            if key in self._actions:
                self._actions[key].setChecked(self.shows(tab))
        self.tabs.choose(TRAINING if self._training and self.folded else self.tab)

    def _choose(self, tab: int) -> None:
        if tab == TRAINING:
            self._mark_tab()
            self._actions["training"].trigger()
        else:
            self.show_tab(tab)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= MIN_WIDTH_WITH_CAPTION
        self.caption.setVisible(wide)
        self.tabs.set_tight(not wide)
