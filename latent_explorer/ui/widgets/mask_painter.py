# SPDX-License-Identifier: MIT
"""Brush that paints a mask over a picture, by mouse or keys: where something may change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.mask_drawing import line_weight, overlay
from latent_explorer.ui.widgets.scaling import scaled, shown_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QEnterEvent, QFocusEvent, QMouseEvent, QPaintEvent, QWheelEvent

RADIUS_SHARE = 1 / 16  # of the picture's side, at first
SMALLEST, LARGEST_SHARE = 0.5, 0.5  # radius: px of the picture, share of its side
GROWTH = 1.25  # of the radius, per step
UNDOABLE = 20  # strokes
TINT = 0.3  # alpha of what is painted, under the mouse
MIN_SIDE = 18 * theme.UNIT
# For the list of shortcuts.
KEYS = (
    ("Arrows", "Move the brush by a pixel of the picture; with Shift by its radius"),
    ("Return", "Paint there; held while it moves, a line"),
    ("Backspace, right button", "Erase there"),
    ("+, \N{MINUS SIGN}, wheel", "Larger, smaller brush"),
    ("Ctrl+Z", "Take the last stroke back"),
    ("Delete", "Clear all that is painted"),
)
_K = Qt.Key
_WAYS = {_K.Key_Left: (-1, 0), _K.Key_Right: (1, 0), _K.Key_Up: (0, -1), _K.Key_Down: (0, 1)}
_LARGER, _SMALLER = (_K.Key_Plus, _K.Key_Equal, _K.Key_Asterisk), (_K.Key_Minus, _K.Key_Underscore)
_DABS = (_K.Key_Return, _K.Key_Enter, _K.Key_Backspace)


class MaskPainter(QWidget):
    """Mask (H, W) painted over a picture that is shown scaled.

    With `show_image` it shows the picture itself. With `set_frames` it lies over a widget that shows the picture,
    once or several times: what is painted on one of them is painted on all.
    """

    mask_changed = Signal(object)  # (H, W) float32: after a stroke, an undo, or when it was cleared
    radius_changed = Signal(float)  # px of the picture

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.radius = SMALLEST  # px of the picture
        self.erasing = False  # what the left button does
        self._mask = np.zeros((0, 0), np.float32)
        self._undoable: list[np.ndarray] = []
        self._image: np.ndarray | None = None
        self._frames: list[QRectF] = []  # of the pictures below
        self._stroke: tuple[QRectF, QPointF, bool] | None = None  # its frame, its last point, whether it erases
        self._hover: QPointF | None = None  # of the mouse, px of the picture
        self._cursor = QPointF()  # of the keys, px of the picture
        self._by_key = self._held = False  # the keys' cursor is shown; a key is held down
        self._scaled: tuple[float, float, QImage] | None = None
        self._overlay: tuple[tuple[int, int, float, str, float], QImage] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Region painted on the picture")
        self._describe()

    def sizeHint(self) -> QSize:
        return QSize(420, 420)

    # the picture and the mask -----------------------------------------------------------------

    def show_image(self, image: np.ndarray | None) -> None:
        """Show a picture (H, W, 3) uint8 under the mask, which is kept if its size is the same. Emits nothing."""
        self._image, self._scaled = image, None
        self.setMinimumSize(MIN_SIDE, MIN_SIDE)
        self._set_shape((0, 0) if image is None else (image.shape[0], image.shape[1]))
        self.update()

    def set_frames(self, frames: Sequence[QRectF], shape: tuple[int, int]) -> None:
        """Lie over pictures of `shape` (H, W) that another widget shows in these frames. Emits nothing."""
        if list(frames) != self._frames or shape != self._mask.shape:
            self._frames = list(frames)
            self._set_shape(shape)
            self.update()

    def _set_shape(self, shape: tuple[int, int]) -> None:
        if shape == self._mask.shape:
            return
        self._stroke, self._undoable, self._overlay = None, [], None
        self._mask = np.zeros(shape, np.float32)
        self._cursor = QPointF(shape[1] // 2 + 0.5, shape[0] // 2 + 0.5)
        self.set_radius(max(shape) * RADIUS_SHARE)
        self._describe()

    @property
    def painted(self) -> np.ndarray:
        """What is painted, (H, W) float32, 0 to 1, a copy."""
        return self._mask.copy()

    @property
    def is_empty(self) -> bool:
        """True while nothing is painted."""
        return not self._mask.any()

    def set_painted(self, mask: np.ndarray) -> None:
        """Show a mask (H, W), 0 to 1, in place of what is painted, which no undo brings back. Emits nothing.

        A stroke that is being painted goes on, and the mask is not taken. ValueError if its size is another.
        """
        if mask.shape != self._mask.shape:
            raise ValueError(f"The mask is {mask.shape}, the picture {self._mask.shape}.")
        if self._stroke is not None:
            return  # what is being painted must not vanish under the brush
        self._undoable = []
        self._replace(np.clip(mask, 0, 1).astype(np.float32))

    def clear(self) -> None:
        """Take away all that is painted."""
        if not self.is_empty:
            self._remember()
            self._replace(np.zeros_like(self._mask))
            self.mask_changed.emit(self.painted)

    @property
    def can_undo(self) -> bool:
        """True if there is a stroke to take back."""
        return bool(self._undoable)

    def undo(self) -> None:
        """Take the last stroke back."""
        if self._undoable and self._stroke is None:
            self._replace(self._undoable.pop())
            self.mask_changed.emit(self.painted)

    def forget(self) -> None:
        """Take away all that is painted and the strokes that could be taken back. Emits nothing."""
        self._stroke, self._undoable = None, []
        self._replace(np.zeros_like(self._mask))

    def set_radius(self, radius: float) -> None:
        """Set the radius of the brush, px of the picture; kept between half a pixel and half of the picture."""
        near = min(max(radius, SMALLEST), max(SMALLEST, LARGEST_SHARE * max(self._mask.shape)))
        if near != self.radius:
            self.radius = near
            self.radius_changed.emit(near)
            self.update()

    def set_erasing(self, on: bool) -> None:
        """Let the left button erase if `on`; the right one always does."""
        self.erasing = on
        self.update()

    def _remember(self) -> None:
        self._undoable = [*self._undoable[1 - UNDOABLE :], self._mask]

    def _replace(self, mask: np.ndarray) -> None:
        self._mask, self._overlay = mask, None
        self._describe()
        self.update()

    def _describe(self) -> None:
        share = float(self._mask.mean()) if self._mask.size else 0.0
        painted = f"{100 * share:.0f} % of the picture is painted" if share else "Nothing is painted"
        self.setAccessibleDescription(f"{painted}. Arrows move the brush, Return paints, Backspace erases.")

    # strokes ----------------------------------------------------------------------------------

    def frames(self) -> list[QRectF]:
        """Return where the picture is shown, px of the widget."""
        if self._image is None:
            return self._frames
        height, width = self._mask.shape
        room = min(self.width(), self.height()) - 2.0
        side = shown_side(max(height, width), max(room, 1.0), self.devicePixelRatioF(), pixels=False)
        box = QRectF(0, 0, side * width / max(height, width), side * height / max(height, width))
        box.moveTopLeft(QPointF(round((self.width() - box.width()) / 2), round((self.height() - box.height()) / 2)))
        return [box]

    def _frame_at(self, position: QPointF) -> QRectF | None:
        """Return the frame that the brush touches at a position."""
        for frame in self.frames():
            reach = self.radius * frame.width() / max(1, self._mask.shape[1])
            if frame.adjusted(-reach, -reach, reach, reach).contains(position):
                return frame
        return None

    def _pixel_at(self, frame: QRectF, position: QPointF) -> QPointF:
        height, width = self._mask.shape
        x, y = position.x() - frame.left(), position.y() - frame.top()
        return QPointF(x / frame.width() * width, y / frame.height() * height)

    def _paint(self, start: QPointF, end: QPointF, *, erase: bool) -> None:
        weight = line_weight(self._mask.shape, (start.x(), start.y()), (end.x(), end.y()), self.radius)
        self._replace(np.minimum(self._mask, 1 - weight) if erase else np.maximum(self._mask, weight))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()  # the widget below would drag its picture
        erase = event.button() == Qt.MouseButton.RightButton
        frame = self._frame_at(event.position())
        if frame is None or self._stroke is not None or not (erase or event.button() == Qt.MouseButton.LeftButton):
            return
        self._by_key = False
        self._remember()
        point = self._pixel_at(frame, event.position())
        self._stroke = frame, point, erase or self.erasing
        self._paint(point, point, erase=self._stroke[2])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        frame = self._stroke[0] if self._stroke else self._frame_at(event.position())
        self._hover = None if frame is None else self._pixel_at(frame, event.position())
        if self._stroke is not None and self._hover is not None:
            frame, last, erase = self._stroke
            self._paint(last, self._hover, erase=erase)
            self._stroke = frame, self._hover, erase
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if self._stroke is not None:
            self._stroke = None
            self._end_stroke()

    def _end_stroke(self) -> None:
        if np.array_equal(self._undoable[-1], self._mask):
            self._undoable.pop()  # nothing was there to be erased, or all was painted already
        else:
            self.mask_changed.emit(self.painted)

    def contextMenuEvent(self, event: QEvent) -> None:
        event.accept()  # the right button erases

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover = None
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus() and event.angleDelta().y():
            self.set_radius(self.radius * (GROWTH if event.angleDelta().y() > 0 else 1 / GROWTH))
        else:
            event.ignore()

    # keys -------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._command(event):
            event.accept()  # before the window's shortcuts
            return True
        return super().event(event)

    def _command(self, event: QKeyEvent) -> str:
        """Return what a key does here; empty if nothing."""
        key, modifiers = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key == _K.Key_Z and modifiers == Qt.KeyboardModifier.ControlModifier:
            return "undo"  # also where there is none: the window's would move a slider
        if modifiers & ~Qt.KeyboardModifier.ShiftModifier or not self._mask.size:
            return ""
        if key in _WAYS:
            return "move"
        if key in (*_LARGER, *_SMALLER):
            return "size"
        if key in _DABS:
            return "dab"
        return "clear" if key == _K.Key_Delete else ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, command = Qt.Key(event.key()), self._command(event)
        if command == "move":
            self._move(*_WAYS[key], far=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif command == "size":
            self.set_radius(self.radius * (GROWTH if key in _LARGER else 1 / GROWTH))
        elif command == "dab" and not event.isAutoRepeat() and self._stroke is None:
            self._by_key = self._held = True
            self._remember()
            self._stroke = QRectF(), self._cursor, key == _K.Key_Backspace or self.erasing
            self._paint(self._cursor, self._cursor, erase=self._stroke[2])
        elif command == "clear":
            self.clear()
        elif command == "undo":
            self.undo()
        elif not command:
            super().keyPressEvent(event)

    def _move(self, across: int, down: int, *, far: bool) -> None:
        step = max(1.0, self.radius) if far else 1.0
        height, width = self._mask.shape
        x, y = self._cursor.x() + step * across, self._cursor.y() + step * down
        start, self._cursor = self._cursor, QPointF(min(max(x, 0.5), width - 0.5), min(max(y, 0.5), height - 0.5))
        self._by_key = True
        if self._held and self._stroke is not None:
            self._paint(start, self._cursor, erase=self._stroke[2])
        self.update()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in _DABS and self._held and not event.isAutoRepeat():
            self._let_go()
        else:
            super().keyReleaseEvent(event)

    def _let_go(self) -> None:
        if self._held:
            self._held, self._stroke = False, None
            self._end_stroke()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._by_key = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._let_go()
        self._by_key = False
        self.update()

    # painting ---------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        if not self._mask.size:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for frame in self.frames():
            if self._image is not None:
                painter.drawImage(frame.topLeft(), self._picture(self._image, max(frame.width(), frame.height())))
            if self._mask.any():
                painter.drawImage(frame.topLeft(), self._overlay_of(frame))
            if self._image is not None and self.hasFocus():
                painter.setPen(QPen(theme.current().color("accent"), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(frame.adjusted(1, 1, -1, -1))
            self._paint_brush(painter, frame)

    def _picture(self, image: np.ndarray, side: float) -> QImage:
        ratio = self.devicePixelRatioF()
        if self._scaled is None or self._scaled[:2] != (side, ratio):
            self._scaled = side, ratio, scaled(image, side, ratio, pixels=False)
        return self._scaled[2]

    def _overlay_of(self, frame: QRectF) -> QImage:
        ratio, now = self.devicePixelRatioF(), theme.current()
        tint = TINT if self.underMouse() or (self._by_key and self.hasFocus()) else 0.0  # else it hides the picture
        key = round(frame.width() * ratio), round(frame.height() * ratio), ratio, now.name, tint
        if self._overlay is None or self._overlay[0] != key:
            self._overlay = key, overlay(self._mask, key[:2], ratio, now.color("accent", tint))
        return self._overlay[1]

    def _paint_brush(self, painter: QPainter, frame: QRectF) -> None:
        """Paint the brush's ring, light on dark, so that it is seen on any picture; dashed where it erases."""
        at = self._cursor if self._by_key and self.hasFocus() else self._hover
        if at is None:
            return
        erases = self._stroke[2] if self._stroke else self.erasing
        across, down = frame.width() / self._mask.shape[1], frame.height() / self._mask.shape[0]
        center = QPointF(frame.left() + at.x() * across, frame.top() + at.y() * down)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((QColor(0, 0, 0, 190), 3.0), (theme.current().color("on_picture"), 1.5)):
            painter.setPen(QPen(color, width, Qt.PenStyle.DashLine if erases else Qt.PenStyle.SolidLine))
            painter.drawEllipse(center, self.radius * across, self.radius * down)
