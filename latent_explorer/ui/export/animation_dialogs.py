# SPDX-License-Identifier: MIT
"""The dialogs that export an animation, or all attributes: source, format, appearance, and the expected size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QWidget

from latent_explorer.common.format import size_text
from latent_explorer.media.animation.settings import FORMATS, VIDEO, AnimationSettings
from latent_explorer.ui.export.dialog_base import RATES, ExportDialog, PictureSourceFields, fill_qualities, size_names
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import row
from latent_explorer.ui.widgets.number_box import NumberBox

if TYPE_CHECKING:
    from latent_explorer.app.export.controller import AnimationSource, ExportController
    from latent_explorer.app.export.estimate import Estimate

SENTENCE = (
    "A timeline of this exploration, or the sweep of one attribute from \N{MINUS SIGN}1 to +1 and back. "
    "The frames are those that the window shows."
)
MEGABYTE = 1_000_000
BUDGET_RANGE = (0.1, 500.0)  # MB
NO_BUDGET = ("", ".csv")
ALL_SENTENCE = (
    "From each picture to the end of an attribute's slider and back, away from the class that the picture has. "
    "A list (manifest) says what every file shows, with the probabilities before and after."
)
MAX_ATTRIBUTES, MAX_PICTURES = 100, 200
EXCLUDED_FORMATS = ("", ".csv")  # formats without an animation to play


class _AnimationDialog(ExportDialog):
    """Fields of both dialogs: the file's format, and the appearance of the frames."""

    def add_format_fields(self, formats: dict[str, str], native: int) -> None:
        choices = self._controller.choices
        self.format = self.add_choice("Format", formats, choices.suffix)
        self.side = self.add_choice("Size", size_names(native), choices.animation.size)
        self.fps = self.add_choice("Rate", RATES, choices.animation.fps)
        self.quality = self.add_choice("Quality", {})

    def add_look_fields(self, tip: str = "") -> None:
        chosen = self._controller.choices.animation
        self.before_after = self.add_check_box("Before and after, side by side", chosen.before_after, tip)
        self.caption = self.add_check_box("Probability in words", chosen.caption)
        self.bar = self.add_check_box("Probability as a bar", chosen.bar)

    @property
    def suffix(self) -> str:
        suffix: str = self.format.currentData()
        return suffix

    def chosen_look(self) -> AnimationSettings:
        """Return the settings of these fields; all others as they were chosen last time."""
        return msgspec.structs.replace(
            self._controller.choices.animation,
            size=self.side.currentData(),
            fps=self.fps.currentData(),
            quality=self.quality.currentData(),
            before_after=self.before_after.isChecked(),
            caption=self.caption.isChecked(),
            bar=self.bar.isChecked(),
        )


