# SPDX-License-Identifier: MIT
"""What the engine tells its listener. Plain values; the engine itself is in `engine`."""

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
    """The same, when there is no picture."""

    slot: str
    generation: int
    index: int
    request: Any
    failure: Failure


@dataclass(frozen=True)
class JobStarted:
    """A job or call has begun; every one that began or waited ends with exactly one JobEnded."""

    job: int
    name: str
    cancellable: bool  # jobs are listed with a cancel button; calls are short


@dataclass(frozen=True)
class JobEvent:
    """Progress, a preview, a figure or a notice from a job."""

    job: int
    event: Event


@dataclass(frozen=True)
class JobEnded:
    """`value` is what the job returned, or of one that was cancelled or failed the last value that it `Kept`."""

    job: int
    name: str
    outcome: Outcome
    value: Any = None
    failure: Failure | None = None


EngineEvent = PictureReady | PictureFailed | JobStarted | JobEvent | JobEnded
