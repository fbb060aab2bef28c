# SPDX-License-Identifier: MIT
"""Timelines: functions from time to recipe, and the recipe between two recipes. Values only.

Preview and export render the same recipes at the same times, hence show the same pictures.
"""

from __future__ import annotations

import functools
import itertools
import math
from bisect import bisect_right
from typing import Literal

import msgspec

from latent_explorer.common.errors import UserError
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

FPS = (10.0, 12.5, 20.0, 25.0, 50.0)  # GIF counts in 10 ms: no other rates up to 50 are exact in it
MAX_SECONDS = 600.0  # limit of a timeline, so that a window can hold its frames
_NONE_IN_COMMON = -1  # in place of a cutoff
_ROUNDING = 1e-6  # of a frame: 0.1 s at 10 fps is one frame, whatever floats make of it


class Curve(msgspec.Struct, frozen=True):
    """Cubic Bezier curve from (0, 0) to (1, 1) with two handles, as in CSS; all four numbers are in 0..1."""

    x1: float
    y1: float
    x2: float
    y2: float


Easing = Literal["linear", "smooth", "hold"] | Curve


class Keyframe(msgspec.Struct, frozen=True):
    """Recipe at a time; `easing` is of the segment that begins here."""

    seconds: float
    recipe: PictureRecipe
    easing: Easing = "smooth"


class Timeline(msgspec.Struct, frozen=True):
    """Named animation. Keyframes are sorted by time.

    `loop` without `ping_pong` closes the loop: from the last keyframe it goes back to the first within
    `closing_seconds` (0: it jumps), unless both are the same picture already.
    """

    name: str
    keyframes: tuple[Keyframe, ...] = ()
    space: Space = "w+"
    fps: float = 20.0
    loop: bool = False
    ping_pong: bool = False
    closing_seconds: float = 1.0
    noise: Noise | None = None  # one for all frames; None: the keyframes' own
    classifier_id: str = ""  # the classifier that the frames are shown with; empty: the current one

    def __post_init__(self) -> None:
        times = [k.seconds for k in self.keyframes]
        if any(x > y for x, y in itertools.pairwise(times)):
            ordered = tuple(sorted(self.keyframes, key=lambda k: k.seconds))
            msgspec.structs.force_setattr(self, "keyframes", ordered)


def duration(timeline: Timeline) -> float:
    """Return the seconds from 0 to the last keyframe."""
    return timeline.keyframes[-1].seconds if timeline.keyframes else 0.0


def span(timeline: Timeline) -> float:
    """Return the duration plus, in a closed loop, the seconds of the way back to the start."""
    return duration(timeline) + _closing(timeline)


def frame_times(timeline: Timeline) -> list[float]:
    """Return the time on the timeline of each frame of one pass; frame k is shown from k / fps on.

    The last keyframe gets a frame even where it lies between two. A loop does not show its first picture
    twice; ping-pong turns without a doubled frame, and a looped one does not double its start either.
    """
    if not timeline.keyframes:
        return []
    end = span(timeline)
    count = math.ceil(end * timeline.fps - _ROUNDING)
    times = [*(k / timeline.fps for k in range(count)), end]
    if timeline.ping_pong:
        return times + (times[-2:0:-1] if timeline.loop else times[-2::-1])
    if timeline.loop and len(times) > 1 and _ends_as_it_begins(timeline):
        times.pop()
    return times


def frame_at(timeline: Timeline, seconds: float) -> float:
    """Return the frame time nearest to `seconds`, so scrubbing shows what is exported."""
    end = span(timeline)
    if seconds >= end:
        return end
    return min(max(round(seconds * timeline.fps), 0) / timeline.fps, end)


def _closing(timeline: Timeline) -> float:
    if not timeline.loop or timeline.ping_pong or len(timeline.keyframes) < 2:
        return 0.0
    same = timeline.keyframes[0].recipe == timeline.keyframes[-1].recipe
    shown = timeline.closing_seconds * timeline.fps > _ROUNDING
    return timeline.closing_seconds if shown and not same else 0.0


def _ends_as_it_begins(timeline: Timeline) -> bool:
    same = timeline.keyframes[0].recipe == timeline.keyframes[-1].recipe
    return same or _closing(timeline) > 0


def recipe_at(timeline: Timeline, seconds: float) -> PictureRecipe:
    """Return the recipe at a time; before the first keyframe the first's, after the last the last's.

    Of keyframes at the same time the last counts from then on, which makes a cut. UserError without a keyframe.
    """
    frames = timeline.keyframes
    if not frames:
        raise UserError(f"The timeline {timeline.name!r} has no keyframe yet, so there is nothing to show. Add one.")
    index = bisect_right(frames, seconds, key=lambda k: k.seconds) - 1
    if index < 0:
        recipe = frames[0].recipe
    else:
        start = frames[index]
        following, length = _following(timeline, index)
        amount = ease(start.easing, (seconds - start.seconds) / length) if length > 0 else 0.0
        recipe = interpolate_recipes(start.recipe, following.recipe, amount, timeline.space)
    if timeline.noise is not None:
        recipe = msgspec.structs.replace(recipe, noise=timeline.noise)
    return recipe


def _following(timeline: Timeline, index: int) -> tuple[Keyframe, float]:
    """Return the keyframe that a segment leads to, and the segment's seconds; 0 where no segment begins."""
    frames = timeline.keyframes
    if index + 1 < len(frames):
        return frames[index + 1], frames[index + 1].seconds - frames[index].seconds
    return frames[0], _closing(timeline)


