# SPDX-License-Identifier: MIT
"""What long jobs yield while they run: plain values, which the command line prints and the window draws.

What a job makes is not among them: it is the value that the generator returns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Progress:
    """`done` of `total` steps; `message` says of what, in words a user knows."""

    done: int
    total: int
    message: str = ""
    seconds_left: float | None = None


@dataclass(frozen=True)
class Preview:
    """An interim picture, (H, W, 3) uint8."""

    image: np.ndarray
    label: str = ""


@dataclass(frozen=True)
class Metric:
    """Named figures at a step (a training's images seen, a projection's iteration)."""

    step: int
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Notice:
    """One sentence for the user; `severity` is info, warning or error."""

    text: str
    severity: str = "info"


@dataclass(frozen=True)
class Kept:
    """What is worth keeping if the job is closed now; a later one replaces it. Not of every job."""

    value: Any


Event = Progress | Preview | Metric | Notice | Kept
