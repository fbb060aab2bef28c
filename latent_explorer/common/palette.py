# SPDX-License-Identifier: MIT
"""The colours of the window, of exported pictures and of HTML pages: a light and a dark palette."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

from latent_explorer.common.paths import resource

# M. Okabe and K. Ito, "Color Universal Design", 2008: distinguishable to colour-blind readers. Blue comes late
# because the accent is blue.
_OKABE_ITO = ("#D55E00", "#009E73", "#56B4E9", "#E69F00", "#CC79A7", "#0072B2", "#F0E442")


@dataclass(frozen=True)
class Palette:
    """Complete set of colours, as "#rrggbb"."""

    name: Literal["light", "dark"]
    paper: str  # windows and pages
    surface: str  # cards, fields, menus
    sunken: str  # the picture's canvas, grooves
    hover: str  # under the pointer
    line: str  # hairlines and borders
    ink: str  # text
    muted: str  # secondary text; 4.5:1 on paper and surface
    disabled: str  # text of disabled controls
    scroll: str  # handles of scroll bars
    accent: str
    accent_hover: str
    on_accent: str  # text on accent
    on_picture: str  # marks drawn over a picture
    warning: str  # text and marks of "outside the data"
    danger: str
    classes: tuple[str, ...]  # by the index of the class, repeating


LIGHT = Palette(
    name="light",
    paper="#FAFAF8",
    surface="#FFFFFF",
    sunken="#EFEFEB",
    hover="#E9E9E4",
    line="#DDDDD7",
    ink="#1D1D1F",
    muted="#63636A",
    disabled="#A9A9AD",
    scroll="#C9C9C3",
    accent="#2A7DE1",
    accent_hover="#1F6CC9",
    on_accent="#FFFFFF",
    on_picture="#FFFFFF",
    warning="#8A5A00",
    danger="#B3261E",
    classes=(*_OKABE_ITO, "#1D1D1F"),
)
# Exported pictures and studies: a study is identified by the bytes of its pictures, so these two greys never change.
PRINT = replace(LIGHT, line="#DADAD6", muted="#6B6B70")
DARK = Palette(
    name="dark",
    paper="#1E1F22",
    surface="#292A2E",
    sunken="#16171A",
    hover="#34353A",
    line="#3A3B41",
    ink="#E8E8EA",
    muted="#A3A4AB",
    disabled="#6A6B71",
    scroll="#4A4B52",
    accent="#5AA2F5",
    accent_hover="#7AB5F8",
    on_accent="#0B1B2E",
    on_picture="#FFFFFF",
    warning="#F0B54A",
    danger="#FF8A80",
    classes=(*_OKABE_ITO, "#E8E8EA"),
)


def page_style(name: str) -> str:
    """Return the style sheet of an HTML page: both palettes as CSS variables, then the resource `name`.

    The variables are called after the fields of `Palette`, such as `--on-accent`.
    """
    dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}"
    rules = resource(name).read_text(encoding="utf-8").strip()
    return f":root {{ color-scheme: light dark; {_variables(LIGHT)} }}\n{dark}\n{rules}"


def _variables(palette: Palette) -> str:
    values = {field.name: getattr(palette, field.name) for field in fields(palette)}
    colors = {name: value for name, value in values.items() if name not in ("name", "classes")}
    return " ".join(f"--{name.replace('_', '-')}: {value};" for name, value in colors.items())
