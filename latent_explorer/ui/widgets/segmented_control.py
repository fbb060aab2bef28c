# SPDX-License-Identifier: MIT
"""Segmented control: a row of words of which one is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QSizePolicy, QToolButton, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import row

if TYPE_CHECKING:
    from collections.abc import Sequence


class SegmentedControl(QWidget):
    """Row of exclusive buttons. `chosen(int)` is emitted on a click, not by `choose`."""

    chosen = Signal(int)

    def __init__(self, name: str, labels: Sequence[str] = (), *, tight: bool = False) -> None:
        super().__init__()
        self._tight = tight  # less padding
        self.setAccessibleName(name)
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self.chosen)
        self._line = row(self, spacing=theme.UNIT // 2)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_labels(labels)

    def set_labels(self, labels: Sequence[str]) -> None:
        """Replace the words; keep the selected word if it is among them, else select the first."""
        if list(labels) == self.labels:
            return
        before = self.word
        for old in self._group.buttons():
            self._group.removeButton(old)
            self._line.removeWidget(old)
            old.deleteLater()
        for index, word in enumerate(labels):
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
        self.choose(list(labels).index(before) if before in labels else 0)

    def set_tight(self, on: bool) -> None:
        """Give the words less padding, or the usual one."""
        if on != self._tight:
            self._tight = on
            for button in self._group.buttons():
                button.setProperty("tight", on)
                button.style().polish(button)

    @property
    def labels(self) -> list[str]:
        return [button.text() for button in self._group.buttons()]

    @property
    def index(self) -> int:
        return self._group.checkedId()

    @property
    def word(self) -> str:
        """Selected word; empty if there is none."""
        button = self._group.checkedButton()
        return button.text() if button is not None else ""

    def choose(self, index: int) -> None:
        """Select an item without emitting `chosen`."""
        button = self._group.button(index)
        if button is not None:
            button.setChecked(True)
