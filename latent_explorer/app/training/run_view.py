# SPDX-License-Identifier: MIT
"""One run as the window sees it: a view of its folder, polled without cost while nothing changes.

The files are `training.run_folder`'s. A view believes nothing: folders may be half written, damaged, foreign, or gone
by the next look. Which runs there are is `run_history`'s.
"""

from __future__ import annotations

import os
import stat
import time
from bisect import bisect_left
from typing import TYPE_CHECKING, Literal

from latent_explorer.app.training import child
from latent_explorer.common.errors import UserError
from latent_explorer.training.run_folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

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


def running_sentence(view: RunView) -> str:
    """Why no second training can be started."""
    return f"{view.name} is being trained already. Pause or stop it first: two at once would only slow each other."


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
