# SPDX-License-Identifier: MIT
"""The window's side of trainings: what holds the dock, the second's beat, and what is said outside of the dock.

Everything that a training is stands in the controller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QMainWindow, QWidget

from latent_explorer.app.training.updates import RunAttached, RunChanged, RunEnded, RunsChanged
from latent_explorer.ui.training import run_text
from latent_explorer.ui.training.dock import HEIGHT, TrainingDock

if TYPE_CHECKING:
    from PySide6.QtGui import QAction, QResizeEvent

    from latent_explorer.app.training.controller import TrainingController
    from latent_explorer.ui.widgets.notice_bar import NoticeBar
    from latent_explorer.ui.widgets.status_bar import TrainingBadge

POLL_MS = 1000
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
STILL_RUNNING = "The training of {name} went on while the window was closed."


class TrainingDockHost(QMainWindow):
    """A window within the window, because docks want one: so the status line stays the last line of all."""

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
        self._sized = False  # the docked dock was given its height; from then on the person decides
        self.setCentralWidget(splitter)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.dock = TrainingDock(controller, self)
        self.addDockWidget(BOTTOM, self.dock)
        self.dock.addAction(action)  # Ctrl+T, in its own window too
        self.dock.hide()
        self.dock.visibility_changed.connect(self._dock_changed)
        for kind in (RunAttached, RunChanged, RunEnded, RunsChanged):
            controller.updates.on(kind, lambda _update: self._update_badge())
        self._poll_timer = QTimer(self)
        self._poll_timer.setInterval(POLL_MS)
        self._poll_timer.timeout.connect(controller.poll)

    def begin(self) -> None:
        """Once the window is up: find a training that went on without it."""
        self._controller.begin()
        self._poll_timer.start()
        self._update_badge()
        running = self._controller.running
        if running is not None:
            self._notices.show_message(
                STILL_RUNNING.format(name=running.name),
                action="Show",
                on_action=self.dock.show_running,
            )

    def end(self) -> None:
        """The window closes; the training goes on."""
        self._poll_timer.stop()
        self.dock.setFloating(False)
        self.dock.hide()

    def set_shown(self, on: bool) -> None:
        """What the action asks for."""
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
            QTimer.singleShot(0, self, self._give_height)

    def _give_height(self) -> None:
        """Once the layout knows how little the panels above can do with."""
        self.resizeDocks([self.dock], [HEIGHT], Qt.Orientation.Vertical)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.height_changed.emit(self.height())

    def _update_badge(self) -> None:
        running = self._controller.running
        self._badge.show_message(run_text.badge_text(running) if running is not None else "")
