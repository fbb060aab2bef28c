# SPDX-License-Identifier: MIT
"""Timelines in JSON files, as `animate` reads them, and checks of timelines that do not depend on the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError, unreadable
from latent_explorer.common.guarded_files import read_bytes
from latent_explorer.common.paths import atomic_output
from latent_explorer.explain.directions.direction import direction_problem
from latent_explorer.explain.recipe import BlendBase, DirectionShift, Noise, depth, needs_second_format, parts
from latent_explorer.explain.timeline.timeline import FPS, MAX_SECONDS, Curve, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from latent_explorer.explain.recipe import Base, PictureRecipe

FORMAT = "latent-explorer timeline"
VERSION = 2  # 1 without directions, which earlier programs do not know
MAX_FILE = 32 << 20  # bytes
MAX_KEYFRAMES = 2000
MAX_DEPTH = 8  # a blend of blends of blends; a keyframe taken between two keyframes is one deep
MAX_NAME = 200  # characters
MAX_NUMBER = 1e6  # of a recipe: beyond it float32 arithmetic ends in infinities


class TimelineFile(msgspec.Struct, frozen=True, kw_only=True):
    """Content of the file. `model_hash` is of the model that it was made with; empty: any."""

    format: str = ""
    version: int = 0
    model_hash: str = ""
    timeline: Timeline


class _Head(msgspec.Struct, frozen=True):
    """The part of the file that is the same in all versions; read first."""

    format: str = ""
    version: int = 0


def write_timeline(path: Path, timeline: Timeline, model_hash: str = "") -> None:
    """Write a timeline file atomically. UserError when it cannot be written, or could not be read again."""
    version = VERSION if needs_second_format(*(k.recipe.edits for k in timeline.keyframes)) else 1
    content = TimelineFile(format=FORMAT, version=version, model_hash=model_hash, timeline=timeline)
    data = msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"
    try:
        reason = timeline_problem(guarded_json.decode(data, TimelineFile, max_bytes=MAX_FILE).timeline)
    except DamagedData as error:
        reason = str(error)
    if reason:
        raise UserError(f"{path.name} was not written: {reason}. Change the timeline, or split it.")
    with atomic_output(path) as temporary:
        temporary.write_bytes(data)


def read_timeline(path: Path) -> TimelineFile:
    """Read a timeline file. UserError when it is missing, too large, damaged, newer or not a timeline."""
    try:
        data = read_bytes(path, MAX_FILE)
        head = guarded_json.decode(data, _Head)
        if head.format == FORMAT and head.version > VERSION:
            raise UserError(f"{path.name} was written by a newer Latent Explorer. Update the program to open it.")
        content = guarded_json.decode(data, TimelineFile) if head.format == FORMAT else None
    except OSError as error:
        raise UserError(f"{path.name} cannot be read ({error.strerror or error}). Check the file.") from error
    except DamagedData as error:
        raise unreadable(path.name, "timeline", error, empty=path.stat().st_size == 0) from error
    if content is None:
        raise UserError(
            f"{path.name} is not a timeline of Latent Explorer. Write one from Python with "
            "latent_explorer.api.write_timeline: docs/python.md shows how."
        )
    if reason := timeline_problem(content.timeline):
        raise UserError(f"{path.name} cannot be used: {reason}. Correct the file or write it again.")
    return content


def timeline_problem(timeline: Timeline) -> str:
    """Return why a timeline from a file cannot be used, as words after "cannot be used:"; empty when it can."""
    frames = timeline.keyframes
    numbers = [timeline.closing_seconds, *(k.seconds for k in frames)]
    curves = [k.easing for k in frames if isinstance(k.easing, Curve)]
    handles = [getattr(c, name) for c in curves for name in c.__struct_fields__]
    problems = {
        "its name is too long or empty": not 0 < len(timeline.name) <= MAX_NAME,
        f"it has more than {MAX_KEYFRAMES} keyframes": len(frames) > MAX_KEYFRAMES,
        f"its frame rate is not one of {', '.join(f'{f:g}' for f in FPS)}": timeline.fps not in FPS,
        f"a time of it is outside 0 to {MAX_SECONDS:g} s": not all(0 <= x <= MAX_SECONDS for x in numbers),
        "a curve of it leaves the square from 0 to 1": not all(0 <= x <= 1 for x in handles),
    }
    for reason, applies in problems.items():
        if applies:
            return reason
    noises = [timeline.noise] if timeline.noise else []
    reasons = (recipe_problem(k.recipe) for k in frames)
    return next(filter(None, [*map(noise_problem, noises), *reasons]), "")


def recipe_problem(recipe: PictureRecipe) -> str:
    """Return why a recipe cannot be used with any model; empty when it can."""
    if reason := noise_problem(recipe.noise):
        return reason
    if depth(recipe.base) > MAX_DEPTH:
        return "a latent of it is nested too deeply"
    if not all(abs(x) <= MAX_NUMBER for x in _floats(recipe)):
        return "a number of it is not finite, or enormous"
    if any(isinstance(e, DirectionShift) and direction_problem(e.direction) for e in recipe.edits):
        return "a direction of it is damaged"
    return "" if _blends_lie_between(recipe.base) else "a blend of it lies outside its ends"


def noise_problem(noise: Noise) -> str:
    """Return why a noise cannot be used; empty when it can."""
    level = [noise]
    for _ in range(MAX_DEPTH + 1):
        if not all(0 <= n.amount <= 1 for n in level):
            return "a blend of its noise lies outside its ends"
        level = [end for n in level for end in (n.a, n.b) if end is not None]
        if not level:
            return ""
    return "its noise is nested too deeply"


def _blends_lie_between(base: Base) -> bool:
    inside = not isinstance(base, BlendBase) or 0 <= base.amount <= 1
    return inside and all(map(_blends_lie_between, parts(base)))


def _floats(value: Any) -> Iterator[float]:
    """Yield every float in a value of structs and tuples."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _floats(each)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _floats(getattr(value, name))
