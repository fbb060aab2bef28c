# SPDX-License-Identifier: MIT
"""Page "Two classifiers" of the overview: both lists beside each other, and both verdicts, live."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QBoxLayout, QFileDialog, QScrollArea, QWidget

from latent_explorer.app.overview.parted import reading
from latent_explorer.app.overview.two_classifiers import TwoClassifiers, comparison_sentences
from latent_explorer.common.format import duration_text, shortened
from latent_explorer.media.report.versions_page import regressions_sentence
from latent_explorer.ui.attributes.classifier_selector import classifier_label, details_of
from latent_explorer.ui.overview.both_verdicts import VerdictRows
from latent_explorer.ui.overview.effect_scatter import EffectScatter
from latent_explorer.ui.overview.move_lists import LINK, MoveLists
from latent_explorer.ui.overview.page import NO_CLASSIFIER, NO_MODEL, OverviewPage
from latent_explorer.ui.overview.parted_strip import PartedStrip
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
    from PySide6.QtGui import QResizeEvent
    from PySide6.QtWidgets import QVBoxLayout

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.overview.two_classifiers import BothVerdicts
    from latent_explorer.explain.report.shared_edits import ListEdit
    from latent_explorer.explain.report.two_classifiers import Comparison, SharedMove
    from latent_explorer.models.summary import ClassifierSummary

BESIDE = 112 * theme.UNIT  # px that the page needs to show the figures beside the lists
COUNTS = (60, 125, 250)  # pictures
ONE = "There is one classifier to ask. Classifier from file adds another: a .classifier, or that of an .explainer."
SAME = "A and B are the same classifier. Choose another one for either."
OTHER_CLASSES = "A and B tell different classes, so that only their verdicts on the picture can be shown."
READY = (
    "Compare searches for what A and B look at, on the same pictures, and asks both about every move that is found. "
    "It takes some minutes; you can go on working."
)
PHOTOGRAPHS = (
    "Open a folder of labelled photographs: those that only A calls right stand first, then those that only B does"
)
FILES = "Web page (*.html);;JSON (*.json);;CSV (*.csv)"
HELP = (
    "Mean effects on the class's log-odds, in standard deviations, on the same pictures. Click a move to see that edit."
)


class TwoClassifiersPage(OverviewPage):
    """Page for two classifiers: choosers, both verdicts, then the comparison."""

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer)
        self.controller = TwoClassifiers(explorer, self._show, self._show_verdicts)
        self._found: Comparison | None = None  # in view
        self._names: dict[SharedMove, str] = {}  # of the moves in view
        self._disagreement = -1
        self.choices = (NoWheelComboBox("Classifier A"), NoWheelComboBox("Classifier B"))
        self.file = button("Classifier from file...", self._choose_file, role="quiet", icon="open")
        self.count = NoWheelComboBox("Number of pictures")
        self.compare = button("Compare", self._compare)
        self.target = NoWheelComboBox("Class")
        self.verdicts = VerdictRows()
        self.nothing = EmptyState("search", READY, "Compare", self._compare)
        self.lists, self.scatter = MoveLists(), EffectScatter()
        self.heads = (ElidedLabel(), ElidedLabel())
        self.summary, self.figures, self.correlation = ElidedLabel(), hint(""), hint("")
        self.disagree = button("Next disagreement", self._next_disagreement, role="quiet")
        self.copy = button("Copy as text", self._copy, role="quiet")
        self.export = button("Export...", self._export, icon="export")
        self.photographs = button("Photographs...", self._choose_photographs, role="quiet")
        self.parted = PartedStrip()
        self.line = ElidedLabel(HELP)
        self._body = Pages()
        self._build()
        self._connect()

    def _build(self) -> None:
        for count in COUNTS:
            self.count.addItem(f"{count} pictures", count)
        self.count.setCurrentIndex(len(COUNTS) - 1)
        self.photographs.setToolTip(PHOTOGRAPHS)
        self.parted.setVisible(False)
        self.line.setProperty("role", "hint")
        self.line.setFont(theme.font(theme.SMALL))
        self.line.setToolTip(HELP)
        self._body.addWidget(self.nothing)
        self._body.addWidget(self._result())
        layout = column(self.content, spacing=theme.GAP)
        layout.addLayout(self._controls())
        layout.addWidget(self.verdicts)
        layout.addWidget(self.parted)
        layout.addWidget(self._body, 1)
        layout.addWidget(self.line)

    def _controls(self) -> QVBoxLayout:
        lines = column(spacing=theme.GAP)
        line = row(spacing=theme.GAP)
        for letter, box in zip("AB", self.choices, strict=True):
            box.setMinimumContentsLength(9)
            line.addWidget(hint(letter, wrap=False))
            line.addWidget(box, 1)
        line.addWidget(self.file)
        lines.addLayout(line)
        line = row(spacing=theme.GAP)
        line.addWidget(hint("Towards", wrap=False))
        self.target.setMinimumContentsLength(12)
        self.count.setMinimumContentsLength(10)
        line.addWidget(self.target)
        line.addWidget(self.photographs)
        line.addStretch(1)
        line.addWidget(self.count)
        line.addWidget(self.compare)
        lines.addLayout(line)
        return lines

    def _result(self) -> QScrollArea:
        """Return the lists beside the figures; below them where there is no room beside."""
        page = QWidget()
        self._halves = row(page, spacing=theme.SECTION)
        left = column(spacing=theme.GAP // 2)
        heads = row(spacing=LINK)
        for head in self.heads:
            head.setProperty("role", "title")
            heads.addWidget(head, 1)
        left.addWidget(self.summary)
        left.addLayout(heads)
        left.addWidget(self.lists)
        left.addStretch(1)
        self._halves.addLayout(left, 5)
        self._halves.addLayout(self._side(), 3)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setStyleSheet("QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; }")
        area.setWidget(page)
        return area

    def _side(self) -> QVBoxLayout:
        side = column(spacing=theme.GAP)
        side.addWidget(self.scatter, 1)
        side.addWidget(self.correlation)
        side.addWidget(self.figures)
        buttons = row(spacing=theme.GAP)
        self.disagree.setToolTip("Show a picture of which A and B say different things, the next one at each click")
        buttons.addWidget(self.disagree)
        buttons.addStretch(1)
        buttons.addWidget(self.copy)
        buttons.addWidget(self.export)
        side.addLayout(buttons)
        return side

    def _connect(self) -> None:
        for box in self.choices:
            box.activated.connect(lambda _index: self._choose())
        self.target.activated.connect(lambda _index: self._show())
        for view in (self.lists, self.scatter):
            view.opened.connect(self._open)
        self.lists.current_changed.connect(self._describe)
        self.parted.described.connect(self.line.setText)
        self.parted.opened.connect(self._open_photograph)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = self.width() >= BESIDE
        direction = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        self._halves.setDirection(direction)

    # what is shown ----------------------------------------------------------------------------

    def refresh(self) -> None:
        summary, state = self.explorer.summary, self.explorer.state
        if summary is None or state is None:
            self.show_empty(NO_MODEL)
            return
        if not self.controller.classifiers:
            self.show_empty(NO_CLASSIFIER)
            return
        self.show_empty("")
        self._list_classifiers()
        self._choose()

    def rest(self) -> None:
        self.controller.watch(None)

    def _list_classifiers(self) -> None:
        """List the classifiers, keeping what is chosen; else the first two."""
        known = self.controller.classifiers
        for which, box in enumerate(self.choices):
            chosen = box.currentData()
            if [box.itemData(i) for i in range(box.count())] == [each.classifier_id for each in known]:
                continue
            box.clear()
            for index, each in enumerate(known):
                box.addItem(shortened(classifier_label(each, known), 60), each.classifier_id)
                box.setItemData(index, details_of(each), Qt.ItemDataRole.ToolTipRole)
            found = box.findData(chosen)
            box.setCurrentIndex(found if found >= 0 else min(which, len(known) - 1))

    def _pair(self) -> tuple[ClassifierSummary, ClassifierSummary] | None:
        known = {each.classifier_id: each for each in self.controller.classifiers}
        both = [known.get(box.currentData()) for box in self.choices]
        return None if both[0] is None or both[1] is None else (both[0], both[1])

    def _choose(self) -> None:
        """Offer the classes of A, and watch the picture on the canvas with both."""
        pair = self._pair()
        if pair is None:
            return
        names = list(pair[0].class_names)
        if [self.target.itemText(i) for i in range(self.target.count())] != [shortened(n, 40) for n in names]:
            state = self.explorer.state
            self.target.clear()
            self.target.addItems([shortened(name, 40) for name in names])
            target = state.target_class if state and state.classifier_id == pair[0].classifier_id else 0
            self.target.setCurrentIndex(min(target, len(names) - 1))
        self._show()
        if self.isVisible():
            ids = pair[0].classifier_id, pair[1].classifier_id
            self.controller.watch(ids)
            if not self._problem(*pair):
                self.controller.photographs.ask(ids)

    def _show(self) -> None:
        """Show what is known of the two."""
        pair = self._pair()
        if pair is None:
            return
        first, second = pair
        target = max(0, self.target.currentIndex())
        self.verdicts.show_classifiers(first, second, first.class_names[target])
        self._show_parted((first.classifier_id, second.classifier_id))
        found = self.controller.found(first.classifier_id, second.classifier_id)
        problem = self._problem(first, second)
        comparing, progress = self.controller.comparing, self.controller.progress
        self.compare.setText("Stop" if comparing else "Compare")
        self.compare.setEnabled(comparing or not problem)
        self.compare.setVisible(comparing or bool(problem) or found is not None)  # else the empty page has the button
        self.nothing.sentence.setText(problem or READY)
        if self.nothing.button is not None:
            self.nothing.button.setVisible(not problem and not comparing)
        if comparing:
            said = f"{progress.message}: {progress.done:,} of {progress.total:,}" if progress else "Waiting to begin"
            if progress and progress.seconds_left is not None and math.isfinite(progress.seconds_left):
                said += f", {duration_text(progress.seconds_left)} left of this part"
            self.nothing.sentence.setText(said)
            self.line.setText(said if found else "")
        elif self.line.text() != HELP:
            self.line.setText(HELP)
        self._body.setCurrentIndex(0 if found is None else 1)
        if found is not None:
            self._show_comparison(found, target)

    def _problem(self, first: ClassifierSummary, second: ClassifierSummary) -> str:
        if first.classifier_id == second.classifier_id:
            return SAME if len(self.controller.classifiers) > 1 else ONE
        return "" if sorted(first.class_names) == sorted(second.class_names) else OTHER_CLASSES

    def _show_comparison(self, found: Comparison, target: int) -> None:
        """Show a comparison, unless it is in view under the same names."""
        moves = [move for move in found.moves if move.target == target]
        names = {move: shortened(self.controller.name_of(move), 40) for move in moves}
        if found is self._found and names == self._names:
            return
        self._found, self._names = found, names
        self.lists.show_moves(moves, names)
        self.scatter.show_moves(moves, names)
        for letter, head, name in zip("AB", self.heads, found.names, strict=True):
            head.setText(f"{letter}: {shortened(name, 40)}")
        each = found.correlations[target]
        self.correlation.setText(
            f"Rank correlation of the effects: {_number(each.listed)} of the {each.moves} listed moves, which were "
            f"chosen for a large effect on one; {_number(each.all_predicted)} of all moves, predicted by gradient. "
            "Dots: in both lists; triangles: only A's; squares: only B's."
        )
        self.summary.setText(_summary(found))
        self.summary.setToolTip(self.summary.text())
        a, b = found.agreements
        lines = [_turned(each) for each in found.edits if each.target == target]
        lines.append(f"Completed at random from what was seen, A's list is the same by {a:.0%}, B's by {b:.0%}.")
        self.figures.setText("\n".join(lines))
        self.disagree.setEnabled(bool((found.verdicts[:, 0] != found.verdicts[:, 1]).any()))

    def _show_parted(self, ids: tuple[str, str]) -> None:
        """Show the photographs on which the two part, regressions first, if a folder was opened."""
        known = self.controller.photographs
        found, problem = known.found(ids), known.problem(ids)
        self.parted.setVisible(known.path is not None and (known.asking or found is not None or bool(problem)))
        if found is not None and found.parted.right is not None:
            said = regressions_sentence(found.parted.right, found.parted.groups)
            self.parted.show_pictures(f"{said} {reading(found)}", found.parted.pictures)
        elif known.asking:
            at = known.progress
            self.parted.show_sentence(f"{at.message}: {at.done:,} of {at.total:,}" if at else "Waiting to begin")
        else:
            self.parted.show_sentence(problem)

    def _show_verdicts(self, found: BothVerdicts) -> None:
        self.verdicts.show_verdicts(found)

    # what is done -----------------------------------------------------------------------------

    def _open(self, move: SharedMove) -> None:
        self.lists.choose(move)
        self.scatter.choose(move)
        self.controller.show_move(move, self.controller.name_of(move))

    def _describe(self, _move: SharedMove) -> None:
        self.line.setText(self.lists.accessibleDescription())

    def _compare(self) -> None:
        pair = self._pair()
        if self.controller.comparing:
            self.controller.cancel()
        elif pair is not None:
            self.controller.compare(pair[0].classifier_id, pair[1].classifier_id, self.count.currentData())

    def _choose_file(self) -> None:
        chosen, _kind = QFileDialog.getOpenFileName(
            self, "Classifier from file", str(Path.home()), "Classifiers (*.classifier *.explainer)"
        )
        if chosen:
            self.add_file(Path(chosen))

    def add_file(self, path: Path) -> None:
        """Read a classifier from a file and choose it as B."""

        def added(classifier: ClassifierSummary) -> None:
            self._list_classifiers()
            self.choices[1].setCurrentIndex(self.choices[1].findData(classifier.classifier_id))
            self._choose()

        self.controller.add_file(path, added)

    def _choose_photographs(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Labelled photographs", str(Path.home()))
        if chosen:
            self.open_photographs(Path(chosen))

    def open_photographs(self, path: Path) -> None:
        """Ask both classifiers about a folder of labelled photographs."""
        pair = self._pair()
        if pair is None:
            return
        if problem := self._problem(*pair):
            self.line.setText(problem)
        else:
            self.controller.photographs.open(path, (pair[0].classifier_id, pair[1].classifier_id))

    def _open_photograph(self, name: str) -> None:
        """Open a photograph in the main window, as if it was dropped there."""
        folder = self.controller.photographs.path
        if folder is not None and (folder / name).is_file():
            self.explorer.open_path(folder / name)
        else:
            self.line.setText(f"{shortened(name, 40)} is inside a zip, so it cannot be opened by itself.")

    def _next_disagreement(self) -> None:
        """Show the next picture on which the two part, from the first on again after the last."""
        found = self._found
        if found is None:
            return
        parted = np.flatnonzero(found.verdicts[:, 0] != found.verdicts[:, 1])
        later = parted[parted > self._disagreement]
        self._disagreement = int(later[0] if len(later) else parted[0])
        self.controller.show_picture(self._disagreement)

    def _copy(self) -> None:
        if self._found is not None:
            QApplication.clipboard().setText(comparison_sentences(self._found))
            self.line.setText("Copied as sentences.")

    def _export(self) -> None:
        found = self._found
        if found is None:
            return
        chosen, _kind = QFileDialog.getSaveFileName(
            self, "Export the comparison", str(Path.home() / "two-classifiers.html"), FILES
        )
        if chosen:
            self.controller.export(found, Path(chosen))


def _summary(found: Comparison) -> str:
    """Return how often the two agree, and how many coordinates they share."""
    low, high = found.same_verdicts.interval
    split = {key: len(each) for key, each in found.coordinates.items()}
    return (
        f"Same verdict on {found.same_verdicts.share:.0%} of {found.n} pictures ({low:.0%} to {high:.0%}). Coordinates "
        f"in both lists: {split['both']}, only in A's: {split['first']}, only in B's: {split['second']}."
    )


def _turned(each: ListEdit) -> str:
    """Return what a list's moves together, and the random edit as large, did to the verdicts of both."""
    (a, b), (a_large, b_large) = each.edit.both, each.as_large.both
    name = "AB"[each.list_of]
    if not a.n:
        return f"All of {name}'s list together: no picture is of another class for both."
    return (
        f"All of {name}'s list together, {a.n} pictures: turns A in {a.share:.0%}, B in {b.share:.0%}; "
        f"a random edit as large {a_large.share:.0%}, {b_large.share:.0%}."
    )


def _number(value: float) -> str:
    return f"{value:+.2f}" if math.isfinite(value) else "unknown"
