# SPDX-License-Identifier: MIT
"""Bar with one message at the lower edge of the canvas, and the list of earlier messages.

It overlays the pictures, so that a message never moves them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from latent_explorer.ui.style import icons, theme
from latent_explorer.ui.widgets.basics import button, icon_button, plain, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QPaintEvent

Severity = Literal["info", "warning", "error"]
COLORS = {"info": "accent", "warning": "warning", "error": "danger"}
SHOWN_SECONDS = {"info": 8, "warning": 0, "error": 0}  # 0: until closed
MAX_HISTORY = 100
NO_ACTION = "What to do about the notice"


class NoticeBar(QFrame):
    """Message bar over a widget; hidden while there is no message."""

    def __init__(self, over: QWidget) -> None:
        """Overlay the widget `over` as a child of its parent."""
        super().__init__(over.parentWidget())
        self._over = over
        over.installEventFilter(self)
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
        self, text: str, severity: Severity = "info", *, action: str = "", on_action: Callable[[], object] | None = None
    ) -> None:
        """Show a sentence, with a button if `action` is given, and add it to the list."""
        self.history.append((severity, text))
        self._severity, self._action = severity, on_action
        self.text.setText(text)
        self.text.setAccessibleDescription(text)
        self.button.setText(action)
        self.button.setAccessibleName(action or NO_ACTION)
        self.button.setVisible(bool(action))
        self._draw()
        self._place()
        self.show()
        self.raise_()
        self._timer.stop()
        if SHOWN_SECONDS[severity] and not action:
            self._timer.start(1000 * SHOWN_SECONDS[severity])

    def clear_message(self, text: str) -> None:
        """Hide a message that no longer applies, if it is still shown."""
        if self.text.text() == text:
            self.hide()

    def _place(self) -> None:
        """Move to the lower edge of the widget, as tall as the sentence needs."""
        under = self._over.geometry().adjusted(theme.MARGIN, 0, -theme.MARGIN, 0)
        height = max(self.heightForWidth(under.width()), self.minimumSizeHint().height())
        self.setGeometry(under.left(), under.bottom() + 1 - height, under.width(), height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move) and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)

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
