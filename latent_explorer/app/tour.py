# SPDX-License-Identifier: MIT
"""Headless tour of an explainer: a leaf that changes its class, its attributes on a sheet, and the way as a GIF.

`demo` runs it; `ui.tour` makes the picture of the window from the result.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer.app.engine.model_host import ModelHost
from latent_explorer.app.exploration import picture_requests
from latent_explorer.app.exploration.document import Document, shown_attributes
from latent_explorer.app.exploration.state import ExplorerState, with_attributes
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Event, Preview, Progress
from latent_explorer.common.paths import atomic_output
from latent_explorer.explain.recipe import Base, Picture, SampleBase, SeedBase
from latent_explorer.models.attributes import Attribute
from latent_explorer.models.summary import ExplainerSummary

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

SAMPLES = 6  # encoded pictures that are tried
SEEDS = (0, 1, 2, 3)  # generated pictures that are tried
MAX_CANDIDATES = 10  # most attributes that are tried
MAX_SLIDERS = 4  # moved together; more would be hard to follow
FPS = 20.0  # of the GIF
MOVE_SECONDS = 1.2  # from one end to the other
REST_SECONDS = 0.4  # at each end


@dataclass(frozen=True)
class TourResult:
    """Picture and the attributes that change its class, each at 1."""

    summary: ExplainerSummary
    state: ExplorerState  # before: no edits
    attributes: tuple[Attribute, ...]
    before: Picture
    after: Picture

    @property
    def flipped(self) -> bool:
        """True if the classifier predicts the target class at the end, and did not before."""
        target = self.state.target_class
        return int(self.after.probs.argmax()) == target != int(self.before.probs.argmax())

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names of the selected classifier."""
        classifier = picture_requests.classifier_of(self.state, self.summary)
        return classifier.class_names if classifier else ()


def tour(path: Path, out: Path, device: str = "auto", *, fps: float = FPS) -> Generator[Event, None, TourResult]:
    """Find a picture that flips and write attributes.png, flip.gif and report.json into `out`. A job.

    The GIF takes most of the time: fewer frames a second make a quicker tour.
    """
    began = time.monotonic()
    host = ModelHost()
    summary = host.open(path, device).summary
    result = yield from _find(host, summary)
    _write_sheet(host, result, out / "attributes.png")
    yield Progress(1, 2, "Writing")
    yield from _write_gif(host, result, out / "flip.gif", fps)
    yield Progress(2, 2, "Writing")
    write_report(result, out / "report.json", time.monotonic() - began)
    return result


def write_report(result: TourResult, path: Path, seconds: float, beside: str = "") -> None:
    """Write the result as JSON; `beside` is the path of another explainer's report, relative to this one's folder."""

    def probabilities(picture: Picture) -> dict[str, float]:
        return {name: float(p) for name, p in zip(result.class_names, picture.probs, strict=True)}

    report = {
        "model_hash": result.summary.model_hash,
        "seeds": list(SEEDS),
        "shown": msgspec.to_builtins(result.state.base),
        "target": result.class_names[result.state.target_class],
        "attributes": [attribute.name for attribute in result.attributes],
        "before": probabilities(result.before),
        "after": probabilities(result.after),
        "flipped": result.flipped,
        "seconds": round(seconds, 3),
        **({"beside": beside} if beside else {}),
    }
    with atomic_output(path) as temporary:
        temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _find(host: ModelHost, summary: ExplainerSummary) -> Generator[Event, None, TourResult]:
    """Return the tried picture that flips with the fewest attributes and the clearest verdict."""
    start = picture_requests.opening_state(summary)
    tours: list[TourResult] = []
    for state in _starts(summary, start):
        listed = shown_attributes(Document(), summary, state)[:MAX_CANDIDATES]
        bases = _candidates(summary, state) if listed else []
        for done, base in enumerate(bases, start=1):
            result = _flip(host, summary, msgspec.structs.replace(state, base=base), listed)
            if result is not None:
                tours.append(result)
                yield Preview(result.after.image, "tried")
            yield Progress(done, len(bases), "Looking for a picture that changes its class")
        if any(result.flipped for result in tours):
            break
    if not tours:
        raise UserError(
            f"{summary.name} holds no attributes that could be shown. "
            "Run `latent-explorer attfind` on it with --out first."
        )
    return min(tours, key=_rank)


def _starts(summary: ExplainerSummary, start: ExplorerState) -> list[ExplorerState]:
    """Return the state with each class as its target, its own first."""
    classifier = picture_requests.classifier_of(start, summary)
    others = [t for t in range(len(classifier.class_names) if classifier else 0) if t != start.target_class]
    return [start, *(msgspec.structs.replace(start, target_class=t) for t in others)]


