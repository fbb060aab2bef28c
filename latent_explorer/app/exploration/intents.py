# SPDX-License-Identifier: MIT
"""Requests of the user that change the state. Values only; each returns the next state and its name in the menu.

`label(summary)` completes "Undo ..." in a sentence; intents with equal `merge_key` during one gesture (while the
mouse is down) make one step of undo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from latent_explorer.app.exploration.state import ExplorerState, attribute_amount, with_attribute
from latent_explorer.explain.directions.direction import Direction
from latent_explorer.explain.recipe import (
    Base,
    DirectionShift,
    Edit,
    Noise,
    PictureRecipe,
    ProjectedBase,
    SampleBase,
    SeedBase,
    StyleShift,
    canonical_edits,
    is_generated,
    place_of,
)
from latent_explorer.models.attributes import Attribute, describe_entries

if TYPE_CHECKING:
    from latent_explorer.models.summary import ExplainerSummary


class Intent(msgspec.Struct, frozen=True):
    """Base class of all intents. `menu_label` is the label of those for which it does not vary."""

    menu_label: ClassVar[str] = ""

    @property
    def merge_key(self) -> tuple[object, ...] | None:
        """Key of intents that merge within a gesture; None never merges."""
        return None

    def label(self, summary: ExplainerSummary) -> str:  # noqa: ARG002
        """Return what this does, to be read after "Undo"."""
        return self.menu_label

    def next_state(self, state: ExplorerState) -> ExplorerState:
        """Return the state in which this has been done."""
        raise NotImplementedError


def describe_base(base: Base, summary: ExplainerSummary) -> str:
    """Return a base latent in words: "seed 7", "sample apple_0012", "projected picture", "blended picture"."""
    if isinstance(base, SeedBase):
        return f"seed {base.seed}"
    if isinstance(base, SampleBase):
        ids = summary.samples.ids if summary.samples else ()
        return f"sample {ids[base.index] if 0 <= base.index < len(ids) else base.index}"
    return "projected picture" if isinstance(base, ProjectedBase) else "blended picture"


class SetBase(Intent, frozen=True):
    """Show another latent.

    An override of `cond` stays from seed to seed and is dropped otherwise: a reconstruction needs its own cond.
    `noise` is the noise that belongs to the latent; None if it has none of its own, in which case maps that were
    optimised for another picture are dropped with that picture. `untouched` takes every edit back, and truncation
    towards the average, so that the latent alone is seen.
    """

    base: Base
    noise: Noise | None = None
    untouched: bool = False

    def label(self, summary: ExplainerSummary) -> str:
        return f"change to {describe_base(self.base, summary)}"

    def next_state(self, state: ExplorerState) -> ExplorerState:
        seeds = isinstance(state.base, SeedBase) and isinstance(self.base, SeedBase)
        cond = state.cond if seeds or self.base == state.base else None
        noise = self.noise
        if noise is None:
            noise = Noise() if state.noise.kind == "maps" else state.noise
        shown = msgspec.structs.replace(state, base=self.base, cond=cond, noise=noise)
        if not self.untouched:
            return shown
        return msgspec.structs.replace(shown, edits=(), truncate_encoded=False)


class SetTruncation(Intent, frozen=True):
    """Truncate by `psi`: 1 is no truncation, 0 the average picture, negative its mirror image in W."""

    menu_label: ClassVar[str] = "change of truncation"
    psi: float

    @property
    def merge_key(self) -> tuple[object, ...]:
        return ("truncation",)

    def next_state(self, state: ExplorerState) -> ExplorerState:
        return msgspec.structs.replace(state, truncation_psi=self.psi)


class SetCutoff(Intent, frozen=True):
    """Truncate only the first `cutoff` rows of ws; None truncates all."""

    menu_label: ClassVar[str] = "change of the truncated rows"
    cutoff: int | None

    @property
    def merge_key(self) -> tuple[object, ...]:
        return ("cutoff",)

    def next_state(self, state: ExplorerState) -> ExplorerState:
        return msgspec.structs.replace(state, truncation_cutoff=self.cutoff)


class SetTruncateEncoded(Intent, frozen=True):
    """Truncate encoded and projected latents too, or not."""

    menu_label: ClassVar[str] = "truncation of stored pictures"
    on: bool

    def next_state(self, state: ExplorerState) -> ExplorerState:
        return msgspec.structs.replace(state, truncate_encoded=self.on)


class SetNoise(Intent, frozen=True):
    """Choose the noise that the synthesis adds."""

    menu_label: ClassVar[str] = "change of noise"
    noise: Noise

    def next_state(self, state: ExplorerState) -> ExplorerState:
        return msgspec.structs.replace(state, noise=self.noise)


class SetCond(Intent, frozen=True):
    """Override the class given to the generator, (K,) probabilities; None: the base's own."""

    menu_label: ClassVar[str] = "change of the class given to the generator"
    cond: tuple[float, ...] | None

    @property
    def merge_key(self) -> tuple[object, ...]:
        return ("cond",)

    def next_state(self, state: ExplorerState) -> ExplorerState:
        return msgspec.structs.replace(state, cond=self.cond)


