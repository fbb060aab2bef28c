# SPDX-License-Identifier: MIT
"""Dialog that finds directions: by which method, towards which class, in which rows of the latent, and how many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from latent_explorer.common.format import shortened
from latent_explorer.common.glossary import meaning
from latent_explorer.explain.direction_search.settings import (
    LOSS_TITLES,
    MAX_COUNT,
    TARGETED,
    TITLES,
    GuidedSettings,
    Identity,
    Loss,
    Method,
    SearchSettings,
)
from latent_explorer.models.foreign_files import file_pattern
from latent_explorer.models.summary import row_names
from latent_explorer.ui.attributes.given_button import GivenButton
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import OF_MODEL, NoWheelComboBox, button, column, hint, row, tip, title
from latent_explorer.ui.widgets.form import FormGrid
from latent_explorer.ui.widgets.number_box import NumberBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.models.summary import ExplainerSummary

WIDTH = 52 * theme.UNIT  # px
SENTENCES: dict[Method, str] = {
    "guided": "Searches, with the classifier's gradient, for one change that moves every picture towards the class and "
    "leaves the rest of it as it is. About a minute per direction.",
    "boundary": "Fits a plane between the latents of the class and the others, and moves across it. Says how well it "
    "separates them. For labels of your own see Label pictures (Explain menu).",
    "ganspace": "The principal components of the latents: what differs most between the pictures of this model.",
    "sefa": "What changes the styles most, from the weights of the model alone.",
}
AMOUNT_SENTENCE = (
    "Searches for one change that moves the probability of the class by as much as you ask for, up or down, and says "
    "how far the slider moves for it. A few minutes per direction."
)
NETWORK: Literal["network"] = "network"
IDENTITIES: dict[Identity | Literal["network"], str] = {
    "auto": "The picture",
    "lpips": "The picture, by LPIPS",
    "features": "The classifier's features",
    "none": "Nothing",
    NETWORK: "What a network of yours sees...",
}
NETWORKS = f"Classifiers, checkpoints, programs ({file_pattern('.explainer')})"
LOSSES: tuple[Loss, ...] = tuple(LOSS_TITLES)


class FindDirectionsDialog(QDialog):
    """Choice of the settings of a search for directions."""

    chosen = Signal(object, object, object)  # SearchSettings, directions that are given, file of an embedding or None

    def __init__(
        self,
        summary: ExplainerSummary,
        class_names: Sequence[str],
        target: int,
        directions: Sequence[tuple[str, Direction]] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty(OF_MODEL, True)
        self.setWindowTitle("Find directions")
        self._methods = [m for m in SENTENCES if class_names or m not in TARGETED]
        self.method, self.target = NoWheelComboBox("Method"), NoWheelComboBox("Towards")
        self.loss = NoWheelComboBox("How far")
        self.loss.addItems([LOSS_TITLES[loss] for loss in LOSSES])
        self.identity = NoWheelComboBox("What stays")
        self.identity.addItems([*IDENTITIES.values()])
        by_lpips = list(IDENTITIES).index("lpips")
        self.identity.setItemData(by_lpips, tip(meaning("lpips")), Qt.ItemDataRole.ToolTipRole)
        self.embedding: Path | None = None
        self._identity = 0  # chosen before
        self.given = GivenButton()
        self._directions = directions
        self.first, self.last = NoWheelComboBox("First row"), NoWheelComboBox("Last row")
        self.count = NumberBox("Directions", 1, min(MAX_COUNT, summary.w_dim))
        self.sentence, self.about_count = hint(""), hint("for each class", wrap=False)
        self.go = button("Find", self.accept, role="primary")
        self.go.setDefault(True)
        rows = row_names(summary)
        self.method.addItems([TITLES[method] for method in self._methods])
        for box in (self.first, self.last):
            box.addItems(rows)
        self.last.setCurrentIndex(len(rows) - 1)
        self.count.setMinimumHeight(theme.CONTROL)
        self._names = [shortened(name) for name in class_names]
        self._build()
        self.method.currentIndexChanged.connect(self._show_method)
        self.loss.currentIndexChanged.connect(self._show_loss)
        self.identity.activated.connect(self._choose_identity)
        self.target.currentIndexChanged.connect(self._show_count)
        self._show_method()
        if self._names:
            self.target.setCurrentIndex(1 + target)

    def _build(self) -> None:
        self.sentence.setFixedWidth(WIDTH)
        self.sentence.setMinimumHeight(3 * self.sentence.fontMetrics().height())  # of the longest: nothing moves
        grid = FormGrid()
        grid.add("Method", self.method)
        grid.add("Towards", self.target)
        grid.add("How far", self.loss)
        grid.add("What stays", self.identity)
        grid.add("Conditional on", self.given)
        grid.add("First row", self.first)
        grid.add("Last row", self.last)
        grid.add("Directions", self.count, self.about_count)
        tried = hint(
            "Each direction becomes a slider. It is tried on pictures that it was not found with, beside random "
            "directions of the same length; you can go on working meanwhile."
        )
        tried.setFixedWidth(WIDTH)
        foot = row()
        foot.addStretch(1)
        foot.addWidget(button("Cancel", self.reject))
        foot.addWidget(self.go)
        layout = column(self, spacing=theme.MARGIN, margin=theme.SECTION)
        layout.addWidget(title("Find directions"))
        layout.addLayout(grid)
        layout.addWidget(self.sentence)
        layout.addWidget(tried)
        layout.addLayout(foot)

    @property
    def settings(self) -> SearchSettings:
        """What is chosen; whichever end of the rows was chosen first."""
        first, last = sorted((self.first.currentIndex(), self.last.currentIndex()))
        everywhere = (first, last) == (0, self.last.count() - 1)
        target = self.target.currentIndex() - 1
        return SearchSettings(
            self._chosen,
            target=target if target >= 0 else None,
            rows=None if everywhere else (first, last),
            count=self.count.count,
            guided=GuidedSettings(loss=LOSSES[self.loss.currentIndex()], identity=self._chosen_identity),
        )

    @property
    def _chosen_identity(self) -> Identity:
        key = list(IDENTITIES)[self.identity.currentIndex()]
        return "auto" if key == NETWORK else key

    def _choose_identity(self, index: int) -> None:
        """Ask for the file of a network, where that is chosen; without one it stays as it was."""
        if index == self.identity.count() - 1:
            name, _kind = QFileDialog.getOpenFileName(self, "Choose a network", "", NETWORKS)
            if name:
                self.embedding = Path(name)
                self.identity.setItemText(index, f"What {shortened(self.embedding.name, 30)} sees")
            elif self.embedding is None:
                self.identity.setCurrentIndex(self._identity)
                return
        self._identity = index

    @property
    def _chosen(self) -> Method:
        return self._methods[self.method.currentIndex()]

    def _show_method(self) -> None:
        """Show what the method does, and what it can lead to."""
        kept, before = self.target.currentIndex(), self.target.count()
        self.target.clear()
        self.target.addItems(["Every class" if self._chosen in TARGETED else "No class", *self._names])
        self.target.setCurrentIndex(kept if before else 0)
        self.target.setEnabled(bool(self._names))
        self.loss.setEnabled(self._chosen == "guided")
        self.identity.setEnabled(self._chosen == "guided")
        self.given.show_directions(self._directions if self._chosen == "boundary" else ())
        self._show_sentence()
        self.count.setValue(1 if self._chosen in TARGETED else 5)
        self._show_count()

    def _show_loss(self) -> None:
        """Show what stays by default: the picture, and nothing with a requested amount, as published."""
        usual, nothing = (list(IDENTITIES).index(key) for key in ("auto", "none"))
        amount = LOSSES[self.loss.currentIndex()] == "amount"
        if self.identity.currentIndex() == (usual if amount else nothing):
            self._identity = nothing if amount else usual
            self.identity.setCurrentIndex(self._identity)
        self._show_sentence()

    def _show_sentence(self) -> None:
        amount = self._chosen == "guided" and LOSSES[self.loss.currentIndex()] == "amount"
        self.sentence.setText(AMOUNT_SENTENCE if amount else SENTENCES[self._chosen])

    def _show_count(self) -> None:
        each = self._chosen in TARGETED and self.target.currentIndex() == 0
        self.about_count.setVisible(each)

    def accept(self) -> None:
        """Accept, and say what was chosen."""
        super().accept()
        by_network = self._chosen == "guided" and self.identity.currentIndex() == self.identity.count() - 1
        self.chosen.emit(self.settings, self.given.given, self.embedding if by_network else None)
