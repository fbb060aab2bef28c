# SPDX-License-Identifier: MIT
"""Ready-made timelines: a walk through seeds, a morph, a sweep of an edit, a mix of layers. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from latent_explorer.explain.recipe import MixBase, PictureRecipe, SeedBase, canonical_edits, place_of
from latent_explorer.explain.timeline.timeline import Keyframe, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from latent_explorer.explain.recipe import Base, Edit, Space


def random_walk(
    seeds: Iterable[int],
    seconds: float = 1.0,
    like: PictureRecipe | None = None,
    *,
    space: Space = "z-slerp",
    name: str = "Random walk",
) -> Timeline:
    """Make a loop from seed to seed, `seconds` each. Truncation, noise and edits are those of `like`.

    By default it stays on the sphere of z, where every picture on the way is as likely as one of a seed.
    """
    template = like or PictureRecipe(SeedBase(0))
    recipes = [msgspec.structs.replace(template, base=SeedBase(s), cond=None) for s in seeds]
    frames = tuple(Keyframe(i * seconds, recipe) for i, recipe in enumerate(recipes))
    return Timeline(name, frames, space, loop=True, closing_seconds=seconds)


def morph(
    a: PictureRecipe,
    b: PictureRecipe,
    seconds: float = 2.0,
    *,
    space: Space = "w+",
    name: str = "Morph",
) -> Timeline:
    """Make a loop from one picture to another and back; their noise maps are blended with them."""
    return Timeline(name, (Keyframe(0.0, a), Keyframe(seconds, b)), space, loop=True, ping_pong=True)


def alpha_sweep(
    recipe: PictureRecipe,
    edits: Edit | Sequence[Edit],
    start: float = -1.0,
    stop: float = 1.0,
    seconds: float = 2.0,
    *,
    name: str = "Sweep",
) -> Timeline:
    """Make a loop from `start` to `stop` times an edit (or several together, an attribute's) and back.

    They replace the recipe's edits of the same coordinates and unit, or of the same direction; its other edits stay.
    """
    moving = tuple(edits) if isinstance(edits, list | tuple) else (edits,)
    places = {place_of(edit) for edit in moving}
    kept = tuple(edit for edit in recipe.edits if place_of(edit) not in places)

    def at(alpha: float) -> PictureRecipe:
        scaled = (msgspec.structs.replace(e, amount=alpha * e.amount) for e in moving)
        return msgspec.structs.replace(recipe, edits=canonical_edits((*kept, *scaled)))

    ends = (Keyframe(0.0, at(start), "linear"), Keyframe(seconds, at(stop), "linear"))
    return Timeline(name, ends, loop=True, ping_pong=True)


def stepped_sweep(recipe: PictureRecipe, edits: Edit | Sequence[Edit], *, name: str = "Sweep") -> Timeline:
    """Make a loop of 20 frames at alpha = 0, 0.05, ..., 0.95 times an edit, after which it begins again.

    The range of the published morphs along classifier-guided directions (section E of the reference).
    """
    sweep = alpha_sweep(recipe, edits, 0.0, 0.95, 0.95, name=name)
    return msgspec.structs.replace(sweep, fps=20.0, ping_pong=False, closing_seconds=0.0)


def style_mix(
    recipe: PictureRecipe,
    others: Sequence[Base],
    first: int,
    last: int,
    seconds: float = 2.0,
    *,
    name: str = "Style mixing",
) -> Timeline:
    """Make a loop through the picture and its mixes, with rows `first` to `last` of ws from each of the others."""
    mixes = [MixBase(recipe.base, other, first, last) for other in others]
    recipes = [recipe, *(msgspec.structs.replace(recipe, base=base) for base in mixes)]
    frames = tuple(Keyframe(i * seconds, r) for i, r in enumerate(recipes))
    return Timeline(name, frames, "w+", loop=True, closing_seconds=seconds)
