# SPDX-License-Identifier: MIT
"""Evidence for attributes in real pictures as a value: everything that pages, tables and JSON print of it.

Measured in `explain.report.evidence`. What counts as "seen only in the generator" is defined here only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from latent_explorer.common.format import shortened, signed_text
from latent_explorer.common.statistics import mean, mean_interval, wilson_interval
from latent_explorer.media.report.result import StyleMove

Support = Literal["borne out", "label alone", "generator only"]
WORDS: dict[Support, str] = {
    "borne out": "borne out by real pictures",
    "label alone": "goes with the label alone",
    "generator only": "seen only in the generator",
}
COUNTED: dict[Support, str] = {
    "borne out": "are borne out",
    "label alone": "go with the label alone",
    "generator only": "are seen only in the generator",
}
RULE = (
    "An attribute is borne out if the whole interval of its partial rank correlation lies above 0 and above what 95 % "
    "of random coordinates of the same layers stay below. Where only the overall correlation does, it goes with the "
    "label alone: pictures of the class have it, as they have all else that the classes differ in, but among them the "
    "classifier is no surer of those that have more. Otherwise it is seen only in the generator. Where the pictures "
    "have no labels, the classifier's own verdicts stand in for them."
)


@dataclass(frozen=True, eq=False)  # == of arrays is no answer
class EndPhoto:
    """Real picture at one end of an attribute's order; `image` (H, W, 3) uint8 is at most 128 px."""

    name: str
    image: np.ndarray
    value: float  # standard deviations towards the attribute's end
    p: float  # probability of the target class
    label: int | None  # class; None: without label
    verdict: int


@dataclass(frozen=True)
class EndOfOrder:
    """Real pictures with the highest or the lowest values, the outermost first."""

    photos: tuple[EndPhoto, ...]

    def mean_p(self) -> float:
        """Return the mean probability of the target class."""
        return mean([photo.p for photo in self.photos])

    def p_interval(self) -> tuple[float, float]:
        """Return Student's 95 % interval of that mean."""
        return mean_interval([photo.p for photo in self.photos])

    def labelled(self, target: int) -> tuple[int, int]:
        """Return how many pictures are labelled as the target, and how many have a label."""
        known = [photo.label for photo in self.photos if photo.label is not None]
        return sum(label == target for label in known), len(known)


@dataclass(frozen=True)
class Correlation:
    """Rank correlation of an attribute's values with the log-odds of its target on the photographs.

    interval  for all attributes together (Bonferroni), 95 %
    random    what 95 % of random coordinates of the same layers stay below; NaN where there are none
    shuffled  what 95 % of shuffled values stay below
    given     that of the values with the class given to the generator; None where it is given none
    """

    value: float
    interval: tuple[float, float]
    random: float
    shuffled: float
    given: float | None

    @property
    def stands_out(self) -> bool:
        """True if the interval lies above 0 and above random coordinates; not where there are none to compare with."""
        return self.interval[0] > max(0.0, self.random) and math.isfinite(self.random)

    @property
    def opposed(self) -> bool:
        """True if the interval lies as far on the other side."""
        return self.interval[1] < -max(0.0, self.random) and math.isfinite(self.random)


@dataclass(frozen=True)
class AttributeEvidence:
    """What the real pictures say of one attribute."""

    name: str
    target: int
    moves: tuple[StyleMove, ...]
    overall: Correlation
    partial: Correlation  # within the strata
    highest: EndOfOrder
    lowest: EndOfOrder

    @property
    def support(self) -> Support:
        """What the real pictures say, by `RULE`."""
        if self.partial.stands_out:
            return "borne out"
        return "label alone" if self.overall.stands_out else "generator only"

    @property
    def verdict(self) -> str:
        """What the real pictures say, in words."""
        opposed = "; real pictures go the other way" if self.partial.opposed else ""
        return WORDS[self.support] + opposed


