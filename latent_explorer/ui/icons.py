# SPDX-License-Identifier: MIT
"""The icons in use, by what they mean: Phosphor, drawn by qtawesome in the theme's colours. No other module names a glyph."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject
from PySide6.QtGui import QIcon

from latent_explorer.ui import theme

os.environ.setdefault("QT_API", "pyside6")  # read by qtpy, through which qtawesome finds Qt

if TYPE_CHECKING:
    from qtawesome.iconic_font import IconicFont

GLYPHS = {
    "add": "plus",
    "before_after": "columns",
    "cancel": "x",
    "close": "x",
    "copy": "copy",
    "cpu": "cpu",
    "difference": "circle-half",
    "down": "caret-down",
    "error": "warning-circle",
    "export": "export",
    "favourite": "star",
    "favourite_on": "star-fill",
    "grid": "squares-four",
    "help": "question",
    "image": "image",
    "info": "info",
    "keyboard": "keyboard",
    "left": "caret-left",
    "leaf": "leaf",
    "more": "dots-three",
    "open": "folder-open",
    "paste": "clipboard",
    "picture": "frame-corners",
    "pin": "push-pin",
    "pixels": "dots-nine",
    "plot": "chart-line",
    "record": "film-strip",
    "redo": "arrow-u-up-right",
    "remove": "minus",
    "reset": "arrow-counter-clockwise",
    "right": "caret-right",
    "save": "floppy-disk",
    "search": "magnifying-glass",
    "shuffle": "shuffle",
    "sliders": "sliders-horizontal",
    "swipe": "square-half",
    "undo": "arrow-u-up-left",
    "up": "caret-up",
    "warning": "warning",
    "within": "check-circle",
}


class _HasIcon(Protocol):
    def setIcon(self, icon: QIcon, /) -> None: ...


@cache
def _font() -> IconicFont:
    # Only the one font: qtawesome's own instance registers all eleven, which a start can do without.
    import qtawesome
    from qtawesome.iconic_font import IconicFont

    folder = Path(qtawesome.__file__).parent / "fonts"
    name = next(folder.glob("phosphor*.ttf")).name
    charmap = next(folder.glob("phosphor*charmap*.json")).name
    return IconicFont(("ph", name, charmap))


def icon(name: str, color: str = "ink") -> QIcon:
    """The icon `name` (a key of GLYPHS) in the current theme's `color` (a field of Theme)."""
    now = theme.current()
    made = _font().icon(
        f"ph.{GLYPHS[name]}",
        color=now.color(color),
        color_disabled=now.color("ink", 0.3),
    )
    return QIcon(made)


class _Redraw(QObject):
    """Child of the owner of an icon: draws it again when the theme changes, and dies with the owner."""

    def __init__(self, owner: QObject, name: str, color: str) -> None:
        super().__init__(owner)
        self._name = name
        self._color = color
        theme.notifier.changed.connect(self._draw)
        self._draw()

    def change(self, name: str, color: str) -> None:
        """Another icon, or the same in another colour."""
        self._name, self._color = name, color
        self._draw()

    def _draw(self) -> None:
        owner: _HasIcon = self.parent()  # type: ignore[assignment]
        owner.setIcon(icon(self._name, self._color))


def set_icon(owner: QObject, name: str, color: str = "ink") -> None:
    """Give a button or an action an icon that follows the theme."""
    for known in owner.findChildren(_Redraw):
        known.change(name, color)
        return
    _Redraw(owner, name, color)
