# SPDX-License-Identifier: MIT
"""Checks that recipes, states and timelines from a file fit the open model. Pure functions that return a reason.

A reason completes "... does not fit: "; it is empty if everything fits. Problems that do not depend on the model are
found in `explain.timeline.file`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from latent_explorer.explain.directions.direction import direction_problem
from latent_explorer.explain.recipe import (
    BlendEndBase,
    DirectionShift,
    MixBase,
    PictureRecipe,
    SampleBase,
    SeedBase,
    StyleShift,
    parts,
)
from latent_explorer.explain.timeline.file import recipe_problem, timeline_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.explain.recipe import Base, Noise
    from latent_explorer.explain.timeline.timeline import Timeline
    from latent_explorer.models.summary import ExplainerSummary

MAX_SEED = 2**63  # torch's bound
MAX_TIMELINES = 100


def recipe_mismatch(recipe: PictureRecipe, summary: ExplainerSummary) -> str:
    """Return why this model cannot render a recipe."""
    if reason := recipe_problem(recipe):  # first, because it bounds the depth of the recipe
        return reason
    bases = list(_all(recipe.base))
    rows, layout = summary.layout.num_ws, summary.layout
    samples = len(summary.samples.ids) if summary.samples else 0
    ends = [b for b in bases if isinstance(b, BlendEndBase)]
    cutoffs = [recipe.truncation_cutoff, *(b.truncation_cutoff for b in ends)]
    wrong = {
        "its sample is not in it": any(isinstance(b, SampleBase) and not 0 <= b.index < samples for b in bases),
        "its seed is out of range": any(isinstance(b, SeedBase) and not 0 <= b.seed < MAX_SEED for b in bases),
        "it mixes rows that are not in it": any(
            isinstance(b, MixBase) and not 0 <= b.first <= b.last < rows for b in bases
        ),
        "it truncates rows that are not in it": any(not 0 <= (c or 0) < MAX_SEED for c in cutoffs),
        "it moves a style that is not in it": any(
            isinstance(e, StyleShift)
            and not layout.can_move(e.style_index, e.ends is not msgspec.UNSET and e.unit == "range")
            for e in recipe.edits
        ),
        "it moves a direction of another model": any(
            isinstance(e, DirectionShift) and direction_problem(e.direction, rows, summary.w_dim) for e in recipe.edits
        ),
        "it names other classes": _names_other_classes([recipe.cond, *(b.cond for b in ends)], summary),
    }
    return next((reason for reason, applies in wrong.items() if applies), noise_mismatch(recipe.noise))


def noise_mismatch(noise: Noise) -> str:
    """Return why a noise cannot be made."""
    fits = all(0 <= n.seed < MAX_SEED for n in _noises(noise))
    return "" if fits else "its noise's seed is out of range"


def timeline_mismatch(timeline: Timeline, summary: ExplainerSummary) -> str:
    """Return why a timeline cannot be shown with this model."""
    if reason := timeline_problem(timeline):
        return reason
    classifier_ids = {"", *(c.classifier_id for c in summary.classifiers)}
    if timeline.classifier_id not in classifier_ids:
        return "the classifier of a timeline is not in it"
    recipes = (recipe_mismatch(k.recipe, summary) for k in timeline.keyframes)
    noise = noise_mismatch(timeline.noise) if timeline.noise else ""
    return next(filter(None, (noise, *recipes)), "")


def timelines_mismatch(timelines: tuple[Timeline, ...], summary: ExplainerSummary) -> str:
    """Return why the timelines of a state cannot be used."""
    mismatches = (timeline_mismatch(t, summary) for t in timelines)
    return _list_problem(timelines) or next(filter(None, mismatches), "")


def state_problem(state: ExplorerState) -> str:
    """Return why a state could be used with no model."""
    problems = (timeline_problem(t) for t in state.timelines)
    return recipe_problem(recipe_of(state)) or _list_problem(state.timelines) or next(filter(None, problems), "")


def recipe_of(state: ExplorerState) -> PictureRecipe:
    """Return what a state says of its picture, for checks; `picture_requests.resolve` makes the request."""
    return PictureRecipe(
        base=state.base,
        truncation_psi=state.truncation_psi,
        truncation_cutoff=state.truncation_cutoff,
        noise=state.noise,
        cond=state.cond,
        edits=state.edits,
    )


def _list_problem(timelines: tuple[Timeline, ...]) -> str:
    names = [t.name for t in timelines]
    if len(names) > MAX_TIMELINES:
        return f"it has more than {MAX_TIMELINES} timelines"
    return "two of its timelines have the same name" if len(set(names)) < len(names) else ""


def _names_other_classes(conds: list[tuple[float, ...] | None], summary: ExplainerSummary) -> bool:
    classifier = next((c for c in summary.classifiers if c.classifier_id == summary.conditioned_on), None)
    return classifier is not None and any(c and len(c) != len(classifier.class_names) for c in conds)


def _all(base: Base) -> Iterator[Base]:
    yield base
    for part in parts(base):
        yield from _all(part)


def _noises(noise: Noise) -> Iterator[Noise]:
    yield noise
    for end in (noise.a, noise.b):
        if end is not None:
            yield from _noises(end)
