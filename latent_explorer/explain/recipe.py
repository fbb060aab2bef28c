# SPDX-License-Identifier: MIT
"""What determines a picture, and what a rendered picture carries. Values only: no torch, no Qt.

Order of effects: base latent, truncation, W directions, affines, style shifts, synthesis with the noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from latent_explorer.models.attributes import Attribute, End

Unit = Literal["range", "sigma"]
Space = Literal["z", "z-slerp", "w", "w+", "style"]


class SeedBase(msgspec.Struct, frozen=True, tag="seed"):
    """z drawn by a CPU generator seeded with `seed` (the same on every device)."""

    seed: int


class SampleBase(msgspec.Struct, frozen=True, tag="sample"):
    """The encoded picture number `index` of the explainer file."""

    index: int


class ProjectedBase(msgspec.Struct, frozen=True, tag="projected"):
    """A projected picture, stored in the exploration under `latent_id`."""

    latent_id: str


class BlendEndBase(msgspec.Struct, frozen=True, tag="end"):
    """A latent with a truncation and a told cond of its own: an end of a blend whose other end differs in them.

    `cond` None: the base's own. What the recipe says applies after the blend, so it then truncates nothing.
    """

    base: Base
    truncation_psi: float = 1.0
    truncation_cutoff: int | None = None
    cond: tuple[float, ...] | None = None


class BlendBase(msgspec.Struct, frozen=True, tag="blend"):
    """`amount` (0..1) of the way from `a` to `b`, cond included; 0 is `a` and 1 is `b`, bit for bit.

    "z" (straight) and "z-slerp" (on the sphere) blend what the mapping network takes, so both ends must come from
    seeds. "w" and "w+" blend ws row by row, "style" the styles. Affines are linear: the last three differ only by
    rounding, except where an end is a point of style space that no ws reaches.
    """

    a: Base
    b: Base
    amount: float
    space: Space = "w+"


class MixBase(msgspec.Struct, frozen=True, tag="mix"):
    """Style mixing: `base` with the rows `first` to `last` (both included) of ws taken from `other`."""

    base: Base
    other: Base
    first: int
    last: int


Base = SeedBase | SampleBase | ProjectedBase | BlendEndBase | BlendBase | MixBase


def parts(base: Base) -> tuple[Base, ...]:
    """The latents that a base is made of; empty for one that stands for itself."""
    if isinstance(base, BlendEndBase):
        return (base.base,)
    if isinstance(base, BlendBase):
        return (base.a, base.b)
    if isinstance(base, MixBase):
        return (base.base, base.other)
    return ()


def leaves(base: Base) -> tuple[Base, ...]:
    """The seeds, samples and projected pictures in a base."""
    within = parts(base)
    return tuple(leaf for part in within for leaf in leaves(part)) if within else (base,)


def depth(base: Base) -> int:
    """How deep a base is nested: 0 for one that stands for itself."""
    level, count = parts(base), 0
    while level:  # without recursion: a file may claim any depth
        level, count = tuple(part for b in level for part in parts(b)), count + 1
    return count


def is_generated(base: Base) -> bool:
    """Whether a base comes from seeds alone, so that truncation belongs to it."""
    return all(isinstance(leaf, SeedBase) for leaf in leaves(base))


class Noise(msgspec.Struct, frozen=True):
    """Noise is a value: the stored constant maps, none, maps drawn from `seed`, the optimised `maps_id`, or a blend.

    A blend lies `amount` (0..1) of the way from `a` to `b`; every map keeps the spread that its ends have.
    """

    kind: Literal["const", "none", "seed", "maps", "blend"] = "const"
    seed: int = 0
    maps_id: str = ""
    a: Noise | None = None
    b: Noise | None = None
    amount: float = 0.0


class StyleShift(msgspec.Struct, frozen=True, tag="style"):
    """Move one style coordinate.

    Unit `range`: `amount` of the way from this picture's own unedited value to the observed `end`
    (1 = kappa 1; negative = towards the other end; over 1 = outside the data).
    Unit `sigma`: `amount` standard deviations towards `end`.
    """

    style_index: int
    end: End
    amount: float
    unit: Unit = "range"


class DirectionShift(msgspec.Struct, frozen=True, tag="direction"):
    """Add `amount` times a stored direction (in W or in style space)."""

    direction_id: str
    amount: float


Edit = StyleShift | DirectionShift


def attribute_edits(attribute: Attribute, amount: float = 1.0) -> tuple[StyleShift, ...]:
    """The edits of an attribute's slider at `amount`; 1 is the whole way to the observed end."""
    return tuple(StyleShift(e.style_index, e.end, amount * e.weight) for e in attribute.entries)


def place_of(edit: Edit) -> tuple[object, ...]:
    """What an edit acts on, whatever its end and amount."""
    if isinstance(edit, StyleShift):
        return (edit.style_index, edit.unit)
    return (edit.direction_id,)


class PictureRecipe(msgspec.Struct, frozen=True):
    """Everything that determines one picture of a given model. Equal recipes give equal pictures, bit for bit."""

    base: Base
    truncation_psi: float = 1.0
    truncation_cutoff: int | None = None  # rows of ws from 0 that are truncated; None: all
    noise: Noise = Noise()
    cond: tuple[float, ...] | None = None  # None: the base's own
    edits: tuple[Edit, ...] = ()


def canonical_edits(edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """One edit a coordinate and unit, towards "max", no zeros, sorted: so that equal meaning is equal value.

    "Half-way to the minimum" and "minus half-way to the maximum" are the same edit (StyleShift says why).
    """
    styles: dict[tuple[int, Unit], float] = {}
    directions: dict[str, float] = {}
    for edit in edits:
        if isinstance(edit, StyleShift):
            sign = 1.0 if edit.end == "max" else -1.0
            key = (edit.style_index, edit.unit)
            styles[key] = styles.get(key, 0.0) + sign * edit.amount
        else:
            directions[edit.direction_id] = directions.get(edit.direction_id, 0.0) + edit.amount
    out: list[Edit] = [DirectionShift(name, a) for name, a in sorted(directions.items()) if a != 0]
    out += [StyleShift(j, "max", a, unit) for (j, unit), a in sorted(styles.items()) if a != 0]
    return tuple(out)


class PictureRequest(msgspec.Struct, frozen=True):
    """A recipe and the classifier that is asked about it."""

    recipe: PictureRecipe
    classifier_id: str


@dataclass(frozen=True)
class Picture:
    """A rendered picture and what the classifier says of it; they never travel apart."""

    image: np.ndarray  # (H, W, 3) uint8
    logits: np.ndarray  # (K,) float32
    probs: np.ndarray  # (K,) float32


@dataclass(frozen=True)
class RenderResult:
    """What comes back for a request: the edited picture, the same without edits, and its style values."""

    after: Picture
    before: Picture
    styles: np.ndarray  # (num_styles,) unedited style values of this picture
    w_distance: float  # RMS distance of the unedited ws from w_avg, in units of w's standard deviation
    seconds: float
    generation: int = 0
