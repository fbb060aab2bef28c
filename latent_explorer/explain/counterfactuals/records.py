# SPDX-License-Identifier: MIT
"""What counterfactuals are compared with, and the figures of them, as plain values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from latent_explorer.common.errors import UserError
from latent_explorer.common.statistics import Mean
from latent_explorer.explain.attfind.sufficiency import Rate
from latent_explorer.models.classifiers import Classifier

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class References:
    """What counterfactuals are compared with. Everything is optional: a figure without it is left out.

    truth           (N,) classes of the photographs by their labels; COUT is then of the correctly classified ones
    masks           (N, R, R) bool: what is the object, for sparsity
    training        (M, R, R, 3) uint8 real pictures, for minimality and for the oracles
    training_truth  (M,) classes of these by their labels; the classifier's verdicts without it
    attributes      by name: (M,) bool, what the training pictures have; for MNAC and CD
    unrelated       by name: (M,) bool, what the classifier was not trained for, such as shuffled labels
    others          by name: networks that the counterfactuals were not made for, with the same classes
    embed           (N, 3, R, R) in [-1, 1] -> (N, E): a network that tells whether two pictures show one person
    inception       the same -> (N, 2048): Inception with the weights of FID (`models.inception`)
    """

    truth: np.ndarray | None = None
    masks: np.ndarray | None = None
    training: np.ndarray | None = None
    training_truth: np.ndarray | None = None
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)
    unrelated: Mapping[str, np.ndarray] = field(default_factory=dict)
    others: Mapping[str, Classifier] = field(default_factory=dict)
    embed: Callable[[Tensor], Tensor] | None = None
    inception: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class Confirmation:
    """What another network says of the counterfactuals."""

    agreement: Rate  # it gives the pictures before the verdict of the asked classifier
    confirmed: Rate  # NAFR: of all, those that flip for both
    of_flips: Rate  # NA rate: the same of those that flip for the asked one
    relative_change: float  # RelativeChange of the target's probability


@dataclass(frozen=True)
class Frechet:
    """Frechet distances of counterfactuals that flip from their photographs."""

    distance: float
    between_halves: float  # sFID where the features are Inception's
    photos: float  # control: between halves with photographs on both sides, how small it can be


@dataclass(frozen=True)
class Identity:
    """Cosines of the embeddings of photographs and counterfactuals."""

    similarity: Mean  # FS
    same: Rate  # FVA: above 0.5
    unedited: Mean  # control: FS of the photographs with `before`


@dataclass(frozen=True)
class Probe:
    """A network that learned something else, as a linear probe, and how often counterfactuals change its answer."""

    accuracy: float  # on pictures that it was not fitted on
    majority: float  # of always giving the commoner answer
    changed: Rate
    random: Rate  # control: by random edits of the same size


@dataclass(frozen=True)
class CounterfactualFigures:
    """Figures of one kind of counterfactuals; None where what they need was not given, or is too little."""

    kind: str
    n: int
    flips: Rate  # FR
    flips_of: dict[str, Rate]  # by the class before
    controls: dict[str, dict[str, Rate]]  # flips by what shows no attribute, of "all" and by the class before
    others: dict[str, Confirmation]
    cout: Mean
    cout_of: dict[str, Mean]  # by the class before
    cout_random: Mean  # control: the pixels inserted in random order
    bkl: Mean
    frechet: Frechet | None  # on the classifier's features
    fid: Frechet | None  # on Inception's
    l1: Mean
    distance: Mean
    distance_name: str
    similarity: Mean
    identity: Identity | None
    sparsity: float | None  # inside the object against outside
    inside: float | None  # share of the change inside the object
    diversity: float
    sigma_l: Mean  # of the same two
    minimality: float | None
    changed_attributes: float | None  # MNAC
    correlation_difference: float | None  # CD
    oracles: dict[str, Probe]
    unrelated: dict[str, Probe]
    per_second: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as `evaluate --counterfactuals --json` prints them."""
        found: dict[str, Any] = as_json(self)
        return found


def as_json(value: Any) -> Any:
    """Return dataclasses, dictionaries and tuples as JSON holds them: NaN is None, a rate has share and interval."""
    if isinstance(value, Rate):
        return {"share": as_json(value.share), "n": value.n, "interval": list(value.interval)}
    if hasattr(value, "__dataclass_fields__"):
        return {each.name: as_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def check_classes(others: Mapping[str, Classifier], class_names: Sequence[str]) -> None:
    """UserError where another network does not name the same classes, in the same order."""
    for name, other in others.items():
        if other.config.class_names != tuple(class_names):
            raise UserError(
                f"{name} cannot confirm flips: its classes are {', '.join(other.config.class_names)}, those here "
                f"{', '.join(class_names)}, in this order. Give a classifier that was trained with these."
            )
