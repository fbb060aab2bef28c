# SPDX-License-Identifier: MIT
"""Which attribute an animation sweeps. Where it is written to is asked afterwards, in `files`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QWidget

from latent_explorer.app.state import attribute_amount
from latent_explorer.ui import theme
from latent_explorer.ui.widgets.basics import button, column, hint, row, title
from latent_explorer.ui.widgets.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.state import ExplorerState
    from latent_explorer.models.attributes import Attribute

WIDTH = 44 * theme.UNIT
WORDS = (
    "The animation moves one attribute of this picture from \N{MINUS SIGN}1 to +1 and back, "
    "and leaves the other sliders where they are."
)


class SweepDialog(QDialog):
    """Begins with the attribute that is moved most: most likely the one to be shown."""

    def __init__(
        self,
        attributes: Sequence[Attribute],
        state: ExplorerState,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._attributes = attributes
        self.setWindowTitle("Export animation")
        self.choice = Choice("Attribute to sweep")
        for rank, attribute in enumerate(attributes, start=1):
            self.choice.addItem(f"{rank}  {attribute.name}")
        moved = [abs(attribute_amount(state, attribute)) for attribute in attributes]
        self.choice.setCurrentIndex(moved.index(max(moved)))
        words = hint(WORDS)
        words.setFixedWidth(WIDTH)
        go = button("Export...", self.accept, role="primary")
        go.setDefault(True)
        foot = row()
        foot.addStretch(1)
        foot.addWidget(button("Cancel", self.reject))
        foot.addWidget(go)
        layout = column(self, spacing=theme.MARGIN, margin=theme.SECTION)
        layout.addWidget(title("Attribute to sweep"))
        layout.addWidget(self.choice)
        layout.addWidget(words)
        layout.addLayout(foot)
        self.choice.setFocus()

    @property
    def attribute(self) -> Attribute:
        """The chosen one."""
        return self._attributes[self.choice.currentIndex()]
