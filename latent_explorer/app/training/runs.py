# SPDX-License-Identifier: MIT
"""Runs as the window sees them: a view of one run folder, and the history of all.

A poll of a view reads no file while none changes. Folders may be half written, damaged, foreign, or removed between
two polls. The files themselves are described in `training.run_folder`.
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
    "Interrupted: no process works on it any more. Resume it; at most the work since the last checkpoint is lost."
)
SNAPSHOT_OUTPUT = "export.txt"  # output of the export of current.explainer
# All files of a run folder. Any other file there prevents that the folder is deleted.
_RUN_FILES = {
    *WATCHED,
    "provenance.json",
    "lock",
    "busy",
    "classifier.classifier",
    "current.explainer",
    "pictures.txt",
    "pictures.sha256",
    SNAPSHOT_OUTPUT,
}
_RUN_FOLDERS = {"samples": re.compile(r"\d+\.png"), "checkpoints": re.compile(r"(\d+|best)\.pt")}
_SYSTEM_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}  # of file managers
_LEFT_OVER = re.compile(r"\.[\w.]+-\w{8}(\.\w+)?")  # see `atomic_path`


class RunView:
    """View of one run folder. Its attributes have the values that the last `refresh_status` or `poll` read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = RunFolder(path)
        self.name = path.name
        self.config: TrainConfig | None = None  # None: not written yet, or not readable
        self.status: RunStatus | None = None
        self.alive = False  # a process works on it
        self.state: State = "unknown"  # "interrupted": status.json says that it runs, but no process does
        self.message = ""  # its progress or why it ended, in one sentence
        self.requested = ""  # "pause" or "stop" from the request until it is done
        self.series: dict[str, list[tuple[float, float]]] = {}  # by figure: (images seen, value)
        self.sheets: list[Path] = []  # oldest first; a name is the images seen
        self.log: list[str] = []  # lines with local time, oldest first
        self.result: Path | None = None  # the finished explainer
        self.child: int | None = None  # the process that this window started for it
        self._launched = 0.0
        self._reason = ""  # why the process that this window started has failed
        self._last_word = ""  # the same for a process that another window started
        self._offset = 0  # of metrics.jsonl
        self._signs: dict[str, object] = {}
        self._seen: tuple[object, ...] = ()
        self._polled: tuple[object, ...] = ()
        self.refresh_status()

    @property
    def updated(self) -> float:
        """Time of the last change, in seconds since the epoch."""
        if self.status is not None:
            return self.status.updated
        return _modified(self.path / "config.json") or _modified(self.path)

    def launched(self, pid: int) -> None:
        """Record that this window started a process for the run. A status from before it does not count."""
        self.child, self._launched, self._reason = pid, time.time(), ""
        self.refresh_status()

    def refresh_status(self) -> bool:
        """Read the status of the run, without its figures. Return True if it is new."""
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
        """Read what is new since the last poll. Return True if there was anything. No file is read if none changed."""
        self.refresh_status()
        if self._seen == self._polled:
            return False
        self._polled = self._seen
        rows, self._offset = self.folder.metrics(self._offset)
        for row in rows:
            images = row.pop("images")
            for name, value in row.items():
                add_figure(self.series.setdefault(name, []), images, value)
        self.log = self.folder.log()
        self.sheets = self.folder.sheets()
        return True

    def _read_config(self) -> TrainConfig | None:
        try:
            return self.folder.config()
        except UserError:
            return None

    def _read_request(self) -> str:
        try:
            return (self.path / "request").read_text(errors="replace").strip()
        except OSError:
            return ""

    def _is_alive(self) -> bool:
        """Return True if a process works on the run. The lock is tried only if a process may hold it."""
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
        # The status that a process of this window wrote at its end is preferred to its exit code.
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
        """Return why the last process failed, if its output says so after its last status."""
        output = self.path / child.OUTPUT
        if self.status is not None and _modified(output) < self.status.updated:
            return ""
        return child.last_error(output)


def add_figure(series: list[tuple[float, float]], images: float, value: float) -> None:
    """Append to a series in order of images. Later points go: a resumed run writes its newest figures again."""
    if series and series[-1][0] >= images:
        del series[bisect_left(series, (images, -float("inf"))) :]
    series.append((images, value))


