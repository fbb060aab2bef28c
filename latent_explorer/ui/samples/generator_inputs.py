# SPDX-License-Identifier: MIT
"""Inputs of the generator besides the latent, in a collapsible section: class probabilities and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from latent_explorer.app.exploration.intents import SetCond, SetNoise
from latent_explorer.app.explorer import MAX_SEED
from latent_explorer.common.glossary import meaning
from latent_explorer.explain.recipe import Noise, ProjectedBase, SampleBase
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import NoWheelComboBox, column, hint, icon_button, row, tip, title
from latent_explorer.ui.widgets.number_box import NumberLine
from latent_explorer.ui.widgets.slider import ValueSlider

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QLabel, QLayout

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.explain.recipe import Base
    from latent_explorer.models.summary import ExplainerSummary

DEFAULT_SHARE = 0.9  # probability of a class just chosen: as sure as a classifier usually is
LABEL = 5 * theme.UNIT  # px
NOISES = (("Stored", "const"), ("None", "none"), ("From a seed", "seed"))
HELP = "What the generator gets besides the latent. Leave it unchanged to see the pictures as they were made."
CONDITION_HELP = tip(meaning("cond"))
NOISE_HELP = tip(
    meaning("noise"),
    "Stored is the noise that the attributes were found with; None is smoother; another seed shows which details are "
    "chance.",
)


def condition(probs: Sequence[float] | None, index: int, share: float, count: int) -> tuple[float, ...]:
    """Return `probs` (K = `count`, or None) with class `index` set to `share`.

    The other classes keep their proportions; the result sums to 1.
    """
    others = [0.0 if k == index else (probs[k] if probs else 1.0) for k in range(count)]
    total = sum(others)
    if total <= 0:
        others = [float(k != index) for k in range(count)]
        total = max(1.0, sum(others))
    made = [(1 - share) * each / total for each in others]
    made[index] = share
    return tuple(made)


def own_class_text(base: Base) -> str:
    """Return the words for the class probabilities that belong to a base."""
    return "As in the photo" if isinstance(base, SampleBase | ProjectedBase) else "Unchanged"


class GeneratorInputs(QWidget):
    """Controls that show a state and emit intents. The title says "changed" if an input is not at its default."""

    intent_emitted = Signal(object)  # an Intent
    pressed = Signal()  # a gesture begins,
    released = Signal()  # and ends

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self._state: ExplorerState | None = None
        self.fold = icon_button("right", "", lambda: self.set_folded(not self.folded))
        self.changed = hint("", wrap=False)
        self.condition = NoWheelComboBox("Class given to the generator")
        self.share = ValueSlider(
            "Probability given to the generator", 0.0, 1.0, default=DEFAULT_SHARE, detents=(0.5,), inside=None
        )
        self.noise = NoWheelComboBox("Noise of the generator")
        self.seed = NumberLine("Seed of the noise", 0, MAX_SEED)
        self.body = QWidget()
        self._condition_label, self._noise_label, self._seed_label = (
            hint(text, wrap=False) for text in ("Class given to the generator", "Noise", "Seed")
        )
        self._build()
        self._connect()
        self.set_folded(True)

    def _build(self) -> None:
        for text, kind in NOISES:
            self.noise.addItem(text, kind)
        for part, text in (
            (self._condition_label, CONDITION_HELP),
            (self.condition, CONDITION_HELP),
            (self._noise_label, NOISE_HELP),
            (self.noise, NOISE_HELP),
        ):
            part.setToolTip(text)
        self.seed.setFont(theme.font())
        head = row(spacing=theme.UNIT // 2)
        heading = title("Generator")
        heading.setToolTip(HELP)
        head.addWidget(heading)
        head.addStretch(1)
        head.addWidget(self.changed)
        head.addWidget(self.fold)
        rows = column(self.body, spacing=theme.UNIT // 2)
        rows.addWidget(self._condition_label)
        rows.addWidget(self.condition)
        rows.addWidget(self.share)
        rows.addLayout(_line(self._noise_label, self.noise))
        rows.addLayout(_line(self._seed_label, self.seed))
        layout = column(self, spacing=0)
        layout.addLayout(head)
        layout.addWidget(self.body)

    def _connect(self) -> None:
        self.condition.activated.connect(self._on_condition)
        self.share.amount_changed.connect(self._on_share)
        self.share.pressed.connect(self.pressed)
        self.share.released.connect(self.released)
        self.noise.activated.connect(lambda _index: self.intent_emitted.emit(SetNoise(Noise(self.noise.currentData()))))
        self.seed.editingFinished.connect(self._on_seed)

    @property
    def folded(self) -> bool:
        return self.body.isHidden()

    def set_folded(self, on: bool) -> None:
        self.body.setHidden(on)
        icons.set_icon(self.fold, "down" if on else "up")
        text = "Show" if on else "Hide"
        self.fold.setToolTip(text)
        self.fold.setAccessibleName(text)

    def start(self, summary: ExplainerSummary) -> None:
        """List the classes of another model, if its generator is conditioned on any."""
        known = {c.classifier_id: c.class_names for c in summary.classifiers}
        self._names = known.get(summary.conditioned_on or "", ())
        self.condition.clear()
        self.condition.addItem("")  # named in `show_state`
        for name in self._names:
            self.condition.addItem(name)
        for part in (self._condition_label, self.condition):
            part.setVisible(bool(self._names))

    def show_state(self, state: ExplorerState) -> None:
        """Show a state in the controls without emitting signals."""
        self._state = state
        cond = state.cond if state.cond and len(state.cond) == len(self._names) else None
        self.condition.setItemText(0, own_class_text(state.base))
        if cond is None:
            self.condition.setCurrentIndex(0)
        else:
            if self.condition.currentIndex() <= 0:
                self.condition.setCurrentIndex(1 + max(range(len(cond)), key=cond.__getitem__))
            if not self.share.dragging:
                self.share.set_amount(cond[self.condition.currentIndex() - 1])
        self.share.setVisible(cond is not None)
        self.noise.setCurrentIndex(self.noise.findData(state.noise.kind))
        for part in (self._seed_label, self.seed):
            part.setVisible(state.noise.kind == "seed")
        self.seed.setText(str(state.noise.seed))
        self.changed.setText("changed" if cond is not None or state.noise != Noise() else "")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Fold by a click anywhere on the title's row, not only on its arrow."""
        if event.position().y() < self.fold.geometry().bottom():
            self.set_folded(not self.folded)

    def _on_condition(self, index: int) -> None:
        cond = None if index == 0 else condition(self._cond, index - 1, DEFAULT_SHARE, len(self._names))
        self.intent_emitted.emit(SetCond(cond))

    def _on_share(self, share: float) -> None:
        index = self.condition.currentIndex() - 1
        if index >= 0:
            self.intent_emitted.emit(SetCond(condition(self._cond, index, share, len(self._names))))

    @property
    def _cond(self) -> tuple[float, ...] | None:
        return self._state.cond if self._state else None

    def _on_seed(self) -> None:
        if self.seed.isModified() and self.seed.value is not None:
            self.seed.setModified(False)
            self.intent_emitted.emit(SetNoise(Noise("seed", int(self.seed.value))))


def _line(label: QLabel, control: QWidget) -> QLayout:
    label.setFixedWidth(LABEL)
    line = row()
    line.addWidget(label)
    line.addWidget(control, 1)
    return line
