# SPDX-License-Identifier: MIT
"""Line of small pictures on a card: this picture at both ends of the attribute, and where it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from latent_explorer.app.exploration.looks import overlay, where_changed
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    from PySide6.QtGui import QImage, QPaintEvent

    from latent_explorer.app.exploration.updates import AttributeEnds

SIDE = 40  # px of a picture
GAP = theme.GAP // 2
HEIGHT = SIDE + GAP
CHANGED = (255, 190, 40)  # colour of what changes
STALE = 0.35  # opacity of pictures whose slider's picture has changed meanwhile
HELP = (
    "This picture with the slider at −1 and at +1, and where it changes in between: "
    "the brighter, the more (full from a quarter of the range). “Like” names an attribute above whose plus end changes "
    "pictures much the same; the menu of the card (right click) merges the two into one slider."
)


class EndsStrip(QWidget):
    """Three pictures and two short lines of text; empty until they are rendered."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: AttributeEnds | None = None
        self.alike = ""  # name of the attribute that looks much the same
        self._details = ""
        self._stale = False
        self._target = ("", 0)
        self._images: list[QImage] = []
        self.setFixedHeight(HEIGHT)
        self.setToolTip(HELP)
        self.setFont(theme.font(theme.SMALL))

    @property
    def text(self) -> str:
        """Probabilities at both ends, as rendered."""
        return f"{self._target[0]} {self._numbers}" if self._numbers else ""

    @property
    def _numbers(self) -> str:
        target = self._target[1]
        if self.ends is None or target >= len(self.ends.now.probs):
            return ""
        return f"{self.ends.minus.probs[target]:.2f} … {self.ends.plus.probs[target]:.2f}"

    @property
    def alike_text(self) -> str:
        return f"like {self.alike}" if self.alike else ""

    def set_ends(self, ends: AttributeEnds | None, name: str = "", target: int = 0) -> None:
        """Show the ends with the probabilities of the class `target`, called `name`; None clears."""
        self.ends, self._stale, self._target = ends, False, (name, target)
        self._images = []
        if ends is not None:
            minus, now, plus = ends.minus.image, ends.now.image, ends.plus.image
            where = overlay(now, where_changed(minus, now, plus), CHANGED)
            ratio = self.devicePixelRatioF()
            self._images = [scaled(image, SIDE, ratio, pixels=False) for image in (minus, plus, where)]
        self._describe()

    def set_alike(self, name: str, details: str = "") -> None:
        """Say which attribute it is like; `details` are how that was measured, unless on this picture alone."""
        if (name, details) != (self.alike, self._details):
            self.alike, self._details = name, details
            said = f"Like {name}. {details or 'Judged on this picture alone.'}\n\n" if name else ""
            self.setToolTip(said + HELP)
            self._describe()

    def set_stale(self) -> None:
        """Dim the pictures: those of the canvas's picture are on their way."""
        self._stale = True
        self.update()

    def _describe(self) -> None:
        self.setAccessibleName(" ".join(filter(None, (self.text, self.alike_text))))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setOpacity(STALE if self._stale else 1.0)
        for place in range(3):
            x = place * (SIDE + GAP)
            if place < len(self._images):
                painter.drawImage(QPointF(x, 0), self._images[place])
            else:
                painter.fillRect(QRectF(x, 0, SIDE, SIDE), theme.current().color("sunken"))
        left = 3 * (SIDE + GAP) + GAP
        fits = painter.fontMetrics().horizontalAdvance(self.text) <= self.width() - left
        lines = (self.text if fits else self._numbers, self.alike_text)
        height = SIDE / 2
        for number, (line, role) in enumerate(zip(lines, ("ink", "muted"), strict=True)):
            painter.setPen(theme.current().color(role))
            box = QRectF(left, number * height, self.width() - left, height)
            shown = painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, int(box.width()))
            painter.drawText(box, theme.LEFT, shown)
