# SPDX-License-Identifier: MIT
"""Both ends of an attribute as two small pictures beside its card, over the canvas. It never takes mouse or focus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from latent_explorer.common.format import signed_text
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    import numpy as np
    from PySide6.QtGui import QImage, QPaintEvent

SIDE = 128  # px of a picture
PAD = theme.UNIT + theme.UNIT // 2
LINE = 20  # px of a line of text


class RangePreviewPopup(QWidget):
    """A child of the window rather than a window of its own: it cannot be left behind on the desktop."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._title = ""
        self._pictures: dict[int, QImage] = {}  # by sign
        self._words: dict[int, str] = {}
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedSize(self.sizeHint())
        self.hide()

    def sizeHint(self) -> QSize:
        return QSize(2 * SIDE + 3 * PAD, SIDE + 2 * LINE + 2 * PAD)

    def begin(self, title: str, beside: QWidget) -> None:
        """Show empty frames for `title` to the left of a widget; the pictures follow."""
        self._title = title
        self._pictures.clear()
        self._words.clear()
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

    def set_picture(self, sign: int, image: np.ndarray, words: str) -> None:
        """The picture at -1 or +1, (H, W, 3) uint8, and what the classifier says of it."""
        self._pictures[sign] = scaled(image, SIDE, self.devicePixelRatioF(), pixels=False)
        self._words[sign] = words
        said = ", ".join(f"{'minus' if s < 0 else 'plus'}: {w}" for s, w in sorted(self._words.items()))
        self.setAccessibleDescription(said)
        self.update()

    @property
    def signs(self) -> tuple[int, ...]:
        """Which pictures have come."""
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
        box = QRectF(PAD, PAD - 4, self.width() - 2 * PAD, LINE)
        title = painter.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, int(box.width()))
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        painter.setFont(theme.font(theme.SMALL))
        for sign, x in ((-1, PAD), (1, 2 * PAD + SIDE)):
            self._paint_end(painter, sign, x)

    def _paint_end(self, painter: QPainter, sign: int, x: float) -> None:
        now = theme.current()
        top = PAD + LINE
        if sign in self._pictures:
            painter.drawImage(QPointF(x, top), self._pictures[sign])
        else:
            painter.fillRect(QRectF(x, top, SIDE, SIDE), now.color("sunken"))
        painter.setPen(now.color("muted"))
        box = QRectF(x, top + SIDE + 2, SIDE, LINE)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, signed_text(sign, 0))
        painter.setPen(now.color("ink"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, right, self._words.get(sign, ""))
