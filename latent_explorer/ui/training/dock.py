# SPDX-License-Identifier: MIT
"""Dock "Training" with three pages, made when first shown, and the part of the window that holds it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QDockWidget, QFileDialog, QMainWindow, QMessageBox, QWidget

from latent_explorer.app.training.updates import (
    PicturesMoved,
    RunAttached,
    RunChanged,
    RunEnded,
    RunsChanged,
    SnapshotChanged,
    StartFailed,
    WindowChanged,
)
from latent_explorer.common.format import shortened, without_middle
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.training import run_text
from latent_explorer.ui.widgets.basics import Pages, column, icon_button, row, title
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from PySide6.QtGui import QAction, QCloseEvent, QResizeEvent, QShowEvent

    from latent_explorer.app.training.controller import TrainingController
    from latent_explorer.ui.training.history_page import HistoryPage
    from latent_explorer.ui.training.run_page import RunPage
    from latent_explorer.ui.training.start_page import StartPage
    from latent_explorer.ui.widgets.notice_bar import NoticeBar
    from latent_explorer.ui.widgets.status_bar import TrainingBadge

PAGES = ("New training", "Run", "History")
START, RUN, HISTORY = range(len(PAGES))
DOCKED_HEIGHT = 36 * theme.UNIT  # px
FLOATING_SIZE = QSize(150 * theme.UNIT, 80 * theme.UNIT)
WINDOW_FRAME = QSize(4 * theme.UNIT, 8 * theme.UNIT)  # room for a window's frame and a panel of the desktop
FLOAT_TEXT, DOCK_TEXT = "Put the training into a window of its own", "Put the training back into the window"
MAX_PATH = 80  # characters of a path in a question
POLL_MS = 1000
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
STILL_RUNNING = "The training of {name} went on while the window was closed."


class TrainingDock(QDockWidget):
    """Dock of the trainings, hidden at first. Emits `visibility_changed(bool)` whenever it is shown or hidden."""

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
        self.float_button = icon_button("float", FLOAT_TEXT, lambda: self.setFloating(not self.isFloating()))
        self.close_button = icon_button("close", "Close the training dock (Ctrl+T)", self.close)
        self.pages = Pages()
        self.pages.setMinimumHeight(20 * theme.UNIT)
        self.setWidget(self._body())
        self.topLevelChanged.connect(self._on_floated)
        self.visibilityChanged.connect(lambda _on: self.visibility_changed.emit(not self.isHidden()))
        self.hide()
        updates = controller.updates
        for run_kind in (RunAttached, RunEnded, SnapshotChanged, WindowChanged):
            updates.on(run_kind, lambda _update: self._refresh_page(RUN))
        for history_kind in (RunsChanged, RunEnded, RunAttached):
            updates.on(history_kind, lambda _update: self._refresh_page(HISTORY))
        updates.on(RunChanged, self._run_changed)
        updates.on(StartFailed, lambda _update: self._start_failed())
        # Later: the question is answered while the controller waits for nothing.
        updates.on(PicturesMoved, lambda update: QTimer.singleShot(0, self, lambda: self._ask_for_pictures(update)))

    def _body(self) -> QWidget:
        body = QWidget()
        body.setAccessibleName("Training")
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
        return FLOATING_SIZE if self.isFloating() else QSize(100 * theme.UNIT, DOCKED_HEIGHT)

    def show_page(self, page: int) -> None:
        """Show a page; make it if this is the first time."""
        self.tabs.choose(page)
        self.pages.setCurrentWidget((self._start, self._run, self._history)[page]())
        self._refresh()

    @property
    def page(self) -> int:
        return self.tabs.index

    def open(self, page: int | None = None) -> None:
        """Show the dock with this page or the last one; at first with the run if there is one, or the guided start."""
        if page is None and self.pages.count() == 0:
            page = RUN if self._controller.attached is not None else START
        if page is not None:
            self.show_page(page)
        self.show()
        self.raise_()
        if self.isFloating():
            self.activateWindow()

    def explain(self, classifier: Path, pictures: Path | None) -> None:
        """Open the guided start with a classifier's file and its pictures filled in."""
        self.open(START)
        assert self.start is not None  # `open` makes it
        self.start.explain(classifier, pictures)

    def show_running(self) -> None:
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
        """Refresh the page in front, the only one that is kept up to date."""
        if self.page == START and self.start is not None:
            self.start.refresh()
        elif self.page == RUN and self.run is not None:
            self.run.show_run()
        elif self.page == HISTORY and self.history is not None:
            self.history.show_runs()

    def _start_failed(self) -> None:
        if self.page == RUN and self._controller.attached is None:
            self.show_page(START)  # there is no run; the reason is beside the form

    def _ask_for_pictures(self, update: PicturesMoved) -> None:
        """Ask where the pictures of a run are now, and resume it with them."""
        data = ask_for_pictures(self, update.view.name, update.path)
        if data is not None and self._controller.resume(update.images, data):
            self.show_page(RUN)

    def _refresh_page(self, page: int) -> None:
        if self.page == page and not self.isHidden():
            self._refresh()

    def _run_changed(self, update: RunChanged) -> None:
        self._refresh_page(RUN)
        if self.page == HISTORY and self.history is not None and not self.isHidden():
            self.history.show_changed(update.view)

    def _on_floated(self, floating: bool) -> None:
        """Make a floating dock a real window: with a frame, on any screen, beside other programs."""
        text = DOCK_TEXT if floating else FLOAT_TEXT
        icons.set_icon(self.float_button, "dock" if floating else "float")
        self.float_button.setToolTip(text)
        self.float_button.setAccessibleName(text)
        self.close_button.setVisible(not floating)
        self.widget().setFocus()  # not the first button: a focus ring there would look like a recommendation
        if floating:
            self.setWindowFlags(Qt.WindowType.Window)
            room = self.screen().availableGeometry()
            place = QRect(QPoint(), FLOATING_SIZE.boundedTo(room.size() - WINDOW_FRAME))
            place.moveCenter(room.center())
            self.setGeometry(place)
            self.show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide the dock when its own window is closed, and dock it: it opens again in the main window."""
        super().closeEvent(event)
        if self.isFloating():
            self.setFloating(False)
            self.hide()


def ask_for_pictures(parent: QWidget, run: str, was: Path) -> Path | None:
    """Ask for the folder or zip to which the pictures of a run were moved; None if the user cancels."""
    box = QMessageBox(parent)
    box.setWindowTitle("Latent Explorer")
    box.setIcon(QMessageBox.Icon.Question)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(f"The pictures of {shortened(run)} are not at {without_middle(str(was), MAX_PATH)} any more.")
    box.setInformativeText("Where are they now? It is checked that they are the same.")
    folder = box.addButton("Folder...", QMessageBox.ButtonRole.AcceptRole)
    archive = box.addButton("Zip...", QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(archive if was.suffix.lower() == ".zip" else folder)
    box.exec()
    name = ""
    if box.clickedButton() is folder:
        name = QFileDialog.getExistingDirectory(parent, "Choose the same pictures")
    elif box.clickedButton() is archive:
        name, _kind = QFileDialog.getOpenFileName(parent, "Choose the same pictures", "", "Zip files (*.zip)")
    return Path(name) if name else None


class TrainingDockHost(QMainWindow):
    """Window within the main window that holds the dock, polls the controller, and shows its badge.

    A dock needs a window; one of its own keeps the dock above the status line.
    """

    docked = Signal(bool)  # whether the dock takes room in the window
    height_changed = Signal(int)

    def __init__(
        self,
        controller: TrainingController,
        splitter: QWidget,
        notices: NoticeBar,
        badge: TrainingBadge,
        action: QAction,
    ) -> None:
        super().__init__()
        self.setWindowFlags(Qt.WindowType.Widget)
        self._controller, self._action = controller, action
        self._notices, self._badge = notices, badge
        self._sized = False  # the dock was given its height; later the user sets it
        self.setCentralWidget(splitter)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.dock = TrainingDock(controller, self)
        self.addDockWidget(BOTTOM, self.dock)
        self.dock.addAction(action)  # Ctrl+T also in its own window
        self.dock.hide()
        self.dock.visibility_changed.connect(self._dock_changed)
        for kind in (RunAttached, RunChanged, RunEnded, RunsChanged):
            controller.updates.on(kind, lambda _update: self._update_badge())
        self._poll_timer = QTimer(self)
        self._poll_timer.setInterval(POLL_MS)
        self._poll_timer.timeout.connect(controller.poll)

    def begin(self) -> None:
        """Look for a training that continued without the window; for the start of the window."""
        self._controller.begin()
        self._poll_timer.start()
        self._update_badge()
        running = self._controller.running
        if running is not None:
            self._notices.show_message(
                STILL_RUNNING.format(name=running.name), action="Show", on_action=self.dock.show_running
            )

    def end(self) -> None:
        """Stop polling and hide the dock as the window closes. The training continues."""
        self._poll_timer.stop()
        self.dock.setFloating(False)
        self.dock.hide()

    def set_shown(self, on: bool) -> None:
        if on:
            self.dock.open()
        else:
            self.dock.close()

    def _dock_changed(self, on: bool) -> None:
        self._action.setChecked(on)
        docked = on and not self.dock.isFloating()
        self.docked.emit(docked)
        if self.dock.isFloating():
            self._sized = False
        elif docked and not self._sized:
            self._sized = True
            # Later: the layout must know first how little the panels above need.
            QTimer.singleShot(0, self, lambda: self.resizeDocks([self.dock], [DOCKED_HEIGHT], Qt.Orientation.Vertical))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.height_changed.emit(self.height())

    def _update_badge(self) -> None:
        running = self._controller.running
        self._badge.show_message(run_text.badge_text(running) if running is not None else "")
