# SPDX-License-Identifier: MIT
"""Spacing and type of the window, and the palettes put over Qt's Fusion style with one small stylesheet.

Widgets that paint themselves call `current()` in `paintEvent`; Qt repaints them when it changes.
The colours are in `common.palette`.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from latent_explorer.common import palette
from latent_explorer.common.palette import Palette
from latent_explorer.ui.style.plain_text import PlainTextStyle
from latent_explorer.ui.style.stylesheet import stylesheet

Mode = Literal["system", "light", "dark"]

UNIT = 8  # px; every distance is a multiple of it, or a half
GAP = UNIT  # between controls that belong together
MARGIN = 2 * UNIT  # around a panel's content
SECTION = 3 * UNIT  # between groups in a panel
CONTROL = 28  # height of buttons, fields and sliders, px
ICON = 18  # px
RADIUS = 6  # of cards and fields, px
BODY = 13  # font sizes, px
SMALL = 12
LARGE = 20
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter  # of text that is painted
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Theme(Palette):
    """Palette that returns QColors."""

    def color(self, name: str, alpha: float = 1.0) -> QColor:
        """Return the colour of a field by name, `alpha` in 0..1."""
        color = QColor(getattr(self, name))
        color.setAlphaF(alpha)
        return color

    def class_color(self, index: int) -> QColor:
        """Return the fill of class `index`. Colours repeat after eight classes: never tell classes by colour alone."""
        return QColor(self.classes[index % len(self.classes)])


LIGHT = Theme(**vars(palette.LIGHT))
DARK = Theme(**vars(palette.DARK))


class _Notifier(QObject):
    """Signal for objects that cache colours (plots, icons)."""

    changed = Signal()


_current = LIGHT
_mode: Mode = "system"
notifier = _Notifier()


def current() -> Theme:
    """Return the theme in use."""
    return _current


def mode() -> Mode:
    """Return the selected mode: a theme, or "system" to follow the desktop."""
    return _mode


def apply(mode: Mode = "system") -> None:
    """Apply a theme to the whole application; can be called again at any time."""
    global _current, _mode
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise RuntimeError("theme.apply needs a QApplication")
    _mode = mode
    _current = _resolve(app, mode)
    app.setStyle(PlainTextStyle(QStyleFactory.create("Fusion")))
    app.setPalette(_palette(_current))
    app.setStyleSheet(stylesheet(_current))
    notifier.changed.emit()


def follow_system(app: QApplication) -> None:
    """Follow the desktop's light and dark while the mode is "system"."""
    app.styleHints().colorSchemeChanged.connect(_on_system_change)


def _on_system_change() -> None:
    if _mode == "system":
        apply("system")


def _resolve(app: QApplication, mode: Mode) -> Theme:
    if mode == "system":
        return DARK if app.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT
    return DARK if mode == "dark" else LIGHT


def _palette(theme: Theme) -> QPalette:
    role = QPalette.ColorRole
    made = QPalette(theme.color("surface"), theme.color("paper"))
    for name, roles in {
        "paper": (role.Window,),
        "surface": (role.Base, role.Button, role.ToolTipBase),
        "sunken": (role.AlternateBase,),
        "ink": (role.WindowText, role.Text, role.ButtonText, role.ToolTipText),
        "muted": (role.PlaceholderText,),
        "accent": (role.Highlight, role.Link, role.Accent),
        "on_accent": (role.HighlightedText,),
        "line": (role.Mid, role.Midlight, role.Dark, role.Light),
    }.items():
        for each in roles:
            made.setColor(each, theme.color(name))
    for each in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, each, theme.color("ink", 0.38))
    return made


def font(size: int = BODY, *, semibold: bool = False) -> QFont:
    """Return the bundled font with tabular figures; `size` in device-independent pixels."""
    made = QFont(QApplication.font())
    made.setPixelSize(size)
    made.setWeight(QFont.Weight.DemiBold if semibold else QFont.Weight.Normal)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made
