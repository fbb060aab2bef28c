# SPDX-License-Identifier: MIT
"""A picture that alternates between two states while it is visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt, QTimer
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    import numpy as np
    from PySide6.QtGui import QImage, QPaintEvent, QResizeEvent


class FlickerView(QWidget):
    """Shows two frames, (H, W, 3) uint8 of one size, scaled to fit; alternates only while visible."""

    def __init__(self, name: str, least: int = 16 * theme.UNIT) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setMinimumSize(least, least)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._frames: tuple[np.ndarray, np.ndarray] | None = None
        self._drawn: dict[int, QImage] = {}
        self._state = 0
        self._message = ""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._turn)

    def sizeHint(self) -> QSize:
        return QSize(50 * theme.UNIT, 50 * theme.UNIT)

    def show_frames(self, frames: tuple[np.ndarray, np.ndarray] | None, seconds: float = 0.75) -> None:
        """Show a picture before and after, `seconds` each; None clears the view."""
        self._frames, self._state, self._message = frames, 0, ""
        self._drawn.clear()
        self._timer.setInterval(round(1000 * seconds))
        self._follow()
        self.update()

    def show_message(self, text: str) -> None:
        """Show a text instead of the picture."""
        self.show_frames(None)
        self._message = text
        self.update()

    @property
    def animating(self) -> bool:
        return self._timer.isActive()

    def _follow(self) -> None:
        if self._frames is not None and self.isVisible():
            self._timer.start()
        else:
            self._timer.stop()

    def _turn(self) -> None:
        self._state = 1 - self._state
        self.update()

    def showEvent(self, event: object) -> None:  # noqa: ARG002  # Qt's signature
        self._follow()

    def hideEvent(self, event: object) -> None:  # noqa: ARG002
        self._timer.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._drawn.clear()
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        if self._frames is None:
            painter.setPen(theme.current().color("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(theme.GAP, 0, -theme.GAP, 0), flags, self._message)
            return
        image = self._image(self._frames[self._state])
        size = image.size() / image.devicePixelRatio()
        place = QRect(0, 0, round(size.width()), round(size.height()))
        place.moveCenter(self.rect().center())
        place.moveTop(0)
        painter.drawImage(place, image)

    def _image(self, frame: np.ndarray) -> QImage:
        if self._state not in self._drawn:
            height, width = frame.shape[:2]
            factor = min(self.width() / width, self.height() / height)
            side = max(1.0, factor * max(width, height))
            self._drawn[self._state] = scaled(frame, side, self.devicePixelRatioF(), pixels=False)
        return self._drawn[self._state]
