# SPDX-License-Identifier: MIT
"""Class sweeps as values: the pictures that move together towards a class, what moves them, and random controls.

A sweep shows w + alpha v for alpha = 0, 0.05, ..., 0.95 (section E of the reference; 1 is not shown), on several
pictures at once. v is a direction at `length` standard deviations, or the class's attributes together at their ends.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from latent_explorer.app.exploration.document import Document, listed_set, shown_attributes
from latent_explorer.app.exploration.state import with_attributes
from latent_explorer.app.export.batch import pictures_of
from latent_explorer.app.export.scene import unedited_recipe
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import shortened
from latent_explorer.explain.direction_search.check import random_like
from latent_explorer.explain.direction_search.settings import TARGETED
from latent_explorer.explain.directions.direction import MAX_TYPICAL
from latent_explorer.explain.recipe import Base, DirectionShift, Edit, SampleBase, SeedBase, StyleShift, slider_edits
from latent_explorer.explain.timeline.makers import stepped_sweep
from latent_explorer.explain.timeline.timeline import frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.app.export.scene import ExportContext
    from latent_explorer.explain.directions.direction import Direction
    from latent_explorer.explain.recipe import PictureRecipe
    from latent_explorer.models.summary import ExplainerSummary

FEWEST, MOST, USUAL = 4, 12, 8  # pictures of a sweep
TOP = 10  # attributes that move together, at most
STEPS = 20
ALPHAS = tuple(step / STEPS for step in range(STEPS))
CONTROLS = 3  # random moves beside each sweep
CONTROL_STEPS = (5, 10, 15, 19)  # at which they are rendered
# Frames in the order in which they are rendered: the whole way first, then what lies between.
ORDER = (0, 19, 10, 5, 15, 2, 7, 12, 17, 1, 3, 4, 6, 8, 9, 11, 13, 14, 16, 18)


class ClassSweep(msgspec.Struct, frozen=True):
    """Pictures and the edits (at alpha 1) that lead them to a class; `name` says what moves them."""

    target: int
    name: str
    edits: tuple[Edit, ...]
    bases: tuple[Base, ...]


def recipes(sweep: ClassSweep, context: ExportContext) -> list[list[PictureRecipe]]:
    """Return the recipes of each picture at every alpha: a list of STEPS for each base."""
    return [frames(stepped_sweep(unedited_recipe(context, base), sweep.edits)) for base in sweep.bases]


def direction_sweep(
    target: int, direction: Direction, bases: Sequence[Base], length: float = MAX_TYPICAL, name: str = ""
) -> ClassSweep:
    """Return the sweep along a direction; alpha 1 is `length` standard deviations."""
    return ClassSweep(target, name or direction.name, slider_edits(direction, length), tuple(bases))


def attributes_sweep(
    target: int,
    document: Document,
    summary: ExplainerSummary,
    state: ExplorerState,
    bases: Sequence[Base],
    top: int = TOP,
) -> ClassSweep | None:
    """Return the sweep of the first attributes of a class, all of them together; None where none is known."""
    asked = msgspec.structs.replace(state, target_class=target, edits=())
    if listed_set(document, summary, asked) is None:
        return None
    listed = [each for each in shown_attributes(document, summary, asked) if each.target == target][:top]
    edits = with_attributes(asked, listed).edits
    if not edits:
        return None
    name = listed[0].name if len(listed) == 1 else f"first {len(listed)} attributes together"
    return ClassSweep(target, name, edits, tuple(bases))


def class_sweeps(
    context: ExportContext,
    directions: Sequence[tuple[int, Direction]],
    bases: Sequence[Base] = (),
    *,
    count: int = USUAL,
    length: float = MAX_TYPICAL,
    top: int = TOP,
) -> list[ClassSweep]:
    """Return a sweep for each direction and its class, or without any for each class by its attributes, by class.

    They move `bases`, or without any `count` pictures of other classes. UserError where there is nothing to sweep, too
    many pictures, or several directions for a class.
    """
    state, summary = context.state, context.summary
    classifier = next((c for c in summary.classifiers if c.classifier_id == state.classifier_id), None)
    if classifier is None:
        raise UserError(f"{summary.name} holds no classifier, so no picture can be moved towards a class.")
    names = classifier.class_names
    size = len(bases) or count
    if not FEWEST <= size <= MOST:
        raise UserError(f"{size} pictures are chosen; a grid has {FEWEST} to {MOST}.")

    def shown(target: int) -> Sequence[Base]:
        return bases or sweep_bases(summary, state.classifier_id, target, count)

    targets = [target for target, _ in directions]
    if twice := [target for target in targets if targets.count(target) > 1]:
        raise UserError(f"Several directions lead to {shortened(names[twice[0]])}. Choose one of them.")
    if directions:
        ordered = sorted(directions, key=lambda each: each[0])
        return [direction_sweep(target, direction, shown(target), length) for target, direction in ordered]
    every = (attributes_sweep(k, Document(), summary, state, shown(k), top) for k in range(len(names)))
    sweeps = [each for each in every if each is not None]
    if not sweeps:
        raise UserError(
            f"{summary.name} holds no attributes. Give directions (`latent-explorer directions X --method guided --out "
            "D.npz` finds some), or search for attributes with `attfind`."
        )
    return sweeps


def target_of(direction: Direction, class_names: Sequence[str]) -> int | None:
    """Return the class that a direction of ours leads to, by its name ("guided healthy 2, rows 0-3"); else None."""
    method, _, rest = direction.name.partition(" ")
    if method not in TARGETED:
        return None
    found = {rest}
    for suffix in (r" \(\d+\)", r", rows? [\d-]+", r" \d+"):
        found |= {re.sub(f"{suffix}$", "", each) for each in found}
    # A class may be called "digit 1": then this is not the first direction to "digit".
    known = sorted(found & _names(tuple(class_names)).keys(), key=len)
    return _names(tuple(class_names))[known[-1]] if known else None


@lru_cache(maxsize=8)
def _names(class_names: tuple[str, ...]) -> dict[str, int]:
    """Return the classes by what directions call them in the window and in a file."""
    shown = {shortened(name): index for index, name in reversed(list(enumerate(class_names)))}
    return {re.sub(r"[^\w ,()+-]+", "_", name): index for name, index in shown.items()} | shown


def sweep_bases(summary: ExplainerSummary, classifier_id: str, target: int, count: int) -> list[Base]:
    """Return `count` pictures to move: of the file, of other classes where that is known, evenly spaced; else seeds."""
    samples = summary.samples
    known = samples is not None and classifier_id == summary.conditioned_on and samples.probs.ndim == 2
    if not known or samples is None or target >= samples.probs.shape[1]:
        bases = pictures_of(summary, count)
    else:
        others = np.flatnonzero(samples.probs.argmax(axis=1) != target)
        chosen = np.linspace(0, len(others) - 1, min(count, len(others))).round().astype(int)
        bases = [SampleBase(int(row)) for row in others[chosen]]
    return [*bases, *(SeedBase(seed) for seed in range(count - len(bases)))]


def control_edits(edits: Sequence[Edit], summary: ExplainerSummary, rng: np.random.Generator) -> tuple[Edit, ...]:
    """Return random edits as large: a direction of the same length and rows, as many other styles at as much."""
    shifts = [edit for edit in edits if isinstance(edit, StyleShift)]
    stats = summary.style_stats
    drawn = rng.permutation(len(stats.minimum) if stats is not None else 0)[: len(shifts)]
    others: list[Edit] = []
    for shift, style_index in zip(shifts, drawn, strict=False):
        amount = shift.amount * rng.choice((-1.0, 1.0))
        others.append(StyleShift(int(style_index), shift.end, float(amount), shift.unit))
    along = [edit for edit in edits if isinstance(edit, DirectionShift)]
    return (*others, *(msgspec.structs.replace(e, direction=random_like(e.direction, rng)) for e in along))
