# SPDX-License-Identifier: MIT
"""The headless tour: a sheet of the first attributes, a leaf that crosses the decision boundary, a report.

Takes any renderer, and knows no torch; the picture of the window is made in `ui`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from latent_explorer.app import live
from latent_explorer.app.state import ExplorerState, canonical_edits
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Preview, Progress, Result
from latent_explorer.common.paths import atomic_path
from latent_explorer.explain.recipe import Picture, SampleBase, StyleShift
from latent_explorer.media.animation import there_and_back, write_gif
from latent_explorer.media.drawing import enlarge, with_caption
from latent_explorer.media.sheet import Cell, Row, draw_sheet, write_picture
from latent_explorer.models.attributes import Attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from latent_explorer.explain.recipe import PictureRequest, RenderResult
    from latent_explorer.models.summary import ExplainerSummary

    Render = Callable[[PictureRequest], RenderResult]

ATTRIBUTES = 4  # on the sheet
CANDIDATES = 24  # pictures tried for each choice
FRAMES, REST, FPS = 25, 8, 20  # of the animation: one way, held at each end
GIF_SIZE = 384  # px, of the picture in it


@dataclass(frozen=True)
class _Flip:
    """A picture, and how many of the first attributes it takes to change its verdict."""

    state: ExplorerState
    attributes: tuple[Attribute, ...]
    before: Picture
    after: Picture

    @property
    def flipped(self) -> bool:
        return bool(self.before.probs.argmax() != self.after.probs.argmax())


def demo(
    out: Path, summary: ExplainerSummary, render: Render
) -> Generator[Event, None, dict[str, Any]]:
    """Write attributes.png, flip.gif and report.json into `out`. The last event is a Result with the report."""
    start = time.monotonic()
    state = live.opening_state(summary)
    attributes = _attributes(summary, state)
    out.mkdir(parents=True, exist_ok=True)
    sheet = yield from _sheet(summary, state, attributes, render)
    write_picture(out / "attributes.png", sheet)
    flip = yield from _find_flip(summary, state, attributes, render)
    frames = yield from _frames(summary, flip, render)
    write_gif(out / "flip.gif", frames, fps=FPS)
    report = _report(summary, flip) | {"seconds": round(time.monotonic() - start, 2)}
    write_report(out, report)
    yield Result(report)
    return report


def write_report(out: Path, report: dict[str, Any]) -> None:
    """Write report.json into the folder."""
    text = msgspec.json.format(msgspec.json.encode(report), indent=2)
    with atomic_path(out / "report.json") as temporary:
        temporary.write_bytes(text + b"\n")


def _attributes(summary: ExplainerSummary, state: ExplorerState) -> list[Attribute]:
    found = [
        attribute
        for each in summary.attribute_sets
        if each.classifier_id == state.classifier_id
        for attribute in each.attributes
        if attribute.target == state.target_class
    ]
    if not found or summary.samples is None or not summary.samples.ids:
        raise UserError(
            f"{summary.name} has no attributes or no encoded pictures to show. Run AttFind on it first."
        )
    return found


def _samples(summary: ExplainerSummary, target: int, of_target: bool) -> list[int]:
    """Up to CANDIDATES encoded pictures that are, or are not, of the target class; the least certain first."""
    assert summary.samples is not None
    probs = summary.samples.probs
    rows = np.flatnonzero((probs.argmax(axis=1) == target) == of_target)
    order = np.abs(probs[rows, target] - 0.5).argsort(kind="stable")
    return [int(row) for row in rows[order][:CANDIDATES]]


def _moved(
    state: ExplorerState, attributes: Sequence[Attribute], amount: float, index: int | None = None
) -> ExplorerState:
    """The state with the attributes, and no other edits, at `amount`; on sample `index` if given."""
    shifts = tuple(
        StyleShift(entry.style_index, entry.end, amount * entry.weight)
        for attribute in attributes
        for entry in attribute.entries
    )
    base = state.base if index is None else SampleBase(index)
    return msgspec.structs.replace(state, base=base, edits=canonical_edits(shifts))


# The sheet ---------------------------------------------------------------------------------------


def _sheet(
    summary: ExplainerSummary, state: ExplorerState, attributes: Sequence[Attribute], render: Render
) -> Generator[Event, None, np.ndarray]:
    """Rows of original, minus and plus: of a picture that plus changes most, and of one that minus changes most."""
    target = state.target_class
    name = _class_names(summary, state)[target]
    rows = []
    for rank, attribute in enumerate(attributes[:ATTRIBUTES], start=1):
        cells: list[Cell] = []
        for amount in (1.0, -1.0):
            index = _most_changed(summary, state, attribute, amount, render)
            if index is not None:
                cells += _three(summary, state, attribute, index, render)
        notes = (f"effect {attribute.mean_effect:+.2f} on {name}", _place(summary, attribute))
        rows.append(Row(f"{rank}  {live_name(attribute)}", tuple(cells), notes))
        yield Progress(rank, min(ATTRIBUTES, len(attributes)), "Drawing attributes")
    return draw_sheet(
        rows,
        columns=("original", "minus", "plus") * 2,
        title=f"What makes {summary.name} say {name}",
        footer=f"P({name}) below each picture; bold: the verdict changed. Original is the reconstruction. "
        f"Minus and plus: the whole way to the observed ends. Classifier {state.classifier_id[:12]}.",
    )


def live_name(attribute: Attribute) -> str:
    """The attribute's own name, else its coordinate."""
    entry = attribute.entries[0]
    return attribute.name or f"style {entry.style_index} {'up' if entry.end == 'max' else 'down'}"


