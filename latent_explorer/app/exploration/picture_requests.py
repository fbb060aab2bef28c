# SPDX-License-Identifier: MIT
"""Requests of the pictures of a state, its check against a model, and warnings about results. Pure functions only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np

from latent_explorer.app.exploration.compatibility import recipe_mismatch, recipe_of, timelines_mismatch
from latent_explorer.app.exploration.intents import SetBase
from latent_explorer.app.exploration.state import ExplorerState, with_attribute
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import shortened
from latent_explorer.explain.directions.direction import MAX_TYPICAL
from latent_explorer.explain.projection.report_text import OUTSIDE_DOMAIN, cautions
from latent_explorer.explain.recipe import (
    Base,
    DirectionShift,
    Noise,
    PictureRecipe,
    PictureRequest,
    RenderResult,
    SampleBase,
    SeedBase,
    StyleShift,
    canonical_edits,
    is_generated,
    leaves,
)
from latent_explorer.models.attributes import AttributeEntry, newest_set, opposite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from latent_explorer.explain.projected import ProjectedPicture
    from latent_explorer.models.attributes import Attribute
    from latent_explorer.models.summary import ClassifierSummary, ExplainerSummary, StyleStats

MAX_TYPICAL_DISTANCE = 2.0  # w_distance above which a warning appears; the mapping network gives about 1
END_TOLERANCE = 0.02  # share of the observed range within which a value counts as being at its end


# Requests ----------------------------------------------------------------------------------------


def resolve(state: ExplorerState, summary: ExplainerSummary) -> PictureRequest:
    """Return the request for the state's picture. States that mean the same picture give equal requests."""
    return _request(state, summary, state.base, state.noise)


def resolve_grid(
    state: ExplorerState,
    summary: ExplainerSummary,
    bases: Sequence[Base],
    noise_of: Callable[[Base], Noise | None] = lambda _base: None,
) -> list[PictureRequest]:
    """Return requests of the same edits on other base latents.

    Each latent keeps its own cond, and its own noise if it has one.
    """
    shown = (SetBase(base, noise_of(base)).next_state(state).noise for base in bases)
    noises = (state.noise if base == state.base else n for base, n in zip(bases, shown, strict=True))
    return [_request(state, summary, b, n) for b, n in zip(bases, noises, strict=True)]


def resolve_hover(state: ExplorerState, summary: ExplainerSummary, attribute: Attribute) -> list[PictureRequest]:
    """Return [minus, plus]: the state's picture with the attribute at -1 and at +1."""
    ends = (with_attribute(state, attribute, amount) for amount in (-1.0, 1.0))
    return [resolve(msgspec.structs.replace(state, edits=edits), summary) for edits in ends]


def resolve_thumbnail(state: ExplorerState, base: Base, noise: Noise | None = None) -> PictureRequest:
    """Return the request of a base latent as it is: no edits, no truncation, the noise that belongs to it."""
    return PictureRequest(PictureRecipe(base, noise=noise or Noise()), state.classifier_id)


def _request(state: ExplorerState, summary: ExplainerSummary, base: Base, noise: Noise) -> PictureRequest:
    truncated = is_generated(base) or state.truncate_encoded
    psi = state.truncation_psi if truncated else 1.0
    cutoff = state.truncation_cutoff
    if psi == 1.0 or (cutoff is not None and cutoff >= summary.layout.num_ws):
        cutoff = None
    # An override of cond belongs to the state's own base; a plain StyleGAN2 has no cond.
    has_own_cond = base == state.base and summary.conditioned_on is not None
    recipe = PictureRecipe(
        base=base,
        truncation_psi=psi,
        truncation_cutoff=cutoff,
        noise=noise,
        cond=state.cond if has_own_cond else None,
        edits=canonical_edits(state.edits),
    )
    return PictureRequest(recipe, state.classifier_id)


# The first state ---------------------------------------------------------------------------------


def opening_state(summary: ExplainerSummary, classifier_id: str = "", target: str | None = None) -> ExplorerState:
    """Return the state that the user sees first: a sample that the first attributes can change.

    `classifier_id` selects another classifier, `target` the class by name. UserError if there is no such class.
    """
    attribute_set = newest_set(summary.attribute_sets, summary.classifier_id)
    first = attribute_set.attributes[0].target if attribute_set and attribute_set.attributes else 0
    state = ExplorerState(
        model_hash=summary.model_hash,
        base=_opening_base(summary, first),
        classifier_id=classifier_id or summary.classifier_id,
        target_class=0 if classifier_id else first,
    )
    if target is None:
        return state
    classifier = classifier_of(state, summary)
    names = classifier.class_names if classifier else ()
    if target not in names:
        raise UserError(f"There is no class {target!r}. Known: {', '.join(names)}.")
    return msgspec.structs.replace(state, target_class=names.index(target))


