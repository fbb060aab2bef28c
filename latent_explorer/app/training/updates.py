# SPDX-License-Identifier: MIT
"""Updates of the training controller, on the window's thread. Plain values: the dock draws them.

Sentences that need no place in the dock (a failed start, a finished run) are emitted as `Message` and `ErrorReport`
by the explorer, like everything else that is said to a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from latent_explorer.app.training.plan import TrainingPlan
from latent_explorer.app.training.runs import RunView
from latent_explorer.common.events import Progress
from latent_explorer.data.check import DataReport
from latent_explorer.data.summary import DataSummary

if TYPE_CHECKING:
    from latent_explorer.training.estimate import Estimate  # noqa: TC004  # it brings torch


@dataclass(frozen=True)
class DataInspected:
    """What the pictures at `path` offer, or in one sentence why nothing can be done with them."""

    path: Path
    offer: DataSummary | None
    problem: str = ""


@dataclass(frozen=True)
class CheckProgress:
    """How far the data check or the estimate is."""

    progress: Progress


@dataclass(frozen=True)
class CheckDone:
    """The check of `plan` is over. Cancelled: no report and no problem. `estimate` None: it could not be measured."""

    plan: TrainingPlan
    report: DataReport | None
    estimate: Estimate | None
    problem: str = ""  # why there is no report or no estimate, in one sentence


@dataclass(frozen=True)
class WindowChanged:
    """Another explainer is open, or the window computes elsewhere: the guided start offers both."""


@dataclass(frozen=True)
class RunsChanged:
    """The history has other entries: ask `controller.runs()`."""


@dataclass(frozen=True)
class RunAttached:
    """Another run is attached now (None: no run)."""

    view: RunView | None


@dataclass(frozen=True)
class RunChanged:
    """The attached run has something new: status, figures, sheets or log."""

    view: RunView


@dataclass(frozen=True)
class RunEnded:
    """Nobody works on the run any more; `view.state` and `view.message` say how it came to an end."""

    view: RunView


@dataclass(frozen=True)
class StartFailed:
    """The training ended before there was a run: bad data, a missing file, no memory. One sentence."""

    plan: TrainingPlan
    problem: str


@dataclass(frozen=True)
class SnapshotChanged:
    """The current state of a run is being made into an explainer (`busy`), or that is over."""

    busy: bool
