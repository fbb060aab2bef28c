# SPDX-License-Identifier: MIT
"""One sentence on what turns the verdict of a picture, to be copied. It says what was rendered, not why."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.exploration.updates import TurningSet
    from latent_explorer.explain.recipe import Picture


def explanation(
    picture: Picture,
    sets: Sequence[TurningSet],
    target: int,
    class_names: Sequence[str],
    set_names: Sequence[Sequence[str]],
    *,
    classifier: str,
    edited: bool,
) -> str:
    """Return the sentence.

    picture    that on the canvas
    sets       what turns it, at least one
    target     class that it is turned to
    set_names  the names of the attributes of each set
    edited     the picture has other edits already
    """
    before = picture.verdict
    which = "this picture as it is edited" if edited else "this picture"
    said = f"The classifier {classifier} says {class_names[before]} ({picture.probs[before]:.2f}) of {which}"
    ways = [
        f"{_joined(names, 'and')} ({each.picture.probs[target]:.2f})"
        for each, names in zip(sets, set_names, strict=True)
    ]
    others = f"; so does {_joined(ways[1:], 'or')}" if len(ways) > 1 else ""
    return f"{said}; taking {ways[0]} to the end of what the data shows turns that to {class_names[target]}{others}."


def _joined(words: Sequence[str], last: str) -> str:
    """Return the words in a row: "a, b and c"."""
    *first, end = words
    return f"{', '.join(first)} {last} {end}" if first else end
