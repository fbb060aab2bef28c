# SPDX-License-Identifier: MIT
"""The events that long jobs yield: plain values, which the command line prints and the window shows.

The result of a job is not an event: it is the value that the generator returns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Progress:
    """`done` of `total` steps; `message` says of what, in the user's words."""

    done: int
    total: int
    message: str = ""
    seconds_left: float | None = None


@dataclass(frozen=True)
class Preview:
    """Interim picture, (H, W, 3) uint8."""

    image: np.ndarray
    label: str = ""


@dataclass(frozen=True)
class Metric:
    """Named figures at a step (images seen of a training, iteration of a projection)."""

    step: int
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Notice:
    """Sentence for the user; `severity` is info, warning or error."""

    text: str
    severity: str = "info"


@dataclass(frozen=True)
class Kept:
    """Interim result to keep if the job is closed now; a later one replaces it. Only some jobs yield it."""

    value: Any


Event = Progress | Preview | Metric | Notice | Kept
