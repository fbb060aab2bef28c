# SPDX-License-Identifier: MIT
"""Icons by their meaning: Phosphor's drawings in the theme's colours, and the program's own."""

from __future__ import annotations

from functools import cache
from typing import Protocol

from PySide6.QtCore import QByteArray, QObject, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from latent_explorer.common.paths import resource
from latent_explorer.ui.style import theme

GLYPHS = {
    "add": "plus",
    "add_keyframe": "plus-circle",
    "before_after": "columns",
    "brush": "paint-brush",
    "cancel": "x",
    "close": "x",
    "copy": "copy",
    "cpu": "cpu",
    "delete": "trash",
    "difference": "circle-half",
    "dock": "arrow-square-in",
    "animation": "film-strip",
    "down": "caret-down",
    "error": "warning-circle",
    "export": "export",
    "favourite": "star",
    "favourite_on": "star-fill",
    "fit": "arrows-out-line-horizontal",
    "float": "arrow-square-out",
    "grid": "squares-four",
    "help": "question",
    "history": "clock-counter-clockwise",
    "heat": "fire",
    "image": "image",
    "info": "info",
    "keyboard": "keyboard",
    "leaf": "leaf",
    "left": "caret-left",
    "loop": "repeat",
    "make": "magic-wand",
    "note": "note",
    "open": "folder-open",
    "paste": "clipboard",
    "pause": "pause",
    "picture": "frame-corners",
    "pin": "push-pin",
    "ping_pong": "arrows-left-right",
    "pixels": "dots-nine",
    "play": "play",
    "plot": "chart-line",
    "record": "record-fill",
    "redo": "arrow-u-up-right",
    "remove": "minus",
    "reset": "arrow-counter-clockwise",
    "right": "caret-right",
    "save": "floppy-disk",
    "search": "magnifying-glass",
    "shuffle": "shuffle",
    "sliders": "sliders-horizontal",
    "stop": "stop",
    "study": "users",
    "swipe": "square-half",
    "training": "graduation-cap",
    "undo": "arrow-u-up-left",
    "up": "caret-up",
    "warning": "warning",
    "within": "check-circle",
}

DISABLED_ALPHA = 0.3  # alpha of a disabled icon
PROGRAM = "icons/latent-explorer.svg"
PROGRAM_SIZES = (16, 20, 24, 32, 48, 64, 96, 128, 256)  # px; a window manager takes what it needs


class _HasIcon(Protocol):
    def setIcon(self, icon: QIcon, /) -> None: ...


@cache
def _renderer(name: str, color: str) -> QSvgRenderer:
    drawing = resource(f"icons/phosphor/{GLYPHS[name]}.svg").read_text(encoding="utf-8")
    return QSvgRenderer(QByteArray(drawing.replace("currentColor", color).encode()))


class _SvgIconEngine(QIconEngine):
    """Icon engine that draws at the requested size and resolution, so that icons are crisp on every screen."""

    def __init__(self, name: str, color: str) -> None:
        super().__init__()
        self._name, self._color = name, color

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:  # noqa: ARG002
        painter.save()
        if mode == QIcon.Mode.Disabled:
            painter.setOpacity(DISABLED_ALPHA)
        side = min(rect.width(), rect.height())
        box = QRectF(0, 0, side, side)
        box.moveCenter(QRectF(rect).center())
        _renderer(self._name, self._color).render(painter, box)
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return made

    def clone(self) -> QIconEngine:
        return _SvgIconEngine(self._name, self._color)


def icon(name: str, color: str = "ink") -> QIcon:
    """Return the icon `name` (a key of GLYPHS) in the current theme's `color` (a field of Theme)."""
    return QIcon(_SvgIconEngine(name, theme.current().color(color).name()))


@cache
def program_icon() -> QIcon:
    """Return the program's icon, for windows and for "About"; its colours are the same in every theme."""
    renderer, made = QSvgRenderer(str(resource(PROGRAM))), QIcon()
    for side in PROGRAM_SIZES:
        picture = QPixmap(side, side)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        renderer.render(painter, QRectF(0, 0, side, side))
        painter.end()
        made.addPixmap(picture)
    return made


class _IconUpdater(QObject):
    """Child of an icon's owner that draws the icon again when the theme changes."""

    def __init__(self, owner: QObject, name: str, color: str) -> None:
        super().__init__(owner)
        self._name = name
        self._color = color
        theme.notifier.changed.connect(self._draw)
        self._draw()

    def change(self, name: str, color: str) -> None:
        self._name, self._color = name, color
        self._draw()

    def _draw(self) -> None:
        owner: _HasIcon = self.parent()  # type: ignore[assignment]
        owner.setIcon(icon(self._name, self._color))


def set_icon(owner: QObject, name: str, color: str = "ink") -> None:
    """Give a button or an action an icon that follows the theme."""
    for known in owner.findChildren(_IconUpdater):
        known.change(name, color)
        return
    _IconUpdater(owner, name, color)
