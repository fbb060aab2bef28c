# SPDX-License-Identifier: MIT
"""Finding style coordinates by what a person types: "214", "b16.conv1 30", "64 px". Pure; no widget."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latent_explorer.models.architecture import StyleLayer, StyleLayout

_RESOLUTION = re.compile(r"\b(\d+)\s*px\b")
_LAYER = re.compile(r"\b(b\d+(?:\.\w*)?|conv\d)", re.ASCII)
_WORDS = re.compile(r"\b(style|channel|layer|number|no)\b")
_NUMBER = re.compile(r"\d+")


def find_styles(layout: StyleLayout, text: str, layer: str = "") -> list[int]:
    """The style indices that `text` means, within one layer when its name is given; all for an empty text.

    A number alone is a style index; beside a layer or a resolution ("b16.conv1 30", "64 px 3") it is a
    channel, and so it is where "channel" is said. An empty list means that nothing fits.
    """
    rest = " ".join(text.lower().replace(",", " ").split())
    wants_channel = "channel" in rest or bool(layer)
    rest = _WORDS.sub(" ", rest)
    sizes = {int(found) for found in _RESOLUTION.findall(rest)}
    rest = _RESOLUTION.sub(" ", rest)
    names = _LAYER.findall(rest)
    rest = _LAYER.sub(" ", rest)
    numbers = [int(found) for found in _NUMBER.findall(rest)]
    if _NUMBER.sub(" ", rest).strip() or len(numbers) > 1:
        return []
    layers = [
        (start, each)
        for start, each in zip(layout.starts, layout.conv_layers, strict=True)
        if _fits(each, sizes, names) and layer in ("", each.name)
    ]
    if not numbers:
        return [start + channel for start, each in layers for channel in range(each.channels)]
    number = numbers[0]
    if sizes or names or wants_channel:
        return [start + number for start, each in layers if number < each.channels]
    return [number] if number < layout.num_styles else []


def _fits(layer: StyleLayer, sizes: set[int], names: list[str]) -> bool:
    """Whether a layer is meant; a name with a dot may still be being typed ("b16.co")."""
    if sizes and layer.resolution not in sizes:
        return False
    parts = layer.name.split(".")
    return all(layer.name.startswith(n) if "." in n else n in parts for n in names)
