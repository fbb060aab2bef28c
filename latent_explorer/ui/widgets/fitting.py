# SPDX-License-Identifier: MIT
"""Windows that fit on the screen that is there: kept sizes are made smaller, and what then has no room scrolls."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

TITLE_BAR = 32  # px, of a window manager, as long as it has not said


class ShrinkingArea(QScrollArea):
    """Area whose content fills it, and scrolls only where the area is smaller than the content's minimum."""

    height_changed = Signal(int)  # px that are seen

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setWidget(content)

    def minimumSizeHint(self) -> QSize:
        return QSize(1, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.height_changed.emit(self.height())

    def wheelEvent(self, event: QEvent) -> None:
        event.ignore()  # the wheel zooms the picture or scrolls a list, and nothing when it is beside them


def fit_to_screen(window: QWidget) -> None:
    """Make a window no larger than the free part of its screen, and move it there; a maximized one stays so."""
    screen = window.screen() or QGuiApplication.primaryScreen()
    if screen is None or window.windowState() & (Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen):
        return
    room = screen.availableGeometry()
    fitting = fitting_geometry(room, window.geometry(), _frame_above(window))
    if fitting != window.geometry():
        window.setGeometry(fitting)


def fitting_geometry(room: QRect, wanted: QRect, above: int) -> QRect:
    """Return `wanted`, shrunk and moved into `room` below a title bar of `above` px."""
    inner = room.adjusted(0, min(above, room.height() - 1), 0, 0)
    size = wanted.size().boundedTo(inner.size())
    left = max(inner.left(), min(wanted.left(), inner.right() + 1 - size.width()))
    top = max(inner.top(), min(wanted.top(), inner.bottom() + 1 - size.height()))
    return QRect(QPoint(left, top), size)


def _frame_above(window: QWidget) -> int:
    above = window.geometry().top() - window.frameGeometry().top()
    return above or TITLE_BAR
