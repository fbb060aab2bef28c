# SPDX-License-Identifier: MIT
"""Page of a generator: what was recognised, its class if it draws several, and the classifier to explain with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QRadioButton, QWidget

from latent_explorer.app.importing.jobs import GeneratorChoices
from latent_explorer.common.format import shortened
from latent_explorer.models.foreign_files import file_pattern, whole_model
from latent_explorer.ui.importing.class_picker import ClassPicker
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, button, column, hint, plain, row, title
from latent_explorer.ui.widgets.form import FormGrid

if TYPE_CHECKING:
    from latent_explorer.app.importing.updates import GeneratorFacts

FILES = f"Classifiers, explainers, checkpoints ({file_pattern('.explainer')})"
WITHOUT = "None: seeds, own sliders, timelines and exports"
NEEDED = "It needs the classifier that it was trained for."
NAMED = "The file names no classes. These are ImageNet's names, which are right if it was trained on that."
NAMELESS = "The file names no classes, so choose by the number."
ONE_CLASS = "The explainer draws this class only: import once more for another."
COMPLETE = "It comes with the classifier to explain, and with encoded pictures. Nothing has to be chosen."
WITH = "With a classifier, 250 pictures are generated; Explain > Find attributes then searches them for its sliders."


class GeneratorPage(QWidget):
    """Page of a generator; `opened` is the explainer on the screen, whose classifier can be chosen."""

    changed = Signal()

    def __init__(self, facts: GeneratorFacts, opened: Path | None) -> None:
        super().__init__()
        self._needs_classifier = facts.needs_classifier
        self._file: Path | None = None
        self._opened = opened
        self.what = plain(f"{facts.source}: {facts.resolution} px, {facts.num_styles:,} style coordinates")
        self.class_index = ClassPicker(facts.classes, facts.class_names)
        self.none, self.file = QRadioButton(WITHOUT), QRadioButton("From a file")
        self.open = QRadioButton("The one of the open explainer")
        self.none.setChecked(True)
        self.open.setEnabled(opened is not None)
        if facts.needs_classifier:
            self.none.setEnabled(False)
            (self.file if opened is None else self.open).setChecked(True)
        self.open_hint = hint(shortened(opened.stem) if opened else "none is open", wrap=False)
        self.file_name = ElidedLabel("none chosen yet")
        self.choose = button("Choose...", self._choose)
        self.choose.setAutoDefault(False)
        self._conditional = facts.classes > 0
        self._build(facts)
        self.open.toggled.connect(self.changed)
        self.class_index.editTextChanged.connect(self.changed)
        self.file.clicked.connect(lambda: self._choose() if self._file is None else None)

    def _build(self, facts: GeneratorFacts) -> None:
        layout = column(self, spacing=theme.GAP)
        self.what.setWordWrap(True)
        layout.addWidget(self.what)
        for note in facts.notes:
            layout.addWidget(hint(shortened(note, 200)))
        if self._conditional:
            layout.addSpacing(theme.GAP)
            grid = FormGrid()
            grid.add("Class", self.class_index, hint(f"of {facts.classes:,} that it draws", wrap=False))
            layout.addLayout(grid)
            layout.addWidget(hint(f"{NAMED if facts.class_names else NAMELESS} {ONE_CLASS}"))
        layout.addSpacing(theme.GAP)
        if facts.complete:
            layout.addWidget(plain(COMPLETE))
            layout.addStretch(1)
            return
        layout.addWidget(title("Classifier"))
        layout.addWidget(self.none)
        open_line, file_line = row(), row()
        open_line.addWidget(self.open)
        open_line.addWidget(self.open_hint, 1)
        layout.addLayout(open_line)
        for part, stretch in ((self.file, 0), (self.file_name, 1), (self.choose, 0)):
            file_line.addWidget(part, stretch)
        layout.addLayout(file_line)
        layout.addWidget(hint(f"{NEEDED} {WITH}" if self._needs_classifier else WITH))
        layout.addStretch(1)

    def set_file(self, path: Path) -> None:
        """Explain the classifier of this file."""
        self._file = whole_model(path)
        self.file.setChecked(True)
        self.file_name.setText(shortened(self._file.name))
        self.file_name.setToolTip(str(self._file))
        self.changed.emit()

    @property
    def complete(self) -> bool:
        """Whether a class is chosen, if it draws several, and a classifier, if it needs one."""
        chosen = not self._conditional or self.class_index.index is not None
        return chosen and (not self._needs_classifier or self.open.isChecked() or self._file is not None)

    @property
    def suffix(self) -> str:
        """What the chosen class adds to the name of the explainer, which draws no other."""
        return f" class {self.class_index.index}" if self._conditional else ""

    def choices(self, out: Path) -> GeneratorChoices:
        """Return how the generator is to be written to `out`."""
        class_index = self.class_index.index if self._conditional else None
        classifier = self._file if self.file.isChecked() else self._opened if self.open.isChecked() else None
        return GeneratorChoices(out, class_index, classifier)

    def _choose(self) -> None:
        name, _kind = QFileDialog.getOpenFileName(self, "Choose a classifier", "", FILES)
        if name:
            self.set_file(Path(name))
        elif self._file is None and not self._needs_classifier:
            self.none.setChecked(True)
