# SPDX-License-Identifier: MIT
"""Choice of where the pictures of a page come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from latent_explorer.ui.widgets.basics import NoWheelComboBox

if TYPE_CHECKING:
    from latent_explorer.app.overview.samples import Source
    from latent_explorer.models.summary import ExplainerSummary

SOURCES: tuple[tuple[str, Source], ...] = (
    ("Pictures of the file", "samples"),
    ("Random seeds", "seeds"),
    ("Projected pictures", "projected"),
    ("Favourites", "favourites"),
)


class SourceBox(NoWheelComboBox):
    """Box with the same lists of pictures as the samples' strip."""

    def __init__(self) -> None:
        super().__init__("Pictures that are shown")
        for text, source in SOURCES:
            self.addItem(text, source)
        self.setMinimumContentsLength(16)

    @property
    def source(self) -> Source:
        return cast("Source", self.currentData())

    def show_model(self, summary: ExplainerSummary) -> None:
        """Name the pictures of the file, encoded or generated ones; where it holds none, choose seeds."""
        self.setItemText(0, summary.samples_are.capitalize())
        if self.source == "samples" and (summary.samples is None or not summary.samples.ids):
            self.setCurrentIndex(1)
