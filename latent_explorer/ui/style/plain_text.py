# SPDX-License-Identifier: MIT
"""Plain text everywhere: names come from files, and Qt would load whatever an `<img>` among them points to."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QProxyStyle


class PlainTextStyle(QProxyStyle):
    """Style in which a label shows its text as it is.

    Tooltips, message boxes and input dialogs are made of labels too. Left to itself, Qt guesses from the text.
    """

    def polish(self, thing: Any) -> Any:
        super().polish(thing)
        if isinstance(thing, QLabel) and thing.textFormat() == Qt.TextFormat.AutoText:
            thing.setTextFormat(Qt.TextFormat.PlainText)
            if thing.windowType() == Qt.WindowType.ToolTip:
                thing.setMaximumWidth(thing.screen().availableGeometry().width())
