# SPDX-License-Identifier: MIT
"""Player of a run's sheets of pictures through time. Files are read when they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QFontMetricsF, QImage, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import EmptyState, Pages, column, hint, icon_button, row
from latent_explorer.ui.widgets.scaling import scaled, shown_side
from latent_explorer.ui.widgets.slider_track import SliderTrack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtGui import QPaintEvent

PLAY_MS = 350  # for each sheet
EMPTY = "The first sheet of pictures comes after a few thousand images."
PLAY, PAUSE = "Play the sheets (Space)", "Stop playing (Space)"
GAP = 2  # px between two pictures
LABEL_GAP = theme.UNIT
MIN_SIDE = 40  # px: fewer pictures are shown rather than smaller ones


@dataclass(frozen=True)
class Sheet:
    """Sheet of N pictures in each of R labelled rows: `rows` (R, N, h, w, 3) uint8."""

    rows: np.ndarray
    labels: tuple[str, ...]


def cut(image: np.ndarray, labels: Sequence[str], side: int) -> Sheet:
    """Cut an image (bands * R * side, columns * side, 3) into R labelled rows; bands are joined."""
    height, width = image.shape[0] // side, image.shape[1] // side
    kinds = max(1, min(len(labels), height))
    bands = height // kinds
    cells = image[: bands * kinds * side, : width * side]
    cells = cells.reshape(bands, kinds, side, width, side, 3)
    cells = cells.transpose(1, 0, 3, 2, 4, 5)  # kinds, bands, columns, h, w, 3
    return Sheet(cells.reshape(kinds, bands * width, side, side, 3), tuple(labels)[:kinds])


@dataclass(frozen=True)
class SheetLayout:
    """Layout: `per_line` pictures in a line, `lines` lines for each row, pictures of `side` px."""

    per_line: int
    lines: int
    side: float


def best_layout(count: int, kinds: int, width: float, height: float) -> SheetLayout:
    """Return the layout that shows `count` pictures in each of `kinds` rows largest in `width` by `height` px."""
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
    """Return the layout with most of `count` pictures that shows them at GOOD_SIDE, or as large as possible."""
    layouts = [best_layout(n, kinds, width, height) for n in range(count, 0, -1)]
    min_side = min(MIN_SIDE, max(layout.side for layout in layouts))
    return next(layout for layout in layouts if layout.side >= min_side)


class SheetView(QWidget):
    """Painted sheet, smooth or as whole pixels, as on the canvas."""

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
        self._sheet = sheet
        self._tiles.clear()
        if sheet is not None:
            self.setAccessibleDescription("Rows: " + ", ".join(sheet.labels))
        self.update()

    def set_pixels(self, on: bool) -> None:
        """Scale to whole pixels at a whole factor instead of Lanczos."""
        self._pixels = on
        self.update()

    def label_width(self) -> float:
        """Return the width of the rows' labels at the left, px."""
        if self._sheet is None:
            return 0.0
        metrics = QFontMetricsF(theme.font(theme.SMALL))
        widest = max((metrics.horizontalAdvance(text) for text in self._sheet.labels), default=0)
        return min(widest + 2, self.width() / 3) + LABEL_GAP

    def layout_now(self) -> SheetLayout | None:
        """Return the present layout, or None without a sheet."""
        if self._sheet is None:
            return None
        kinds, count = self._sheet.rows.shape[:2]
        width, height = self.width() - self.label_width() - 2, self.height() - 4
        made = largest(count, kinds, width, height)
        ratio = self.devicePixelRatioF()
        side = shown_side(max(self._sheet.rows[0, 0].shape[:2]), made.side, ratio, pixels=self._pixels)
        return SheetLayout(made.per_line, made.lines, min(side, made.side))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        sheet, place = self._sheet, self.layout_now()
        painter = QPainter(self)
        if sheet is None or place is None or place.side < 1:
            return
        scale = (place.side, self.devicePixelRatioF(), self._pixels)
        if scale != self._scaled_for:
            self._tiles.clear()
            self._scaled_for = scale
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
                    QRectF(left + column * step, y, place.side, place.side), self._tile(row_index, index, place.side)
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

    def _tile(self, row_index: int, index: int, side: float) -> QImage:
        """Return a scaled picture, cached for the present sheet, size and screen."""
        key = (row_index, index)
        if key not in self._tiles:
            assert self._sheet is not None
            image = self._sheet.rows[row_index, index]
            ratio = self.devicePixelRatioF()
            self._tiles[key] = scaled(image, side, ratio, pixels=self._pixels)
        return self._tiles[key]


