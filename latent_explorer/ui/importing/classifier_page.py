# SPDX-License-Identifier: MIT
"""Page of a classifier: what was recognised, its names and preprocessing as fields, and its verdicts on pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QProgressBar, QWidget

from latent_explorer.app.importing.jobs import ClassifierChoices
from latent_explorer.app.importing.updates import (
    CheckEnded,
    CheckShown,
    CheckStep,
    ClassifierFacts,
    NetworkChoices,
    NetworkRefused,
    PicturesOpened,
)
from latent_explorer.common.format import shortened
from latent_explorer.ui.importing.network_choice import NetworkChoice
from latent_explorer.ui.importing.preprocessing_form import PreprocessingForm
from latent_explorer.ui.importing.verdicts_view import VerdictsView
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import (
    ElidedLabel,
    EmptyState,
    NoWheelComboBox,
    Pages,
    button,
    column,
    hint,
    plain,
    row,
    title,
    warning,
)
from latent_explorer.ui.widgets.form import FormGrid, MessageLines
from latent_explorer.ui.widgets.status_bar import job_text

if TYPE_CHECKING:
    from PySide6.QtWidgets import QVBoxLayout

    from latent_explorer.app.importing.controller import ImportController
    from latent_explorer.explain.report.classifier_check import Advice

FORM_WIDTH = 44 * theme.UNIT  # px
PAUSE = 400  # ms after the last key until the verdicts are asked for again
LONGEST_LINE = 1_000_000  # characters: thousands of class names
INVITE = "Choose pictures that the classifier knows, best with labels: its verdicts show whether it is read correctly."
ASKED = "The verdicts appear here."
UNNAMED = "The file names none. Write them in the order of its outputs."
FROM_LABELS = "The file names none. These are the pictures' labels, in alphabetical order, as most programs sort them."
NO_LABEL = "no labels"
OUTPUTS_HELP = (
    "Most networks choose one of their classes. If each output is a yes or no of its own, choose the one to explain"
)


class ClassifierPage(QWidget):
    """Page of a classifier. Emits `changed` when its choices become usable or not."""

    changed = Signal()

    def __init__(
        self, controller: ImportController, facts: ClassifierFacts, networks: NetworkChoices | None = None
    ) -> None:
        super().__init__()
        self._controller, self._facts = controller, facts
        self._timer = QTimer(self, interval=PAUSE, singleShot=True)
        self._timer.timeout.connect(self._ask)
        self._unanswered = False  # the last check was asked for and is not complete
        self.network = None if networks is None else NetworkChoice(controller, networks)
        self.outputs = NoWheelComboBox("Outputs")
        self._output: int | None = None  # of a yes or no for each label, the one that is read
        self._given = facts.class_names  # as the file gives them, or what stands in for them
        self._lines: dict[int | None, tuple[str, str]] = {}  # what was written for outputs, and whose names those are
        self._label_names: tuple[str, ...] = ()
        self.names = QLineEdit(joined_names(facts.class_names))
        self._stand_in = "" if facts.names_from else self.names.text()  # names that nobody gave; "" for others
        self.names_problem = warning()
        self.preprocessing = PreprocessingForm()
        self.preprocessing.show_value(facts.preprocessing, fixed_size=facts.fixed_size)
        self.pictures = ElidedLabel("")
        self.label = NoWheelComboBox("Label")
        self.label_name = plain("Label")
        self.bar = QProgressBar()
        self.progress = hint("", wrap=False)
        self.problems = MessageLines()
        self.view = VerdictsView()
        self.pages = Pages()
        self._build()
        self._connect()
        self._show_progress(None)

    def _build(self) -> None:
        form = QWidget()
        form.setFixedWidth(FORM_WIDTH)
        left = column(form, spacing=theme.GAP)
        self._build_form(left)
        right = column(spacing=theme.GAP)
        head = row()
        head.addWidget(title("Verdicts on your pictures"))
        head.addSpacing(theme.GAP)
        self.folder = button("Folder...", self._ask_folder, icon="open")
        self.archive = button("Zip...", self._ask_zip)
        for each in (self.folder, self.archive):
            each.setAutoDefault(False)
            head.addWidget(each)
        head.addWidget(self.pictures, 1)
        head.addWidget(self.label_name)
        head.addWidget(self.label)
        right.addLayout(head)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName("Progress of the check")
        right.addWidget(self.bar)
        right.addWidget(self.progress)
        right.addWidget(self.problems)
        self.invitation = EmptyState("image", INVITE)
        self.pages.addWidget(self.invitation)
        self.pages.addWidget(self.view)
        right.addWidget(self.pages, 1)
        layout = row(self, spacing=theme.SECTION)
        layout.addWidget(form)
        layout.addLayout(right, 1)

    def _build_form(self, layout: QVBoxLayout) -> None:
        facts = self._facts
        recognised = "" if self.network is None else "Recognised as "
        self.what = plain(f"{recognised}{facts.network}, {facts.outputs:,} output{'s' if facts.outputs != 1 else ''}")
        self.what.setWordWrap(True)
        layout.addWidget(self.what)
        if self.network is not None:
            layout.addWidget(self.network)
        for note in facts.notes:
            layout.addWidget(hint(shortened(note, 200)))
        layout.addSpacing(theme.GAP)
        if facts.single_outputs:
            self.outputs.addItem(f"one of {facts.outputs:,} classes", None)
            for number, name in enumerate(facts.class_names):
                self.outputs.addItem(
                    f"yes or no: {shortened(name) if facts.names_from else f'output {number}'}", number
                )
            self.outputs.setToolTip(OUTPUTS_HELP)
            grid = FormGrid()
            grid.add("Outputs", self.outputs)
            layout.addLayout(grid)
        layout.addWidget(title("Class names"))
        self.names.setMaxLength(LONGEST_LINE)
        self.names.setCursorPosition(0)
        self.names.setAccessibleName("Class names, separated by commas")
        self.names.setToolTip("In the order of the outputs, separated by commas; by semicolons if names hold commas")
        layout.addWidget(self.names)
        self.names_from = hint(f"From {facts.names_from}." if facts.names_from else UNNAMED)
        layout.addWidget(self.names_from)
        layout.addWidget(self.names_problem)
        layout.addSpacing(theme.GAP)
        layout.addWidget(title("Preprocessing"))
        layout.addWidget(self.preprocessing)
        source = facts.preprocessing_from
        from_file = source == "the file" or source.endswith(".json")
        layout.addWidget(hint(f"From {source}." if from_file else f"{source[:1].upper()}{source[1:]}."))
        layout.addStretch(1)

    def _connect(self) -> None:
        self.names.textEdited.connect(self._edited)
        self.names.returnPressed.connect(self._ask_now)
        self.preprocessing.changed.connect(self._edited)
        self.view.followed.connect(self._follow)
        self.label.activated.connect(self._choose_label)
        self.outputs.activated.connect(self._choose_output)
        if self.network is not None:
            self.network.asked.connect(self._network_asked)
        updates = self._controller.updates
        self._subscriptions = [
            updates.on(PicturesOpened, self._pictures_opened),
            updates.on(CheckStep, lambda update: self._show_progress(job_text("", update.progress), update)),
            updates.on(CheckShown, self._show_check),
            updates.on(CheckEnded, self._check_ended),
            updates.on(NetworkRefused, self._network_refused),
        ]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names in the line; those of the file while it is as it was."""
        given = self._given
        return given if self.names.text() == joined_names(given) else parse_names(self.names.text())

    @property
    def choices(self) -> ClassifierChoices | None:
        """What the fields say, or None while the names do not fit."""
        names = self.class_names
        fits = len(names) == len(self._given) and len(set(names)) == len(names)
        return ClassifierChoices(names, self.preprocessing.value, self._output) if fits else None

    def open_pictures(self, path: Path) -> None:
        """Take pictures to try the classifier on."""
        self._timer.stop()
        self._show_progress(self._controller.waiting or "Looking at the pictures...")
        self._controller.open_pictures(path)

    def stop(self) -> None:
        """Ask for nothing and show nothing any more: the dialog closes, or another page takes the place."""
        self._timer.stop()
        for disconnect in self._subscriptions:
            disconnect()
        if self.network is not None:
            self.network.stop()

    def _edited(self) -> None:
        names = self.class_names
        count = len(self._given)
        problem = ""
        if len(names) != count:
            problem = f"{len(names):,} name{'s' if len(names) != 1 else ''}; it has {count:,} classes."
        elif len(set(names)) < count:
            problem = "Two classes have the same name."
        self.names_problem.setText(problem)
        self.names_problem.setVisible(bool(problem))
        self._timer.start()
        self.changed.emit()

    def _ask_now(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
            self._ask()

    def _ask(self) -> None:
        choices = self.choices
        if choices is not None and self._controller.pictures is not None:
            self.problems.show_lines([])
            self._show_progress(self._controller.waiting or "Asking the classifier...")
            self._unanswered = True
            self._controller.check(choices)

    def wait(self, text: str) -> None:
        """Ask for nothing, and show what is waited for: the file is read otherwise."""
        self._timer.stop()
        self._show_progress(text)

    def go_on(self) -> None:
        """Stay as it is, since the file is not read otherwise."""
        self._show_progress(None)
        self.resume()

    def resume(self) -> None:
        """Ask again what the writing of a file, or another reading, ended."""
        if self._unanswered:
            self._ask()

    def _follow(self, advice: Advice) -> None:
        """Take over what a piece of advice speaks of."""
        if advice.preprocessing is not None:
            self.preprocessing.show_value(advice.preprocessing, fixed_size=self._facts.fixed_size)
        if advice.class_names:
            self.names.setText(joined_names(advice.class_names))
            self.names.setCursorPosition(0)
        self._edited()
        self._ask_now()

    def _choose_output(self) -> None:
        """Read one output, or all again; names that were written for them come back."""
        self._lines[self._output] = self.names.text(), self.names_from.text()
        self._output = self.outputs.currentData()
        self._given = self._facts.names_for(self._output)
        given = joined_names(self._given)
        source = self._facts.names_from
        usual = given, f"From {source}." if source else UNNAMED
        line, words = self._lines.get(self._output, usual)
        self.names.setText(line)
        self.names.setCursorPosition(0)
        self.names_from.setText(words)
        self._stand_in = "" if source else given
        self._take_names(self._label_names)
        self._edited()
        self._ask_now()

    def _network_asked(self) -> None:
        self.wait(self._controller.waiting or "Reading the file as another network...")

    def _network_refused(self, _update: NetworkRefused) -> None:
        self.go_on()

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Choose pictures", str(self._controller.path.parent))
        if name:
            self.open_pictures(Path(name))

    def _ask_zip(self) -> None:
        start = str(self._controller.path.parent)
        name, _kind = QFileDialog.getOpenFileName(self, "Choose pictures", start, "Zip files (*.zip)")
        if name:
            self.open_pictures(Path(name))

    def _choose_label(self) -> None:
        if self._controller.pictures is not None:
            self._show_progress("Looking at the pictures...")
            self._controller.open_pictures(self._controller.pictures, self.label.currentData())

    def _pictures_opened(self, update: PicturesOpened) -> None:
        if update.problem:
            self._show_progress(None)
            self.problems.show_lines([("error", update.problem)])
            return
        self.pictures.setText(f"{shortened(update.path.name)}, {update.count:,} pictures")
        self.pictures.setToolTip(str(update.path))
        self.label.clear()
        self.label.addItem(NO_LABEL, "")
        for name in update.labels:
            self.label.addItem(shortened(name), name)
        self.label.setCurrentIndex(max(0, self.label.findData(update.label)))
        for each in (self.label, self.label_name):
            each.setVisible(bool(update.labels))
        self._label_names = update.class_names
        self._take_names(update.class_names)
        self.changed.emit()
        self._ask()

    def _take_names(self, names: tuple[str, ...]) -> None:
        """Name the classes as the pictures' labels are called, if nobody has named them."""
        if self._stand_in and self.names.text() == self._stand_in and len(names) == len(self._given):
            self._stand_in = joined_names(names)
            self.names.setText(self._stand_in)
            self.names.setCursorPosition(0)
            self.names_from.setText(FROM_LABELS)

    def _show_check(self, update: CheckShown) -> None:
        self.pages.setCurrentWidget(self.view)
        self.view.show_check(update)
        if update.complete:
            self._unanswered = False
            self._show_progress(None)

    def _check_ended(self, update: CheckEnded) -> None:
        self._unanswered = False
        self._show_progress(None)
        if update.problem:
            self.problems.show_lines([("error", update.problem)])

    def _show_progress(self, text: str | None, step: CheckStep | None = None) -> None:
        """Show the bar with a text; None hides both."""
        labelled = self.label.count() > 1
        self.label.setVisible(labelled)
        self.label_name.setVisible(labelled)
        self.bar.setVisible(text is not None)
        self.progress.setVisible(text is not None)
        self.progress.setText(text or "")
        self.invitation.sentence.setText(INVITE if text is None else ASKED)
        self.bar.setRange(0, step.progress.total if step else 0)
        self.bar.setValue(step.progress.done if step else 0)


def joined_names(names: tuple[str, ...]) -> str:
    """Return class names as one line."""
    return ("; " if any("," in name for name in names) else ", ").join(names)


def parse_names(text: str) -> tuple[str, ...]:
    """Return the class names of a line, which are separated by commas, or by semicolons if it has any."""
    parts = text.split(";" if ";" in text else ",")
    return tuple(part.strip() for part in parts if part.strip())
