# SPDX-License-Identifier: MIT
"""A photo under a square crop frame: drag it, pull its corners, or use the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.data.crop import Crop, bounding_square, center_square, clamp_crop, crop_from_pixels
from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.image_view import CAPTION
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    import numpy as np
    from PySide6.QtGui import QPaintEvent, QWheelEvent

HANDLE_SIDE = 10  # px, side of a corner's handle
GRAB_DISTANCE = 14  # px around a corner where a press takes it
STEP, FINE = 0.02, 0.004  # of the shorter side, per key press
MARGIN = theme.MARGIN
MIN_SIDE = 18 * theme.UNIT
CORNERS = ((0, 0), (1, 0), (0, 1), (1, 1))
SHADE_ALPHA = 0.62  # alpha over the part outside the crop
_Cursor = Qt.CursorShape


class CropView(QWidget):
    """Photo with a movable crop frame. `changed(Crop)` is emitted while the user moves it."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._photo: np.ndarray | None = None
        self.crop = Crop(0.0, 0.0, 1.0)
        self._grip: tuple[int, int] | None = None  # the corner being dragged; None: the whole frame
        self._from: QPointF | None = None  # position of the press, in pixels of the photo
        self._start = self.crop
        self._scaled: tuple[float, float, np.ndarray, QImage] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(MIN_SIDE, MIN_SIDE)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Frame of the photo")
        self.setToolTip(
            "Drag the frame or its corners. Arrows move it, + and \N{MINUS SIGN} size it (Shift: finely); "
            "a double click takes the middle"
        )

    def sizeHint(self) -> QSize:
        return QSize(420, 420)

    def show_photo(self, photo: np.ndarray | None, crop: Crop) -> None:
        """Show a photo (H, W, 3) uint8 and its crop. Emits nothing."""
        if photo is not self._photo:
            self._photo, self._from, self._scaled = photo, None, None
        self.crop = crop
        share = round(100 * crop.size)
        self.setAccessibleDescription(
            f"{share} % of the shorter side, {round(100 * crop.left)} % from the left, "
            f"{round(100 * crop.top)} % from the top"
        )
        self.update()

    def set_centered_crop(self) -> None:
        """Set the largest central square."""
        if self._photo is not None:
            self._set_crop(center_square(*self._photo.shape[:2]))

    def set_full_crop(self) -> None:
        """Set a square around the whole photo, padded with black."""
        if self._photo is not None:
            self._set_crop(bounding_square(*self._photo.shape[:2]))

    def _set_crop(self, crop: Crop) -> None:
        assert self._photo is not None
        near = clamp_crop(crop, *self._photo.shape[:2])
        if near != self.crop:
            self.show_photo(self._photo, near)
            self.changed.emit(near)

    def _shape(self) -> tuple[int, int]:
        assert self._photo is not None
        height, width = self._photo.shape[:2]
        return height, width

    def _place(self) -> QRectF:
        """Return the square for the photo, level with the picture of an `ImageView` of the same size."""
        room = min(self.width() - 2 * MARGIN, self.height() - CAPTION - 1.5 * MARGIN)
        side = max(1.0, room)
        above = (self.height() - side - CAPTION - MARGIN / 2) / 2 + CAPTION
        return QRectF((self.width() - side) / 2, above, side, side)

    def photo_rect(self) -> QRectF:
        """Return the rectangle of the photo, with room for a square around all of it."""
        height, width = self._shape()
        place = self._place()
        factor = place.width() / max(height, width)
        box = QRectF(0, 0, width * factor, height * factor)
        box.moveCenter(place.center())
        return box

    def frame_rect(self) -> QRectF:
        """Return the rectangle of the crop frame."""
        height, width = self._shape()
        box, crop = self.photo_rect(), self.crop
        side = crop.size * min(height, width) * box.width() / width
        return QRectF(box.left() + crop.left * box.width(), box.top() + crop.top * box.height(), side, side)

    def _pixel_at(self, position: QPointF) -> QPointF:
        height, width = self._shape()
        box = self.photo_rect()
        return QPointF(
            (position.x() - box.left()) / box.width() * width, (position.y() - box.top()) / box.height() * height
        )

    @staticmethod
    def _corner(frame: QRectF, right: int, below: int) -> QPointF:
        return QPointF(frame.right() if right else frame.left(), frame.bottom() if below else frame.top())

    def _corner_at(self, position: QPointF) -> tuple[int, int] | None:
        frame = self.frame_rect()
        for right, below in CORNERS:
            off = position - self._corner(frame, right, below)
            if max(abs(off.x()), abs(off.y())) <= GRAB_DISTANCE:
                return right, below
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._photo is None:
            super().mousePressEvent(event)
            return
        self._grip = self._corner_at(event.position())
        if self._grip is not None or self.frame_rect().contains(event.position()):
            self._from, self._start = self._pixel_at(event.position()), self.crop

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._photo is None:
            return
        if self._from is None:
            self._update_cursor(event.position())
            return
        now = self._pixel_at(event.position())
        if self._grip is None:
            self._move(now - self._from)
        else:
            self._resize(now, self._grip)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self._from = self._grip = None
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        super().mouseDoubleClickEvent(event)
        self.set_centered_crop()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self.hasFocus() or self._photo is None:
            event.ignore()
            return
        self._resize_by(-STEP if event.angleDelta().y() > 0 else STEP)

    def _update_cursor(self, position: QPointF) -> None:
        """Show by the cursor what a press would drag."""
        corner = self._corner_at(position)
        if corner is not None:
            same = corner[0] == corner[1]
            self.setCursor(_Cursor.SizeFDiagCursor if same else _Cursor.SizeBDiagCursor)
        elif self.frame_rect().contains(position):
            self.setCursor(_Cursor.SizeAllCursor)
        else:
            self.unsetCursor()

    def _move(self, way: QPointF) -> None:
        height, width = self._shape()
        start = self._start
        self._set_crop(Crop(start.left + way.x() / width, start.top + way.y() / height, start.size))

    def _resize(self, to: QPointF, grip: tuple[int, int]) -> None:
        """Move the held corner to the mouse; the opposite one stays."""
        height, width = self._shape()
        right, below = grip
        side = self._start.size * min(height, width)
        left, top = self._start.left * width, self._start.top * height
        fixed_x, fixed_y = left + (0 if right else side), top + (0 if below else side)
        along_x = (to.x() - fixed_x) * (1 if right else -1)
        along_y = (to.y() - fixed_y) * (1 if below else -1)
        new = min(max(along_x, along_y, 0.02 * min(height, width)), float(max(height, width)))
        self._set_crop(
            crop_from_pixels(
                fixed_x if right else fixed_x - new, fixed_y if below else fixed_y - new, new, height, width
            )
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, fine = Qt.Key(event.key()), event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        step = FINE if fine else STEP
        ways = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
        if self._photo is None:
            super().keyPressEvent(event)
        elif key in ways:
            height, width = self._shape()
            pixels = step * min(height, width)
            x, y = ways[key]
            self._start = self.crop
            self._move(QPointF(x * pixels, y * pixels))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Asterisk):
            self._resize_by(step)
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
            self._resize_by(-step)
        elif key == Qt.Key.Key_Home:
            self.set_centered_crop()
        else:
            super().keyPressEvent(event)

    def _resize_by(self, by: float) -> None:
        """Enlarge or shrink the frame around its centre."""
        height, width = self._shape()
        short, crop = min(height, width), self.crop
        new = max(0.02, crop.size + by)
        shift = (crop.size - new) * short / 2
        self._set_crop(Crop(crop.left + shift / width, crop.top + shift / height, new))

    def _image(self) -> QImage:
        assert self._photo is not None
        box, ratio = self.photo_rect(), self.devicePixelRatioF()
        side = max(box.width(), box.height())
        held = self._scaled
        if held is None or held[:2] != (side, ratio) or held[2] is not self._photo:
            made = scaled(self._photo, side, ratio, pixels=False)
            held = self._scaled = (side, ratio, self._photo, made)
        return held[3]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        if self._photo is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box, frame, now = self.photo_rect(), self.frame_rect(), theme.current()
        self._paint_caption(painter)
        # the generator gets black outside the photo
        painter.fillRect(frame, Qt.GlobalColor.black)
        painter.drawImage(box.topLeft(), self._image())
        shade = QPainterPath()
        shade.addRect(box)
        hole = QPainterPath()
        hole.addRect(frame)
        painter.fillPath(shade.subtracted(hole), now.color("paper", SHADE_ALPHA))
        self._paint_thirds(painter, frame)
        painter.setPen(QPen(now.color("on_picture"), 3))
        painter.drawRect(frame)
        painter.setPen(QPen(now.color("accent"), 2 if self.hasFocus() else 1.5))
        painter.drawRect(frame)
        painter.setPen(QPen(now.color("accent"), 1.5))
        painter.setBrush(now.color("on_picture"))
        for right, below in CORNERS:
            corner = QRectF(0, 0, HANDLE_SIDE, HANDLE_SIDE)
            corner.moveCenter(self._corner(frame, right, below))
            painter.drawRoundedRect(corner, 2, 2)

    def _paint_caption(self, painter: QPainter) -> None:
        place = self._place()
        line = QRectF(place.left(), place.top() - CAPTION, place.width(), CAPTION - 2)
        painter.setFont(theme.font())
        painter.setPen(theme.current().color("muted"))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "Photo")

    def _paint_thirds(self, painter: QPainter, frame: QRectF) -> None:
        for color, alpha, off in (("ink", 0.25, 1), ("on_picture", 0.55, 0)):
            painter.setPen(QPen(theme.current().color(color, alpha), 0.0))
            for third in (1 / 3, 2 / 3):
                x, y = frame.left() + third * frame.width(), frame.top() + third * frame.height()
                painter.drawLine(QPointF(x + off, frame.top()), QPointF(x + off, frame.bottom()))
                painter.drawLine(QPointF(frame.left(), y + off), QPointF(frame.right(), y + off))
