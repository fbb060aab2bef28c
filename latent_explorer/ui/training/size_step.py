# SPDX-License-Identifier: MIT
"""Step 3 of the guided start: how large and how long, what it goes on from, its name, and where it computes."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLineEdit

from latent_explorer.training.presets import PRESETS
from latent_explorer.ui.training.form_step import FormStep
from latent_explorer.ui.widgets.basics import hint
from latent_explorer.ui.widgets.combo_box import NoWheelComboBox
from latent_explorer.ui.widgets.form import FormGrid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.training.plan import TrainingPlan

FROM_SCRATCH, FILE = "", "file"
EXPLAINERS = "Explainers (*.explainer)"
ITS_SIZE = "The explainer's widths win over it; a larger size grows the explainer."


class SizeStep(FormStep):
    """Preset, length, beginning, name, device."""

    def __init__(self) -> None:
        super().__init__(3, "Size")
        self._init: Path | None = None
        self._open: Path | None = None
        self._device = "auto"  # as chosen; it may become known only later
        self.preset = NoWheelComboBox("Preset")
        for key, preset in PRESETS.items():
            self.preset.addItem(preset.title, key)
            tip = "\n".join([preset.description, f"Source: {preset.source}", *preset.differs])
            self.preset.setItemData(self.preset.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.about = hint("")
        self.images = QLineEdit()
        self.images.setAccessibleName("Images to see")
        self.images.setToolTip(
            "How many images the training sees in all; empty: as the preset says"
        )
        self.init = NoWheelComboBox("Start from")
        self.init.setToolTip("Start from the networks of an explainer instead of from noise")
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the training")
        self.device = NoWheelComboBox("Device")
        fields = FormGrid()
        fields.add("Preset", self.preset)
        fields.addWidget(self.about, fields.rowCount(), 0, 1, 2)
        fields.add("Images", self.images)
        fields.add("Start from", self.init)
        fields.add("Name", self.name)
        fields.add("Device", self.device)
        self.layout_.addLayout(fields)
        self.finish()
        self._connect()
        self._fill_init()
        self._describe()

    def _connect(self) -> None:
        self.preset.activated.connect(lambda _index: self._choose_preset())
        self.device.activated.connect(lambda _index: self._choose_device())
        self.init.activated.connect(lambda _index: self._choose_init())
        self.images.editingFinished.connect(self.changed)
        self.name.editingFinished.connect(self.changed)

    def _choose_preset(self) -> None:
        self._describe()
        self.changed.emit()

    def _choose_device(self) -> None:
        self._device = self.device.currentData()
        self.changed.emit()

    def _describe(self) -> None:
        preset = PRESETS[self.preset.currentData()]
        words = [preset.description, *([ITS_SIZE] if self._init else [])]
        self.about.setText(" ".join(words))
        length = preset.settings.get("images")
        self.images.setPlaceholderText(f"{length:,} (as the preset says)" if length else "")

    # going on from an explainer ---------------------------------------------------------------

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
            name, _kind = QFileDialog.getOpenFileName(self, "Go on from", "", EXPLAINERS)
            self._init = Path(name) if name else self._init
        else:
            self._init = Path(self.init.currentData()) if self.init.currentData() else None
        self._fill_init()
        self._describe()
        self.changed.emit()

    def show_open(self, path: Path | None) -> None:
        """The explainer on the screen, from which one can go on."""
        self._open = path
        self._fill_init()

    # what is shown ----------------------------------------------------------------------------

    def show_devices(self, devices: Sequence[tuple[str, str]]) -> None:
        """The devices that can compute, as (id, words)."""
        known = [
            (self.device.itemData(i), self.device.itemText(i)) for i in range(self.device.count())
        ]
        if list(devices) == known:
            return
        self.device.clear()
        for number, words in devices:
            self.device.addItem(words, number)
        self.device.setCurrentIndex(max(0, self.device.findData(self._device)))

    def show_plan(self, plan: TrainingPlan) -> None:
        self.preset.setCurrentIndex(max(0, self.preset.findData(plan.preset)))
        self.images.setText(f"{plan.images:,}" if plan.images else "")
        self._init = plan.init
        self._fill_init()
        self._describe()
        self.name.setText(plan.name)
        self._device = plan.device
        self.device.setCurrentIndex(max(0, self.device.findData(plan.device)))

    def show_title(self, title: str) -> None:
        """The name it gets when none is typed."""
        self.name.setPlaceholderText(title)

    def apply_to(self, plan: TrainingPlan) -> TrainingPlan:
        return dataclasses.replace(
            plan,
            preset=self.preset.currentData(),
            images=images_of(self.images.text()),
            init=self._init,
            name=self.name.text().strip(),
            device=self.device.currentData() or "auto",
        )


def images_of(text: str) -> int | None:
    """ "20,000", "20 000", "20k" -> 20000, "1.5M" -> 1500000; empty: None; what is no number: 0, which a plan refuses."""
    plain = re.sub(r"[\s']", "", text.lower())
    plain = re.sub(r"[.,](?=\d{3}(\D|$))", "", plain)  # between thousands
    if not plain:
        return None
    found = re.fullmatch(r"(\d{1,9})|(\d{1,6}(?:[.,]\d{1,2})?)([km])", plain)
    if not found:
        return 0
    whole, short, unit = found.groups()
    return int(whole or round(float(short.replace(",", ".")) * {"k": 1e3, "m": 1e6}[unit]))
