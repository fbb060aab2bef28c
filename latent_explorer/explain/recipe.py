# SPDX-License-Identifier: MIT
"""Recipes, which determine pictures, and rendered pictures. Values only: no torch, no Qt.

Order of effects: base latent, truncation, W directions, affines, style shifts, synthesis with the noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np

from latent_explorer.explain.directions.direction import Direction
from latent_explorer.models.attributes import Attribute, End, OwnEnds

Unit = Literal["range", "sigma"]
Space = Literal["z", "z-slerp", "w", "w+", "style"]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]  # as torch and numpy hold whole numbers


class SeedBase(msgspec.Struct, frozen=True, tag="seed"):
    """Latent z drawn by a CPU generator seeded with `seed`, the same on every device."""

    seed: Count


class SampleBase(msgspec.Struct, frozen=True, tag="sample"):
    """Encoded picture number `index` of the explainer file."""

    index: Count


class ProjectedBase(msgspec.Struct, frozen=True, tag="projected"):
    """Projected picture, stored in the exploration under `latent_id`."""

    latent_id: str


class BlendEndBase(msgspec.Struct, frozen=True, tag="end"):
    """Latent with its own truncation and cond: an end of a blend whose other end differs in them.

    `cond` None: the base's own. The recipe's truncation applies after the blend and is then off (psi 1).
    """

    base: Base
    truncation_psi: float = 1.0
    truncation_cutoff: Count | None = None
    cond: tuple[float, ...] | None = None


class BlendBase(msgspec.Struct, frozen=True, tag="blend"):
    """Blend of `a` and `b`, cond included, at `amount` (0..1); 0 is `a` and 1 is `b`, bit for bit.

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
    first: Count
    last: Count


Base = SeedBase | SampleBase | ProjectedBase | BlendEndBase | BlendBase | MixBase


def parts(base: Base) -> tuple[Base, ...]:
    """Return the bases that a base is made of; empty for a simple one."""
    if isinstance(base, BlendEndBase):
        return (base.base,)
    if isinstance(base, BlendBase):
        return (base.a, base.b)
    if isinstance(base, MixBase):
        return (base.base, base.other)
    return ()


def leaves(base: Base) -> tuple[Base, ...]:
    """Return the seeds, samples and projected pictures in a base."""
    within = parts(base)
    return tuple(leaf for part in within for leaf in leaves(part)) if within else (base,)


def depth(base: Base) -> int:
    """Return how deep a base is nested: 0 for a simple one."""
    level, count = parts(base), 0
    while level:  # without recursion: a file may claim any depth
        level, count = tuple(part for b in level for part in parts(b)), count + 1
    return count


def is_generated(base: Base) -> bool:
    """Return True if a base comes from seeds alone, which truncation is for."""
    return all(isinstance(leaf, SeedBase) for leaf in leaves(base))


class Noise(msgspec.Struct, frozen=True):
    """Noise maps: the stored constant ones, none, drawn from `seed`, the optimised `maps_id`, or a blend.

    A blend lies `amount` (0..1) of the way from `a` to `b`; every map keeps the spread that its ends have.
    """

    kind: Literal["const", "none", "seed", "maps", "blend"] = "const"
    seed: Count = 0
    maps_id: str = ""
    a: Noise | None = None
    b: Noise | None = None
    amount: float = 0.0


class StyleShift(msgspec.Struct, frozen=True, tag="style"):
    """Move one style coordinate.

    Unit `range`: `amount` of the way from this picture's own unedited value to the observed `end`
    (1 = kappa 1; negative = towards the other end; over 1 = outside the data), or to one of its own `ends`.
    Unit `sigma`: `amount` standard deviations towards `end`.
    """

    style_index: Count
    end: End
    amount: float
    unit: Unit = "range"
    ends: OwnEnds = msgspec.UNSET  # of a coordinate of toRGB always, since none is observed


