# SPDX-License-Identifier: MIT
"""The dialog that exports an animation: what, as which file, how it looks, how large it will be.

Where to is asked after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QWidget

from latent_explorer.common.format import size_text
from latent_explorer.media.animation.settings import FORMATS, VIDEO, AnimationSettings
from latent_explorer.ui.export.dialog_base import RATES, ExportDialog, fill_qualities, size_names
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import row

if TYPE_CHECKING:
    from collections.abc import Callable

    from latent_explorer.app.export.controller import AnimationSource, ExportController
    from latent_explorer.app.export.estimate import Estimate

SENTENCE = (
    "A timeline of this exploration, or the sweep of one attribute from \N{MINUS SIGN}1 to +1 and back. "
    "The frames are those that the window shows."
)
MEGABYTE = 1_000_000
BUDGETS = (0.1, 500.0)  # MB
NO_BUDGET = ("", ".csv")


class ExportAnimationDialog(ExportDialog):
    """Begins with what was chosen last time; a timeline brings its own rate and way back."""

    def __init__(self, controller: ExportController, current: str = "", parent: QWidget | None = None) -> None:
        super().__init__(controller, "Export animation", SENTENCE, parent)
        self._sources = controller.sources()
        chosen = controller.choices.animation
        names = {place: source.name for place, source in enumerate(self._sources)}
        self.what = self.add_choice("Animate", names, controller.default_source(current))
        self.format = self.add_choice("Format", FORMATS, controller.choices.suffix)
        native = self._sources[0].scene.summary.resolution
        self.side = self.add_choice("Size", size_names(native), chosen.size)
        self.fps = self.add_choice("Rate", RATES, chosen.fps)
        self.quality = self.add_choice("Quality", {})
        self._add_check_boxes(chosen)
        self._add_budget(chosen)
        self.what.currentIndexChanged.connect(self._source_changed)
        self.format.currentIndexChanged.connect(self._format_changed)
        self._source_changed()
        self._format_changed()
        self.finished.connect(lambda _result: controller.cancel_estimate())

    def _add_check_boxes(self, chosen: AnimationSettings) -> None:
        self.loop = self.add_check_box("Repeat for ever", chosen.loop)
        self.ping_pong = self.add_check_box("There and back", chosen.ping_pong)
        self.before_after = self.add_check_box(
            "Before and after, side by side", chosen.before_after, "The picture without its edits stands to the left"
        )
        self.caption = self.add_check_box("Probability in words", chosen.caption)
        self.bar = self.add_check_box("Probability as a bar", chosen.bar)
        self.csv = self.add_check_box(
            "Probabilities as a table beside it",
            chosen.csv,
            "A CSV file with the probability of every class in every frame",
        )

    def _add_budget(self, chosen: AnimationSettings) -> None:
        self.keep = QCheckBox("Stay below")
        self.keep.setChecked(chosen.budget_bytes > 0)
        self.keep.setToolTip("Size, frame rate and colours give way until the file is small enough")
        self.budget = QDoubleSpinBox()
        self.budget.setRange(*BUDGETS)
        self.budget.setDecimals(1)
        self.budget.setSuffix(" MB")
        self.budget.setMinimumHeight(theme.CONTROL)
        self.budget.setValue((chosen.budget_bytes or 2 * MEGABYTE) / MEGABYTE)
        self.budget.setAccessibleName("Largest size of the file, in megabytes")
        self.keep.toggled.connect(self._budget_changed)
        self.budget.valueChanged.connect(self.changed)
        line = row(spacing=theme.GAP)
        line.addWidget(self.keep)
        line.addWidget(self.budget)
        line.addStretch(1)
        self.fields.addRow("", line)

    # what is chosen ---------------------------------------------------------------------------

    @property
    def source(self) -> AnimationSource:
        """What is animated."""
        return self._sources[self.what.currentIndex()]

    @property
    def suffix(self) -> str:
        """The ending of the file."""
        suffix: str = self.format.currentData()
        return suffix

    @property
    def settings(self) -> AnimationSettings:
        """How."""
        budget = round(self.budget.value() * MEGABYTE)
        return AnimationSettings(
            size=self.side.currentData(),
            fps=self.fps.currentData(),
            loop=self.loop.isChecked(),
            ping_pong=self.ping_pong.isChecked(),
            caption=self.caption.isChecked(),
            bar=self.bar.isChecked(),
            before_after=self.before_after.isChecked(),
            quality=self.quality.currentData(),
            budget_bytes=budget if self.keep.isChecked() and self.keep.isEnabled() else 0,
            csv=self.csv.isChecked(),
        )

    def accept(self) -> None:
        """Remember the choices; the export itself begins when its file has a name."""
        self._controller.save_choices(animation=self.settings, suffix=self.suffix)
        super().accept()

    # what follows from it ---------------------------------------------------------------------

    def _source_changed(self) -> None:
        timeline = self.source.scene.timeline
        self._silently(lambda: self.ping_pong.setChecked(timeline.ping_pong))
        if self.source.is_timeline:
            self._silently(lambda: self.fps.setCurrentIndex(self.fps.findData(timeline.fps)))

    def _silently(self, change: Callable[[], None]) -> None:
        fields = (self.ping_pong, self.fps)
        for field in fields:
            field.blockSignals(True)
        change()
        for field in fields:
            field.blockSignals(False)

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
        """Ask how large the file will become."""
        self._controller.estimate(self.source.scene, self.settings, self.suffix, self._show)

    def _show(self, found: Estimate) -> None:
        self.preview.show_image(found.picture)
        frames = f"{found.frames} frame{'s' * (found.frames != 1)}, {found.seconds:.1f} s"
        height, width = found.picture.shape[:2]
        self.facts.setText(f"{frames}, {width} \N{MULTIPLICATION SIGN} {height} px")
        self.more.setText(self._size_text(found.bytes))
        self.set_problem(found.problem)

    def _size_text(self, size: int | None) -> str:
        if size is None:
            return "One line a frame." if self.suffix == ".csv" else ""
        budget = self.settings.budget_bytes
        if budget and size > budget:
            return (
                f"About {size_text(size)} as chosen. To stay below {size_text(budget)}, "
                "size, rate and quality will give way."
            )
        return f"About {size_text(size)}."
