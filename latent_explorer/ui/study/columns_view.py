# SPDX-License-Identifier: MIT
"""Which column of a survey service's export holds which question: a proposal that the person completes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QGridLayout, QScrollArea, QWidget

from latent_explorer.studies.scoring.columns import BY_NAME
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import ElidedLabel, column, hint, plain, title
from latent_explorer.ui.widgets.combo_box import NoWheelComboBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.studies.scoring.columns import Proposal

NONE = "no column"


class ColumnsView(QWidget):
    """A line a question; those that were not found by name can be changed."""

    def __init__(self) -> None:
        super().__init__()
        self._choices: dict[str, NoWheelComboBox] = {}
        self._proposals: tuple[Proposal, ...] = ()
        self.sentence = hint("")
        self._lines = QWidget()
        self._lines.setProperty("role", "page")
        self._grid = QGridLayout(self._lines)
        self._grid.setContentsMargins(0, 0, theme.GAP, 0)
        self._grid.setHorizontalSpacing(theme.MARGIN)
        self._grid.setVerticalSpacing(theme.GAP // 2)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self._lines)
        layout = column(self, spacing=theme.GAP)
        layout.addWidget(title("Columns of the export"))
        layout.addWidget(self.sentence)
        layout.addWidget(area, 1)

    def show_proposals(self, proposals: Sequence[Proposal], heads: Sequence[str]) -> None:
        """The proposal; `heads` are the columns to choose from."""
        self._proposals = tuple(proposals)
        self._choices.clear()
        while (old := self._grid.takeAt(0)) is not None:
            if (widget := old.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for line, proposal in enumerate(proposals):
            self._grid.addWidget(plain(proposal.item), line, 0)
            choice = NoWheelComboBox(f"Column of question {proposal.item}")
            choice.setMinimumContentsLength(16)
            choice.addItems([NONE, *heads])
            choice.setCurrentText(proposal.column or NONE)
            self._choices[proposal.item] = choice
            self._grid.addWidget(choice, line, 1)
            said = " · ".join(filter(None, (proposal.question, proposal.seen))) or proposal.how
            label = ElidedLabel(said)
            label.setToolTip(said)
            self._grid.addWidget(label, line, 2)
        self._grid.setColumnStretch(2, 1)
        self._grid.setRowStretch(len(proposals), 1)
        certain = sum(p.how == BY_NAME for p in proposals)
        self.sentence.setText(
            f"{certain} of {len(proposals)} questions were found by name. Check the others: they were put in order."
        )

    @property
    def certain(self) -> bool:
        """Whether every question was found by its code."""
        return all(p.how == BY_NAME for p in self._proposals)

    @property
    def columns(self) -> dict[str, str]:
        """Column by question, as it stands."""
        found = {item: choice.currentText() for item, choice in self._choices.items()}
        return {item: head for item, head in found.items() if head != NONE}