class DirectionShift(msgspec.Struct, frozen=True, tag="direction"):
    """Move ws by `amount` standard deviations along a direction."""

    direction: Direction
    amount: float


Edit = StyleShift | DirectionShift


def attribute_edits(attribute: Attribute, amount: float = 1.0) -> tuple[StyleShift, ...]:
    """Return the edits of an attribute's slider at `amount`; 1 is the whole way to the observed end."""
    return tuple(StyleShift(e.style_index, e.end, amount * e.weight, ends=e.ends) for e in attribute.entries)


Slider = Attribute | Direction


def slider_edits(slider: Slider, amount: float = 1.0) -> tuple[Edit, ...]:
    """Return the edits of a slider at `amount`: of the way to an attribute's end, or standard deviations."""
    return (DirectionShift(slider, amount),) if isinstance(slider, Direction) else attribute_edits(slider, amount)


def place_of(edit: Edit) -> tuple[object, ...]:
    """Return a key for what an edit acts on, whatever its end and amount."""
    if isinstance(edit, StyleShift):
        return (edit.style_index, edit.unit, edit.ends)
    return (edit.direction,)


def needs_second_format(*edits: tuple[Edit, ...]) -> bool:
    """Return True if any of these lists has an edit that programs before the second format do not know.

    That is a direction, or a style that moves to ends of its own.
    """
    every = (edit for each in edits for edit in each)
    return any(isinstance(edit, DirectionShift) or edit.ends is not msgspec.UNSET for edit in every)


class PictureRecipe(msgspec.Struct, frozen=True):
    """Everything that determines one picture of a given model. Equal recipes give equal pictures, bit for bit."""

    base: Base
    truncation_psi: float = 1.0
    truncation_cutoff: Count | None = None  # rows of ws from 0 that are truncated; None: all
    noise: Noise = Noise()
    cond: tuple[float, ...] | None = None  # None: the base's own
    edits: tuple[Edit, ...] = ()