def _opening_base(summary: ExplainerSummary, target: int) -> Base:
    """Return the sample with P(target) nearest to 0.15: surely of another class, yet near enough to be changed."""
    if summary.samples is None or len(summary.samples.ids) == 0:
        return SeedBase(0)
    probs = summary.samples.probs
    if probs.ndim != 2 or not 0 <= target < probs.shape[1]:
        return SampleBase(0)
    return SampleBase(int(np.argmin(np.abs(probs[:, target] - 0.15))))


def check(state: ExplorerState, summary: ExplainerSummary) -> None:
    """Raise UserError unless every part of a state that came from a file fits this model."""
    classifier = classifier_of(state, summary)
    asked = bool(state.classifier_id or summary.classifiers)  # an imported generator may have no classifier
    wrong = {
        "it belongs to another model": state.model_hash != summary.model_hash,
        "its classifier is not in it": classifier is None and asked,
        "its class is not in it": classifier is not None and not 0 <= state.target_class < len(classifier.class_names),
    }
    reasons = (reason for reason, applies in wrong.items() if applies)
    reason = next(reasons, "") or recipe_mismatch(recipe_of(state), summary)
    if reason := reason or timelines_mismatch(state.timelines, summary):
        raise UserError(
            f"The stored state does not fit {summary.name}: {reason}. Open the explainer that it was made with."
        )


def classifier_of(state: ExplorerState, summary: ExplainerSummary) -> ClassifierSummary | None:
    """Return the selected classifier, or None if the model holds none of that id."""
    return next((c for c in summary.classifiers if c.classifier_id == state.classifier_id), None)


# Warnings ----------------------------------------------------------------------------------------


class Caution(msgspec.Struct, frozen=True):
    """Reason to treat a picture with care, a sentence.

    `outside` names what is outside the data in a few words; it is empty where the reason is another.
    """

    text: str
    outside: str = ""


def warnings(
    request: PictureRequest,
    summary: ExplainerSummary,
    result: RenderResult,
    projected_of: Callable[[Base], ProjectedPicture | None] = lambda _base: None,
) -> tuple[Caution, ...]:
    """Return reasons to treat the picture with care; none of them has an `outside` if it is within the data.

    Takes the request that the result was rendered from, so that the warnings and the picture match.
    """
    recipe = request.recipe
    found = []
    if recipe.truncation_psi > 1:
        text = f"Truncation {recipe.truncation_psi:.2f} is above 1: the picture is more unusual than the data."
        found.append(Caution(text, "truncation"))
    found += _shift_warnings(recipe, summary, result)
    found += _direction_warnings(recipe)
    found += _combination_warnings(result)
    # A picture of the file is within the data, however far its latent lies.
    if result.w_distance > MAX_TYPICAL_DISTANCE and not isinstance(recipe.base, SampleBase):
        text = (
            f"The latent is {result.w_distance:.1f} standard deviations from the average, "
            "further than the pictures the generator learned from."
        )
        found.append(Caution(text, "latent"))
    if request.classifier_id == summary.conditioned_on:  # the table of samples holds the verdicts of no other
        found += [Caution(text) for text in _reconstruction_warnings(recipe, summary, result)]
    for projected in filter(None, map(projected_of, leaves(recipe.base))):
        domain = OUTSIDE_DOMAIN if not projected.report.in_domain else ""
        found += [Caution(text, "photo" if text == domain else "") for text in cautions(projected.report)]
    return tuple(dict.fromkeys(found))  # two photos may give the same reason


def outside_the_data(found: Sequence[Caution]) -> str:
    """Return what is outside the data in a few words: "style 65, combination"; empty if nothing is."""
    return ", ".join(dict.fromkeys(warning.outside for warning in found if warning.outside))


def _shift_warnings(recipe: PictureRecipe, summary: ExplainerSummary, result: RenderResult) -> list[Caution]:
    outside = [
        edit for edit in recipe.edits if isinstance(edit, StyleShift) and _is_outside(edit, summary.style_stats, result)
    ]
    if not outside:
        return []
    if len(outside) == 1:
        name = _shift_name(outside[0], summary)
        # Names have any length, and the status line has little room.
        return [Caution(f"{name} is outside the range that the data shows.", f"style {outside[0].style_index}")]
    count = f"{len(outside)} styles"
    return [Caution(f"{count} are outside the range that the data shows.", count)]


