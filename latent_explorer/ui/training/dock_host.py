# SPDX-License-Identifier: MIT
"""The window's side of trainings: the room that holds the dock, the second's beat, and what is said outside of the dock.

Everything that a training is stands in the desk; what is seen of it stands in `panels/training`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QMainWindow, QWidget

from latent_explorer.ui.training import run_text as words
from latent_explorer.ui.training.dock import HEIGHT, TrainingDock

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

    from latent_explorer.app.training.controller import TrainingDesk
    from latent_explorer.app.training.updates import TrainingUpdate
    from latent_explorer.ui.main_window import MainWindow

POLL_MS = 1000
ENOUGH = 900  # px of the window's height, from which on the live plot stays open above the dock
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
WENT_ON = "The training of {name} went on while the window was closed."


class TrainingRoom(QMainWindow):
    """A window within the window, because docks want one: so the status line stays the last line of all."""

    def __init__(self, window: MainWindow, desk: TrainingDesk, middle: QWidget) -> None:
        super().__init__()
        self.setWindowFlags(Qt.WindowType.Widget)
        self._window, self._desk = window, desk
        self._folded = False  # the live plot was folded to make room
        self._sized = False  # the docked dock was given its height; from then on the person decides
        self.setCentralWidget(middle)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.dock = TrainingDock(desk, self)
        self.addDockWidget(BOTTOM, self.dock)
        self.dock.addAction(window.actions_by_key["training"])  # Ctrl+T, in its own window too
        self.dock.hide()
        self.dock.shown_changed.connect(self._dock_changed)
        desk.listeners.append(self.on_update)
        self._beat = QTimer(self)
        self._beat.setInterval(POLL_MS)
        self._beat.timeout.connect(desk.poll)

    def begin(self) -> None:
        """Once the window is up: find a training that went on without it."""
        self._desk.begin()
        self._beat.start()
        self._say_badge()
        running = self._desk.running
        if running is not None:
            self._window.notices.say(
                WENT_ON.format(name=running.name),
                action="Show",
                on_action=self.dock.show_running,
            )

    def end(self) -> None:
        """The window closes; the training goes on."""
        self._beat.stop()
        self.dock.setFloating(False)
        self.dock.hide()

    def set_shown(self, on: bool) -> None:
        """What the action asks for."""
        if on:
            self.dock.open()
        else:
            self.dock.close()

    def _dock_changed(self, on: bool) -> None:
        self._window.actions_by_key["training"].setChecked(on)
        docked = on and not self.dock.isFloating()
        self._make_room(docked)
        if self.dock.isFloating():
            self._sized = False
        elif docked and not self._sized:
            self._sized = True
            QTimer.singleShot(0, self, self._give_height)

    def _give_height(self) -> None:
        """Once the layout knows how little the panels above can do with."""
        self.resizeDocks([self.dock], [HEIGHT], Qt.Orientation.Vertical)

    def _make_room(self, docked: bool) -> None:
        """On a low screen the strip folds while the dock is open, so that the picture keeps its size."""
        strip = self._window.strip
        if docked and not strip.folded and self.height() < ENOUGH:
            self._folded = True
            strip.set_folded(True)
        elif not docked and self._folded:
            self._folded = False
            strip.set_folded(False)
        strip.mark_training(docked)

    def strip_changed(self) -> None:
        """Who unfolds the strip where there is room for one of the two wants the dock away."""
        if self._folded and not self._window.strip.folded:
            self._folded = False
            self.dock.close()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._window.strip.make_room(self.height())

    def on_update(self, _update: TrainingUpdate) -> None:
        """Whatever the desk told may change the words in the status line."""
        self._say_badge()

    def _say_badge(self) -> None:
        running = self._desk.running
        self._window.status.training.say(words.badge_words(running) if running is not None else "")
