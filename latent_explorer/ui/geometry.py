# SPDX-License-Identifier: MIT
"""Where the window stands on the screen, kept between starts. No widgets here."""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray
from PySide6.QtGui import QGuiApplication

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow, QSplitter

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.settings import Settings


def restore(window: QMainWindow, splitter: QSplitter, kept: Settings) -> None:
    """Put the window and the columns in it where they stood last time."""
    window.resize(window.sizeHint())
    with contextlib.suppress(ValueError):
        window.restoreGeometry(QByteArray(base64.b64decode(kept.window_geometry)))
        splitter.restoreState(QByteArray(base64.b64decode(kept.window_state)))


def save(window: QMainWindow, splitter: QSplitter, explorer: Explorer) -> None:
    """Remember it."""
    explorer.change_settings(window_geometry=_text(window.saveGeometry()), window_state=_text(splitter.saveState()))


def present(window: QMainWindow, kept: Settings) -> None:
    """Show the window; the first time it fills a screen that is too small for it."""
    room = QGuiApplication.primaryScreen().availableSize()
    small = room.width() <= window.width() or room.height() <= window.height()
    if small and not kept.window_geometry:
        window.showMaximized()
    else:
        window.show()


def _text(data: QByteArray) -> str:
    return base64.b64encode(bytes(data.data())).decode()
