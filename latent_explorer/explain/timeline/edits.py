# SPDX-License-Identifier: MIT
"""Changes of a timeline: each function returns a new timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from latent_explorer.explain.recipe import canonical_edits
from latent_explorer.explain.timeline.timeline import Curve, Easing, Keyframe, Timeline, duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from latent_explorer.explain.recipe import Edit, PictureRecipe

replace = msgspec.structs.replace


def with_keyframe(timeline: Timeline, keyframe: Keyframe) -> Timeline:
    """Add a keyframe. One at the same time takes its recipe and keeps its own easing."""
    for index, existing in enumerate(timeline.keyframes):
        if abs(existing.seconds - keyframe.seconds) < 0.5 / timeline.fps:
            return with_recipe(timeline, index, keyframe.recipe)
    return replace(timeline, keyframes=(*timeline.keyframes, keyframe))


def with_recipe(timeline: Timeline, index: int, recipe: PictureRecipe) -> Timeline:
    """Replace the recipe of keyframe `index`."""
    return _with(timeline, {index: replace(timeline.keyframes[index], recipe=recipe)})


def with_edits(timeline: Timeline, edits: tuple[Edit, ...]) -> Timeline:
    """Add edits to every keyframe."""
    added = (
        replace(k, recipe=replace(k.recipe, edits=canonical_edits((*k.recipe.edits, *edits))))
        for k in timeline.keyframes
    )
    return replace(timeline, keyframes=tuple(added)) if edits else timeline


def with_easing(timeline: Timeline, indices: Iterable[int], easing: Easing) -> Timeline:
    """Set the easing of the segments that begin at these keyframes."""
    frames = timeline.keyframes
    return _with(timeline, {i: replace(frames[i], easing=easing) for i in indices})


def moved(timeline: Timeline, times: Mapping[int, float]) -> Timeline:
    """Move keyframes, by index, to other times in seconds, at least 0. They may pass one another: see `places`."""
    frames = timeline.keyframes
    return _with(timeline, {i: replace(frames[i], seconds=max(0.0, t)) for i, t in times.items()})


def places(timeline: Timeline, times: Mapping[int, float]) -> list[int]:
    """Return the index of each keyframe after `moved` with the same times."""
    seconds = [max(0.0, times.get(i, k.seconds)) for i, k in enumerate(timeline.keyframes)]
    order = sorted(range(len(seconds)), key=seconds.__getitem__)
    return sorted(order, key=order.__getitem__)


def without(timeline: Timeline, indices: Iterable[int]) -> Timeline:
    """Remove keyframes; the others keep their times."""
    gone = set(indices)
    kept = tuple(k for i, k in enumerate(timeline.keyframes) if i not in gone)
    return replace(timeline, keyframes=kept)


def copied(timeline: Timeline, indices: Iterable[int], seconds: float) -> Timeline:
    """Copy keyframes, the first of them to `seconds`, with the same time between them."""
    chosen = [timeline.keyframes[i] for i in sorted(set(indices))]
    if not chosen:
        return timeline
    shift = seconds - chosen[0].seconds
    copies = tuple(replace(k, seconds=max(0.0, k.seconds + shift)) for k in chosen)
    return replace(timeline, keyframes=timeline.keyframes + copies)


def distributed(timeline: Timeline) -> Timeline:
    """Space the keyframes evenly; the first and the last keep their times."""
    count = len(timeline.keyframes)
    if count < 3:
        return timeline
    first, last = timeline.keyframes[0].seconds, duration(timeline)
    return moved(timeline, {i: first + (last - first) * i / (count - 1) for i in range(count)})


def reversed_in_time(timeline: Timeline) -> Timeline:
    """Reverse the timeline: every segment runs backwards, and holds last as long as before."""
    frames, end = timeline.keyframes, duration(timeline)
    keyframes = []
    for i in reversed(range(len(frames))):
        easing = frames[i - 1].easing if i > 0 else frames[-1].easing
        keyframes.append(Keyframe(end - frames[i].seconds, frames[i].recipe, _backwards(easing)))
    return replace(timeline, keyframes=tuple(keyframes))


def stretched(timeline: Timeline, seconds: float) -> Timeline:
    """Scale all times so that the last keyframe is at `seconds`."""
    end = duration(timeline)
    if end <= 0 or seconds <= 0:
        return timeline
    times = {i: k.seconds * seconds / end for i, k in enumerate(timeline.keyframes)}
    return moved(timeline, times)


def _backwards(easing: Easing) -> Easing:
    if isinstance(easing, Curve):
        return Curve(1 - easing.x2, 1 - easing.y2, 1 - easing.x1, 1 - easing.y1)
    return easing


def _with(timeline: Timeline, changed: Mapping[int, Keyframe]) -> Timeline:
    frames = tuple(changed.get(i, k) for i, k in enumerate(timeline.keyframes))
    return replace(timeline, keyframes=frames)
