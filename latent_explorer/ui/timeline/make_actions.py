# SPDX-License-Identifier: MIT
"""The menu "Make": a whole timeline from a few choices. What is asked stands in `make_dialogs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QMessageBox, QWidget

from latent_explorer.ui.timeline.make_dialogs import (
    MorphDialog,
    RandomWalkDialog,
    StyleMixDialog,
    SweepDialog,
    base_names,
    row_names,
)
from latent_explorer.ui.widgets.dialogs import open_dialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.timeline.controller import TimelineController

FEW = 8  # seeds of the walk that is made by one click


class MakeActions:
    """Asks and hands the answer to the controller; the new timeline is chosen, and undo takes it back."""

    def __init__(self, window: QWidget, explorer: Explorer, controller: TimelineController) -> None:
        self._window, self._explorer, self._controller = window, explorer, controller

    def random_walk(self) -> None:
        """Through a few random seeds, at once."""
        self._controller.random_walk(FEW)

    def random_walk_with_options(self) -> None:
        """The same, as long as one likes."""
        dialog = RandomWalkDialog(self._window)
        _open(dialog, lambda: self._controller.random_walk(dialog.count, dialog.seconds.value))

    def morph(self) -> None:
        """Between two pictures."""
        bases, summary = self._controller.available_bases(), self._explorer.summary
        if summary is None or len(bases) < 2:
            return
        dialog = MorphDialog(bases, base_names(bases, summary), parent=self._window)
        _open(dialog, lambda: self._controller.morph(*dialog.ends, dialog.seconds.value))

    def mix(self) -> None:
        """Layers of another picture in this one."""
        bases = self._controller.available_bases()
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None or len(bases) < 2:
            return
        bases.remove(state.base)
        names = base_names(bases, summary)
        dialog = StyleMixDialog(bases, names, row_names(summary), self._window)
        _open(dialog, lambda: self._controller.style_mix(dialog.other, *dialog.rows, dialog.seconds.value))

    def sweep(self) -> None:
        """One attribute there and back."""
        attributes, state = self._explorer.attributes(), self._explorer.state
        if not attributes or state is None:
            words = "A sweep moves one attribute. Find attributes first, or add a slider."
            QMessageBox.information(self._window, "Sweep an attribute", words)
            return
        dialog = SweepDialog(attributes, state, self._window)
        _open(
            dialog,
            lambda: self._controller.sweep(
                dialog.attribute, dialog.start.value, dialog.stop.value, dialog.seconds.value
            ),
        )


def _open(dialog: QDialog, then: Callable[[], None]) -> None:
    dialog.accepted.connect(then)
    open_dialog(dialog)