def _direction_warnings(recipe: PictureRecipe) -> list[Caution]:
    far = [e for e in recipe.edits if isinstance(e, DirectionShift) and abs(e.amount) > MAX_TYPICAL]
    return [
        Caution(
            f"{shortened(e.direction.name)} is moved by {abs(e.amount):.1f} standard deviations: hardly any latent "
            "lies that far from the average.",
            shortened(e.direction.name, 24),
        )
        for e in far
    ]


def _combination_warnings(result: RenderResult) -> list[Caution]:
    if result.unlikeness is None or result.unlikeness <= 1:
        return []
    text = (
        f"Taken together the styles are {result.unlikeness:.1f} times as far from those of the file's pictures as "
        "nearly all of these are from each other: none has this combination."
    )
    return [Caution(text, "combination")]


def _shift_name(edit: StyleShift, summary: ExplainerSummary) -> str:
    """Return the explainer's name of a shift in this direction: "Brown centre (style 65)"."""
    end = edit.end if edit.amount >= 0 else opposite(edit.end)
    attribute_set = newest_set(summary.attribute_sets, summary.classifier_id)
    for attribute in attribute_set.attributes if attribute_set else ():
        if attribute.name and attribute.entries == (AttributeEntry(edit.style_index, end, ends=edit.ends),):
            return f"{attribute.name} (style {edit.style_index})"
    return f"Style {edit.style_index}"


def _is_outside(edit: StyleShift, stats: StyleStats | None, result: RenderResult) -> bool:
    if edit.unit == "range" and abs(edit.amount) > 1:
        return True
    if stats is None or edit.style_index >= len(result.styles):  # nothing is observed of toRGB
        return False
    low, high = stats.minimum[edit.style_index], stats.maximum[edit.style_index]
    value = shifted_value(edit, stats, result.styles)
    slack = 1e-4 * (high - low) + 1e-6  # of float32 arithmetic
    return not low - slack <= value <= high + slack


def shifted_value(edit: StyleShift, stats: StyleStats, styles: np.ndarray) -> float:
    """Return the value of the edited coordinate. `styles` (num_styles,) are the picture's unedited values."""
    j = edit.style_index
    value = float(styles[j])
    low, high = ends_of(edit, stats)
    towards_max = (edit.end == "max") == (edit.amount >= 0)
    if edit.unit == "sigma":
        return value + (1 if towards_max else -1) * abs(edit.amount) * float(stats.std[j])
    return value + abs(edit.amount) * ((high if towards_max else low) - value)


def ends_of(place: StyleShift | AttributeEntry, stats: StyleStats) -> tuple[float, float]:
    """Return the style values that an edit or a coordinate of an attribute moves between: its own, or the observed."""
    if place.ends is not msgspec.UNSET:
        return place.ends
    return float(stats.minimum[place.style_index]), float(stats.maximum[place.style_index])


def _reconstruction_warnings(recipe: PictureRecipe, summary: ExplainerSummary, result: RenderResult) -> list[str]:
    """Return a warning if the classifier's class differs between the reconstruction and the real picture."""
    samples, base = summary.samples, recipe.base
    classifier = next((c for c in summary.classifiers if c.classifier_id == summary.conditioned_on), None)
    if not isinstance(base, SampleBase) or samples is None or samples.generated or classifier is None:
        return []
    probs = samples.probs[base.index] if base.index < len(samples.probs) else np.empty(0)
    if recipe.truncation_psi != 1 or recipe.cond or probs.shape != result.before.probs.shape:
        return []
    real, shown = int(np.argmax(probs)), int(np.argmax(result.before.probs))
    if real == shown:
        return []
    names = classifier.class_names
    return [
        f"The reconstruction changes the class: the classifier says {names[real]} of the real picture, "
        f"{names[shown]} of its reconstruction."
    ]


class HasStyles(Protocol):
    """Picture of which the unedited style values are known, such as a `RenderResult`."""

    @property
    def styles(self) -> np.ndarray: ...


def already_at_end(result: HasStyles, summary: ExplainerSummary, attribute: Attribute, sign: int = 1) -> bool:
    """Return True if dragging the attribute to +1 (or -1 with `sign` -1) would change nothing in this picture."""
    stats = summary.style_stats
    if stats is None:
        return False
    for entry in attribute.entries:
        if entry.style_index >= len(result.styles):  # of toRGB, which a result does not tell
            return False
        low, high = ends_of(entry, stats)
        to_max = (entry.end == "max") == (sign * entry.weight > 0)
        distance = float(result.styles[entry.style_index]) - (high if to_max else low)
        if abs(distance) > END_TOLERANCE * (high - low):
            return False
    return True
