# SPDX-License-Identifier: MIT
"""What long jobs yield while they run. Plain values: the command line prints them, the window draws them."""

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


@dataclass(frozen=True)
class Result:
    """The last event of a job: what it made."""

    value: Any


Event = Progress | Preview | Metric | Notice | Kept | Result
