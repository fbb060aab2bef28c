# SPDX-License-Identifier: MIT
"""Step 3 of the guided start: preset, length, what to start from, name and device."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit

from latent_explorer.training.presets import PRESETS
from latent_explorer.ui.training.form_step import FormStep
from latent_explorer.ui.training.settings_page import setting_field
from latent_explorer.ui.widgets.basics import NoWheelComboBox, button, hint
from latent_explorer.ui.widgets.form import FormGrid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.training.plan import TrainingPlan

FROM_SCRATCH, FILE = "", "file"
EXPLAINERS = "Explainers (*.explainer)"
MORE = "More"
ITS_SIZE = "The explainer's own layer widths are kept; a larger size adds layers to it."


class SizeStep(FormStep):
    """Step for size and length. Emits `more_requested` for the page of all settings."""

    FIELDS = ("preset", "init", "name", "settings")
    more_requested = Signal()

    def __init__(self) -> None:
        super().__init__(3, "Size")
        self._init: Path | None = None
        self._open: Path | None = None
        self._device = "auto"  # as chosen; the list of devices may come later
        self.preset = NoWheelComboBox("Preset")
        for key, preset in PRESETS.items():
            self.preset.addItem(preset.title, key)
            tip = "\n".join([preset.description, f"Source: {preset.source}", *preset.differs])
            self.preset.setItemData(self.preset.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.about = hint("")
        self.images = setting_field("images")
        self.init = NoWheelComboBox("Start from")
        self.init.setToolTip("Start from the networks of an explainer instead of from scratch")
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the training")
        self.device = NoWheelComboBox("Device")
        self.more = button(MORE, self.more_requested.emit, role="fold", icon="right")
        self.more.setProperty("tight", True)
        self.more.setToolTip("All settings of the training, explained")
        fields = FormGrid()
        fields.add("Preset", self.preset)
        fields.addWidget(self.about, fields.rowCount(), 0, 1, 2)
        fields.add("Images", self.images)
        fields.add("Start from", self.init)
        fields.add("Name", self.name)
        fields.add("Device", self.device)
        self.head.addWidget(self.more)
        self.layout_.addLayout(fields)
        self.finish()
        self.preset.activated.connect(lambda _index: self._choose_preset())
        self.device.activated.connect(lambda _index: self._choose_device())
        self.init.activated.connect(lambda _index: self._choose_init())
        self.images.edited.connect(self.changed)
        self.name.editingFinished.connect(self.changed)
        self._fill_init()
        self._describe()

    def _choose_preset(self) -> None:
        self._describe()
        self.changed.emit()

    def _choose_device(self) -> None:
        self._device = self.device.currentData()
        self.changed.emit()

    def _describe(self) -> None:
        preset = PRESETS[self.preset.currentData()]
        sentences = [preset.description, *([ITS_SIZE] if self._init else [])]
        self.about.setText(" ".join(sentences))
        self.images.show_value(self.images.value, preset.settings["images"])

    def _fill_init(self) -> None:
        self.init.clear()
        self.init.addItem("scratch", FROM_SCRATCH)
        if self._open is not None:
            self.init.addItem(f"the open one, {self._open.stem}", str(self._open))
        if self._init is not None and self._init != self._open:
            self.init.addItem(self._init.name, str(self._init))
        self.init.addItem("an explainer file...", FILE)
        self.init.setCurrentIndex(max(0, self.init.findData(str(self._init or ""))))

    def _choose_init(self) -> None:
        if self.init.currentData() == FILE:
            name, _kind = QFileDialog.getOpenFileName(self, "Continue from", "", EXPLAINERS)
            self._init = Path(name) if name else self._init
        else:
            self._init = Path(self.init.currentData()) if self.init.currentData() else None
        self._fill_init()
        self._describe()
        self.changed.emit()

    def show_open(self, path: Path | None) -> None:
        """Set the file of the explainer on the screen, which can be started from."""
        self._open = path
        self._fill_init()

    def show_devices(self, devices: Sequence[tuple[str, str]]) -> None:
        """Set the devices, as (id, words)."""
        known = [(self.device.itemData(i), self.device.itemText(i)) for i in range(self.device.count())]
        if list(devices) == known:
            return
        self.device.clear()
        for number, text in devices:
            self.device.addItem(text, number)
        self.device.setCurrentIndex(max(0, self.device.findData(self._device)))

    def show_plan(self, plan: TrainingPlan) -> None:
        self.preset.setCurrentIndex(max(0, self.preset.findData(plan.preset)))
        self.images.show_value(plan.settings.get("images"), PRESETS[plan.preset].settings["images"])
        others = len(plan.settings.keys() - {"images", "device"})
        self.more.setText(f"{MORE} ({others} changed)" if others else MORE)
        self._init = plan.init
        self._fill_init()
        self._describe()
        self.name.setText(plan.name)
        self._device = plan.device
        self.device.setCurrentIndex(max(0, self.device.findData(plan.device)))

    def show_title(self, title: str) -> None:
        """Show the name that is used if none is typed."""
        self.name.setPlaceholderText(title)

    def missing(self) -> str:
        return self.images.problem

    def apply_to(self, plan: TrainingPlan) -> TrainingPlan:
        device = self.device.currentData() or "auto"
        own_settings = {"images": self.images.value, "device": None if device == "auto" else device}
        settings = {name: value for name, value in plan.settings.items() if name not in own_settings}
        settings |= {name: value for name, value in own_settings.items() if value is not None}
        return dataclasses.replace(
            plan, preset=self.preset.currentData(), init=self._init, name=self.name.text().strip(), settings=settings
        )
