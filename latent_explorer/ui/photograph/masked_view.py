# SPDX-License-Identifier: MIT
"""A photograph before and after a change, with the outline of what changed, and a brush on the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Signal
from PySide6.QtGui import QColor, QPainter, QPen

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.image_view import ImageView
from latent_explorer.ui.widgets.mask_painter import MaskPainter

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent, QResizeEvent

    from latent_explorer.ui.widgets.image_view import CaptionedImage

HALF = 0.5  # weight of the change at its outline


class MaskedView(ImageView):
    """Two pictures side by side. `painted` is emitted with the region (H, W), 0 to 1, after a stroke of the brush."""

    painted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._mask: np.ndarray | None = None
        self._edges = np.zeros((0, 4))
        self.painter = MaskPainter(self)
        self.painter.setAccessibleName("Where the photograph may change")
        self.painter.mask_changed.connect(self.painted)
        self.painter.hide()

    def set_images(self, before: CaptionedImage | None, after: CaptionedImage | None) -> None:
        super().set_images(before, after)
        self._place()

    def set_mask(self, mask: np.ndarray | None) -> None:
        """Outline a change (H, W), 0 to 1, on the picture after; None: nothing."""
        self._mask = mask
        self._edges = np.zeros((0, 4)) if mask is None else outline(mask >= HALF)
        self.update()

    def show_region(self, region: np.ndarray | None, *, paintable: bool) -> None:
        """Show the region that is allowed on the picture before; None: nothing is painted. Emits nothing."""
        self.painter.setVisible(paintable and self.before is not None)
        self._place()
        if self.before is not None:
            shape = self.before.image.shape[:2]
            wanted = np.zeros(shape, np.float32) if region is None else region
            if not np.array_equal(self.painter.painted, wanted):
                self.painter.set_painted(wanted)

    def _place(self) -> None:
        """Lay the brush over the picture before."""
        frames = self.frames()
        if frames and self.before is not None:
            box = frames[0].toAlignedRect()
            self.painter.setGeometry(box)
            inside = frames[0].translated(-box.topLeft().toPointF())
            height, width = self.before.image.shape[:2]
            self.painter.set_frames([inside], (height, width))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        frames = self.frames()
        if self._mask is None or len(frames) < 2 or not len(self._edges):
            return
        painter = QPainter(self)
        lines = self._lines(frames[1])
        for color, width in ((QColor(0, 0, 0, 190), 3.0), (theme.current().color("on_picture"), 1.0)):
            painter.setPen(QPen(color, width))
            painter.drawLines(lines)

    def _lines(self, frame: QRectF) -> list[QLineF]:
        assert self._mask is not None
        height, width = self._mask.shape
        scale = np.array([frame.width() / width, frame.height() / height] * 2)
        corner = np.array([frame.left(), frame.top()] * 2)
        return [QLineF(*map(float, edge)) for edge in self._edges * scale + corner]


def outline(inside: np.ndarray) -> np.ndarray:
    """Return the edges (N, 4), x1 y1 x2 y2 in pixels, between pixels inside (H, W) bool and those that are not.

    The border of the picture is no edge.
    """
    y, x = np.nonzero(inside[:, 1:] != inside[:, :-1])
    upright = np.stack([x + 1, y, x + 1, y + 1], axis=1)
    y, x = np.nonzero(inside[1:] != inside[:-1])
    flat = np.stack([x, y + 1, x + 1, y + 1], axis=1)
    return np.concatenate([upright, flat]).astype(float)
