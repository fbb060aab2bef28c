# SPDX-License-Identifier: MIT
"""Autosaved explorations: one file for each running window, found again after a crash.

Projected latents stand beside it in a folder of the same name, each written once, so that the autosave of every half
minute is small. A window holds a lock on its file for as long as it lives; the system releases it however the window
ends, so an autosave whose lock is free was left behind by a crash.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from latent_explorer.app.exploration import file as exploration_file
from latent_explorer.app.exploration.file import LATENT_SUFFIX, MAX_LATENT, SUFFIX, Exploration
from latent_explorer.common.errors import DamagedData, UserError
from latent_explorer.common.guarded_files import read_bytes
from latent_explorer.common.paths import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

KEPT_SECONDS = 30 * 86400  # autosaves left behind for a month are deleted


@dataclass(frozen=True)
class Recovery:
    """Autosave that a crashed window left behind."""

    path: Path
    exploration: Exploration  # without its latents, which `latents_of` reads
    modified: float  # seconds since the epoch


class Autosave:
    """Autosave of this window, in `folder`."""

    def __init__(self, folder: Path, unkept: Callable[[Path, Exception], None] = lambda _folder, _error: None) -> None:
        self._folder, self._unkept = folder, unkept
        self.path = folder / f"{uuid.uuid4().hex}{SUFFIX}"
        self._lock: IO[bytes] | None = None
        self._saved: tuple[object, ...] | None = None
        self.error: OSError | None = None  # why the folder cannot be used
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _acquire(_lock_of(self.path))
            self._prune()
        except OSError as error:
            self.error = error

    def report_error(self) -> None:
        """Say so if there will be no autosave."""
        if self.error is not None:
            self._unkept(self._folder, self.error)

    def save(self, exploration: Exploration) -> bool:
        """Write the exploration if it changed since the last time; returns True if it was written.

        Failures are reported once: the next try comes soon.
        """
        content = (exploration.state, exploration.document, exploration.model_path)
        if content == self._saved:
            return False
        try:
            self._write_latents(exploration.latents)
            exploration_file.write(self.path, replace(exploration, latents={}))
        except (UserError, OSError) as error:
            log.warning("Autosave: %s", error)
            self._unkept(self._folder, error)
            return False
        self._saved = content
        return True

    def _write_latents(self, latents: Mapping[str, bytes]) -> None:
        folder = _latents_of(self.path)
        for latent_id, content in latents.items():
            path = folder / f"{latent_id}{LATENT_SUFFIX}"
            if not path.exists():
                folder.mkdir(exist_ok=True)
                with atomic_path(path) as temporary:
                    temporary.write_bytes(content)

    def clear(self) -> None:
        """Remove the autosave: everything is saved, so there is nothing to recover."""
        _remove(self.path, _latents_of(self.path))
        self._saved = None

    def recoverable(self) -> list[Recovery]:
        """Return what closed windows left behind, newest first. Unreadable files are passed over."""
        recoveries = []
        for path in self._folder.glob(f"[!.]*{SUFFIX}"):  # .NAME: another window is writing it now
            if path != self.path and not _is_held(_lock_of(path)):
                with contextlib.suppress(UserError, OSError):
                    recoveries.append(_recovery(path))
        return sorted(recoveries, key=lambda r: r.modified, reverse=True)

    def discard(self, recovery: Recovery) -> None:
        """Delete a recovery."""
        _remove(recovery.path, _latents_of(recovery.path), _lock_of(recovery.path))

    def close(self, *, keep: bool = False) -> None:
        """Release the lock at the regular end of the window; with `keep` the autosave is offered again."""
        if self._lock is None:
            return
        self._lock.close()
        self._lock = None
        if not keep:
            _remove(self.path, _latents_of(self.path), _lock_of(self.path))

    def _prune(self) -> None:
        """Delete files, locks and half-written files of windows that ended long ago."""
        oldest = time.time() - KEPT_SECONDS
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < oldest and not _is_held(_lock_of(path)):
                    _remove(path)


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _latents_of(path: Path) -> Path:
    return path.with_suffix(".latents")


def _recovery(path: Path) -> Recovery:
    return Recovery(path, exploration_file.read(path), path.stat().st_mtime)


def latents_of(recovery: Recovery) -> dict[str, bytes]:
    """Return the contents of its projections, by id; a damaged one is empty. It may take seconds."""
    latents = {}
    for part in sorted(_latents_of(recovery.path).glob(f"[!.]*{LATENT_SUFFIX}")):
        try:
            latents[part.stem] = read_bytes(part, MAX_LATENT)
        except (OSError, DamagedData):
            latents[part.stem] = b""
    return latents


def _remove(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _acquire(path: Path) -> IO[bytes] | None:
    """Return an open file with a lock on it, or None if another process (or object) holds it."""
    stream = path.open("a+b")
    try:
        if sys.platform == "win32":
            import msvcrt

            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        return None
    return stream


def _is_held(path: Path) -> bool:
    if not os.path.exists(path):
        return False
    stream = _acquire(path)
    if stream is None:
        return True
    stream.close()
    return False
