# SPDX-License-Identifier: MIT
"""Bar with one message, and the list of earlier messages.

It has a place of its own in the window, so that it covers no picture; `height_changed` says how much room it takes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy

from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import button, icon_button, plain, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QHideEvent, QPaintEvent, QResizeEvent, QShowEvent

Severity = Literal["info", "warning", "error"]
COLORS = {"info": "accent", "warning": "warning", "error": "danger"}
SHOWN_SECONDS = {"info": 8, "warning": 0, "error": 0}  # 0: until closed
MAX_HISTORY = 100
NO_ACTION = "What to do about the notice"


class NoticeBar(QFrame):
    """Message bar, hidden while there is no message."""

    height_changed = Signal(int)  # px that it takes; 0 while it is hidden

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Notices")
        self.history: deque[tuple[str, str]] = deque(maxlen=MAX_HISTORY)  # (severity, text), oldest first
        self._severity: Severity = "info"
        self._action: Callable[[], object] | None = None
        self._icon = QLabel()
        self.text = plain("")
        self.text.setWordWrap(True)
        self.text.setAccessibleName("Notice")
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = button("", self._act, role="quiet")
        self.button.setAccessibleName(NO_ACTION)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.hide)
        layout = row(self)
        layout.setContentsMargins(theme.MARGIN, 2, theme.UNIT // 2, 2)
        layout.addWidget(self._icon, alignment=Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.button)
        layout.addWidget(icon_button("close", "Close this notice", self.hide))
        theme.notifier.changed.connect(self._draw)
        self.hide()

    def show_message(
        self,
        text: str,
        severity: Severity = "info",
        *,
        action: str = "",
        on_action: Callable[[], object] | None = None,
        passing: bool = False,
    ) -> None:
        """Show a sentence and add it to the list.

        With an `action` it has a button and waits for an answer, unless it is `passing`.
        """
        self.history.append((severity, text))
        self._severity, self._action = severity, on_action
        self.text.setText(text)
        self.text.setAccessibleDescription(text)
        self.button.setText(action)
        self.button.setAccessibleName(action or NO_ACTION)
        self.button.setVisible(bool(action))
        self._draw()
        self.show()
        self._timer.stop()
        if SHOWN_SECONDS[severity] and (passing or not action):
            self._timer.start(1000 * SHOWN_SECONDS[severity])

    def clear_message(self, text: str) -> None:
        """Hide a message that no longer applies, if it is still shown."""
        if self.text.text() == text:
            self.hide()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.height_changed.emit(self.height())

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.height_changed.emit(0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self.isHidden():
            self.height_changed.emit(self.height())

    def _act(self) -> None:
        self.hide()
        if self._action is not None:
            self._action()

    def _draw(self) -> None:
        side = QSize(theme.ICON, theme.ICON)
        color = COLORS[self._severity]
        self._icon.setPixmap(icons.icon(self._severity, color).pixmap(side))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        """Paint a tint of the severity's colour and a bar of it at the left."""
        painter = QPainter(self)
        now = theme.current()
        painter.fillRect(self.rect(), now.color("surface"))
        painter.fillRect(self.rect(), now.color(COLORS[self._severity], 0.12))
        painter.setPen(QPen(now.color(COLORS[self._severity], 0.4), 1))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.fillRect(QRectF(0, 0, 3, self.height()), now.color(COLORS[self._severity]))
