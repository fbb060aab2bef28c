# SPDX-License-Identifier: MIT
"""Fields of a classifier's preprocessing. Means and deviations are chosen among the usual ones and the file's own."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from latent_explorer.models.preprocessing import CHANNELS, INTERPOLATIONS, USUAL, Preprocessing
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import NoWheelComboBox, plain
from latent_explorer.ui.widgets.form import FormGrid
from latent_explorer.ui.widgets.number_box import NumberBox

CHANNEL_NAMES = {"rgb": "red first (RGB)", "bgr": "blue first (BGR)", "grey": "grey, one channel"}
SIZE_HELP = "Pixels a side that the classifier is shown"
FIXED_HELP = "This network is made for pictures of one size"
CROP_HELP = "Share of the side that is kept, from the middle, before the picture is resized"
VALUES_HELP = "What the pixels are made into: the mean is taken off, and the rest divided by the deviation"


class PreprocessingForm(QWidget):
    """Form of a preprocessing. Emits `changed` when the user changed a field."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._shown = Preprocessing(224)
        self.size_ = NumberBox("Size", 8, 2048, unit="px")
        self.crop = NumberBox("Crop", 0.1, 1, decimals=3, step=0.05)
        self.crop.setToolTip(CROP_HELP)
        self.values = NoWheelComboBox("Values")
        self.values.setToolTip(VALUES_HELP)
        self.channels = NoWheelComboBox("Channels")
        self.interpolation = NoWheelComboBox("Resampling")
        self.interpolation.addItems(INTERPOLATIONS)
        grid = FormGrid()
        self.setLayout(grid)
        grid.add("Size", self.size_, plain("Crop"), self.crop)
        grid.add("Values", self.values)
        grid.add("Channels", self.channels)
        grid.add("Resampling", self.interpolation)
        for box in (self.size_, self.crop):
            box.setMinimumHeight(theme.CONTROL)
            box.valueChanged.connect(lambda _value: self.changed.emit())
        self.values.activated.connect(self._choose_values)
        for choice in (self.channels, self.interpolation):
            choice.activated.connect(lambda _index: self.changed.emit())

    @property
    def value(self) -> Preprocessing:
        """The preprocessing that the fields say."""
        mean, std = self.values.currentData()
        return msgspec.structs.replace(
            self._shown,
            input_size=self.size_.count,
            crop=self.crop.number,
            mean=mean,
            std=std,
            channels=self.channels.currentData(),
            interpolation=self.interpolation.currentText(),
        )

    def show_value(self, value: Preprocessing, *, fixed_size: bool) -> None:
        """Show a preprocessing; emits nothing. A network of grey pictures keeps its one channel."""
        self._shown = value
        self.blockSignals(True)
        self.size_.setValue(value.input_size)
        self.size_.setEnabled(not fixed_size)
        self.size_.setToolTip(FIXED_HELP if fixed_size else SIZE_HELP)
        self.crop.setValue(value.crop)
        self.values.clear()
        usual = {(each["mean"], each["std"]): text for text, each in USUAL.items()}
        if (value.mean, value.std) not in usual:
            usual = {(value.mean, value.std): "the file's own", **usual}
        for numbers, text in usual.items():
            self.values.addItem(text, numbers)
        self.values.setCurrentIndex(list(usual).index((value.mean, value.std)))
        self.channels.clear()
        for channels in CHANNELS:
            if (channels == "grey") == (value.channels == "grey"):
                self.channels.addItem(CHANNEL_NAMES[channels], channels)
        self.channels.setCurrentIndex(self.channels.findData(value.channels))
        self.channels.setEnabled(self.channels.count() > 1)
        self.interpolation.setCurrentText(value.interpolation)
        self.blockSignals(False)

    def _choose_values(self) -> None:
        """Take the order of channels along, which belongs to the usual values."""
        usual = USUAL.get(self.values.currentText())
        if usual is not None and self.channels.count() > 1:
            self.channels.setCurrentIndex(self.channels.findData(usual["channels"]))
        self.changed.emit()
