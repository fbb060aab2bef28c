# SPDX-License-Identifier: MIT
"""Replication of AttFind on the age classifier that StylEx's authors released: what is found here beside their figures.

Each row of the result compares one thing, from the pictures themselves to the flip rate, so that a difference shows
where it begins. Published are the ten coordinates and the split of the pictures that a replication study printed, and
its flip rate (reference, A.1, A.3 and A.7).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from latent_explorer.common.errors import UserError
from latent_explorer.explain.attfind.attfind import analyse, attfind
from latent_explorer.explain.attfind.effects import Reconstructions, SingleMoves, effect_table, reconstruct
from latent_explorer.explain.attfind.result import Subject
from latent_explorer.explain.attfind.settings import AttFindSettings
from latent_explorer.explain.attfind.sufficiency import flips
from latent_explorer.explain.batches import BatchSizer, default_budget
from latent_explorer.explain.latents import copy_to_device
from latent_explorer.models.explainer import Explainer, Samples

if TYPE_CHECKING:
    from collections.abc import Generator

    from latent_explorer.common.events import Event
    from latent_explorer.common.jobs import StepBudget
    from latent_explorer.explain.attfind.result import AttFindResult
    from latent_explorer.models.attributes import AttributeSet
    from latent_explorer.models.importers.stylex.latents import Effects

Coordinate = tuple[int, int]  # direction (0 to the minimum, 1 to the maximum) and style_index
TOP = 10  # attributes
RENDERED = 10  # pictures on which single moves are rendered again

_LOGITS = "logits of the reconstructions"
_MOVES = "effects of single moves, rendered here"
_SELECTION = "list chosen from the authors' effects"
_SEARCH = "list found here"
NO_EFFECTS = "the authors' effects (examples_1.tfrecord) are not there"
NO_LATENTS = "the authors' latents (dlatents.pkl) are not there"


@dataclass(frozen=True)
class Published:
    """Published figures on one model."""

    num_styles: int
    coordinates: tuple[Coordinate, ...]  # from class 1 to class 0, best first
    flips: float  # share of verdicts that all of them change together, at kappa 1
    split: tuple[int, ...]  # pictures of each class, by the verdict on the reconstruction


AGE = Published(
    num_styles=5760,
    coordinates=(
        (1, 5300), (0, 5147), (1, 3301), (1, 3199), (1, 3921), (1, 1208), (0, 4519), (0, 5246), (0, 4172), (1, 4469),
    ),
    flips=0.948,
    split=(90, 160),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One comparison. `here` and `published` are words; `values` are the figures behind them."""

    what: str
    here: str = ""
    published: str = ""
    skipped: str = ""  # why there is nothing to compare
    values: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON holds it."""
        outcome = {"skipped": self.skipped} if self.skipped else {"here": self.here, "published": self.published}
        return {"what": self.what, **outcome, **self.values}


@dataclass(frozen=True)
class _Subject:
    """The imported model and its pictures, and the published figures if they are on a model of its size."""

    model: Explainer
    pictures: Reconstructions
    style_range: torch.Tensor  # (2, num_styles)
    sizer: BatchSizer
    published: Published | None

    def split(self) -> Row:
        """Count the verdicts on the reconstructions."""
        names = self.model.classifier.config.class_names
        counts = [int((self.pictures.classes == c).sum()) for c in range(len(names))]
        values: dict[str, Any] = {"counts": counts}
        words = ""
        if self.published is not None:
            values["published_counts"] = list(self.published.split)
            words = ", ".join(map(str, self.published.split))
        return Row(f"pictures of {', '.join(names)}", ", ".join(map(str, counts)), words, values=values)

    def logits(self, effects: Effects) -> Row:
        """Compare the logits of the reconstructions with those that the authors computed."""
        ours = self.pictures.logits.cpu().numpy()
        largest = float(np.abs(ours - effects.base_logits).max())
        same = float((ours.argmax(axis=1) == effects.base_logits.argmax(axis=1)).mean())
        words = f"differ by at most {largest:.2g} from the authors', {same:.1%} of the verdicts are theirs"
        return Row(_LOGITS, words, values={"largest_difference": largest, "same_verdicts": same})

    def moves(self, effects: Effects) -> Generator[Event, None, Row]:
        """Render the moves of the strongest styles of a few pictures, and compare the changes of the logits."""
        strength = np.abs(effects.effects).mean(axis=(0, 1, 3))
        styles = np.argsort(-strength, kind="stable")[:TOP]
        rows = slice(min(RENDERED, len(self.pictures)))
        few = Reconstructions(
            [style[rows] for style in self.pictures.styles], self.pictures.s[rows], self.pictures.logits[rows]
        )
        synthesis, classifier = self.model.generator.synthesis, self.model.classifier
        moves = SingleMoves(synthesis, classifier, few, self.style_range, 1.0, self.sizer)
        table = yield from effect_table(moves, styles)
        ours, theirs = table[:, :, styles], effects.effects[rows][:, :, styles]
        largest, deviation = float(np.abs(ours - theirs).max()), float(theirs.std())
        words = (
            f"differ by at most {largest:.2g} from the authors' (deviation {deviation:.2g}): {ours.shape[2]} styles of "
            f"{len(few)} pictures"
        )
        return Row(_MOVES, words, values={"largest_difference": largest, "deviation": deviation})

    def flips(self, what: str, attribute_set: AttributeSet) -> Generator[Event, None, Row]:
        """Apply a list at once, and count the verdicts that change."""
        synthesis, classifier = self.model.generator.synthesis, self.model.classifier
        rates = yield from flips(
            synthesis, classifier, self.pictures, attribute_set, self.style_range, [TOP], [1.0], self.sizer
        )
        rate = rates[0]
        low, high = rate.left.interval
        classes = ", ".join(f"{name} {part.share:.1%}" for name, part in rate.per_class.items() if part.n)
        here = f"{rate.left.share:.1%} [{low:.1%}, {high:.1%}] of {rate.left.n} (of {classes}), top-{TOP}, kappa 1"
        values: dict[str, Any] = {"flips": rate.to_dict()}
        if self.published is None:
            return Row(what, here, values=values)
        return Row(what, here, f"{self.published.flips:.1%}", values=values | {"published_share": self.published.flips})


def replicate(
    explainer: Explainer,
    effects: Effects | None,
    *,
    search: bool = True,
    exhaustive: bool = False,
    published: Published = AGE,
    device: str | torch.device = "cpu",
    budget: StepBudget = default_budget,
) -> Generator[Event, None, list[Row]]:
    """Compare an imported StylEx with published figures. A job.

    effects    what the authors computed, if it is there
    search     search for the list, too
    exhaustive  render every move, not only those that can change the list
    published  figures to compare with; they are left out for a model of another size

    Raises UserError without any latents.
    """
    model = copy_to_device(explainer, device)
    if model.samples is None and effects is None:
        raise UserError(f"{explainer.name}: {NO_LATENTS}, and {NO_EFFECTS}. Get one of them.")
    if model.samples is None:
        assert effects is not None
        model = replace(model, samples=_samples_of(effects, model))
    samples, config = model.samples, model.generator.config
    assert samples is not None
    sizer = BatchSizer(budget)
    pictures = yield from reconstruct(
        model.generator.synthesis, model.classifier, samples.ws.float(), samples.cond_of(), sizer
    )
    style_range = torch.stack([pictures.s.amin(dim=0), pictures.s.amax(dim=0)])
    same = published if config.layout.num_styles == published.num_styles else None
    subject = _Subject(model, pictures, style_range, sizer, same)
    rows = [subject.split()]
    more, chosen = yield from _against_effects(subject, effects)
    rows += more
    found: AttFindResult | None = None
    if search:
        settings = AttFindSettings(n=len(samples), wanted=TOP, exhaustive=exhaustive, both_ends=True)
        found = yield from attfind(model, settings, device=device, budget=budget)
        rows.append(_coordinates(_SEARCH, _list_of(found), same, _list_of(chosen) if chosen else ()))
    else:
        rows.append(Row(_SEARCH, skipped="not asked for"))
    for name, result in (("chosen from the authors' effects", chosen), ("found here", found)):
        what = f"verdicts that the list {name} turns"
        if result is None:
            rows.append(Row(what, skipped="there is no such list"))
        else:
            rows.append((yield from subject.flips(what, result.attribute_set)))
    return rows


def _against_effects(
    subject: _Subject, effects: Effects | None
) -> Generator[Event, None, tuple[list[Row], AttFindResult | None]]:
    """Compare with what the authors computed, and choose a list from it. Without it, say why not."""
    problem = _unlike(effects, subject.model)
    if effects is None or problem:
        return [Row(what, skipped=problem) for what in (_LOGITS, _MOVES, _SELECTION)], None
    rows = [subject.logits(effects), (yield from subject.moves(effects))]
    settings = AttFindSettings(n=len(effects.latents), wanted=TOP, both_ends=True)
    limits, classes = subject.style_range.cpu().numpy(), tuple(range(effects.base_logits.shape[1]))
    layout = subject.model.generator.config.layout
    about = Subject(subject.model.classifier_id, classes, effects.base_logits, limits, "the authors'", layout)
    chosen = analyse(effects.effects, about, settings)
    return [*rows, _coordinates(_SELECTION, _list_of(chosen), subject.published)], chosen


def _samples_of(effects: Effects, model: Explainer) -> Samples:
    """Return the authors' pictures from the file of their effects."""
    w_dim = model.generator.config.w_dim
    latents = torch.from_numpy(effects.latents).to(model.generator.mapping.w_avg)
    if latents.shape[1] != w_dim + model.generator.config.num_classes:
        raise UserError(
            f"{model.name}: the latents of the authors' effects have {latents.shape[1]} numbers, not {w_dim}."
        )
    w, cond = latents[:, :w_dim], latents[:, w_dim:]
    return Samples(model.generator.broadcast(w), cond, cond, tuple(f"record {i}" for i in range(len(w))))


