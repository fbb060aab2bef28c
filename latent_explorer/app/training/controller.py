# SPDX-License-Identifier: MIT
"""Trainings for the window: check a plan, start, watch, pause, stop, open and delete. No widget here.

Call methods on the window's thread; `updates` emits what changed. No method raises for an input of the user or for
the contents of a folder. A training is a child process that outlives the window; the controller watches its folder.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from latent_explorer.app.engine.events import JobEnded, JobEvent
from latent_explorer.app.exploration import updates
from latent_explorer.app.training import child
from latent_explorer.app.training import jobs as training_jobs
from latent_explorer.app.training.plan import load_preferences, save_preferences
from latent_explorer.app.training.runs import SNAPSHOT_OUTPUT, RunHistory
from latent_explorer.app.training.updates import (
    CheckDone,
    CheckProgress,
    PicturesMoved,
    RunAttached,
    RunChanged,
    RunEnded,
    RunsChanged,
    SnapshotChanged,
    StartFailed,
    WindowChanged,
)
from latent_explorer.common import paths
from latent_explorer.common.errors import UserError
from latent_explorer.common.events import Progress
from latent_explorer.common.update_hub import UpdateHub

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.training.plan import TrainingPlan
    from latent_explorer.app.training.runs import RunView
    from latent_explorer.training.run_folder import Request

# Notices of the window when a run ends without a request.
_END_MESSAGES: dict[str, tuple[Literal["info", "warning"], str]] = {
    "finished": ("info", "{0} is trained. Open its explainer from the Training panel."),
    "failed": ("warning", "The training of {0} failed: {1}"),
    "interrupted": ("warning", "The training of {0} was interrupted. It can be resumed."),
}
SCAN_EVERY = 10  # polls between two searches for runs that another program started
REQUEST_INTERVAL = 0.5  # seconds between two requests; the training waits for one second from the last


class TrainingController:
    """Controller of trainings. The explorer's engine runs the checks, and the explorer opens the results."""

    def __init__(self, explorer: Explorer, *, data_dir: Path | None = None) -> None:
        self.updates = UpdateHub()
        self._explorer = explorer
        self._folder = data_dir or paths.user_data_dir()
        self._memory = load_preferences(self._folder)
        self._history = RunHistory()
        for folder in self._memory.folders:
            with contextlib.suppress(UserError):  # it may be gone
                self._history.add(folder)
        self.attached: RunView | None = None  # the run on the screen
        self.running: RunView | None = None  # the run that a process works on, of this window or not
        self.device = SharedDevice()
        self._begun: dict[Path, TrainingPlan] = {}  # by run: plans started here that may still fail at the start
        self._requested: Request | None = None  # how the user wants the running one to end
        self._known: tuple[Path, ...] = ()
        self._polls = 0
        self._check: tuple[int, TrainingPlan] | None = None  # the engine's job
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

    @property
    def plan(self) -> TrainingPlan:
        return self._memory.plan

    def remember_plan(self, plan: TrainingPlan) -> None:
        self._remember(plan=plan)

    def inspect_data(self, path: Path) -> None:
        """Read which labels and columns the pictures at `path` have. Emits `DataInspected`."""
        self._explorer.start_job(
            f"Looking at {path.name}", lambda _budget: training_jobs.inspect_data(path), self.updates.emit
        )

    def describe_classifier(self, path: Path) -> None:
        """Find out what the classifier of a file is. Emits `ClassifierDescribed`."""
        self._explorer.start_job(
            f"Looking at {path.name}", lambda _budget: training_jobs.describe_classifier(path), self.updates.emit
        )

    @property
    def checking(self) -> bool:
        return self._check is not None

    def check(self, plan: TrainingPlan) -> None:
        """Check the pictures, then time a few steps on this machine. Emits `CheckProgress`, then one `CheckDone`.

        A check that still runs is cancelled.
        """
        self.cancel_check()
        if problems := plan.problems():
            self.updates.emit(CheckDone(plan, None, None, problems[0]))
            return
        name = f"Checking {plan.data.name if plan.data else ''}"
        job = self._explorer.start_job(
            name, lambda _budget: training_jobs.check_and_estimate(plan, self._history.folder), self.updates.emit
        )
        self._check = None if job is None else (job, plan)

    def cancel_check(self) -> None:
        """Cancel the check; `CheckDone` without a report follows."""
        if self._check is not None:
            self._explorer.cancel(self._check[0])

    def start(self, plan: TrainingPlan) -> bool:
        """Start the training and attach to it. Return False, and report why, if it cannot be started."""
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

    def begin(self) -> None:
        """Attach to a run that is alive; for the start of the window."""
        self._scan()

    def poll(self) -> None:
        """Read what is new and emit `RunChanged`, `RunEnded` and `RunsChanged`. Call it every second.

        `RunChanged` is emitted for the attached run and for the running one. No file is read if none changed.
        """
        if self._closed:
            return
        self._polls += 1
        if self._polls % SCAN_EVERY == 0:
            self._scan()
        for view in dict.fromkeys((self.attached, self.running)):
            if view is not None and view.poll():
                self.updates.emit(RunChanged(view))
        self._repeat_request()
        if self.running is not None and not self.running.alive:
            ended, self.running = self.running, None
            self._ended(ended)
        self._snapshot.poll()

    def attach(self, view: RunView | None) -> None:
        self.attached = view
        if view is not None:
            view.poll()
        self.updates.emit(RunAttached(view))

    def pause(self) -> None:
        """Ask the running training to write a checkpoint and end. `resume` continues it."""
        self._ask("pause", "Pausing the training")

    def stop(self) -> None:
        """Ask the running training to write a checkpoint and an explainer, then end."""
        self._ask("stop", "Stopping the training")

    def resume(self, images: int | None = None, data: Path | None = None) -> bool:
        """Continue the attached run, up to `images` in all if given, with its pictures at `data` if they were moved.

        Return False, and report why, if it cannot. If the pictures are gone and there is no `data`, `PicturesMoved`
        asks for it.
        """
        resumed = False
        with updates.report_errors(self._explorer.updates.emit, "Resuming the training"):
            view = self._shown()
            self._check_none_running()
            was = Path(view.config.data.path) if view.config is not None else None
            if data is None and was is not None and not was.exists():
                self.updates.emit(PicturesMoved(view, was, images))
                return False
            moved = [str(data)] if data is not None else []
            longer = ["--images", str(images)] if images else []
            arguments = ["train", *moved, "--resume", "--out", str(view.path), *longer, "--json"]
            self._follow(view, child.start_child(arguments, view.path))
            resumed = True
        return resumed

    @property
    def snapshot_busy(self) -> bool:
        """True while the current state is being exported."""
        return self._snapshot.work is not None

    def open_current(self) -> None:
        """Export the attached run's newest checkpoint as an explainer and open it. The training continues."""
        with updates.report_errors(self._explorer.updates.emit, "Opening the current state"):
            self._snapshot.start(self._shown())

    def open_result(self) -> None:
        """Open the explainer that the attached run ended with."""
        with updates.report_errors(self._explorer.updates.emit, "Opening the result"):
            view = self._shown()
            if view.result is None:
                raise UserError(f"{view.name} has no finished explainer yet. Open its current state instead.")
            self._explorer.open_path(view.result)

    def runs(self) -> list[RunView]:
        """Return all known runs, newest first. Their `poll` reads their figures."""
        return self._history.views()

    def open_folder(self, path: Path) -> None:
        """Add a run folder from elsewhere to the history and attach to it."""
        with updates.report_errors(self._explorer.updates.emit, f"Opening {path.name}"):
            view = self._history.add(path)
            self._remember(folders=tuple(self._history.elsewhere))
            self.updates.emit(RunsChanged())
            self.attach(view)
            self._scan()

    def delete(self, view: RunView) -> bool:
        """Delete a run's folder. Return False, and report why, if it cannot be deleted, as while it is trained."""
        deleted = False
        with updates.report_errors(self._explorer.updates.emit, f"Deleting {view.name}"):
            self._snapshot.cancel_for(view)
            self._history.delete(view)
            deleted = True
        self._remember(folders=tuple(self._history.elsewhere))
        if view is self.attached and not view.path.exists():
            self.attach(None)
        self._scan()
        return deleted

    def close(self) -> None:
        """Disconnect from the explorer as the window closes. The training continues."""
        if not self._closed:
            self._closed = True
            for disconnect in self._subscriptions:
                disconnect()
            self._snapshot.close()

    def _shown(self) -> RunView:
        if self.attached is None:
            raise UserError("No training is shown. Choose one in the history first.")
        return self.attached

    def _check_none_running(self) -> None:
        running = self._history.running()
        if running is not None:
            raise UserError(
                f"{running.name} is being trained already. Pause or stop it first: two at once would only slow each "
                "other."
            )

    def _follow(self, view: RunView, pid: int) -> None:
        """Watch a run whose process was just started."""
        view.launched(pid)
        self.running, self._requested = view, None
        self._scan()
        self.attach(view)

    def _ask(self, request: Request, doing: str) -> None:
        with updates.report_errors(self._explorer.updates.emit, doing):
            view = self.attached if self.attached and self.attached.alive else self.running
            if view is None or not view.alive:
                raise UserError("No training is running now, so there is nothing to end.")
            view.folder.request(request)
            self._requested = request
            view.poll()
            self.updates.emit(RunChanged(view))

    def _repeat_request(self) -> None:
        """Repeat the request while the run is alive: a process that starts drops requests to the one before it."""
        run = self.running
        if run is not None and run.alive and self._requested is not None and not run.requested:
            with contextlib.suppress(UserError):
                run.folder.request(self._requested)

    def _scan(self) -> None:
        """Look for runs that were added or removed, and for one that another program started."""
        if self.running is None:
            self.running = self._history.running()
            if self.running is not None and self.attached is None:
                self.attach(self.running)
        known = tuple(view.path for view in self._history.views())
        if known != self._known:
            self._known = known
            self.updates.emit(RunsChanged())

    def _ended(self, view: RunView) -> None:
        self._requested = None
        plan = self._begun.pop(view.path, None)
        if plan is not None and view.state == "failed" and self._history.remove_failed_start(view):
            if view is self.attached:
                self.attach(None)
            self.updates.emit(StartFailed(plan, view.message))
        else:
            self.updates.emit(RunEnded(view))
        if view.state in _END_MESSAGES:
            severity, sentence = _END_MESSAGES[view.state]
            self._explorer.updates.emit(updates.Message(sentence.format(view.name, view.message), severity))
        self._scan()

    def _model_opened(self, update: updates.ModelOpened) -> None:
        self.device.model = update.path
        self.updates.emit(WindowChanged())

    def _device_changed(self, update: updates.DeviceChanged) -> None:
        self.device.set_window(update.device, update.choices)
        self.updates.emit(WindowChanged())

    def _hold_back(self) -> None:
        """Hold the training back as the user moves something in the window."""
        if self.running is not None and self.running.alive:
            self.device.hold_training_back(self.running)

    def _job_event(self, update: JobEvent) -> None:
        checking = self._check is not None and update.job == self._check[0]
        if checking and isinstance(update.event, Progress):
            self.updates.emit(CheckProgress(update.event))

    def _job_ended(self, update: JobEnded) -> None:
        if self._check is None or update.job != self._check[0]:
            return
        (_, plan), self._check = self._check, None
        if update.outcome != "finished":  # else the job's own value is emitted
            self.updates.emit(CheckDone(plan, None, None))

    def _remember(self, **fields: Any) -> None:
        memory = replace(self._memory, **fields)
        if memory != self._memory:
            self._memory = memory
            save_preferences(self._folder, memory)


