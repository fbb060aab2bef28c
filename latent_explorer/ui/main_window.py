# SPDX-License-Identifier: MIT
"""Main window: panels around the picture, and their connections. It holds no state of the exploration.

Panels subscribe to the updates of the application and send user input to it as intents.
"""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMainWindow, QMessageBox, QSplitter, QWidget

from latent_explorer.app import attribute_search, library
from latent_explorer.app.engine.events import JobEnded, JobEvent, JobStarted
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import (
    DeviceChanged,
    DraftPicture,
    ErrorReport,
    FileChanged,
    JobQueued,
    MainPicture,
    Message,
    ModelOpened,
    StateChanged,
    TimelineFrame,
)
from latent_explorer.app.sweep.controller import JOB as SWEEP
from latent_explorer.common.events import Notice, Progress
from latent_explorer.common.format import shortened
from latent_explorer.ui import actions
from latent_explorer.ui.attributes.panel import AttributesPanel
from latent_explorer.ui.bottom_strip import PLOT, BottomStrip
from latent_explorer.ui.canvas.panel import CanvasPanel
from latent_explorer.ui.dialogs.error import ErrorDialog
from latent_explorer.ui.dialogs.recovery import RecoveryDialog
from latent_explorer.ui.dialogs.window_tour import WATCH, Target, WindowTour
from latent_explorer.ui.export.report_actions import ReportActions
from latent_explorer.ui.file_actions import FileActions, dropped_paths
from latent_explorer.ui.importing.actions import ImportActions
from latent_explorer.ui.panel_focus import PanelFocus
from latent_explorer.ui.projection.actions import ProjectionActions
from latent_explorer.ui.samples.panel import SamplesPanel
from latent_explorer.ui.style import theme
from latent_explorer.ui.training.dock import TrainingDockHost
from latent_explorer.ui.widgets.basics import action_text, close_dialogs_of_model, column, hairline, open_dialog
from latent_explorer.ui.widgets.fitting import ShrinkingArea, fit_to_screen
from latent_explorer.ui.widgets.notice_bar import NoticeBar
from latent_explorer.ui.widgets.status_bar import StatusBar
from latent_explorer.ui.window_actions import handlers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent

    from latent_explorer.app.exploration.autosave import Recovery
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.photograph.controller import PhotographController
    from latent_explorer.app.projection.controller import ProjectionController
    from latent_explorer.app.timeline.controller import TimelineController
    from latent_explorer.app.training.controller import TrainingController

LEFT, RIGHT = 27 * theme.UNIT, 41 * theme.UNIT  # px
MIN_LEFT = 24 * theme.UNIT
MIN_WIDTH_WITH_WORDS = 1000  # px from which on the tools beside the menus have words
RIGHT_SHARE = 0.23  # of the window's width, where that is more
AUTOSAVE_SECONDS = 30
NO_PICTURE = "The brush paints on the picture of the sliders. Choose one under Samples first."


