# SPDX-License-Identifier: MIT
"""Step 1 of the guided start: the pictures, what was recognised in them, and under "More" a selection."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QRadioButton, QWidget

from latent_explorer.common.format import shortened
from latent_explorer.data.split_words import BY_HASH
from latent_explorer.ui.file_actions import dropped_paths
from latent_explorer.ui.style import icons
from latent_explorer.ui.training.form_step import FormStep
from latent_explorer.ui.widgets.basics import ElidedLabel, NoWheelComboBox, button, column, hint, row
from latent_explorer.ui.widgets.form import FormGrid, MessageLines, SeverityLabel

if TYPE_CHECKING:
    from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent

    from latent_explorer.app.training.plan import TrainingPlan
    from latent_explorer.app.training.updates import DataInspected
    from latent_explorer.data.labels import Question
    from latent_explorer.data.summary import DataSummary

INVITE = "Drop a folder or a zip here, or choose one."
WHERE_HELP = "Use only pictures for which this is true: column=value,value. Separate several conditions by ;"
GROUP_HELP = "Pictures with the same value in this column (one plant, one person) stay on one side of the split"
SPLIT_HELP = "A column that says train, val or test for every picture. Empty: split by chance"
ARCHIVES = "Zip files (*.zip)"
MAX_READING = 40  # characters of the names of classes on a button


class ImagesStep(FormStep):
    """Step for the pictures. Emits `data_chosen(Path)` when other pictures were chosen.

    `reading_chosen(str)` is the column of the classes, where it was in doubt which folders are the classes.
    """

    data_chosen = Signal(object)
    reading_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__(1, "Images")
        self.setAcceptDrops(True)
        self._path: Path | None = None
        self.folder = button("Folder...", self._choose_folder, icon="open")
        self.folder.setToolTip("Choose a folder of pictures, or of class folders")
        self.archive = button("Zip...", self._choose_zip)
        self.archive.setToolTip("Choose a zip file of pictures")
        self.path = ElidedLabel()
        self.path.setAccessibleName("Chosen pictures")
        self.invite = hint(INVITE)
        self.messages = MessageLines()
        self.question = ReadingQuestion()
        self.question.chosen.connect(self.reading_chosen)
        self.more = button("More", self._toggle_more, role="fold", icon="right")
        self.more.setToolTip("Use only some of the pictures, or split them in another way")
        self.where = QLineEdit()
        self.where.setPlaceholderText("all pictures")
        self.where.setToolTip(WHERE_HELP)
        self.group, self.split = NoWheelComboBox("Group"), NoWheelComboBox("Split")
        self.group.setToolTip(GROUP_HELP)
        self.split.setToolTip(SPLIT_HELP)
        self._build()
        self.show_offer(None)

    def _build(self) -> None:
        choose = row()
        choose.addWidget(self.folder)
        choose.addWidget(self.archive)
        choose.addStretch(1)
        self.where.setAccessibleName("Only")
        self.fields = QWidget()
        inner = FormGrid()
        self.fields.setLayout(inner)
        inner.add("Only", self.where)
        inner.add("Group", self.group)
        inner.add("Split", self.split)
        self.fields.hide()
        fold = row()
        fold.addWidget(self.more)
        fold.addStretch(1)
        self.layout_.addLayout(choose)
        for part in (self.invite, self.path, self.messages, self.question):
            self.layout_.addWidget(part)
        self.layout_.addLayout(fold)
        self.layout_.addWidget(self.fields)
        self.finish()
        self.where.editingFinished.connect(self.changed)
        for choice in (self.group, self.split):
            choice.activated.connect(lambda _index: self.changed.emit())

    def choose(self, path: Path) -> None:
        self._show_path(path)
        self.messages.show_lines([("note", "Looking at the pictures...")])
        self.data_chosen.emit(path)

    def forget(self) -> None:
        """Clear the selection among the pictures, and the columns to select by."""
        self.where.clear()
        self.where.setToolTip(WHERE_HELP)
        self.question.ask(None)
        self.show_offer(None)

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Choose pictures", str(self._path or ""))
        if name:
            self.choose(Path(name))

    def _choose_zip(self) -> None:
        start = str(self._path.parent) if self._path else ""
        name, _kind = QFileDialog.getOpenFileName(self, "Choose pictures", start, ARCHIVES)
        if name:
            self.choose(Path(name))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(_is_pictures(path) for path in dropped_paths(event.mimeData())):
            event.acceptProposedAction()
            self._mark(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark(False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self._mark(False)
        for path in dropped_paths(event.mimeData()):
            if _is_pictures(path):
                event.acceptProposedAction()
                self.choose(path)
                return

    def _mark(self, on: bool) -> None:
        self.invite.setText("Drop to use these pictures." if on else INVITE)
        self.invite.setVisible(on or self._path is None)

    def _toggle_more(self) -> None:
        self.fields.setVisible(self.fields.isHidden())
        icons.set_icon(self.more, "right" if self.fields.isHidden() else "down")

    def _show_path(self, path: Path | None) -> None:
        self._path = path
        self.path.setText(path.name if path else "")
        self.path.setToolTip(str(path) if path else "")
        self.path.setVisible(path is not None)
        self.invite.setVisible(path is None)

    def show_inspected(self, update: DataInspected) -> None:
        """Show the summary of the chosen pictures, or the problem with them."""
        if update.path != self._path:
            return
        self.question.ask(update.offer.question if update.offer else None)
        if update.offer is None:
            self.messages.show_lines([("error", update.problem)])
            return
        offer = update.offer
        kind = offer.kind[:1].upper() + offer.kind[1:]
        lines = [("good", f"{kind}: {offer.pictures:,} files.")]
        self.messages.show_lines([*lines, *(("warning", note) for note in offer.notes)])

    def show_offer(self, offer: DataSummary | None) -> None:
        """Set the columns to select by. The chosen ones stay if they are among them."""
        columns = list(offer.columns) if offer else []
        by_chance = BY_HASH if offer and offer.split_by_folder else ""
        for choice, suggested, none_text, none in (
            (self.group, offer.group if offer else None, "no groups", ""),
            (self.split, offer.split if offer else None, "by chance, 80/10/10", by_chance),
        ):
            before = choice.currentData()
            choice.clear()
            choice.addItem(none_text, none)
            for name in dict.fromkeys([*([suggested] if suggested else []), *columns]):
                choice.addItem(name, name)
            choice.setCurrentIndex(max(0, choice.findData(before)))
        if offer is not None and offer.columns:
            columns_text = "\n".join(f"{name}: {', '.join(v)}" for name, v in offer.columns.items())
            self.where.setToolTip(f"{WHERE_HELP}.\n\n{columns_text[:1500]}")

    def suggest(self, offer: DataSummary) -> None:
        """Make the selection that the data set suggests."""
        self.where.setText("; ".join(offer.where))
        for choice, name in ((self.group, offer.group), (self.split, offer.split)):
            choice.setCurrentIndex(max(0, choice.findData(name or "")))

    def show_plan(self, plan: TrainingPlan) -> None:
        self._show_path(plan.data)
        self.question.mark(plan.label)
        self.where.setText("; ".join(plan.where))
        for choice, name in ((self.group, plan.group), (self.split, plan.split)):
            if name and choice.findData(name) < 0:
                choice.addItem(name, name)
            choice.setCurrentIndex(max(0, choice.findData(name)))

    def apply_to(self, plan: TrainingPlan) -> TrainingPlan:
        conditions = (part.strip() for part in self.where.text().split(";"))
        return dataclasses.replace(
            plan,
            data=self._path,
            where=tuple(part for part in conditions if part),
            group=self.group.currentData() or "",
            split=self.split.currentData() or "",
        )


class ReadingQuestion(QWidget):
    """Question which folders are the classes, with a button for each reading; hidden while there is none."""

    chosen = Signal(str)  # the column of the reading

    def __init__(self) -> None:
        super().__init__()
        self._lines = column(self, spacing=0)
        self.buttons: dict[str, QRadioButton] = {}  # by column
        self.hide()

    def ask(self, question: Question | None) -> None:
        """Show the question, or none."""
        while (old := self._lines.takeAt(0)) is not None:
            if (widget := old.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.buttons = {}
        if question is not None:
            self._lines.addWidget(SeverityLabel("warning", f"{question.text}. Which are the classes?"))
        for reading in question.readings if question else ():
            choice = QRadioButton(shortened(reading.classes, MAX_READING).replace("&", "&&"))
            choice.setToolTip(f"The classes are {reading.classes}")
            choice.clicked.connect(lambda _on, name=reading.column: self.chosen.emit(name))
            self._lines.addWidget(choice)
            self.buttons[reading.column] = choice
        self.setVisible(question is not None)

    def mark(self, label: str) -> None:
        """Mark the reading whose column is the label, as when it was chosen elsewhere."""
        for name, choice in self.buttons.items():
            choice.setChecked(name == label)


def _is_pictures(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() == ".zip"
