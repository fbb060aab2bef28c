# SPDX-License-Identifier: MIT
"""Dialog that searches for attributes: by which method, between which classes, on how many pictures, how far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QWidget

from latent_explorer.common.format import duration_text, shortened
from latent_explorer.common.glossary import meaning
from latent_explorer.explain.attfind.cost import CHOICES, LONG, USUAL
from latent_explorer.explain.attfind.plan import CHANNELS, SENTENCES, TITLES, SearchPlan, Way
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import OF_MODEL, NoWheelComboBox, button, column, hint, plain, row, tip, title
from latent_explorer.ui.widgets.form import FormGrid
from latent_explorer.ui.widgets.number_box import NumberBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.attfind.cost import SearchCost
    from latent_explorer.explain.attfind.question import Effect

WIDTH = 52 * theme.UNIT  # px
WAYS: tuple[Way, ...] = tuple(TITLES)
EFFECTS: dict[Effect, str] = {"logit": "Changes of the logits", "probability": "Changes of the probabilities"}
ENDS: dict[tuple[float, float] | None, str] = {
    None: "Minimum and maximum",
    (1.0, 99.0): "1st and 99th percentile",
    (5.0, 95.0): "5th and 95th percentile",
}
TORGB_HELP = "Search the styles of the toRGB layers, too, which change colours where the picture is put together"
REST = "Each class against the rest"
MOST_WANTED = 50  # attributes of a class
KAPPA_HELP = tip(meaning("kappa"))
TIMING = "Timing a few pictures..."


class FindAttributesDialog(QDialog):
    """Choice of the settings of a search for attributes, with what it takes here."""

    chosen = Signal(object)  # SearchPlan

    def __init__(
        self, class_names: Sequence[str], target: int, available: int, plan: SearchPlan, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty(OF_MODEL, True)
        self.setWindowTitle("Find attributes")
        self._cost: SearchCost | None = None
        names = [shortened(name) for name in class_names]
        self.way, self.classes = NoWheelComboBox("Method"), NoWheelComboBox("Classes")
        self.against = NoWheelComboBox("Against")
        self.effect, self.ends = NoWheelComboBox("Ranked by"), NoWheelComboBox("Moved to")
        self.torgb = QCheckBox("and toRGB")
        self.torgb.setToolTip(TORGB_HELP)
        self.way.setToolTip(tip(meaning("attfind")))
        self.way.addItems([TITLES[way] for way in WAYS])
        self.classes.addItems([REST, *(f"{name} against" for name in names)])
        self.against.addItems(names)
        self.effect.addItems(list(EFFECTS.values()))
        self.ends.addItems(list(ENDS.values()))
        self.number = NumberBox("Pictures", 1, max(1, min(available, CHOICES[0])))
        self.kappa = NumberBox("Kappa", 0.05, 2, decimals=2, step=0.1)
        self.kappa.setToolTip(KAPPA_HELP)
        self.wanted = NumberBox("Attributes of each class", 1, MOST_WANTED)
        self.sentence, self.takes = hint(""), plain("")
        self.go = button("Find", self.accept, role="primary")
        self.go.setDefault(True)
        for box in (self.number, self.kappa, self.wanted):
            box.setMinimumHeight(theme.CONTROL)
        self._build(pairs=len(names) > 2)
        self._show_plan(plan, target, available)
        self.way.currentIndexChanged.connect(self._show_way)
        self.classes.currentIndexChanged.connect(self._show_way)
        self.against.currentIndexChanged.connect(self._show_takes)
        for box in (self.number, self.wanted):
            box.valueChanged.connect(self._show_takes)
        self._show_way()

    def _build(self, *, pairs: bool) -> None:
        for text in (self.sentence, self.takes):
            text.setFixedWidth(WIDTH)
        self.takes.setWordWrap(True)
        self.sentence.setMinimumHeight(3 * self.sentence.fontMetrics().height())  # of the longest: nothing moves
        grid = FormGrid()
        grid.add("Method", self.way)
        if pairs:  # two classes are a pair
            grid.add("Classes", self.classes, self.against)
        grid.add("Ranked by", self.effect)
        grid.add("Moved to", self.ends, self.torgb)
        grid.add("Pictures", self.number)
        grid.add("Kappa", self.kappa)
        grid.add("Attributes", self.wanted)
        foot = row()
        foot.addStretch(1)
        foot.addWidget(button("Cancel", self.reject))
        foot.addWidget(self.go)
        layout = column(self, spacing=theme.MARGIN, margin=theme.SECTION)
        layout.addWidget(title("Find attributes"))
        layout.addLayout(grid)
        layout.addWidget(self.sentence)
        layout.addWidget(self.takes)
        layout.addLayout(foot)

    def _show_plan(self, plan: SearchPlan, target: int, available: int) -> None:
        self.way.setCurrentIndex(WAYS.index(plan.way))
        self.effect.setCurrentIndex(list(EFFECTS).index(plan.effect))
        first, second = plan.pair or (target, 1 if target == 0 else 0)
        self.classes.setCurrentIndex(0 if plan.pair is None else 1 + first)
        self.against.setCurrentIndex(second)
        self._proposed = plan.n is None  # until it is known what it takes
        self.ends.setCurrentIndex(list(ENDS).index(plan.percentiles) if plan.percentiles in ENDS else 0)
        self.torgb.setChecked(plan.torgb)
        self.number.setValue(plan.n or min(USUAL, available))
        self.kappa.setValue(plan.kappa)
        self.wanted.setValue(plan.wanted)

    @property
    def plan(self) -> SearchPlan:
        """What is chosen."""
        channels = self._way in CHANNELS
        return SearchPlan(
            self._way,
            self.number.count,
            self.kappa.number,
            self.wanted.count,
            "logit" if channels else list(EFFECTS)[self.effect.currentIndex()],
            self._pair,
            None if channels else list(ENDS)[self.ends.currentIndex()],
            self.torgb.isChecked() and not channels,
        )

    @property
    def _way(self) -> Way:
        return WAYS[self.way.currentIndex()]

    @property
    def _pair(self) -> tuple[int, int] | None:
        first = self.classes.currentIndex() - 1
        return None if first < 0 or self._way in CHANNELS else (first, self.against.currentIndex())

    def show_cost(self, cost: SearchCost | None) -> None:
        """Show what the search takes, as timed here; None: it is not timed yet."""
        self._cost = cost
        if cost is not None and self._proposed:
            self._proposed = False
            self.number.setValue(cost.proposed())
        self._show_takes()

    def _show_way(self) -> None:
        channels = self._way in CHANNELS
        self.sentence.setText(SENTENCES[self._way])
        for box in (self.effect, self.classes, self.ends, self.torgb):
            box.setEnabled(not channels)
        self.against.setVisible(self._pair is not None)
        self._show_takes()

    def _show_takes(self) -> None:
        """Say how long it takes, and whether it can be asked for at all."""
        pair = self._pair
        same = pair is not None and pair[0] == pair[1]
        self.go.setEnabled(not same)
        if same:
            self.takes.setText("Choose two different classes.")
        elif self._cost is None:
            self.takes.setText(TIMING)
        else:
            seconds = self.plan.seconds(self._cost, self.number.count)
            longer = " Every slider stays usable meanwhile." if seconds > LONG else ""
            self.takes.setText(f"About {duration_text(seconds)} here, estimated from a few pictures.{longer}")

    def accept(self) -> None:
        """Accept, and say what was chosen."""
        super().accept()
        self.chosen.emit(self.plan)
