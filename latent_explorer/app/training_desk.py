# SPDX-License-Identifier: MIT
"""Trainings as the window sees them: plan, check, start, watch, steer, open. No window here, and no training.

Methods are called on the window's thread and tell `TrainingUpdate`s to `listeners`. None raises for what a person
did or a folder holds. A training is a child process that survives the window; the desk attaches to its folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.runs import RunView
    from latent_explorer.app.training_plan import TrainingPlan
    from latent_explorer.app.training_updates import TrainingUpdate


class TrainingDesk:
    """Beside the explorer, whose engine does the checks and whose window opens what was trained."""

    def __init__(self, explorer: Explorer, *, data_dir: Path | None = None) -> None:
        self.listeners: list[Callable[[TrainingUpdate], None]] = []

    # The guided start ----------------------------------------------------------------------------

    @property
    def plan(self) -> TrainingPlan:
        """The plan of last time, for the form."""
        raise NotImplementedError

    def keep(self, plan: TrainingPlan) -> None:
        """Remember the plan for the next start of the program."""
        raise NotImplementedError

    @property
    def devices(self) -> tuple[tuple[str, str], ...]:
        """Devices to choose from, as (id, words); "auto" first."""
        raise NotImplementedError

    def card_warning(self, device: str) -> str:
        """A sentence when a training on `device` would share it with the window; else empty."""
        raise NotImplementedError

    def open_explainer(self) -> Path | None:
        """The file of the explainer on the screen, whose classifier can be explained once more."""
        raise NotImplementedError

    def look_at(self, path: Path) -> None:
        """See what the pictures at `path` offer: `DataSeen`."""
        raise NotImplementedError

    @property
    def checking(self) -> bool:
        """Whether a check is at work."""
        raise NotImplementedError

    def check(self, plan: TrainingPlan) -> None:
        """Check the pictures, then time a few steps on this machine: `CheckProgress`, then one `CheckDone`."""
        raise NotImplementedError

    def cancel_check(self) -> None:
        """End it; `CheckDone` without a report follows."""
        raise NotImplementedError

    def start(self, plan: TrainingPlan) -> bool:
        """Start the training and attach to it. False, and a sentence told, when it cannot be started."""
        raise NotImplementedError

    # The attached run ----------------------------------------------------------------------------

    @property
    def attached(self) -> RunView | None:
        """The run that is shown."""
        raise NotImplementedError

    @property
    def running(self) -> RunView | None:
        """The run that somebody works on, in this window or not; for the status line."""
        raise NotImplementedError

    def begin(self) -> None:
        """At the start of the window: attach to a run that is alive."""
        raise NotImplementedError

    def poll(self) -> None:
        """To be called every second: `RunChanged`, `RunEnded`, `RunsChanged`. Costs nothing when nothing changed."""
        raise NotImplementedError

    def attach(self, view: RunView | None) -> None:
        """Show this run."""
        raise NotImplementedError

    def pause(self) -> None:
        """Ask the running training to write a checkpoint and end; `resume` goes on."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ask it to end early: checkpoint, then the result as it is."""
        raise NotImplementedError

    def resume(self, images: int | None = None) -> bool:
        """Go on with the attached run, to `images` in all if given. False, and a sentence told, when it cannot."""
        raise NotImplementedError

    @property
    def snapshot_busy(self) -> bool:
        """Whether the current state is being made into an explainer."""
        raise NotImplementedError

    def open_current(self) -> None:
        """Make an explainer of the attached run's newest checkpoint and open it; the training goes on meanwhile."""
        raise NotImplementedError

    def open_result(self) -> None:
        """Open the attached run's finished explainer."""
        raise NotImplementedError

    # The history ---------------------------------------------------------------------------------

    def runs(self) -> list[RunView]:
        """All known runs, newest first."""
        raise NotImplementedError

    def open_folder(self, path: Path) -> None:
        """Add a run folder from elsewhere to the history and attach to it."""
        raise NotImplementedError

    def delete(self, view: RunView) -> bool:
        """Delete a run with everything in it; refused while somebody works on it."""
        raise NotImplementedError

    def close(self) -> None:
        """The window closes: the training goes on."""
        raise NotImplementedError
