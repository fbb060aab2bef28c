# SPDX-License-Identifier: MIT
"""Export all: animations of the first attributes on several pictures, and a manifest that describes them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from latent_explorer.app.export.job import animation
from latent_explorer.app.export.scene import (
    ExportContext,
    Scene,
    caption_context_of,
    flip_timeline,
    name_of,
    unedited_recipe,
)
from latent_explorer.common.csv_table import escape_formula
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Notice, Progress
from latent_explorer.common.jobs import forward_events
from latent_explorer.common.paths import atomic_output, check_writable, safe_file_name
from latent_explorer.explain.recipe import Base, PictureRequest, SampleBase, SeedBase

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from latent_explorer.app.export.job import Render
    from latent_explorer.media.animation.settings import AnimationSettings
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.summary import ExplainerSummary

MANIFEST = "manifest"
_STEPS = 100  # of progress per animation


class BatchItem(msgspec.Struct, frozen=True):
    """One animation: from the unedited picture to the attribute's slider at `amount` and back."""

    file: str
    attribute: str
    rank: int  # from 1
    style_indices: tuple[int, ...]
    directions: tuple[str, ...]  # the observed end that +1 moves to, one per style index
    weights: tuple[float, ...]
    amount: float  # -1 if the picture was of the target class already
    picture: str
    base: Base
    verdict_before: str
    verdict_after: str
    p_before: float  # of the target class
    p_after: float
    flipped: bool
    bytes: int
    note: str = ""  # the user's, on the attribute


@dataclass(frozen=True)
class BatchResult:
    """The files written into the folder."""

    folder: Path
    items: tuple[BatchItem, ...]
    manifest: Path
    table: Path


def pictures_of(summary: ExplainerSummary, count: int, seeds: bool = False) -> list[Base]:
    """Return `count` samples spread evenly over the file, always the same; seeds if it has none."""
    num_samples = len(summary.samples.ids) if summary.samples else 0
    if seeds or not num_samples:
        return [SeedBase(seed) for seed in range(count)]
    rows = np.linspace(0, num_samples - 1, min(count, num_samples)).round().astype(int)
    return [SampleBase(int(row)) for row in rows]


def export_all(
    folder: Path,
    context: ExportContext,
    bases: Sequence[Base],
    settings: AnimationSettings,
    render: Render,
    suffix: str = ".gif",
) -> Generator[Event, None, BatchResult]:
    """Write an animation for every attribute and picture. Cancelling keeps the finished ones, and their manifest."""
    if not context.attributes or not bases:
        raise UserError("There is nothing to export: no attributes, or no pictures. Find attributes first.")
    check_writable(folder, "folder")
    items: list[BatchItem] = []
    begun: BatchItem | None = None
    told: set[str] = set()
    pairs = [(rank, a, base) for rank, a in enumerate(context.attributes, 1) for base in bases]
    try:
        for rank, attribute, base in pairs:
            begun, scene = _shot(rank, attribute, base, context, render, suffix)
            job = animation(folder / begun.file, scene, settings, render)
            counted = partial(_counted, done=len(items), total=len(pairs), name=begun.file, told=told)
            written = yield from forward_events(job, counted)
            items.append(msgspec.structs.replace(begun, bytes=written.bytes))
            begun = None
    finally:
        if begun is not None and (folder / begun.file).exists():  # cancelled just as it was completed
            size = (folder / begun.file).stat().st_size
            items.append(msgspec.structs.replace(begun, bytes=size))
        if items:
            manifest, table = write_manifest(folder, items, context)
    return BatchResult(folder, tuple(items), manifest, table)


def _shot(
    rank: int, attribute: Attribute, base: Base, context: ExportContext, render: Render, suffix: str
) -> tuple[BatchItem, Scene]:
    """Return the animation that moves a picture away from its class by one attribute, and its manifest entry."""
    state, summary = context.state, context.summary
    request = PictureRequest(unedited_recipe(context, base), state.classifier_id)
    captions = caption_context_of(state, summary)
    before = render(request).after
    is_target = before.verdict == captions.target
    amount = -1.0 if is_target else 1.0
    timeline = flip_timeline(request.recipe, attribute, amount)
    end = PictureRequest(timeline.keyframes[-1].recipe, state.classifier_id)
    after = render(end).after
    picture = name_of(base, summary)
    verdicts = [captions.class_names[p.verdict] for p in (before, after)]
    item = BatchItem(
        file=_file(rank, attribute, picture, base) + suffix,
        attribute=attribute.name,
        rank=rank,
        style_indices=tuple(e.style_index for e in attribute.entries),
        directions=tuple(e.end for e in attribute.entries),
        weights=tuple(e.weight for e in attribute.entries),
        amount=amount,
        picture=picture,
        base=base,
        verdict_before=verdicts[0],
        verdict_after=verdicts[1],
        p_before=float(before.probs[captions.target]),
        p_after=float(after.probs[captions.target]),
        flipped=verdicts[0] != verdicts[1],
        bytes=0,
        note=attribute.note,
    )
    return item, Scene(timeline, state, summary)


def _file(rank: int, attribute: Attribute, picture: str, base: Base) -> str:
    """Return a file name such as "01 brown spots - sample 12"; different names stay different on every system."""
    number = f"sample {base.index}" if isinstance(base, SampleBase) else picture
    return f"{rank:02d} {safe_file_name(attribute.name)[:40] or 'attribute'} - {safe_file_name(number)}"


def _counted(event: Event, done: int, total: int, name: str, told: set[str]) -> Event | None:
    """Return an event of one animation, its progress scaled to a part of the whole; None for a notice `told` before."""
    if isinstance(event, Notice) and event.text in told:
        return None
    if isinstance(event, Notice):
        told.add(event.text)
    if not isinstance(event, Progress):
        return event
    part = _STEPS * event.done // event.total if event.total else 0
    return Progress(_STEPS * done + part, _STEPS * total, name)


def write_manifest(folder: Path, items: Sequence[BatchItem], context: ExportContext) -> tuple[Path, Path]:
    """Write the items as JSON, with model and classifier, and as CSV."""
    captions = caption_context_of(context.state, context.summary)
    head = {**captions.facts, "class_names": captions.class_names, "animations": list(items)}
    manifest, table = folder / f"{MANIFEST}.json", folder / f"{MANIFEST}.csv"
    with atomic_output(manifest) as temporary:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(head), indent=2) + b"\n")
    with atomic_output(table) as temporary:
        temporary.write_text(_csv(items), encoding="utf-8")
    return manifest, table


def _csv(items: Sequence[BatchItem]) -> str:
    text = io.StringIO()
    names = [name for name in BatchItem.__struct_fields__ if name != "base"]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for item in items:
        writer.writerow([_cell(getattr(item, name)) for name in names])
    return text.getvalue()


def _cell(value: Any) -> str:
    """Return the text of a cell; several values of a field are joined by "+", as an attribute's sliders are."""
    if isinstance(value, tuple) and len(value) != 1:
        value = "+".join(map(_plain, value))
    elif isinstance(value, tuple):
        (value,) = value
    return _plain(escape_formula(value))


def _plain(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
