# SPDX-License-Identifier: MIT
"""The exploration as one frozen value. Undo, autosave, recipes and exports rely on its equality."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from latent_explorer.explain.directions.direction import Direction
from latent_explorer.explain.recipe import (
    Base,
    Count,
    DirectionShift,
    Edit,
    Noise,
    SeedBase,
    StyleShift,
    attribute_edits,
    canonical_edits,
)
from latent_explorer.explain.timeline.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from latent_explorer.explain.recipe import Slider
    from latent_explorer.models.attributes import Attribute


class ExplorerState(msgspec.Struct, frozen=True):
    """State captured by undo."""

    model_hash: str
    base: Base = SeedBase(0)
    truncation_psi: float = 1.0
    truncation_cutoff: Count | None = None
    truncate_encoded: bool = False  # encoded and projected latents, too
    noise: Noise = Noise()
    cond: tuple[float, ...] | None = None  # condition of the generator; None: that of the base
    edits: tuple[Edit, ...] = ()  # canonical: see explain.recipe.canonical_edits
    classifier_id: str = ""
    target_class: Count = 0
    timelines: tuple[Timeline, ...] = ()


def same_picture(a: ExplorerState, b: ExplorerState) -> bool:
    """Return True if two states stand for one picture: they differ at most in timelines, classifier and class."""
    asked = {"timelines": b.timelines, "classifier_id": b.classifier_id, "target_class": b.target_class}
    return msgspec.structs.replace(a, **asked) == b


def attribute_amount(state: ExplorerState, attribute: Attribute) -> float:
    """Return the position of an attribute's slider, read off its first entry (0 if that coordinate is unedited)."""
    first = attribute.entries[0]
    sign = 1.0 if first.end == "max" else -1.0
    for edit in state.edits:
        if isinstance(edit, StyleShift) and edit.unit == "range" and edit.style_index == first.style_index:
            return sign * edit.amount / first.weight
    return 0.0


def direction_amount(state: ExplorerState, direction: Direction) -> float:
    """Return how many standard deviations the state moves along a direction; 0 without an edit of it."""
    moved = (e.amount for e in state.edits if isinstance(e, DirectionShift) and e.direction == direction)
    return next(moved, 0.0)


def slider_amount(state: ExplorerState, slider: Slider) -> float:
    """Return the position of the slider of an attribute or a direction."""
    return direction_amount(state, slider) if isinstance(slider, Direction) else attribute_amount(state, slider)


def with_attribute(state: ExplorerState, attribute: Attribute, amount: float) -> tuple[Edit, ...]:
    """Return the state's edits with the attribute's slider at `amount`, every other coordinate untouched."""
    indices = {entry.style_index for entry in attribute.entries}
    kept = tuple(
        e for e in state.edits if not (isinstance(e, StyleShift) and e.unit == "range" and e.style_index in indices)
    )
    return canonical_edits(kept + attribute_edits(attribute, amount))


def with_attributes(state: ExplorerState, attributes: Iterable[Attribute], amount: float = 1.0) -> ExplorerState:
    """Return the state with all these sliders at `amount`."""
    for attribute in attributes:
        state = msgspec.structs.replace(state, edits=with_attribute(state, attribute, amount))
    return state
