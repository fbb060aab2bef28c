# SPDX-License-Identifier: MIT
"""Two versions of a classifier as values: everything that the page prints and its JSON holds.

Measured in `explain.report.versions`. What counts as being used is defined here only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from latent_explorer.common.statistics import Mean, binomial_test, wilson_interval
from latent_explorer.media.report.result import VERDICT_THRESHOLD

Group = Literal["regression", "gain", "other", "parted"]
USED_THRESHOLD = VERDICT_THRESHOLD  # mean |change of P| from which an attribute can count as used
LETTERS = "AB"


@dataclass(frozen=True)
class Count:
    """How many of n."""

    count: int
    n: int

    @property
    def share(self) -> float:
        return self.count / self.n if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """95 % (Wilson)."""
        return wilson_interval(self.count, self.n)

    def to_dict(self) -> dict[str, Any]:
        share = self.share if self.n else None  # JSON has no NaN
        return {"count": self.count, "n": self.n, "share": share, "interval": list(self.interval)}


@dataclass(frozen=True)
class Response:
    """What one classifier does when an attribute is set to its end, as means over the same pictures.

    change      change of P(class), with its sign
    absolute    |change|
    by_random   |change| by random edits that change the pixels as much
    beyond      absolute minus by_random, paired by pictures
    """

    change: Mean
    absolute: Mean
    by_random: Mean
    beyond: Mean

    @property
    def uses(self) -> bool:
        """True if it moves by USED_THRESHOLD or more, and surely by more than by random edits as large."""
        return self.absolute.value >= USED_THRESHOLD and self.beyond.interval[0] > 0

    def to_dict(self) -> dict[str, Any]:
        means = ((name, getattr(self, name)) for name in ("change", "absolute", "by_random", "beyond"))
        return {name: {"value": each.value, "interval": list(each.interval)} for name, each in means}


@dataclass(frozen=True)
class Shown:
    """A picture (H, W, 3) uint8 before and after, with P(class) of both classifiers."""

    sample: int
    before: np.ndarray
    after: np.ndarray
    p_before: tuple[float, float]
    p_after: tuple[float, float]


@dataclass(frozen=True)
class SharedAttribute:
    """One attribute and how both respond.

    listed_by    "both", "first" or "second": whose search found it
    difference   |change| of the first minus that of the second, paired by pictures
    relative_to  0 or 1: the classifier whose list it is from, the first's where it is in both
    relative     RelativeChange of the other one, and its 95 % interval; NaN where the former does not surely move
    """

    name: str
    where: str
    class_name: str
    listed_by: str
    n: int
    responses: tuple[Response, Response]
    difference: Mean
    relative_to: int
    relative: tuple[float, tuple[float, float]]
    examples: tuple[Shown, ...]

    @property
    def used_by(self) -> str:
        """ "both", "first", "second" or "neither".

        Of one alone only if that one surely moves more than the other; else a difference of chance would count.
        """
        uses = tuple(each.uses for each in self.responses)
        if uses == (False, False):
            return "neither"
        low, high = self.difference.interval
        if uses == (True, False) and low > 0:
            return "first"
        if uses == (False, True) and high < 0:
            return "second"
        return "both"

    def to_dict(self) -> dict[str, Any]:
        value, interval = self.relative
        known = math.isfinite(value)
        return {
            "name": self.name,
            "where": self.where,
            "class": self.class_name,
            "listed_by": self.listed_by,
            "used_by": self.used_by,
            "n": self.n,
            "responses": [each.to_dict() for each in self.responses],
            "relative_to": self.relative_to,
            "relative_change": {"value": value, "interval": list(interval)} if known else None,
        }


@dataclass(frozen=True, eq=False)  # == of arrays is no answer
class PartedPicture:
    """A picture (H, W, 3) uint8 of which the two say different things.

    label   class name; "" where it has none
    p       probability of the label; without one, that each gives to its own verdict
    """

    name: str
    image: np.ndarray
    group: Group
    label: str
    verdicts: tuple[str, str]
    p: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "group": self.group,
            "label": self.label,
            "verdicts": list(self.verdicts),
            "p": list(self.p),
        }


@dataclass(frozen=True)
class TurnedByList:
    """How many pictures all moves of a list turn, in each classifier, and random edits as large do."""

    title: str
    edit: tuple[Count, Count]
    as_large: tuple[Count, Count]

    def to_dict(self) -> dict[str, Any]:
        both = {"edit": self.edit, "as_large_random": self.as_large}
        return {"list": self.title, **{key: [each.to_dict() for each in counts] for key, counts in both.items()}}


@dataclass(frozen=True)
class VersionsReport:
    """Two classifiers on one generator, the first being the earlier version where one is.

    same         pictures to which both give one class
    right        of labelled photographs, how many each calls by its label; None without labels
    groups       how many pictures there are of each group, of which `parted` holds at most some
    left_out     which photographs could not be read; "" if all could
    """

    explainer: str
    model_hash: str
    names: tuple[str, str]
    classifier_ids: tuple[str, str]
    class_names: tuple[str, ...]
    same: Count
    right: tuple[Count, Count] | None
    groups: dict[Group, int]
    parted: tuple[PartedPicture, ...]
    attributes: tuple[SharedAttribute, ...]
    edits: tuple[TurnedByList, ...]
    size: int  # px at which photographs were judged
    left_out: str
    version: str  # of the program that measured

    @property
    def p(self) -> float:
        """Exact two-sided p of regressions against gains, were both equally likely (McNemar's test)."""
        worse, better = self.groups.get("regression", 0), self.groups.get("gain", 0)
        return binomial_test(worse, worse + better)

    def used_by(self, who: str) -> tuple[SharedAttribute, ...]:
        """Return the attributes that "both", "first", "second" or "neither" use, the strongest first."""
        found = [each for each in self.attributes if each.used_by == who]
        return tuple(sorted(found, key=lambda each: -max(r.absolute.value for r in each.responses)))

    def to_dict(self) -> dict[str, Any]:
        """As `compare --html --json` prints it beside the comparison."""
        return {
            "same_verdicts": self.same.to_dict(),
            "right": None if self.right is None else [each.to_dict() for each in self.right],
            "groups": dict(self.groups),
            "regressions_against_gains_p": None if self.right is None else self.p,
            "parted": [each.to_dict() for each in self.parted],
            "attributes": [each.to_dict() for each in self.attributes],
            "edits": [each.to_dict() for each in self.edits],
        }
