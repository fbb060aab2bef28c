# SPDX-License-Identifier: MIT
"""The user's additions to a model that change no picture: names, pins, sliders, favourites, labels, notes.

They are stored in the exploration, never in the explainer. What is done to attributes can be undone; favourites,
projections, labels and what searches found stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from latent_explorer.app.exploration.state import attribute_amount
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import shortened
from latent_explorer.explain.directions.direction import Direction, direction_key, direction_problem
from latent_explorer.explain.labels import LabelSet, label_problem
from latent_explorer.explain.recipe import Base, DirectionShift, ProjectedBase, SampleBase
from latent_explorer.models.attributes import (
    Attribute,
    AttributeEntry,
    AttributeSet,
    by_effect,
    describe_entries,
    newest_set,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from latent_explorer.app.exploration.state import ExplorerState
    from latent_explorer.models.summary import ExplainerSummary


MAX_NOTE = 1000  # characters on an attribute


class Document(msgspec.Struct, frozen=True):
    """The user's additions. Attributes are identified by `attribute_key`, so that a rename orphans nothing."""

    names: dict[str, str] = {}
    pins: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()  # keys of attributes that are not listed while their sliders are at 0
    annotations: dict[str, str] = {}  # the user's notes on attributes, by key
    sliders: tuple[Attribute, ...] = ()  # added by the user, for any style coordinate
    attribute_sets: tuple[AttributeSet, ...] = ()  # found here, not yet saved into an explainer
    listed: str = ""  # key of the list that the person chose, see `set_key`; "" or unknown: the newest
    favourites: tuple[Base, ...] = ()
    projected: tuple[str, ...] = ()  # latent_ids of the projected pictures that are listed
    directions: tuple[Direction, ...] = ()  # that have sliders
    # That a person gave to pictures, a set for each attribute.
    labels: Annotated[tuple[LabelSet, ...], msgspec.Meta(max_length=100)] = ()
    notes: str = ""

    def renamed(self, attribute: Attribute | Direction, name: str) -> Document:
        """Return a copy with another name for an attribute or a direction; an empty name restores the original."""
        key = direction_key(attribute) if isinstance(attribute, Direction) else attribute_key(attribute)
        names = {k: v for k, v in self.names.items() if k != key}
        if name.strip():
            names[key] = name.strip()
        return msgspec.structs.replace(self, names=names)

    def with_pin(self, attribute: Attribute, on: bool) -> Document:
        """Return a copy with the attribute kept at the top of the list, or not."""
        key = attribute_key(attribute)
        pins = (*(p for p in self.pins if p != key), *([key] if on else []))
        return msgspec.structs.replace(self, pins=pins)

    def with_hidden(self, attribute: Attribute, on: bool) -> Document:
        """Return a copy in which the attribute is not listed, and not pinned; or is listed again."""
        key = attribute_key(attribute)
        hidden = (*(k for k in self.hidden if k != key), *([key] if on else []))
        pins = tuple(p for p in self.pins if p != key) if on else self.pins
        return msgspec.structs.replace(self, hidden=hidden, pins=pins)

    def without_hidden(self, attributes: Sequence[Attribute]) -> Document:
        """Return a copy in which these attributes are listed again."""
        keys = {attribute_key(a) for a in attributes}
        return msgspec.structs.replace(self, hidden=tuple(k for k in self.hidden if k not in keys))

    def annotated(self, attribute: Attribute, note: str) -> Document:
        """Return a copy with another note on an attribute, at most MAX_NOTE characters; an empty one removes it."""
        key = attribute_key(attribute)
        annotations = {k: v for k, v in self.annotations.items() if k != key}
        if note.strip():
            annotations[key] = note.strip()[:MAX_NOTE]
        return msgspec.structs.replace(self, annotations=annotations)

    def changed_as(self, old: Document, new: Document) -> Document:
        """Return a copy in which what differs from `old` to `new` has been done, and nothing else.

        Undo and redo keep what has come since: a search's list, a favourite.
        """
        changes: dict[str, object] = {}
        for name in self.__struct_fields__:
            before, after, now = getattr(old, name), getattr(new, name), getattr(self, name)
            if before != after:
                changes[name] = after if now == before else _carried(before, after, now)
        return msgspec.structs.replace(self, **changes)

    def with_slider(self, attribute: Attribute) -> Document:
        """Return a copy with one more slider; the same coordinate is not added twice."""
        keys = {attribute_key(a) for a in self.sliders}
        if attribute_key(attribute) in keys:
            return self
        return msgspec.structs.replace(self, sliders=(*self.sliders, attribute))

    def without_slider(self, attribute: Attribute) -> Document:
        """Return a copy without a slider that the user added."""
        key = attribute_key(attribute)
        kept = tuple(a for a in self.sliders if attribute_key(a) != key)
        pins = tuple(p for p in self.pins if p != key)
        return msgspec.structs.replace(self, sliders=kept, pins=pins)

    def with_favourite(self, base: Base, on: bool) -> Document:
        """Return a copy with the latent among the favourites, or not."""
        kept = tuple(b for b in self.favourites if b != base)
        return msgspec.structs.replace(self, favourites=(*kept, base) if on else kept)

    def merged(self, first: Attribute, second: Attribute) -> Document:
        """Return a copy with one slider in the place of two (see `can_merge`), until it is removed."""
        keys = {attribute_key(first), attribute_key(second)}
        kept = tuple(a for a in self.sliders if attribute_key(a) not in keys)
        name = shortened(f"{self.name_of(first)} + {self.name_of(second)}")
        both = Attribute(name, first.target, first.entries + second.entries)
        return msgspec.structs.replace(self, sliders=(*kept, both))

    def with_projected(self, *latent_ids: str) -> Document:
        """Return a copy with these projected pictures at the end of the list."""
        kept = tuple(i for i in self.projected if i not in latent_ids)
        return msgspec.structs.replace(self, projected=(*kept, *dict.fromkeys(latent_ids)))

    def without_projected(self, latent_id: str) -> Document:
        """Return a copy with a projected picture removed from the list and the favourites.

        Undo may still need its latent.
        """
        base = ProjectedBase(latent_id)
        return msgspec.structs.replace(
            self,
            projected=tuple(i for i in self.projected if i != latent_id),
            favourites=tuple(b for b in self.favourites if b != base),
        )

    def with_directions(self, *directions: Direction) -> Document:
        """Return a copy with sliders for these directions; one that is there already, for other rows, is replaced."""
        new = {direction_key(d): d for d in directions}
        kept = {direction_key(d): d for d in self.directions}
        return msgspec.structs.replace(self, directions=tuple((kept | new).values()))

    def without_direction(self, direction: Direction) -> Document:
        """Return a copy without the slider of a direction."""
        kept = tuple(d for d in self.directions if direction_key(d) != direction_key(direction))
        return msgspec.structs.replace(self, directions=kept)

    def with_listed(self, key: str) -> Document:
        """Return a copy that shows the list with this key, where it is one of the classifier and the class."""
        return msgspec.structs.replace(self, listed=key)

    def with_labels(self, number: int, labels: LabelSet | None) -> Document:
        """Return a copy with other labels in the place `number`, at the end if there are no more; None removes them."""
        new = () if labels is None else (labels,)
        return msgspec.structs.replace(self, labels=(*self.labels[:number], *new, *self.labels[number + 1 :]))

    def with_attribute_set(self, attribute_set: AttributeSet) -> Document:
        """Return a copy with the result of a search; it replaces one with the same method and settings.

        A list so far replaces only another one: where the search is stopped, the settled list is still there.
        """
        kept = tuple(
            s
            for s in self.attribute_sets
            if not (
                _is_so_far(s, attribute_set) or (attribute_set.settled and _search_key(s) == _search_key(attribute_set))
            )
        )
        return msgspec.structs.replace(self, attribute_sets=(*kept, attribute_set), listed="")

    def without_lists_so_far(self, classifier_id: str) -> Document:
        """Return a copy without the lists of searches for a classifier that were stopped."""
        kept = tuple(s for s in self.attribute_sets if s.settled or s.classifier_id != classifier_id)
        return msgspec.structs.replace(self, attribute_sets=kept)

    def check(self, summary: ExplainerSummary) -> None:
        """Raise UserError unless everything that came with a file is in this model."""
        set_attributes = (a for s in self.attribute_sets for a in s.attributes)
        entries = [e for a in (*self.sliders, *set_attributes) for e in a.entries]
        samples = len(summary.samples.ids) if summary.samples else 0
        classes = {c.classifier_id: len(c.class_names) for c in summary.classifiers}
        most = max(classes.values(), default=0)
        targets = [(a.target, most) for a in self.sliders]
        targets += [(a.target, classes.get(s.classifier_id, most)) for s in self.attribute_sets for a in s.attributes]
        favourites = [b.index for b in self.favourites if isinstance(b, SampleBase)]
        if (
            any(not summary.layout.can_move(e.style_index, e.ends is not msgspec.UNSET) for e in entries)
            or any(not 0 <= index < samples for index in favourites)
            or any(target >= count for target, count in targets)
            or any(direction_problem(d, summary.layout.num_ws, summary.w_dim) for d in self.directions)
            or any(label_problem(each, samples) for each in self.labels)
        ):
            raise UserError(
                f"The stored sliders, favourites and labels do not fit {summary.name}: they belong to another model. "
                "Open the explainer that they were made with."
            )

    def name_of(self, attribute: Attribute) -> str:
        """Return the user's name of an attribute, else the stored one, else "Style 214 up"."""
        return self.names.get(attribute_key(attribute)) or attribute.name or describe_entries(attribute)

    def note_of(self, attribute: Attribute) -> str:
        """Return the user's note on an attribute, else the one that it came with."""
        return self.annotations.get(attribute_key(attribute)) or attribute.note

    def direction_name(self, direction: Direction) -> str:
        """Return the user's name of a direction, else the one that it came with."""
        return self.names.get(direction_key(direction)) or direction.name


