# SPDX-License-Identifier: MIT
"""The report on an explainer as a value: everything that the page prints and the JSON holds. Measured in
explain/report.

What counts as "changes the surroundings" is decided here, once, from the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_explorer.common.statistics import mean, mean_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

FRAME = 6 / 64  # of a side: how wide the outer frame is
FOLLOWS = 0.3  # mean |change of P(target)| from which a network that sees the frame alone follows
MATTERS = 0.1  # mean |change of P(target)| from which the verdict is said to move


def frame_width(side: int) -> int:
    """Width of the outer frame of a picture of `side` px, px."""
    return max(1, round(side * FRAME))


def frame_mask(side: int) -> np.ndarray:
    """(side, side) bool: where the outer frame is."""
    width = frame_width(side)
    mask = np.ones((side, side), bool)
    mask[width:-width, width:-width] = False
    return mask


@dataclass(frozen=True)
class Change:
    """How far P(target) moves over the pictures: the mean with its 95 % t interval, and the mean of |change|."""

    mean: float
    interval: tuple[float, float]
    absolute: float

    @classmethod
    def of(cls, changes: Sequence[float]) -> Change:
        """From the change on each picture; nan of none."""
        return cls(mean(changes), mean_interval(changes), mean([abs(x) for x in changes]))


@dataclass(frozen=True)
class FrameShare:
    """Which share of all that changes in the pictures lies in their outer frame."""

    value: float  # of the sum over all pictures; nan where nothing changes
    interval: tuple[float, float]  # 95 %
    area: float  # the frame's share of the picture

    @classmethod
    def of(cls, inside: Sequence[float], total: Sequence[float], area: float) -> FrameShare:
        """From the change in the frame and in the whole of each picture.

        The interval is that of a ratio of means, linearised (Cochran 1977, section 6.4): pictures that change much
        count for more, as they do in the mean difference picture.
        """
        whole = mean(total)
        if not whole > 0:
            return cls(float("nan"), (float("nan"), float("nan")), area)
        ratio = mean(inside) / whole
        parts = [ratio + (a - ratio * b) / whole for a, b in zip(inside, total, strict=True)]
        return cls(ratio, mean_interval(parts), area)

    @property
    def exceeds_area(self) -> bool:
        """Whether more of the change lies in the frame than its area explains, surely."""
        return self.interval[0] > self.area


@dataclass(frozen=True)
class OtherClassifier:
    """A classifier of the file beside the one that is explained."""

    classifier_id: str
    name: str
    frame_only: int  # > 0: it sees the outer so many px of its input and nothing else
    accuracy: float | None = None  # on test pictures, where the file says it


@dataclass(frozen=True)
class ClassifierResponse:
    """What another classifier says of the same pictures."""

    who: OtherClassifier
    change: Change

    @property
    def follows(self) -> bool:
        """Whether it sees the frame alone, and moves nevertheless."""
        return self.who.frame_only > 0 and self.change.absolute >= FOLLOWS


@dataclass(frozen=True)
class Example:
    """One reconstruction before and after, (H, W, 3) uint8, with the probability of the target class."""

    sample: int  # its number among the explainer's encoded pictures
    before: np.ndarray
    after: np.ndarray
    p_before: float
    p_after: float
    reached: bool  # the verdict became the target class


@dataclass(frozen=True)
class StyleMove:
    """A style coordinate of an attribute, and the observed end that it moves to."""

    style_index: int
    direction: str  # "min" or "max"
    layer: str
    channel: int
    resolution: int  # px, of the layer's output


@dataclass(frozen=True)
class AttributeReport:
    """One attribute at kappa 1 on the reconstructions that are not of its target class."""

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

    @property
    def surroundings(self) -> bool:
        """Whether it changes the surroundings: a network that sees them alone follows, or the change lies there."""
        return self.frame.exceeds_area or any(said.follows for said in self.others)

    @property
    def moves_verdict(self) -> bool:
        """Whether the verdict moves with it."""
        return self.change.absolute >= MATTERS

    @property
    def caught(self) -> bool:
        """Whether it shows that the verdict hangs on the surroundings."""
        return self.surroundings and self.moves_verdict

    def to_dict(self) -> dict[str, Any]:
        """As `report --json` prints it; where it lives and what it does by the names that `attfind --json` has."""
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
            "n": self.n,
            "change": _change(self.change),
            "frame_share": self.frame.value,
            "frame_share_interval": self.frame.interval,
            "frame_area": self.frame.area,
            "others": [
                {
                    "classifier_id": said.who.classifier_id,
                    "name": said.who.name,
                    "frame_only": said.who.frame_only,
                    "change": _change(said.change),
                    "follows": said.follows,
                }
                for said in self.others
            ],
            "surroundings": self.surroundings,
            "caught": self.caught,
        }


@dataclass(frozen=True)
class ExplainerReport:
    """One explainer: what it is, and its first attributes."""

    name: str
    model_hash: str
    classifier_id: str
    classifier: str  # its name
    class_names: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]  # what the file says of itself, as label and words
    note: str  # for people, by whoever made the file; may be empty
    stored: int  # encoded pictures in the file
    measured: int  # of them looked at
    others: tuple[OtherClassifier, ...]
    attributes: tuple[AttributeReport, ...]  # by target, best first
    version: str  # of the program that measured

    @property
    def caught(self) -> tuple[AttributeReport, ...]:
        """The attributes that show that the verdict hangs on the surroundings; the strongest first."""
        found = [a for a in self.attributes if a.caught]
        return tuple(sorted(found, key=lambda a: -a.change.absolute))

    def to_dict(self) -> dict[str, Any]:
        """As `report --json` prints it."""
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
