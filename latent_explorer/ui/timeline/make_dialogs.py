# SPDX-License-Identifier: MIT
"""The menu "Make" and its dialogs: a whole timeline from a few choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QFormLayout, QMessageBox, QWidget

from latent_explorer.app.exploration.state import slider_amount
from latent_explorer.app.export.scene import sweep_end
from latent_explorer.models.summary import row_names
from latent_explorer.ui.samples.picture_choices import PictureChoices, chosen_base
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import (
    OF_MODEL,
    NoWheelComboBox,
    button,
    column,
    hint,
    open_dialog,
    plain,
    row,
    title,
)
from latent_explorer.ui.widgets.number_field import NumberField

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.timeline.controller import TimelineController
    from latent_explorer.explain.recipe import Base, Slider
    from latent_explorer.ui.samples.thumbnails import ThumbnailView

    NamedSlider = tuple[Slider, str]

WIDTH = 46 * theme.UNIT  # px
COUNTS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 50)  # seeds of a walk
MIN_SECONDS, MAX_SECONDS = 0.1, 60.0  # s of a segment
DEFAULT_SEEDS = 8  # seeds of the walk without a dialog
MAX_SWEEP = 5.0  # of a sweep's ends
THERE_AND_BACK = "From one end to the other, and back"
STEPPED = "0, 0.05, ... 0.95 of the end: 20 frames"


class MakeTimelineDialog(QDialog):
    """Dialog with a sentence, a few fields, and [Make]."""

    def __init__(self, name: str, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty(OF_MODEL, True)
        self.setWindowTitle(name)
        text = hint(sentence)
        text.setFixedWidth(WIDTH)
        self.fields = QFormLayout()
        self.fields.setHorizontalSpacing(theme.MARGIN)
        self.fields.setVerticalSpacing(theme.UNIT)
        self.go = button("Make", self.accept, role="primary")
        self.go.setDefault(True)
        foot = row()
        foot.addStretch(1)
        foot.addWidget(button("Cancel", self.reject))
        foot.addWidget(self.go)
        layout = column(self, spacing=theme.MARGIN, margin=theme.SECTION)
        layout.addWidget(title(name))
        layout.addWidget(text)
        layout.addLayout(self.fields)
        layout.addLayout(foot)

    def accept(self) -> None:
        """Accept, with the value that is still being typed."""
        for field in self.findChildren(NumberField):
            field.finish()
        super().accept()

    def add_number(self, label: str, value: float, low: float, high: float) -> NumberField:
        """Add a field for a number, limited to `low`..`high`."""
        field = NumberField()
        field.setProperty("role", "")
        field.setAccessibleName(label)
        field.set_value(value)
        field.committed.connect(lambda typed: field.set_value(min(max(typed, low), high)))
        self.fields.addRow(label, field)
        return field

    def add_pictures(self, label: str, pictures: PictureChoices, chosen: int = 0) -> ThumbnailView:
        """Add thumbnails to choose from, below their label."""
        view = pictures.add(label, chosen)
        self.fields.addRow(plain(label))
        self.fields.addRow(view)
        return view

    def add_choice(self, label: str, names: Sequence[str], chosen: int = 0) -> NoWheelComboBox:
        """Add a combo box."""
        choice = NoWheelComboBox(label)
        choice.addItems(list(names))
        choice.setCurrentIndex(min(max(chosen, 0), len(names) - 1))
        self.fields.addRow(label, choice)
        return choice


class RandomWalkDialog(MakeTimelineDialog):
    """Choice of the number of seeds and the speed of a random walk."""

    def __init__(self, parent: QWidget | None = None) -> None:
        text = (
            "From one random seed to the next and back to the first. Truncation, noise and sliders "
            "stay as they are now."
        )
        super().__init__("Random walk", text, parent)
        self._count = self.add_choice("Seeds", list(map(str, COUNTS)), COUNTS.index(8))
        self.seconds = self.add_number("Seconds from seed to seed", 1.0, MIN_SECONDS, MAX_SECONDS)

    @property
    def count(self) -> int:
        return COUNTS[self._count.currentIndex()]


class MorphDialog(MakeTimelineDialog):
    """Choice of the two pictures of a morph; projected ones are listed first."""

    def __init__(self, explorer: Explorer, bases: Sequence[Base], parent: QWidget | None = None) -> None:
        super().__init__("Morph", "From one picture to the other and back, row by row in W+.", parent)
        pictures = PictureChoices(self, explorer, bases)
        self._from = self.add_pictures("From", pictures)
        self._to = self.add_pictures("To", pictures, 1)
        self.seconds = self.add_number("Seconds", 2.0, MIN_SECONDS, MAX_SECONDS)

    @property
    def ends(self) -> tuple[Base, Base]:
        return chosen_base(self._from), chosen_base(self._to)


class StyleMixDialog(MakeTimelineDialog):
    """Choice of the layers to take from another picture."""

    def __init__(
        self, explorer: Explorer, bases: Sequence[Base], rows: Sequence[str], parent: QWidget | None = None
    ) -> None:
        text = (
            "This picture with some of its layers from another one: the first rows determine shape, "
            "the last ones colour and texture."
        )
        super().__init__("Style mixing", text, parent)
        self._other = self.add_pictures("Layers from", PictureChoices(self, explorer, bases))
        self._first = self.add_choice("First row", rows, len(rows) // 2)
        self._last = self.add_choice("Last row", rows, len(rows) - 1)
        self.seconds = self.add_number("Seconds", 2.0, MIN_SECONDS, MAX_SECONDS)

    @property
    def other(self) -> Base:
        """The latent that the rows are taken from."""
        return chosen_base(self._other)

    @property
    def rows(self) -> tuple[int, int]:
        """First and last row of ws, both included."""
        low, high = sorted((self._first.currentIndex(), self._last.currentIndex()))
        return low, high


class SweepDialog(MakeTimelineDialog):
    """Choice of an attribute or a direction, `(slider, its name)`, and the range of its sweep."""

    def __init__(self, sliders: Sequence[NamedSlider], state: ExplorerState, parent: QWidget | None = None) -> None:
        text = "Moves one slider of this picture there and back; the others stay."
        super().__init__("Sweep a slider", text, parent)
        self._sliders = [slider for slider, _name in sliders]
        moved = [abs(slider_amount(state, slider)) for slider in self._sliders]
        self._choice = self.add_choice("Slider", [name for _slider, name in sliders], moved.index(max(moved)))
        self._way = self.add_choice("Range", (THERE_AND_BACK, STEPPED))
        self.start = self.add_number("From", -1.0, -MAX_SWEEP, MAX_SWEEP)
        self.stop = self.add_number("To", 1.0, -MAX_SWEEP, MAX_SWEEP)
        self.seconds = self.add_number("Seconds", 2.0, MIN_SECONDS, MAX_SECONDS)
        self._choice.currentIndexChanged.connect(self._show_range)
        self._way.currentIndexChanged.connect(self._show_way)
        self._show_range()

    def _show_range(self) -> None:
        """Offer the whole range of the slider: an attribute's is from -1 to 1, a direction's in standard deviations."""
        end = sweep_end(self.slider)
        self.start.set_value(-end)
        self.stop.set_value(end)

    def _show_way(self) -> None:
        for field in (self.start, self.stop, self.seconds):
            field.setEnabled(not self.stepped)

    @property
    def stepped(self) -> bool:
        """True for 20 frames from 0 to 0.95 of the slider's end, the range of published morphs."""
        return self._way.currentIndex() == 1

    @property
    def slider(self) -> Slider:
        return self._sliders[self._choice.currentIndex()]


