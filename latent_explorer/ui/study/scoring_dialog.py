# SPDX-License-Identifier: MIT
"""The dialog that scores a study: answers, key and rules on the left, the result on the right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QListWidget,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from latent_explorer.app.engine.events import JobEnded
from latent_explorer.app.study.updates import ColumnsProposed, KeyDrafted, StudyScored
from latent_explorer.studies.scoring.columns import BY_NAME
from latent_explorer.studies.scoring.rules import Rules
from latent_explorer.ui.file_actions import dropped_paths
from latent_explorer.ui.study.questions_page import decimal, whole
from latent_explorer.ui.study.result_view import StudyResultView
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import (
    ElidedLabel,
    EmptyState,
    NoWheelComboBox,
    Pages,
    button,
    column,
    hint,
    icon_button,
    plain,
    row,
    title,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QDragEnterEvent, QDropEvent

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.study.controller import StudyController
    from latent_explorer.studies.scoring.columns import Proposal

NO_COLUMN = "no column"
ONE_SURVEY_HELP = (
    "Tick this for several exports of one survey.\n"
    "Services count from 1 in every survey, so an id in two files is usually two people."
)
FORM_WIDTH = 44 * theme.UNIT  # px
EMPTY = "Choose the answers that came back and the key of the study. The result is shown here and saved as a report."
DRAFTED = (
    "{name} lists {n} columns. Open it in a spreadsheet, fill in the right answers, delete the other lines, "
    "then choose it as key."
)
RULES = (
    ("preview", "Previews and tests"),
    ("duplicate", "Repeated answers of one person"),
    ("unfinished", "Unfinished questionnaires"),
    ("too-fast", "Faster per question than"),
    ("failed-catch", "More failed catch trials than"),
)


class ColumnsView(QWidget):
    """Lines with a question and the column that holds its answers; proposals can be changed."""

    def __init__(self) -> None:
        super().__init__()
        self.choices: dict[str, NoWheelComboBox] = {}
        self._proposals: tuple[Proposal, ...] = ()
        self.sentence = hint("")
        self._lines = QWidget()
        self._lines.setProperty("role", "page")
        self._grid = QGridLayout(self._lines)
        self._grid.setContentsMargins(0, 0, theme.GAP, 0)
        self._grid.setHorizontalSpacing(theme.MARGIN)
        self._grid.setVerticalSpacing(theme.GAP // 2)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self._lines)
        layout = column(self, spacing=theme.GAP)
        layout.addWidget(title("Columns of the export"))
        layout.addWidget(self.sentence)
        layout.addWidget(area, 1)

    def show_proposals(self, proposals: Sequence[Proposal], heads: Sequence[str]) -> None:
        """Show the proposals; `heads` are the columns to choose from."""
        self._proposals = tuple(proposals)
        self.choices.clear()
        while (old := self._grid.takeAt(0)) is not None:
            if (widget := old.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for line, proposal in enumerate(proposals):
            self._grid.addWidget(plain(proposal.item), line, 0)
            choice = NoWheelComboBox(f"Column of question {proposal.item}")
            choice.setMinimumContentsLength(16)
            choice.addItems([NO_COLUMN, *heads])
            choice.setCurrentText(proposal.column or NO_COLUMN)
            self.choices[proposal.item] = choice
            self._grid.addWidget(choice, line, 1)
            text = " · ".join(filter(None, (proposal.question, proposal.seen))) or proposal.how
            label = ElidedLabel(text)
            label.setToolTip(text)
            self._grid.addWidget(label, line, 2)
        self._grid.setColumnStretch(2, 1)
        self._grid.setRowStretch(len(proposals), 1)
        certain = sum(p.how == BY_NAME for p in proposals)
        self.sentence.setText(
            f"{certain} of {len(proposals)} questions were found by name. "
            "The others were matched by their order: please check them."
        )

    @property
    def certain(self) -> bool:
        """True if every question was found by its code."""
        return all(p.how == BY_NAME for p in self._proposals)

    @property
    def columns(self) -> dict[str, str]:
        """Chosen column of each question."""
        selected = {item: choice.currentText() for item, choice in self.choices.items()}
        return {item: head for item, head in selected.items() if head != NO_COLUMN}


class ScoringDialog(QDialog):
    """Dialog that scores a study. Answers can be dropped on it."""

    def __init__(self, explorer: Explorer, controller: StudyController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Score answers")
        self.setAcceptDrops(True)
        self.controller = controller
        self._job: int | None = None
        self.answers: list[Path] = []
        self.key: Path | None = None
        self.report: Path | None = None
        self.files = QListWidget()
        self.one_survey = QCheckBox("The same id in several files is one person")
        self.key_label = ElidedLabel("")
        self.boxes: dict[str, QCheckBox] = {}
        self.least_seconds = decimal("Fewest seconds per question", 0.1, 60, 0.5, "s")
        self.most_failed = whole("Catch trials that may be failed", 0, 20)
        self.columns = ColumnsView()
        self.view = StudyResultView()
        self.pages = Pages()
        self._build()
        self._subscriptions = [
            controller.updates.on(ColumnsProposed, self._show_columns),
            controller.updates.on(KeyDrafted, self._show_draft),
            controller.updates.on(StudyScored, self._show_result),
            explorer.updates.on(JobEnded, self._job_ended),
        ]
        self.finished.connect(self._disconnect)
        self._refresh()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()

    def _build(self) -> None:
        left = column(spacing=theme.GAP)
        self._build_files(left)
        self._build_rules(left)
        form = QWidget()
        form.setFixedWidth(FORM_WIDTH)
        form.setLayout(left)
        for page in (EmptyState("search", EMPTY), self.columns, self.view):
            self.pages.addWidget(page)
        middle = row(spacing=theme.SECTION)
        middle.addWidget(form)
        middle.addWidget(self.pages, 1)
        self.status = hint("", wrap=False)
        self.open_report = button("Open the report", self._open_report)
        self.close_button = button("Close", self.reject)
        self.go = button("Score...", self._ask_folder, role="primary")
        self.go.setDefault(True)
        for other in (self.open_report, self.close_button):
            other.setAutoDefault(False)
        foot = row()
        foot.addWidget(self.status, 1)
        for each in (self.open_report, self.close_button, self.go):
            foot.addWidget(each)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        layout.addLayout(middle, 1)
        layout.addLayout(foot)
        self.resize(126 * theme.UNIT, 82 * theme.UNIT)

    def _build_files(self, layout: QVBoxLayout) -> None:
        head = row()
        head.addWidget(title("Answers"), 1)
        for icon, name, ask in (
            ("add", "Add files with answers", self._ask_answers),
            ("open", "Add a folder with answers", self._ask_answer_folder),
            ("remove", "Remove the selected files", self._remove),
        ):
            head.addWidget(icon_button(icon, name, ask))
        layout.addLayout(head)
        layout.addWidget(hint("JSON files of the page, our answers.csv, or the CSV export of a survey service."))
        self.files.setAccessibleName("Files with answers")
        self.files.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        layout.addWidget(self.files, 1)
        self.one_survey.setToolTip(ONE_SURVEY_HELP)
        layout.addWidget(self.one_survey)
        layout.addWidget(title("Key"))
        line = row()
        line.addWidget(self.key_label, 1)
        self.choose_key = button("Choose...", self._ask_key)
        self.choose_key.setAccessibleName("Choose the key")
        self.choose_key.setAutoDefault(False)
        self.draft_key = button("Draft...", self._ask_draft)
        self.draft_key.setAccessibleName("Draft a key for a survey made elsewhere")
        self.draft_key.setToolTip("For a survey made elsewhere: a table of its questions, to be completed")
        self.draft_key.setAutoDefault(False)
        line.addWidget(self.draft_key)
        line.addWidget(self.choose_key)
        layout.addLayout(line)

    def _build_rules(self, layout: QVBoxLayout) -> None:
        layout.addSpacing(theme.GAP)
        layout.addWidget(title("Leave out"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.GAP)
        grid.setVerticalSpacing(0)
        defaults = Rules()
        fields = {"too-fast": self.least_seconds, "failed-catch": self.most_failed}
        for line, (name, label) in enumerate(RULES):
            box = self.boxes[name] = QCheckBox(label)
            box.setChecked(name in defaults.exclude)
            grid.addWidget(box, line, 0)
            if name in fields:
                grid.addWidget(fields[name], line, 1)
        grid.setColumnStretch(0, 1)
        self.least_seconds.setValue(defaults.least_seconds)
        self.most_failed.setValue(defaults.most_failed)
        layout.addLayout(grid)
        layout.addWidget(hint("The report says how many each rule found, also where nobody is left out."))

    @property
    def rules(self) -> Rules:
        """Rules that are checked."""
        ticked = tuple(name for name, box in self.boxes.items() if box.isChecked())
        return Rules(
            exclude=ticked,  # type: ignore[arg-type]
            least_seconds=self.least_seconds.number,
            most_failed=self.most_failed.count,
            one_survey=self.one_survey.isChecked(),
        )

    def add(self, paths: Sequence[Path]) -> None:
        """Add files or folders with answers; a file called key.json becomes the key."""
        for path in paths:
            if path.name == "key.json":
                self.set_key(path)
            elif path not in self.answers:
                self.answers.append(path)
                self.files.addItem(path.name + ("/" if path.is_dir() else ""))
        self._propose()
        self._refresh()

    def set_key(self, path: Path) -> None:
        """Set the key of the study."""
        self.key = path
        self._propose()
        self._refresh()

    def _remove(self) -> None:
        for item in self.files.selectedItems():
            at = self.files.row(item)
            self.files.takeItem(at)
            del self.answers[at]
        self._refresh()

    def _propose(self) -> None:
        """Propose columns if there are tables; all tables of one export have the same."""
        if self._tables and self.key is not None:
            self.controller.propose_columns(self._tables[0], self.key)

    @property
    def _tables(self) -> list[Path]:
        return [path for path in self.answers if path.suffix.lower() in (".csv", ".tsv")]

    def _refresh(self) -> None:
        self.key_label.setText(self.key.name if self.key else "No key is chosen yet")
        self.key_label.setToolTip(str(self.key or ""))
        self.one_survey.setVisible(len(self.answers) > 1 or any(path.is_dir() for path in self.answers))
        self.draft_key.setVisible(bool(self._tables) and self.key is None)
        self.go.setEnabled(bool(self.answers) and self.key is not None and self._job is None)
        self.open_report.setVisible(self.report is not None)

    def _ask_answers(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Answers", "", "Answers (*.json *.csv *.tsv *.txt)")
        self.add([Path(name) for name in names])

    def _ask_answer_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder with answers")
        self.add([Path(name)] if name else [])

    def _ask_key(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Key of the study", "", "Key (*.json *.csv)")
        if name:
            self.set_key(Path(name))

    def _ask_draft(self) -> None:
        export = self._tables[0]
        name, _ = QFileDialog.getSaveFileName(
            self, "Key to be completed", str(export.with_name("key.csv")), "Key (*.csv)"
        )
        if name:
            self.controller.draft_key(export, Path(name))

    def _ask_folder(self) -> None:
        beside = self.key.parent if self.key else Path()
        name, _ = QFileDialog.getSaveFileName(self, "Folder for the result", str(beside / "result"))
        if name:
            self.score(Path(name))

    def score(self, folder: Path) -> None:
        if self.key is None:
            return
        columns = self.columns.columns if not self.columns.certain else None
        self._job = self.controller.score(self.answers, self.key, folder, self.rules, columns)
        self.status.setText("Scoring...")
        self._refresh()

    def _show_result(self, update: StudyScored) -> None:
        self.report = update.scored.report
        self.view.show_result(update.scored)
        self.pages.setCurrentWidget(self.view)
        self.status.setText(f"Saved in {update.scored.folder.name}")
        self.status.setToolTip(str(update.scored.folder))
        self._refresh()

    def _show_draft(self, update: KeyDrafted) -> None:
        text = update.problem or DRAFTED.format(name=update.path.name, n=update.columns)
        self.status.setText(text)
        self.status.setToolTip(f"{update.path}\n{text}")

    def _show_columns(self, update: ColumnsProposed) -> None:
        if update.path not in self.answers:
            return
        self.status.setText(update.problem)
        self.status.setToolTip(update.problem)
        if not update.proposals:
            return  # our own answers.csv has no columns of questions
        self.columns.show_proposals(update.proposals, update.heads)
        if self.columns.certain:
            self.status.setText(f"All {len(update.proposals)} questions were found in {update.path.name}.")
        else:
            self.pages.setCurrentWidget(self.columns)

    def _job_ended(self, update: JobEnded) -> None:
        if update.job == self._job:
            self._job = None
            if update.outcome != "finished":
                self.status.setText("Nothing was scored.")
            self._refresh()

    def _open_report(self) -> None:
        if self.report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.report)))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_paths(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        self.add(dropped_paths(event.mimeData()))
        event.accept()

    def _disconnect(self) -> None:
        for disconnect in self._subscriptions:
            disconnect()
