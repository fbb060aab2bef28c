# SPDX-License-Identifier: MIT
"""Class sweeps as files: an animation of each class's grid, one of all classes, their probabilities, and a manifest.

The window and the command line run the same job, so the same sweep gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from latent_explorer.app.export.batch import MANIFEST
from latent_explorer.app.export.job import BackgroundJob
from latent_explorer.app.export.scene import caption_context_of, name_of
from latent_explorer.app.sweep.job import SweepPictures, sweep_pictures
from latent_explorer.app.sweep.plan import ALPHAS, STEPS
from latent_explorer.common.csv_table import escape_formula
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice, Progress
from latent_explorer.common.format import shortened
from latent_explorer.common.jobs import forward_events
from latent_explorer.common.paths import atomic_output, check_writable, safe_file_name
from latent_explorer.media.animation.frames import CaptionContext, Frame
from latent_explorer.media.animation.settings import MIN_SIZE, AnimationSettings
from latent_explorer.media.animation.writer import write_animation
from latent_explorer.media.drawing import font_warning
from latent_explorer.media.sheet import Cell, Row, draw_sheet

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from latent_explorer.app.export.scene import ExportContext
    from latent_explorer.app.sweep.job import SupportsSweep
    from latent_explorer.app.sweep.plan import ClassSweep
    from latent_explorer.media.animation.writer import WrittenAnimation

PICTURE, LARGEST = 128, 256  # px, side of a picture in a grid
MOST_CLASSES = 12  # in the animation of all classes
ACROSS = 6  # pictures of a class there
ALL = "all classes"


class SweepItem(msgspec.Struct, frozen=True):
    """One class: its files and figures."""

    target: str
    moved: str  # what moved the pictures
    file: str
    pictures: tuple[str, ...]
    figures: dict[str, float]
    mean: tuple[float, ...]  # probability of the class at every alpha
    control_alphas: tuple[float, ...]
    control: tuple[float, ...]  # the same, moved at random


@dataclass(frozen=True)
class SweepFiles:
    """What was written into a folder; `together` is the animation of all classes, None for one class alone."""

    folder: Path
    items: tuple[SweepItem, ...]
    together: Path | None
    table: Path
    manifest: Path


def export_sweeps(
    folder: Path,
    sweeps: Sequence[ClassSweep],
    context: ExportContext,
    renderer: SupportsSweep,
    *,
    suffix: str = ".gif",
    size: int = 0,
) -> Generator[Event, None, SweepFiles]:
    """Render the sweeps and write them into a folder: `01 healthy.gif`, `all classes.gif`, a table and a manifest.

    size  px of a picture in the grids; 0: PICTURE. Cancelling keeps the animations that are finished.
    """
    if not sweeps:
        raise UserError("There is nothing to sweep: no class has a direction or attributes. Find some first.")
    if size and not MIN_SIZE <= size <= LARGEST:
        raise UserError(f"{size} px is not a size for the pictures of a grid. Choose {MIN_SIZE} to {LARGEST} px.")
    check_writable(folder, "folder")
    names = caption_context_of(context.state, context.summary).class_names
    if problem := font_warning(names):
        yield Notice(problem, "warning")
    done: list[SweepPictures] = []
    items: list[SweepItem] = []
    for number, sweep in enumerate(sweeps):
        job = sweep_pictures(sweep, context, renderer)
        found = yield from forward_events(job, partial(_counted, done=number, total=len(sweeps)))
        name = f"{sweep.target:02d} {safe_file_name(names[sweep.target])[:60] or 'class'}{suffix}"
        yield from _written(folder / name, [found], context, size or PICTURE)
        items.append(_item(found, context, name))
        done.append(found)
    together = None
    if len(done) > 1:
        if len(done) > MOST_CLASSES:
            yield Notice(f"{ALL}{suffix} shows the first {MOST_CLASSES} of {len(done)} classes.")
        together = folder / f"{ALL}{suffix}"
        yield from _written(together, done[:MOST_CLASSES], context, size or PICTURE)
    table, manifest = _write_lists(folder, done, items, context)
    return SweepFiles(folder, tuple(items), together, table, manifest)


def _counted(event: Event, done: int, total: int) -> Event | None:
    """Return an event of one sweep, its progress as a part of the whole; None for interim results."""
    if not isinstance(event, Progress):
        return event if isinstance(event, Notice) else None
    part = STEPS * event.done // event.total if event.total else 0
    return Progress(STEPS * done + part, STEPS * total, event.message)


def _written(
    path: Path, sweeps: Sequence[SweepPictures], context: ExportContext, side: int
) -> Generator[Event, None, WrittenAnimation]:
    """Write the grid of one sweep, or a row of each of several."""
    first = grid_frame(sweeps, 0, context, side)
    settings = AnimationSettings(size=max(first.shape[:2]))
    captions = caption_context_of(context.state, context.summary)

    def write(frames: Iterator[Frame]) -> Generator[Event, None, WrittenAnimation]:
        return write_animation(path, frames, settings, CaptionContext(captions.class_names), STEPS)

    with BackgroundJob(write) as encoding:
        for step in range(STEPS):
            image = first if step == 0 else grid_frame(sweeps, step, context, side)
            probs = np.mean([each.probs[:, step].mean(axis=0) for each in sweeps], axis=0)
            frame = Frame(image, probs, step / settings.fps)
            while not encoding.put(frame):
                yield Progress(step, STEPS, f"Writing {path.name}")
            yield Progress(step + 1, STEPS, f"Writing {path.name}")
        return (yield from encoding.drain())


def grid_frame(sweeps: Sequence[SweepPictures], step: int, context: ExportContext, side: int) -> np.ndarray:
    """Return one frame (H, W, 3) uint8: the grid of a sweep, or a row of each of several, with probabilities."""
    names = caption_context_of(context.state, context.summary).class_names
    if len(sweeps) > 1:
        rows = [_class_row(each, step, names) for each in sweeps]
        return _even(draw_sheet(rows, title=f"alpha {ALPHAS[step]:.2f}", picture=side))
    (found,) = sweeps
    cells = _cells(found, step)
    across = columns_of(len(cells))
    rows = [Row("", tuple(cells[i : i + across])) for i in range(0, len(cells), across)]
    mean = found.of_target[:, step].mean()
    title = f"{shortened(names[found.sweep.target], 30)} {mean:.2f}   alpha {ALPHAS[step]:.2f}"
    return _even(draw_sheet(rows, title=title, footer=found.sweep.name, picture=side))


def columns_of(count: int) -> int:
    """Return how many pictures stand side by side in a grid of 4 to 12: two rows of up to 4, else three."""
    return math.ceil(count / (2 if count <= 8 else 3))


def _cells(found: SweepPictures, step: int) -> list[Cell]:
    """Return the pictures at a step with their probability, bold where the verdict is the sweep's class."""
    target = found.sweep.target
    return [
        Cell(found.images[number, step], f"{probs[target]:.2f}", bool(probs.argmax() == target))
        for number, probs in enumerate(found.probs[:, step])
    ]