def _carried(before: Any, after: Any, now: Any) -> Any:
    """Return a field's value `now` with what differs from `before` to `after`."""
    if isinstance(now, dict):
        kept = {k: v for k, v in now.items() if k in after or k not in before}
        return kept | {k: v for k, v in after.items() if before.get(k) != v}
    if isinstance(now, tuple):
        kept_items = tuple(each for each in now if each in after or each not in before)
        return kept_items + tuple(each for each in after if each not in before and each not in kept_items)
    return after


def attribute_key(attribute: Attribute) -> str:
    """Return the identity of an attribute: coordinates, ends and weights, such as "214max" or "3min*0.5+214max"."""
    parts = [f"{e.style_index}{e.end}" + (f"*{e.weight:g}" if e.weight != 1 else "") for e in attribute.entries]
    return "+".join(parts)


def can_merge(first: Attribute, second: Attribute) -> bool:
    """Return True if one slider can move both: they lead to the same class, by other coordinates."""
    moved = {e.style_index for e in first.entries}
    return first.target == second.target and moved.isdisjoint(e.style_index for e in second.entries)


def rename_attributes(sets: Sequence[AttributeSet], names: Mapping[str, str]) -> tuple[AttributeSet, ...]:
    """Return the sets with these names of attributes, by key. UserError for a key that none of them has."""
    known = {attribute_key(a) for attribute_set in sets for a in attribute_set.attributes}
    if unknown := sorted(names.keys() - known):
        listed = ", ".join(sorted(known)) or "none"
        raise UserError(f"There is no attribute {unknown[0]}. Known: {listed}.")
    return tuple(
        msgspec.structs.replace(
            attribute_set,
            attributes=tuple(
                msgspec.structs.replace(a, name=names.get(attribute_key(a), a.name)) for a in attribute_set.attributes
            ),
        )
        for attribute_set in sets
    )


