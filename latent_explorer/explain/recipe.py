# SPDX-License-Identifier: MIT
"""What determines a picture, and what a rendered picture carries. Values only: no torch, no Qt.

Order of effects: base latent, truncation, W directions, affines, style shifts, synthesis with the noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from latent_explorer.models.attributes import End

Unit = Literal["range", "sigma"]


class SeedBase(msgspec.Struct, frozen=True, tag="seed"):
    """z drawn by a CPU generator seeded with `seed` (the same on every device)."""

    seed: int


class SampleBase(msgspec.Struct, frozen=True, tag="sample"):
    """The encoded picture number `index` of the explainer file."""

    index: int


class ProjectedBase(msgspec.Struct, frozen=True, tag="projected"):
    """A projected picture, stored in the exploration under `latent_id`."""

    latent_id: str


Base = SeedBase | SampleBase | ProjectedBase


class Noise(msgspec.Struct, frozen=True):
    """Noise is a value: the stored constant maps, none, maps drawn from `seed`, or the optimised `maps_id`."""

    kind: Literal["const", "none", "seed", "maps"] = "const"
    seed: int = 0
    maps_id: str = ""


class StyleShift(msgspec.Struct, frozen=True, tag="style"):
    """Move one style coordinate.

    Unit `range`: `amount` of the way from this picture's own unedited value to the observed `end`
    (1 = kappa 1; negative = towards the other end; over 1 = outside the data).
    Unit `sigma`: `amount` standard deviations towards `end`.
    """

    style_index: int
    end: End
    amount: float
    unit: Unit = "range"


class DirectionShift(msgspec.Struct, frozen=True, tag="direction"):
    """Add `amount` times a stored direction (in W or in style space)."""

    direction_id: str
    amount: float


Edit = StyleShift | DirectionShift


class PictureRecipe(msgspec.Struct, frozen=True):
    """Everything that determines one picture of a given model. Equal recipes give equal pictures, bit for bit."""

    base: Base
    truncation_psi: float = 1.0
    truncation_cutoff: int | None = None  # rows of ws from 0 that are truncated; None: all
    noise: Noise = Noise()
    cond: tuple[float, ...] | None = None  # None: the base's own
    edits: tuple[Edit, ...] = ()


class PictureRequest(msgspec.Struct, frozen=True):
    """A recipe and the classifier that is asked about it."""

    recipe: PictureRecipe
    classifier_id: str


@dataclass(frozen=True)
class Picture:
    """A rendered picture and what the classifier says of it; they never travel apart."""

    image: np.ndarray  # (H, W, 3) uint8
    logits: np.ndarray  # (K,) float32
    probs: np.ndarray  # (K,) float32


@dataclass(frozen=True)
class RenderResult:
    """What comes back for a request: the edited picture, the same without edits, and its style values."""

    after: Picture
    before: Picture
    styles: np.ndarray  # (num_styles,) unedited style values of this picture
    w_distance: (
        float  # RMS distance of the unedited ws from w_avg, in units of w's standard deviation
    )
    seconds: float
    generation: int = 0
