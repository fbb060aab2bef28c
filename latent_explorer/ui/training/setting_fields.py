# SPDX-License-Identifier: MIT
"""The field of one setting of a training, made from its type: a line to type in, or a menu of its values."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit

from latent_explorer.common.errors import UserError
from latent_explorer.training.settings import train_settings
from latent_explorer.ui.widgets.combo_box import NoWheelComboBox

if TYPE_CHECKING:
    from latent_explorer.training.settings import Setting


class SettingLine(QLineEdit):
    """A setting that is typed. Empty stands for its default, which is shown in grey."""

    edited = Signal()

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self.value: Any = None  # None: the default
        self.problem = ""  # why the text is no value
        self.setAccessibleName(setting.name)
        self.setToolTip(tip(setting))
        self.editingFinished.connect(self._on_edited)

    def show_value(self, value: Any, default: Any) -> None:
        """Show a value, or its default where it is None. What cannot be read stays until it is corrected."""
        self.setPlaceholderText(self._text(default))
        if not self.problem or value is not None:
            self.value, self.problem = value, ""
            self.setText("" if value is None else self._text(value))

    def _on_edited(self) -> None:
        before = self.value, self.problem
        self.value, self.problem = None, ""
        if text := self.text().strip():
            try:
                self.value = self.setting.parse(text)
            except UserError as error:
                self.problem = str(error)
        if (self.value, self.problem) != before:
            self.edited.emit()

    def _text(self, value: Any) -> str:
        return f"{value:,}" if isinstance(value, int) else self.setting.text(value)


class SettingMenu(NoWheelComboBox):
    """A setting with a few values. The first entry is its default."""

    edited = Signal()
    problem = ""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting.name)
        self.setting = setting
        self.setToolTip(tip(setting))
        self.addItem("", None)
        for value in setting.choices:
            self.addItem(setting.text(value), value)
        self.activated.connect(self.edited)

    @property
    def value(self) -> Any:
        """The chosen value; None: the default."""
        return self.currentData()

    def show_value(self, value: Any, default: Any) -> None:
        """Show a value, or its default where it is None."""
        self.setItemText(0, f"{self.setting.text(default)} (default)")
        chosen = 0 if value is None else 1 + self.setting.choices.index(value)
        self.setCurrentIndex(chosen)


def setting_field(name: str) -> SettingLine | SettingMenu:
    """The field of the setting of `train` that is called so."""
    setting = train_settings()[name]
    return SettingMenu(setting) if setting.choices else SettingLine(setting)


def tip(setting: Setting) -> str:
    """What a setting is for and what it may be, as a tooltip that wraps."""
    lines = (setting.reason, f"{setting.name}: {setting.allowed}.")
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)
