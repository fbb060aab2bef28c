# SPDX-License-Identifier: MIT
"""One picture of the grid with the target's probability before and after, and whether the class flipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.scaling import scaled, shown_side

if TYPE_CHECKING:
    from PySide6.QtGui import QFocusEvent, QImage, QKeyEvent, QMouseEvent, QPaintEvent

    from latent_explorer.explain.recipe import RenderResult

CAPTION = 44  # px under the picture: text, then bar
LEAST = 64  # px


class GridCell(QWidget):
    """Paints; holding the mouse or Space on it shows the unedited picture, a double click or Return opens it."""

    opened = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._result: RenderResult | None = None
        self._target = 0
        self._class_names: tuple[str, ...] = ()
        self._pixels = False
        self._before = False  # the unedited picture is shown while held
        self._drawn: tuple[object, ...] = ()
        self._image: QImage | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(LEAST, LEAST + CAPTION)
        self.setToolTip(f"{name}\nHold the mouse on it for the unedited picture; a double click opens it.")
        self._describe()

    def sizeHint(self) -> QSize:
        return QSize(160, 160 + CAPTION)

    def show_result(self, result: RenderResult, target: int, class_names: tuple[str, ...]) -> None:
        """The picture and what the classifier says, always together."""
        self._result, self._target, self._class_names = result, target, class_names
        self._image = None
        self._describe()
        self.update()

    def set_target(self, target: int, class_names: tuple[str, ...]) -> None:
        """Read the same verdict for another class."""
        self._target, self._class_names = target, class_names
        self._describe()
        self.update()

    def set_pixels(self, on: bool) -> None:
        """Whole pixels instead of Lanczos."""
        self._pixels = on
        self.update()

    @property
    def verdict(self) -> str:
        """ "flipped" when the target was reached, "left NAME" when only the old class was left, else nothing."""
        if self._result is None:
            return ""
        was, now = (int(np.argmax(p.probs)) for p in (self._result.before, self._result.after))
        if was == now:
            return ""
        return "flipped" if now == self._target else f"left {self._class_names[was]}"

    @property
    def probabilities(self) -> tuple[float, float] | None:
        """Of the target class, before and after."""
        if self._result is None or self._target >= len(self._result.after.probs):
            return None
        return (float(self._result.before.probs[self._target]), float(self._result.after.probs[self._target]))

    def _describe(self) -> None:
        both = self.probabilities
        self.setAccessibleName(self._name)
        if both is None:
            self.setAccessibleDescription("not rendered yet")
            return
        words = f"{self._class_names[self._target]} {both[0]:.2f} before, {both[1]:.2f} after"
        self.setAccessibleDescription(f"{words}, {self.verdict}".rstrip(", "))

    # mouse and keys ---------------------------------------------------------------------------

    def _set_peek(self, on: bool) -> None:
        self._before = on
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._set_peek(True)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._set_peek(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._set_peek(False)
            self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        elif event.key() == Qt.Key.Key_Space:
            self._set_peek(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._set_peek(False)
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._set_peek(False)

    # painting ---------------------------------------------------------------------------------

    def _side(self) -> float:
        return float(min(self.width(), self.height() - CAPTION))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        now = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = self._side()
        frame = QRectF((self.width() - side) / 2, 0, side, side)
        self._paint_picture(painter, frame)
        if self.verdict == "flipped" and not self._before:
            painter.setPen(QPen(now.class_color(self._target), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(frame.adjusted(1, 1, -1, -1))
        if self.hasFocus():
            painter.setPen(QPen(now.color("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(frame.adjusted(1, 1, -1, -1), 2, 2)
        below = QRectF(frame.left(), frame.bottom() + 4, frame.width(), CAPTION - 8)
        self._paint_words(painter, below)
        self._paint_bar(painter, QRectF(below.left(), below.bottom() - 12, below.width(), 6))

    def _paint_picture(self, painter: QPainter, frame: QRectF) -> None:
        if self._result is None:
            painter.fillRect(frame, theme.current().color("sunken"))
            return
        image = self._scaled(frame.width())
        width = image.width() / image.devicePixelRatio()
        height = image.height() / image.devicePixelRatio()
        at = QPointF(frame.left() + (frame.width() - width) / 2, frame.top() + (frame.height() - height) / 2)
        painter.drawImage(at, image)

    def _scaled(self, side: float) -> QImage:
        """Scaled once per picture, size and screen; painting again is only copying."""
        assert self._result is not None
        ratio = self.devicePixelRatioF()
        key = (self._before, side, ratio, self._pixels)
        if self._image is None or key != self._drawn:
            picture = self._result.before if self._before else self._result.after
            fitted = shown_side(picture.image, side, ratio, pixels=self._pixels)
            self._image = scaled(picture.image, fitted, ratio, pixels=self._pixels)
            self._drawn = key
        return self._image

    def _paint_words(self, painter: QPainter, box: QRectF) -> None:
        both = self.probabilities
        if both is None:
            return
        now = theme.current()
        line = QRectF(box.left(), box.top(), box.width(), 18)
        painter.setFont(theme.font(theme.SMALL))
        painter.setPen(now.color("ink"))
        text = "before" if self._before else f"{both[0]:.2f} → {both[1]:.2f}"
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        if self.verdict and not self._before:
            painter.setFont(theme.font(theme.SMALL, semibold=True))
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            room = line.width() - painter.fontMetrics().horizontalAdvance(text) - theme.UNIT
            mark = painter.fontMetrics().elidedText(self.verdict, Qt.TextElideMode.ElideRight, int(max(room, 0)))
            painter.drawText(line, right, mark)

    def _paint_bar(self, painter: QPainter, box: QRectF) -> None:
        both = self.probabilities
        if both is None:
            return
        now = theme.current()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.color("line"))
        painter.drawRoundedRect(box, 3, 3)
        painter.save()
        painter.setClipRect(QRectF(box.left(), box.top(), box.width() * both[1], box.height()))
        painter.setBrush(now.class_color(self._target))
        painter.drawRoundedRect(box, 3, 3)
        painter.restore()
        x = min(max(box.left() + box.width() * both[0], box.left() + 1), box.right() - 1)
        painter.setPen(QPen(now.color("ink"), 2))
        painter.drawLine(QPointF(x, box.top() - 2), QPointF(x, box.bottom() + 2))
