# SPDX-License-Identifier: MIT
"""Page of all settings of a training, with defaults and reasons, under the headings of `training.config`."""

from __future__ import annotations

import dataclasses
import html
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QWidget

from latent_explorer.common.errors import UserError
from latent_explorer.training.settings import CLASSIFIER, train_settings, values_of
from latent_explorer.ui.style import theme
from latent_explorer.ui.training.form_step import scrolling
from latent_explorer.ui.widgets.basics import (
    ElidedLabel,
    NoWheelComboBox,
    button,
    column,
    hint,
    icon_button,
    plain,
    row,
    title,
    warning,
)
from latent_explorer.ui.widgets.form import MessageLines

if TYPE_CHECKING:
    from latent_explorer.app.training.plan import TrainingPlan
    from latent_explorer.training.settings import Setting

# Settings that the three steps have.
ELSEWHERE = ("classifier", "init", "name", "device")
NAME_WIDTH = 22 * theme.UNIT  # px, of a setting's name
FIELD_WIDTH = 18 * theme.UNIT  # px
NONE_FOUND = "No setting matches."
AS_PRESET = "All as in the preset"


class SettingLine(QLineEdit):
    """Line for a setting. Empty means its default, which is shown in grey."""

    edited = Signal()

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self.value: Any = None  # None: the default
        self.problem = ""  # why the text is not a value
        self.setAccessibleName(setting.name)
        self.setToolTip(tip(setting))
        self.editingFinished.connect(self._on_edited)

    def show_value(self, value: Any, default: Any) -> None:
        """Show a value, or the default for None. An invalid text stays until it is corrected."""
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
    """Menu for a setting with a few values. The first entry is its default."""

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
        """Chosen value; None: the default."""
        return self.currentData()

    def show_value(self, value: Any, default: Any) -> None:
        """Show a value, or the default for None."""
        self.setItemText(0, f"{self.setting.text(default)} (default)")
        chosen = 0 if value is None else 1 + self.setting.choices.index(value)
        self.setCurrentIndex(chosen)


def setting_field(name: str) -> SettingLine | SettingMenu:
    """Return the field for a setting of `train`."""
    setting = train_settings()[name]
    return SettingMenu(setting) if setting.choices else SettingLine(setting)


def tip(setting: Setting) -> str:
    """Return a tooltip that wraps: purpose and allowed values of a setting."""
    lines = (setting.reason, f"{setting.name}: {setting.allowed}.")
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)


