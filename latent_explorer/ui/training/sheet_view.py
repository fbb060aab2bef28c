# SPDX-License-Identifier: MIT
"""A sheet of small pictures as labelled rows, cut from one image and laid out for the room there is.

No time, no files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.scaling import scaled, shown_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPaintEvent

GAP = 2  # px between two pictures
LABEL_GAP = theme.UNIT
GOOD_SIDE = 40  # px: rather fewer pictures than smaller ones


@dataclass(frozen=True)
class Sheet:
    """`rows` (R, N, h, w, 3) uint8: N pictures in each of R rows, and what each row is."""

    rows: np.ndarray
    labels: tuple[str, ...]


def cut(image: np.ndarray, labels: Sequence[str], side: int) -> Sheet:
    """From one image (bands * R * side, columns * side, 3) to its R labelled rows; bands are put one after another."""
    height, width = image.shape[0] // side, image.shape[1] // side
    kinds = max(1, min(len(labels), height))
    bands = height // kinds
    cells = image[: bands * kinds * side, : width * side]
    cells = cells.reshape(bands, kinds, side, width, side, 3)
    cells = cells.transpose(1, 0, 3, 2, 4, 5)  # kinds, bands, columns, h, w, 3
    return Sheet(cells.reshape(kinds, bands * width, side, side, 3), tuple(labels)[:kinds])


@dataclass(frozen=True)
class SheetLayout:
    """Where pictures stand: `per_line` in a line, `lines` lines for each row's pictures, `side` px each."""

    per_line: int
    lines: int
    side: float


def best_layout(count: int, kinds: int, width: float, height: float) -> SheetLayout:
    """The division of `count` pictures a row into lines that shows them largest."""
    best = SheetLayout(count, 1, 0.0)
    for lines in range(1, count + 1):
        per_line = -(-count // lines)
        if per_line * (lines - 1) >= count:
            continue  # as many in a line as with fewer lines
        side = min(
            (width - (per_line - 1) * GAP) / per_line,
            (height - (kinds * lines - 1) * GAP - (lines - 1) * LABEL_GAP) / (kinds * lines),
        )
        if side > best.side:
            best = SheetLayout(per_line, lines, side)
    return best


def largest(count: int, kinds: int, width: float, height: float) -> SheetLayout:
    """As many of `count` pictures a row as can be shown at a good size, or at the best there is."""
    layouts = [best_layout(n, kinds, width, height) for n in range(count, 0, -1)]
    enough = min(GOOD_SIDE, max(layout.side for layout in layouts))
    return next(layout for layout in layouts if layout.side >= enough)


class SheetView(QWidget):
    """Paints a sheet; smooth or as whole pixels, as the canvas does."""

    def __init__(self) -> None:
        super().__init__()
        self._sheet: Sheet | None = None
        self._pixels = False
        self._tiles: dict[tuple[int, int], QImage] = {}
        self._scaled_for: tuple[float, float, bool] = (0.0, 0.0, False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(20 * theme.UNIT, 10 * theme.UNIT)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Sheet of pictures")

    def sizeHint(self) -> QSize:
        return QSize(52 * theme.UNIT, 24 * theme.UNIT)

    def show_sheet(self, sheet: Sheet | None) -> None:
        """Another moment of the same training, or nothing."""
        self._sheet = sheet
        self._tiles.clear()
        if sheet is not None:
            self.setAccessibleDescription("Rows: " + ", ".join(sheet.labels))
        self.update()

    def set_pixels(self, on: bool) -> None:
        """Whole pixels at a whole factor instead of Lanczos."""
        self._pixels = on
        self.update()

    def label_width(self) -> float:
        """Room of the rows' names at the left."""
        if self._sheet is None:
            return 0.0
        metrics = QFontMetricsF(theme.font(theme.SMALL))
        widest = max((metrics.horizontalAdvance(text) for text in self._sheet.labels), default=0)
        return min(widest + 2, self.width() / 3) + LABEL_GAP

    def layout_now(self) -> SheetLayout | None:
        """How the pictures are laid out now."""
        if self._sheet is None:
            return None
        kinds, count = self._sheet.rows.shape[:2]
        width, height = self.width() - self.label_width() - 2, self.height() - 4
        made = largest(count, kinds, width, height)
        ratio = self.devicePixelRatioF()
        side = shown_side(self._sheet.rows[0, 0], made.side, ratio, pixels=self._pixels)
        return SheetLayout(made.per_line, made.lines, min(side, made.side))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        sheet, place = self._sheet, self.layout_now()
        painter = QPainter(self)
        if sheet is None or place is None or place.side < 1:
            return
        self._forget_other_sizes(place.side)
        painter.setFont(theme.font(theme.SMALL))
        step = place.side + GAP
        spare = self.width() - self.label_width() - place.per_line * step
        left = self.label_width() + max(0.0, spare / 2)
        kinds = len(sheet.labels)
        for row_index in range(kinds):
            for index in range(min(sheet.rows.shape[1], place.per_line * place.lines)):
                line, column = divmod(index, place.per_line)
                y = 2 + (line * kinds + row_index) * step + line * LABEL_GAP
                if column == 0:
                    box = QRectF(0, y, left - LABEL_GAP, place.side)
                    self._paint_label(painter, box, row_index)
                painter.drawImage(
                    QRectF(left + column * step, y, place.side, place.side),
                    self._tile(row_index, index, place.side),
                )
        if self.hasFocus():
            painter.setPen(QPen(theme.current().color("accent"), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _paint_label(self, painter: QPainter, box: QRectF, index: int) -> None:
        painter.setPen(theme.current().color("muted"))
        text = self._sheet.labels[index] if self._sheet else ""
        metrics = QFontMetricsF(painter.font())
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    def _forget_other_sizes(self, side: float) -> None:
        wanted = (side, self.devicePixelRatioF(), self._pixels)
        if wanted != self._scaled_for:
            self._tiles.clear()
            self._scaled_for = wanted

    def _tile(self, row_index: int, index: int, side: float) -> QImage:
        """Scaled once for each sheet, size and screen."""
        key = (row_index, index)
        if key not in self._tiles:
            assert self._sheet is not None
            image = self._sheet.rows[row_index, index]
            ratio = self.devicePixelRatioF()
            self._tiles[key] = scaled(image, side, ratio, pixels=self._pixels)
        return self._tiles[key]
