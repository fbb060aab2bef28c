# SPDX-License-Identifier: MIT
"""Field of the class that a conditional generator draws: by its number, or by a part of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCompleter, QLineEdit

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import NoWheelComboBox
from latent_explorer.ui.widgets.number_box import parse_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SHOWN = 12  # classes in the list at a time


class ClassPicker(NoWheelComboBox):
    """Editable list of `count` classes. `index` is None unless the text is a class."""

    def __init__(self, count: int, names: Sequence[str] = ()) -> None:
        super().__init__("Class")
        self._names = tuple(names)
        self.setMinimumHeight(theme.CONTROL)
        self.setEditable(True)
        self.setInsertPolicy(NoWheelComboBox.InsertPolicy.NoInsert)
        self.addItems([f"{i}  {names[i]}" if names else str(i) for i in range(count)])
        self.setMaxVisibleItems(MAX_SHOWN)
        completer = QCompleter(self.model(), self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setMaxVisibleItems(MAX_SHOWN)
        self.setCompleter(completer)
        edit = self._edit()
        edit.setPlaceholderText("Number or name" if names else "Number")

    @property
    def index(self) -> int | None:
        """The class: an entry of the list, its number, its name, or the only one whose name holds the text."""
        text = self.currentText().strip()
        if (entry := self.findText(text, Qt.MatchFlag.MatchFixedString)) >= 0:
            return entry
        if (number := parse_whole(text)) is not None:
            return number if 0 <= number < self.count() else None
        found = [i for i, name in enumerate(self._names) if text and text.lower() in name.lower()]
        exact = [i for i in found if text.lower() == self._names[i].lower()]
        only = exact or found
        return only[0] if len(only) == 1 else None

    def begin(self) -> None:
        """Take the focus; what is typed then replaces the text."""
        self.setFocus()
        self._edit().selectAll()

    def _edit(self) -> QLineEdit:
        edit = self.lineEdit()
        assert edit is not None
        return edit

    def set_index(self, index: int) -> None:
        """Choose a class."""
        self.setCurrentIndex(index)
        self.setEditText(self.itemText(index))
