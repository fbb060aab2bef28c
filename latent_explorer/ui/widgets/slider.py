# SPDX-License-Identifier: MIT
"""The one slider of the window: a track and a field to type in, in one row.

Values only; what a value means belongs to the panel that owns the slider.
"""

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
    """Track and number in one row, 28 px tall.

    `inside` is what the data covers: drawn as a solid groove, and beyond it fill, handle and number are
    marked. `default` is where a double click or an emptied field goes.
    """

    amount_changed = Signal(float)  # by the person; set_amount() is silent
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
        """Whether the number lies outside what the data covers."""
        return self.track.outside

    @property
    def dragging(self) -> bool:
        """Whether the mouse holds the handle."""
        return self.track.isSliderDown()

    def set_amount(self, amount: float) -> None:
        """Show a number from the state. Emits nothing; a number beyond the track stands at its end."""
        blocked = self.track.blockSignals(True)
        self.track.setValue(round(amount * UNITS))
        self.track.blockSignals(blocked)
        self._show(amount)

    def set_inside(self, low: float, high: float) -> None:
        """Mark what lies outside low..high as outside the data."""
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