def _sign(path: Path) -> object:
    """Return a value that changes with the file or folder; None if it is missing."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size if stat.S_ISREG(status.st_mode) else 0, status.st_ino


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


class RunHistory:
    """History of runs: those in the user's folder and those opened by hand, each with one view."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.elsewhere: list[Path] = []  # run folders that were opened by hand
        self._views: dict[Path, RunView] = {}

    @property
    def folder(self) -> Path:
        return self._folder or paths.runs_dir()

    def add(self, path: Path) -> RunView:
        """Add a run folder from anywhere. Raises UserError if it is not one."""
        path = path.resolve()
        view = self._views.get(path) or RunView(path)
        if view.config is None:
            raise UserError(
                f"{path} is not a run folder of a training. Choose the folder that holds config.json and checkpoints."
            )
        if path not in self._views and path.parent != self.folder.resolve():
            self.elsewhere.append(path)
        self._views[path] = view
        return view

    def new(self, name: str) -> Path:
        """Return an unused folder for a new run of this name."""
        plain = paths.safe_file_name(name) or "training"
        return self.folder / free_name(plain, lambda name: (self.folder / name).exists())

    def started(self, path: Path) -> RunView:
        """Return the view of a run that was just started, before it has written anything."""
        return self._views.setdefault(path.resolve(), RunView(path.resolve()))

    def views(self) -> list[RunView]:
        """Return all runs, newest first, without their figures, which `poll` reads."""
        paths = [*self._in_folder(), *self.elsewhere]
        for path in paths:
            if path not in self._views:
                self._views[path] = RunView(path)
        for path in [p for p in self._views if p not in paths and self._views[p].child is None]:
            del self._views[path]
        known = [v for v in self._views.values() if v.state != "unknown"]
        return sorted(known, key=lambda v: v.updated, reverse=True)

    def _in_folder(self) -> list[Path]:
        """Return the folders that may be runs; none if the user's folder cannot be read."""
        try:
            entries = [e for e in _entries(self.folder) if not e.name.startswith(".")]
        except (OSError, UserError):
            return []
        return [
            Path(e.path).resolve()
            for e in entries
            if e.is_dir(follow_symlinks=False) and os.path.isfile(os.path.join(e.path, "config.json"))
        ]

    def running(self) -> RunView | None:
        """Refresh all runs and return the one that a process works on."""
        views = self.views()
        for view in views:
            view.refresh_status()
        return next((view for view in views if view.alive), None)

    def remove_failed_start(self, view: RunView) -> bool:
        """Remove a run whose start failed before anything was trained. Return False if something was."""
        trained = ["checkpoints", "metrics.jsonl"]
        if view.config is not None and view.config.classifier_training is not None:
            trained.append("classifier.classifier")  # else it is only a copy
        with contextlib.suppress(OSError):
            if view.alive or any(_has_content(view.path / name) for name in trained):
                return False
            if not _foreign(view.path):
                shutil.rmtree(view.path)
        self._views.pop(view.path, None)
        return True

    def delete(self, view: RunView) -> None:
        """Delete a run's folder. Raises UserError if that is not safe, or fails."""
        view.refresh_status()
        # Renamed first: a partly deleted folder must not look like a run.
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
    """Raise UserError unless the folder is that of a run, no process works on it, and it has no other files."""
    path = view.path
    if view.alive:
        raise UserError(f"{view.name} is being trained. Stop it first, then delete it.")
    is_run = path.is_dir() and (path / "config.json").is_file() and view.state != "unknown"
    if path.is_symlink() or not is_run:
        raise UserError(f"{path} is not a run folder (any more), so it is not deleted.")
    foreign = sorted(_foreign(path))
    if foreign:
        raise UserError(
            f"{path} holds more than a training: {', '.join(foreign[:3])}. "
            "Take that out first, or delete the folder by hand."
        )


def _entries(path: str | Path) -> list[os.DirEntry[str]]:
    """Return the entries of a folder, which is closed also when reading them fails."""
    with os.scandir(path) as entries:
        return list(entries)


def _foreign(path: Path) -> list[str]:
    """Return the names of files in a run folder that are not of a run. Links are not followed."""
    names = []
    for entry in _entries(path):
        if entry.is_dir(follow_symlinks=False) and entry.name in _RUN_FOLDERS:
            pattern = _RUN_FOLDERS[entry.name]
            names += [
                f"{entry.name}/{inside.name}"
                for inside in _entries(entry.path)
                if not _is_run_file(inside, pattern.fullmatch(inside.name) is not None)
            ]
        elif not _is_run_file(entry, entry.name in _RUN_FILES):
            names.append(entry.name)
    return names


def _is_run_file(entry: os.DirEntry[str], known: bool) -> bool:
    """Return True for a file of a run: `known` by its name, or left over from a write that a crash ended."""
    left_over = entry.name in _SYSTEM_FILES or _LEFT_OVER.fullmatch(entry.name) is not None
    return entry.is_file(follow_symlinks=False) and (known or left_over)


def _has_content(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.iterdir()))
