# SPDX-License-Identifier: MIT
"""The run history: views of run folders, polled without cost while nothing changes. The files are `training.record`'s.

A view believes nothing: folders may be half written, damaged, foreign, or gone by the next look.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from latent_explorer.app import child
from latent_explorer.common import paths
from latent_explorer.common.errors import UserError
from latent_explorer.training.record import RunFolder

if TYPE_CHECKING:
    from latent_explorer.training.config import TrainConfig
    from latent_explorer.training.record import RunStatus

State = Literal[
    "starting", "running", "paused", "stopped", "finished", "failed", "interrupted", "unknown"
]

SNAPSHOT_OUTPUT = "export.txt"  # what the making of current.explainer said
_WATCHED = (
    "config.json",
    "status.json",
    "metrics.jsonl",
    "log.txt",
    "samples",
    "request",
    "result.explainer",
    child.OUTPUT,
)
# All that a run folder may hold; whatever else lies there is somebody's, and keeps the folder from being deleted.
_OWN_FILES = {
    *_WATCHED,
    "provenance.json",
    "lock",
    "busy",
    "classifier.classifier",
    "current.explainer",
    SNAPSHOT_OUTPUT,
}
_OWN_FOLDERS = {"samples": ".png", "checkpoints": ".pt"}
_INTERRUPTED = (
    "Interrupted: nobody works on it any more. Resume it; at most the work since the last "
    "checkpoint is lost."
)


class RunView:
    """One run folder as the window sees it. Attributes are what the last `look` or `poll` read."""

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
        self._offset = 0  # of metrics.jsonl
        self._seen: tuple[object, ...] = ()
        self._signs: dict[str, object] = {}
        self._figures_sign: object = None
        self._log_sign: object = None
        self.look()

    @property
    def time(self) -> float:
        """When it was worked on last, in seconds since the epoch; sorts the history."""
        if self.status is not None:
            return self.status.updated
        return _modified(self.path / "config.json") or _modified(self.path)

    def launched(self, pid: int) -> None:
        """This window started a process for it; what the status says is of an earlier one until that one speaks."""
        self.child, self._launched = pid, time.time()
        self.look()

    def look(self) -> bool:
        """Read how the run stands, not its figures. Whether that is new."""
        if self.child is not None and not child.is_running(self.child):
            self.child = None
        signs = {name: _sign(self.path / name) for name in _WATCHED}
        changed = {name for name in _WATCHED if signs[name] != self._signs.get(name)}
        if "config.json" in changed:
            self.config = self._read_config()
        if "status.json" in changed:
            self.status = self.folder.status()
        self._signs = signs
        self.result = self.folder.result if signs["result.explainer"] else None
        self.alive = self._is_alive()
        self.requested = self._read_request() if signs["request"] and self.alive else ""
        self.state, self.message = self._stand()
        seen = (*signs.values(), self.alive, self.state, self.message)
        before, self._seen = self._seen, seen
        return seen != before

    def poll(self) -> bool:
        """Read all that is new. Whether there was anything; where no file changed, nothing is read."""
        new = self.look()
        if self._figures_sign != self._signs["metrics.jsonl"]:
            self._figures_sign = self._signs["metrics.jsonl"]
            self._read_figures()
        if self._log_sign != self._signs["log.txt"]:
            self._log_sign = self._signs["log.txt"]
            self.log = self.folder.log()
        if new or not self.sheets:
            before, self.sheets = self.sheets, self.folder.sheets()
            new = new or self.sheets != before
        return new

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
        if status is not None and status.state not in ("starting", "running"):
            return status.state, status.message
        if reason := self._last_word(status):
            return "failed", reason
        if status is None and self.config is None:
            return "unknown", f"{self.path} holds no training."
        return "interrupted", _INTERRUPTED

    def _last_word(self, status: RunStatus | None) -> str:
        """Why the last process failed, if it said so after its last status."""
        output = self.path / child.OUTPUT
        if status is not None and _modified(output) < status.updated:
            return ""
        return child.last_error(output)


def running_sentence(view: RunView) -> str:
    """Why no second training can be started."""
    return f"{view.name} is being trained already. Pause or stop it first: two at once would only slow each other."


class RunHistory:
    """The runs of the user's folder and those opened by hand; each keeps its view as long as it is there."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._elsewhere: list[Path] = []
        self._views: dict[Path, RunView] = {}

    @property
    def folder(self) -> Path:
        """Where new runs go."""
        return self._folder or paths.runs_dir()

    @property
    def elsewhere(self) -> list[Path]:
        """Run folders that were opened by hand."""
        return list(self._elsewhere)

    def add(self, path: Path) -> RunView:
        """A run folder from anywhere. UserError when it is none."""
        path = path.resolve()
        view = self._views.get(path) or RunView(path)
        if view.config is None:
            raise UserError(
                f"{path} is no run folder of a training. Choose the folder that holds config.json and checkpoints."
            )
        if path not in self._views and path.parent != self.folder.resolve():
            self._elsewhere.append(path)
        self._views[path] = view
        return view

    def new(self, name: str) -> Path:
        """A folder for a new run of this name, which nobody has yet."""
        plain = "".join(c if c.isalnum() or c in " ._-" else " " for c in name).strip(" .")[:80]
        plain = " ".join(plain.split()) or "training"
        path, count = self.folder / plain, 1
        while path.exists():
            count += 1
            path = self.folder / f"{plain} {count}"
        return path

    def started(self, path: Path) -> RunView:
        """The view of a run that was just begun here, before it has written anything."""
        return self._views.setdefault(path.resolve(), RunView(path.resolve()))

    def views(self) -> list[RunView]:
        """All runs that are there, newest first; not their figures, which `poll` reads."""
        found = [*_folders(self.folder), *self._elsewhere]
        for path in found:
            if path not in self._views:
                self._views[path] = RunView(path)
        for path in [p for p in self._views if p not in found and self._views[p].child is None]:
            del self._views[path]
        known = [v for v in self._views.values() if v.state != "unknown"]
        return sorted(known, key=lambda v: v.time, reverse=True)

    def running(self) -> RunView | None:
        """The run that somebody works on, as they stand now."""
        views = self.views()
        for view in views:
            view.look()
        return next((view for view in views if view.alive), None)

    def delete(self, view: RunView) -> None:
        """Delete a run with everything in it. UserError when that is not safe, or fails half-way."""
        view.look()
        check_deletable(view)
        # Under another name first: what is half deleted must not look like a run.
        grave = view.path.with_name(f".{view.path.name}.deleted")
        try:
            view.path.rename(grave)
            shutil.rmtree(grave)
        except OSError as error:
            raise UserError(
                f"{error.filename or view.path} could not be deleted ({error.strerror}). "
                "Close other programs that use it, and delete the rest by hand."
            ) from error
        finally:
            self._views.pop(view.path, None)
            if view.path in self._elsewhere:
                self._elsewhere.remove(view.path)


