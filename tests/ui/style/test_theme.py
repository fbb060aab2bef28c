# SPDX-License-Identifier: MIT
"""Readable colours, letters instead of boxes, existing icons."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QFontDatabase, QFontInfo, QFontMetricsF
from PySide6.QtWidgets import QApplication, QLabel
from window_tools import colours_in

from latent_explorer.ui.application import FAMILY, make_application
from latent_explorer.ui.style import icons, theme

THEMES = pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])


def luminance(colour: str) -> float:
    """Return the relative luminance, WCAG 2.2."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(v) for v in QColor(colour).getRgbF()[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio, WCAG 2.2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@THEMES
@pytest.mark.parametrize("text", ["ink", "muted", "warning", "danger"])
@pytest.mark.parametrize("ground", ["paper", "surface"])
def test_text_can_be_read(colours, text, ground):
    assert contrast(getattr(colours, text), getattr(colours, ground)) >= 4.5


@THEMES
def test_controls_stand_out(colours):
    assert contrast(colours.accent, colours.paper) >= 3
    assert contrast(colours.on_accent, colours.accent) >= 3
    assert len(set(colours.classes)) == 8


def test_colours_of_classes_repeat_after_eight():
    assert theme.LIGHT.class_color(0) == theme.LIGHT.class_color(8)


def test_label_shows_letters_not_boxes(qtbot):
    make_application()
    shown = {}
    for letter in "WiÄµ0":
        label = QLabel(letter)
        qtbot.addWidget(label)
        label.setFont(theme.font(40))
        label.resize(60, 60)
        shown[letter] = label.grab().toImage()
        assert colours_in(label) > 1
    assert all(shown[a] != shown[b] for a in shown for b in shown if a < b)
    assert QFontInfo(theme.font()).family().startswith(FAMILY)
    assert QFontInfo(QApplication.font()).family().startswith(FAMILY)


def test_semibold_is_a_face_of_its_own(qtbot):
    make_application()
    assert any(name.startswith("Inter") for name in QFontDatabase.families())
    plain, strong = theme.font(40), theme.font(40, semibold=True)
    text = "Attributes"
    assert QFontMetricsF(strong).horizontalAdvance(text) > QFontMetricsF(plain).horizontalAdvance(text)


def test_figures_are_of_one_width(qtbot):
    make_application()
    metrics = QFontMetricsF(theme.font(40))
    assert metrics.horizontalAdvance("1111") == metrics.horizontalAdvance("0000")


@pytest.mark.parametrize("name", sorted(icons.GLYPHS))
def test_icon_is_drawn_in_the_theme_s_colour(qtbot, name):
    make_application()
    theme.apply("dark")
    image = icons.icon(name, "accent").pixmap(QSize(36, 36)).toImage()
    opaque = {
        image.pixelColor(x, y).name()
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() == 255
    }
    assert theme.DARK.accent.lower() in opaque
    theme.apply("light")


def test_icons_follow_the_theme(qtbot):
    make_application()
    theme.apply("light")
    from latent_explorer.ui.widgets.basics import icon_button

    made = icon_button("pin", "Pin")
    qtbot.addWidget(made)
    light = made.icon().pixmap(QSize(32, 32)).toImage()
    theme.apply("dark")
    assert made.icon().pixmap(QSize(32, 32)).toImage() != light
    theme.apply("light")


def test_system_mode_takes_one_of_the_two(qtbot):
    make_application()
    theme.apply("system")
    assert theme.mode() == "system"
    assert theme.current() in (theme.LIGHT, theme.DARK)
    theme.apply("light")
