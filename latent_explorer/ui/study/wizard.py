# SPDX-License-Identifier: MIT
"""The wizard that makes a user study: three pages on the left, a question as participants see it on the right.

Every choice has a default, so a study takes one click. The controller composes and renders.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QStandardPaths, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from latent_explorer.app.engine.events import JobEnded, JobEvent
from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.study.updates import FacesRendered, QuestionRendered, StudyBuilt
from latent_explorer.common.events import Progress
from latent_explorer.common.format import size_text
from latent_explorer.common.paths import safe_file_name
from latent_explorer.ui.study.attributes_page import AttributesPage
from latent_explorer.ui.study.flicker_view import FlickerView
from latent_explorer.ui.study.questions_page import QuestionsPage, TextsPage
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import OF_MODEL, Pages, button, column, hint, plain, row, title, warning
from latent_explorer.ui.widgets.segmented_control import SegmentedControl

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.study.arms import StudySpec
    from latent_explorer.app.study.controller import StudyController

PAGES = ("Questions", "Attributes", "Texts")
FORM_WIDTH = 52 * theme.UNIT  # px, width of the left half
PREVIEW_DELAY_MS = 400  # ms without a change before a question is drawn again


class StudyDialog(QDialog):
    """Study wizard. It stays open while the study is made, and then shows where it is."""

    def __init__(self, explorer: Explorer, controller: StudyController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty(OF_MODEL, True)
        self.setWindowTitle("Make a study")
        self._explorer, self.controller = explorer, controller
        self._spec = controller.spec()
        self._number = 0
        self._preview_job: int | None = None
        self._building: int | None = None
        self._size = 0  # bytes of the question that was drawn
        self.folder: Path | None = None  # of the study, once it is made
        self.questions = QuestionsPage()
        self.attributes = AttributesPage(controller, self._towards())
        self.texts = TextsPage()
        self._build()
        self.questions.show_settings(self._spec.settings)
        self.attributes.show_spec(self._spec)
        self.texts.show_texts(self._spec.settings.texts)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(PREVIEW_DELAY_MS)
        self._later.timeout.connect(self._request_preview)
        for page in (self.questions, self.attributes, self.texts):
            page.changed.connect(self._on_change)
        self._subscriptions = [
            controller.updates.on(FacesRendered, lambda new: self.attributes.show_previews(new.faces)),
            controller.updates.on(QuestionRendered, self._show_question),
            controller.updates.on(StudyBuilt, self._show_built),
            explorer.updates.on(JobEvent, self._job_event),
            explorer.updates.on(JobEnded, self._job_ended),
        ]
        self.finished.connect(self._cancel_jobs)
        controller.render_faces(self._spec.arms[0])
        self._on_change()
        self._request_preview()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()  # no field yet: a focus ring there would look like a hint

    def _towards(self) -> str:
        summary, state = self._explorer.summary, self._explorer.state
        classifier = classifier_of(state, summary) if state and summary else None
        return classifier.class_names[state.target_class] if classifier and state else ""

    def _build(self) -> None:
        self.segments = SegmentedControl("Pages of the study", PAGES)
        self.pages = Pages()
        for page in (self.questions, self.attributes, self.texts):
            self.pages.addWidget(page if page is self.attributes else _scrolled(page))
        self.segments.chosen.connect(self.pages.setCurrentIndex)
        left = column(spacing=theme.MARGIN)
        left.addWidget(self.segments)
        left.addWidget(self.pages, 1)
        form = QWidget()
        form.setFixedWidth(FORM_WIDTH)
        form.setLayout(left)
        middle = row(spacing=theme.SECTION)
        middle.addWidget(form)
        middle.addLayout(self._right(), 1)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        layout.addLayout(middle, 1)
        layout.addLayout(self._foot())
        self.resize(118 * theme.UNIT, 82 * theme.UNIT)

    def _right(self) -> QVBoxLayout:
        self.picture = FlickerView("A question of this study, before and after")
        self.another = button("Another question", self._preview_next)
        self.estimate = plain("")
        self.details = hint("")
        self.problem = warning()
        side = column(spacing=theme.GAP)
        head = row()
        head.addWidget(title("As participants see it"), 1)
        head.addWidget(self.another)
        side.addLayout(head)
        side.addWidget(self.picture, 1)
        side.addWidget(self.estimate)
        side.addWidget(self.details)
        side.addWidget(self.problem)
        return side

    def _foot(self) -> QHBoxLayout:
        self.progress = hint("", wrap=False)
        self.show_folder = button("Open the folder", self._open_folder)
        self.show_page = button("Try it in the browser", self._open_page)
        self.cancel = button("Cancel", self.reject)
        self.go = button("Make the study...", self._ask_folder, role="primary")
        self.go.setDefault(True)
        for other in (self.show_folder, self.show_page, self.cancel, self.another):
            other.setAutoDefault(False)
        foot = row()
        foot.addWidget(self.progress, 1)
        for each in (self.show_folder, self.show_page, self.cancel, self.go):
            foot.addWidget(each)
        self.show_folder.hide()
        self.show_page.hide()
        return foot

    @property
    def spec(self) -> StudySpec:
        """Study as it is chosen now."""
        settings = self.questions.collect(self._spec.settings)
        settings = msgspec.structs.replace(settings, texts=self.texts.collect())
        return self.attributes.collect(msgspec.structs.replace(self._spec, settings=settings))

    def _on_change(self) -> None:
        spec = self.spec
        outline = self.controller.outline(spec)
        problem = outline.problem
        if not any(line.box.isChecked() for line in self.attributes.rows):
            problem = "Choose at least one attribute."
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.estimate.setText(
            f"{outline.questions} questions, about {max(1, round(outline.minutes))} minutes per participant"
        )
        practice = len(spec.settings.kinds) * spec.settings.practice
        if self._size:
            size = size_text(self._size * (outline.questions + practice))
            self.details.setText(f"About {size} for participants. Their folder does not contain the right answers.")
        self.go.setEnabled(not problem and self._building is None)
        shown = msgspec.structs.replace(spec.settings, texts=self._spec.settings.texts)
        if (spec.arms, shown) != (self._spec.arms, self._spec.settings):
            if spec.arms[0].method != self._spec.arms[0].method:
                self.controller.render_faces(spec.arms[0])
            self._spec = msgspec.structs.replace(spec, settings=shown)
            self._later.start()

    def _preview_next(self) -> None:
        self._number += 1
        self._request_preview()

    def _request_preview(self) -> None:
        """Draw a question of the study as it is chosen now, instead of one still in work."""
        if self._preview_job is not None:
            self._explorer.cancel(self._preview_job)
        if self.problem.text():
            self.picture.show_message("")
            return
        if self._size == 0:
            self.picture.show_message("Drawing a question...")
        self._preview_job = self.controller.render_question(self.spec, self._number)

    def _ask_folder(self) -> None:
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        start = self._explorer.settings.last_folder or documents
        summary = self._explorer.summary
        name = safe_file_name(f"study {summary.name if summary else ''}")
        chosen, _ = QFileDialog.getSaveFileName(self, "New folder for the study", str(Path(start) / name))
        if chosen:
            self.make(Path(chosen))

    def make(self, folder: Path) -> None:
        self._building = self.controller.build(self.spec, folder)
        self.go.setEnabled(self._building is None)
        self.progress.setText("Making the study...")

    def _show_built(self, built: StudyBuilt) -> None:
        self.folder = built.folder
        self.progress.setText(f"Saved {built.folder.name}. Send its folder 'participants', keep key.json to yourself.")
        self.progress.setToolTip(str(built.folder))
        self.show_folder.show()
        self.show_page.show()
        self.cancel.setText("Close")

    def _show_question(self, update: QuestionRendered) -> None:
        self._preview_job = None
        if update.frames is None:
            self.picture.show_message(update.problem)
            return
        self._size = update.size
        self.picture.show_frames(update.frames, update.seconds)
        self._on_change()

    def _job_event(self, update: JobEvent) -> None:
        if update.job == self._building and isinstance(update.event, Progress):
            self.progress.setText(f"Question {update.event.done} of {update.event.total}")

    def _job_ended(self, update: JobEnded) -> None:
        if update.job == self._building:
            self._building = None
            if update.outcome != "finished":
                self.progress.setText("The study was not made.")
            self._on_change()

    def _open_folder(self) -> None:
        if self.folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.folder)))

    def _open_page(self) -> None:
        if self.folder is not None:
            page = self.folder / "participants" / "index.html"
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))

    def _cancel_jobs(self) -> None:
        self._later.stop()
        for job in (self._preview_job, self._building):
            if job is not None:
                self._explorer.cancel(job)
        self._preview_job = self._building = None
        for disconnect in self._subscriptions:
            disconnect()


def _scrolled(page: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    page.setProperty("role", "page")
    area.setWidget(page)
    return area
