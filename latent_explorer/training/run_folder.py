# SPDX-License-Identifier: MIT
"""What a training leaves on disk, and how others reach it: the run folder without its checkpoints. No torch here.

The training process writes; the window and the command line read, and write two files only: `request`, which asks for
an end, and `busy`, whose age says that the window needs the device now. Files are replaced all at once; metrics.jsonl
and log.txt grow line by line, and a crash may leave their last line unfinished. Who trains holds `lock`, which the
system releases whatever becomes of the process.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import filelock
import msgspec
from PIL import Image

from latent_explorer.common.errors import UserError
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

BUSY_SECONDS = 1.0  # a touch of `busy` holds the training back for so long
# Between two steps: a window that is used without a break slows a training, but never stops it.
MAX_BUSY_WAIT_SECONDS = 2.0
_ADVICE_RESUME = "The run is whole up to its last checkpoint: mend that and go on with --resume."
_ADVICE_OTHER_FOLDER = "Choose another place with --out, or see to its permissions."
LOCK_SECONDS = 2.0  # who only looks whether a run is alive holds the lock for an instant


class RunStatus(msgspec.Struct, frozen=True):
    """status.json: how a run stands, as its own process last said. It says `running` for ever after a kill -9."""

    state: State
    phase: Phase
    message: str = ""  # one sentence for people
    images: int = 0  # seen by the explainer's networks
    total: int = 0
    phase_done: int = 0
    phase_total: int = 0
    images_per_second: float | None = None
    seconds_left: float | None = None  # to the end of the phase; None where nothing is known yet
    device: str = ""
    pid: int = 0
    started: float = 0.0  # seconds since the epoch; of this process
    updated: float = 0.0
    command: list[str] = []


class RunFolder:
    """The folder of one training."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.samples = path / "samples"
        self.checkpoints = path / "checkpoints"
        self.metrics_file = path / "metrics.jsonl"
        self.log_file = path / "log.txt"
        self.classifier = path / "classifier.classifier"  # trained here, or a copy of the one that was named
        self.result = path / "result.explainer"
        self.current = path / "current.explainer"  # a running training's state, when somebody asked for it

    # -- what was asked for ------------------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether a run was started here."""
        return (self.path / "config.json").is_file()

    def create(self, config: TrainConfig, provenance: dict[str, Any] | None = None) -> None:
        """Start a new run. A folder that holds one already is refused."""
        if self.exists():
            raise UserError(f"{self.path} holds a run already. Go on with --resume, or choose another folder.")
        with self.explain_write_errors("the run folder", _ADVICE_OTHER_FOLDER):
            self.samples.mkdir(parents=True, exist_ok=True)
            self.checkpoints.mkdir(exist_ok=True)
        self.write_provenance(provenance or {})
        self._write_json("config.json", config)

    def config(self) -> TrainConfig:
        """The settings of the run. Raises UserError where no run is."""
        try:
            return msgspec.json.decode((self.path / "config.json").read_bytes(), type=TrainConfig)
        except (OSError, msgspec.MsgspecError) as error:
            raise UserError(f"{self.path} is no run folder: {error}. Give the folder that `train` wrote.") from error

    def change_config(self, config: TrainConfig) -> None:
        """A run that goes on with more images says so."""
        self._write_json("config.json", config)

    def provenance(self) -> dict[str, Any]:
        """What the run was made from; empty where a crash came before it was known."""
        with contextlib.suppress(OSError, ValueError):
            return cast("dict[str, Any]", json.loads((self.path / "provenance.json").read_bytes()))
        return {}

    def write_provenance(self, provenance: dict[str, Any]) -> None:
        self._write_json("provenance.json", provenance)

    # -- how it stands -----------------------------------------------------------------------------------------------

    def status(self) -> RunStatus | None:
        """What the run last said of itself; None where it has said nothing that can be read."""
        try:
            return msgspec.json.decode((self.path / "status.json").read_bytes(), type=RunStatus)
        except (OSError, msgspec.MsgspecError):
            return None

    def write_status(self, status: RunStatus) -> None:
        """Say how the run stands. On a full disk the old file is written over, which takes no new space."""
        path, text = self.path / "status.json", msgspec.json.encode(status)
        try:
            with atomic_path(path, durable=False) as temporary:
                temporary.write_bytes(text)
        except OSError:
            with self.explain_write_errors("status.json"), path.open("r+b") as file:
                file.write(text)
                file.truncate()

    def is_alive(self) -> bool:
        """Whether a process trains here now."""
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
        """Be the one process that trains here. Raises UserError where another one does, or nothing can be written.

        Requests and half-written files that were left over are removed.
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
        """Remove what a kill -9 left of files that were being written (see `atomic_path`), but for those of others."""
        own = ("status", "config", "provenance", "pictures", "classifier", "result")
        left = [path for name in own for path in self.path.glob(f".{name}-*")]
        for path in [*left, *self.samples.glob(".*-*.png"), *self.checkpoints.glob(".*-*.pt")]:
            with contextlib.suppress(OSError):
                path.unlink()

    def _lock(self) -> filelock.BaseFileLock:
        return filelock.FileLock(self.path / "lock")

    # -- asked from outside ------------------------------------------------------------------------------------------

    def request(self, what: Request) -> None:
        """Ask the training for its end; it looks between two steps. Both write a checkpoint; stop also a result."""
        with self.explain_write_errors("the request"), atomic_path(self.path / "request") as temporary:
            temporary.write_text(what)

    def pop_request(self) -> Request | None:
        """What was asked for since the last call."""
        path = self.path / "request"
        try:
            text = path.read_text().strip()
            path.unlink()
        except OSError:
            return None
        return cast("Request", text) if text in get_args(Request) else None

    def busy(self) -> None:
        """The window needs the device now; the training holds back for a moment."""
        with contextlib.suppress(OSError):
            (self.path / "busy").touch()

    def wait_while_busy(self) -> float:
        """Wait while the window is busy, 2 s at most; returns the seconds waited."""
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

    # -- figures, sentences, pictures --------------------------------------------------------------------------------

    def append_metrics(self, images: int, values: dict[str, float]) -> None:
        """One line of figures, in the nine digits that tell any two fp32 numbers apart."""
        row = {"images": images, **{name: float(f"{v:.9g}") for name, v in values.items()}}
        with self.explain_write_errors("metrics.jsonl"), self.metrics_file.open("ab") as file:
            file.write(msgspec.json.encode(row) + b"\n")

    def metrics(self, since: int = 0) -> tuple[list[dict[str, float]], int]:
        """The figures after byte `since`, and where to read on.

        A run that went on from a checkpoint writes its newest figures again. A row whose `images` is not above that
        of an earlier row with the same figure replaces it and whatever came after it.
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
        """Drop the figures newer than the checkpoint that a run goes on from, and a line that a crash cut off."""
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
        """A checkpoint promises that the figures before it are on the disk."""
        if self.metrics_file.exists():
            with self.explain_write_errors("metrics.jsonl"), self.metrics_file.open("ab") as file:
                os.fsync(file.fileno())

    def log_line(self, text: str) -> None:
        """One sentence with the local time. A log that cannot be written is no reason to end."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        with contextlib.suppress(OSError), self.log_file.open("a", encoding="utf-8") as file:
            file.write(f"{stamp}  {' '.join(text.split())}\n")

    def log(self) -> list[str]:
        """The lines of log.txt, oldest first."""
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
        """The sample sheets, oldest first; a name is the images seen."""
        return sorted(self.samples.glob("[0-9]*.png"))

    # -- writing -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def explain_write_errors(self, what: str, advice: str = _ADVICE_RESUME) -> Iterator[None]:
        """A failure to write becomes a sentence that says what, why, and what to do."""
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
    """A line of metrics.jsonl; None for one that a crash cut off. Figures that were no numbers are left out."""
    try:
        row = msgspec.json.decode(line, type=dict[str, float | None])
    except msgspec.MsgspecError:
        return None
    found = {name: value for name, value in row.items() if value is not None}
    return found if "images" in found else None