class MakeActions:
    """Actions of the menu "Make". The new timeline becomes the current one; undo removes it."""

    def __init__(self, window: QWidget, explorer: Explorer, controller: TimelineController) -> None:
        self._window, self._explorer, self._controller = window, explorer, controller

    def random_walk(self) -> None:
        """Make a walk through a few random seeds at once."""
        self._controller.random_walk(DEFAULT_SEEDS)

    def random_walk_with_options(self) -> None:
        """Ask for the number of seeds and make a walk."""
        dialog = RandomWalkDialog(self._window)
        _open(dialog, lambda: self._controller.random_walk(dialog.count, dialog.seconds.value))

    def morph(self) -> None:
        """Ask for two pictures and make a morph between them."""
        bases = self._controller.available_bases()
        if len(bases) < 2:
            return
        dialog = MorphDialog(self._explorer, bases, self._window)
        _open(dialog, lambda: self._controller.morph(*dialog.ends, dialog.seconds.value))

    def mix(self) -> None:
        """Ask for layers of another picture and mix them into this one."""
        bases = self._controller.available_bases()
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None or len(bases) < 2:
            return
        bases.remove(state.base)
        dialog = StyleMixDialog(self._explorer, bases, row_names(summary), self._window)
        _open(dialog, lambda: self._controller.style_mix(dialog.other, *dialog.rows, dialog.seconds.value))

    def sweep(self) -> None:
        """Ask for an attribute or a direction and make a sweep of it."""
        state = self._explorer.state
        sliders: list[NamedSlider] = [
            (attribute, f"{rank}  {attribute.name}") for rank, attribute in enumerate(self._explorer.attributes(), 1)
        ]
        sliders += [(d, self._explorer.document.direction_name(d)) for d in self._explorer.directions()]
        if not sliders or state is None:
            text = "A sweep moves one slider. Find attributes first, or add a slider."
            QMessageBox.information(self._window, "Sweep a slider", text)
            return
        dialog = SweepDialog(sliders, state, self._window)

        def make() -> None:
            if dialog.stepped:
                self._controller.stepped_sweep(dialog.slider, sweep_end(dialog.slider))
            else:
                self._controller.sweep(dialog.slider, dialog.start.value, dialog.stop.value, dialog.seconds.value)

        _open(dialog, make)


def _open(dialog: QDialog, then: Callable[[], None]) -> None:
    dialog.accepted.connect(then)
    open_dialog(dialog)
