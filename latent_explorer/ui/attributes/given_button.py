# SPDX-License-Identifier: MIT
"""Button that chooses the directions which a boundary leaves alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QPushButton

from latent_explorer.explain.directions.direction import direction_key
from latent_explorer.ui.widgets.basics import action_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.explain.directions.direction import Direction

NONE = "No other direction"
HELP = "Directions that the new one shall leave alone: it is perpendicular to them, and fitted on what they leave."


class GivenButton(QPushButton):
    """Names the directions that are chosen; a click opens the menu of all that have sliders."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__(NONE)
        self.setToolTip(HELP)
        self.setAccessibleName(f"Conditional on: {NONE}")
        self._listed: dict[str, tuple[str, Direction]] = {}
        self._chosen: tuple[str, ...] = ()
        self.clicked.connect(self._open)

    @property
    def given(self) -> tuple[Direction, ...]:
        """The directions that are chosen."""
        return tuple(self._listed[key][1] for key in self._chosen)

    def show_directions(self, listed: Sequence[tuple[str, Direction]]) -> None:
        """Offer directions with their names; those that were chosen and are gone are not chosen any more."""
        self._listed = {direction_key(direction): (name, direction) for name, direction in listed}
        self.setEnabled(bool(listed))
        self._choose(tuple(key for key in self._chosen if key in self._listed))

    def menu_of_all(self) -> QMenu:
        """Return the menu."""
        menu = QMenu(self)
        for key, (name, _direction) in self._listed.items():
            others = tuple(each for each in self._chosen if each != key)
            chosen = key in self._chosen
            action = menu.addAction(action_text(name), partial(self._choose, others if chosen else (*others, key)))
            action.setCheckable(True)
            action.setChecked(chosen)
        return menu

    def _open(self) -> None:
        menu = self.menu_of_all()
        menu.exec(self.mapToGlobal(self.rect().bottomLeft()))
        menu.deleteLater()

    def _choose(self, keys: tuple[str, ...]) -> None:
        new, self._chosen = keys != self._chosen, keys
        names = [self._listed[key][0] for key in keys]
        text = NONE if not names else action_text(names[0]) if len(names) == 1 else f"{len(names)} directions"
        self.setText(text)
        self.setAccessibleName(f"Conditional on: {', '.join(names) or NONE}")
        if new:
            self.changed.emit()
