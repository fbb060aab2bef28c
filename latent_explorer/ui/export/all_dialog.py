# SPDX-License-Identifier: MIT
"""The dialog that exports the first attributes on several pictures, an animation each, into one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from latent_explorer.common.format import size_text
from latent_explorer.media.animation.settings import FORMATS, AnimationSettings
from latent_explorer.ui.export.dialog_base import RATES, ExportDialog, fill_qualities, size_names
from latent_explorer.ui.export.picture_source import PictureSourceFields

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from latent_explorer.app.export.controller import ExportController
    from latent_explorer.app.export.estimate import Estimate
    from latent_explorer.explain.recipe import Base

SENTENCE = (
    "From each picture to the end of an attribute's slider and back, away from the class that the picture has. "
    "A manifest says what every file shows, with the probabilities before and after."
)
MOST_ATTRIBUTES, MOST_PICTURES = 100, 200
LEFT_OUT = ("", ".csv")  # formats that make no file to look at


class ExportAllDialog(ExportDialog):
    """Begins with what was chosen last time."""

    def __init__(self, controller: ExportController, attributes: int, parent: QWidget | None = None) -> None:
        super().__init__(controller, "Export all attributes", SENTENCE, parent)
        choices, chosen = controller.choices, controller.choices.animation
        most = min(attributes, MOST_ATTRIBUTES)
        self.top = self.add_spin_box("Attributes", min(choices.top, most), 1, most)
        self.pictures = PictureSourceFields(self, controller, MOST_PICTURES)
        formats = {s: words for s, words in FORMATS.items() if s not in LEFT_OUT}
        self.format = self.add_choice("Format", formats, choices.suffix)
        self.side = self.add_choice("Size", size_names(controller.resolution), chosen.size)
        self.fps = self.add_choice("Rate", RATES, chosen.fps)
        self.quality = self.add_choice("Quality", {})
        self.before_after = self.add_check_box("Before and after, side by side", chosen.before_after)
        self.caption = self.add_check_box("Probability in words", chosen.caption)
        self.bar = self.add_check_box("Probability as a bar", chosen.bar)
        self.format.currentIndexChanged.connect(self._format_changed)
        self._format_changed()
        self.finished.connect(lambda _result: controller.cancel_estimate())

    @property
    def bases(self) -> list[Base]:
        """The pictures."""
        return self.pictures.bases

    @property
    def suffix(self) -> str:
        """The ending of every file."""
        suffix: str = self.format.currentData()
        return suffix

    @property
    def settings(self) -> AnimationSettings:
        """How every animation looks."""
        return AnimationSettings(
            size=self.side.currentData(),
            fps=self.fps.currentData(),
            loop=True,
            ping_pong=True,
            quality=self.quality.currentData(),
            before_after=self.before_after.isChecked(),
            caption=self.caption.isChecked(),
            bar=self.bar.isChecked(),
        )

    def accept(self) -> None:
        """Remember the choices; the export begins when its folder is chosen."""
        kept = msgspec.structs.replace(
            self._controller.choices.animation,
            **{
                name: getattr(self.settings, name)
                for name in ("size", "fps", "quality", "before_after", "caption", "bar")
            },
        )
        self._controller.save_choices(
            animation=kept, suffix=self.suffix, top=self.top.value(), **self.pictures.chosen()
        )
        super().accept()

    def _format_changed(self) -> None:
        fill_qualities(self.quality, self.suffix, self._controller.choices.animation.quality)
        self.changed()

    def update_preview(self) -> None:
        """Ask how large the first of them will become."""
        bases = self.bases
        scene = self._controller.flip_scene(bases[0]) if bases else None
        if scene is None:
            self.more.setText("")
            self.set_problem("There are no such pictures here. Choose others.")
            return
        self._controller.estimate(scene, self.settings, self.suffix, self._show)

    def _show(self, found: Estimate) -> None:
        self.preview.show_image(found.picture)
        count = self.top.value() * len(self.bases)
        words = f"{count} animation{'s' * (count != 1)} of {found.seconds:.1f} s"
        self.facts.setText(f"{words}, and a manifest")
        self.more.setText("" if found.bytes is None else f"About {size_text(count * found.bytes)}.")
        self.set_problem(found.problem)
