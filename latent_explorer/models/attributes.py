# SPDX-License-Identifier: MIT
"""Attributes and attribute sets, as explainer files hold them. Plain values: no torch, no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

End = Literal["min", "max"]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Number = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]
# Style values of a coordinate's own minimum and maximum, in place of those that were observed. Unset, not None: files
# without any stay as earlier versions read them.
OwnEnds = tuple[Number, Number] | msgspec.UnsetType


def opposite(end: End) -> End:
    return "min" if end == "max" else "max"


class AttributeEntry(msgspec.Struct, frozen=True):
    """Style coordinate of an attribute: the end of its range that it moves to, and its share of the slider."""

    style_index: Count
    end: End
    weight: Number = 1.0
    ends: OwnEnds = msgspec.UNSET


class Attribute(msgspec.Struct, frozen=True):
    """Named change: moving every entry towards its end raises the target class. Merging two joins their entries."""

    name: str
    target: Count
    entries: tuple[AttributeEntry, ...]
    mean_effect: Number = 0.0  # mean change of the target's logit at kappa 1, over the pictures of the other classes
    interval: tuple[Number, Number] | None = None  # of mean_effect, 95 %
    round: Count = 1  # of the greedy search; above 1 the earlier picks had explained every picture
    exact: bool = True  # False: all or part of it is predicted, not rendered
    note: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for an attribute that moves nothing; msgspec refuses a file that holds one."""
        if not self.entries or any(entry.weight == 0 for entry in self.entries):
            raise ValueError("an attribute needs style coordinates, each with a weight")


def has_own_ends(attribute: Attribute) -> bool:
    """Return True if a coordinate moves to ends of its own, which earlier versions do not know."""
    return any(entry.ends is not msgspec.UNSET for entry in attribute.entries)


def describe_entries(attribute: Attribute) -> str:
    """Return the default name of an unnamed attribute."""
    if len(attribute.entries) > 1:
        return f"{len(attribute.entries)} styles together"
    entry = attribute.entries[0]
    return f"Style {entry.style_index} {'up' if entry.end == 'max' else 'down'}"


def by_effect(attributes: Sequence[Attribute]) -> list[Attribute]:
    """Return attributes with the largest mean effect first; those of equal effect keep their order."""
    return sorted(attributes, key=lambda a: -a.mean_effect)


class AttributeSet(msgspec.Struct, frozen=True):
    """Result of one search, with all settings that are needed to repeat it."""

    classifier_id: str
    method: str  # "attfind-notebook" or "-paper" (every move), with "-raced", or of older files "-screened"
    n: Count  # pictures searched
    kappa: Number
    ranges: str  # where minimum and maximum come from, in words
    attributes: tuple[Attribute, ...]
    settings: dict[str, float | int | str | bool] = {}

    @property
    def settled(self) -> bool:
        """False for the list so far of a search that runs or was stopped."""
        return self.settings.get("settled", True) is not False

    @property
    def pair(self) -> tuple[int, int] | None:
        """The two classes that alone were asked about; None if each class stood against the rest."""
        first, comma, second = str(self.settings.get("pair", "")).partition(",")
        known = comma and first.isdecimal() and second.isdecimal() and len(first + second) < 10
        return (int(first), int(second)) if known else None


def newest_set(sets: Sequence[AttributeSet], classifier_id: str, target: int | None = None) -> AttributeSet | None:
    """Return the newest (last) set of a classifier; with `target`, the newest that holds an attribute of that class."""
    for attribute_set in reversed(sets):
        reached = target is None or any(a.target == target for a in attribute_set.attributes)
        if attribute_set.classifier_id == classifier_id and reached:
            return attribute_set
    return None
