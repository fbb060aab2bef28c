# SPDX-License-Identifier: MIT
"""The picture that a person labels, large; the next one is scaled before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.scaling import scaled, shown_side

if TYPE_CHECKING:
    import numpy as np
    from PySide6.QtGui import QImage, QPaintEvent

MIN_SIDE = 32 * theme.UNIT


class PictureView(QWidget):
    """One picture, or a sentence in its place."""

    def __init__(self) -> None:
        super().__init__()
        self._image: np.ndarray | None = None
        self._next: np.ndarray | None = None
        self._sentence = ""
        self._scaled: list[tuple[np.ndarray, tuple[float, float], QImage]] = []  # the one shown, and the next
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(MIN_SIDE, MIN_SIDE)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._ahead = QTimer(self, singleShot=True, interval=0)
        self._ahead.timeout.connect(self._scale_next)

    def sizeHint(self) -> QSize:
        return QSize(2 * MIN_SIDE, 2 * MIN_SIDE)

    def show_image(self, image: np.ndarray | None, following: np.ndarray | None, sentence: str, name: str) -> None:
        """Show (H, W, 3) uint8, or the sentence where there is none; `following` is likely to be shown next."""
        changed = image is not self._image or sentence != self._sentence
        self._image, self._next, self._sentence = image, following, sentence
        self.setAccessibleName(name or sentence)
        if changed:
            self.update()
        if following is not None:
            self._ahead.start()

    def _size(self, image: np.ndarray) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        return shown_side(max(image.shape[:2]), min(self.width(), self.height()), ratio, pixels=False), ratio

    def _pixels(self, image: np.ndarray) -> QImage:
        size = self._size(image)
        for known, its_size, made in self._scaled:
            if known is image and its_size == size:
                return made
        made = scaled(image, *size, pixels=False)
        self._scaled = [(image, size, made), *self._scaled[:1]]
        return made

    def _scale_next(self) -> None:
        if self._next is not None:
            self._pixels(self._next)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        now = theme.current()
        if self._image is None:
            painter.setPen(now.color("muted"))
            room = self.rect().adjusted(theme.SECTION, 0, -theme.SECTION, 0)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._sentence)
            return
        made = self._pixels(self._image)
        width, height = made.width() / made.devicePixelRatio(), made.height() / made.devicePixelRatio()
        box = QRectF(round((self.width() - width) / 2), round((self.height() - height) / 2), width, height)
        painter.drawImage(box.topLeft(), made)
        if not self.hasFocus():  # keys go elsewhere
            return
        painter.setPen(QPen(now.color("accent"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box.adjusted(1, 1, -1, -1))
