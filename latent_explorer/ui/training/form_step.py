# SPDX-License-Identifier: MIT
"""Base class of the steps of the training form."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import column, row, title
from latent_explorer.ui.widgets.form import MessageLines

if TYPE_CHECKING:
    from latent_explorer.app.training.plan import TrainingPlan

MIN_WIDTH = 26 * theme.UNIT  # px
HEAD_HEIGHT = 20  # px, height of the title's line, as of a tight button


class FormStep(QWidget):
    """Column of the form with a numbered title and its problems. Emits `changed` when the user made a choice."""

    FIELDS: ClassVar[tuple[str, ...]] = ()  # of the plan that this step fills
    changed = Signal()

    def __init__(self, number: int, name: str) -> None:
        super().__init__()
        self.setMinimumWidth(MIN_WIDTH)
        self.setAccessibleName(f"Step {number}: {name}")
        self.problems = MessageLines()
        self.layout_ = column(self, spacing=theme.GAP)
        self.head = row()
        digit = title(str(number))
        digit.setFixedSize(2 * theme.UNIT, HEAD_HEIGHT)
        self.head.addWidget(digit)
        self.head.addWidget(title(name), 1)
        self.layout_.addLayout(self.head)

    def finish(self) -> None:
        """Add the problems, and room below; call it after the step's own rows."""
        self.layout_.addWidget(self.problems)
        self.layout_.addStretch(1)

    def missing(self) -> str:
        """Return a problem of the choices that a plan does not contain, in one sentence; empty if there is none."""
        return ""

    def apply_to(self, plan: TrainingPlan) -> TrainingPlan:
        """Return `plan` with this step's choices."""
        raise NotImplementedError

    def show_plan(self, plan: TrainingPlan) -> None:
        """Show a plan's choices. Emits nothing."""
        raise NotImplementedError


def scrolling(page: QWidget) -> QScrollArea:
    """Return a scroll area without frame around a page."""
    page.setProperty("role", "page")
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(page)
    return area