def _class_row(found: SweepPictures, step: int, names: Sequence[str]) -> Row:
    mean = found.of_target[:, step].mean()
    cells = tuple(_cells(found, step)[:ACROSS])
    return Row(shortened(names[found.sweep.target], 30), cells, (f"mean {mean:.2f}", shortened(found.sweep.name, 40)))


def _even(image: np.ndarray) -> np.ndarray:
    """Return a picture with even sides, as videos need, by repeating its last row and column."""
    height, width = image.shape[:2]
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _item(found: SweepPictures, context: ExportContext, file: str) -> SweepItem:
    names = caption_context_of(context.state, context.summary).class_names
    alphas, control = found.control_curve()
    return SweepItem(
        target=names[found.sweep.target],
        moved=found.sweep.name,
        file=file,
        pictures=tuple(name_of(base, context.summary) for base in found.sweep.bases),
        figures={key: value for key, value in found.figures().items() if math.isfinite(value)},
        mean=tuple(found.curve()[1]),
        control_alphas=tuple(alphas),
        control=tuple(control),
    )


def _write_lists(
    folder: Path, done: Sequence[SweepPictures], items: Sequence[SweepItem], context: ExportContext
) -> tuple[Path, Path]:
    """Write every probability as CSV, and figures with model and classifier as JSON."""
    captions = caption_context_of(context.state, context.summary)
    table, manifest = folder / "sweep.csv", folder / f"{MANIFEST}.json"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "moved", "picture", "alpha", "probability"])
    for found, item in zip(done, items, strict=True):
        head = [escape_formula(item.target), escape_formula(item.moved)]
        for name, probs in zip(item.pictures, found.of_target, strict=True):
            writer.writerows(
                [*head, escape_formula(name), f"{a:g}", f"{p:.6g}"] for a, p in zip(ALPHAS, probs, strict=True)
            )
    facts: dict[str, Any] = {**captions.facts, "class_names": captions.class_names, "alphas": ALPHAS}
    facts.pop("target")
    with atomic_output(table) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
    with atomic_output(manifest) as temporary:
        content = msgspec.json.format(msgspec.json.encode({**facts, "sweeps": list(items)}), indent=2)
        temporary.write_bytes(content + b"\n")
    return table, manifest
