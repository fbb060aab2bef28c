# SPDX-License-Identifier: MIT
"""The base of the export dialogs: fields at the left, a preview at the right, and fields that several dialogs have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, QSize, QTimer
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QCheckBox, QDialog, QFormLayout, QWidget

from latent_explorer.media.animation.gif import colors_of
from latent_explorer.media.animation.settings import ALWAYS_LOSSLESS, FPS, LOSSLESS, SIZES, VIDEO
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import (
    OF_MODEL,
    NoWheelComboBox,
    button,
    column,
    hint,
    plain,
    row,
    title,
    warning,
)
from latent_explorer.ui.widgets.number_box import NumberBox
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from PySide6.QtGui import QPaintEvent

    from latent_explorer.app.export.controller import ExportController
    from latent_explorer.explain.recipe import Base

FIELDS_WIDTH = 42 * theme.UNIT  # px, width of the left half
PREVIEW_SIDE = 40 * theme.UNIT  # px, side of the preview
WORKING = "Estimating..."
DEBOUNCE_MS = 250  # ms without a change before the preview is updated
RATES = {rate: f"{rate:g} frames per second" for rate in FPS}  # every format keeps them exactly
PICTURE_SOURCES = {  # "samples" is called what the open file holds
    "shown": "The picture on the screen",
    "samples": "",
    "seeds": "Seeds, starting at 0",
    "favourites": "Favourites",
    "projected": "Projected pictures",
}
_QUALITY_WORDS = {LOSSLESS: "Lossless", 90: "High", 75: "Good", 50: "Fair", 25: "Small"}


class ExportDialog(QDialog):
    """Fields at the left, a preview with facts below it at the right, [Cancel] and [Export...]."""

    def __init__(self, controller: ExportController, name: str, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty(OF_MODEL, True)
        self._controller = controller
        self.setWindowTitle(name)
        self.fields = QFormLayout()
        self.fields.setHorizontalSpacing(theme.MARGIN)
        self.fields.setVerticalSpacing(theme.GAP)
        self.fields.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.preview = PicturePreview()
        self.facts = plain("")
        self.more = hint("")
        self.problem = warning()
        self.go = button("Export...", self.accept, role="primary")
        self.go.setDefault(True)
        self._build(name, sentence)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self._update_preview)
        self.finished.connect(lambda _result: self._timer.stop())

    def _build(self, name: str, sentence: str) -> None:
        left = column(spacing=theme.MARGIN)
        left.addWidget(title(name))
        text = hint(sentence)
        text.setFixedWidth(FIELDS_WIDTH)
        left.addWidget(text)
        left.addLayout(self.fields)
        left.addStretch(1)
        right = column(spacing=theme.GAP)
        right.addWidget(self.preview, 1)
        for label in (self.facts, self.more, self.problem):
            label.setWordWrap(True)
            label.setMinimumWidth(PREVIEW_SIDE)
            right.addWidget(label)
        halves = row(spacing=theme.SECTION)
        halves.addLayout(left)
        halves.addLayout(right, 1)
        foot = row()
        foot.addStretch(1)
        foot.addWidget(button("Cancel", self.reject))
        foot.addWidget(self.go)
        layout = column(self, spacing=theme.SECTION, margin=theme.SECTION)
        layout.addLayout(halves, 1)
        layout.addLayout(foot)

    def _update_preview(self) -> None:
        self.more.setText(self._controller.blocked_reason or WORKING)
        self.update_preview()

    def update_preview(self) -> None:
        """Update preview and facts to the current choices."""
        raise NotImplementedError

    def changed(self) -> None:
        """Schedule an update of the preview after another choice."""
        self.more.setText(WORKING)
        self._timer.start()

    def set_problem(self, sentence: str) -> None:
        """Show why the export is not possible and disable it; empty: enable it."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))
        self.go.setEnabled(not sentence)

    def add_choice(self, label: str, items: Mapping[Any, str], chosen: object = None) -> NoWheelComboBox:
        """Add a combo box of values with their texts; the first is selected if `chosen` is not among them."""
        choice = NoWheelComboBox(label)
        for value, text in items.items():
            choice.addItem(text, value)
        choice.setCurrentIndex(max(0, choice.findData(chosen)))
        choice.currentIndexChanged.connect(self.changed)
        self.fields.addRow(label, choice)
        return choice

    def add_spin_box(self, label: str, value: int, low: int, high: int) -> NumberBox:
        """Add a field for a whole number."""
        field = NumberBox(label, low, high)
        field.setValue(value)
        field.setMinimumHeight(theme.CONTROL)
        field.valueChanged.connect(self.changed)
        self.fields.addRow(label, field)
        return field

    def add_check_box(self, label: str, on: bool, tip: str = "") -> QCheckBox:
        """Add a check box, aligned with the fields."""
        field = QCheckBox(label)
        field.setChecked(on)
        field.setToolTip(tip)
        field.toggled.connect(self.changed)
        self.fields.addRow("", field)
        return field


