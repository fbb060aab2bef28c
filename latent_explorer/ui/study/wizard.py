# SPDX-License-Identifier: MIT
"""The wizard that makes a user study: three pages at the left, one question as participants see it at the right.

Every choice has a default, so that a study is one click away. Composing and rendering is the desk's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QStandardPaths, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from latent_explorer.app.exploration.picture_requests import classifier_of
from latent_explorer.app.exploration.updates import JobEnded, JobEvent, Update
from latent_explorer.app.study.controller import (
    FacesSeen,
    QuestionSeen,
    StudyBuilt,
    StudyUpdate,
)
from latent_explorer.common.events import Progress
from latent_explorer.common.paths import plain_name
from latent_explorer.ui.study.attributes_page import AttributesPage
from latent_explorer.ui.study.flicker_view import MovingPicture
from latent_explorer.ui.study.questions_page import QuestionsPage, WordsPage
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import button, column, hint, plain, row, title, warning
from latent_explorer.ui.widgets.segmented_control import Segments

if TYPE_CHECKING:
    from PySide6.QtGui import QCloseEvent

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.study.arms import StudyWish
    from latent_explorer.app.study.controller import StudyDesk

PAGES = ("Questions", "Attributes", "Words")
FORM = 52 * theme.UNIT  # px, width of the left half
LOOK_AFTER = 400  # ms without a change before a question is drawn again
MB = 1e6


class StudyDialog(QDialog):
    """Stays open while the study is made, and says where it is then."""

    def __init__(self, explorer: Explorer, desk: StudyDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Make a study")
        self._explorer, self._desk = explorer, desk
        self._wish = desk.wish()
        self._number = 0
        self._looking: int | None = None
        self._building: int | None = None
        self._size = 0  # bytes of the question that was drawn
        self.folder: Path | None = None  # of the study, once it is made
        self.questions = QuestionsPage()
        self.attributes = AttributesPage(desk, self._towards())
        self.words = WordsPage()
        self._build()
        self.questions.show_settings(self._wish.settings)
        self.attributes.show_wish(self._wish)
        self.words.show_texts(self._wish.settings.texts)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(LOOK_AFTER)
        self._later.timeout.connect(self._look)
        for page in (self.questions, self.attributes, self.words):
            page.changed.connect(self._on_change)
        desk.listeners.append(self.on_study)
        explorer.listeners.append(self.on_update)
        desk.look_at_faces(self._wish.arms[0])
        self._on_change()
        self._look()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()  # no field yet: a ring there would look like advice

    def _towards(self) -> str:
        summary, state = self._explorer.summary, self._explorer.state
        classifier = classifier_of(state, summary) if state and summary else None
        return classifier.class_names[state.target_class] if classifier and state else ""

    # building ---------------------------------------------------------------------------------

    def _build(self) -> None:
        self.segments = Segments("Pages of the study", PAGES)
        self.pages = QStackedWidget()
        for page in (self.questions, self.attributes, self.words):
            self.pages.addWidget(page if page is self.attributes else _scrolled(page))
        self.segments.chosen.connect(self.pages.setCurrentIndex)
        left = column(spacing=theme.MARGIN)
        left.addWidget(self.segments)
        left.addWidget(self.pages, 1)
        form = QWidget()
        form.setFixedWidth(FORM)
        form.setLayout(left)
        middle = row(spacing=theme.SECTION)
        middle.addWidget(form)
        middle.addLayout(self._right(), 1)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        layout.addLayout(middle, 1)
        layout.addLayout(self._foot())
        self.resize(118 * theme.UNIT, 82 * theme.UNIT)

    def _right(self) -> QVBoxLayout:
        self.picture = MovingPicture("A question of this study, before and after")
        self.another = button("Another question", self._look_at_another)
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

    # the wish ---------------------------------------------------------------------------------

    @property
    def wish(self) -> StudyWish:
        """The study as it is chosen now."""
        settings = self.questions.take(self._wish.settings)
        settings = msgspec.structs.replace(settings, texts=self.words.take())
        return self.attributes.take(msgspec.structs.replace(self._wish, settings=settings))

    def _on_change(self) -> None:
        wish = self.wish
        outline = self._desk.outline(wish)
        problem = outline.problem
        if self.attributes.none_ticked:
            problem = "Choose the attributes that the study shows."
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.estimate.setText(
            f"{outline.questions} questions, about {max(1, round(outline.minutes))} minutes for a participant"
        )
        practice = len(wish.settings.kinds) * wish.settings.practice
        if self._size:
            size = max(1, round(self._size * (outline.questions + practice) / MB))
            self.details.setText(
                f"About {size} MB for participants. Nothing in their folder tells an answer."
            )
        self.go.setEnabled(not problem and self._building is None)
        shown = msgspec.structs.replace(wish.settings, texts=self._wish.settings.texts)
        if (wish.arms, shown) != (self._wish.arms, self._wish.settings):
            if wish.arms[0].method != self._wish.arms[0].method:
                self._desk.look_at_faces(wish.arms[0])
            self._wish = msgspec.structs.replace(wish, settings=shown)
            self._later.start()

    def _look_at_another(self) -> None:
        self._number += 1
        self._look()

    def _look(self) -> None:
        """Draw a question of the study as it is chosen now; an older one is given up."""
        if self._looking is not None:
            self._desk.cancel(self._looking)
        if self.problem.text():
            self.picture.say("")
            return
        if self._size == 0:
            self.picture.say("Drawing a question...")
        self._looking = self._desk.look_at_question(self.wish, self._number)

    # making it --------------------------------------------------------------------------------

    def _ask_folder(self) -> None:
        documents = QStandardPaths.writableLocation(
            QStandardPaths.StandardLocation.DocumentsLocation
        )
        start = self._explorer.settings.last_folder or documents
        summary = self._explorer.summary
        name = plain_name(f"study {summary.name if summary else ''}")
        chosen, _ = QFileDialog.getSaveFileName(
            self, "New folder for the study", str(Path(start) / name)
        )
        if chosen:
            self.make(Path(chosen))

    def make(self, folder: Path) -> None:
        """Start making the study."""
        self._building = self._desk.build(self.wish, folder)
        self.go.setEnabled(self._building is None)
        self.progress.setText("Making the study...")

    def on_study(self, update: StudyUpdate) -> None:
        """What the desk tells."""
        if isinstance(update, FacesSeen):
            self.attributes.show_faces(update.faces)
        elif isinstance(update, QuestionSeen):
            self._show_question(update)
        elif isinstance(update, StudyBuilt):
            self.folder = update.folder
            self.progress.setText(
                f"Made: {update.folder.name}. Send the folder participants, keep key.json."
            )
            self.progress.setToolTip(str(update.folder))
            self.show_folder.show()
            self.show_page.show()
            self.cancel.setText("Close")

    def _show_question(self, seen: QuestionSeen) -> None:
        self._looking = None
        if seen.frames is None:
            self.picture.say(seen.problem)
            return
        self._size = seen.size
        self.picture.show_frames(seen.frames, seen.seconds)
        self._on_change()

    def on_update(self, update: Update) -> None:
        """The job's progress, and its end however it ends."""
        if self._building is None:
            return
        if isinstance(update, JobEvent) and update.job == self._building:
            if isinstance(update.event, Progress):
                self.progress.setText(f"Question {update.event.done} of {update.event.total}")
        elif isinstance(update, JobEnded) and update.job == self._building:
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

    # the end ----------------------------------------------------------------------------------

    def done(self, result: int) -> None:
        """However the dialog closes: nothing of it goes on."""
        self._leave()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._leave()
        super().closeEvent(event)

    def _leave(self) -> None:
        self._later.stop()
        for job in (self._looking, self._building):
            if job is not None:
                self._desk.cancel(job)
        self._looking = self._building = None
        if self.on_study in self._desk.listeners:
            self._desk.listeners.remove(self.on_study)
        if self.on_update in self._explorer.listeners:
            self._explorer.listeners.remove(self.on_update)


def _scrolled(page: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    page.setProperty("role", "page")
    area.setWidget(page)
    return area