def is_one_state(timeline: Timeline, recipe: PictureRecipe) -> bool:
    """Return True if a frame's latent and noise are those of a keyframe, not a blend on the way to the next."""
    return any(_same_source(timeline, recipe, keyframe.recipe) for keyframe in timeline.keyframes)


def is_one_latent(timeline: Timeline) -> bool:
    """Return True if every frame has the same latent and noise: only edits, truncation and cond move."""
    frames = timeline.keyframes
    return all(_same_source(timeline, frames[0].recipe, keyframe.recipe) for keyframe in frames[1:])


def _same_source(timeline: Timeline, a: PictureRecipe, b: PictureRecipe) -> bool:
    return a.base == b.base and (timeline.noise is not None or a.noise == b.noise)


def frames(timeline: Timeline) -> list[PictureRecipe]:
    """Return the recipes of one pass, one for each frame. Empty without a keyframe."""
    return [recipe_at(timeline, seconds) for seconds in frame_times(timeline)]


def ease(easing: Easing, share: float) -> float:
    """Return the share of the way (0..1) after `share` (0..1) of a segment's time."""
    share = min(max(share, 0.0), 1.0)
    if easing == "hold":
        return 1.0 if share >= 1 else 0.0
    if easing == "smooth":
        return share * share * (3 - 2 * share)
    if isinstance(easing, Curve):
        return _bezier(easing, share)
    return share


def _bezier(curve: Curve, share: float) -> float:
    """Return y of the curve at x = share, by bisection: x rises along the curve."""
    if share in (0.0, 1.0):
        return share
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if _cubic(curve.x1, curve.x2, middle) < share:
            low = middle
        else:
            high = middle
    return _cubic(curve.y1, curve.y2, high)


def _cubic(p1: float, p2: float, u: float) -> float:
    return 3 * (1 - u) ** 2 * u * p1 + 3 * (1 - u) * u**2 * p2 + u**3


def interpolate_recipes(a: PictureRecipe, b: PictureRecipe, amount: float, space: Space) -> PictureRecipe:
    """Return the recipe at `amount` (0..1) of the way from one recipe to the other.

    Truncation psi, cond and the amount of every edit are linear. At 0 and 1 the recipes themselves come back, so a
    keyframe's picture is unchanged, bit for bit. Z is for ends that come from seeds; others are blended in W+ instead.
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
    elif a.cond != b.cond:  # one end takes its base's own, which only the model knows
        first, second = _with_cond(first, a.cond), _with_cond(second, b.cond)
    return PictureRecipe(
        base=_blended(first, second, amount, space),
        truncation_psi=psi,
        truncation_cutoff=cutoff,
        noise=a.noise if a.noise == b.noise else Noise("blend", a=a.noise, b=b.noise, amount=amount),
        cond=cond,
        edits=_edits_between(a.edits, b.edits, amount),
    )


def has_z(base: Base) -> bool:
    """Return True if a base is the image of one z, so the mapping network's input can be blended."""
    if isinstance(base, BlendEndBase):
        return base.truncation_psi == 1.0 and has_z(base.base)
    if isinstance(base, BlendBase):
        return base.space in ("z", "z-slerp") and has_z(base.a) and has_z(base.b)
    return isinstance(base, SeedBase)


def _common_cutoff(a: PictureRecipe, b: PictureRecipe) -> int | None:
    """Return a cutoff that expresses both truncations, or _NONE_IN_COMMON. With psi 1 any cutoff does."""
    if a.truncation_psi == 1.0:
        return b.truncation_cutoff
    if b.truncation_psi == 1.0 or a.truncation_cutoff == b.truncation_cutoff:
        return a.truncation_cutoff
    return _NONE_IN_COMMON


def _with_cond(base: Base, cond: tuple[float, ...] | None) -> Base:
    if cond is None:
        return base
    if isinstance(base, BlendEndBase):
        return BlendEndBase(base.base, base.truncation_psi, base.truncation_cutoff, cond)
    return BlendEndBase(base, cond=cond)


def _blended(a: Base, b: Base, amount: float, space: Space) -> Base:
    if a == b:
        return a
    if space in ("z", "z-slerp") and not (has_z(a) and has_z(b)):
        space = "w+"
    return BlendBase(a, b, amount, space)


def _edits_between(a: tuple[Edit, ...], b: tuple[Edit, ...], amount: float) -> tuple[Edit, ...]:
    """Interpolate edits; one that only one end has starts or ends at 0."""
    starts, ends = _by_place(a), _by_place(b)
    moved = []
    for place in {**starts, **ends}:
        start, end = starts.get(place), ends.get(place)
        value = _lerp(start.amount if start else 0.0, end.amount if end else 0.0, amount)
        edit = start or end
        assert edit is not None
        moved.append(msgspec.structs.replace(edit, amount=value))
    return canonical_edits(tuple(moved))


@functools.lru_cache(maxsize=256)  # called for the ends of a segment at every frame
def _by_place(edits: tuple[Edit, ...]) -> dict[tuple[object, ...], Edit]:
    return {place_of(edit): edit for edit in canonical_edits(edits)}


def _lerp(a: float, b: float, amount: float) -> float:
    """Interpolate linearly; exact at both ends, and where they are equal."""
    return a + amount * (b - a) if amount < 0.5 else b - (1 - amount) * (b - a)
