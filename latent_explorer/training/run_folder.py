# SPDX-License-Identifier: MIT
"""Run folder of a training: settings, status, figures, log and sheets, but not the checkpoints. No torch here.

The training process writes; the window and the command line read, and write two files only: `request`, which asks the
training to end, and `busy`, whose age tells whether the window needs the device now. Files are replaced atomically;
metrics.jsonl and log.txt grow line by line, and a crash may leave their last line unfinished. The training process
holds `lock`, which the system releases however the process ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import filelock
import msgspec
from PIL import Image

from latent_explorer.common import guarded_json
from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.common.format import size_text
from latent_explorer.common.paths import atomic_path
from latent_explorer.training.config import TrainConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

State = Literal["starting", "running", "paused", "stopped", "finished", "failed"]
Phase = Literal["classifier", "explainer", "attributes"]
Request = Literal["pause", "stop"]

BUSY_SECONDS = 1.0  # that a touch of `busy` holds the training back
# Between two steps: a window that is used without a break slows a training, but never stops it.
MAX_BUSY_WAIT_SECONDS = 2.0
_ADVICE_RESUME = "The run is whole up to its last checkpoint: mend that and go on with --resume."
_ADVICE_OTHER_FOLDER = "Choose another place with --out, or see to its permissions."
LOCK_SECONDS = 2.0  # to wait for the lock: a check whether the run is alive holds it for an instant


class RunStatus(msgspec.Struct, frozen=True):
    """Contents of status.json, last written by the run's own process. After a kill -9 the state stays `running`."""

    state: State
    phase: Phase
    message: str = ""  # one sentence for users
    images: int = 0  # seen by the explainer's networks
    total: int = 0
    phase_done: int = 0
    phase_total: int = 0
    images_per_second: float | None = None
    seconds_left: float | None = None  # to the end of the phase; None if unknown
    device: str = ""
    pid: int = 0
    started: float = 0.0  # seconds since the epoch; of this process
    updated: float = 0.0
    command: list[str] = []


