# SPDX-License-Identifier: MIT
"""The page "Your photos" at the left: the photos, the settings, one button, and the report of the shown projection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QProgressBar, QScrollArea, QSizePolicy, QWidget

from latent_explorer.app.exploration.updates import (
    ModelOpened,
    PhotosChanged,
    ProjectionEnded,
    ProjectionProgress,
    ProjectionStarted,
    StateChanged,
)
from latent_explorer.common.format import duration_text
from latent_explorer.explain.projection import report_text as projection_words
from latent_explorer.ui.projection.photo_strip import PhotoStrip
from latent_explorer.ui.projection.settings_form import SettingsForm
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import (
    ElidedLabel,
    button,
    column,
    hairline,
    hint,
    icon_button,
    plain,
    row,
    title,
)
from latent_explorer.ui.widgets.form import MessageLines

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.projection.controller import ProjectionController
    from latent_explorer.explain.projected import ProjectionReport

INVITE = "Drop a photo on the window, paste one, or open it, to see what the classifier looks at in it."
COMPARE_HELP = "Show the photo itself on the left, in place of its reconstruction"
PROJECT, STOP = "Project this photo", "Stop, keep the best"


class ProjectionPanel(QWidget):
    """View of the controller. The signals `*_requested` ask for the dialogs of the window."""

    open_requested = Signal()
    folder_requested = Signal()
    paste_requested = Signal()
    explain_requested = Signal()

    def __init__(self, explorer: Explorer, controller: ProjectionController) -> None:
        super().__init__()
        self._explorer, self._controller = explorer, controller
        self.setAccessibleName("Your photos")
        self.invite = hint(INVITE)
        self.open = button("Open...", self.open_requested.emit)
        self.open.setAccessibleName("Open photos")
        self.open.setToolTip("Open photos: one, or several at once (Ctrl+I)")
        self.folder = icon_button("open", "Open all pictures of a folder", self.folder_requested.emit)
        self.paste = icon_button("paste", "Paste a picture (Ctrl+V)", self.paste_requested.emit)
        self.clear = icon_button("delete", "Remove all photos", controller.clear)
        self.strip = PhotoStrip()
        self.name = ElidedLabel()
        self.name.setProperty("role", "hint")
        self.name.setFont(theme.font(theme.SMALL))
        self.name.setAccessibleName("Selected photo")
        self.settings = SettingsForm()
        self.project = button(PROJECT, self._act, role="primary")
        self.explain = button("Explain these photos", self.explain_requested.emit)
        self.explain.setToolTip("Say what turns the classifier's verdict on the photograph itself (Shift+E)")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        self.progress.setAccessibleName("Progress of the projection")
        self.progress_label = hint("")
        self.result = ProjectionResultView()
        self._build()
        self._connect()
        self._show()
        explorer.updates.on(ModelOpened, self._model_opened)
        for kind in (PhotosChanged, ProjectionStarted, ProjectionEnded):
            explorer.updates.on(kind, lambda _update: self._show())
        explorer.updates.on(ProjectionProgress, lambda _update: self._show_progress())
        explorer.updates.on(StateChanged, lambda _update: self._show_result())

    def _build(self) -> None:
        page = QWidget()
        page.setProperty("role", "page")
        inner = column(page, spacing=theme.GAP)
        inner.setContentsMargins(theme.MARGIN, 0, theme.MARGIN, theme.MARGIN)
        head = row(spacing=0)
        head.addWidget(self.open, 1)
        head.addSpacing(theme.GAP)
        head.addWidget(self.folder)
        head.addWidget(self.paste)
        photos = row(spacing=0)
        photos.addWidget(self.name, 1)
        photos.addWidget(self.clear)
        self.line = hairline()
        self.how = title("How")
        for part in (
            *(self.invite, head, self.strip, photos, self.how, self.settings),
            *(self.project, self.explain, self.progress, self.progress_label, self.line, self.result),
        ):
            if isinstance(part, QWidget):
                inner.addWidget(part)
            else:
                inner.addLayout(part)
        inner.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(page)
        column(self, spacing=0).addWidget(scroll)

    def _connect(self) -> None:
        self.strip.photo_selected.connect(self._controller.select_photo)
        self.strip.removed.connect(self._controller.remove)
        self.settings.changed.connect(lambda fields: self._controller.change(**fields))

    def _act(self) -> None:
        if self._controller.run is None:
            self._controller.start()
        else:
            self._controller.cancel()

    def _model_opened(self, update: ModelOpened) -> None:
        self.settings.allow_encoder(update.summary.has_encoder)
        self._show()

    def _show(self) -> None:
        controller = self._controller
        photos, running = controller.photos, controller.run is not None
        self.invite.setVisible(not photos)
        of_photos: tuple[QWidget, ...] = (self.strip, self.name, self.clear)
        of_run: tuple[QWidget, ...] = (self.how, self.settings, self.project, self.explain)
        for part in of_photos:
            part.setVisible(bool(photos))
        for part in of_run:
            part.setVisible(bool(photos) or running)
        self.clear.setEnabled(not running)
        self.settings.setEnabled(not running)
        self.strip.show_photos(photos, controller.current)
        if controller.photo is not None:
            count = f"{controller.current + 1} of {len(photos)}: " if len(photos) > 1 else ""
            self.name.setText(count + controller.photo.name)
            self.name.setToolTip(controller.photo.name)
        self.settings.show_settings(controller.settings)
        text = STOP if running else PROJECT
        if not running and len(photos) > 1:
            text = f"Project {len(photos)} photos"
        self.project.setText(text)
        self.project.setAccessibleName(text)
        self.project.setEnabled(self._explorer.summary is not None)
        self.explain.setText("Explain this photo" if len(photos) == 1 else f"Explain {len(photos)} photos")
        summary = self._explorer.summary
        self.explain.setEnabled(bool(photos) and summary is not None and bool(summary.classifiers))
        self.progress.setVisible(running)
        self.progress_label.setVisible(running)
        self._show_progress()
        self._show_result()

    def _show_progress(self) -> None:
        run = self._controller.run
        if run is None:
            return
        progress = run.progress
        self.progress.setRange(0, max(0, progress.total))
        self.progress.setValue(progress.done)
        self.progress_label.setText(
            progress_text(progress.message, progress.done, progress.total, progress.seconds_left)
        )

    def _show_result(self) -> None:
        state = self._explorer.state
        shown = self._explorer.latents.of(state.base) if state else None
        self.result.show_report(shown.report if shown else None)
        self.line.setVisible(shown is not None and not self.project.isHidden())


def progress_text(message: str, done: int, total: int, seconds_left: float | None) -> str:
    """Return the state of a projection as text: "Step 40 of 100, 4 s left"."""
    if not total:
        return f"{message}..." if message and message != "Waiting" else "Waiting"
    text = f"{message}: {done} of {total}" if message else f"Step {done} of {total}"
    if seconds_left is None:
        return text
    return f"{text}, {duration_text(seconds_left)} left"


class ProjectionResultView(QWidget):
    """Report of the shown projection: predictions of photo and reconstruction, cautions, and figures."""

    export_requested = Signal()
    remove_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name = ElidedLabel()
        self.name.setProperty("role", "title")
        self.name.setAccessibleName("Projected picture")
        self.method_summary = hint("")
        self.reason = hint("")
        self.lines = MessageLines()
        preferred = QSizePolicy.Policy.Preferred
        self.lines.setSizePolicy(preferred, preferred)  # height for width, as its sentences need
        self.figures = QGridLayout()
        self.figures.setHorizontalSpacing(theme.GAP)
        self.figures.setVerticalSpacing(2)
        self.figures.setColumnStretch(0, 1)
        self.compare = QCheckBox("Compare with the photo")
        self.compare.setToolTip(COMPARE_HELP)
        export = button("Export...", self.export_requested.emit, role="quiet", icon="export")
        export.setToolTip("Save the projection, or its latent as numbers for other programs")
        remove = icon_button("delete", "Remove it from the projected pictures", self.remove_requested.emit)
        todo = row(spacing=0)
        todo.addWidget(export)
        todo.addStretch(1)
        todo.addWidget(remove)
        layout = column(self, spacing=theme.GAP)
        for part in (self.name, self.compare, self.lines):
            layout.addWidget(part)
        layout.addLayout(self.figures)
        layout.addWidget(self.method_summary)
        layout.addWidget(self.reason)
        layout.addLayout(todo)
        self._report: ProjectionReport | None = None
        self.hide()

    def show_report(self, report: ProjectionReport | None) -> None:
        """Show a report; None hides the view."""
        self.setVisible(report is not None)
        if report is None or report is self._report:
            return
        self._report = report
        self.name.setText(report.name)
        self.name.setToolTip(report.name)
        self.method_summary.setText(projection_words.method_summary(report))
        self.compare.setVisible(projection_words.has_photo(report))
        checks = projection_words.checks(report)
        lines = [(str(check.severity), check.text) for check in checks] or [projection_words.verdict(report)]
        lines += [("warning", text) for text in projection_words.further_cautions(report)]
        self.lines.show_lines(lines)
        reason = projection_words.domain_sentence(report)
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
        self._show_figures(report)

    def _show_figures(self, report: ProjectionReport) -> None:
        while (old := self.figures.takeAt(0)) is not None:
            if (widget := old.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for line, figure in enumerate(projection_words.figures(report)):
            name, value = hint(figure.name, wrap=False), plain(figure.value)
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            value.setAccessibleName(f"{figure.name} {figure.value}")
            for place, label in enumerate((name, value)):
                label.setToolTip(figure.meaning)
                self.figures.addWidget(label, line, place)
