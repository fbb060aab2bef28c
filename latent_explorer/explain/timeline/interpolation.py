# SPDX-License-Identifier: MIT
"""The recipe between two recipes. Values only; what a blended base or noise means in tensors stands in `blending`.

Every number moves in a straight line: psi, what the generator is told, the amount of every edit. At 0 and 1 the
recipes themselves come back, so that a keyframe's picture is its picture, bit for bit.
"""

from __future__ import annotations

import functools

import msgspec

from latent_explorer.explain.recipe import (
    Base,
    BlendBase,
    BlendEndBase,
    Edit,
    Noise,
    PictureRecipe,
    SeedBase,
    Space,
    canonical_edits,
    place_of,
)


def interpolate_recipes(a: PictureRecipe, b: PictureRecipe, amount: float, space: Space) -> PictureRecipe:
    """`amount` (0..1) of the way from one recipe to the other.

    Z is for ends that come from seeds; other ends are blended in W+ instead, so that a timeline may mix both.
    """
    if amount <= 0 or a == b:
        return a
    if amount >= 1:
        return b
    first, second = a.base, b.base
    psi, cutoff = _lerp(a.truncation_psi, b.truncation_psi, amount), _common_cutoff(a, b)
    if cutoff == _NONE_IN_COMMON:
        first = BlendEndBase(first, a.truncation_psi, a.truncation_cutoff)
        second = BlendEndBase(second, b.truncation_psi, b.truncation_cutoff)
        psi, cutoff = 1.0, None
    cond = None
    if a.cond is not None and b.cond is not None and len(a.cond) == len(b.cond):
        cond = tuple(_lerp(x, y, amount) for x, y in zip(a.cond, b.cond, strict=True))
    elif a.cond != b.cond:  # one end is told its base's own, which only the model knows
        first, second = _told(first, a.cond), _told(second, b.cond)
    return PictureRecipe(
        base=_blended(first, second, amount, space),
        truncation_psi=psi,
        truncation_cutoff=cutoff,
        noise=_noise_between(a.noise, b.noise, amount),
        cond=cond,
        edits=_edits_between(a.edits, b.edits, amount),
    )


def has_z(base: Base) -> bool:
    """Whether a base is the image of one z, so that the mapping network's input can be blended."""
    if isinstance(base, BlendEndBase):
        return base.truncation_psi == 1.0 and has_z(base.base)
    if isinstance(base, BlendBase):
        return base.space in ("z", "z-slerp") and has_z(base.a) and has_z(base.b)
    return isinstance(base, SeedBase)


_NONE_IN_COMMON = -1


def _common_cutoff(a: PictureRecipe, b: PictureRecipe) -> int | None:
    """The cutoff under which both truncations can be written, or _NONE_IN_COMMON. With psi 1 any cutoff will do."""
    if a.truncation_psi == 1.0:
        return b.truncation_cutoff
    if b.truncation_psi == 1.0 or a.truncation_cutoff == b.truncation_cutoff:
        return a.truncation_cutoff
    return _NONE_IN_COMMON


def _told(base: Base, cond: tuple[float, ...] | None) -> Base:
    if cond is None:
        return base
    if isinstance(base, BlendEndBase):
        return BlendEndBase(base.base, base.truncation_psi, base.truncation_cutoff, cond)
    return BlendEndBase(base, cond=cond)


def _blended(a: Base, b: Base, amount: float, space: Space) -> Base:
    if a == b:
        return a
    if _is_z(space) and not (has_z(a) and has_z(b)):
        space = "w+"
    return BlendBase(a, b, amount, space)


def _is_z(space: Space) -> bool:
    return space in ("z", "z-slerp")


def _noise_between(a: Noise, b: Noise, amount: float) -> Noise:
    return a if a == b else Noise("blend", a=a, b=b, amount=amount)


def _edits_between(a: tuple[Edit, ...], b: tuple[Edit, ...], amount: float) -> tuple[Edit, ...]:
    """An edit that only one end has starts or ends at 0."""
    starts, ends = _by_place(a), _by_place(b)
    moved = []
    for place in {**starts, **ends}:
        start, end = starts.get(place), ends.get(place)
        value = _lerp(start.amount if start else 0.0, end.amount if end else 0.0, amount)
        edit = start or end
        assert edit is not None
        moved.append(msgspec.structs.replace(edit, amount=value))
    return canonical_edits(tuple(moved))


@functools.lru_cache(maxsize=256)  # the ends of a segment are asked for at every frame
def _by_place(edits: tuple[Edit, ...]) -> dict[tuple[object, ...], Edit]:
    return {place_of(edit): edit for edit in canonical_edits(edits)}


def _lerp(a: float, b: float, amount: float) -> float:
    """Exact at both ends, and where they are equal."""
    return a + amount * (b - a) if amount < 0.5 else b - (1 - amount) * (b - a)
