# SPDX-License-Identifier: MIT
"""First and last page of the study wizard: the questions that are asked, and the words that participants read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLineEdit, QPlainTextEdit, QWidget

from latent_explorer.studies.build.texts import StudyTexts
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import button, column, hint, plain, row, title
from latent_explorer.ui.widgets.number_box import NumberBox

if TYPE_CHECKING:
    from latent_explorer.studies.build.plan import StudySettings

NUMBER_WIDTH = 11 * theme.UNIT  # px
# Settings whose fields have their names
COUNTS = ("items", "verbal_items", "catch", "seed", "tile")
AMOUNTS = ("reach", "seconds", "verbal_seconds")
COHERENCE = (
    "Shows two examples of a change and asks which of two pictures changes in the same way. Tests whether an "
    "attribute is one thing."
)
DISTINCTNESS = (
    "Asks what changes, in one to four words. Tests whether people see different things in different attributes."
)
CATCH = "A question that everybody who looks answers correctly. Participants who fail it are left out of the score."
PUBLISHED = "Published studies: 6 attributes with 3 questions each, full change, 512 px, 0.75 s per frame (verbal 1 s)."


def whole(name: str, low: int, high: int, *, step: int = 1, unit: str = "") -> NumberBox:
    """Return a field for a whole number."""
    return _sized(NumberBox(name, low, high, step=step, unit=unit))


def decimal(name: str, low: float, high: float, step: float, unit: str = "") -> NumberBox:
    """Return a field for a number with two decimals."""
    return _sized(NumberBox(name, low, high, decimals=2, step=step, unit=unit))


def _sized(field: NumberBox) -> NumberBox:
    field.setFixedWidth(NUMBER_WIDTH)
    return field


class QuestionsPage(QWidget):
    """Page of the kinds and numbers of questions; settings that are seldom changed are under More."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.classification = QCheckBox("Which one changes in the same way?")
        self.items = whole("Classification questions per attribute", 1, 50)
        self.verbal = QCheckBox("What changes?")
        self.verbal_items = whole("Verbal questions per attribute", 1, 20)
        self.catch = whole("Catch trials", 0, 20)
        self.practice = QCheckBox("Start each kind with a practice question")
        self.seed = whole("Seed", 0, 2**31 - 1)
        self.reach = decimal("Size of the change", 0.05, 5, 0.25)
        self.tile = whole("Width of a picture", 64, 1024, step=64, unit="px")
        self.seconds = decimal("Seconds per frame", 0.2, 5, 0.25, "s")
        self.verbal_seconds = decimal("Seconds per frame of a verbal question", 0.2, 5, 0.25, "s")
        self._build()
        for name in (*COUNTS, *AMOUNTS):
            getattr(self, name).valueChanged.connect(self._on_change)
        for box in (self.classification, self.verbal, self.practice):
            box.toggled.connect(self._on_change)

    def _build(self) -> None:
        layout = column(self, spacing=theme.GAP)
        for box, text, field in (
            (self.classification, COHERENCE, self.items),
            (self.verbal, DISTINCTNESS, self.verbal_items),
        ):
            layout.addWidget(box)
            layout.addWidget(_indented(hint(text)))
            layout.addWidget(_indented(_line("Questions per attribute", field)))
            layout.addSpacing(theme.GAP)
        layout.addWidget(_line("Catch trials", self.catch))
        layout.addWidget(hint(CATCH))
        layout.addWidget(self.practice)
        self.fold = button("More", self._unfold, role="fold")
        icons.set_icon(self.fold, "right")
        layout.addWidget(self.fold, alignment=Qt.AlignmentFlag.AlignLeft)
        self.more = QWidget()
        grid = QGridLayout(self.more)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.MARGIN)
        for line, (name, widget) in enumerate(
            (
                ("Seed", self.seed),
                ("Size of the change (1: up to the end seen in the data)", self.reach),
                ("Width of a picture", self.tile),
                ("Seconds per frame: which one changes", self.seconds),
                ("Seconds per frame: what changes", self.verbal_seconds),
            )
        ):
            grid.addWidget(plain(name), line, 0)
            grid.addWidget(widget, line, 1)
        grid.addWidget(hint(PUBLISHED), 5, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        self.more.hide()
        layout.addWidget(self.more)
        layout.addStretch(1)

    def _unfold(self) -> None:
        self.more.setVisible(self.more.isHidden())
        self.fold.setText("More" if self.more.isHidden() else "Less")
        icons.set_icon(self.fold, "right" if self.more.isHidden() else "down")

    def _on_change(self) -> None:
        self.items.setEnabled(self.classification.isChecked())
        self.catch.setEnabled(self.classification.isChecked())
        self.verbal_items.setEnabled(self.verbal.isChecked())
        self.changed.emit()

    def show_settings(self, settings: StudySettings) -> None:
        self.classification.setChecked("classification" in settings.kinds)
        self.verbal.setChecked("verbal" in settings.kinds)
        self.practice.setChecked(settings.practice)
        for name in (*COUNTS, *AMOUNTS):
            getattr(self, name).setValue(getattr(settings, name))

    def collect(self, settings: StudySettings) -> StudySettings:
        """Return `settings` with the choices of this page."""
        kinds = [k for k, box in (("classification", self.classification), ("verbal", self.verbal)) if box.isChecked()]
        return msgspec.structs.replace(
            settings,
            kinds=tuple(kinds),
            practice=self.practice.isChecked(),
            **{name: getattr(self, name).count for name in COUNTS},
            **{name: getattr(self, name).number for name in AMOUNTS},
        )


def _line(name: str, field: QWidget) -> QWidget:
    box = QWidget()
    line = row(box)
    label = plain(name)
    label.setBuddy(field)
    line.addWidget(label)
    line.addStretch(1)
    line.addWidget(field)
    return box


def _indented(widget: QWidget) -> QWidget:
    box = QWidget()
    line = row(box, spacing=0)
    line.addSpacing(22)  # aligned with the text of the check box above
    line.addWidget(widget, 1)
    return box


FIELDS = (
    ("title", "Title", 1),
    ("contact", "Contact", 1),
    ("consent", "Introduction", 5),
    ("classification", "Which one changes in the same way?", 4),
    ("verbal", "What changes?", 4),
    ("thanks", "Closing words", 2),
)
WHERE_TO = "Under Contact, say where to send the file with the answers and whom to ask."


class TextsPage(QWidget):
    """Page of the longer texts; the short words can be changed in a file for `study build --texts`."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._texts = StudyTexts()
        self.fields: dict[str, QLineEdit | QPlainTextEdit] = {}
        layout = column(self, spacing=theme.GAP // 2)
        for name, label, lines in FIELDS:
            head = title(label)
            layout.addWidget(head)
            if lines == 1:
                line = QLineEdit()
                line.textChanged.connect(self.changed)
                self.fields[name] = line
            else:
                text = QPlainTextEdit()
                text.setTabChangesFocus(True)
                text.setProperty("role", "field")
                text.setMinimumHeight(lines * 19 + theme.MARGIN)
                text.textChanged.connect(self.changed)
                self.fields[name] = text
            field = self.fields[name]
            field.setAccessibleName(label)
            head.setBuddy(field)
            layout.addWidget(field, 0 if lines == 1 else lines)
            if name == "contact":
                layout.addWidget(hint(WHERE_TO))

    def show_texts(self, texts: StudyTexts) -> None:
        self._texts = texts
        for name, field in self.fields.items():
            text = getattr(texts, name)
            if isinstance(field, QLineEdit):
                field.setText(text)
            else:
                field.setPlainText(text)

    def collect(self) -> StudyTexts:
        """Return the texts as edited."""
        texts = {
            name: field.text() if isinstance(field, QLineEdit) else field.toPlainText()
            for name, field in self.fields.items()
        }
        return msgspec.structs.replace(self._texts, **{k: v.strip() for k, v in texts.items()})