class MainWindow(QMainWindow):
    """Main window on an explorer and its controllers, which are closed by their creator."""

    def __init__(
        self,
        explorer: Explorer,
        controller: TrainingController,
        timelines: TimelineController,
        projections: ProjectionController,
        photographs: PhotographController,
    ) -> None:
        super().__init__()
        self._panels_kept = False  # the user has chosen their widths
        self._mode_before = ""  # of the view, until the brush is put away
        self.explorer = explorer
        self.timelines = timelines
        self.photographs = photographs
        self.actions_by_key = actions.build(self)
        self.files = FileActions(self, explorer)
        self.samples = SamplesPanel(explorer)
        self.canvas = CanvasPanel(explorer)
        self.attributes = AttributesPanel(explorer)
        self.strip = BottomStrip(explorer, timelines)
        self.status = StatusBar()
        self.notices = NoticeBar()
        self.projection = ProjectionActions(
            explorer, projections, self.samples, self.canvas, self.notices, self.actions_by_key["compare_photo"]
        )
        self._build(controller)
        self._connect()
        self._subscribe()
        self.importing = ImportActions(explorer, self, self.dock_host.dock.explain)
        self.reports = ReportActions(explorer, self.files, self.notices, self.actions_by_key["write_report"])
        self.tour = self._make_tour()
        actions.connect(self.actions_by_key, handlers(self))
        self._restore_geometry()
        self.setAcceptDrops(True)
        self._update_title()
        self._autosave = QTimer(self, interval=1000 * AUTOSAVE_SECONDS)
        self._autosave.timeout.connect(explorer.autosave)
        self._autosave.start()
        panels = (
            *(self.tools, self.projection.left, self.canvas, self.attributes),
            *(self.strip, self.dock_host.dock, self.status, self.tour.callout),
        )
        self.panel_focus = PanelFocus(self, panels, self.canvas)
        self.canvas.setFocus()  # not the first button, whose focus ring would look like advice
        explorer.may_leave = self.files.may_leave

    def sizeHint(self) -> QSize:
        return QSize(1440, 900)

    def _share_width(self) -> None:
        """Give the columns their widths, the attributes a share of a wide window, until the user has chosen a width."""
        if not self._panels_kept:
            left = LEFT if self.width() >= MIN_WIDTH_WITH_WORDS else self.splitter.sizes()[0]
            right = max(RIGHT, round(RIGHT_SHARE * self.width()))
            if self.width() > left + right:
                self.splitter.setSizes([left, self.width() - left - right, right])

    def _keep_panels(self) -> None:
        self._panels_kept = True

    # building ---------------------------------------------------------------------------------

    def _build(self, controller: TrainingController) -> None:
        self.menus = actions.build_menus(self.menuBar(), self.actions_by_key)
        explain = self.menus[actions.EXPLAIN]
        explain.insertMenu(self.actions_by_key["cancel"], self.status.device_menu)
        self.strip.set_actions(self.actions_by_key, self.menus)
        self.recent = self.menus[actions.FILE].addMenu("Open &recent")
        self.menus[actions.FILE].insertMenu(self.actions_by_key["save"], self.recent)
        self.recent.aboutToShow.connect(self._fill_recent)
        self.tools = actions.ToolRow(self.actions_by_key)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        for panel in (self.projection.left, self._build_center(), self.attributes):
            self.splitter.addWidget(panel)
        for index, stretch in enumerate((0, 1, 0)):
            self.splitter.setStretchFactor(index, stretch)
        self.splitter.setSizes([LEFT, 10 * LEFT, RIGHT])
        self.splitter.splitterMoved.connect(self._keep_panels)
        self.projection.left.setMinimumWidth(MIN_LEFT)
        whole = QWidget()
        layout = column(whole, spacing=0)
        if self.menuBar().isNativeMenuBar():  # macOS: the bar is at the top of the screen
            layout.addWidget(self.tools)
        else:
            self.menuBar().setCornerWidget(self.tools)
        layout.addWidget(hairline())
        self.dock_host = TrainingDockHost(
            controller, self.splitter, self.notices, self.status.training, self.actions_by_key["training"]
        )
        self.area = ShrinkingArea(self.dock_host)
        layout.addWidget(self.area, 1)
        layout.addWidget(hairline())
        layout.addWidget(self.status)
        self.setCentralWidget(whole)

    def _build_center(self) -> QWidget:
        """Return the picture above the strip. The panels beside them have the full height: ten attributes need it.

        A notice takes its room from the open strip, so that it neither covers nor moves the picture.
        """
        centre = QWidget()
        layout = column(centre, spacing=0)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(hairline())
        layout.addWidget(self.strip)
        layout.addWidget(self.notices)
        self.notices.height_changed.connect(self.strip.set_taken_height)
        return centre

    def _make_tour(self) -> WindowTour:
        """Return the tour, whose callouts stand beside the first card, the plot, the verdict and the export button."""

        def first_card() -> QWidget:
            shown = (card for card in self.attributes.list.cards if card.isVisible())
            return next(shown, self.attributes)

        def begin_step(step: int) -> None:
            if step == WATCH:
                self.strip.show_tab(PLOT)

        targets = (
            Target(first_card, "below"),
            Target(lambda: self.strip, "right"),
            Target(lambda: self.attributes.verdict, "above"),
            Target(lambda: self.tools.export, "below"),
        )
        return WindowTour(self, self.explorer, targets, begin_step, self.notices.show_message)

    def _connect(self) -> None:
        self.canvas.open_requested.connect(self.explorer.open_bundled)
        self.canvas.view.drag_started.connect(self.files.drag_picture)
        self.canvas.grid.opened.connect(lambda: self.canvas.show_grid(False))
        self.dock_host.docked.connect(self.strip.set_training_docked)
        self.area.height_changed.connect(self.strip.set_available_height)
        self.strip.training_dismissed.connect(self.dock_host.dock.close)
        self.canvas.region.shown.connect(self._region_shown)
        self.canvas.grid_shown.connect(self.actions_by_key["grid"].setChecked)
        self.status.cancel_requested.connect(self.explorer.cancel)
        self.status.device_requested.connect(self.explorer.set_device)
        self.status.warnings_requested.connect(self._show_warnings)
        self.status.training.clicked.connect(lambda: self.dock_host.dock.show_running())
        self.actions_by_key["view_side"].setChecked(True)
        self.actions_by_key[f"theme_{theme.mode()}"].setChecked(True)

    def present(self) -> None:
        """Show the window on what there is of a screen, at first start maximized if that is too small for it."""
        room = QGuiApplication.primaryScreen().availableSize()
        small = room.width() <= self.width() or room.height() <= self.height()
        fit_to_screen(self)
        if small and not self.explorer.settings.window_geometry:
            self.showMaximized()
        else:
            self.show()
        self.windowHandle().screenChanged.connect(lambda _screen: fit_to_screen(self))  # one was unplugged

    def _restore_geometry(self) -> None:
        """Restore the geometry of the window and its columns."""
        kept = self.explorer.settings
        self.resize(self.sizeHint())
        with contextlib.suppress(ValueError):
            self.restoreGeometry(QByteArray(base64.b64decode(kept.window_geometry)))
            if self.splitter.restoreState(QByteArray(base64.b64decode(kept.window_state))):
                self._keep_panels()

    # updates ----------------------------------------------------------------------------------

    def _subscribe(self) -> None:
        """Subscribe to updates, after the panels."""
        updates = self.explorer.updates
        updates.on(MainPicture, self._take_picture)
        updates.on(TimelineFrame, self._take_picture)
        updates.on(DraftPicture, lambda update: self.status.speed.count(update.draft.seconds, "drafts"))
        updates.on(StateChanged, self._state_changed)
        updates.on(ModelOpened, self._model_opened)
        updates.on(
            DeviceChanged,
            lambda new: self.status.show_devices(new.device, new.choices, self.explorer.settings.device, new.note),
        )
        updates.on(FileChanged, lambda _update: self._update_title())
        updates.on(Message, self._show_message)
        updates.on(ErrorReport, self._show_error)
        updates.on(JobQueued, lambda update: self.status.jobs.started(update.job, update.name, cancellable=True))
        updates.on(JobStarted, self._job_started)
        updates.on(JobEvent, self._job_event)
        updates.on(JobEnded, self._job_ended)

    def _take_picture(self, picture: MainPicture | TimelineFrame) -> None:
        self.status.speed.count(picture.result.seconds)
        if self.status.warnings != picture.warnings:
            self.notices.clear_message(self.status.warning_text)
        self.status.show_warnings(picture.warnings, compared=picture.result.unlikeness is not None)

    def _state_changed(self, update: StateChanged) -> None:
        self._update_undo_actions()
        if update.old.classifier_id != update.new.classifier_id:
            self._update_model_label()

    def _job_started(self, update: JobStarted) -> None:
        self.status.jobs.started(update.job, update.name, update.cancellable)
        if not update.cancellable:
            self.canvas.show_loading(f"{update.name}...")

    def _job_event(self, update: JobEvent) -> None:
        if isinstance(update.event, Progress):
            self.status.jobs.progressed(update.job, update.event)
        elif isinstance(update.event, Notice):
            info = update.event.severity == "info"
            self.notices.show_message(update.event.text, "info" if info else "warning")

    def _job_ended(self, update: JobEnded) -> None:
        self.status.jobs.ended(update.job)
        if update.outcome != "finished":
            self.canvas.loading_failed()
        # A search says more itself, and a sweep ends when its page is left.
        if update.outcome == "cancelled" and update.name not in (attribute_search.NAME, SWEEP):
            kept = "; the best so far is kept" if update.value is not None else ""
            self.notices.show_message(f"{update.name} was cancelled{kept}.")

    def _model_opened(self, update: ModelOpened) -> None:
        for spec in actions.ACTIONS:
            self.actions_by_key[spec.key].setEnabled(bool(update.summary.classifiers) or not spec.needs_classifier)
        self.projection.offer_comparison()
        self._update_undo_actions()
        self.canvas.show_grid(False)
        if closed := close_dialogs_of_model(self):
            self.notices.show_message(f"Closed, because another file was opened: {', '.join(closed)}.")
        self._update_model_label()
        self._update_title()
        if update.summary.left_out:
            QTimer.singleShot(0, self, lambda: self._ask_to_run(update))

    def _ask_to_run(self, update: ModelOpened) -> None:
        """Ask about the programs that were left out, and open the file again if they may run."""
        from latent_explorer.ui.dialogs.programs import ask_to_run

        def run() -> None:
            self.explorer.trust_programs(*(each.sha256 for each in update.summary.left_out))
            self.explorer.open_path(update.path)

        self.program_question = ask_to_run(update.summary, self, run)

    def _update_model_label(self) -> None:
        """Show the open model and the selected classifier in the status bar."""
        summary, state = self.explorer.summary, self.explorer.state
        if summary is None or state is None:
            return
        classifier = classifier_of(state, summary)
        classifier_text = f" · {classifier.name} {classifier.classifier_id[:8]}" if classifier else ""
        self.status.show_model(
            summary.name + classifier_text,
            f"{summary.name}, model {summary.model_hash}"
            + (f"\nClassifier {classifier.classifier_id}" if classifier else ""),
        )

    def _show_message(self, message: Message) -> None:
        if message.file is None:
            self.notices.show_message(message.text, message.severity)
            return
        folder = message.file.parent
        self.notices.show_message(
            message.text,
            message.severity,
            action="Show in folder",
            on_action=lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))),
            passing=True,
        )

    def _show_error(self, update: ErrorReport) -> None:
        """Show an error of a picture in the message bar, since it may recur at every movement; others in a dialog."""
        if update.slot:
            self.notices.show_message(update.failure.message, "error")
            return
        self.notices.history.append(("error", update.failure.message))
        open_dialog(ErrorDialog(update.failure, update.operation, self))

    def _update_undo_actions(self) -> None:
        """Show in the menu what undo and redo would change."""
        for key, text in (("undo", self.explorer.undo_text), ("redo", self.explorer.redo_text)):
            action = self.actions_by_key[key]
            action.setEnabled(bool(text))
            action.setText(f"&{action_text(text) or key.capitalize()}")

    def _update_title(self) -> None:
        """Show file and model in the title; Qt adds the program's name on platforms where it is usual."""
        summary, path = self.explorer.summary, self.explorer.path
        parts = [path.name if path else "", summary.name if summary else ""]
        title = " \N{EM DASH} ".join(shortened(part) for part in parts if part)
        self.setWindowTitle(title.replace("[*]", "[*][*]") + "[*]")  # a doubled mark is shown as it is
        self.setWindowModified(self.explorer.path is not None and self.explorer.unsaved)

    def _show_warnings(self) -> None:
        if self.status.warnings:
            self.notices.show_message(self.status.warning_text, "warning")

    def _fill_recent(self) -> None:
        self.recent.clear()
        for path in library.existing(self.explorer.settings.recent):
            action = self.recent.addAction(action_text(path.name))
            action.setToolTip(str(path))
            action.triggered.connect(lambda _on=False, path=path: self.explorer.open_path(path))
        if self.recent.isEmpty():
            self.recent.addAction("Nothing has been opened yet").setEnabled(False)

    # what the window's actions do -------------------------------------------------------------

    def set_view(self, mode: str) -> None:
        """Set the mode of the canvas, one of `ViewMode`, and leave the grid."""
        self.actions_by_key[f"view_{mode}"].setChecked(True)
        self.canvas.show_grid(False)
        self.canvas.view.set_mode(mode)
        self.projection.stage.view.set_mode("difference" if mode == "heat" else mode)

    def paint_region(self, on: bool) -> None:
        """Take the brush, on one picture as large as it fits where there were two; or put it away."""
        self.canvas.show_grid(False)
        if on and not self.canvas.shows_picture:
            self._region_shown(False)
            self.explorer.updates.emit(Message(NO_PICTURE, "warning"))
            return
        if on and self.canvas.view.mode in ("side", "swipe"):
            self._mode_before = self.canvas.view.mode
            self.set_view("after")
        self.canvas.region.set_on(on)

    def _region_shown(self, on: bool) -> None:
        self.actions_by_key["region"].setChecked(on)
        if not on and self._mode_before and self.canvas.view.mode == "after":
            self.set_view(self._mode_before)
        if not on:
            self._mode_before = ""

    def cancel(self) -> None:
        """End the tour, or put the brush away; without either, cancel the job that runs."""
        if self.tour.active:
            self.tour.stop()
        elif self.canvas.region.is_on:
            self.canvas.region.set_on(False)
        else:
            self.status.jobs.cancel_current()

    def set_theme(self, mode: theme.Mode) -> None:
        """Apply a theme and remember it."""
        theme.apply(mode)
        self.explorer.change_settings(theme=mode)

    def offer_recovery(self, recoveries: Sequence[Recovery]) -> None:
        """Offer to restore unsaved explorations, newest first, which stay on disk until answered."""
        if len(recoveries) == 1:
            self.notices.show_message(
                "The last exploration was not saved. Continue where you stopped?",
                action="Continue",
                on_action=lambda: self.explorer.recover(recoveries[0]),
            )
        elif recoveries:
            self.notices.show_message(
                f"{len(recoveries)} explorations were not saved. Continue one of them?",
                action="Choose...",
                on_action=lambda: open_dialog(RecoveryDialog(recoveries, self.explorer, self.offer_recovery, self)),
            )

    # Qt events --------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.canvas.view.set_peek(True)
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.canvas.view.set_peek(False)
            return
        super().keyReleaseEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()
        beside_menus = not self.menuBar().isNativeMenuBar()
        if self.tools.set_narrow(beside_menus and event.size().width() < MIN_WIDTH_WITH_WORDS):
            self.menuBar().setCornerWidget(self.tools)  # it is placed anew

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.canvas.view.set_peek(False)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        data = event.mimeData()
        if (dropped_paths(data) or data.hasImage()) and event.source() is None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        data = event.mimeData()
        if self.files.open_dropped(data) or self.projection.add_image(data, "Dropped picture"):
            event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not (self._may_leave_jobs() and self.files.may_close()):
            event.ignore()
            return
        self._autosave.stop()
        self.strip.timeline.stop()
        self.dock_host.end()
        self.explorer.change_settings(
            window_geometry=self.saveGeometry().toBase64().toStdString(),
            window_state=self.splitter.saveState().toBase64().toStdString(),
        )
        super().closeEvent(event)

    def _may_leave_jobs(self) -> bool:
        """Ask before quitting during a job. Return True if the window may close."""
        if not self.status.jobs.busy:
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self,
            "Latent Explorer",
            "A job is still running. Cancel it and close the window?",
            buttons.Yes | buttons.No,
            buttons.No,
        )
        return answer == buttons.Yes
