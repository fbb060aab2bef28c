# SPDX-License-Identifier: MIT
"""Which runs there are: those in the user's folder and those opened by hand; new ones, and how they are deleted.

What a run is like is `runs`'; what is done with it is `training_desk`'s.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from pathlib import Path

from latent_explorer.app.training.run_view import WATCHED, RunView
from latent_explorer.common import paths
from latent_explorer.common.errors import UserError
from latent_explorer.common.format import free_name

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
_OWN_FOLDERS = {
    "samples": re.compile(r"\d+\.png"),
    "checkpoints": re.compile(r"(\d+|best)\.pt"),
}
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # of file managers
_LEFT_OVER = re.compile(r"\.[\w.]+-\w{8}(\.\w+)?")  # see `atomic_path`


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
    def external_folders(self) -> list[Path]:
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

    def add_if_there(self, path: Path) -> None:
        """The same for a folder of last time, which may be gone."""
        with contextlib.suppress(UserError):
            self.add(path)

    def new(self, name: str) -> Path:
        """A folder for a new run of this name, which nobody has yet."""
        plain = paths.safe_file_name(name) or "training"
        return self.folder / free_name(plain, lambda name: (self.folder / name).exists())

    def started(self, path: Path) -> RunView:
        """The view of a run that was just begun here, before it has written anything."""
        return self._views.setdefault(path.resolve(), RunView(path.resolve()))

    def views(self) -> list[RunView]:
        """All runs that are there, newest first; not their figures, which `poll` reads."""
        found = [*self._in_folder(), *self._elsewhere]
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
                self._elsewhere = [path for path in self._elsewhere if path != view.path]


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
