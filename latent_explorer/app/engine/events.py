# SPDX-License-Identifier: MIT
"""Events that the engine reports to its listener, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from latent_explorer.app.engine.failure import Failure
from latent_explorer.common.events import Event

Outcome = Literal["finished", "cancelled", "failed"]


@dataclass(frozen=True)
class PictureReady:
    """Picture `index` of the `generation`-th request list of a slot."""

    slot: str
    generation: int
    index: int
    request: Any
    result: Any


@dataclass(frozen=True)
class PictureFailed:
    """Failure of the picture `index` of the `generation`-th request list of a slot."""

    slot: str
    generation: int
    index: int
    request: Any
    failure: Failure


@dataclass(frozen=True)
class JobStarted:
    """Start of a job or call; every one that began or waited ends with exactly one JobEnded."""

    job: int
    name: str
    cancellable: bool  # jobs are listed with a cancel button; calls are short


@dataclass(frozen=True)
class JobEvent:
    """Progress, preview, figure or notice of a job."""

    job: int
    event: Event


@dataclass(frozen=True)
class JobEnded:
    """End of a job. `value` is what it returned, or the last value it `Kept` if it was cancelled or failed."""

    job: int
    name: str
    outcome: Outcome
    value: Any = None
    failure: Failure | None = None


EngineEvent = PictureReady | PictureFailed | JobStarted | JobEvent | JobEnded