def add_figure(series: list[tuple[float, float]], images: float, value: float) -> None:
    """Append to a series in order of images; a run that went on from a checkpoint writes its newest figures again."""
    if series and series[-1][0] >= images:
        del series[bisect_left(series, (images, -float("inf"))) :]
    series.append((images, value))


def check_deletable(view: RunView) -> None:
    """UserError unless this folder is a run's, nobody works on it, and nothing else lies in it."""
    path = view.path
    if view.alive:
        raise UserError(f"{view.name} is being trained. Stop it first, then delete it.")
    if path.is_symlink() or not path.is_dir() or not (path / "config.json").is_file():
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
            suffix = _OWN_FOLDERS[entry.name]
            inside = os.scandir(entry.path)
            found += [
                f"{entry.name}/{e.name}"
                for e in inside
                if not (e.is_file(follow_symlinks=False) and e.name.endswith(suffix))
            ]
        # A hidden file is left over from a write that a crash cut off.
        elif not entry.is_file(follow_symlinks=False) or not (
            entry.name in _OWN_FILES or entry.name.startswith(".")
        ):
            found.append(entry.name)
    return found


def _folders(folder: Path) -> list[Path]:
    """The folders in it that may be runs."""
    try:
        entries = [e for e in os.scandir(folder) if not e.name.startswith(".")]
    except OSError:
        return []
    return [
        Path(e.path).resolve()
        for e in entries
        if e.is_dir(follow_symlinks=False) and os.path.isfile(os.path.join(e.path, "config.json"))
    ]


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
