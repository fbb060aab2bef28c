# SPDX-License-Identifier: MIT
"""The two fields that say which pictures an export shows: where they come from, and how many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latent_explorer.app.export.controller import ExportController
    from latent_explorer.explain.recipe import Base
    from latent_explorer.ui.export.dialog_base import ExportDialog

WORDS = {
    "shown": "The picture on the screen",
    "samples": "Encoded pictures",
    "seeds": "Seeds from 0 on",
    "favourites": "Favourites",
    "projected": "Projected pictures",
}


class PictureSourceFields:
    """Adds its fields to a dialog; sources that have nothing are not offered."""

    def __init__(self, dialog: ExportDialog, controller: ExportController, most: int) -> None:
        self._controller = controller
        offered = {kind: words for kind, words in WORDS.items() if controller.bases(kind, 1)}
        self.source = dialog.add_choice("Pictures", offered, controller.choices.pictures_from)
        self.count = dialog.add_spin_box("How many", controller.choices.pictures, 1, most)
        self.source.currentIndexChanged.connect(self._source_changed)
        self._source_changed()

    def _source_changed(self) -> None:
        self.count.setEnabled(self.source.currentData() != "shown")

    @property
    def bases(self) -> list[Base]:
        """The latents."""
        return self._controller.bases(self.source.currentData(), self.count.value())

    def chosen(self) -> dict[str, Any]:
        """What to remember."""
        return {"pictures": self.count.value(), "pictures_from": self.source.currentData()}