@dataclass(frozen=True)
class Evidence:
    """Evidence for all attributes that were asked about.

    strata  what the partial correlation holds fixed: the label, or the verdict where the pictures have no labels
    groups  of pictures that were resampled together, as those of one leaf; `n` where every picture stands alone
    """

    name: str  # of the explainer
    model_hash: str
    classifier: str
    classifier_id: str
    class_names: tuple[str, ...]
    n: int
    groups: int
    strata: Literal["label", "verdict"]
    told: bool  # the generator is told the class
    resamples: int
    draws: int
    attributes: tuple[AttributeEvidence, ...]
    version: str

    def count(self, support: Support) -> int:
        """Return how many attributes have this support."""
        return sum(each.support == support for each in self.attributes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, without pictures."""
        return {
            "explainer": self.name,
            "model_hash": self.model_hash,
            "classifier": self.classifier,
            "classifier_id": self.classifier_id,
            "n": self.n,
            "groups": self.groups,
            "partial_on": self.strata,
            "generator_is_told_the_class": self.told,
            "resamples": self.resamples,
            "draws": self.draws,
            "support": {support: self.count(support) for support in WORDS},
            "attributes": [_attribute_fields(each, self.class_names) for each in self.attributes],
        }


def signed(value: float) -> str:
    """Return a correlation with its sign; "unknown" where it could not be computed."""
    return signed_text(value) if math.isfinite(value) else "unknown"


def sentence(found: Evidence, each: AttributeEvidence) -> str:
    """Return what the real pictures say of one attribute, to be copied, with its controls."""
    target = shortened(found.class_names[each.target], 30)
    partial, (low, high) = each.partial, each.partial.interval
    told = "" if partial.given is None else f", with the class given to the generator {signed(partial.given)}"
    return (
        f"{shortened(each.name, 40)}: {each.verdict}. Its {len(each.highest.photos)} highest of {found.n:,} real "
        f"pictures: mean P({target}) {each.highest.mean_p():.2f}{_of_label(each.highest, each.target)}; the lowest: "
        f"{each.lowest.mean_p():.2f}{_of_label(each.lowest, each.target)}. Rank correlation with the log-odds, partial "
        f"on the {found.strata}: {signed(partial.value)} [{signed(low)}, {signed(high)}]; random "
        f"coordinates {signed(partial.random)}, shuffled {signed(partial.shuffled)}{told}."
    )


def summary(found: Evidence) -> str:
    """Return in sentences how many attributes the real pictures bear out."""
    counts = ", ".join(f"{found.count(support)} {COUNTED[support]}" for support in WORDS)
    told = (
        " The class that the generator is given is the same for all: by their own, values would follow the verdict."
        if found.told
        else ""
    )
    return f"Of {len(found.attributes)} attributes on {found.n:,} real pictures: {counts}.{told}"


def _of_label(end: EndOfOrder, target: int) -> str:
    count, known = end.labelled(target)
    return f", {count} of {known} labelled so" if known else ""


def _attribute_fields(each: AttributeEvidence, class_names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "attribute": each.name,
        "towards": class_names[each.target],
        "coordinates": [{"style_index": m.style_index, "end": m.direction, "layer": m.layer} for m in each.moves],
        "support": each.support,
        "verdict": each.verdict,
        "overall": _correlation_fields(each.overall),
        "partial": _correlation_fields(each.partial),
        "highest": _end_fields(each.highest, each.target, class_names),
        "lowest": _end_fields(each.lowest, each.target, class_names),
    }


def _correlation_fields(each: Correlation) -> dict[str, Any]:
    return {
        "value": _finite(each.value),
        "interval": [_finite(bound) for bound in each.interval],
        "random_95": _finite(each.random),
        "shuffled_95": _finite(each.shuffled),
        "given": None if each.given is None else _finite(each.given),
    }


def _end_fields(end: EndOfOrder, target: int, class_names: tuple[str, ...]) -> dict[str, Any]:
    count, known = end.labelled(target)
    return {
        "mean_p": end.mean_p(),
        "p_interval": [_finite(bound) for bound in end.p_interval()],
        "label": {"share": count / known, "n": known, "interval": wilson_interval(count, known)} if known else None,
        "pictures": [
            {
                "file": photo.name,
                "value": photo.value,
                "p": photo.p,
                "label": None if photo.label is None else class_names[photo.label],
                "verdict": class_names[photo.verdict],
            }
            for photo in end.photos
        ],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None  # JSON has no NaN