def names_by_style(document: Document, summary: ExplainerSummary) -> dict[int, str]:
    """Return the names of attributes by style index; several of one coordinate are separated by commas."""
    names: dict[int, dict[str, None]] = {}
    for attribute_set in (*summary.attribute_sets, *document.attribute_sets):
        for attribute in attribute_set.attributes:
            name = document.name_of(attribute)
            if name != describe_entries(attribute):
                for entry in attribute.entries:
                    names.setdefault(entry.style_index, {})[name] = None
    return {style_index: ", ".join(each) for style_index, each in names.items()}


def single_slider(style_index: int, target: int) -> Attribute:
    """Return a slider for one style coordinate, towards its maximum."""
    return Attribute("", target, (AttributeEntry(style_index, "max"),))


_TOLD = ("effect", "pair", "low_percentile", "high_percentile", "torgb")  # settings that tell lists apart


def set_key(attribute_set: AttributeSet) -> str:
    """Return what tells a search from others of its classifier: the method and its settings."""
    settings = (f"{name}={attribute_set.settings.get(name, '')}" for name in _TOLD)
    return " ".join([attribute_set.method, f"n={attribute_set.n}", f"kappa={attribute_set.kappa:g}", *settings])


def lists_of(document: Document, summary: ExplainerSummary, state: ExplorerState) -> list[AttributeSet]:
    """Return the searches for the selected classifier that found something for the target class, oldest first."""
    return [
        s
        for s in (*summary.attribute_sets, *document.attribute_sets)
        if s.classifier_id == state.classifier_id and any(a.target == state.target_class for a in s.attributes)
    ]


def listed_set(document: Document, summary: ExplainerSummary, state: ExplorerState) -> AttributeSet | None:
    """Return the search for the selected classifier that is listed for the target class: the chosen one, or the newest.

    Without one, the newest for the classifier that the model explains: the same sliders, so that another network's
    verdict on the same change can be seen. Its `classifier_id` is then not the selected one, and its effects are those
    on the explained classifier. Only between classifiers of the same classes, where a target means the same to both.
    """
    sets = (*summary.attribute_sets, *document.attribute_sets)
    chosen = [each for each in lists_of(document, summary, state) if set_key(each) == document.listed]
    if chosen:
        return chosen[-1]
    selected = newest_set(sets, state.classifier_id, state.target_class)
    names = {c.classifier_id: c.class_names for c in summary.classifiers}
    if selected is not None or names.get(state.classifier_id) != names.get(summary.classifier_id):
        return selected
    return newest_set(sets, summary.classifier_id, state.target_class)