class SharedDevice:
    """Device that the window computes on, and holding back of a training on it while the window needs it."""

    def __init__(self) -> None:
        # (id, display name), "auto" first
        self.choices: tuple[tuple[str, str], ...] = (("auto", "Automatic"), ("cpu", "CPU"))
        self.model: Path | None = None  # the explainer on the screen
        self._window = ""  # id of the device that the window computes on; empty while nothing is open
        self._requested_at = 0.0

    def set_window(self, device: str, choices: tuple[tuple[str, str], ...]) -> None:
        """Set the device that the window computes on (by its display name), and those to choose from."""
        self.choices = choices
        self._window = next((key for key, name in self._named() if name == device), "")

    def hold_training_back(self, run: RunView) -> None:
        """Hold the training back for a second if it computes where the window does."""
        now = time.monotonic()
        if now - self._requested_at < REQUEST_INTERVAL:
            return
        device = run.status.device if run.status is not None else ""
        if not device or device == self._window or not self._window:
            self._requested_at = now
            run.folder.busy()

    def warning(self, device: str) -> str:
        """Return a warning that a training on `device` (an id) would share it with the window, or an empty string."""
        named = self._named()
        chosen = named[0][0] if device == "auto" else device
        if chosen != self._window:
            return ""
        if chosen == "cpu":
            return (
                "The training shares the processor with this window. It waits while you move a slider, "
                "yet pictures may come a little later."
            )
        return (
            f"{dict(named)[chosen]} draws this window's pictures, too. The training waits while you move a slider, "
            "and both share its memory: at large sizes choose another device for one of them."
        )

    def _named(self) -> list[tuple[str, str]]:
        return [choice for choice in self.choices if choice[0] != "auto"]


