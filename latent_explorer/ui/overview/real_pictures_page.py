# SPDX-License-Identifier: MIT
"""Page "Real pictures" of the overview: do real pictures bear out what each attribute draws?"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from latent_explorer.app.exploration.document import attribute_key
from latent_explorer.app.overview.real_pictures import RealPictures
from latent_explorer.common.format import duration_text, shortened
from latent_explorer.media.report.evidence import RULE, WORDS, sentence, signed, summary
from latent_explorer.ui.overview.class_legend import ClassLegend
from latent_explorer.ui.overview.end_strip import EndStrip
from latent_explorer.ui.overview.evidence_table import EvidenceTable
from latent_explorer.ui.overview.page import NO_ATTRIBUTES, NO_CLASSIFIER, NO_MODEL, OverviewPage
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import (
    ElidedLabel,
    EmptyState,
    NoWheelComboBox,
    Pages,
    button,
    column,
    hint,
    row,
)

if TYPE_CHECKING:
    from PySide6.QtWidgets import QHBoxLayout

    from latent_explorer.app.exploration.updates import AttributeId
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.common.events import Progress
    from latent_explorer.media.report.evidence import AttributeEvidence, Correlation, Evidence, Support
    from latent_explorer.models.attributes import Attribute

SPLITS = (("Training pictures", "train"), ("Validation pictures", "val"), ("Test pictures", "test"), ("All", "all"))
COUNTS = (500, 2_000, 10_000)
USUAL = 1  # of COUNTS
NO_ENCODER = (
    "This explainer has no encoder, so real pictures cannot be put in the order of its styles. "
    "`latent-explorer train-encoder` makes one."
)
NO_FOLDER = (
    "Sliders show what the generator draws. Choose the folder of real pictures that this explainer was made from, and "
    "see which attributes they bear out."
)
SHORT: dict[Support, str] = {
    "borne out": "borne out",
    "label alone": "with the label alone",
    "generator only": "only in the generator",
}
READY = "Look puts the real pictures in the order of each attribute's style, and compares that with their own verdicts."


class RealPicturesPage(OverviewPage):
    """Page with a folder to choose, a table of the attributes, and the pictures at both ends of the chosen one."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer)
        self.controller = RealPictures(explorer, self._show)
        self._wanted: AttributeId | None = None  # row to choose
        self._rows: list[AttributeId] = []
        self._chosen: AttributeEvidence | None = None
        self.folder_button = button("Choose pictures...", self._choose_folder, role="quiet", icon="open")
        self.folder = ElidedLabel()
        self.split, self.count = NoWheelComboBox("Which pictures"), NoWheelComboBox("Number of pictures")
        self.look = button("Look", self._look)
        self.nothing = EmptyState("image", NO_FOLDER, "Choose pictures...", self._act)
        self.summary, self.table = ElidedLabel(), EvidenceTable()
        self.highest, self.lowest = EndStrip("Highest"), EndStrip("Lowest")
        self.figures, self.line, self.classes = hint(""), ElidedLabel(), ClassLegend()
        self.copy = button("Copy as text", self._copy, role="quiet")
        self.export = button("Export...", self._export, icon="export")
        self._body = Pages()
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # takes the focus from the tabs, without a stop of its own
        self._build()
        self.table.chosen.connect(self._choose)
        self.split.activated.connect(lambda _index: self._show())

    def _build(self) -> None:
        for text, value in SPLITS:
            self.split.addItem(text, value)
        for count in COUNTS:
            self.count.addItem(f"up to {count:,}", count)
        self.count.setCurrentIndex(USUAL)
        self.split.setMinimumContentsLength(15)
        self.count.setMinimumContentsLength(10)
        for label in (self.line, self.folder):
            label.setProperty("role", "hint")
            label.setFont(theme.font(theme.SMALL))
        result = QWidget()
        layout = column(result, spacing=theme.GAP)
        layout.addWidget(self.summary)
        layout.addWidget(self.table, 1)
        ends = row(spacing=theme.MARGIN)
        for end in (self.highest, self.lowest):
            ends.addWidget(end, 1, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(ends)
        layout.addWidget(self.figures)
        layout.addLayout(self._foot())
        self._body.addWidget(self.nothing)
        self._body.addWidget(result)
        page = column(self.content, spacing=theme.GAP)
        page.addLayout(self._controls())
        page.addWidget(self._body, 1)
        page.addWidget(self.line)

    def _controls(self) -> QHBoxLayout:
        line = row(spacing=theme.GAP)
        line.addWidget(self.folder_button)
        line.addWidget(self.folder, 1)
        line.addWidget(self.split)
        line.addWidget(self.count)
        line.addWidget(self.look)
        return line

    def _foot(self) -> QHBoxLayout:
        line = row(spacing=theme.GAP)
        line.addWidget(self.classes)
        line.addStretch(1)
        line.addWidget(self.copy)
        line.addWidget(self.export)
        return line

    # what is shown ----------------------------------------------------------------------------

    def refresh(self) -> None:
        summary, state = self.explorer.summary, self.explorer.state
        if summary is None or state is None:
            self.show_empty(NO_MODEL)
        elif not summary.classifiers:
            self.show_empty(NO_CLASSIFIER)
        elif not self.controller.has_encoder:
            self.show_empty(NO_ENCODER)
        elif not self.controller.attributes():
            self.show_empty(NO_ATTRIBUTES)
        else:
            self.show_empty("")
            self._show()

    def show_attribute(self, attribute: Attribute) -> None:
        """Choose an attribute's row, as soon as it is known."""
        self._wanted = attribute_key(attribute), attribute.target
        self._show()

    def _show(self) -> None:
        controller, answer = self.controller, self.controller.answer
        folder = controller.folder
        self.folder.setText("" if folder is None else self._folder_text(folder))
        self.folder.setToolTip("" if folder is None else str(folder))
        measuring = controller.measuring
        self.look.setText("Stop" if measuring else "Look")
        self.look.setEnabled(measuring or folder is not None)
        self.look.setVisible(measuring or answer is not None)  # else the empty page has the button
        said = _progress_text(controller.progress) if measuring else ""
        self.nothing.sentence.setText(said or (NO_FOLDER if folder is None else READY))
        if self.nothing.button is not None:
            if measuring and self.nothing.button.hasFocus():
                self.setFocus()  # else the focus of a button that is hidden goes to the first tab
            self.nothing.button.setVisible(not measuring)
            self.nothing.button.setText("Choose pictures..." if folder is None else "Look")
        self._body.setCurrentIndex(0 if answer is None else 1)
        self.line.setVisible(answer is not None)
        if answer is not None:
            self.line.setText(said or answer.labels)
            self._show_evidence(answer.evidence)

    def _folder_text(self, folder: Path) -> str:
        name, made_from = shortened(folder.name, 40), self.controller.made_from
        other = made_from and made_from not in (folder.name, folder.stem)
        return f"{name} (made from {made_from})" if other else name

    def _show_evidence(self, evidence: Evidence) -> None:
        state = self.explorer.state
        assert state is not None
        found = {key: each for key, each in self.controller.found.items() if key[1] == state.target_class}
        counts = ", ".join(f"{evidence.count(support)} {SHORT[support]}" for support in WORDS)
        self.summary.setText(f"Of {len(evidence.attributes)} attributes: {counts} ({evidence.n:,} real pictures)")
        self.summary.setToolTip(f"{summary(evidence)}\n\n{RULE}")
        self.classes.show_classes(evidence.class_names)
        if list(found) == self._rows and list(found.values()) == self.table.evidence.rows and self._wanted is None:
            return
        wanted = self._wanted if self._wanted in found else next(iter(self._rows[self._current() :]), None)
        self._rows, self._wanted = list(found), None
        at = self._rows.index(wanted) if wanted in self._rows else 0
        self.table.show_rows(list(found.values()), evidence.strata, at)
        self.table.updateGeometry()
        self._choose(at)

    def _current(self) -> int:
        return max(0, self.table.currentIndex().row())

    def _choose(self, place: int) -> None:
        """Show the pictures and figures of a row."""
        rows, answer = self.table.evidence.rows, self.controller.answer
        self._chosen = rows[place] if 0 <= place < len(rows) else None
        each = self._chosen
        for part in (self.highest, self.lowest, self.figures, self.copy):
            part.setVisible(each is not None)
        if each is None or answer is None:
            return
        names = answer.evidence.class_names
        self.highest.show_end(each.highest, each.target, names)
        self.lowest.show_end(each.lowest, each.target, names)
        self.figures.setText(
            f"Rank correlation with the log-odds: within the {answer.evidence.strata} "
            f"{figures_text(each.partial)}. Over all pictures {figures_text(each.overall)}."
        )

    # what is done -----------------------------------------------------------------------------

    def _act(self) -> None:
        """Do what the button of the empty page says."""
        if self.controller.folder is None:
            self._choose_folder()
        else:
            self._look()

    def _look(self) -> None:
        if self.controller.measuring:
            self.controller.cancel()
        else:
            self.controller.measure(self.split.currentData(), self.count.currentData())

    def _choose_folder(self) -> None:
        known = self.controller.folder
        start = str(known.parent) if known else self.explorer.settings.last_folder
        chosen = QFileDialog.getExistingDirectory(self, "Choose real pictures", start)
        if chosen:
            self.choose_folder(Path(chosen))

    def choose_folder(self, folder: Path) -> None:
        """Take real pictures from a folder, and look at them."""
        self.controller.choose_folder(folder)
        if not self.controller.measuring:
            self._look()

    def _copy(self) -> None:
        answer = self.controller.answer
        if answer is not None and self._chosen is not None:
            QApplication.clipboard().setText(sentence(answer.evidence, self._chosen))
            self.line.setText("Copied as a sentence.")

    def _export(self) -> None:
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        start = Path(self.explorer.settings.last_folder or documents) / "evidence.html"
        chosen, _kind = QFileDialog.getSaveFileName(
            self, "Export the evidence", str(start), "Web page (*.html);;Table (*.csv)"
        )
        if chosen:
            self.controller.export(Path(chosen))


def _progress_text(progress: Progress | None) -> str:
    if progress is None:
        return "Waiting to begin"
    if progress.total <= 1:
        return f"{progress.message}..."
    said = f"{progress.message}: {progress.done:,} of {progress.total:,}"
    if progress.seconds_left is not None and math.isfinite(progress.seconds_left):
        said += f", {duration_text(progress.seconds_left)} left of this part"
    return said


def figures_text(each: Correlation) -> str:
    """Return a correlation with its interval and controls."""
    low, high = each.interval
    given = "" if each.given is None else f", with the class given to the generator {signed(each.given)}"
    return (
        f"{signed(each.value)} [{signed(low)}, {signed(high)}] (random coordinates {signed(each.random)}, "
        f"shuffled {signed(each.shuffled)}{given})"
    )
