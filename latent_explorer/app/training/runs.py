# SPDX-License-Identifier: MIT
"""One run as the window sees it: a view of its folder, polled without cost while nothing changes.

The files are `training.run_folder`'s. A view believes nothing: folders may be half written, damaged, foreign, or gone
by the next look. Which runs there are is `run_history`'s.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import time
from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from latent_explorer.app.training import child
from latent_explorer.common import paths
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import free_name
from latent_explorer.training.run_folder import RunFolder

if TYPE_CHECKING:
    from latent_explorer.training.config import TrainConfig
    from latent_explorer.training.run_folder import RunStatus


State = Literal["starting", "running", "paused", "stopped", "finished", "failed", "interrupted", "unknown"]

WATCHED = (
    "config.json",
    "status.json",
    "metrics.jsonl",
    "log.txt",
    "samples",
    "request",
    "result.explainer",
    child.OUTPUT,
)
_INTERRUPTED = (
    "Interrupted: nobody works on it any more. Resume it; at most the work since the last checkpoint is lost."
)
SNAPSHOT_OUTPUT = "export.txt"  # what the making of current.explainer said
# All that a run folder may hold; whatever else lies there is somebody's, and keeps the folder from being deleted.
_OWN_FILES = {
    *WATCHED,
    "provenance.json",
    "lock",
    "busy",
    "classifier.classifier",
    "current.explainer",
    "pictures.txt",
    SNAPSHOT_OUTPUT,
}
_OWN_FOLDERS = {"samples": re.compile(r"\d+\.png"), "checkpoints": re.compile(r"(\d+|best)\.pt")}
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # of file managers
_LEFT_OVER = re.compile(r"\.[\w.]+-\w{8}(\.\w+)?")  # see `atomic_path`


class RunView:
    """One run folder as the window sees it. Attributes are what the last `refresh_status` or `poll` read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = RunFolder(path)
        self.name = path.name
        self.config: TrainConfig | None = None  # None: not written yet, or not readable
        self.status: RunStatus | None = None
        self.alive = False  # somebody works on it
        self.state: State = "unknown"  # "interrupted": says that it runs, but nobody does
        self.message = ""  # how it stands or why it ended, in one sentence
        self.requested = ""  # "pause" or "stop" while that was asked for and not done yet
        self.series: dict[str, list[tuple[float, float]]] = {}  # figure -> (images seen, value)
        self.sheets: list[Path] = []  # oldest first; a name is the images seen
        self.log: list[str] = []  # sentences with their local time, oldest first
        self.result: Path | None = None  # the finished explainer
        self.child: int | None = None  # the process that this window started for it
        self._launched = 0.0
        self._reason = ""  # why the process that this window started has failed
        self._last_word = ""  # the same, of a process that another window started
        self._offset = 0  # of metrics.jsonl
        self._signs: dict[str, object] = {}
        self._seen: tuple[object, ...] = ()
        self._polled: tuple[object, ...] = ()
        self.refresh_status()

    @property
    def updated(self) -> float:
        """When it was worked on last, in seconds since the epoch; sorts the history."""
        if self.status is not None:
            return self.status.updated
        return _modified(self.path / "config.json") or _modified(self.path)

    def launched(self, pid: int) -> None:
        """This window started a process for it; what the status says is of an earlier one until that one speaks."""
        self.child, self._launched, self._reason = pid, time.time(), ""
        self.refresh_status()

    def refresh_status(self) -> bool:
        """Read how the run stands, not its figures. Whether that is new."""
        if self.child is not None and not child.is_running(self.child):
            self._reason = child.failure_of_child(self.child, self.path / child.OUTPUT)
            self.child = None
        before = self._signs
        self._signs = {name: _sign(self.path / name) for name in WATCHED}
        changed = {name for name, sign in self._signs.items() if sign != before.get(name)}
        if "config.json" in changed:
            self.config = self._read_config()
        if "status.json" in changed:
            self.status = self.folder.status()
        if changed & {"status.json", child.OUTPUT}:
            self._last_word = self._read_last_word()
        self.result = self.folder.result if self._signs["result.explainer"] else None
        self.alive = self._is_alive()
        self.requested = self._read_request() if self._signs["request"] and self.alive else ""
        self.state, self.message = self._stand()
        seen = (*self._signs.values(), self.alive, self.state, self.message)
        new, self._seen = seen != self._seen, seen
        return new

    def poll(self) -> bool:
        """Read all that is new since the last poll. Whether there was anything; where no file changed, none is read."""
        self.refresh_status()
        if self._seen == self._polled:
            return False
        self._polled = self._seen
        self._read_figures()
        self.log = self.folder.log()
        self.sheets = self.folder.sheets()
        return True

    def _read_config(self) -> TrainConfig | None:
        try:
            return self.folder.config()
        except UserError:
            return None

    def _read_figures(self) -> None:
        rows, self._offset = self.folder.metrics(self._offset)
        for row in rows:
            images = row.pop("images")
            for name, value in row.items():
                add_figure(self.series.setdefault(name, []), images, value)

    def _read_request(self) -> str:
        try:
            return (self.path / "request").read_text(errors="replace").strip()
        except OSError:
            return ""

    def _is_alive(self) -> bool:
        """The lock is only tried where somebody may hold it."""
        if self.child is not None:
            return True
        may_be = self.alive or self.status is None or self.status.state in ("starting", "running")
        return may_be and self.folder.is_alive()

    def _stand(self) -> tuple[State, str]:
        status = self.status
        if self.alive:
            if status is None or status.updated < self._launched:
                return "starting", "Starting."
            return status.state, status.message
        ended = status is not None and status.state not in ("starting", "running")
        # What the process that this window started said of its own end goes before what its exit looks like.
        if status is not None and ended and status.updated >= self._launched > 0:
            return status.state, status.message
        if reason := self._reason or self._last_word:
            return "failed", reason
        if status is not None and ended:
            return status.state, status.message
        if status is None and self.config is None:
            return "unknown", f"{self.path} holds no training (any more)."
        return "interrupted", _INTERRUPTED

    def _read_last_word(self) -> str:
        """Why the last process failed, if it said so after its last status."""
        output = self.path / child.OUTPUT
        if self.status is not None and _modified(output) < self.status.updated:
            return ""
        return child.last_error(output)


