# SPDX-License-Identifier: MIT
"""Estimate the size of an animation from a few of its frames, and lower its settings to fit a budget.

Nothing is rendered here. Estimates can be wrong: `writer` measures the file and lowers the settings further if needed.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Protocol

import msgspec

from latent_explorer.common.events import Event, Progress
from latent_explorer.common.format import size_text
from latent_explorer.media.animation.formats import encoded_size
from latent_explorer.media.animation.frames import picture_size
from latent_explorer.media.animation.gif import colors_of
from latent_explorer.media.animation.settings import ALWAYS_LOSSLESS, FPS, VIDEO, AnimationSettings
from latent_explorer.media.animation.video import KEY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.media.animation.frames import CaptionContext, Frame

_RUNS, _RUN, _VIDEO_RUN = 4, 3, 8  # runs that are measured, frames of a run, and of a video's run
LOOKING = "Looking for what fits"
_HALVINGS = 2
_TARGET_SHARE = 0.93  # share of the budget to aim at, because estimates can be wrong
_SMALLEST, _WORST = 96, 25  # px and quality: lower values are of no use
_SHRINK = 0.8  # of the side, per rung
_MOVES = ("quality", "size", "size", "fps")  # lowered in turn
_COLOURS = (75, 50, 25)  # the qualities at which a GIF loses colours
_QUALITIES = (90, 80, 70, 60, 50, 40, 30, 25)


class Frames(Protocol):
    """Frames with random access, such as a FrameSpool."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Frame: ...


def sample_places(total: int, suffix: str, step: int = 1) -> list[list[int]]:
    """Return the indices of frames to measure, as runs of consecutive frames, every `step`-th of `total`.

    If there are few frames these are all of them, and the estimate is exact but for rounding.
    """
    length = _VIDEO_RUN if suffix in VIDEO else _RUN
    if total <= step * length * _RUNS:
        return [list(range(0, total, step))]
    last = total - 1 - (length - 1) * step
    starts = sorted({round(last * i / (_RUNS - 1)) for i in range(_RUNS)})
    return [[start + k * step for k in range(length)] for start in starts]