class SheetPlayer(QWidget):
    """Player of sheets with slider, keys and play button. It follows the newest sheet unless the user turned back."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: list[Path] = []
        self._labels: tuple[str, ...] = ()
        self._side = 0
        self._shown: tuple[Path | None, float] = (None, 0.0)
        self.view = SheetView()
        self.view.installEventFilter(self)
        self.slider = SliderTrack(0, 0, None, 0.0, ())  # its positions are numbers of sheets
        self.slider.setSingleStep(1)
        self.slider.setAccessibleName("Sheet, by images seen")
        self.slider.setPageStep(1)
        self.slider.valueChanged.connect(self._show)
        self.caption = hint("", wrap=False)
        self.caption.setMinimumWidth(7 * theme.UNIT)
        self.caption.setToolTip("Images seen when the sheet was made")
        self.play = icon_button("play", PLAY, self.toggle_play)
        self.pixels = icon_button("pixels", "Enlarge without smoothing", checkable=True)
        self.pixels.toggled.connect(self.view.set_pixels)
        self._timer = QTimer(self)
        self._timer.setInterval(PLAY_MS)
        self._timer.timeout.connect(self._next)
        sheets = QWidget()
        inner = column(sheets, spacing=theme.UNIT // 2)
        inner.addWidget(self.view, 1)
        line = row()
        line.addWidget(self.play)
        line.addWidget(self.slider, 1)
        line.addWidget(self.caption)
        line.addWidget(self.pixels)
        inner.addLayout(line)
        self.empty = EmptyState("grid", EMPTY)
        self.pages = Pages()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(sheets)
        column(self).addWidget(self.pages)

    def show_sheets(self, paths: Sequence[Path], labels: Sequence[str], side: int) -> None:
        """Set the sheets, oldest first; `labels` of their rows, `side` of one picture in px."""
        at_end = self.slider.value() >= len(self._paths) - 1
        other = not self._paths or not paths or paths[0].parent != self._paths[0].parent
        self._paths, self._labels, self._side = list(paths), tuple(labels), side
        self.pages.setCurrentIndex(int(bool(paths)))
        if not paths:
            self._stop()
            self.view.show_sheet(None)
            self._shown = (None, 0.0)
            return
        blocked = self.slider.blockSignals(True)
        self.slider.setRange(0, len(paths) - 1)
        if at_end or other:
            self.slider.setValue(len(paths) - 1)
        self.slider.blockSignals(blocked)
        self.slider.setEnabled(len(paths) > 1)
        self.play.setEnabled(len(paths) > 1)
        self._show()

    @property
    def current(self) -> Path | None:
        return self._paths[self.slider.value()] if self._paths else None

    def _show(self) -> None:
        path = self.current
        if path is None:
            return
        self.caption.setText(f"{int(path.stem):,}" if path.stem.isdigit() else path.stem)
        try:
            key = (path, path.stat().st_mtime)
            if key == self._shown:
                return
            with Image.open(path) as file:
                image = np.asarray(file.convert("RGB"))
        except (OSError, SyntaxError):  # it is gone or incomplete; Pillow raises either
            self.view.show_sheet(None)
            self._shown = (None, 0.0)
            return
        self._shown = key
        side = self._side if 0 < self._side <= min(image.shape[:2]) else min(image.shape[:2])
        self.view.show_sheet(cut(image, self._labels, side))

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    def toggle_play(self) -> None:
        """Play the sheets from the first to the last, or stop."""
        if self.playing or len(self._paths) < 2:
            self._stop()
            return
        if self.slider.value() == self.slider.maximum():
            self.slider.setValue(0)
        self._timer.start()
        self._name_play()

    def _next(self) -> None:
        self.slider.setValue(self.slider.value() + 1)
        if self.slider.value() == self.slider.maximum():
            self._stop()

    def _stop(self) -> None:
        self._timer.stop()
        self._name_play()

    def _name_play(self) -> None:
        text = PAUSE if self.playing else PLAY
        icons.set_icon(self.play, "pause" if self.playing else "play")
        self.play.setToolTip(text)
        self.play.setAccessibleName(text)

    def hideEvent(self, event: object) -> None:
        super().hideEvent(event)  # type: ignore[arg-type]
        self._stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Handle the keys of the sheet: arrows, Home, End and Space."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        last = self.slider.maximum()
        moves = {
            Qt.Key.Key_Left: self.slider.value() - 1,
            Qt.Key.Key_Right: self.slider.value() + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Space:
            self.toggle_play()
        elif key in moves:
            self._stop()
            self.slider.setValue(moves[key])
        else:
            return super().eventFilter(watched, event)
        return True