def add_figure(series: list[tuple[float, float]], images: float, value: float) -> None:
    """Append to a series in order of images; a run that went on from a checkpoint writes its newest figures again."""
    if series and series[-1][0] >= images:
        del series[bisect_left(series, (images, -float("inf"))) :]
    series.append((images, value))


def _sign(path: Path) -> object:
    """What changes when a file or folder changes; None when it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size if stat.S_ISREG(found.st_mode) else 0, found.st_ino


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


class RunHistory:
    """The runs of the user's folder and those opened by hand; each keeps its view as long as it is there."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.elsewhere: list[Path] = []  # run folders that were opened by hand
        self._views: dict[Path, RunView] = {}

    @property
    def folder(self) -> Path:
        """Where new runs go."""
        return self._folder or paths.runs_dir()

    def add(self, path: Path) -> RunView:
        """A run folder from anywhere. UserError when it is none."""
        path = path.resolve()
        view = self._views.get(path) or RunView(path)
        if view.config is None:
            raise UserError(
                f"{path} is no run folder of a training. Choose the folder that holds config.json and checkpoints."
            )
        if path not in self._views and path.parent != self.folder.resolve():
            self.elsewhere.append(path)
        self._views[path] = view
        return view

    def new(self, name: str) -> Path:
        """A folder for a new run of this name, which nobody has yet."""
        plain = paths.safe_file_name(name) or "training"
        return self.folder / free_name(plain, lambda name: (self.folder / name).exists())

    def started(self, path: Path) -> RunView:
        """The view of a run that was just begun here, before it has written anything."""
        return self._views.setdefault(path.resolve(), RunView(path.resolve()))

    def views(self) -> list[RunView]:
        """All runs that are there, newest first; not their figures, which `poll` reads."""
        found = [*self._in_folder(), *self.elsewhere]
        for path in found:
            if path not in self._views:
                self._views[path] = RunView(path)
        for path in [p for p in self._views if p not in found and self._views[p].child is None]:
            del self._views[path]
        known = [v for v in self._views.values() if v.state != "unknown"]
        return sorted(known, key=lambda v: v.updated, reverse=True)

    def _in_folder(self) -> list[Path]:
        """The folders that may be runs; none while their place cannot be reached."""
        try:
            entries = [e for e in os.scandir(self.folder) if not e.name.startswith(".")]
        except (OSError, UserError):
            return []
        return [
            Path(e.path).resolve()
            for e in entries
            if e.is_dir(follow_symlinks=False) and os.path.isfile(os.path.join(e.path, "config.json"))
        ]

    def running(self) -> RunView | None:
        """The run that somebody works on, as they stand now."""
        views = self.views()
        for view in views:
            view.refresh_status()
        return next((view for view in views if view.alive), None)

    def remove_failed_start(self, view: RunView) -> bool:
        """Remove what a start left that failed before anything was trained. Whether it was such a one."""
        trained = ["checkpoints", "metrics.jsonl"]
        if view.config is not None and view.config.classifier_training is not None:
            trained.append("classifier.classifier")  # else it is but a copy
        with contextlib.suppress(OSError):
            if view.alive or any(_has_content(view.path / name) for name in trained):
                return False
            if not _foreign(view.path):
                shutil.rmtree(view.path)
        self._views.pop(view.path, None)
        return True

    def delete(self, view: RunView) -> None:
        """Delete a run with everything in it. UserError when that is not safe, or fails half-way."""
        view.refresh_status()
        # Under another name first: what is half deleted must not look like a run.
        grave = view.path.with_name(f".{view.path.name}.deleted-{time.time_ns()}")
        try:
            check_deletable(view)
            view.path.rename(grave)
            shutil.rmtree(grave)
        except OSError as error:
            raise UserError(
                f"{error.filename or view.path} could not be deleted ({error.strerror}). "
                "Close other programs that use it, and delete the rest by hand."
            ) from error
        finally:
            if not view.path.exists():
                self._views.pop(view.path, None)
                self.elsewhere = [path for path in self.elsewhere if path != view.path]


