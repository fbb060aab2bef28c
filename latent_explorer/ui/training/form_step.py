# SPDX-License-Identifier: MIT
"""What the steps of the training form have in common: a numbered title, and problems named in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import column, row, title
from latent_explorer.ui.widgets.form import MessageLines

if TYPE_CHECKING:
    from latent_explorer.app.training.plan import TrainingPlan

LEAST = 26 * theme.UNIT  # px
HEAD = 20  # px, height of the title's line, as of a tight button


class FormStep(QWidget):
    """One column of the form. `changed` when the person chose; `apply_to` puts the choices into a plan."""

    FIELDS: ClassVar[tuple[str, ...]] = ()  # of the plan, that it fills and speaks for
    changed = Signal()

    def __init__(self, number: int, name: str) -> None:
        super().__init__()
        self.setMinimumWidth(LEAST)
        self.setAccessibleName(f"Step {number}: {name}")
        self.problems = MessageLines()
        self.layout_ = column(self, spacing=theme.GAP)
        self.head = row()
        digit = title(str(number))
        digit.setFixedSize(2 * theme.UNIT, HEAD)
        self.head.addWidget(digit)
        self.head.addWidget(title(name), 1)
        self.layout_.addLayout(self.head)

    def finish(self) -> None:
        """After the step's own rows: its problems, and room below."""
        self.layout_.addWidget(self.problems)
        self.layout_.addStretch(1)

    def missing(self) -> str:
        """What is wrong with the choices and cannot be seen in a plan, in one sentence; empty: nothing."""
        return ""

    def apply_to(self, plan: TrainingPlan) -> TrainingPlan:
        """`plan` with this step's choices."""
        raise NotImplementedError

    def show_plan(self, plan: TrainingPlan) -> None:
        """Show a plan's choices. Emits nothing."""
        raise NotImplementedError
