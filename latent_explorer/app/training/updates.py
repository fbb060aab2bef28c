# SPDX-License-Identifier: MIT
"""Updates that the training controller emits on the window's thread. Plain values.

Messages for the whole window (a failed start, a finished run) are emitted by the explorer, as `Message` and
`ErrorReport`.
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
    from latent_explorer.training.estimate import Estimate  # noqa: TC004  # it imports torch


@dataclass(frozen=True)
class DataInspected:
    """Summary of the pictures at `path`, or the problem with them in one sentence."""

    path: Path
    offer: DataSummary | None
    problem: str = ""


@dataclass(frozen=True)
class ClassifierDescribed:
    """What was recognised in the classifier's file at `path`, or the problem with it in one sentence."""

    path: Path
    network: str = ""
    class_names: tuple[str, ...] = ()
    named: bool = True  # else the names stand in for those that the file does not give
    problem: str = ""


@dataclass(frozen=True)
class CheckProgress:
    """Progress of the data check or the estimate."""

    progress: Progress


@dataclass(frozen=True)
class CheckDone:
    """End of the check of `plan`. Cancelled: no report and no problem. `estimate` None: it could not be measured."""

    plan: TrainingPlan
    report: DataReport | None
    estimate: Estimate | None
    problem: str = ""  # why there is no report or no estimate, in one sentence


@dataclass(frozen=True)
class WindowChanged:
    """Change of the open explainer or of the window's device, which the guided start offers."""


@dataclass(frozen=True)
class RunsChanged:
    """Change of the list of runs: see `controller.runs()`."""


@dataclass(frozen=True)
class RunAttached:
    """Change of the attached run (None: no run)."""

    view: RunView | None


@dataclass(frozen=True)
class RunChanged:
    """Change of the attached or running run: its status, figures, sheets or log."""

    view: RunView


@dataclass(frozen=True)
class RunEnded:
    """End of a run; `view.state` and `view.message` say how it ended."""

    view: RunView


@dataclass(frozen=True)
class StartFailed:
    """Failure of a training before there was a run, in one sentence: bad data, a missing file, no memory."""

    plan: TrainingPlan
    problem: str


@dataclass(frozen=True)
class PicturesMoved:
    """Request for the place of the pictures of a run that is to be resumed: they are not where they were.

    Answer with `controller.resume(images, data)`.
    """

    view: RunView
    path: Path  # where they were
    images: int | None


@dataclass(frozen=True)
class SnapshotChanged:
    """Start (`busy`) or end of the export of a run's current state."""

    busy: bool