class SettingRow(QWidget):
    """Row of a setting: name (bold if changed), field, a button to reset it, and reason."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.field = setting_field(name)
        setting = self.field.setting
        self.search_text = f"{name} {setting.reason} {setting.section}".lower()
        self.name = plain(name)
        self.name.setBuddy(self.field)
        self.reset = icon_button("reset", "", self._on_reset)
        self.reason = ElidedLabel(setting.reason)
        self.reason.setProperty("role", "hint")
        self.reason.setFont(theme.font(theme.SMALL))
        self.problem = warning()
        self.name.setToolTip(tip(setting))
        self.reason.setToolTip(tip(setting))
        self.name.setFixedWidth(NAME_WIDTH)
        self.field.setFixedWidth(FIELD_WIDTH)
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        line = row()
        line.addWidget(self.name)
        line.addWidget(self.field)
        line.addWidget(self.reset)
        line.addWidget(self.reason, 1)
        layout = column(self, spacing=0)
        layout.addLayout(line)
        layout.addWidget(self.problem)
        self.problem.setIndent(NAME_WIDTH + theme.GAP)

    @property
    def is_changed(self) -> bool:
        """True if the setting differs from the preset, or is invalid."""
        return self.field.value is not None or bool(self.field.problem)

    def show_value(self, value: Any, default: Any) -> None:
        """Show a value, or the default for None."""
        self.field.show_value(value, default)
        self.name.setFont(theme.font(semibold=self.is_changed))
        self.reset.setVisible(self.is_changed)
        back = f"Back to {self.field.setting.text(default)}"
        self.reset.setToolTip(back)
        self.reset.setAccessibleName(f"{self.field.setting.name}: {back}")
        message = f"It must be {self.field.setting.allowed}." if self.field.problem else ""
        self.problem.setText(message)
        self.problem.setVisible(bool(message))

    def reset_value(self) -> None:
        """Reset to the default. Emits nothing."""
        self.field.problem = ""
        self.show_value(None, "")

    def _on_reset(self) -> None:
        self.reset_value()
        self.field.edited.emit()


class SettingsPage(QWidget):
    """List of settings. Emits `changed` after a change by the user, `closed` to go back to the steps."""

    changed = Signal()
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a setting")
        self.search.setAccessibleName("Find a setting")
        self.search.setClearButtonEnabled(True)
        self.only_changed = QCheckBox("Changed only")
        self.reset_all = button("Reset all", self._reset_all, role="quiet")
        self.back = button("Back to the steps", self.closed.emit, icon="left")
        self.about = hint("", wrap=False)
        self.none_found = hint(NONE_FOUND)
        self.messages = MessageLines()
        self._trains_classifier = True
        self.headings: dict[str, QLabel] = {}
        self.rows: dict[str, SettingRow] = {}
        self._build()
        self.search.textChanged.connect(self._filter)
        self.only_changed.toggled.connect(self._filter)

    def _build(self) -> None:
        head = row(spacing=theme.GAP)
        head.addWidget(self.back)
        head.addWidget(self.search)
        head.addWidget(self.only_changed)
        self.search.setFixedWidth(NAME_WIDTH + FIELD_WIDTH)
        head.addWidget(self.about, 1)
        head.addWidget(self.reset_all)
        page = QWidget()
        rows = column(page, spacing=theme.GAP // 2)
        rows.setContentsMargins(0, 0, theme.UNIT, theme.UNIT)
        rows.addWidget(self.none_found)
        for name, setting in train_settings().items():
            if name in ELSEWHERE:
                continue
            if setting.section not in self.headings:
                self.headings[setting.section] = title(setting.section)
                self.headings[setting.section].setContentsMargins(0, theme.GAP, 0, 0)
                rows.addWidget(self.headings[setting.section])
            self.rows[name] = SettingRow(name)
            self.rows[name].field.edited.connect(self.changed)
            rows.addWidget(self.rows[name])
        rows.addStretch(1)
        layout = column(self)
        layout.addLayout(head)
        layout.addWidget(self.messages)
        layout.addWidget(scrolling(page), 1)

    @property
    def problems(self) -> list[str]:
        """Problems of invalid texts, a sentence each."""
        used = [each for name, each in self.rows.items() if self._is_used(name)]
        return [each.field.problem for each in used if each.field.problem]

    def _is_used(self, name: str) -> bool:
        return self._trains_classifier or not name.startswith(CLASSIFIER)

    def show_plan(self, plan: TrainingPlan) -> None:
        """Show a plan's settings over the defaults of its preset. Emits nothing."""
        config = plan.config()
        self._trains_classifier = config.classifier_training is not None
        values = values_of(config)
        defaults = values_of(dataclasses.replace(plan, settings={}).config())
        for name, each in self.rows.items():
            value = plan.settings.get(name)
            # An unchanged default can depend on another setting: the classifier's resolution on the training's.
            each.show_value(value, (values if value is None else defaults).get(name, ""))
        self._show_count()
        self._filter()

    def apply_to(self, plan: TrainingPlan) -> TrainingPlan:
        """Return `plan` with the settings of this page."""
        elsewhere = {name: v for name, v in plan.settings.items() if name not in self.rows}
        values = {name: each.field.value for name, each in self.rows.items()}
        given = {name: value for name, value in values.items() if value is not None}
        return dataclasses.replace(plan, settings={**elsewhere, **given})

    def _show_count(self) -> None:
        count = sum(each.is_changed for each in self.rows.values())
        self.reset_all.setEnabled(count > 0)
        self.about.setText(f"{count} changed, the others as in the preset" if count else AS_PRESET)

    def _filter(self) -> None:
        """Show the rows that have all the words, and their headings."""
        words = self.search.text().lower().split()
        shown = set()
        for name, each in self.rows.items():
            is_wanted = each.is_changed or not self.only_changed.isChecked()
            matches = self._is_used(name) and is_wanted and all(word in each.search_text for word in words)
            each.setVisible(matches)
            if matches:
                shown.add(each.field.setting.section)
        for section, heading in self.headings.items():
            heading.setVisible(section in shown)
        self.none_found.setVisible(not shown)

    def _reset_all(self) -> None:
        for each in self.rows.values():
            each.reset_value()
        self.changed.emit()
