# SPDX-License-Identifier: MIT
"""Controls of the page "Mistakes": the folder, the column of labels, and which of its values is which class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget

from latent_explorer.app.overview.labelled_folder import LEFT_OUT, SIDES
from latent_explorer.common.format import shortened
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, NoWheelComboBox, button, column, hint, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.overview.labelled_folder import FolderQuestion
    from latent_explorer.data.summary import DataSummary

SIDE_NAMES = {"all": "all", "train": "training side", "val": "validation side", "test": "test side"}
SIDE_HELP = "Where the classifier was trained on these pictures, only its test side says how it does on others"
ONLY_HELP = "Count only pictures for which this is true: column=value,value. Separate several conditions by ;"
MOST_VALUES = 6  # of a column that can be given classes here
EVERYTHING, NOBODY = "all photographs", "(left out)"
ARCHIVES = "Zip files (*.zip)"


class FolderBar(QWidget):
    """Emits `folder_chosen(Path)`, `label_chosen(str)`, `by_chosen(str | None)`, and `asked(FolderQuestion)`."""

    folder_chosen = Signal(object)
    label_chosen = Signal(str)
    by_chosen = Signal(object)
    asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._question: FolderQuestion | None = None
        self._class_names: tuple[str, ...] = ()
        self._data: DataSummary | None = None
        self._folder: Path | None = None
        self.folder = button("Open folder...", self.choose_folder, icon="open")
        self.folder.setToolTip("Open a folder of labelled pictures; a folder or a zip can also be dropped here")
        self.archive = button("Zip...", self._choose_zip, role="quiet")
        self.name = ElidedLabel()
        self.label = NoWheelComboBox("Column of labels")
        self.side = NoWheelComboBox("Which pictures")
        self.by = NoWheelComboBox("Count by")
        self.only = QLineEdit()
        self.values: dict[str, NoWheelComboBox] = {}  # by label value
        self.note = hint("")
        self._fields, self._mapping = QWidget(), QWidget()
        self._map_line = row(self._mapping, spacing=theme.GAP)
        self._build()

    def _build(self) -> None:
        for side in SIDES:
            self.side.addItem(SIDE_NAMES[side], side)
        self.side.setToolTip(SIDE_HELP)
        self.side.setMinimumContentsLength(8)
        self.label.setMinimumContentsLength(9)
        self.by.setMinimumContentsLength(11)
        self.only.setPlaceholderText("all")
        self.only.setAccessibleName("Only")
        self.only.setToolTip(ONLY_HELP)
        first = row(spacing=theme.GAP)
        first.addWidget(self.folder)
        first.addWidget(self.archive)
        first.addWidget(self.name, 1)
        second = row(self._fields, spacing=theme.GAP)
        for text, widget, stretch in (
            ("Label", self.label, 0),
            ("Pictures", self.side, 0),
            ("Only", self.only, 1),
            ("Count by", self.by, 0),
        ):
            second.addWidget(hint(text, wrap=False))
            second.addWidget(widget, stretch)
        layout = column(self, spacing=theme.GAP)
        layout.addLayout(first)
        layout.addWidget(self._fields)
        layout.addWidget(self._mapping)
        layout.addWidget(self.note)
        self.label.activated.connect(lambda _index: self.label_chosen.emit(self.label.currentData()))
        self.by.activated.connect(lambda _index: self.by_chosen.emit(self.by.currentData()))
        self.side.activated.connect(lambda _index: self._ask(side=self.side.currentData()))
        self.only.editingFinished.connect(self._ask_only)

    def choose_folder(self) -> None:
        """Ask for a folder."""
        found = QFileDialog.getExistingDirectory(self, "Labelled pictures", str(self._folder or Path.home()))
        if found:
            self.folder_chosen.emit(Path(found))

    def _choose_zip(self) -> None:
        start = str(self._folder.parent if self._folder else Path.home())
        found, _kind = QFileDialog.getOpenFileName(self, "Labelled pictures", start, ARCHIVES)
        if found:
            self.folder_chosen.emit(Path(found))

    def show_folder(
        self,
        folder: Path | None,
        data: DataSummary | None,
        question: FolderQuestion | None,
        class_names: tuple[str, ...],
    ) -> None:
        """Show what was opened, and how its labels are read."""
        self._folder = folder
        self.name.setText(folder.name if folder else "")
        self.name.setToolTip(str(folder) if folder else "")
        for part in (self._fields, self._mapping):
            part.setVisible(question is not None and data is not None)
        self.note.setVisible(False)
        if question is None or data is None:
            self._question = self._data = None
            return
        if data is not self._data:
            self.label.clear()
            for key in data.columns:
                self.label.addItem(shortened(key, 30), key)
        if (question, class_names) != (self._question, self._class_names) or data is not self._data:
            self._question, self._class_names, self._data = question, class_names, data
            self.label.setCurrentIndex(self.label.findData(question.label))
            self.side.setCurrentIndex(self.side.findData(question.side))
            self.only.setText("; ".join(question.where))
            self._show_values(question)
        self._mapping.setVisible(bool(self.values))
        self.note.setText(self._note(question))
        self.note.setVisible(bool(self.note.text()))

    def show_columns(self, columns: Sequence[str], by: str | None) -> None:
        """Offer columns to count by."""
        if [self.by.itemData(i) for i in range(1, self.by.count())] != list(columns):
            self.by.clear()
            self.by.addItem(EVERYTHING, None)
            for key in columns:
                self.by.addItem(shortened(key, 30), key)
        self.by.setEnabled(bool(columns))
        self.by.setCurrentIndex(max(0, self.by.findData(by) if by is not None else 0))

    def _show_values(self, question: FolderQuestion) -> None:
        """Ask which value is which class, where that is not plain by their names."""
        while (old := self._map_line.takeAt(0)) is not None:
            if (widget := old.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.values = {}
        plain = all(value.casefold() == name.casefold() for value, name in question.classes.items())
        if plain or len(question.classes) > MOST_VALUES:
            return
        for value, name in question.classes.items():
            box = NoWheelComboBox(f"Class of {value}")
            for each in self._class_names:
                box.addItem(shortened(each, 30), each)
            box.addItem(NOBODY, LEFT_OUT)
            box.setCurrentIndex(box.findData(name))
            box.setMinimumContentsLength(9)
            box.activated.connect(lambda _index: self._ask_classes())
            self._map_line.addWidget(hint(f"{shortened(value, 16)} is", wrap=False))
            self._map_line.addWidget(box)
            self.values[value] = box
        self._map_line.addStretch(1)

    def _note(self, question: FolderQuestion) -> str:
        if question.guessed:
            return "The classes were taken in the order of the numbers. Correct them if that is wrong."
        missing = [value for value, name in question.classes.items() if name == LEFT_OUT]
        if not missing or len(missing) == len(question.classes):
            return ""
        some = ", ".join(shortened(value, 20) for value in missing[:5]) + (", ..." if len(missing) > 5 else "")
        return f"Left out, for they are no classes of the classifier: {some}."

    def _ask(self, **changes: object) -> None:
        if self._question is not None:
            self.asked.emit(replace(self._question, **changes))  # type: ignore[arg-type]

    def _ask_only(self) -> None:
        conditions = (part.strip() for part in self.only.text().split(";"))
        self._ask(where=tuple(part for part in conditions if part))

    def _ask_classes(self) -> None:
        self._ask(classes={value: box.currentData() for value, box in self.values.items()}, guessed=False)
