# SPDX-License-Identifier: MIT
"""One of two verdicts: a picture before and after a change, and the probabilities of every class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import column, hint, row, title
from latent_explorer.ui.widgets.image_view import CaptionedImage, ImageView
from latent_explorer.ui.widgets.probability_bars import ClassProbabilities, ProbabilityBars, top_class_text

if TYPE_CHECKING:
    from latent_explorer.explain.recipe import Picture

CHANGED = "Changed"  # caption
TURNS, STAYS = ("within", "accent"), ("close", "muted")  # icon and colour


class VerdictPanel(QWidget):
    """Title with what the verdict does, the pictures, the bars."""

    def __init__(self, name: str, view: ImageView) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.view = view
        view.set_mode("side")
        view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.title = title(name)
        self.outcome = hint("", wrap=False)
        self._mark = QLabel()
        self._turns: bool | None = None
        self.bars = ProbabilityBars()
        head = row(spacing=theme.GAP // 2)
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self._mark)
        head.addWidget(self.outcome)
        layout = column(self, spacing=theme.GAP // 2)
        layout.addLayout(head)
        layout.addWidget(view, 1)
        layout.addWidget(self.bars)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.notifier.changed.connect(self._draw_mark)

    def show_outcome(self, turns: bool | None, text: str) -> None:
        """Say whether the verdict turns; None: not known yet."""
        self._turns = turns
        self.outcome.setText(text)
        self._draw_mark()

    def show_change(self, before: Picture, after: Picture, titles: tuple[str, str], names: tuple[str, ...]) -> None:
        """Show a picture before and after a change."""
        shots = [captioned(picture, text, names) for picture, text in zip((before, after), titles, strict=True)]
        self.view.set_images(shots[0], shots[1])
        self.bars.show_verdict(ClassProbabilities(names, after.probs, before.probs, after.verdict, editable=False))

    def show_only(self, shot: CaptionedImage, instead: str) -> None:
        """Show a picture beside an empty place, with what stands there instead of a verdict."""
        self.view.set_images(shot, CaptionedImage(empty_picture(shot.image), CHANGED, instead, -1))
        self.bars.show_verdict(None)
        self.show_outcome(None, "")

    def _draw_mark(self) -> None:
        self._mark.setVisible(self._turns is not None)
        if self._turns is not None:
            icon, color = TURNS if self._turns else STAYS
            self._mark.setPixmap(icons.icon(icon, color).pixmap(theme.ICON - 2, theme.ICON - 2))


def captioned(picture: Picture, text: str, names: tuple[str, ...]) -> CaptionedImage:
    return CaptionedImage(picture.image, text, top_class_text(names, picture.probs), picture.verdict)


def empty_picture(image: np.ndarray) -> np.ndarray:
    """Return a picture of the size of another (H, W, 3) uint8 in the colour of an empty place."""
    color = theme.current().color("sunken")
    place = np.array([color.red(), color.green(), color.blue()], np.uint8)
    return np.broadcast_to(place, image.shape)
