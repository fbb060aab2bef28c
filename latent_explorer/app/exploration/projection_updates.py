# SPDX-License-Identifier: MIT
"""What the projection desk tells its listeners, on the window's thread. What they show they read from the desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["finished", "cancelled", "failed"]


@dataclass(frozen=True)
class PhotosChanged:
    """Photos came or went, another one is looked at, a crop moved, or the settings are others."""

    opened: bool = False  # the person has just brought photos: show them


@dataclass(frozen=True)
class ProjectionStarted:
    """The photos are being projected."""


@dataclass(frozen=True)
class ProjectionProgress:
    """A step further; `pictures`: the pictures got better, too."""

    pictures: bool


@dataclass(frozen=True)
class ProjectionEnded:
    """It is over. `latent_ids` are in the strip now, one for each photo; empty when there was nothing to keep."""

    outcome: Outcome
    latent_ids: tuple[str, ...]


ProjectionUpdate = PhotosChanged | ProjectionStarted | ProjectionProgress | ProjectionEnded