class SetAttribute(Intent, frozen=True):
    """Move an attribute's slider to `amount` (1 = kappa 1)."""

    attribute: Attribute
    amount: float

    @property
    def merge_key(self) -> tuple[object, ...]:
        return ("attribute", self.attribute.entries)

    def label(self, summary: ExplainerSummary) -> str:  # noqa: ARG002
        name, entries = self.attribute.name, self.attribute.entries
        if name and name != describe_entries(self.attribute):
            return f'"{name}"'
        if len(entries) == 1:
            return f'"style {entries[0].style_index}"'
        return f'"{len(entries)} styles"'

    def next_state(self, state: ExplorerState) -> ExplorerState:
        if attribute_amount(state, self.attribute) == self.amount == 0:
            return state  # resetting a slider at rest leaves attributes that share a coordinate alone
        edits = with_attribute(state, self.attribute, self.amount)
        return msgspec.structs.replace(state, edits=edits)


class SetEdit(Intent, frozen=True):
    """Set one edit, in place of an edit of the same coordinate and unit (or the same direction).

    `name` is the user's of a direction, for the label.
    """

    edit: Edit
    name: str = ""

    @property
    def merge_key(self) -> tuple[object, ...]:
        return ("edit", *place_of(self.edit))

    def label(self, summary: ExplainerSummary) -> str:  # noqa: ARG002
        if isinstance(self.edit, StyleShift):
            return f'"style {self.edit.style_index}"'
        return f'"{self.name or self.edit.direction.name}"'

    def next_state(self, state: ExplorerState) -> ExplorerState:
        kept = tuple(e for e in state.edits if place_of(e) != place_of(self.edit))
        return msgspec.structs.replace(state, edits=canonical_edits((*kept, self.edit)))


class SetDirectionRows(Intent, frozen=True):
    """Let a direction move other rows of ws, by the same amount."""

    menu_label: ClassVar[str] = "change of a direction's rows"
    direction: Direction
    first: int
    last: int | None

    def next_state(self, state: ExplorerState) -> ExplorerState:
        edits = tuple(
            DirectionShift(e.direction.with_rows(self.first, self.last), e.amount)
            if isinstance(e, DirectionShift) and e.direction == self.direction
            else e
            for e in state.edits
        )
        return msgspec.structs.replace(state, edits=canonical_edits(edits))


class SetEdits(Intent, frozen=True):
    """Replace all edits at once, for example by those that flip the class; `text` is the label."""

    edits: tuple[Edit, ...]
    text: str = "change of several sliders"

    @property
    def merge_key(self) -> tuple[object, ...]:
        return ("edits", self.text)

    def label(self, summary: ExplainerSummary) -> str:  # noqa: ARG002
        return self.text

    def next_state(self, state: ExplorerState) -> ExplorerState:
        return msgspec.structs.replace(state, edits=canonical_edits(self.edits))


class ResetAttributes(Intent, frozen=True):
    """Take every edit back."""

    menu_label: ClassVar[str] = "reset of all attributes"

    def next_state(self, state: ExplorerState) -> ExplorerState:
        return msgspec.structs.replace(state, edits=())


class SetTarget(Intent, frozen=True):
    """Choose the class whose attributes are shown."""

    menu_label: ClassVar[str] = "change of class"
    target_class: int

    def next_state(self, state: ExplorerState) -> ExplorerState:
        return msgspec.structs.replace(state, target_class=self.target_class)


class SetClassifier(Intent, frozen=True):
    """Choose the classifier that is asked; `cond` does not change."""

    menu_label: ClassVar[str] = "change of classifier"
    classifier_id: str
    target_class: int = 0

    def next_state(self, state: ExplorerState) -> ExplorerState:
        return msgspec.structs.replace(state, classifier_id=self.classifier_id, target_class=self.target_class)


class Restore(Intent, frozen=True):
    """Go to the picture of another state, whose recipe was dropped on the window; the timelines are kept."""

    state: ExplorerState
    text: str = "change to a saved picture"

    def label(self, summary: ExplainerSummary) -> str:  # noqa: ARG002
        return self.text

    def next_state(self, state: ExplorerState) -> ExplorerState:
        edits = canonical_edits(self.state.edits)
        return msgspec.structs.replace(self.state, edits=edits, timelines=state.timelines)


class ShowRecipe(Intent, frozen=True):
    """Show the picture of a recipe, such as a keyframe's; the class and the timelines are kept."""

    recipe: PictureRecipe
    text: str = "picture of a keyframe"

    def label(self, summary: ExplainerSummary) -> str:  # noqa: ARG002
        return self.text

    def next_state(self, state: ExplorerState) -> ExplorerState:
        recipe = self.recipe
        psi, cutoff, encoded = state.truncation_psi, state.truncation_cutoff, False
        if is_generated(recipe.base) or recipe.truncation_psi != 1:
            psi, cutoff = recipe.truncation_psi, recipe.truncation_cutoff
            encoded = not is_generated(recipe.base) or state.truncate_encoded
        return msgspec.structs.replace(
            state,
            base=recipe.base,
            truncation_psi=psi,
            truncation_cutoff=cutoff,
            truncate_encoded=encoded,
            noise=recipe.noise,
            cond=recipe.cond,
            edits=canonical_edits(recipe.edits),
        )
