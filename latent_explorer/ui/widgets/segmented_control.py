# SPDX-License-Identifier: MIT
"""A few words side by side of which one is chosen: pages of a dock, groups of curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QSizePolicy, QToolButton, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import row

if TYPE_CHECKING:
    from collections.abc import Sequence


class SegmentedControl(QWidget):
    """`chosen(int)` when the person takes another one; `choose` is silent."""

    chosen = Signal(int)

    def __init__(self, name: str, words: Sequence[str] = (), *, tight: bool = False) -> None:
        super().__init__()
        self._tight = tight  # where room is scarce
        self.setAccessibleName(name)
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self.chosen)
        self._line = row(self, spacing=theme.UNIT // 2)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_words(words)

    def set_words(self, words: Sequence[str]) -> None:
        """Other choices; the one of the same word stays chosen, else the first is."""
        if list(words) == self.words:
            return
        before = self.word
        for old in self._group.buttons():
            self._group.removeButton(old)
            self._line.removeWidget(old)
            old.deleteLater()
        for index, word in enumerate(words):
            made = QToolButton()
            made.setText(word)
            made.setCheckable(True)
            made.setProperty("role", "segment")
            made.setProperty("tight", self._tight)
            made.setFixedHeight(theme.CONTROL)
            made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            made.setAccessibleName(word)
            self._group.addButton(made, index)
            self._line.addWidget(made)
        self.choose(list(words).index(before) if before in words else 0)

    @property
    def words(self) -> list[str]:
        return [button.text() for button in self._group.buttons()]

    @property
    def index(self) -> int:
        return self._group.checkedId()

    @property
    def word(self) -> str:
        """The chosen word; empty where there is none."""
        button = self._group.checkedButton()
        return button.text() if button is not None else ""

    def choose(self, index: int) -> None:
        """Show that one as chosen."""
        button = self._group.button(index)
        if button is not None:
            button.setChecked(True)