def _rank(result: TourResult) -> tuple[bool, bool, int, float]:
    """Return the sort key, best first: flipped, a real picture's reconstruction, few attributes, a clear verdict."""
    return (
        not result.flipped,
        isinstance(result.state.base, SeedBase),
        len(result.attributes),
        -float(result.after.probs[result.state.target_class]),
    )


def _candidates(summary: ExplainerSummary, start: ExplorerState) -> list[Base]:
    """Return the encoded pictures with P(target) nearest to 0.15, then seeds."""
    seeds: list[Base] = [SeedBase(seed) for seed in SEEDS]
    if summary.samples is None or not len(summary.samples.ids):
        return seeds
    probs = summary.samples.probs
    target = min(start.target_class, probs.shape[1] - 1)
    order = np.argsort(np.abs(probs[:, target] - 0.15), kind="stable")
    return [*(SampleBase(int(i)) for i in order[:SAMPLES]), *seeds]


def _flip(
    host: ModelHost, summary: ExplainerSummary, state: ExplorerState, listed: Sequence[Attribute]
) -> TourResult | None:
    """Add the attribute that raises the target most, until the class changes; None for a picture of that class."""
    target = state.target_class
    before = best = _render(host, summary, state)
    if int(before.probs.argmax()) == target:
        return None
    chosen: list[Attribute] = []
    while len(chosen) < MAX_SLIDERS and int(best.probs.argmax()) != target:
        trials = [
            (_render(host, summary, with_attributes(state, [*chosen, attribute])), attribute)
            for attribute in listed
            if attribute not in chosen
        ]
        if not trials:
            break
        picture, attribute = max(trials, key=lambda trial: trial[0].probs[target])
        if picture.probs[target] <= best.probs[target]:
            break
        best = picture
        chosen.append(attribute)
    return TourResult(summary, state, tuple(chosen), before, best)


def _render(host: ModelHost, summary: ExplainerSummary, state: ExplorerState) -> Picture:
    return host.render(picture_requests.resolve(state, summary)).after


def _write_sheet(host: ModelHost, result: TourResult, path: Path) -> None:
    """Draw four attributes on the picture: original, minus, plus, each with the classifier's verdict."""
    from latent_explorer.media.sheet import Cell, Row, draw_sheet, write_picture

    target = result.state.target_class
    name = result.class_names[target]

    def cell(picture: Picture) -> Cell:
        changed = int(picture.probs.argmax()) != int(result.before.probs.argmax())
        return Cell(picture.image, f"P({name}) {picture.probs[target]:.2f}", strong=changed)

    rows = []
    for rank, attribute in enumerate(shown_attributes(Document(), result.summary, result.state)[:4], 1):
        ends = (with_attributes(result.state, [attribute], amount) for amount in (-1.0, 1.0))
        pictures = [result.before, *(_render(host, result.summary, end) for end in ends)]
        effect = f"{attribute.mean_effect:+.2f} logits on average"
        rows.append(Row(f"{rank}  {attribute.name}", tuple(map(cell, pictures)), (effect,)))
    sheet = draw_sheet(
        rows,
        columns=("original", "minus", "plus"),
        title=f"What moves the classifier towards {name}",
        footer=f"{result.summary.name}, model {result.summary.model_hash[:12]}. Bold: the class changed.",
    )
    write_picture(path, sheet)


def _write_gif(host: ModelHost, result: TourResult, path: Path, fps: float) -> Generator[Event, None, None]:
    """Animate the picture on its way over the decision boundary and back, the probability drawn in."""
    from latent_explorer.media.animation.writer import ping_pong_frames, write_gif
    from latent_explorer.media.drawing import enlarge, export_factor, with_caption

    frames = []
    target, count = result.state.target_class, round(MOVE_SECONDS * fps)
    for done, time_ in enumerate(np.linspace(0.0, 1.0, count), start=1):
        amount = float(time_ * time_ * (3 - 2 * time_))  # ease in and out
        picture = _render(host, result.summary, with_attributes(result.state, result.attributes, amount))
        image = enlarge(picture.image, export_factor(picture.image))
        verdict = result.class_names[int(picture.probs.argmax())]
        frames.append(with_caption(image, picture.probs, result.class_names, target, note=verdict))
        yield Progress(done, count, "Rendering frames")
    write_gif(path, ping_pong_frames(frames, rest=round(REST_SECONDS * fps)), fps=fps)
