# SPDX-License-Identifier: MIT
"""Trainings as the window sees them: plan, check, start, watch, steer, open. No window here, and no training.

Methods are called on the window's thread; `updates` passes on what changed. None raises for what a person did or a
folder holds. A training is a child process that survives the window; the controller attaches to its folder.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from latent_explorer.app.engine.events import JobEnded, JobEvent
from latent_explorer.app.exploration import updates
from latent_explorer.app.training import child
from latent_explorer.app.training import jobs as training_jobs
from latent_explorer.app.training import preferences as training_memory
from latent_explorer.app.training.run_history import RunHistory
from latent_explorer.app.training.run_view import running_sentence
from latent_explorer.app.training.shared_device import SharedDevice
from latent_explorer.app.training.snapshot import SnapshotExporter
from latent_explorer.app.training.updates import (
    CheckDone,
    CheckProgress,
    RunAttached,
    RunChanged,
    RunEnded,
    RunsChanged,
    StartFailed,
    WindowChanged,
)
from latent_explorer.common import paths
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Progress
from latent_explorer.common.update_hub import UpdateHub

if TYPE_CHECKING:
    from pathlib import Path

    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.training.plan import TrainingPlan
    from latent_explorer.app.training.run_view import RunView
    from latent_explorer.training.run_folder import Request

# What is said when a run comes to an end that nobody asked for, wherever the person looks.
_END_MESSAGES: dict[str, tuple[Literal["info", "warning"], str]] = {
    "finished": ("info", "{0} is trained. Open its explainer from the Training panel."),
    "failed": ("warning", "The training of {0} failed: {1}"),
    "interrupted": ("warning", "The training of {0} was interrupted. It can be resumed."),
}
SCAN_EVERY = 10  # polls; only then are runs looked for that another program started


class TrainingController:
    """Beside the explorer, whose engine does the checks and whose window opens what was trained."""

    def __init__(self, explorer: Explorer, *, data_dir: Path | None = None) -> None:
        self.updates = UpdateHub()
        self._explorer = explorer
        self._folder = data_dir or paths.user_data_dir()
        self._memory = training_memory.load(self._folder)
        self._history = RunHistory()
        for folder in self._memory.folders:
            self._history.add_if_there(folder)
        self._attached: RunView | None = None
        self._running: RunView | None = None
        self._begun: dict[Path, TrainingPlan] = {}  # by run: plans that have not shown yet that they work
        self._wish: Request | None = None  # how the person wants the running one to end
        self._known: tuple[Path, ...] = ()
        self._polls = 0
        self._check: tuple[int, TrainingPlan] | None = None  # the engine's job
        self._device = SharedDevice()
        self._snapshot = SnapshotExporter(explorer, self.updates)
        self._closed = False
        self._subscriptions = [
            explorer.updates.on(updates.ModelOpened, self._model_opened),
            explorer.updates.on(updates.DeviceChanged, self._device_changed),
            explorer.updates.on(updates.StateChanged, lambda _update: self._hold_back()),
            explorer.updates.on(updates.HoverPicture, lambda _update: self._hold_back()),
            explorer.updates.on(JobEvent, self._job_event),
            explorer.updates.on(JobEnded, self._job_ended),
        ]

    # The guided start ----------------------------------------------------------------------------

    @property
    def plan(self) -> TrainingPlan:
        """The plan of last time, for the form."""
        return self._memory.plan

    def remember_plan(self, plan: TrainingPlan) -> None:
        """Remember the plan for the next start of the program."""
        self._remember(plan=plan)

    @property
    def devices(self) -> tuple[tuple[str, str], ...]:
        """Devices to choose from, as (id, words); "auto" first."""
        return self._device.choices

    def device_warning(self, device: str) -> str:
        """A sentence when a training on `device` would share it with the window; else empty."""
        return self._device.warning(device)

    def open_explainer(self) -> Path | None:
        """The file of the explainer on the screen, whose classifier can be explained once more."""
        return self._device.model

    def inspect_data(self, path: Path) -> None:
        """See what the pictures at `path` offer: `DataInspected`."""
        self._explorer.start_job(
            f"Looking at {path.name}",
            lambda _budget: training_jobs.inspect_data(path),
            self.updates.emit,
        )

    @property
    def checking(self) -> bool:
        """Whether a check is at work."""
        return self._check is not None

    def check(self, plan: TrainingPlan) -> None:
        """Check the pictures, then time a few steps on this machine: `CheckProgress`, then one `CheckDone`.

        A check that is at work is dropped without a word.
        """
        self.cancel_check()
        if problems := plan.problems():
            self.updates.emit(CheckDone(plan, None, None, problems[0]))
            return
        name = f"Checking {plan.data.name if plan.data else ''}"
        job = self._explorer.start_job(
            name,
            lambda _budget: training_jobs.check_and_estimate(plan, self._history.folder),
            self.updates.emit,
        )
        self._check = None if job is None else (job, plan)

    def cancel_check(self) -> None:
        """End it; `CheckDone` without a report follows."""
        if self._check is not None:
            self._explorer.cancel(self._check[0])

    def start(self, plan: TrainingPlan) -> bool:
        """Start the training and attach to it. False, and a sentence told, when it cannot be started."""
        started = False
        with updates.report_errors(self._explorer.updates.emit, "Starting the training"):
            self._check_none_running()
            if problems := plan.problems():
                raise UserError(problems[0])
            self.remember_plan(plan)
            path = self._history.new(plan.title())
            pid = child.start_child([*plan.arguments(path), "--json"], path)
            view = self._history.started(path)
            self._begun[view.path] = plan
            self._follow(view, pid)
            started = True
        return started

    # The attached run ----------------------------------------------------------------------------

    @property
    def attached(self) -> RunView | None:
        """The run that is shown."""
        return self._attached

    @property
    def running(self) -> RunView | None:
        """The run that somebody works on, in this window or not; for the status line."""
        return self._running

    def begin(self) -> None:
        """At the start of the window: attach to a run that is alive."""
        self._scan()

    def poll(self) -> None:
        """To be called every second: `RunChanged`, `RunEnded`, `RunsChanged`. Costs nothing when nothing changed.

        `RunChanged` comes for the attached run and for the running one.
        """
        if self._closed:
            return
        self._polls += 1
        if self._polls % SCAN_EVERY == 0:
            self._scan()
        for view in dict.fromkeys((self._attached, self._running)):
            if view is not None and view.poll():
                self.updates.emit(RunChanged(view))
        self._repeat_request()
        if self._running is not None and not self._running.alive:
            ended, self._running = self._running, None
            self._ended(ended)
        self._snapshot.poll()

    def attach(self, view: RunView | None) -> None:
        """Show this run."""
        self._attached = view
        if view is not None:
            view.poll()
        self.updates.emit(RunAttached(view))

    def pause(self) -> None:
        """Ask the running training to write a checkpoint and end; `resume` goes on."""
        self._ask("pause", "Pausing the training")

    def stop(self) -> None:
        """Ask it to end early: checkpoint, then the result as it is."""
        self._ask("stop", "Stopping the training")

    def resume(self, images: int | None = None) -> bool:
        """Go on with the attached run, to `images` in all if given. False, and a sentence told, when it cannot."""
        resumed = False
        with updates.report_errors(self._explorer.updates.emit, "Resuming the training"):
            view = self._shown()
            self._check_none_running()
            longer = ["--images", str(images)] if images else []
            arguments = ["train", "--resume", "--out", str(view.path), *longer, "--json"]
            self._follow(view, child.start_child(arguments, view.path))
            resumed = True
        return resumed

    @property
    def snapshot_busy(self) -> bool:
        """Whether the current state is being made into an explainer."""
        return self._snapshot.busy

    def open_current(self) -> None:
        """Make an explainer of the attached run's newest checkpoint and open it; the training goes on meanwhile."""
        with updates.report_errors(self._explorer.updates.emit, "Opening the current state"):
            self._snapshot.start(self._shown())

    def open_result(self) -> None:
        """Open the attached run's finished explainer."""
        with updates.report_errors(self._explorer.updates.emit, "Opening the result"):
            view = self._shown()
            if view.result is None:
                raise UserError(f"{view.name} has no finished explainer yet. Open its current state instead.")
            self._explorer.open_path(view.result)

    # The history ---------------------------------------------------------------------------------

    def runs(self) -> list[RunView]:
        """All known runs, newest first. Their figures are read by their `poll`."""
        return self._history.views()

    def open_folder(self, path: Path) -> None:
        """Add a run folder from elsewhere to the history and attach to it."""
        with updates.report_errors(self._explorer.updates.emit, f"Opening {path.name}"):
            view = self._history.add(path)
            self._remember(folders=tuple(self._history.external_folders))
            self.updates.emit(RunsChanged())
            self.attach(view)
            self._scan()

    def delete(self, view: RunView) -> bool:
        """Delete a run with everything in it; refused while somebody works on it."""
        deleted = False
        with updates.report_errors(self._explorer.updates.emit, f"Deleting {view.name}"):
            self._snapshot.cancel_for(view)
            self._history.delete(view)
            deleted = True
        self._remember(folders=tuple(self._history.external_folders))
        if view is self._attached and not view.path.exists():
            self.attach(None)
        self._scan()
        return deleted

    def close(self) -> None:
        """The window closes: the training goes on."""
        if not self._closed:
            self._closed = True
            for disconnect in self._subscriptions:
                disconnect()
            self._snapshot.close()

    # Inside --------------------------------------------------------------------------------------

    def _shown(self) -> RunView:
        if self._attached is None:
            raise UserError("No training is shown. Choose one in the history first.")
        return self._attached

    def _check_none_running(self) -> None:
        running = self._history.running()
        if running is not None:
            raise UserError(running_sentence(running))

    def _follow(self, view: RunView, pid: int) -> None:
        """Watch a run that a process was just started for."""
        view.launched(pid)
        self._running, self._wish = view, None
        self._scan()
        self.attach(view)

    def _ask(self, what: Request, doing: str) -> None:
        with updates.report_errors(self._explorer.updates.emit, doing):
            view = self._attached if self._attached and self._attached.alive else self._running
            if view is None or not view.alive:
                raise UserError("No training is running now, so there is nothing to end.")
            view.folder.request(what)
            self._wish = what
            view.poll()
            self.updates.emit(RunChanged(view))

    def _repeat_request(self) -> None:
        """Ask again while the run lives: one that only begins forgets what was asked of the process before it."""
        run = self._running
        if run is not None and run.alive and self._wish is not None and not run.requested:
            with contextlib.suppress(UserError):
                run.folder.request(self._wish)

    def _scan(self) -> None:
        """Look for runs that came or went, and for one that somebody else has started."""
        if self._running is None:
            self._running = self._history.running()
            if self._running is not None and self._attached is None:
                self.attach(self._running)
        known = tuple(view.path for view in self._history.views())
        if known != self._known:
            self._known = known
            self.updates.emit(RunsChanged())

    def _ended(self, view: RunView) -> None:
        self._wish = None
        plan = self._begun.pop(view.path, None)
        if plan is not None and view.state == "failed" and self._history.remove_failed_start(view):
            if view is self._attached:
                self.attach(None)
            self.updates.emit(StartFailed(plan, view.message))
        else:
            self.updates.emit(RunEnded(view))
        if view.state in _END_MESSAGES:
            severity, sentence = _END_MESSAGES[view.state]
            self._explorer.updates.emit(updates.Message(sentence.format(view.name, view.message), severity))
        self._scan()

    def _model_opened(self, update: updates.ModelOpened) -> None:
        self._device.model = update.path
        self.updates.emit(WindowChanged())

    def _device_changed(self, update: updates.DeviceChanged) -> None:
        self._device.set_window(update.device, update.choices)
        self.updates.emit(WindowChanged())

    def _hold_back(self) -> None:
        """A person moves something in the window."""
        if self._running is not None and self._running.alive:
            self._device.hold_training_back(self._running)

    def _job_event(self, update: JobEvent) -> None:
        checking = self._check is not None and update.job == self._check[0]
        if checking and isinstance(update.event, Progress):
            self.updates.emit(CheckProgress(update.event))

    def _job_ended(self, update: JobEnded) -> None:
        if self._check is None or update.job != self._check[0]:
            return
        (_, plan), self._check = self._check, None
        if update.outcome != "finished":  # else the job's own value follows
            self.updates.emit(CheckDone(plan, None, None))

    def _remember(self, **fields: Any) -> None:
        memory = replace(self._memory, **fields)
        if memory != self._memory:
            self._memory = memory
            training_memory.save(self._folder, memory)
