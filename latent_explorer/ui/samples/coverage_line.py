# SPDX-License-Identifier: MIT
"""Lines below the pictures that trigger a class: how often each class is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.app.coverage import coverage_details, coverage_lines
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import Label, tip

if TYPE_CHECKING:
    from latent_explorer.explain.report.coverage import Coverage

HELP = (
    "Listed are the seeds with the highest probability of this class, then the pictures of the file, as the generator "
    "draws them. The lines say for how many of all each class is the verdict, with the 95 % interval:"
)


class CoverageLine(Label):
    """A short line for each class; the counts, and what a class that is almost never drawn means, at rest."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "hint")
        self.setFont(theme.font(theme.SMALL))
        self.setWordWrap(True)
        self.hide()

    def show_coverage(self, found: Coverage | None, target: int) -> None:
        """Show what was found, the class `target` first; None hides the lines."""
        self.setVisible(found is not None)
        if found is not None:
            self.setText("\n".join(coverage_lines(found, target)))
            self.setToolTip(tip(HELP, *coverage_details(found, target)))
