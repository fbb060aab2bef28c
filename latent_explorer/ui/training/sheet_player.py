# SPDX-License-Identifier: MIT
"""Sheets of pictures through time: a slider, arrow keys and a play button turn them.

Files are read when they are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.training.sheet_view import SheetView, cut
from latent_explorer.ui.widgets.basics import EmptyState, column, hint, icon_button, row
from latent_explorer.ui.widgets.slider_track import SliderTrack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PLAY_MS = 350  # a sheet
EMPTY = "The first sheet of pictures comes after a few thousand images."
PLAY, PAUSE = "Play the sheets (Space)", "Stop playing (Space)"


class SheetPlayer(QWidget):
    """The newest sheet follows the training until the person turns back."""

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
        self.words = hint("", wrap=False)
        self.words.setMinimumWidth(7 * theme.UNIT)
        self.words.setToolTip("Images seen when the sheet was made")
        self.play = icon_button("play", PLAY, self.toggle_play)
        self.pixels = icon_button("pixels", "Whole pixels instead of smooth", checkable=True)
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
        line.addWidget(self.words)
        line.addWidget(self.pixels)
        inner.addLayout(line)
        self.empty = EmptyState("grid", EMPTY)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(sheets)
        column(self).addWidget(self.pages)

    def show_sheets(self, paths: Sequence[Path], labels: Sequence[str], side: int) -> None:
        """Sheets in the order of time; `labels` name their rows, `side` px is one picture's."""
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
        """The sheet on the screen."""
        return self._paths[self.slider.value()] if self._paths else None

    def _show(self) -> None:
        path = self.current
        if path is None:
            return
        self.words.setText(f"{int(path.stem):,}" if path.stem.isdigit() else path.stem)
        try:
            key = (path, path.stat().st_mtime)
            if key == self._shown:
                return
            with Image.open(path) as file:
                image = np.asarray(file.convert("RGB"))
        except (OSError, SyntaxError):  # it vanished, or is not whole; Pillow says either
            self.view.show_sheet(None)
            self._shown = (None, 0.0)
            return
        self._shown = key
        side = self._side if 0 < self._side <= min(image.shape[:2]) else min(image.shape[:2])
        self.view.show_sheet(cut(image, self._labels, side))

    # turning ----------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether the sheets turn by themselves."""
        return self._timer.isActive()

    def toggle_play(self) -> None:
        """Turn the sheets from the first to the last, or stop."""
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
        words = PAUSE if self.playing else PLAY
        icons.set_icon(self.play, "pause" if self.playing else "play")
        self.play.setToolTip(words)
        self.play.setAccessibleName(words)

    def hideEvent(self, event: object) -> None:
        super().hideEvent(event)  # type: ignore[arg-type]
        self._stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Of the sheet: its keys, and a click that gives it the focus."""
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
