# SPDX-License-Identifier: MIT
"""Pop-up beside a card with the pictures at both ends of its attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from latent_explorer.common.format import signed_text
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    import numpy as np
    from PySide6.QtGui import QImage, QPaintEvent

PICTURE_SIDE = 128  # px of a picture
PADDING = theme.UNIT + theme.UNIT // 2
LINE_HEIGHT = 20  # px of a line of text


class RangePreviewPopup(QWidget):
    """Pop-up beside a card that takes neither mouse nor focus.

    It is a child of the window, not a top-level window, so it cannot be left behind on the desktop.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._title = ""
        self._pictures: dict[int, QImage] = {}  # by sign
        self._captions: dict[int, str] = {}
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedSize(2 * PICTURE_SIDE + 3 * PADDING, PICTURE_SIDE + 2 * LINE_HEIGHT + 2 * PADDING)
        self.hide()

    def begin(self, title: str, beside: QWidget) -> None:
        """Show empty frames for `title` to the left of the widget `beside`, until the pictures arrive."""
        self._title = title
        self._pictures.clear()
        self._captions.clear()
        self.setAccessibleName(f"Both ends of {title}")
        self._place(beside)
        self.show()
        self.raise_()
        self.update()

    def _place(self, beside: QWidget) -> None:
        owner = self._window
        corner = beside.mapTo(owner, QPoint(0, 0))
        x = corner.x() - self.width() - 2 * theme.UNIT
        if x < 0:
            x = min(corner.x() + beside.width() + theme.UNIT, owner.width() - self.width())
        y = corner.y() + beside.height() // 2 - self.height() // 2
        y = min(max(y, theme.UNIT), owner.height() - self.height() - theme.UNIT)
        self.move(max(x, 0), max(y, 0))

    def set_picture(self, sign: int, image: np.ndarray, caption: str) -> None:
        """Show a picture, (H, W, 3) uint8, at amount `sign` (-1 or +1), with the classifier's answer as `caption`."""
        self._pictures[sign] = scaled(image, PICTURE_SIDE, self.devicePixelRatioF(), pixels=False)
        self._captions[sign] = caption
        description = ", ".join(f"{'minus' if s < 0 else 'plus'}: {w}" for s, w in sorted(self._captions.items()))
        self.setAccessibleDescription(description)
        self.update()

    @property
    def signs(self) -> tuple[int, ...]:
        """Signs of the pictures that have arrived, ascending."""
        return tuple(sorted(self._pictures))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        now = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(now.color("line"), 1))
        painter.setBrush(now.color("surface"))
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, theme.RADIUS, theme.RADIUS)
        painter.setFont(theme.font(theme.SMALL, semibold=True))
        painter.setPen(now.color("ink"))
        box = QRectF(PADDING, PADDING - 4, self.width() - 2 * PADDING, LINE_HEIGHT)
        title = painter.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, int(box.width()))
        painter.drawText(box, theme.LEFT, title)
        painter.setFont(theme.font(theme.SMALL))
        for sign, x in ((-1, PADDING), (1, 2 * PADDING + PICTURE_SIDE)):
            self._paint_end(painter, sign, x)

    def _paint_end(self, painter: QPainter, sign: int, x: float) -> None:
        now = theme.current()
        top = PADDING + LINE_HEIGHT
        if sign in self._pictures:
            painter.drawImage(QPointF(x, top), self._pictures[sign])
        else:
            painter.fillRect(QRectF(x, top, PICTURE_SIDE, PICTURE_SIDE), now.color("sunken"))
        painter.setPen(now.color("muted"))
        box = QRectF(x, top + PICTURE_SIDE + 2, PICTURE_SIDE, LINE_HEIGHT)
        painter.drawText(box, theme.LEFT, signed_text(sign, 0))
        painter.setPen(now.color("ink"))
        painter.drawText(box, theme.RIGHT, self._captions.get(sign, ""))
