# SPDX-License-Identifier: MIT
"""Slider with a number field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from latent_explorer.common.format import number_text
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import row
from latent_explorer.ui.widgets.number_field import NumberField
from latent_explorer.ui.widgets.slider_track import UNITS, SliderTrack

if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = (
    "Drag, or type a number. Arrow keys step by 0.05, Page Up and Page Down by 0.25. "
    "Shift drags finely; a double click resets."
)


class ValueSlider(QWidget):
    """Track and number field in one row, 28 px tall.

    `inside` is the range of the data: a solid groove, beyond which fill, handle and number are marked.
    A double click or clearing the field resets to `default`.
    """

    amount_changed = Signal(float)  # on user input, not by set_amount()
    pressed = Signal()  # a gesture begins,
    released = Signal()  # and ends: one step of undo

    def __init__(
        self,
        name: str,
        minimum: float = -2.0,
        maximum: float = 2.0,
        *,
        default: float = 0.0,
        detents: Sequence[float] | None = None,
        inside: tuple[float, float] | None = (-1.0, 1.0),
        tooltip: str = "",
    ) -> None:
        super().__init__()
        stops = (default,) if detents is None else detents
        self.track = SliderTrack(minimum, maximum, inside, default, stops)
        self.field = NumberField()
        self.setFocusProxy(self.track)
        self.track.setToolTip(f"{tooltip}\n{HELP}" if tooltip else HELP)
        self.track.valueChanged.connect(self._on_track)
        self.track.pressed.connect(self.pressed)
        self.track.released.connect(self.released)
        self.field.committed.connect(self._on_typed)
        self.field.cleared.connect(lambda: self._on_typed(self.track.default))
        line = row(self, spacing=theme.GAP // 2)
        line.addWidget(self.track, 1)
        line.addWidget(self.field)
        self.setFixedHeight(theme.CONTROL)
        self.set_name(name)
        self.set_amount(default)

    def set_name(self, name: str) -> None:
        self.track.setAccessibleName(name)
        self.field.setAccessibleName(f"{name}, number")

    @property
    def amount(self) -> float:
        return self.track.amount

    @property
    def outside(self) -> bool:
        """True if the number lies outside the range of the data."""
        return self.track.outside

    @property
    def dragging(self) -> bool:
        """True while the mouse holds the handle."""
        return self.track.isSliderDown()

    def set_amount(self, amount: float) -> None:
        """Show a number without emitting signals; a number beyond the track is shown at its end."""
        blocked = self.track.blockSignals(True)
        self.track.setValue(round(amount * UNITS))
        self.track.blockSignals(blocked)
        self._show(amount)

    def set_inside(self, low: float, high: float) -> None:
        """Set the range of the data."""
        self.track.set_inside(low, high)
        self._show(self.amount)

    def _show(self, amount: float) -> None:
        outside = self.track.outside
        state = "outside the data" if outside else "within the data"
        self.field.set_value(amount, marked=outside)
        self.track.setAccessibleDescription(f"{number_text(amount)}, {state}")
        self.track.update()

    def _on_track(self, position: int) -> None:
        self._show(position / UNITS)
        self.amount_changed.emit(position / UNITS)

    def _on_typed(self, amount: float) -> None:
        self.track.setValue(round(amount * UNITS))
