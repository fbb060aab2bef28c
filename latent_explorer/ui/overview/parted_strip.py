# SPDX-License-Identifier: MIT
"""Photographs on which two classifiers part, in one row: regressions first, then gains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QListView, QListWidget, QListWidgetItem, QWidget

from latent_explorer.ui.style import theme
from latent_explorer.ui.widgets.basics import column, hint
from latent_explorer.ui.widgets.scaling import scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QKeyEvent

    from latent_explorer.media.report.versions import PartedPicture

SIDE = 8 * theme.UNIT  # px, of a picture
GROUPS = {"regression": "Regression", "gain": "Gain", "other": "Both wrong"}


def words(picture: PartedPicture) -> str:
    """Return a picture in words, for tooltips and screen readers."""
    a, b = picture.p
    return (
        f"{GROUPS[picture.group]}: {picture.name}, labelled {picture.label}. A says {picture.verdicts[0]}, "
        f"B {picture.verdicts[1]}; P({picture.label}) {a:.2f} by A, {b:.2f} by B"
    )


class _Pictures(QListWidget):
    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()  # it opened a photograph: the window must not press its first button as well


class PartedStrip(QWidget):
    """A line of figures and a row of pictures. `described(str)` is the current one, `opened(str)` a name."""

    described = Signal(str)
    opened = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.title = hint("")  # in two lines where the window is narrow: no figure is cut off
        self.pictures = _Pictures()
        self._shown: tuple[PartedPicture, ...] = ()
        view = self.pictures
        view.setAccessibleName("Photographs on which A and B part, regressions first")
        view.setViewMode(QListView.ViewMode.IconMode)
        view.setFlow(QListView.Flow.LeftToRight)
        view.setWrapping(False)
        view.setMovement(QListView.Movement.Static)
        view.setUniformItemSizes(True)
        view.setMouseTracking(True)
        view.setIconSize(QSize(SIDE, SIDE))
        view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setFont(theme.font(theme.SMALL))
        view.setFixedHeight(SIDE + 2 * view.fontMetrics().height() + 4 * theme.UNIT)
        view.setStyleSheet("QListView { background: transparent; border: 0; }")
        view.currentRowChanged.connect(self._describe)
        view.itemEntered.connect(lambda item: self._describe(view.row(item)))
        view.itemActivated.connect(lambda item: self.opened.emit(self._shown[view.row(item)].name))
        layout = column(self, spacing=theme.GAP // 2)
        layout.addWidget(self.title)
        layout.addWidget(view)

    def show_sentence(self, text: str) -> None:
        """Show a sentence in place of pictures: what is under way, or why there are none."""
        self._say(text)
        self._shown = ()
        self.pictures.clear()
        self.pictures.setVisible(False)

    def show_pictures(self, text: str, pictures: Sequence[PartedPicture]) -> None:
        """Show pictures of which the two say different things, in this order."""
        self._say(text)
        if tuple(pictures) == self._shown and self._shown:
            return
        self._shown = tuple(pictures)
        self.pictures.clear()
        ratio = self.devicePixelRatioF()
        for each in self._shown:
            pixmap = QPixmap.fromImage(scaled(each.image, SIDE, ratio, pixels=False))
            a, b = each.p
            item = QListWidgetItem(QIcon(pixmap), f"{GROUPS[each.group]}\n{a:.2f} \N{RIGHTWARDS ARROW} {b:.2f}")
            item.setToolTip(words(each))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, words(each))
            self.pictures.addItem(item)
        self.pictures.setVisible(bool(self._shown))

    def _say(self, text: str) -> None:
        self.title.setText(text)
        self.title.setToolTip(text)

    def _describe(self, row: int) -> None:
        if 0 <= row < len(self._shown):
            self.described.emit(words(self._shown[row]))