def _place(summary: ExplainerSummary, attribute: Attribute) -> str:
    layer, channel = summary.layout.at(attribute.entries[0].style_index)
    return f"{layer.resolution} px, {layer.name}, channel {channel}"


def _most_changed(
    summary: ExplainerSummary,
    state: ExplorerState,
    attribute: Attribute,
    amount: float,
    render: Render,
) -> int | None:
    """The candidate whose probability the attribute changes most in its direction; None without candidates."""
    target = state.target_class
    changes = {}
    for index in _samples(summary, target, of_target=amount < 0)[: CANDIDATES // 2]:
        result = render(live.resolve(_moved(state, [attribute], amount, index), summary))
        changes[index] = amount * float(result.after.probs[target] - result.before.probs[target])
    return max(changes, key=changes.__getitem__) if changes else None


def _three(
    summary: ExplainerSummary,
    state: ExplorerState,
    attribute: Attribute,
    index: int,
    render: Render,
) -> list[Cell]:
    pictures = [
        render(live.resolve(_moved(state, [attribute], amount, index), summary)).after
        for amount in (0.0, -1.0, 1.0)
    ]
    verdict = pictures[0].probs.argmax()
    name = _class_names(summary, state)[state.target_class]
    return [
        Cell(
            picture.image,
            f"{name} {picture.probs[state.target_class]:.2f}",
            strong=bool(picture.probs.argmax() != verdict),
        )
        for picture in pictures
    ]


# The flip ----------------------------------------------------------------------------------------


def _find_flip(
    summary: ExplainerSummary, state: ExplorerState, attributes: Sequence[Attribute], render: Render
) -> Generator[Event, None, _Flip]:
    """The picture that needs the fewest attributes to change its verdict, and among those ends the surest."""
    target = state.target_class
    best: tuple[tuple[bool, int, float], _Flip] | None = None
    indices = _samples(summary, target, of_target=False) or _samples(summary, target, True)
    for done, index in enumerate(indices, start=1):
        for count in range(1, len(attributes) + 1):
            chosen = tuple(attributes[:count])
            moved = _moved(state, chosen, 1.0, index)
            result = render(live.resolve(moved, summary))
            flip = _Flip(moved, chosen, result.before, result.after)
            rank = (flip.flipped, -count, float(result.after.probs[target]))
            if best is None or rank > best[0]:
                best = rank, flip
            if flip.flipped or (best[0][0] and count >= len(best[1].attributes)):
                break
        yield Progress(done, len(indices), "Looking for a picture that flips")
    assert best is not None
    return best[1]


def _frames(
    summary: ExplainerSummary, flip: _Flip, render: Render
) -> Generator[Event, None, list[np.ndarray]]:
    """The way from the original to the flipped picture and back, the probability drawn in."""
    names, target = _class_names(summary, flip.state), flip.state.target_class
    index = flip.state.base.index if isinstance(flip.state.base, SampleBase) else 0
    eased = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, FRAMES))
    frames = []
    for done, amount in enumerate(eased, start=1):
        moved = _moved(flip.state, flip.attributes, float(amount), index)
        picture = render(live.resolve(moved, summary)).after
        large = enlarge(picture.image, max(1, GIF_SIZE // picture.image.shape[0]))
        verdict = names[int(picture.probs.argmax())]
        frames.append(with_caption(large, picture.probs, names, target, f"says {verdict}"))
        yield Preview(picture.image)
        yield Progress(done, FRAMES, "Rendering the animation")
    return there_and_back(frames, rest=REST)


def _class_names(summary: ExplainerSummary, state: ExplorerState) -> tuple[str, ...]:
    classifier = live.classifier_of(state, summary)
    assert classifier is not None  # the attributes were found with it
    return classifier.class_names


def _report(summary: ExplainerSummary, flip: _Flip) -> dict[str, Any]:
    target = flip.state.target_class
    base = flip.state.base
    assert summary.samples is not None
    assert isinstance(base, SampleBase)
    return {
        "model_hash": summary.model_hash,
        "classifier_id": flip.state.classifier_id,
        "seeds": [],  # the tour shows encoded pictures only
        "samples": [summary.samples.ids[base.index]],
        "target": _class_names(summary, flip.state)[target],
        "attributes": [live_name(attribute) for attribute in flip.attributes],
        "before": float(flip.before.probs[target]),
        "after": float(flip.after.probs[target]),
        "flipped": flip.flipped,
    }
