# SPDX-License-Identifier: MIT
"""View of a picture before and after: side by side, swiped, as a difference, with Grad-CAM, or after alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetricsF, QImage, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.scaling import difference, scaled, shown_side

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

ViewMode = Literal["side", "after", "swipe", "difference", "heat"]
_FRAMES = {"side": 2, "heat": 3}  # pictures beside each other; else one
BEFORE = "(before)"  # ends the titles of pictures before the edits
CAPTION = 3 * theme.UNIT  # px above a picture
MIN_SIDE = 16 * theme.UNIT
_Scaled = tuple[tuple[float, float, bool], tuple[int, ...], np.ndarray, QImage]


@dataclass(frozen=True)
class CaptionedImage:
    """Picture with its caption: a title and the classifier's answer."""

    image: np.ndarray  # (H, W, 3) uint8
    title: str
    verdict: str = ""
    verdict_class: int = 0
    mark: str = ""  # painted on the picture: that it is not the whole one
    whole_side: int = 0  # px that the whole picture has where this is a smaller draft of it

    @property
    def side(self) -> int:
        """Longer edge of the whole picture, px."""
        return max(self.whole_side, *self.image.shape[:2])


class ImageView(QWidget):
    """View of two pictures. `drag_started` asks the owner to start a drag of the picture."""

    drag_started = Signal()
    mode_changed = Signal(str)
    peek_changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.before: CaptionedImage | None = None
        self.after: CaptionedImage | None = None
        self.mode: ViewMode = "side"
        self.pixels = False
        self.peeking = False
        self.split = 0.5  # of the swipe, share of the width
        self._pressed: QPointF | None = None
        self._by_key = False  # True if the focus came by the keyboard and is painted
        self._heat: tuple[CaptionedImage, CaptionedImage] | None = None  # in place of both pictures in mode "heat"
        self._cache: dict[str, _Scaled] = {}  # by "before", "after", "difference"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(2 * MIN_SIDE, MIN_SIDE + CAPTION)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Picture before and after")

    def sizeHint(self) -> QSize:
        return QSize(820, 440)

    def set_images(self, before: CaptionedImage | None, after: CaptionedImage | None) -> None:
        """Show both pictures of one result, or nothing if None."""
        self.before, self.after, self._heat = before, after, None
        if before and after:
            description = ". ".join(f"{each.title}: {each.mark or each.verdict}" for each in (before, after)) + "."
            self.setAccessibleDescription(description)
        self.update()

    def set_heat(self, before: CaptionedImage, after: CaptionedImage) -> None:
        """Show these in place of the pictures in mode "heat", until others are set."""
        self._heat = before, after
        self.update()

    def set_mode(self, mode: str) -> None:
        """Set the mode, one of `ViewMode`; raises ValueError otherwise."""
        if mode not in get_args(ViewMode):
            raise ValueError(mode)
        if mode != self.mode:
            self.mode = mode  # type: ignore[assignment]
            self.mode_changed.emit(mode)
            self.update()

    def set_pixels(self, on: bool) -> None:
        """Enlarge by whole pixels if `on`, else by Lanczos."""
        self.pixels = on
        self.update()

    def set_peek(self, on: bool) -> None:
        """Show the before in place of the after while `on`."""
        if on != self.peeking:
            self.peeking = on
            self.update()
            self.peek_changed.emit(on)

    def frames(self) -> list[QRectF]:
        """Return the frames of the pictures without captions, px: two in mode "side", three in "heat", else one."""
        if self.after is None:
            return []
        count = _FRAMES.get(self.mode, 1)
        gap = theme.MARGIN
        room = min((self.width() - (count + 1) * gap) / count, self.height() - CAPTION - 1.5 * gap)
        side = shown_side(self.after.side, max(room, 1.0), self.devicePixelRatioF(), pixels=self.pixels)
        height, width = self.after.image.shape[:2]
        w, h = side * width / max(height, width), side * height / max(height, width)
        left = round((self.width() - count * w - (count - 1) * gap) / 2)
        top = round((self.height() - h - CAPTION - gap / 2) / 2 + CAPTION)
        return [QRectF(left + i * (w + gap), top, w, h) for i in range(count)]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.frames():
            self._pressed = event.position()
            event.accept()
            if self.mode == "swipe":
                self._swipe_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.mode == "swipe":
            self.setCursor(Qt.CursorShape.SplitHCursor)
            if self._pressed is not None:
                self._swipe_to(event.position().x())
            return
        self.unsetCursor()
        if self._pressed is None:
            return
        way = (event.position() - self._pressed).manhattanLength()
        if way >= QApplication.startDragDistance():
            self._pressed = None
            self.drag_started.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self._pressed = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -0.05, Qt.Key.Key_Right: 0.05}.get(Qt.Key(event.key()))
        if self.mode == "swipe" and step is not None:
            self.split = min(1.0, max(0.0, self.split + step))
            self.update()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        keys = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._by_key = event.reason() in keys
        super().focusInEvent(event)

    def _swipe_to(self, x: float) -> None:
        frame = self.frames()[0]
        self.split = min(1.0, max(0.0, (x - frame.left()) / frame.width()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        frames = self.frames()
        if not frames or self.after is None or self.before is None:
            return
        shown = self.before if self.peeking else self.after
        if self.mode == "side":
            self._paint_image(painter, frames[0], self.before, "before")
            self._paint_image(painter, frames[1], shown, "before" if self.peeking else "after")
        elif self.mode == "heat":
            before, after = self._heat or (self.before, self.after)
            self._paint_image(painter, frames[0], before, "before")
            self._paint_difference(painter, frames[1], self.before, self.after)
            self._paint_image(painter, frames[2], before if self.peeking else after, "after")
        elif self.mode == "after" or self.peeking:
            self._paint_image(painter, frames[0], shown, "before" if self.peeking else "after")
        elif self.mode == "swipe":
            self._paint_swipe(painter, frames[0])
        else:
            self._paint_difference(painter, frames[0], self.before, self.after)
        if self.hasFocus() and self._by_key:
            painter.setPen(QPen(theme.current().color("accent"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(frames[-1].adjusted(-2, -2, 1, 1))

    def _image(self, key: str, image: np.ndarray, side: float) -> QImage:
        """Return `image` scaled to `side` px, cached per picture, size and screen."""
        scale = (side, self.devicePixelRatioF(), self.pixels)
        held = self._cache.get(key)
        if held is not None and held[:2] == (scale, image.shape) and np.array_equal(held[2], image):
            return held[3]
        made = scaled(image, side, scale[1], pixels=self.pixels)
        self._cache[key] = (scale, image.shape, image, made)
        return made

    def _paint_image(self, painter: QPainter, frame: QRectF, shot: CaptionedImage, key: str) -> None:
        side = max(frame.width(), frame.height())
        painter.drawImage(frame.topLeft(), self._image(key, shot.image, side))
        self._paint_caption(painter, frame, shot.title, shot)
        self._paint_mark(painter, frame, shot.mark)

    def _paint_difference(
        self, painter: QPainter, frame: QRectF, before: CaptionedImage, after: CaptionedImage
    ) -> None:
        change = difference(before.image, after.image)
        shot = CaptionedImage(change, "Difference, doubled", "grey: the same", -1, after.mark, after.side)
        self._paint_image(painter, frame, shot, "difference")

    def _paint_swipe(self, painter: QPainter, frame: QRectF) -> None:
        assert self.before is not None
        assert self.after is not None
        side = max(frame.width(), frame.height())
        x = frame.left() + frame.width() * self.split
        painter.drawImage(frame.topLeft(), self._image("after", self.after.image, side))
        painter.save()
        painter.setClipRect(QRectF(frame.left(), frame.top(), x - frame.left(), frame.height()))
        painter.drawImage(frame.topLeft(), self._image("before", self.before.image, side))
        painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.current().color("surface"), 2))
        painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))
        painter.setBrush(theme.current().color("accent"))
        painter.drawEllipse(QPointF(x, frame.center().y()), 7, 7)
        self._paint_caption(painter, frame, f"{self.before.title}  |  {self.after.title}", self.after)
        self._paint_mark(painter, frame, self.after.mark)

    def _paint_mark(self, painter: QPainter, frame: QRectF, mark: str) -> None:
        """Paint a mark in the lower right corner of a picture."""
        if not mark:
            return
        now = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(theme.SMALL, semibold=True))
        width = QFontMetricsF(painter.font()).horizontalAdvance(mark) + 2 * theme.UNIT
        box = QRectF(0, 0, width, 2.5 * theme.UNIT)
        box.moveBottomRight(frame.bottomRight() - QPointF(theme.UNIT, theme.UNIT))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(now.color("paper", 0.9))
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.setPen(now.color("ink"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, mark)

    def _paint_caption(self, painter: QPainter, frame: QRectF, title: str, shot: CaptionedImage) -> None:
        now = theme.current()
        line = QRectF(frame.left(), frame.top() - CAPTION, frame.width(), CAPTION - 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(semibold=True))
        metrics = QFontMetricsF(painter.font())
        room = frame.width()
        if shot.verdict:
            # In the middle: at its end stands the probability.
            verdict = metrics.elidedText(shot.verdict, Qt.TextElideMode.ElideMiddle, 0.75 * room)
            text_width = metrics.horizontalAdvance(verdict)
            painter.setPen(now.color("ink" if shot.verdict_class >= 0 else "muted"))
            painter.drawText(line, theme.RIGHT, verdict)
            room -= text_width + 2 * theme.UNIT
            if shot.verdict_class >= 0:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(now.class_color(shot.verdict_class))
                painter.drawEllipse(QPointF(line.right() - text_width - 10, line.center().y()), 4, 4)
                room -= 2 * theme.UNIT
        painter.setFont(theme.font())
        painter.setPen(now.color("muted"))
        metrics = QFontMetricsF(painter.font())
        if BEFORE in title and metrics.horizontalAdvance(title) > room:
            title = "Before"
        shown = metrics.elidedText(title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(line, theme.LEFT, shown if len(shown) > 2 else "")  # dots alone say nothing
