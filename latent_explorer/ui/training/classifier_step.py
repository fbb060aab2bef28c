# SPDX-License-Identifier: MIT
"""Step 2 of the guided start: the classifier to explain, trained from a label or taken from an explainer or a file."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHeaderView,
    QRadioButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from latent_explorer.common.format import shortened
from latent_explorer.data.labels import EMPTY, parse_classes, write_classes
from latent_explorer.models.foreign_files import file_pattern, whole_model
from latent_explorer.ui.style import theme
from latent_explorer.ui.training.form_step import FormStep
from latent_explorer.ui.widgets.basics import (
    ElidedLabel,
    NoWheelComboBox,
    button,
    column,
    hint,
    icon_button,
    plain,
    row,
    warning,
)
from latent_explorer.ui.widgets.form import FormGrid, MessageLines

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from latent_explorer.app.training.plan import TrainingPlan
    from latent_explorer.app.training.updates import ClassifierDescribed, DataInspected
    from latent_explorer.data.summary import DataSummary

FILES = f"Classifiers, explainers, checkpoints ({file_pattern('.explainer')})"
NO_LABELS = "These pictures have no labels. Open a classifier, or train one on other pictures."
ASK_LABEL = "It is in doubt which folders are the classes: choose the label that holds them."
SHOWN_CLASSES = 3
UNNAMED = "The file names no classes. Drop it on the window to name them, and to see its verdicts on your pictures."
COLUMNS = ("Class", "Value", "Pictures")
HELP = (
    "Untick what to leave out. Double-click a name, or press F2, to change it. "
    "Values with the same name become one class."
)
TOO_FEW = "A classifier needs at least two classes."
NAME_SEPARATORS = str.maketrans(",=", "  ")  # they end a name in `--classes`


class ClassifierStep(FormStep):
    """Step for the classifier.

    Emits `data_chosen` with the classifier's own pictures, or None for the explainer's, and `file_chosen` with a file
    whose classifier is to be described.
    """

    FIELDS = ("classifier_from", "classifier", "classifier_data", "label", "classes")
    data_chosen = Signal(object)
    file_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(2, "Classifier")
        self._offer: DataSummary | None = None
        self._classes = ""
        self.own_data: Path | None = None  # the classifier's own pictures, if it has any
        self._file: Path | None = None
        self._open: Path | None = None  # file of the explainer on the screen
        self.train = QRadioButton("Train one here from labels")
        self.from_open = QRadioButton("Of the open explainer")
        self.from_file = QRadioButton("From a file")
        self.train.setChecked(True)
        self.label = NoWheelComboBox("Label")
        self.label.setToolTip("What the classifier distinguishes: a column of the labels, or the class folders")
        self.classes = plain("")
        self.classes.setWordWrap(True)
        self.classes.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.classes.setFont(theme.font(theme.SMALL))
        self.classes.setAccessibleName("Classes")
        self.doubt = hint("")
        self.edit = button("Edit...", self._edit_classes, role="quiet")
        self.edit.setAccessibleName("Choose and name the classes")
        self.data_label = ElidedLabel("the same pictures")
        self.data_label.setAccessibleName("Pictures of the classifier")
        self.other = button("Others...", self._choose_data, role="quiet")
        self.other.setToolTip("Train the classifier on other pictures than the explainer")
        self.same = icon_button("close", "Train it on the same pictures", self._same_data)
        self.messages = MessageLines()
        self.file = ElidedLabel()
        self.file.setAccessibleName("Classifier's file")
        self.choose = button("Choose...", self._choose_file)
        self.recognised = MessageLines()
        self.open_hint = hint("", wrap=False)
        self._build()
        self.show_open(None)
        self.show_offer(None)

    def _build(self) -> None:
        self.trained = QWidget()
        inner = FormGrid()
        self.trained.setLayout(inner)
        inner.setContentsMargins(3 * theme.UNIT, 0, 0, 0)
        inner.setColumnMinimumWidth(0, 7 * theme.UNIT)
        inner.add("Label", self.label)
        inner.add("Classes", self.classes, self.edit)
        inner.addWidget(self.doubt, inner.rowCount(), 1)
        inner.add("Pictures", self.data_label, self.same, self.other)
        self.chosen = QWidget()
        lines = column(self.chosen, spacing=theme.GAP // 2)
        lines.setContentsMargins(3 * theme.UNIT, 0, 0, 0)
        line = row()
        line.addWidget(self.file, 1)
        line.addWidget(self.choose)
        lines.addLayout(line)
        lines.addWidget(self.recognised)
        options = column(spacing=0)
        open_line = row()
        open_line.addWidget(self.from_open)
        open_line.addWidget(self.open_hint, 1)
        for part in (self.train, self.trained):
            options.addWidget(part)
        options.addLayout(open_line)
        options.addWidget(self.from_file)
        options.addWidget(self.chosen)
        self.layout_.addLayout(options)
        self.layout_.addWidget(self.messages)
        self.finish()
        for option in (self.train, self.from_open, self.from_file):
            option.clicked.connect(self._choose_way)
        self.label.activated.connect(self._choose_label)

    def _choose_way(self) -> None:
        self._show_way()
        if self.from_file.isChecked() and self._file is None:
            self._choose_file()
        self.changed.emit()

    def _choose_label(self) -> None:
        self._classes = self._usual_classes()
        self._show_classes()
        self.changed.emit()

    def _choose_file(self) -> None:
        start = str(self._file.parent) if self._file else ""
        name, _kind = QFileDialog.getOpenFileName(self, "Choose a classifier", start, FILES)
        if name:
            self.set_classifier_file(Path(name))

    def set_classifier_file(self, path: Path) -> None:
        """Explain the classifier of this file."""
        self._file = path = whole_model(path)
        self.recognised.show_lines([("note", "Looking at the file...")])
        self.file_chosen.emit(path)
        self.from_file.setChecked(True)
        self._show_way()
        self.changed.emit()

    def show_described(self, update: ClassifierDescribed) -> None:
        """Show what was recognised in the file."""
        if update.path != self._file:
            return
        if update.problem:
            self.recognised.show_lines([("error", update.problem)])
            return
        names = ", ".join(shortened(name, 20) for name in update.class_names[:SHOWN_CLASSES])
        more = len(update.class_names) - SHOWN_CLASSES
        lines = [("good", f"{update.network}: {names}{f' and {more:,} more' if more > 0 else ''}.")]
        if not update.named:
            lines.append(("warning", UNNAMED))
        self.recognised.show_lines(lines)

    def _choose_data(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Choose the classifier's pictures", str(self.own_data or ""))
        if name:
            self.set_own_data(Path(name))

    def set_own_data(self, path: Path) -> None:
        """Train the classifier on these pictures."""
        self.own_data = path
        self._classes = ""
        self.show_offer(None)
        self.messages.show_lines([("note", "Looking at the pictures...")])
        self._show_way()
        self.data_chosen.emit(path)

    def _same_data(self) -> None:
        self.own_data = None
        self._classes = ""
        self.messages.show_lines([])
        self._show_way()
        self.data_chosen.emit(None)

    def _edit_classes(self) -> None:
        counts, names = self._values()
        if not counts:
            return
        dialog = ClassesDialog(counts, names, self._classes, self._doubtful(), self.window())
        if dialog.exec():
            self._classes = dialog.classes()
            self._show_classes()
            self.changed.emit()

    def show_open(self, path: Path | None) -> None:
        """Set the file of the explainer on the screen, whose classifier can be chosen."""
        self._open = path
        self.from_open.setEnabled(path is not None)
        self.open_hint.setText(path.stem if path else "none is open")
        if path is None and self.from_open.isChecked():
            self.train.setChecked(True)
        self._show_way()

    def show_inspected(self, update: DataInspected) -> None:
        """Show the summary of the labelled pictures, or the problem with them."""
        self.show_offer(update.offer)
        lines = [("error", update.problem)] if update.offer is None and self.own_data else []
        if update.offer is not None and self.own_data:
            lines = [("good", f"{update.offer.kind}: {update.offer.pictures:,} files.")]
        self.messages.show_lines(lines)

    def show_offer(self, offer: DataSummary | None) -> None:
        """Set the columns that can be a label. The chosen one stays if it is among them."""
        before = self.label.currentData()
        self._offer = offer
        self.label.clear()
        for name in offer.columns if offer else {}:
            self.label.addItem(name, name)
        self.label.setCurrentIndex(self._index_of(before))
        self.label.setEnabled(self.label.count() > 0)
        self._show_classes()

    def suggest(self, offer: DataSummary) -> None:
        """Choose the label that the data set suggests."""
        self.label.setCurrentIndex(self._index_of(offer.label))
        self._classes = self._usual_classes()
        self._show_classes()

    def _index_of(self, label: str | None) -> int:
        """Return the place of a label, or else of the first one, unless it is asked which it is."""
        asked = self._offer is not None and self._offer.question is not None
        return max(-1 if asked else 0, self.label.findData(label)) if self.label.count() else -1

    def choose_label(self, name: str) -> None:
        """Choose a label as if by hand."""
        self.label.setCurrentIndex(self._index_of(name))
        self._choose_label()

    def missing(self) -> str:
        if self._offer is None or not self.train.isChecked():
            return ""
        if not self._offer.columns:
            return NO_LABELS
        return ASK_LABEL if self._offer.question and self.label.currentIndex() < 0 else ""

    def _values(self) -> tuple[dict[str, int], dict[str, str]]:
        """Return the number of pictures by value of the chosen label, and the known names of values."""
        key, offer = self.label.currentData() or "", self._offer
        return (offer.columns.get(key, {}), offer.value_names.get(key, {})) if offer else ({}, {})

    def _doubtful(self) -> tuple[str, ...]:
        """Return the values of the chosen label that may mean that there is none."""
        return self._offer.doubtful.get(self.label.currentData() or "", ()) if self._offer else ()

    def _usual_classes(self) -> str:
        """Return the choice of all values but the doubtful ones; "" if there are none but empty cells."""
        counts, names = self._values()
        sure = {value: names.get(value, value) for value in counts if value not in self._doubtful()}
        return write_classes(sure) if set(self._doubtful()) - {EMPTY} else ""

    def _show_doubt(self, chosen: Collection[str]) -> None:
        """Tell which values are left out because they may mean that there is no label, and how to take them."""
        counts, _names = self._values()
        left = [value for value in self._doubtful() if value not in chosen]
        said = ", ".join(shortened(value, 20) for value in left)
        count = sum(counts[value] for value in left)
        self.doubt.setText(f"{said}: {count:,} pictures, left out as without a label. Edit to make them a class.")
        self.doubt.setVisible(bool(left))

    def _show_classes(self) -> None:
        counts, names = self._values()
        chosen = parse_classes(self._classes) if self._classes else {}
        self._show_doubt(chosen)
        sizes: Counter[str] = Counter()  # several values may make one class
        for value in chosen or [value for value in counts if value not in self._doubtful()]:
            sizes[chosen.get(value) or names.get(value, value)] += counts.get(value, 0)
        shown = [f"{name} ({size:,})" for name, size in sizes.items()]
        text = ", ".join(shown)
        if len(shown) > SHOWN_CLASSES:
            smallest, largest = min(sizes.values()), max(sizes.values())
            text = f"{len(shown)} classes of {smallest:,} to {largest:,} pictures"
        self.classes.setText(text or "\N{EN DASH}")
        self.classes.setToolTip("\n".join(shown[:40]))
        self.edit.setEnabled(bool(counts))

    def _show_way(self) -> None:
        self.trained.setVisible(self.train.isChecked())
        self.messages.setVisible(self.train.isChecked() and bool(self.messages.texts))
        self.chosen.setVisible(self.from_file.isChecked())
        self.file.setText(self._file.name if self._file else "none chosen yet")
        self.file.setToolTip(str(self._file or ""))
        self.data_label.setText(self.own_data.name if self.own_data else "the same pictures")
        self.data_label.setToolTip(str(self.own_data or ""))
        self.same.setVisible(self.own_data is not None)

    def show_plan(self, plan: TrainingPlan) -> None:
        self._classes, self.own_data = plan.classes, plan.classifier_data
        is_open = plan.classifier is not None and plan.classifier == self._open
        if plan.classifier_from == "train":
            self.train.setChecked(True)
        elif is_open:
            self.from_open.setChecked(True)
        else:
            self.from_file.setChecked(True)
        if plan.classifier is not None and not is_open and plan.classifier != self._file:
            self._file = plan.classifier
            self.recognised.show_lines([])
        if plan.label and self.label.findData(plan.label) < 0:
            self.label.addItem(plan.label, plan.label)
        self.label.setCurrentIndex(self.label.findData(plan.label))
        self._show_way()
        self._show_classes()

    def apply_to(self, plan: TrainingPlan) -> TrainingPlan:
        trains = self.train.isChecked()
        file = self._open if self.from_open.isChecked() else self._file
        return dataclasses.replace(
            plan,
            label=self.label.currentData() or "",
            classes=self._classes,
            classifier_from="train" if trains else "file",
            classifier=None if trains else file,
            classifier_data=self.own_data if trains else None,
        )


class ClassesDialog(QDialog):
    """Dialog that selects among the values of a label and names the classes."""

    def __init__(
        self,
        counts: Mapping[str, int],
        names: Mapping[str, str],
        chosen: str,
        doubtful: Collection[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        """Fill the table: `counts` and known `names` by value, `chosen` from an earlier `classes()`.

        The `doubtful` values may mean that there is no label, and are not ticked unless chosen.
        """
        super().__init__(parent)
        self.setWindowTitle("Classes")
        self.resize(52 * theme.UNIT, 44 * theme.UNIT)
        self._names = {value: names.get(value, value) for value in counts}
        self._plain = {value: name for value, name in self._names.items() if value not in doubtful}
        self._asked = bool(set(doubtful) - {EMPTY})  # without a choice these would be classes
        kept = parse_classes(chosen) if chosen else {}
        self.table = QTableWidget(len(counts), len(COLUMNS))
        self.table.setAccessibleName("Classes")
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.setTabKeyNavigation(False)
        for at, (value, count) in enumerate(counts.items()):
            self._fill(at, value, count, kept)
        self.problem = warning()
        self.ok = button("Use these classes", self.accept, role="primary")
        self.ok.setDefault(True)
        layout = column(self, spacing=theme.MARGIN, margin=theme.MARGIN)
        layout.addWidget(hint(HELP))
        layout.addWidget(self.table, 1)
        layout.addWidget(self.problem)
        buttons = row()
        buttons.addStretch(1)
        buttons.addWidget(button("Cancel", self.reject))
        buttons.addWidget(self.ok)
        layout.addLayout(buttons)
        self.table.itemChanged.connect(self._check)
        self._check()

    def _fill(self, at: int, value: str, count: int, kept: Mapping[str, str]) -> None:
        name = QTableWidgetItem(kept.get(value) or self._names[value])
        name.setData(Qt.ItemDataRole.UserRole, value)
        on = value in (kept or self._plain)
        name.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.table.setItem(at, 0, name)
        fixed = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        for place, text in ((1, value), (2, f"{count:,}")):
            item = QTableWidgetItem(text)
            item.setFlags(fixed)
            if place == 2:
                right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                item.setTextAlignment(right)
            self.table.setItem(at, place, item)

    def _chosen(self) -> dict[str, str]:
        made = {}
        for at in range(self.table.rowCount()):
            item = self.table.item(at, 0)
            if item is not None and item.checkState() == Qt.CheckState.Checked:
                value = item.data(Qt.ItemDataRole.UserRole)
                made[value] = " ".join(item.text().translate(NAME_SEPARATORS).split()) or value
        return made

    def classes(self) -> str:
        """Return the choice as `--classes` takes it, "0=diseased,1=healthy"; empty if nothing was changed."""
        chosen = self._chosen()
        return "" if chosen == self._plain and not self._asked else write_classes(chosen)

    def _check(self) -> None:
        enough = len(set(self._chosen().values())) >= 2
        self.ok.setEnabled(enough)
        self.problem.setText("" if enough else TOO_FEW)
        self.problem.setVisible(not enough)
