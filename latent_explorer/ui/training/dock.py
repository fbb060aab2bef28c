# SPDX-License-Identifier: MIT
"""The dock "Training": its head with three pages, floating in a window of its own or not. Pages are made
when first seen.

What stands on the pages is theirs; this module decides which one is in view, and refreshes only that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QDockWidget, QStackedWidget, QWidget

from latent_explorer.app.training.updates import (
    RunAttached,
    RunChanged,
    RunEnded,
    RunsChanged,
    SnapshotChanged,
    StartFailed,
    WindowChanged,
)
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import column, icon_button, row, title
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from PySide6.QtGui import QCloseEvent, QShowEvent

    from latent_explorer.app.training.controller import TrainingController
    from latent_explorer.ui.training.history_page import HistoryPage
    from latent_explorer.ui.training.run_page import RunPage
    from latent_explorer.ui.training.start_page import StartPage

PAGES = ("New training", "Run", "History")
START, RUN, HISTORY = range(len(PAGES))
HEIGHT = 36 * theme.UNIT  # px, docked
FLOATING_SIZE = QSize(150 * theme.UNIT, 80 * theme.UNIT)
FRAME = QSize(4 * theme.UNIT, 8 * theme.UNIT)  # what a window's frame and a panel of the desktop may take
FLOAT, DOCK = "Put the training into a window of its own", "Put the training back into the window"


class TrainingDock(QDockWidget):
    """Hidden until asked for. `visibility_changed(bool)` when it appears or goes, however that came about."""

    visibility_changed = Signal(bool)

    def __init__(self, controller: TrainingController, parent: QWidget) -> None:
        super().__init__("Training", parent)
        self._controller = controller
        self.start: StartPage | None = None
        self.run: RunPage | None = None
        self.history: HistoryPage | None = None
        self.setObjectName("training")
        self.setAccessibleName("Training")
        self.setAllowedAreas(Qt.DockWidgetArea.BottomDockWidgetArea)
        features = QDockWidget.DockWidgetFeature
        self.setFeatures(features.DockWidgetClosable | features.DockWidgetFloatable)
        self.setTitleBarWidget(QWidget())  # the head below is the title
        self.tabs = SegmentedControl("Page of the training dock", PAGES)
        self.tabs.chosen.connect(self.show_page)
        self.float_button = icon_button("float", FLOAT, lambda: self.setFloating(not self.isFloating()))
        self.close_button = icon_button("close", "Close the training dock (Ctrl+T)", self.close)
        self.pages = QStackedWidget()
        self.pages.setMinimumHeight(20 * theme.UNIT)
        self.setWidget(self._body())
        self.topLevelChanged.connect(self._on_floated)
        self.visibilityChanged.connect(lambda _on: self.visibility_changed.emit(not self.isHidden()))
        self.hide()
        updates = controller.updates
        for run_kind in (RunAttached, RunEnded, SnapshotChanged, WindowChanged):
            updates.on(run_kind, lambda _update: self._show_run())
        for history_kind in (RunsChanged, RunEnded, RunAttached):
            updates.on(history_kind, lambda _update: self._show_runs())
        updates.on(RunChanged, self._run_changed)
        updates.on(StartFailed, lambda _update: self._start_failed())

    def _body(self) -> QWidget:
        body = QWidget()
        body.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        head = row()
        edge = theme.MARGIN - (theme.CONTROL - theme.ICON) // 2
        head.setContentsMargins(theme.MARGIN, 0, edge, 0)
        head.addWidget(title("Training"))
        head.addSpacing(theme.GAP)
        head.addWidget(self.tabs)
        head.addStretch(1)
        head.addWidget(self.float_button)
        head.addWidget(self.close_button)
        layout = column(body)
        layout.setContentsMargins(0, theme.UNIT // 2, 0, 0)
        layout.addLayout(head)
        layout.addWidget(self.pages, 1)
        body.setMinimumHeight(26 * theme.UNIT)
        return body

    def sizeHint(self) -> QSize:
        return FLOATING_SIZE if self.isFloating() else QSize(100 * theme.UNIT, HEIGHT)

    # pages ------------------------------------------------------------------------------------

    def show_page(self, page: int) -> None:
        """Bring a page to the front, made now if this is the first time."""
        self.tabs.choose(page)
        self.pages.setCurrentWidget((self._start, self._run, self._history)[page]())
        self._refresh()

    @property
    def page(self) -> int:
        """The page in front."""
        return self.tabs.index

    def open(self, page: int | None = None) -> None:
        """Show the dock; without a page the run where there is one, else the guided start."""
        if page is None and self.pages.count() == 0:
            page = RUN if self._controller.attached is not None else START
        if page is not None:
            self.show_page(page)
        self.show()
        self.raise_()
        if self.isFloating():
            self.activateWindow()

    def show_running(self) -> None:
        """Show the run that somebody works on, whichever was looked at before."""
        running = self._controller.running
        if running is not None and running is not self._controller.attached:
            self._controller.attach(running)
        self.open(RUN)

    def _start(self) -> QWidget:
        if self.start is None:
            from latent_explorer.ui.training.start_page import StartPage

            self.start = StartPage(self._controller)
            self.start.started.connect(lambda: self.show_page(RUN))
            self.start.show_running_requested.connect(self.show_running)
            self.pages.addWidget(self.start)
        return self.start

    def _run(self) -> QWidget:
        if self.run is None:
            from latent_explorer.ui.training.run_page import RunPage

            self.run = RunPage(self._controller)
            self.run.new_requested.connect(lambda: self.show_page(START))
            self.pages.addWidget(self.run)
        return self.run

    def _history(self) -> QWidget:
        if self.history is None:
            from latent_explorer.ui.training.history_page import HistoryPage

            self.history = HistoryPage(self._controller)
            self.history.show_requested.connect(lambda: self.show_page(RUN))
            self.history.new_requested.connect(lambda: self.show_page(START))
            self.pages.addWidget(self.history)
        return self.history

    def _refresh(self) -> None:
        """What is in front may have changed while it was not."""
        if self.page == START and self.start is not None:
            self.start.refresh()
        elif self.page == RUN and self.run is not None:
            self.run.show_run()
        elif self.page == HISTORY and self.history is not None:
            self.history.show_runs()

    # updates ----------------------------------------------------------------------------------

    def _start_failed(self) -> None:
        if self.page == RUN and self._controller.attached is None:
            self.show_page(START)  # there is no run; why not is said beside the form

    def _show_run(self) -> None:
        if self.page == RUN and not self.isHidden():
            self._refresh()

    def _show_runs(self) -> None:
        if self.page == HISTORY and not self.isHidden():
            self._refresh()

    def _run_changed(self, update: RunChanged) -> None:
        self._show_run()
        if self.page == HISTORY and self.history is not None and not self.isHidden():
            self.history.show_changed(update.view)

    # a window of its own ----------------------------------------------------------------------

    def _on_floated(self, floating: bool) -> None:
        """A floating dock becomes a real window: with a frame, on any screen, beside other programs."""
        words = DOCK if floating else FLOAT
        icons.set_icon(self.float_button, "dock" if floating else "float")
        self.float_button.setToolTip(words)
        self.float_button.setAccessibleName(words)
        self.close_button.setVisible(not floating)
        self.widget().setFocus()  # not on the first button: a ring there would look like advice
        if floating:
            self.setWindowFlags(Qt.WindowType.Window)
            room = self.screen().availableGeometry()
            place = QRect(QPoint(), FLOATING_SIZE.boundedTo(room.size() - FRAME))
            place.moveCenter(room.center())
            self.setGeometry(place)
            self.show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing its own window puts it away; opened again it stands in the main window."""
        super().closeEvent(event)
        if self.isFloating():
            self.setFloating(False)
            self.hide()