class RunFolder:
    """Folder of one training."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.samples = path / "samples"
        self.checkpoints = path / "checkpoints"
        self.metrics_file = path / "metrics.jsonl"
        self.log_file = path / "log.txt"
        self.classifier = path / "classifier.classifier"  # trained by the run, or a copy of the given one
        self.result = path / "result.explainer"
        self.current = path / "current.explainer"  # a running training's state, exported on request

    def exists(self) -> bool:
        return (self.path / "config.json").is_file()

    def create(self, config: TrainConfig, provenance: dict[str, Any] | None = None) -> None:
        """Start a new run. Raises UserError if the folder has one already, or cannot be written."""
        if self.exists():
            raise UserError(f"{self.path} holds a run already. Go on with --resume, or choose another folder.")
        with self.explain_write_errors("the run folder", _ADVICE_OTHER_FOLDER):
            self.samples.mkdir(parents=True, exist_ok=True)
            self.checkpoints.mkdir(exist_ok=True)
        self.write_provenance(provenance or {})
        self._write_json("config.json", config)

    def config(self) -> TrainConfig:
        """Return the settings of the run. Raises UserError if there is no run."""
        try:
            return guarded_json.read(self.path / "config.json", TrainConfig)
        except (OSError, DamagedData) as error:
            raise UserError(f"{self.path} is not a run folder: {error}. Give the folder that `train` wrote.") from error

    def change_config(self, config: TrainConfig) -> None:
        """Replace the settings, as when a run continues with more images."""
        self._write_json("config.json", config)

    def provenance(self) -> dict[str, Any]:
        """Return what the run was made from; empty if a crash came before it was written."""
        with contextlib.suppress(OSError, DamagedData):
            return guarded_json.read(self.path / "provenance.json", dict[str, Any])
        return {}

    def write_provenance(self, provenance: dict[str, Any]) -> None:
        self._write_json("provenance.json", provenance)

    def status(self) -> RunStatus | None:
        """Return the last status, or None if there is none that can be read."""
        try:
            return guarded_json.read(self.path / "status.json", RunStatus)
        except (OSError, DamagedData):
            return None

    def write_status(self, status: RunStatus) -> None:
        """Write the status. On a full disk the old file is overwritten, which takes no new space."""
        path, text = self.path / "status.json", msgspec.json.encode(status)
        try:
            with atomic_path(path, durable=False) as temporary:
                temporary.write_bytes(text)
        except OSError:
            with self.explain_write_errors("status.json"), path.open("r+b") as file:
                file.write(text)
                file.truncate()

    def is_alive(self) -> bool:
        """Return True if a process trains here now."""
        if not (self.path / "lock").exists():
            return False
        lock = self._lock()
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            return True
        except OSError:
            return False
        lock.release()
        return False

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock of the folder. Raises UserError if another process holds it, or the folder cannot be written.

        Old requests and partly written files are removed.
        """
        with self.explain_write_errors("the run folder", _ADVICE_OTHER_FOLDER):
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "lock").touch()
        lock = self._lock()
        try:
            lock.acquire(timeout=LOCK_SECONDS, poll_interval=0.05)
        except filelock.Timeout as error:
            raise UserError(
                f"Another process trains in {self.path} now. Wait for its end, stop it with "
                f"`latent-explorer stop {self.path}`, or choose another folder."
            ) from error
        try:
            self.pop_request()
            self._remove_partial_files()
            yield
        finally:
            lock.release()

    def _remove_partial_files(self) -> None:
        """Remove partly written files that a kill -9 left (see `atomic_path`), except those of other programs."""
        own = ("status", "config", "provenance", "pictures", "classifier", "result")
        left = [path for name in own for path in self.path.glob(f".{name}-*")]
        for path in [*left, *self.samples.glob(".*-*.png"), *self.checkpoints.glob(".*-*.pt")]:
            with contextlib.suppress(OSError):
                path.unlink()

    def _lock(self) -> filelock.BaseFileLock:
        return filelock.FileLock(self.path / "lock")

    def request(self, what: Request) -> None:
        """Ask the training to end after its current step. It writes a checkpoint, for "stop" also a result."""
        with self.explain_write_errors("the request"), atomic_path(self.path / "request") as temporary:
            temporary.write_text(what)

    def pop_request(self) -> Request | None:
        """Return and remove the request, if there is one."""
        path = self.path / "request"
        try:
            text = path.read_text().strip()
            path.unlink()
        except OSError:
            return None
        return cast("Request", text) if text in get_args(Request) else None

    def busy(self) -> None:
        """Hold the training back for BUSY_SECONDS, because the window needs the device."""
        with contextlib.suppress(OSError):
            (self.path / "busy").touch()

    def wait_while_busy(self) -> float:
        """Wait while the window is busy, at most MAX_BUSY_WAIT_SECONDS. Returns the seconds waited."""
        started = time.monotonic()
        while (waited := time.monotonic() - started) < MAX_BUSY_WAIT_SECONDS and self._is_busy():
            time.sleep(0.05)
        return waited

    def _is_busy(self) -> bool:
        try:
            age = time.time() - (self.path / "busy").stat().st_mtime
        except OSError:
            return False
        return 0 <= age < BUSY_SECONDS

    def append_metrics(self, images: int, values: dict[str, float]) -> None:
        """Append a line of figures, with the nine digits that distinguish any two fp32 numbers."""
        row = {"images": images, **{name: float(f"{v:.9g}") for name, v in values.items()}}
        with self.explain_write_errors("metrics.jsonl"), self.metrics_file.open("ab") as file:
            file.write(msgspec.json.encode(row) + b"\n")

    def metrics(self, since: int = 0) -> tuple[list[dict[str, float]], int]:
        """Return the figures after byte `since`, and the byte to continue from.

        A run that continues from a checkpoint writes its newest figures again. A row whose `images` is not above that
        of an earlier row with the same figure replaces that row and all after it.
        """
        try:
            with self.metrics_file.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                if since > size or not _starts_a_line(file, since):
                    since = 0
                file.seek(since)
                data = file.read()
        except OSError:
            return [], 0
        whole = data[: data.rfind(b"\n") + 1]
        rows = (_row(line) for line in whole.splitlines())
        return [row for row in rows if row], since + len(whole)

    def drop_metrics_after(self, images: int) -> None:
        """Drop the figures newer than the checkpoint that a run continues from, and an incomplete line."""
        if not self.metrics_file.exists():
            return
        kept = 0
        with self.explain_write_errors("metrics.jsonl"), self.metrics_file.open("r+b") as file:
            for line in file:
                row = _row(line) if line.endswith(b"\n") else None
                if row is None or row["images"] > images:
                    break
                kept += len(line)
            file.truncate(kept)

    def sync_metrics(self) -> None:
        """Flush the figures to the disk, before a checkpoint that comes after them."""
        if self.metrics_file.exists():
            with self.explain_write_errors("metrics.jsonl"), self.metrics_file.open("ab") as file:
                os.fsync(file.fileno())

    def log_line(self, text: str) -> None:
        """Append a sentence with the local time. Errors are ignored: a training does not end for its log."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        with contextlib.suppress(OSError), self.log_file.open("a", encoding="utf-8") as file:
            file.write(f"{stamp}  {' '.join(text.split())}\n")

    def log(self) -> list[str]:
        """Return the lines of log.txt, oldest first."""
        try:
            return self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []

    def write_sheet(self, images: int, picture: np.ndarray) -> None:
        """Save a sample sheet (H, W, 3) uint8."""
        path = self.samples / f"{images:08d}.png"
        with self.explain_write_errors("a sample sheet"), atomic_path(path) as temporary:
            Image.fromarray(picture).save(temporary, format="PNG")

    def sheets(self) -> list[Path]:
        """Return the sample sheets, oldest first. A name is the number of images seen."""
        return sorted(self.samples.glob("[0-9]*.png"))

    @contextlib.contextmanager
    def explain_write_errors(self, what: str, advice: str = _ADVICE_RESUME) -> Iterator[None]:
        """Turn an OSError into a UserError that says what could not be written, why, and what to do."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise UserError(
                f"{what[0].upper()}{what[1:]} could not be written in {self.path}: {reason}{self._free()}. {advice}"
            ) from error

    def _free(self) -> str:
        try:
            return f" ({size_text(shutil.disk_usage(self.path).free)} free)"
        except OSError:
            return ""

    def _write_json(self, name: str, value: Any) -> None:
        with self.explain_write_errors(name), atomic_path(self.path / name) as temporary:
            temporary.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=1))


def _starts_a_line(file: Any, position: int) -> bool:
    if position == 0:
        return True
    file.seek(position - 1)
    return bool(file.read(1) == b"\n")


def _row(line: bytes) -> dict[str, float] | None:
    """Parse a line of metrics.jsonl, or return None if it is incomplete. Figures that were NaN are left out."""
    try:
        row = guarded_json.decode(line, dict[str, float | None])
    except DamagedData:
        return None
    found = {name: value for name, value in row.items() if value is not None}
    return found if "images" in found else None