def check_deletable(view: RunView) -> None:
    """UserError unless this folder is a run's, nobody works on it, and nothing else lies in it."""
    path = view.path
    if view.alive:
        raise UserError(f"{view.name} is being trained. Stop it first, then delete it.")
    is_run = path.is_dir() and (path / "config.json").is_file() and view.state != "unknown"
    if path.is_symlink() or not is_run:
        raise UserError(f"{path} is no run folder (any more), so it is not deleted.")
    foreign = sorted(_foreign(path))
    if foreign:
        raise UserError(
            f"{path} holds more than a training: {', '.join(foreign[:3])}. "
            "Take that out first, or delete the folder by hand."
        )


def _foreign(path: Path) -> list[str]:
    """What in a run folder is not of a run. Links are never followed."""
    found = []
    for entry in os.scandir(path):
        if entry.is_dir(follow_symlinks=False) and entry.name in _OWN_FOLDERS:
            own = _OWN_FOLDERS[entry.name]
            found += [
                f"{entry.name}/{inside.name}"
                for inside in os.scandir(entry.path)
                if not _is_own(inside, own.fullmatch(inside.name) is not None)
            ]
        elif not _is_own(entry, entry.name in _OWN_FILES):
            found.append(entry.name)
    return found


def _is_own(entry: os.DirEntry[str], known: bool) -> bool:
    """Whether it is a file of a run: `known` by its name, or left over from a write that a crash cut off."""
    left_over = entry.name in _LITTER or _LEFT_OVER.fullmatch(entry.name) is not None
    return entry.is_file(follow_symlinks=False) and (known or left_over)


def _has_content(path: Path) -> bool:
    """Whether there is such a file, or such a folder with something in it."""
    return path.is_file() or (path.is_dir() and any(path.iterdir()))