def canonical_edits(edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """Return equivalent edits in canonical form: equal meaning gives equal values.

    One edit for each coordinate, unit and ends, towards "max", without zeros, sorted. "Half-way to the minimum" and
    "minus half-way to the maximum" are the same edit (see StyleShift).
    """
    styles: dict[tuple[int, Unit, OwnEnds], float] = {}
    directions: dict[Direction, float] = {}
    for edit in edits:
        if isinstance(edit, StyleShift):
            sign = 1.0 if edit.end == "max" else -1.0
            key = (edit.style_index, edit.unit, edit.ends)
            styles[key] = styles.get(key, 0.0) + sign * edit.amount
        else:
            directions[edit.direction] = directions.get(edit.direction, 0.0) + edit.amount
    moved = sorted((d for d, a in directions.items() if a != 0), key=_order)
    out: list[Edit] = [DirectionShift(d, directions[d]) for d in moved]
    out += [StyleShift(j, "max", styles[j, unit, ends], unit, ends) for j, unit, ends in sorted(styles, key=_of_style)]
    return tuple(edit for edit in out if edit.amount != 0)


def _of_style(place: tuple[int, Unit, OwnEnds]) -> tuple[object, ...]:
    style_index, unit, ends = place
    return style_index, unit, () if ends is msgspec.UNSET else ends


def _order(direction: Direction) -> tuple[str, bytes, int, int]:
    return direction.name, direction.vector, direction.first, -1 if direction.last is None else direction.last


class PictureRequest(msgspec.Struct, frozen=True):
    """Recipe and the classifier for its picture."""

    recipe: PictureRecipe
    classifier_id: str


class LiveRequest(msgspec.Struct, frozen=True):
    """Request for the picture on the canvas: a draft of it is enough where the whole picture takes long.

    `since` is the last whole picture there: a draft must show what has changed since.
    """

    request: PictureRequest
    since: PictureRequest | None = None


class TrialsRequest(msgspec.Struct, frozen=True):
    """Request for the logits (N, K) alone of one base with N lists of edits, each in place of the recipe's own.

    `predicted` is a class whose logit alone (N, 1) is to be predicted, by one gradient at the recipe's own edits.
    """

    request: PictureRequest
    edits: tuple[tuple[Edit, ...], ...]
    predicted: Count | None = None


class MovesRequest(msgspec.Struct, frozen=True):
    """Request for the `count` style coordinates that promise most for a picture, with the end each moves to."""

    request: PictureRequest
    target: int
    count: int


class LooksRequest(msgspec.Struct, frozen=True):
    """Request for what a `TrialsRequest` asks for, and for the pictures, reduced to at most `side` px."""

    request: PictureRequest
    edits: tuple[tuple[Edit, ...], ...]
    side: Count = 64


@dataclass(frozen=True)
class Looks:
    """Pictures of one base with N lists of edits, in little: the logits (N, K) and images (N, H, W, 3) uint8."""

    logits: np.ndarray
    images: np.ndarray


class HeatRequest(msgspec.Struct, frozen=True):
    """Request for Grad-CAM of the class `target` in a picture, and in the same without its edits."""

    request: PictureRequest
    target: Count


class RegionRequest(msgspec.Struct, frozen=True):
    """Request for what N lists of edits, each in place of the recipe's own, change inside a part of a picture.

    `mask` is the part, (H, W) uint8 of the picture's size, row by row. With `seeds`, the answers are about random
    edits, one of each seed, that change as much of it as the only list does.
    """

    request: PictureRequest
    edits: tuple[tuple[Edit, ...], ...]
    mask: bytes
    seeds: tuple[Count, ...] = ()


@dataclass(frozen=True)
class RegionLooks:
    """Answer to a `RegionRequest`: logits where the change is pasted into the picture, and where it lies."""

    before: np.ndarray  # (K,) float32, of the picture itself
    share: np.ndarray  # (N,) of the change that lies inside, 0 to 1
    inside: np.ndarray  # (N, K) logits where only the part may change
    outside: np.ndarray  # (N, K) where all but the part may change
    whole: np.ndarray  # (N, K) where all may change
    images: np.ndarray  # (N, H, W, 3) uint8 of `inside`


@dataclass(frozen=True)
class HeatMaps:
    """Grad-CAM of both pictures (H, W) float32 in 0..1 on one scale, or the `problem` why there is none."""

    before: np.ndarray
    after: np.ndarray
    seconds: float
    problem: str = ""


@dataclass(frozen=True)
class Picture:
    """Rendered picture with the classifier's output for it; K is 0 where the explainer holds no classifier."""

    image: np.ndarray  # (H, W, 3) uint8
    logits: np.ndarray  # (K,) float32
    probs: np.ndarray  # (K,) float32

    @property
    def verdict(self) -> int:
        """Most probable class; -1 where no classifier was asked."""
        return int(self.probs.argmax()) if len(self.probs) else -1


@dataclass(frozen=True)
class RenderResult:
    """Result of a request: the edited picture, the same without edits, and its style values."""

    after: Picture
    before: Picture
    styles: np.ndarray  # (num_styles,) unedited style values of this picture
    w_distance: float  # RMS distance of the unedited ws from w_avg, in units of w's standard deviation
    seconds: float
    generation: int = 0
    # Distance of the edited styles from those of the encoded pictures, in units of the distance that nearly all of
    # these have from each other; None where the file holds too few to tell.
    unlikeness: float | None = None


@dataclass(frozen=True)
class Draft:
    """Picture of fewer pixels, to look at while a hand moves: the sum of the toRGB outputs up to `resolution`.

    It has no verdict, since the classifier was not asked about it, and nothing may be made of it.
    """

    after: np.ndarray  # (resolution, resolution, 3) uint8
    before: Picture | np.ndarray  # the whole picture without the edits where it is known, else a draft of it
    resolution: int
    seconds: float