class ExportAnimationDialog(_AnimationDialog):
    """Starts with the last choices; a timeline sets its own rate and ping-pong."""

    def __init__(self, controller: ExportController, current: str = "", parent: QWidget | None = None) -> None:
        super().__init__(controller, "Export animation", SENTENCE, parent)
        self._sources = controller.sources()
        chosen = controller.choices.animation
        names = {place: source.name for place, source in enumerate(self._sources)}
        self.what = self.add_choice("Animate", names, controller.default_source(current))
        self.add_format_fields(FORMATS, self._sources[0].scene.summary.resolution)
        self.loop = self.add_check_box("Repeat forever", chosen.loop)
        self.ping_pong = self.add_check_box("There and back", chosen.ping_pong)
        self.add_look_fields("Shows the picture without its edits on the left")
        self.csv = self.add_check_box(
            "Probabilities as a table beside it",
            chosen.csv,
            "A CSV file with the probability of every class in every frame",
        )
        self._add_budget(chosen)
        self.what.currentIndexChanged.connect(self._source_changed)
        self.format.currentIndexChanged.connect(self._format_changed)
        self._source_changed()
        self._format_changed()
        self.finished.connect(lambda _result: controller.cancel_estimate())

    def _add_budget(self, chosen: AnimationSettings) -> None:
        self.keep = QCheckBox("Stay below")
        self.keep.setChecked(chosen.budget_bytes > 0)
        self.keep.setToolTip("Size, frame rate and colours are reduced until the file is small enough")
        self.budget = NumberBox("Largest size of the file, in megabytes", *BUDGET_RANGE, decimals=1, unit="MB")
        self.budget.setMinimumHeight(theme.CONTROL)
        self.budget.setValue((chosen.budget_bytes or 2 * MEGABYTE) / MEGABYTE)
        self.keep.toggled.connect(self._budget_changed)
        self.budget.valueChanged.connect(self.changed)
        line = row(spacing=theme.GAP)
        line.addWidget(self.keep)
        line.addWidget(self.budget)
        line.addStretch(1)
        self.fields.addRow("", line)

    @property
    def source(self) -> AnimationSource:
        return self._sources[self.what.currentIndex()]

    @property
    def settings(self) -> AnimationSettings:
        budget = round(self.budget.number * MEGABYTE)
        return msgspec.structs.replace(
            self.chosen_look(),
            loop=self.loop.isChecked(),
            ping_pong=self.ping_pong.isChecked(),
            budget_bytes=budget if self.keep.isChecked() and self.keep.isEnabled() else 0,
            csv=self.csv.isChecked(),
        )

    def accept(self) -> None:
        """Save the choices; the export starts when its file has a name."""
        self._controller.save_choices(animation=self.settings, suffix=self.suffix)
        super().accept()

    def _source_changed(self) -> None:
        timeline = self.source.scene.timeline
        with QSignalBlocker(self.ping_pong), QSignalBlocker(self.fps):
            self.ping_pong.setChecked(timeline.ping_pong)
            if self.source.is_timeline:
                self.fps.setCurrentIndex(self.fps.findData(timeline.fps))

    def _format_changed(self) -> None:
        suffix, table = self.suffix, self.suffix == ".csv"
        fill_qualities(self.quality, suffix, self._controller.choices.animation.quality)
        self.loop.setEnabled(suffix not in (*VIDEO, *NO_BUDGET))
        for field in (self.side, self.before_after, self.caption, self.bar, self.csv):
            field.setEnabled(not table)
        self.keep.setEnabled(suffix not in NO_BUDGET)
        self._budget_changed()

    def _budget_changed(self) -> None:
        self.budget.setEnabled(self.keep.isEnabled() and self.keep.isChecked())
        self.changed()

    def update_preview(self) -> None:
        """Request an estimate of the file."""
        self._controller.estimate(self.source.scene, self.settings, self.suffix, self._show)

    def _show(self, estimate: Estimate) -> None:
        self.preview.show_image(estimate.picture)
        frames = f"{estimate.frames} frame{'s' * (estimate.frames != 1)}, {estimate.seconds:.1f} s"
        height, width = estimate.picture.shape[:2]
        self.facts.setText(f"{frames}, {width} \N{MULTIPLICATION SIGN} {height} px")
        self.more.setText(self._size_text(estimate.bytes))
        self.set_problem(estimate.problem)

    def _size_text(self, size: int | None) -> str:
        if size is None:
            return "One row per frame." if self.suffix == ".csv" else ""
        budget = self.settings.budget_bytes
        if budget and size > budget:
            return (
                f"About {size_text(size)} as chosen. To stay below {size_text(budget)}, "
                "size, rate and quality will be reduced."
            )
        return f"About {size_text(size)}."


class ExportAllDialog(_AnimationDialog):
    """Starts with the last choices."""

    def __init__(self, controller: ExportController, attributes: int, parent: QWidget | None = None) -> None:
        super().__init__(controller, "Export all attributes", ALL_SENTENCE, parent)
        max_attributes = min(attributes, MAX_ATTRIBUTES)
        self.top = self.add_spin_box("Attributes", min(controller.choices.top, max_attributes), 1, max_attributes)
        self.pictures = PictureSourceFields(self, controller, MAX_PICTURES)
        self.add_format_fields(
            {s: text for s, text in FORMATS.items() if s not in EXCLUDED_FORMATS}, controller.resolution
        )
        self.add_look_fields()
        self.format.currentIndexChanged.connect(self._format_changed)
        self._format_changed()
        self.finished.connect(lambda _result: controller.cancel_estimate())

    @property
    def settings(self) -> AnimationSettings:
        """The settings of every animation."""
        look = self.chosen_look()
        return msgspec.structs.replace(look, loop=True, ping_pong=True, budget_bytes=0, csv=False)

    def accept(self) -> None:
        """Save the choices; the export starts when its folder is chosen."""
        self._controller.save_choices(
            animation=self.chosen_look(), suffix=self.suffix, top=self.top.count, **self.pictures.chosen()
        )
        super().accept()

    def _format_changed(self) -> None:
        fill_qualities(self.quality, self.suffix, self._controller.choices.animation.quality)
        self.changed()

    def update_preview(self) -> None:
        """Request an estimate of the first animation."""
        bases = self.pictures.bases
        scene = self._controller.flip_scene(bases[0]) if bases else None
        if scene is None:
            self.more.setText("")
            self.set_problem("There are no such pictures here. Choose others.")
            return
        self._controller.estimate(scene, self.settings, self.suffix, self._show)

    def _show(self, estimate: Estimate) -> None:
        self.preview.show_image(estimate.picture)
        count = self.top.count * len(self.pictures.bases)
        text = f"{count} animation{'s' * (count != 1)} of {estimate.seconds:.1f} s"
        self.facts.setText(f"{text}, and a manifest")
        self.more.setText("" if estimate.bytes is None else f"About {size_text(count * estimate.bytes)}.")
        self.set_problem(estimate.problem)