def shown_attributes(document: Document, summary: ExplainerSummary, state: ExplorerState) -> list[Attribute]:
    """Return the attributes to list for the selected classifier and target: pins, own sliders, then by rank.

    Names and notes are the user's if given; what is hidden is left out while its slider is at 0. `listed_set` returns
    the search that they come from.
    """
    attribute_set = listed_set(document, summary, state)
    listed = attribute_set.attributes if attribute_set else ()
    ranked = by_effect([a for a in listed if a.target == state.target_class])
    arranged = _arranged(document, document.sliders, ranked)
    return [a for a in arranged if attribute_key(a) not in document.hidden or attribute_amount(state, a) != 0]


def hidden_attributes(document: Document, summary: ExplainerSummary, state: ExplorerState) -> list[Attribute]:
    """Return the attributes that `shown_attributes` would list if they were not hidden."""
    shown = {attribute_key(a) for a in shown_attributes(document, summary, state)}
    every = shown_attributes(msgspec.structs.replace(document, hidden=()), summary, state)
    return [a for a in every if attribute_key(a) not in shown]


def shown_directions(document: Document, state: ExplorerState) -> list[Direction]:
    """Return the directions to list: those with sliders, for the rows that the state moves, then others it moves."""
    listed = {direction_key(d): [d] for d in document.directions}
    moved: dict[str, list[Direction]] = {}
    for edit in state.edits:
        if isinstance(edit, DirectionShift):
            moved.setdefault(direction_key(edit.direction), []).append(edit.direction)
    return [direction for each in (listed | moved).values() for direction in each]


def reported_set(document: Document, summary: ExplainerSummary) -> AttributeSet | None:
    """Return the search that a report is based on: the chosen one, or the newest, for the explained classifier.

    The list so far of a search counts only where there is no settled one.
    """
    sets = [s for s in (*summary.attribute_sets, *document.attribute_sets) if s.attributes]
    for each in reversed(sets):
        if each.classifier_id == summary.classifier_id and set_key(each) == document.listed:
            return each
    settled = newest_set([s for s in sets if s.settled], summary.classifier_id)
    return settled or newest_set(sets, summary.classifier_id)


def reported_attributes(document: Document, attribute_set: AttributeSet) -> list[Attribute]:
    """Return the attributes of a report: class by class as in `shown_attributes`, with own sliders, hidden ones last.

    What a person hid is still what the search found: a report that left it out would say less than the truth.
    """
    attributes: list[Attribute] = []
    for target in sorted({a.target for a in attribute_set.attributes}):
        sliders = [a for a in document.sliders if a.target == target]
        ranked = by_effect([a for a in attribute_set.attributes if a.target == target])
        arranged = _arranged(document, sliders, ranked)
        attributes += sorted(arranged, key=lambda a: attribute_key(a) in document.hidden)
    return attributes


def _arranged(document: Document, sliders: Sequence[Attribute], ranked: Sequence[Attribute]) -> list[Attribute]:
    """Return pins, then own sliders, then the rest by rank, with the user's names and notes."""
    # What a slider of several coordinates holds has no slider of its own beside it.
    parts = {entry for a in sliders if len(a.entries) > 1 for entry in a.entries}
    own = {attribute_key(a) for a in sliders}
    ranked = [a for a in ranked if attribute_key(a) in own or not parts.issuperset(a.entries)]
    # A coordinate that was both added and found keeps its place, with the name and effect that were found.
    found_by_key = {attribute_key(a): a for a in ranked}
    listed = {attribute_key(a): a for a in (*sliders, *ranked)} | found_by_key
    keys = sorted(listed, key=lambda k: k not in document.pins)  # stable: ranks keep their order
    found = (listed[k] for k in keys)
    return [msgspec.structs.replace(a, name=document.name_of(a), note=document.note_of(a)) for a in found]


def _is_so_far(attribute_set: AttributeSet, newer: AttributeSet) -> bool:
    """Return True for a list so far of the same search as a newer one."""
    same = (attribute_set.classifier_id, attribute_set.method) == (newer.classifier_id, newer.method)
    return same and not attribute_set.settled


def _search_key(attribute_set: AttributeSet) -> tuple[object, ...]:
    targets = tuple(sorted({a.target for a in attribute_set.attributes}))
    settings = (attribute_set.settings.get(name) for name in _TOLD)
    return (attribute_set.classifier_id, attribute_set.method, targets, attribute_set.kappa, *settings)
