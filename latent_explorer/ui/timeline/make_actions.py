# SPDX-License-Identifier: MIT
"""The menu "Make": a whole timeline from a few choices. What is asked stands in `dialogs/make_timeline`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QMessageBox, QWidget

from latent_explorer.ui.timeline.make_dialogs import (
    MorphDialog,
    RandomWalkDialog,
    StyleMixDialog,
    SweepDialog,
    available_bases,
    row_names,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.timeline.controller import TimelineController
    from latent_explorer.explain.recipe import Base

FEW = 8  # seeds of the walk that is made by one click


class MakeActions:
    """Asks and hands the answer to the desk; the new timeline is chosen, and undo takes it back."""

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
        bases, names = self._offered()
        if len(bases) < 2:
            return
        dialog = MorphDialog(bases, names, parent=self._window)
        _open(dialog, lambda: self._controller.morph(*dialog.ends, dialog.seconds.value))

    def mix(self) -> None:
        """Layers of another picture in this one."""
        bases, names = self._offered()
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None or len(bases) < 2:
            return
        own = bases.index(state.base)
        del bases[own], names[own]
        dialog = StyleMixDialog(bases, names, row_names(summary), self._window)
        _open(
            dialog,
            lambda: self._controller.style_mix(dialog.other, *dialog.rows, dialog.seconds.value),
        )

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
                dialog.attribute,
                dialog.start.value,
                dialog.stop.value,
                dialog.seconds.value,
            ),
        )

    def _offered(self) -> tuple[list[Base], list[str]]:
        state, summary = self._explorer.state, self._explorer.summary
        if state is None or summary is None:
            return [], []
        return available_bases(self._explorer.document, state, summary)


def _open(dialog: QDialog, then: Callable[[], None]) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.accepted.connect(then)
    dialog.open()
