# SPDX-License-Identifier: MIT
"""What a change does to a photograph: both verdicts beside each other, the brush, the controls, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QScrollArea, QSizePolicy, QToolButton, QWidget

from latent_explorer.explain.counterfactuals.photo_text import CONTROLS, conclusions, sentence
from latent_explorer.ui.photograph.change_list import ChangeList
from latent_explorer.ui.photograph.controls_view import ControlsView
from latent_explorer.ui.photograph.masked_view import MaskedView
from latent_explorer.ui.photograph.verdict_panel import CHANGED, VerdictPanel, captioned, empty_picture
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import SELECTABLE, button, column, hairline, hint, icon_button, row, title
from latent_explorer.ui.widgets.form import MessageLines
from latent_explorer.ui.widgets.image_view import CaptionedImage, ImageView
from latent_explorer.ui.widgets.mask_painter import GROWTH
from latent_explorer.ui.widgets.probability_bars import top_class_text

if TYPE_CHECKING:
    from PySide6.QtWidgets import QHBoxLayout

    from latent_explorer.app.photograph.controller import Case
    from latent_explorer.explain.attfind.sufficiency import Rate
    from latent_explorer.explain.counterfactuals.photo import Change, PhotoExplanation

COPY, PHOTO = "The model's copy", "The photograph"
PAINT = "Paint to allow it only there."
PLACE = "The same place with a control"
SOON = "soon"
FOOT = 19 * theme.UNIT  # px high
# As they stand in a narrow column; the tooltip has the words of the sentence.
NAMES = {
    "unedited": "Copy without the edit",
    "noise": "Noise as strong",
    "random": "Random edits as large",
    "weights": "Class weights alone",
}


class AnswerView(QWidget):
    """View of one photograph and one change. `painted(mask)` is emitted after a stroke, or when it was cleared."""

    painted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.copy = VerdictPanel(COPY, ImageView())
        self.masked = MaskedView()
        self.masked.painted.connect(self.painted)
        self.photo = VerdictPanel(PHOTO, self.masked)
        self.copy_text = hint("", wrap=False)
        self.region = hint(PAINT, wrap=False)
        self.erase = QToolButton()
        self.clear = button("Clear", self.masked.painter.clear, role="quiet")
        self.changes = ChangeList()
        self.controls = ControlsView()
        self.others = hint("")
        self.lines = MessageLines()
        self.sentence = hint("")
        self._build()

    def _build(self) -> None:
        self.erase.setText("Erase")
        self.erase.setProperty("role", "quiet")
        self.erase.setCheckable(True)
        self.erase.setAccessibleName("Erase what is painted")
        self.erase.setToolTip("Erase with the left button; the right one always does")
        self.erase.toggled.connect(self.masked.painter.set_erasing)
        self.clear.setToolTip("Allow the change everywhere again (Delete)")
        self.sentence.setTextInteractionFlags(SELECTABLE)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.sentence.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.SECTION)
        grid.setVerticalSpacing(theme.GAP // 2)
        grid.addWidget(self.copy, 0, 0)
        grid.addWidget(self.photo, 0, 1)
        grid.addWidget(self.copy_text, 1, 0)
        grid.addLayout(self._brush_row(), 1, 1)
        grid.setRowStretch(0, 1)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        layout = column(self, spacing=theme.GAP)
        layout.addLayout(grid, 1)
        layout.addWidget(hairline())
        layout.addLayout(self._foot())

    def _brush_row(self) -> QHBoxLayout:
        brush = self.masked.painter

        def scale(factor: float) -> None:
            brush.set_radius(brush.radius * factor)

        smaller = icon_button("remove", "Smaller brush (\N{MINUS SIGN})", lambda: scale(1 / GROWTH))
        larger = icon_button("add", "Larger brush (+)", lambda: scale(GROWTH))
        line = row(spacing=theme.GAP // 2)
        line.addWidget(self.region, 1)
        for each in (smaller, larger, self.erase, self.clear):
            line.addWidget(each)
        self._tools = smaller, larger, self.erase, self.clear
        return line

    def _foot(self) -> QHBoxLayout:
        """Return the changes to choose from, the controls of the chosen one, and what follows."""
        foot = row(spacing=theme.SECTION)
        for head, stretch, parts in (("What turns it", 3, (self.changes,)), (PLACE, 4, (self.controls, self.others))):
            stack = column(spacing=theme.GAP // 2)
            stack.addWidget(title(head))
            for part in parts:
                stack.addWidget(part)
            stack.addStretch(1)
            foot.addLayout(stack, stretch)
        words = QWidget()
        stack = column(words, spacing=theme.GAP // 2)
        stack.addWidget(self.lines)
        stack.addWidget(self.sentence, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setStyleSheet("QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; }")
        area.setMinimumHeight(FOOT)
        area.setWidget(words)
        foot.addWidget(area, 5)
        return foot

    def show_case(self, case: Case, names: tuple[str, ...], size: int, *, running: bool) -> None:
        """Show what is known of a photograph, with the change that is looked at.

        size   side of the model's pictures, px
        """
        found = case.explanation
        change = case.change
        if found is None:
            self._show_copy_so_far(case, names, size)
        elif change is None:
            self._show_unchanged(found, names, known=case.answered is not None)
        else:
            self._show_change(found, change, names)
        paintable = found is not None and bool(case.refined_for)
        self.masked.show_region(case.only, paintable=paintable)
        self._show_region(case, paintable=paintable, running=running)
        self.changes.show_changes(found, case.chosen)
        self.controls.show_rates([] if change is None else _rates(change))
        self.others.setText(_others_text(change))
        lines: list[tuple[str, str]] = [] if found is None else list(conclusions(found, change, names))
        self.lines.show_lines([*lines, *_cautions(case)])
        self.sentence.setText("" if found is None else sentence(found, names, change))
        report = case.best.report if case.best is not None else None
        so_far = "" if case.refined_for else " so far"
        self.copy_text.setText(f"{report.lpips_net}{so_far}: {report.lpips:.3f} to the photograph" if report else "")

    def _show_region(self, case: Case, *, paintable: bool, running: bool) -> None:
        """Say how much of the photograph the change takes, and how much it may."""
        for tool in self._tools:
            tool.setVisible(paintable)
        self.clear.setEnabled(case.only is not None)
        taken = f"The change takes {case.change.share:.0%} of it. " if case.change is not None else ""
        allowed = PAINT if case.only is None else f"It may be in {case.only.mean():.0%}."
        asking = " Asking..." if running and case.only is not None else ""
        self.region.setText(f"{taken}{allowed}{asking}" if paintable else "")

    def _show_copy_so_far(self, case: Case, names: tuple[str, ...], size: int) -> None:
        """Show the photograph, and its copy as it becomes better."""
        self.masked.set_mask(None)
        best = case.best
        if best is None:
            image = case.photo.crop_image(size)
            self.photo.show_only(CaptionedImage(image, "Photograph"), SOON)
            self.copy.show_only(CaptionedImage(empty_picture(image), "Copy", SOON, -1), SOON)
            return
        report, text = best.report, "Copy" if case.refined_for else "Copy so far"
        for panel, image, title_text, given in (
            (self.photo, best.target, "Photograph", report.probs_target),
            (self.copy, best.image, text, report.probs_reconstruction),
        ):
            probs = np.array(given)
            shot = CaptionedImage(image, title_text, top_class_text(names, probs), int(probs.argmax()))
            panel.show_only(shot, SOON)

    def _show_unchanged(self, found: PhotoExplanation, names: tuple[str, ...], *, known: bool) -> None:
        self.masked.set_mask(None)
        self.copy.show_only(captioned(found.copy, "Copy", names), "nothing to show" if known else SOON)
        self.photo.show_only(captioned(found.photo, "Photograph", names), "nothing to show" if known else SOON)

    def _show_change(self, found: PhotoExplanation, change: Change, names: tuple[str, ...]) -> None:
        self.copy.show_change(found.copy, change.copy, ("Copy", CHANGED), names)
        self.photo.show_change(found.photo, change.photo, ("Photograph", CHANGED), names)
        self.masked.set_mask(change.mask)
        aim = names[found.target]
        for panel, turns in ((self.copy, change.turns_copy), (self.photo, change.turns_photo)):
            panel.show_outcome(turns, f"turns to {aim}" if turns else f"does not turn to {aim}")


def _cautions(case: Case) -> list[tuple[str, str]]:
    """Return what is to be kept in mind about the copy of a photograph, as (severity, sentence)."""
    if case.best is None or not case.refined_for:
        return []
    report, lines = case.best.report, []
    if not report.in_domain:
        lines.append(("warning", f"{report.domain_reason} What is found with such a copy means little."))
    if not report.agreement:
        lines.append(("warning", "The classifier names another class for the copy than for the photograph."))
    return lines


def _rates(change: Change) -> list[tuple[str, str, Rate]]:
    """Return the controls of a change: name, whole name, and rate; random edits may follow."""
    rates = [(NAMES[key], text, getattr(change, key)) for key, text in CONTROLS.items()]
    return [(name, text, rate) for name, text, rate in rates if rate.n or rate is change.random]


def _others_text(change: Change | None) -> str:
    """Return whether other networks turn with the change."""
    asked = change.others.items() if change is not None else ()
    said = [f"{name} {'turns' if rate.count else 'does not turn'}" for name, rate in asked if rate.n]
    return f"Asked about the changed photograph: {', '.join(said)}." if said else ""