def estimate(
    runs: Sequence[Sequence[Frame]], total: int, suffix: str, settings: AnimationSettings, context: CaptionContext
) -> Generator[Event, None, int]:
    """Estimate the bytes of `total` frames from runs of consecutive frames (`sample_places`)."""
    firsts, longer = [], []
    for done, run in enumerate(runs):
        yield Progress(done, len(runs), LOOKING)
        alone = encoded_size(run[:1], suffix, settings, context)
        firsts.append(alone)
        if len(run) > 1:
            whole = encoded_size(run, suffix, settings, context)
            longer.append((whole - alone) / (len(run) - 1))
    first = sum(firsts) / len(firsts)
    if not longer:
        return round(first * total)
    keys = 1
    if suffix in VIDEO:
        keys = -(-total // round(KEY_SECONDS * settings.fps))
    return round(keys * first + (total - keys) * sum(longer) / len(longer))


def ladder(settings: AnimationSettings, suffix: str, side: int) -> list[AnimationSettings]:
    """Return the settings from the chosen ones down to the smallest, each a little lower than the one before.

    `side` is the chosen size in px.
    """
    rung = msgspec.structs.replace(settings, size=side)
    rungs = [settings]
    idle = 0
    for move in cycle(_MOVES):
        lower = _lower(rung, move, suffix, settings.fps)
        idle = 0 if lower != rung else idle + 1
        if idle > len(_MOVES):
            return rungs
        if lower != rung:
            rung = lower
            rungs.append(rung)
    raise AssertionError("cycle never ends")


def _lower(rung: AnimationSettings, move: str, suffix: str, fps: float) -> AnimationSettings:
    """Return the settings with one thing lowered, unchanged if it is at its minimum."""
    if move == "quality" and suffix not in ALWAYS_LOSSLESS:
        steps = _COLOURS if suffix == ".gif" else _QUALITIES
        lower = next((q for q in steps if q < rung.quality), _WORST)
        return msgspec.structs.replace(rung, quality=min(lower, rung.quality))
    if move == "size" and rung.size > _SMALLEST:
        size = max(_SMALLEST, round(rung.size * _SHRINK / 8) * 8)
        return msgspec.structs.replace(rung, size=size)
    if move == "fps":
        slower = [f for f in FPS if f < rung.fps and (fps / f).is_integer()]
        return msgspec.structs.replace(rung, fps=max(slower, default=rung.fps))
    return rung


class QualityLadder:
    """Rungs of settings with their expected sizes, which are corrected by the sizes of attempts."""

    def __init__(self, frames: Frames, wished: AnimationSettings, suffix: str, context: CaptionContext) -> None:
        self.side = max(picture_size(frames[0].image, wished))
        self.all = ladder(wished, suffix, self.side)
        self._frames, self._suffix, self._context = frames, suffix, context
        self._budget = wished.budget_bytes
        self._known: dict[AnimationSettings, int] = {}
        self._factor = 1.0

    def step(self, settings: AnimationSettings) -> int:
        """Return the step between the frames that are taken."""
        return round(self.all[0].fps / settings.fps)

    def next(self, lowest: int) -> Generator[Event, None, tuple[int, AnimationSettings]]:
        """Find the best rung from `lowest` on that is expected to fit, by bisection, enlarged to fill the budget.

        If none is expected to fit, returns the last one.
        """
        low, high = lowest, len(self.all) - 1
        while low < high:
            middle = (low + high) // 2
            if (yield from self._fits(self.all[middle])):
                high = middle
            else:
                low = middle + 1
        return low, (yield from self._enlarged_to_fit(low))

    def _enlarged_to_fit(self, low: int) -> Generator[Event, None, AnimationSettings]:
        """Enlarge rung `low` as far as the budget allows: the rung above is too large, but half-way may fit."""
        rung = self.all[low]
        if not low or not (yield from self._fits(rung)):
            return rung
        name, above = self._difference(low)
        if name == "fps" or (name == "quality" and self._suffix == ".gif"):  # only in steps
            room = (_TARGET_SHARE * self._budget / (yield from self._expected(rung))) ** 0.5
            name, above = "size", min(self.side, 2 * int(rung.size * room) - rung.size)
        for _ in range(_HALVINGS):
            middle = (getattr(rung, name) + above) // 2
            middle -= middle % 8 if name == "size" else 0
            larger = msgspec.structs.replace(rung, **{name: max(middle, getattr(rung, name))})
            if (yield from self._fits(larger)):
                rung = larger
            else:
                above = middle
        return rung

    def _difference(self, low: int) -> tuple[str, int]:
        """Return the setting that the rung above has more of, and its value there."""
        rung, before = self.all[low], self.all[low - 1]
        if before.fps != rung.fps:
            return "fps", 0
        if before.quality != rung.quality:
            return "quality", before.quality
        return "size", before.size or self.side

    def record_size(self, settings: AnimationSettings, actual: float) -> None:
        """Record that an attempt took, or would have taken, `actual` bytes, to correct the other estimates."""
        expected = self._known.get(settings, actual)
        self._factor = max(1.02 * self._factor, actual / expected)

    def _fits(self, settings: AnimationSettings) -> Generator[Event, None, bool]:
        return (yield from self._expected(settings)) <= _TARGET_SHARE * self._budget

    def _expected(self, settings: AnimationSettings) -> Generator[Event, None, float]:
        if settings not in self._known:
            step = self.step(settings)
            index_runs = sample_places(len(self._frames), self._suffix, step)
            runs = [[self._frames[i] for i in run] for run in index_runs]
            total = -(-len(self._frames) // step)
            self._known[settings] = yield from estimate(runs, total, self._suffix, settings, self._context)
        return self._known[settings] * self._factor


def described(settings: AnimationSettings, suffix: str, side: int) -> str:
    """Describe the settings in words: "384 px, 10 frames per second, 128 colours"."""
    parts = [f"{settings.size or side} px", f"{settings.fps:g} frames per second"]
    if suffix == ".gif":
        parts.append(f"{colors_of(settings.quality)} colours")
    elif suffix not in ALWAYS_LOSSLESS:
        parts.append(f"quality {settings.quality}")
    return ", ".join(parts)


def too_large(settings: AnimationSettings, suffix: str, side: int, actual: float) -> str:
    """Return a message that says why the budget cannot be kept, and what helps."""
    return (
        f"Even at {described(settings, suffix, side)} this animation takes about {size_text(actual)}, "
        f"more than {size_text(settings.budget_bytes)}. Make it shorter, or allow a larger file."
    )
