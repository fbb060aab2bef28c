# SPDX-License-Identifier: MIT
"""Write animations, frame by frame; the file appears when it is complete, or not at all.

Each format has a module (`gif`, `webp`, `apng`, `video`); `budget` decides which settings are lowered for a budget.
"""

from __future__ import annotations

import csv
import io
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from latent_explorer.common.csv_table import escape_line
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice, Progress
from latent_explorer.common.format import size_text
from latent_explorer.common.paths import atomic_output, atomic_output_folder, explain_write_errors, missing_parents
from latent_explorer.media.animation import budget
from latent_explorer.media.animation.base_encoder import EncoderOptions
from latent_explorer.media.animation.formats import check_format, open_encoder, size_of
from latent_explorer.media.animation.frames import CaptionContext, Frame, FrameSpool, compose
from latent_explorer.media.animation.gif import GifEncoder
from latent_explorer.media.animation.settings import AnimationSettings, format_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    import numpy as np
    import numpy.typing as npt

WRITING = "Writing the file"


@dataclass(frozen=True)
class WrittenAnimation:
    """Written animation: its file, and the settings, which a budget may have lowered."""

    path: Path
    frames: int
    bytes: int
    settings: AnimationSettings
    table: Path | None = None  # the probabilities beside it


class _TooLargeError(Exception):
    """The file is larger than the budget; `args` are the bytes that it would have taken."""


def write_animation(
    path: Path,
    frames: Iterable[Frame],
    settings: AnimationSettings,
    context: CaptionContext = CaptionContext(),  # noqa: B008  # frozen
    total: int = 0,
) -> Generator[Event, None, WrittenAnimation]:
    """Write the frames in the format of the ending of `path` (`settings.FORMATS`). A job.

    `total` frames are expected, for the progress (0: unknown). Raises UserError for what is not possible. On an error
    or a cancel nothing new is left behind.
    """
    settings = settings.checked()
    suffix = format_of(path)
    check_format(suffix)
    if suffix == ".csv":
        return (yield from _write_table(path, frames, settings, context, total))
    if not suffix and settings.budget_bytes:
        raise UserError("A budget is for one file, not for a folder of pictures. Choose another format.")
    rows: list[tuple[float, npt.NDArray[np.float32]]] = []
    if settings.budget_bytes or settings.ping_pong:
        with explain_write_errors(path), missing_parents(path), FrameSpool(path.parent) as spool:
            yield from _keep(spool, frames, settings, total)
            source = _PingPong(spool, settings) if settings.ping_pong else spool
            written = yield from _within_budget(path, source, settings, context, rows)
    else:
        written = yield from _write(path, frames, settings, context, rows, total)
    if settings.csv:
        beside = path.with_name(path.stem + ".csv")
        with atomic_output(beside) as temporary:
            temporary.write_text(_probability_table(rows, context), encoding="utf-8")
        written = replace(written, table=beside)
    return written


def write_gif(path: Path, frames: Iterable[np.ndarray], *, fps: float = 20.0) -> None:
    """Write pictures, each (H, W, 3) uint8 of one size, as a GIF that loops forever, at any rate up to 50.

    Raises UserError if the rate is not possible or the file cannot be written.
    """
    with atomic_output(path) as temporary, closing(GifEncoder(temporary, EncoderOptions(fps))) as encoder:
        for image in frames:
            encoder.add(image)
        if not encoder.frames:
            raise ValueError("an animation needs at least one frame")
        encoder.finish()


def ping_pong_frames(frames: Iterable[np.ndarray], rest: int = 0) -> list[np.ndarray]:
    """Return the frames and the way back, so that a loop does not jump; each end is held for `rest` more frames."""
    one_way = list(frames)
    held = chain(one_way[:1] * rest, one_way, one_way[-1:] * rest, one_way[-2:0:-1])
    return list(held)


