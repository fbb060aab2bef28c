# SPDX-License-Identifier: MIT
"""Window "Explain a photograph" beside the main one: two verdicts, of the model's copy and of the photograph itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QFileDialog, QProgressBar, QWidget

from latent_explorer.app.exploration.updates import (
    DocumentChanged,
    ModelOpened,
    PhotographsChanged,
    StateChanged,
    report_errors,
)
from latent_explorer.app.projection.photos import photo_of
from latent_explorer.common.format import shortened
from latent_explorer.common.paths import plain_stem
from latent_explorer.explain.counterfactuals.photo_text import sentence
from latent_explorer.ui.attributes.classifier_selector import classifier_label, details_of
from latent_explorer.ui.file_actions import dropped_image, dropped_paths
from latent_explorer.ui.photograph.answer_view import AnswerView
from latent_explorer.ui.photograph.frame_dialog import FrameDialog
from latent_explorer.ui.projection.actions import PICTURES
from latent_explorer.ui.projection.panel import progress_text
from latent_explorer.ui.projection.photo_strip import PhotoStrip
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import (
    EmptyState,
    NoWheelComboBox,
    Pages,
    button,
    column,
    hairline,
    hint,
    open_dialog,
    row,
    title,
)
from latent_explorer.ui.widgets.fitting import fit_to_screen

if TYPE_CHECKING:
    from PySide6.QtCore import QMimeData
    from PySide6.QtGui import QDragEnterEvent, QDropEvent, QHideEvent, QShowEvent
    from PySide6.QtWidgets import QHBoxLayout

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.photograph.controller import Case, PhotographController
    from latent_explorer.app.projection.photos import Photo

SIZE = QSize(150 * theme.UNIT, 87 * theme.UNIT)
BAR = 20 * theme.UNIT  # px of the progress
ACROSS = 10  # photographs beside each other in the strip
RUNNER_UP = "the runner-up"
INVITE = (
    "Drop a photograph here, or open one. It is refined for some seconds; then you see which attributes turn the "
    "classifier's verdict on the model's copy, and on the photograph itself."
)
NO_MODEL = "No model is open. Open an explainer (File menu), then explain a photograph with it."
NO_CLASSIFIER = "This file holds no classifier, so there is no verdict to explain. Train or import one (File menu)."
NO_ATTRIBUTES = (
    "No attributes are known for this classifier, so nothing can be tried on a photograph. Find attributes (Explain "
    "menu) searches for them."
)
NO_ENCODER = "This explainer has no encoder, so that copies take longer and are less like the photograph."
SHEET, FIGURES = "Sheet of pictures (*.png)", "Figures (*.json)"


class PhotographWindow(QDialog):
    """View of a `PhotographController`, which works only while the window is open."""

    def __init__(self, explorer: Explorer, controller: PhotographController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Explain a photograph")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.setAcceptDrops(True)
        self.resize(SIZE)
        self._explorer, self.controller = explorer, controller
        self.open_button = button("Open photos...", self.open_photos, icon="image")
        self.target = NoWheelComboBox("Class to turn the photograph to")
        self.classifier = NoWheelComboBox("Classifier whose verdict is explained")
        self.classifier_label = hint("Classifier", wrap=False)
        self.copy = button("Copy sentence", self._copy, role="quiet", icon="copy")
        self.save = button("Save sheet...", self._save, role="quiet", icon="export")
        self.strip = PhotoStrip()
        self.name = title("")
        self.frame = button("Frame...", self._frame, role="quiet", icon="picture")
        self.frame.setToolTip("Choose the square of the photograph that is explained")
        self.stop = button("Stop", self._stop)
        self.progress = QProgressBar()
        self.progress_text = hint("", wrap=False)
        self.answer = AnswerView()
        self.empty = EmptyState("image", INVITE, "Open photos...", self.open_photos)
        self._pages = Pages()
        self._build()
        self._connect()
        self._show()

    # Layout --------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.strip.setAccessibleName("Photographs to explain")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        self.progress.setAccessibleName("Progress of the explanation")
        self.progress.setFixedWidth(BAR)
        content = QWidget()
        layout = column(content, margin=theme.MARGIN)
        line = row(spacing=theme.MARGIN)
        line.addWidget(self.strip)
        line.addWidget(self.name)
        line.addWidget(self.frame)
        line.addStretch(1)
        line.addWidget(self.progress_text)
        line.addWidget(self.progress)
        line.addWidget(self.stop)
        layout.addLayout(line)
        layout.addWidget(self.answer, 1)
        self._pages.addWidget(self.empty)
        self._pages.addWidget(content)
        whole = column(self, spacing=0)
        whole.addLayout(self._head())
        whole.addWidget(hairline())
        whole.addWidget(self._pages, 1)

    def _head(self) -> QHBoxLayout:
        self.target.setMinimumContentsLength(16)
        self.classifier.setMinimumContentsLength(18)
        head = row(spacing=theme.GAP)
        head.setContentsMargins(theme.MARGIN, theme.GAP, theme.MARGIN, theme.GAP)
        head.addWidget(self.open_button)
        head.addSpacing(theme.GAP)
        head.addWidget(hint("Turn it to", wrap=False))
        head.addWidget(self.target)
        head.addSpacing(theme.GAP)
        head.addWidget(self.classifier_label)
        head.addWidget(self.classifier)
        head.addStretch(1)
        head.addWidget(self.copy)
        head.addWidget(self.save)
        return head

    def _connect(self) -> None:
        controller = self.controller
        self.strip.photo_selected.connect(controller.select)
        self.strip.removed.connect(controller.remove)
        self.target.activated.connect(lambda _index: controller.set_target(self.target.currentData()))
        self.classifier.activated.connect(lambda _index: controller.set_classifier(self.classifier.currentData()))
        self.answer.changes.change_chosen.connect(self._choose)
        self.answer.painted.connect(controller.paint)
        updates = self._explorer.updates
        for kind in (PhotographsChanged, ModelOpened, StateChanged, DocumentChanged):
            updates.on(kind, lambda _update: self._show())
        for key in (QKeySequence.StandardKey.Paste, QKeySequence.StandardKey.Copy):
            act = self.paste if key == QKeySequence.StandardKey.Paste else self._copy
            QShortcut(key, self, act)
        for each in (self.open_button, self.copy, self.save, self.frame, self.stop, self.empty.button):
            if each is not None:
                each.setAutoDefault(False)

    # What is shown -------------------------------------------------------------------------------

    def _show(self) -> None:
        if not self.isVisible():
            return
        controller, case = self.controller, self.controller.case
        self._show_choices()
        problem = self._problem()
        self.empty.sentence.setText(problem or INVITE)
        if self.empty.button is not None:
            self.empty.button.setVisible(not problem)
        self.open_button.setEnabled(not problem)
        page = 0 if problem or case is None else 1
        if page != self._pages.currentIndex():
            self._pages.setCurrentIndex(page)
            self._focus()
        known = case is not None and case.explanation is not None
        self.copy.setEnabled(known and not problem)
        self.save.setEnabled(any(each.explanation is not None for each in controller.cases))
        if case is None or problem:
            return
        self.strip.show_photos(tuple(each.photo for each in controller.cases), controller.current)
        self.strip.setVisible(len(controller.cases) > 1)
        self.strip.setFixedWidth(min(len(controller.cases), ACROSS) * self.strip.gridSize().width() + theme.UNIT)
        self.name.setText(case.photo.name)
        self.name.setToolTip(case.photo.name)
        self._show_progress(case)
        summary, classifier = self._explorer.summary, controller.classifier
        if summary is not None and classifier is not None:
            running = controller.run is not None and controller.run.case is case
            self.answer.show_case(case, classifier.class_names, summary.resolution, running=running)

    def _problem(self) -> str:
        """Return why nothing can be explained with the open model, in a sentence; "" if it can."""
        if self._explorer.summary is None:
            return NO_MODEL
        if self.controller.classifier is None:
            return NO_CLASSIFIER
        return "" if self.controller.attributes() else NO_ATTRIBUTES

    def _show_choices(self) -> None:
        """List the classes to turn to, and the classifiers where there are several."""
        known, asked = self.controller.classifiers, self.controller.classifier
        names = asked.class_names if asked else ()
        if [self.target.itemText(i) for i in range(1, self.target.count())] != [shortened(n, 40) for n in names]:
            self.target.clear()
            self.target.addItem(RUNNER_UP, None)
            for index, name in enumerate(names):
                self.target.addItem(shortened(name, 40), index)
        self.target.setCurrentIndex(0 if self.controller.target is None else 1 + self.controller.target)
        if [self.classifier.itemData(i) for i in range(self.classifier.count())] != [c.classifier_id for c in known]:
            self.classifier.clear()
            for index, each in enumerate(known):
                self.classifier.addItem(shortened(classifier_label(each, known), 60), each.classifier_id)
                self.classifier.setItemData(index, details_of(each), Qt.ItemDataRole.ToolTipRole)
        self.classifier.setCurrentIndex(self.classifier.findData(asked.classifier_id if asked else ""))
        for part in (self.classifier, self.classifier_label):
            part.setVisible(len(known) > 1)

    def _show_progress(self, case: Case) -> None:
        run = self.controller.run
        ours = run is not None and run.case is case
        waits = not (ours or case.stopped or self.controller.is_known(case))
        self.stop.setText("Stop" if run is not None else "Go on")
        self.stop.setVisible(run is not None or case.stopped)
        self.progress.setVisible(ours)
        encoder = self._explorer.summary is None or self._explorer.summary.has_encoder
        text = case.problem or ("Stopped." if case.stopped else "Waiting" if waits else "" if encoder else NO_ENCODER)
        if run is not None and ours:
            done = run.progress
            self.progress.setRange(0, max(0, done.total) if done else 0)
            self.progress.setValue(done.done if done else 0)
            text = progress_text(done.message, done.done, done.total, done.seconds_left) if done else "Waiting"
        self.progress_text.setText(text)
        self.progress_text.setVisible(bool(text))

    # What is done --------------------------------------------------------------------------------

    def present(self) -> None:
        """Show the window, or bring it to the front."""
        if not self.isVisible():
            self.show()
            fit_to_screen(self)
        self.raise_()
        self.activateWindow()

    def explain(self, *photos: Photo) -> None:
        """Explain photographs that the main window has; without any, and while there are none, ask for files."""
        self.present()
        if photos:
            self.controller.add(*photos)
        elif not self.controller.cases and not self._problem():
            self.open_photos()

    def open_photos(self) -> None:
        """Ask for pictures and explain them."""
        folder = self._explorer.settings.last_folder or ""
        names, _kind = QFileDialog.getOpenFileNames(self, "Explain photographs", folder, f"{PICTURES};;All files (*)")
        if names:
            self.controller.open_photos([Path(name) for name in names])

    def paste(self) -> None:
        """Explain the picture, or the files, on the clipboard."""
        self._take(QGuiApplication.clipboard().mimeData(), "Pasted picture")

    def _choose(self, chosen: int) -> None:
        if self.controller.case is not None:
            self.controller.case.chosen = chosen
            self._show()

    def _frame(self) -> None:
        if self.controller.case is not None:
            dialog = FrameDialog(self.controller.case.photo, self)
            dialog.framed.connect(self.controller.set_crop)
            open_dialog(dialog)

    def _stop(self) -> None:
        if self.controller.run is not None:
            self.controller.stop()
        else:
            self.controller.go_on()

    def _copy(self) -> None:
        case, classifier = self.controller.case, self.controller.classifier
        if case is not None and case.explanation is not None and classifier is not None:
            QGuiApplication.clipboard().setText(sentence(case.explanation, classifier.class_names, case.change))

    def _save(self) -> None:
        case = self.controller.case
        stem = plain_stem(Path(case.photo.name)) if case is not None else "photographs"
        folder = Path(self._explorer.settings.last_folder or "")
        chosen, kind = QFileDialog.getSaveFileName(
            self, "Save the explanations", str(folder / f"{stem}-explained.png"), f"{SHEET};;{FIGURES}"
        )
        if chosen:
            path, ending = Path(chosen), ".json" if kind == FIGURES else ".png"
            self.controller.save(path if path.suffix in (".png", ".json") else path.with_name(path.name + ending))

    def _take(self, data: QMimeData | None, name: str) -> bool:
        if data is None or self._problem():
            return False
        if paths := dropped_paths(data):
            self.controller.open_photos(paths)
            return True
        taken = True
        with report_errors(self._explorer.updates.emit, f"Opening {name}"):
            image = dropped_image(data, name)
            taken = image is not None
            if image is not None:
                self.controller.add(photo_of(image, name))
        return taken

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        data = event.mimeData()
        if (dropped_paths(data) or data.hasImage()) and not self._problem():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if self._take(event.mimeData(), "Dropped picture"):
            event.acceptProposedAction()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not event.spontaneous():
            self.controller.set_active(True)
            self._show()
            self._focus()

    def _focus(self) -> None:
        """Give the keys to what a page is for: the first button of the head would look like advice."""
        first = self.empty.button if self._pages.currentIndex() == 0 else self.answer.changes
        if first is not None:
            first.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():  # a window that is minimized goes on
            self.controller.set_active(False)
