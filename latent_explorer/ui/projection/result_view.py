# SPDX-License-Identifier: MIT
"""How faithful the projection on the canvas is: what the classifier says of both, cautions, and
figures with meanings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QSizePolicy, QWidget

from latent_explorer.explain.projection import report_text as projection_words
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, button, column, hint, icon_button, plain, row
from latent_explorer.ui.widgets.form import MessageLines

if TYPE_CHECKING:
    from latent_explorer.explain.projected import ProjectionReport

COMPARE_HELP = "Show the photo itself, as the generator sees it, in place of the reconstruction before the edits"


class ProjectionResultView(QWidget):
    """`compare_toggled(bool)`: the photo as the picture before, or the reconstruction.

    The others are about the shown one.
    """

    compare_toggled = Signal(bool)
    export_requested = Signal()
    remove_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name = ElidedLabel()
        self.name.setProperty("role", "title")
        self.name.setAccessibleName("Projected picture")
        self.method_summary = hint("")
        self.reason = hint("")
        self.lines = MessageLines()
        preferred = QSizePolicy.Policy.Preferred
        self.lines.setSizePolicy(preferred, preferred)  # as high as its sentences at this width
        self.figures = QGridLayout()
        self.figures.setHorizontalSpacing(theme.GAP)
        self.figures.setVerticalSpacing(2)
        self.figures.setColumnStretch(0, 1)
        self.compare = QCheckBox("Compare with the photo")
        self.compare.setToolTip(COMPARE_HELP)
        self.compare.clicked.connect(self.compare_toggled)
        export = button("Export...", self.export_requested.emit, role="quiet", icon="export")
        export.setToolTip("Save the projection, or its latent as numbers for other programs")
        remove = icon_button("delete", "Take it out of the projected pictures", self.remove_requested.emit)
        todo = row(spacing=0)
        todo.addWidget(export)
        todo.addStretch(1)
        todo.addWidget(remove)
        layout = column(self, spacing=theme.GAP)
        for part in (self.name, self.compare, self.lines):
            layout.addWidget(part)
        layout.addLayout(self.figures)
        layout.addWidget(self.method_summary)
        layout.addWidget(self.reason)
        layout.addLayout(todo)
        self._report: ProjectionReport | None = None
        self.hide()

    def show_report(self, report: ProjectionReport | None) -> None:
        """None hides it: what the canvas shows is no projection."""
        self.setVisible(report is not None)
        if report is None or report is self._report:
            return
        self._report = report
        self.name.setText(report.name)
        self.name.setToolTip(report.name)
        self.method_summary.setText(projection_words.method_summary(report))
        self.compare.setVisible(projection_words.has_photo(report))
        cautions = projection_words.cautions(report)
        first = projection_words.verdict(report)
        lines = [("warning", text) for text in cautions]
        if first[0] != "warning":
            lines.append(first)  # after what must be known before it is believed
        self.lines.show_lines(lines)
        reason = projection_words.domain_sentence(report)
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
        self._show_figures(report)

    def _show_figures(self, report: ProjectionReport) -> None:
        while (old := self.figures.takeAt(0)) is not None:
            if (widget := old.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for line, figure in enumerate(projection_words.figures(report)):
            name, value = hint(figure.name, wrap=False), plain(figure.value)
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            value.setAccessibleName(f"{figure.name} {figure.value}")
            for place, label in enumerate((name, value)):
                label.setToolTip(figure.meaning)
                self.figures.addWidget(label, line, place)

    def texts(self) -> list[str]:
        """What it says, for tests: name, sentences, figures."""
        labels = [item.widget() for i in range(self.figures.count()) if (item := self.figures.itemAt(i)) is not None]
        said = [label.text() for label in labels if isinstance(label, QLabel)]
        return [self.name.text(), *self.lines.texts, *said]