def _write(
    path: Path,
    frames: Iterable[Frame],
    settings: AnimationSettings,
    context: CaptionContext,
    rows: list[tuple[float, npt.NDArray[np.float32]]],
    total: int,
) -> Generator[Event, None, WrittenAnimation]:
    """Encode the frames as they come. Raises _TooLargeError as soon as the file is larger than the budget."""
    suffix, count, limit = format_of(path), 0, settings.budget_bytes
    place = atomic_output if suffix else atomic_output_folder
    rows.clear()
    with place(path) as temporary:
        with closing(open_encoder(temporary, suffix, settings)) as encoder:
            for count, frame in enumerate(frames, start=1):
                encoder.add(compose(frame, settings, context), frame.texts)
                rows.append((frame.seconds, frame.probs))
                if limit and size_of(temporary) > limit:
                    raise _TooLargeError(size_of(temporary) * max(1.0, total / count))
                yield Progress(count, max(total, count), WRITING)
            if not count:
                raise ValueError("an animation needs at least one frame")
            encoder.finish()
        size = size_of(temporary)
        if limit and size > limit:
            raise _TooLargeError(size)
    return WrittenAnimation(path, count, size, settings)


def _write_table(
    path: Path, frames: Iterable[Frame], settings: AnimationSettings, context: CaptionContext, total: int
) -> Generator[Event, None, WrittenAnimation]:
    rows = []
    for count, frame in enumerate(frames, start=1):
        rows.append((frame.seconds, frame.probs))
        yield Progress(count, max(total, count), WRITING)
    with atomic_output(path) as temporary:
        temporary.write_text(_probability_table(rows, context), encoding="utf-8")
    return WrittenAnimation(path, len(rows), size_of(path), settings, path)


def _probability_table(rows: Iterable[tuple[float, np.ndarray]], context: CaptionContext) -> str:
    """Return the probabilities of every frame as CSV, below lines of facts that begin with #.

    `rows` are (seconds, probs (K,)). Six significant digits: a float32 has no more than seven.
    """
    text = io.StringIO()
    for key, fact in context.facts.items():
        text.write(f"# {key}: {escape_line(fact)}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["frame", "seconds", *(f"P({escape_line(name)})" for name in context.class_names)])
    for number, (seconds, probs) in enumerate(rows):
        writer.writerow([number, f"{seconds:.3f}", *(f"{float(p):.6g}" for p in probs)])
    return text.getvalue()


def _keep(
    spool: FrameSpool, frames: Iterable[Frame], settings: AnimationSettings, total: int
) -> Generator[Event, None, None]:
    for count, frame in enumerate(frames, start=1):
        spool.add(frame if settings.before_after else replace(frame, before=None))
        yield Progress(count, max(total, count), "Keeping frames")
    if not len(spool):
        raise ValueError("an animation needs at least one frame")


def _within_budget(
    path: Path,
    frames: budget.Frames,
    settings: AnimationSettings,
    context: CaptionContext,
    rows: list[tuple[float, npt.NDArray[np.float32]]],
) -> Generator[Event, None, WrittenAnimation]:
    """Write the best version within the budget and report the settings; without a budget, write as chosen."""
    if not settings.budget_bytes:
        return (yield from _write(path, _every(frames), settings, context, rows, len(frames)))
    suffix, actual = format_of(path), 0.0
    rungs = budget.QualityLadder(frames, settings, suffix, context)
    lowest = 0
    while lowest < len(rungs.all):
        rung, chosen = yield from rungs.next(lowest)
        step = rungs.step(chosen)
        count = -(-len(frames) // step)
        try:
            written = yield from _write(path, _every(frames, step), chosen, context, rows, count)
        except _TooLargeError as error:
            actual = error.args[0]
            rungs.record_size(chosen, actual)
            lowest = rung if chosen != rungs.all[rung] else rung + 1
            continue
        if rung:
            what = budget.described(chosen, suffix, rungs.side)
            limit = size_text(settings.budget_bytes)
            yield Notice(f"To stay below {limit}: {what} ({size_text(written.bytes)}).")
        return written
    raise UserError(budget.too_large(rungs.all[-1], suffix, rungs.side, actual))


class _PingPong:
    """Kept frames and the way back, with increasing times; in a loop neither end is shown twice."""

    def __init__(self, frames: budget.Frames, settings: AnimationSettings) -> None:
        self._frames, self._settings = frames, settings

    def __len__(self) -> int:
        return max(1, 2 * len(self._frames) - (2 if self._settings.loop else 1))

    def __getitem__(self, index: int) -> Frame:
        last = len(self._frames) - 1
        frame = self._frames[index if index <= last else 2 * last - index]
        return replace(frame, seconds=index / self._settings.fps)


def _every(frames: budget.Frames, step: int = 1) -> Iterator[Frame]:
    return (frames[i] for i in range(0, len(frames), step))
