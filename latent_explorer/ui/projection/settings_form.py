# SPDX-License-Identifier: MIT
"""The form of projection settings: space, start and steps; the others under "More"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from latent_explorer.common.glossary import TERMS, meaning
from latent_explorer.explain.projection_settings import DEFAULT, ProjectionSettings
from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import NoWheelComboBox, button, column, row, tip
from latent_explorer.ui.widgets.form import FormGrid
from latent_explorer.ui.widgets.number_box import NumberLine

if TYPE_CHECKING:
    from collections.abc import Sequence

LABEL = 6 * theme.UNIT  # px
DEFAULT_TUNING_STEPS = 200
SPACES = (
    ("W+", "w+", f"{TERMS['w+'].definition} Usually the best choice."),
    ("W", "w", TERMS["w"].definition),
    ("Style space", "s", f"{TERMS['style space'].definition} The most freedom, and the furthest from what it learned."),
)
STARTS = (
    ("Automatic", "auto", "The encoder where there is one, else the average of the nearest random pictures"),
    ("Encoder", "encoder", "Where the encoder puts the photo"),
    ("Average latent", "mean", "The average of all latents, the same for every photo"),
    ("Random", "random", "A random latent"),
    ("Nearest", "nearest", "The random picture that is nearest to the photo"),
    ("Mean of nearest", "average", "The average of the random pictures that are nearest to the photo"),
)
DISTANCES = (
    ("Automatic", "auto", "At the generator's size up to 256 px, above it on crops"),
    ("Its own size", "native", "LPIPS of the whole picture as the generator makes it"),
    ("256 px", "256", "LPIPS of the whole picture at 256 px, as NVIDIA's projector; large pictures lose detail"),
    ("Crops", "crops", "LPIPS of crops at several scales: keeps fine detail"),
)
STEPS_HELP = "Number of optimisation steps. More steps come nearer to the photo and take longer"
VERDICT_HELP = (
    "Add the difference between the classifier's outputs for photo and reconstruction to the loss, with a small "
    "weight. Without it agreement is an independent check, and more pictures change their class"
)
NOISE_HELP = "Optimise the generator's noise maps too, and keep them with the result: finer grain, less meaning"
TUNING_HELP = (
    "Pivotal tuning: afterwards the generator itself is changed a little, for this photo alone. Nearer to the photo; "
    "the attributes' ranges are then approximate"
)
RATE_HELP = "Learning rate of the optimiser, in standard deviations of the latents"
EARLY_HELP = "Stop when the last so many steps improved it by less than 0.1 %; 0: never"
NEAREST_HELP = "Number of random pictures that are searched for the nearest"
SEED_HELP = "The same seed gives the same result"


class SettingsForm(QWidget):
    """Form of ProjectionSettings. `changed(dict)` carries the fields that were changed."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.space = _choice("Space", SPACES)
        self.start = _choice("Start", STARTS)
        self.steps = NumberLine("Steps", 0, 100_000, tip=STEPS_HELP)
        self.verdict = QCheckBox("Keep the class")
        self.verdict.setToolTip(VERDICT_HELP)
        self.noise = QCheckBox("Optimise the noise")
        self.noise.setToolTip(NOISE_HELP)
        self.tuning = QCheckBox("Tune the generator")
        self.tuning.setToolTip(TUNING_HELP)
        self.distance = _choice("Distance", DISTANCES)
        self.distance.setToolTip(tip(meaning("lpips"), *self.distance.toolTip().splitlines()))
        self.rate = NumberLine("Learning rate", 1e-4, 10, 4, tip=RATE_HELP)
        self.early = NumberLine("Early stop", 0, 100_000, tip=EARLY_HELP)
        self.nearest = NumberLine("Random pictures", 1, 100_000, tip=NEAREST_HELP)
        self.seed = NumberLine("Seed", 0, 2**31 - 1, tip=SEED_HELP)
        self.more = button("More", self._toggle, role="fold", icon="right")
        self.more.setToolTip("Class, noise, distance, learning rate, tuning")
        self._choices = {"space": self.space, "start": self.start, "lpips": self.distance}  # by fields of the settings
        self._numbers = {
            "steps": self.steps,
            "early_stop": self.early,
            "nearest_of": self.nearest,
            "seed": self.seed,
            "lr": self.rate,
        }
        self._build()
        self._connect()
        self.show_settings(DEFAULT)

    def _build(self) -> None:
        layout = column(self, spacing=theme.GAP // 2)
        first = _fields()
        for name, widget in (("Space", self.space), ("Start", self.start), ("Steps", self.steps)):
            first.add(name, widget)
        self.behind = QWidget()
        inner = column(self.behind, spacing=theme.GAP // 2)
        inner.addWidget(self.verdict)
        inner.addWidget(self.noise)
        inner.addWidget(self.tuning)
        rest = _fields()
        for name, widget in (
            ("LPIPS at", self.distance),
            ("Rate", self.rate),
            ("Early stop", self.early),
            ("Random pictures", self.nearest),
            ("Seed", self.seed),
        ):
            rest.add(name, widget)
        inner.addLayout(rest)
        self.behind.hide()
        fold = row()
        fold.addWidget(self.more)
        fold.addStretch(1)
        layout.addLayout(first)
        layout.addLayout(fold)
        layout.addWidget(self.behind)

    def _connect(self) -> None:
        for name, choice in self._choices.items():
            choice.activated.connect(
                lambda _index, choice=choice, name=name: self.changed.emit({name: choice.currentData()})
            )
        for name, field in self._numbers.items():
            field.editingFinished.connect(lambda field=field, name=name: self._on_number(name, field))
        self.verdict.clicked.connect(lambda on: self.changed.emit({"verdict": DEFAULT.verdict if on else 0.0}))
        self.noise.clicked.connect(lambda on: self.changed.emit({"noise": "optimise" if on else "keep"}))
        self.tuning.clicked.connect(lambda on: self.changed.emit({"tuning": DEFAULT_TUNING_STEPS if on else 0}))

    def _on_number(self, name: str, field: NumberLine) -> None:
        if field.value is not None:
            self.changed.emit({name: field.value})

    def show_settings(self, settings: ProjectionSettings) -> None:
        """Show these settings. Emits nothing."""
        for name, choice in self._choices.items():
            choice.setCurrentIndex(max(0, choice.findData(getattr(settings, name))))
        for name, field in self._numbers.items():
            if not field.hasFocus():
                field.show_value(getattr(settings, name))
        self.verdict.setChecked(settings.verdict > 0)
        self.noise.setChecked(settings.noise == "optimise")
        self.tuning.setChecked(settings.tuning > 0)
        self.nearest.setEnabled(settings.start in ("auto", "nearest", "average"))

    def allow_encoder(self, on: bool) -> None:
        """Enable the start "Encoder" if the model has one."""
        item = self.start.model().item(self.start.findData("encoder"))  # type: ignore[attr-defined]
        item.setEnabled(on)

    def _toggle(self) -> None:
        self.behind.setVisible(self.behind.isHidden())
        icons.set_icon(self.more, "right" if self.behind.isHidden() else "down")


def _fields() -> FormGrid:
    made = FormGrid()
    made.setColumnMinimumWidth(0, LABEL)
    return made


def _choice(name: str, items: Sequence[tuple[str, str, str]]) -> NoWheelComboBox:
    made = NoWheelComboBox(name)
    for text, key, said in items:
        made.addItem(text, key)
        made.setItemData(made.count() - 1, said, 3)  # Qt.ToolTipRole
    made.setToolTip(tip(*(f"{title}: {said}" for title, _key, said in items)))
    return made
