# SPDX-License-Identifier: MIT
"""The dialog "Import": what a file of another program is, and what can be made of it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from latent_explorer.app.importing.updates import ClassifierSaved, FileInspected, WorkEnded
from latent_explorer.common.format import shortened
from latent_explorer.common.paths import plain_stem, safe_file_name
from latent_explorer.ui.file_actions import dropped_paths
from latent_explorer.ui.importing.classifier_page import ClassifierPage
from latent_explorer.ui.importing.generator_page import GeneratorPage
from latent_explorer.ui.importing.network_choice import NearestNetworks
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, button, column, hint, row
from latent_explorer.ui.widgets.form import MessageLines

if TYPE_CHECKING:
    from PySide6.QtGui import QDragEnterEvent, QDropEvent

    from latent_explorer.app.importing.controller import ImportController
    from latent_explorer.app.importing.updates import GeneratorFacts

SMALL = QSize(66 * theme.UNIT, 24 * theme.UNIT)
MEDIUM = QSize(66 * theme.UNIT, 46 * theme.UNIT)
TALL = QSize(66 * theme.UNIT, 54 * theme.UNIT)
PROGRAM = (
    "A {} program. It is code, and it is not run unless you say so. Run it only if you trust where it comes from: it "
    "then runs in a separate process, which on a recent Linux can neither open your files nor use the network. You "
    "are asked once for this file."
)
RUNNING = "Running it in a separate process. The first answer takes some seconds..."
ASIDE = "Only its weights were read, for the network of the library. The program itself may do more; it is code."
TRAIN = "Train an explainer for it on your pictures: the guided start opens with everything filled in"
SEARCH = (
    "Search the pictures of {} for the styles that move this classifier's verdict: minutes, and no training. "
    "What it finds is worth as much as those pictures are like yours"
)
LARGE = QSize(140 * theme.UNIT, 80 * theme.UNIT)
FRAME = QSize(4 * theme.UNIT, 8 * theme.UNIT)  # room for a window's frame and a panel of the desktop


class ImportDialog(QDialog):
    """Dialog on one file. Emits `explain_requested` with a .classifier and the pictures, or None.

    pictures  to try a classifier on
    opened    the explainer on the screen
    """

    explain_requested = Signal(object, object)

    def __init__(
        self,
        controller: ImportController,
        parent: QWidget | None = None,
        *,
        pictures: Path | None = None,
        opened: Path | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import")
        self.setAcceptDrops(True)
        self.controller = controller
        self.page: ClassifierPage | GeneratorPage | NearestNetworks | None = None
        self._pictures, self._opened = pictures, opened
        self._inspecting = True
        self.file = ElidedLabel(shortened(controller.path.name))
        self.file.setFont(theme.font(theme.LARGE, semibold=True))
        self.file.setToolTip(str(controller.path))
        self.message = MessageLines()
        self.status = hint("", wrap=False)
        self.save = button("Save as a classifier...", self._ask_classifier)
        self.run = button("Run it", self._run, role="primary")
        self.search = button("Search the open explainer...", self._ask_search)
        self.close_button = button("Close", self.reject)
        self.go = button("Explain it", self._go, role="primary")
        self._body = column()
        self._build()
        controller.updates.on(FileInspected, self._inspected)
        controller.updates.on(ClassifierSaved, self._explain)
        controller.updates.on(WorkEnded, self._work_ended)
        self.finished.connect(self._end)
        looking = controller.waiting or "Looking at the file. Nothing in it is executed."
        self.message.show_lines([("note", looking)])
        self.resize(SMALL)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()
        controller.inspect()

    def _build(self) -> None:
        foot = row()
        foot.addWidget(self.status, 1)
        self._buttons = (self.run, self.save, self.close_button, self.search, self.go)
        for each in self._buttons:
            foot.addWidget(each)
        for each in (self.run, self.save, self.search, self.go):
            each.hide()
        for each in self._buttons:
            each.setAutoDefault(False)  # Return in a field asks for verdicts, and begins no training
        layout = column(self, spacing=theme.GAP, margin=theme.MARGIN)
        layout.addWidget(self.file)
        layout.addWidget(self.message)
        layout.addLayout(self._body, 1)
        layout.addStretch(0)  # takes the room while there is no page
        layout.addLayout(foot)

    def _inspected(self, update: FileInspected) -> None:
        self._inspecting = False
        self.message.show_lines([("error", update.problem)] if update.problem else [])
        self.run.setVisible(bool(update.program or (update.classifier and update.classifier.program)))
        if update.program:
            self.message.show_lines([("note", PROGRAM.format(update.program))])
        if update.problem and isinstance(self.page, ClassifierPage):
            self.page.go_on()
        if self.page is not None and update.classifier is not None:  # the file, read otherwise
            self._end_page()
        if update.classifier is not None:
            if update.classifier.program:
                self._offer_to_run()
            self.page = ClassifierPage(self.controller, update.classifier, update.networks)
            self.page.changed.connect(self._refresh)
            self._show_page(self.page, LARGE)
            self.save.show()
            self.go.setToolTip(TRAIN)
            if self._opened is not None:
                self.search.setToolTip(SEARCH.format(shortened(self._opened.stem)))
                self.search.show()
            if self._pictures is not None:
                self.page.open_pictures(self._pictures)
        elif update.generator is not None:
            self._show_generator(update.generator)
        elif update.networks is not None:
            self.page = NearestNetworks(self.controller, update.networks)
            self._show_page(self.page, MEDIUM)
            self.go.hide()
        self._refresh()

    def _show_generator(self, facts: GeneratorFacts) -> None:
        self.page = GeneratorPage(facts, self._opened)
        self.page.changed.connect(self._refresh)
        self.go.setText("Import...")
        self.go.setAccessibleName("Import...")
        self.go.setDefault(True)  # Return goes on: nothing is written before a name is chosen
        self._show_page(self.page, TALL if facts.classes else MEDIUM)
        if facts.classes:
            self.page.class_index.begin()

    def _offer_to_run(self) -> None:
        """Offer to run the program whose weights are shown: the button for it is not the next step then."""
        self.run.setText("Run the program instead")
        self.run.setAccessibleName("Run the program instead")
        self.run.setProperty("role", "")
        for each in (self.run.style().unpolish, self.run.style().polish):
            each(self.run)
        self.run.setToolTip(ASIDE)

    def _run(self) -> None:
        """Run the program: this click is the consent."""
        self.setFocus()  # or the next button would have it
        waiting = self.controller.waiting or RUNNING
        if isinstance(self.page, ClassifierPage):
            self.page.wait(waiting)
        else:
            self.message.show_lines([("note", waiting)])
        self._inspecting = True
        self._refresh()
        self.controller.run_program()

    def _end_page(self) -> None:
        """Take the page away for one on the same file, read otherwise; pictures are shown there again."""
        page, self.page = self.page, None
        if isinstance(page, ClassifierPage | NearestNetworks):
            page.stop()
            self._pictures = self.controller.pictures or self._pictures
            self._body.removeWidget(page)
            page.hide()
            page.deleteLater()

    def _show_page(self, page: QWidget, size: QSize) -> None:
        """Show a page, and make the dialog large enough for it, around the same middle."""
        self._body.addWidget(page)
        self._put_before_the_buttons(page)
        self.go.show()
        place = self.geometry()
        middle, room = place.center(), self.screen().availableGeometry()
        place.setSize(size.boundedTo(room.size() - FRAME))
        place.moveCenter(middle)
        place.moveLeft(max(room.left(), min(place.left(), room.right() - place.width())))
        place.moveTop(max(room.top() + FRAME.height() // 2, min(place.top(), room.bottom() - place.height())))
        self.setGeometry(place)

    def _put_before_the_buttons(self, page: QWidget) -> None:
        """Let Tab come to a page before the buttons, which are older."""
        last = self.previousInFocusChain()
        while last is not None and page.isAncestorOf(last):
            if last.focusPolicy() & Qt.FocusPolicy.TabFocus:
                for first, second in itertools.pairwise((last, *self._buttons)):
                    QWidget.setTabOrder(first, second)
                return
            last = last.previousInFocusChain()

    def _refresh(self) -> None:
        self.run.setEnabled(not self._inspecting)
        usable = not self.controller.working and not self._inspecting
        if isinstance(self.page, ClassifierPage):
            usable = usable and self.page.choices is not None
        elif isinstance(self.page, GeneratorPage):
            usable = usable and self.page.complete
        self.save.setEnabled(usable)
        self.search.setEnabled(usable)
        self.go.setEnabled(usable)
        self.status.setText("Writing..." if self.controller.working else "")

    def _go(self) -> None:
        if isinstance(self.page, GeneratorPage):
            self._ask_explainer(self.page)
        elif isinstance(self.page, ClassifierPage) and (choices := self.page.choices) is not None:
            self.controller.explain(choices)
            self._refresh()

    def _work_ended(self, update: WorkEnded) -> None:
        self._refresh()
        if isinstance(self.page, ClassifierPage) and update.stays:
            self.page.resume()

    def _explain(self, update: ClassifierSaved) -> None:
        self.explain_requested.emit(update.path, self.controller.pictures)
        self.accept()

    def _ask_classifier(self) -> None:
        path = self._ask("Save as a classifier", ".classifier", "Classifier (*.classifier)")
        if path is not None and isinstance(self.page, ClassifierPage) and (choices := self.page.choices) is not None:
            self.controller.save_classifier(choices, path)
            self._refresh()

    def _ask_search(self) -> None:
        """Ask for a name for the open explainer with this classifier, and start writing it."""
        if not isinstance(self.page, ClassifierPage) or self._opened is None:
            return
        named = f"{safe_file_name(plain_stem(self.controller.path)) or 'classifier'} in {self._opened.stem}"
        path = self._ask("Search the open explainer", ".explainer", "Explainer (*.explainer)", named)
        if path is not None and (choices := self.page.choices) is not None:
            self.controller.add_to_explainer(choices, self._opened, path)
            self.accept()

    def _ask_explainer(self, page: GeneratorPage) -> None:
        """Ask for a name and start writing; the status bar of the window shows how it goes on, and cancels it."""
        stem = safe_file_name(plain_stem(self.controller.path)) or "imported"
        path = self._ask("Import", ".explainer", "Explainer (*.explainer)", stem + page.suffix)
        if path is not None:
            self.controller.make_explainer(page.choices(path))
            self.accept()

    def _ask(self, heading: str, suffix: str, kind: str, named: str = "") -> Path | None:
        stem = named or safe_file_name(plain_stem(self.controller.path)) or "imported"
        start = str(self.controller.path.with_name(stem + suffix))
        name, _kind = QFileDialog.getSaveFileName(self, heading, start, kind)
        if not name:
            return None
        path = Path(name)
        return path if path.suffix == suffix else path.with_name(path.name + suffix)

    def _end(self) -> None:
        if isinstance(self.page, ClassifierPage | NearestNetworks):
            self.page.stop()
        self.controller.close()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if isinstance(self.page, ClassifierPage) and dropped_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = dropped_paths(event.mimeData())
        if isinstance(self.page, ClassifierPage) and paths:
            self.page.open_pictures(paths[0])
            event.acceptProposedAction()
