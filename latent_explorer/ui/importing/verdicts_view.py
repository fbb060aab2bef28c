# SPDX-License-Identifier: MIT
"""Result of a check: twelve pictures with their verdicts, accuracies, and advice with buttons that follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPen, QPixmap
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QSizePolicy, QWidget

from latent_explorer.common.format import shortened
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, button, column, hint, plain, row, title
from latent_explorer.ui.widgets.form import SeverityLabel
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from PySide6.QtGui import QPaintEvent
    from PySide6.QtWidgets import QBoxLayout, QLayout

    from latent_explorer.app.importing.updates import CheckShown
    from latent_explorer.explain.report.classifier_check import Advice, ClassifierCheck, Verdict

SIDE = 11 * theme.UNIT  # px, of a picture
IN_ROW = 6
OTHER_LABELS = (
    "The pictures have other labels than the classifier has classes, so that no accuracy can be said. "
    "Choose another column, or look at the verdicts."
)
NO_LABELS = "The pictures have no labels, so that no accuracy can be said. Are the verdicts right?"


class Thumbnail(QLabel):
    """Picture with a frame in the colour of a warning where the verdict is wrong."""

    def __init__(self, image: np.ndarray, wrong: bool) -> None:
        super().__init__()
        self._wrong = wrong
        self.setFixedSize(SIDE, SIDE)
        self.setPixmap(QPixmap.fromImage(scaled(image, SIDE, self.devicePixelRatioF(), pixels=False)))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._wrong:
            painter = QPainter(self)
            painter.setPen(QPen(theme.current().color("warning"), 4))
            painter.drawRect(self.rect())


class VerdictCell(QWidget):
    """One picture, with the verdict and its probability below, and the label."""

    def __init__(self, verdict: Verdict, image: np.ndarray) -> None:
        super().__init__()
        wrong = verdict.right is False
        said = f"{shortened(verdict.verdict, 40)} {verdict.probability:.2f}"
        label = shortened(verdict.label, 40)
        beside = "" if not label else f"wrong: is {label}" if wrong else f"label {label}"
        self.verdict, self.label = ElidedLabel(said), ElidedLabel(beside)
        self.verdict.setProperty("role", "warning" if wrong else "plain")
        self.label.setProperty("role", "warning" if wrong else "hint")
        layout = column(self, spacing=2)
        layout.addWidget(Thumbnail(image, wrong), alignment=Qt.AlignmentFlag.AlignLeft)
        for each in (self.verdict, self.label):
            each.setFont(theme.font(theme.SMALL))
            layout.addWidget(each)
        self.label.setVisible(bool(label))
        self.setToolTip("\n".join(filter(None, (shortened(verdict.name, 100), f"Verdict: {said}", beside))))
        self.setAccessibleName(", ".join(filter(None, (shortened(verdict.name), said, beside))))


class AdviceLine(QWidget):
    """One piece of advice, with a button if it can be followed at once."""

    def __init__(self, advice: Advice, follow: Callable[[Advice], object]) -> None:
        super().__init__()
        line = row(self)
        line.addWidget(SeverityLabel(advice.severity, advice.text), 1)
        self.button = button("Use that", lambda: follow(advice))
        self.button.setAccessibleName(f"Use that: {advice.text}")
        self.button.setAutoDefault(False)
        self.button.setVisible(advice.preprocessing is not None or bool(advice.class_names))
        line.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignTop)


class VerdictsView(QScrollArea):
    """View of a check, complete or not. Emits `followed` with advice that the user takes."""

    followed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(IN_ROW * (SIDE + theme.GAP) + 2 * theme.UNIT)
        self.cells: list[VerdictCell] = []
        self.advice: list[AdviceLine] = []
        self.accuracy = plain("")
        self.accuracy.setWordWrap(True)
        self.note = hint("")
        self._grid, self._advice, self._figures = QGridLayout(), column(spacing=theme.GAP), row(spacing=theme.SECTION)
        self._grid.setHorizontalSpacing(theme.GAP)
        self._grid.setVerticalSpacing(theme.GAP)
        page = QWidget()
        page.setProperty("role", "page")
        layout = column(page, spacing=theme.MARGIN)
        layout.setContentsMargins(0, 0, theme.UNIT, 0)
        layout.addLayout(self._grid)
        layout.addWidget(self.accuracy)
        layout.addLayout(self._advice)
        layout.addLayout(self._figures)
        layout.addWidget(self.note)
        layout.addStretch(1)
        self.setWidget(page)

    def show_check(self, shown: CheckShown) -> None:
        """Show what is known so far."""
        check = shown.check
        _clear(self._grid)
        self.cells = [VerdictCell(v, image) for v, image in zip(check.verdicts, shown.pictures, strict=True)]
        for place, cell in enumerate(self.cells):
            cell.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            self._grid.addWidget(cell, place // IN_ROW, place % IN_ROW)
        for place in range(IN_ROW):
            self._grid.setColumnStretch(place, 1)
            self._grid.setColumnMinimumWidth(place, SIDE)
        self.accuracy.setText(accuracy_text(check))
        self.accuracy.setVisible(check.accuracy is not None)
        _clear(self._advice)
        self.advice = [AdviceLine(each, self.followed.emit) for each in shown.advice]
        for line in self.advice:
            self._advice.addWidget(line)
        _clear(self._figures)
        self._show_figures(check)
        labelled = any(verdict.label for verdict in check.verdicts)
        self.note.setText(OTHER_LABELS if labelled else NO_LABELS)
        self.note.setVisible(shown.complete and check.accuracy is None)

    def _show_figures(self, check: ClassifierCheck) -> None:
        """Show the accuracies with other preprocessings beside those on smaller pictures."""
        columns = (
            ("Right with pictures as", [(trial.text, trial.accuracy) for trial in check.trials[1:]]),
            ("Right on pictures reduced to", [(f"{size} px", share) for size, share in check.by_size]),
        )
        for head, rows in columns:
            table = QWidget()
            grid = QGridLayout(table)
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setHorizontalSpacing(theme.GAP)
            grid.setVerticalSpacing(2)
            grid.setColumnStretch(1, 1)
            grid.addWidget(title(head), 0, 0, 1, 2)
            for line, (text, share) in enumerate(rows, 1):
                grid.addWidget(hint(f"{share:.3f}", wrap=False), line, 0)
                grid.addWidget(hint(text, wrap=False), line, 1)
            grid.setRowStretch(len(rows) + 1, 1)
            table.setVisible(bool(rows))
            self._figures.addWidget(table, 1)


def accuracy_text(check: ClassifierCheck) -> str:
    """Return the accuracy with its interval as a sentence; "" without one."""
    if check.accuracy is None:
        return ""
    low, high = check.accuracy.interval
    hits = round(check.accuracy.share * check.n)
    return f"Right on {hits} of {check.n} pictures: {check.accuracy.share:.3f} (95 % interval {low:.3f} to {high:.3f})."


def _clear(layout: QLayout | QBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
