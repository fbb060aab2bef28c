# SPDX-License-Identifier: MIT
"""Colours, spacing and type of the window: two palettes over Qt's Fusion style, one small stylesheet.

Widgets that paint themselves ask `current()` inside `paintEvent` and are repainted by Qt when the palette changes.
No widget is built here (see `widgets/basics.py`), and no other module holds a colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

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


@dataclass(frozen=True)
class Theme:
    """One complete set of colours, as "#rrggbb"."""

    name: Literal["light", "dark"]
    paper: str  # the window
    surface: str  # cards, fields, menus
    sunken: str  # the picture's canvas, grooves
    hover: str  # under the pointer
    line: str  # hairlines and borders
    ink: str  # text
    muted: str  # second-rank text; 4.5:1 on paper and surface
    accent: str
    accent_hover: str
    on_accent: str  # text on accent
    on_picture: str  # marks drawn over a picture
    warning: str  # text and marks of "outside the data"
    danger: str
    classes: tuple[str, ...]  # Okabe-Ito, in the order classes take them

    def color(self, name: str, alpha: float = 1.0) -> QColor:
        """The colour of a field by name, `alpha` in 0..1."""
        color = QColor(getattr(self, name))
        color.setAlphaF(alpha)
        return color

    def class_color(self, index: int) -> QColor:
        """The fill of class `index`; after eight classes the colours repeat, so never tell by colour alone."""
        return QColor(self.classes[index % len(self.classes)])


# M. Okabe and K. Ito, "Color Universal Design", 2008. Blue stands late because the accent is blue.
_OKABE_ITO = ("#D55E00", "#009E73", "#56B4E9", "#E69F00", "#CC79A7", "#0072B2", "#F0E442")

LIGHT = Theme(
    name="light",
    paper="#FAFAF8",
    surface="#FFFFFF",
    sunken="#EFEFEB",
    hover="#E9E9E4",
    line="#DDDDD7",
    ink="#1D1D1F",
    muted="#63636A",
    accent="#2A7DE1",
    accent_hover="#1F6CC9",
    on_accent="#FFFFFF",
    on_picture="#FFFFFF",
    warning="#8A5A00",
    danger="#B3261E",
    classes=(*_OKABE_ITO, "#1D1D1F"),
)
DARK = Theme(
    name="dark",
    paper="#1E1F22",
    surface="#292A2E",
    sunken="#16171A",
    hover="#34353A",
    line="#3A3B41",
    ink="#E8E8EA",
    muted="#A3A4AB",
    accent="#5AA2F5",
    accent_hover="#7AB5F8",
    on_accent="#0B1B2E",
    on_picture="#FFFFFF",
    warning="#F0B54A",
    danger="#FF8A80",
    classes=(*_OKABE_ITO, "#E8E8EA"),
)


class _Notifier(QObject):
    """Tells those that keep colours of their own (plots, icons) that they changed."""

    changed = Signal()


_current = LIGHT
_mode: Mode = "system"
notifier = _Notifier()


def current() -> Theme:
    """The theme in use."""
    return _current


def mode() -> Mode:
    """What the person asked for: a theme, or to follow the system."""
    return _mode


def apply(wanted: Mode = "system") -> None:
    """Dress the whole application; may be called again at any time."""
    global _current, _mode
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise RuntimeError("theme.apply needs a QApplication")
    _mode = wanted
    _current = _resolve(app, wanted)
    app.setStyle(QStyleFactory.create("Fusion"))
    app.setPalette(_palette(_current))
    app.setStyleSheet(stylesheet(_current))
    notifier.changed.emit()


def follow_system(app: QApplication) -> None:
    """Change with the desktop's light and dark as long as the mode is "system"."""
    app.styleHints().colorSchemeChanged.connect(_on_system_change)


def _on_system_change() -> None:
    if _mode == "system":
        apply("system")


def _resolve(app: QApplication, wanted: Mode) -> Theme:
    if wanted == "system":
        return DARK if app.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT
    return DARK if wanted == "dark" else LIGHT


def _palette(theme: Theme) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette(theme.color("surface"), theme.color("paper"))
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
            palette.setColor(each, theme.color(name))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, theme.color("ink", 0.38))
    return palette


def font(size: int = BODY, *, semibold: bool = False) -> QFont:
    """The bundled font with tabular figures; `size` in device-independent pixels."""
    made = QFont(QApplication.font())
    made.setPixelSize(size)
    made.setWeight(QFont.Weight.DemiBold if semibold else QFont.Weight.Normal)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made