def _unlike(effects: Effects | None, model: Explainer) -> str:
    """Return why the authors' effects cannot be compared with this model; "" if they can."""
    if effects is None:
        return NO_EFFECTS
    assert model.samples is not None
    if effects.effects.shape[2:] != (model.generator.config.layout.num_styles, model.classifier.num_classes):
        return f"the authors' effects are on {effects.effects.shape[2]} styles, which are not this model's"
    ours = model.samples.ws[:, 0].cpu().numpy()
    theirs = effects.latents[:, : ours.shape[1]]
    if ours.shape != theirs.shape or np.abs(ours - theirs).max() > 1e-5:
        return "the authors' effects are on other pictures than their latents"
    return ""


def _list_of(result: AttFindResult) -> tuple[Coordinate, ...]:
    """Return the coordinates that lead to class 0, best first."""
    return tuple((pick.direction, pick.style_index) for pick in result.ranked[0])


def _coordinates(
    what: str, found: tuple[Coordinate, ...], published: Published | None, other: tuple[Coordinate, ...] = ()
) -> Row:
    """Compare a list with the published one, and with the one chosen from the authors' effects."""
    values: dict[str, Any] = {"coordinates": [list(each) for each in found]}
    words = " ".join(f"{style}{'max' if direction else 'min'}" for direction, style in found)
    here = [words]
    if other:
        values["in_the_chosen_list"] = len(set(found) & set(other))
        here.append(f"{values['in_the_chosen_list']} of {len(other)} as chosen from the authors' effects")
    theirs = ""
    if published is not None:
        both = set(found) & set(published.coordinates)
        values["in_the_published_list"] = len(both)
        values["in_their_published_places"] = sum(a == b for a, b in zip(found, published.coordinates, strict=False))
        theirs = (
            f"{len(both)} of the {len(published.coordinates)} printed, "
            f"{values['in_their_published_places']} in the same place"
        )
    return Row(what, "; ".join(here), theirs, values=values)
