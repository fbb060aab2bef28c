# SPDX-License-Identifier: MIT
"""Report on Qt for `doctor`, which runs it in a child process."""

from __future__ import annotations

import json

from PySide6.QtCore import qVersion
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QImage, QPainter

from latent_explorer.common.paths import resource


def probe() -> str:
    """Return a line of JSON: Qt's version and platform, the bundled font, and whether it renders letters."""
    app = QGuiApplication.instance() or QGuiApplication([])
    number = QFontDatabase.addApplicationFont(str(resource("fonts/Inter-Regular.otf")))
    families = QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
    # Without a usable font every letter is the same empty box.
    font_ok = bool(families) and _drawn("W", families[0]) != _drawn("i", families[0])
    answer = {
        "qt": qVersion(),
        "platform": QGuiApplication.platformName(),
        "font": families[0] if families else "the bundled font cannot be read",
        "font_ok": font_ok,
    }
    del app
    return json.dumps(answer)


def _drawn(letter: str, family: str) -> bytes:
    image = QImage(32, 32, QImage.Format.Format_Grayscale8)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.setFont(QFont(family, 16))
    painter.drawText(4, 24, letter)
    painter.end()
    return bytes(image.constBits())