MAKING = (
    "An explainer of {0} is being made, as it is after {1:,} images. It opens in this window in a minute or two; "
    "the training goes on."
)


class SnapshotExporter:
    """Exports a running training's current state as an explainer, one at a time, and opens it.

    A child process and not a job of the engine: it takes a minute or two, and measuring is one long step, during which
    no slider would respond.
    """

    def __init__(self, explorer: Explorer, hub: UpdateHub) -> None:
        self._explorer, self._updates = explorer, hub
        self.work: tuple[int, RunView] | None = None  # process, run

    def start(self, view: RunView) -> None:
        """Start to export the run's newest checkpoint. Raises UserError if that is not possible."""
        if self.work is not None:
            raise UserError("The current state is being opened already. Wait a minute or two.")
        if not any(view.folder.checkpoints.glob("*.pt")):
            raise UserError(f"{view.name} has no checkpoint yet. Wait until the first is written.")
        images = view.status.images if view.status is not None else 0
        arguments = ["export", str(view.path), "--out", str(view.folder.current)]
        arguments += ["--name", f"{view.name}, {images:,} images", "--json"]
        self.work = child.start_child(arguments, view.path, SNAPSHOT_OUTPUT), view
        self._updates.emit(SnapshotChanged(True))
        self._explorer.updates.emit(updates.Message(MAKING.format(view.name, images)))

    def poll(self) -> None:
        """Open the explainer if the export has ended."""
        if self.work is None or child.is_running(self.work[0]):
            return
        (pid, view), self.work = self.work, None
        self._updates.emit(SnapshotChanged(False))
        with updates.report_errors(self._explorer.updates.emit, "Opening the current state"):
            if problem := child.failure_of_child(pid, view.path / SNAPSHOT_OUTPUT):
                raise UserError(problem)
            self._explorer.open_path(view.folder.current)

    def cancel_for(self, view: RunView) -> None:
        """Cancel the export of this run, if there is one."""
        if self.work is not None and self.work[1] is view:
            self.close()
            self._updates.emit(SnapshotChanged(False))

    def close(self) -> None:
        """End the export, if there is one."""
        if self.work is not None:
            child.end_child(self.work[0])
            self.work = None