class PicturePreview(QWidget):
    """A picture, as large as it fits, on the canvas' background."""

    def __init__(self) -> None:
        super().__init__()
        self._image: np.ndarray | None = None
        self.setAccessibleName("Preview")
        self.setMinimumSize(PREVIEW_SIDE, PREVIEW_SIDE)

    def sizeHint(self) -> QSize:
        return QSize(PREVIEW_SIDE, PREVIEW_SIDE)

    def show_image(self, image: np.ndarray) -> None:
        """Show a picture (H, W, 3) uint8."""
        self._image = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002  # Qt's signature
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().color("sunken"))
        if self._image is None:
            return
        ratio = self.devicePixelRatioF()
        height, width = self._image.shape[:2]
        factor = min(self.width() / width, self.height() / height, 1 / ratio)
        shown = scaled(self._image, factor * max(height, width), ratio, pixels=False)
        size = shown.deviceIndependentSize()
        left = round((self.width() - size.width()) / 2)
        top = round((self.height() - size.height()) / 2)
        painter.drawImage(left, top, shown)


def size_names(native: int) -> dict[int, str]:
    """Return sizes in px with their texts, first the default: the model's own, enlarged by a whole factor to 512 px."""
    usual = native * max(1, 512 // native)
    others = sorted({native, *SIZES} - {usual})
    return {0: f"{usual} px"} | {
        size: f"{size} px, the model's own" if size == native else f"{size} px" for size in others
    }


def fill_qualities(choice: NoWheelComboBox, suffix: str, quality: int) -> None:
    """Fill in the qualities of a format, best first, and select the nearest to `quality`."""
    with QSignalBlocker(choice):
        choice.clear()
        if suffix in ALWAYS_LOSSLESS or suffix == ".csv":
            choice.addItem("Lossless" if suffix != ".csv" else "Exact", quality)
        elif suffix == ".gif":
            for each in (90, 75, 50, 25):
                choice.addItem(f"{colors_of(each)} colours per frame", each)
        else:
            for each, text in _QUALITY_WORDS.items():
                if each != LOSSLESS or suffix not in VIDEO:
                    choice.addItem(text, each)
        values = [choice.itemData(i) for i in range(choice.count())]
        nearest = min(range(len(values)), key=lambda i: abs(values[i] - quality))
        choice.setCurrentIndex(nearest)
        choice.setEnabled(choice.count() > 1)


class PictureSourceFields:
    """Two fields of a dialog: the source of the pictures and their number. Empty sources are not offered."""

    def __init__(self, dialog: ExportDialog, controller: ExportController, maximum: int) -> None:
        self._controller = controller
        names = {**PICTURE_SOURCES, "samples": controller.samples_are.capitalize()}
        offered = {kind: text for kind, text in names.items() if controller.bases(kind, 1)}
        self.source = dialog.add_choice("Pictures", offered, controller.choices.pictures_from)
        self.count = dialog.add_spin_box("How many", controller.choices.pictures, 1, maximum)
        self.source.currentIndexChanged.connect(self._source_changed)
        self._source_changed()

    def _source_changed(self) -> None:
        self.count.setEnabled(self.source.currentData() != "shown")

    @property
    def bases(self) -> list[Base]:
        return self._controller.bases(self.source.currentData(), self.count.count)

    def chosen(self) -> dict[str, Any]:
        return {"pictures": self.count.count, "pictures_from": self.source.currentData()}
