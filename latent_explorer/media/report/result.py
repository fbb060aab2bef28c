# SPDX-License-Identifier: MIT
"""The report on an explainer as a value: everything that the page prints and the JSON holds.

Measured in `explain.report`. The figures that count as "changes the surroundings" are defined here only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.common.statistics import mean, mean_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

FRAME = 6 / 64  # width of the outer frame, as a share of a side
FOLLOW_THRESHOLD = 0.3  # mean |change of P(target)| at which a network that sees the frame alone counts as following
VERDICT_THRESHOLD = 0.1  # mean |change of P(target)| at which the verdict counts as moved


def frame_width(side: int) -> int:
    """Return the width of the outer frame of a picture of `side` px, px."""
    return max(1, round(side * FRAME))


def frame_mask(side: int) -> np.ndarray:
    """Return the mask of the outer frame, (side, side) bool."""
    width = frame_width(side)
    mask = np.ones((side, side), bool)
    mask[width:-width, width:-width] = False
    return mask


@dataclass(frozen=True)
class Change:
    """Change of P(target) over the pictures: the mean with its 95 % t interval, and the mean of |change|."""

    mean: float
    interval: tuple[float, float]
    absolute: float

    @classmethod
    def of(cls, changes: Sequence[float]) -> Change:
        """Compute from the change on each picture; nan if there is none."""
        return cls(mean(changes), mean_interval(changes), mean([abs(x) for x in changes]))


@dataclass(frozen=True)
class FrameShare:
    """Share of all changes in the pictures that lies in their outer frame."""

    value: float  # of the sum over all pictures; nan where nothing changes
    interval: tuple[float, float]  # 95 %
    area: float  # the frame's share of the picture

    @classmethod
    def of(cls, inside: Sequence[float], total: Sequence[float], area: float) -> FrameShare:
        """Compute from the change in the frame and in the whole of each picture.

        The interval is that of a ratio of means, linearised (Cochran 1977, section 6.4): pictures that change much have
        more weight, as in the mean difference picture.
        """
        whole = mean(total)
        if not whole > 0:
            return cls(float("nan"), (float("nan"), float("nan")), area)
        ratio = mean(inside) / whole
        parts = [ratio + (a - ratio * b) / whole for a, b in zip(inside, total, strict=True)]
        return cls(ratio, mean_interval(parts), area)

    @property
    def exceeds_area(self) -> bool:
        """True if the share is significantly larger than the frame's share of the area."""
        return self.interval[0] > self.area


@dataclass(frozen=True)
class OtherClassifier:
    """Classifier in the file other than the one that is explained."""

    classifier_id: str
    name: str
    frame_only: int  # > 0: it sees only the outer frame of this width (px) of its input
    accuracy: float | None = None  # on test pictures, where the file says it


@dataclass(frozen=True)
class ClassifierResponse:
    """Response of another classifier to the same pictures."""

    who: OtherClassifier
    change: Change

    @property
    def follows(self) -> bool:
        """True if the classifier sees the frame alone and still follows the change."""
        return self.who.frame_only > 0 and self.change.absolute >= FOLLOW_THRESHOLD


@dataclass(frozen=True)
class Example:
    """Picture of the file before and after, (H, W, 3) uint8, with the probability of the target class."""

    sample: int  # its number among the pictures of the file
    before: np.ndarray
    after: np.ndarray
    p_before: float
    p_after: float
    reached: bool  # the verdict became the target class


@dataclass(frozen=True)
class StyleMove:
    """Style coordinate of an attribute, and the observed end that it moves to."""

    style_index: int
    direction: str  # "min" or "max"
    layer: str
    channel: int
    resolution: int  # px, of the layer's output


@dataclass(frozen=True)
class AttributeReport:
    """Attribute at kappa 1, measured on the pictures of the file that are not of its target class."""

    rank: int  # of the search, among those of its target; 0: added by hand
    name: str
    target: int
    moves: tuple[StyleMove, ...]
    mean_effect: float  # logits, as the search found it
    interval: tuple[float, float] | None  # of mean_effect, 95 %
    n: int  # pictures that the following is measured on
    change: Change  # of the classifier that is explained
    others: tuple[ClassifierResponse, ...]
    frame: FrameShare
    difference: np.ndarray  # (H, W) float32, mean |difference| over pictures and channels; 1 is black to white
    examples: tuple[Example, ...]
    note: str = ""  # by the person who looked at it

    @property
    def surroundings(self) -> bool:
        """True if surely more of the change lies in the frame than its area explains."""
        return self.frame.exceeds_area

    @property
    def followed(self) -> bool:
        """True if a network that sees the frame alone follows the change, however much lies elsewhere."""
        return any(other.follows for other in self.others)

    @property
    def stands_out(self) -> bool:
        """True if the change stands out in the surroundings, by its place or to a network that sees nothing else."""
        return self.surroundings or self.followed

    @property
    def moves_verdict(self) -> bool:
        """True if the verdict moves with it."""
        return self.change.absolute >= VERDICT_THRESHOLD

    @property
    def caught(self) -> bool:
        """True if it shows that the verdict depends on the surroundings."""
        return self.stands_out and self.moves_verdict

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of `report --json`; position and effect have the names of `attfind --json`."""
        first = self.moves[0]
        return {
            "style_index": first.style_index,
            "direction": first.direction,
            "target": self.target,
            "mean_effect": self.mean_effect,
            "interval": self.interval,
            "layer": first.layer,
            "channel": first.channel,
            "resolution": first.resolution,
            "name": self.name,
            "note": self.note,
            "n": self.n,
            "change": _change(self.change),
            "frame_share": self.frame.value,
            "frame_share_interval": self.frame.interval,
            "frame_area": self.frame.area,
            "others": [
                {
                    "classifier_id": other.who.classifier_id,
                    "name": other.who.name,
                    "frame_only": other.who.frame_only,
                    "change": _change(other.change),
                    "follows": other.follows,
                }
                for other in self.others
            ],
            "surroundings": self.surroundings,
            "followed": self.followed,
            "caught": self.caught,
        }


@dataclass(frozen=True)
class ExplainerReport:
    """Report on one explainer: its facts and its first attributes."""

    name: str
    model_hash: str
    classifier_id: str
    classifier: str  # its name
    class_names: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]  # what the file says of itself, as label and words
    note: str  # by the author of the file; may be empty
    stored: int  # pictures in the file, encoded or generated
    measured: int  # of them measured
    others: tuple[OtherClassifier, ...]
    attributes: tuple[AttributeReport, ...]  # by target, best first
    version: str  # of the program that measured

    @property
    def caught(self) -> tuple[AttributeReport, ...]:
        """Attributes that show that the verdict depends on the surroundings; the strongest first."""
        found = [a for a in self.attributes if a.caught]
        return tuple(sorted(found, key=lambda a: -a.change.absolute))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of `report --json`."""
        return {
            "name": self.name,
            "model_hash": self.model_hash,
            "classifier_id": self.classifier_id,
            "classes": self.class_names,
            "pictures": self.measured,
            "caught": bool(self.caught),
            "attributes": [a.to_dict() for a in self.attributes],
        }


def _change(change: Change) -> dict[str, Any]:
    return {"mean": change.mean, "interval": change.interval, "absolute": change.absolute}
