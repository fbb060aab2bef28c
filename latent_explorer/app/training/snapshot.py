# SPDX-License-Identifier: MIT
"""A running training's current state as an explainer: `export` as a child process, whose file is opened
when it is done.

A child and no job of the engine: it takes a minute or two, and measuring is one long step, during which no slider
would move anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latent_explorer.app.exploration.updates import report_errors
from latent_explorer.app.training import child
from latent_explorer.app.training.run_history import SNAPSHOT_OUTPUT
from latent_explorer.app.training.updates import SnapshotChanged
from latent_explorer.common.errors import UserError

if TYPE_CHECKING:
    from latent_explorer.app.explorer import Explorer
    from latent_explorer.app.training.run_view import RunView
    from latent_explorer.common.update_hub import UpdateHub


class SnapshotExporter:
    """At most one at a time."""

    def __init__(self, explorer: Explorer, updates: UpdateHub) -> None:
        self._explorer = explorer
        self._updates = updates
        self._work: tuple[int, RunView] | None = None  # process, run

    @property
    def busy(self) -> bool:
        """Whether one is being made."""
        return self._work is not None

    def start(self, view: RunView) -> None:
        """Begin to make one of the run's newest checkpoint. UserError when that cannot be."""
        if self._work is not None:
            raise UserError("A current state is being opened already. It will be there in a minute or two.")
        if not any(view.folder.checkpoints.glob("*.pt")):
            raise UserError(f"{view.name} has no checkpoint yet. Wait until the first is written.")
        images = view.status.images if view.status is not None else 0
        arguments = ["export", str(view.path), "--out", str(view.folder.current)]
        arguments += ["--name", f"{view.name}, {images:,} images", "--json"]
        self._work = child.start_child(arguments, view.path, SNAPSHOT_OUTPUT), view
        self._updates.emit(SnapshotChanged(True))

    def poll(self) -> None:
        """Open what is done."""
        if self._work is None or child.is_running(self._work[0]):
            return
        (pid, view), self._work = self._work, None
        self._updates.emit(SnapshotChanged(False))
        with report_errors(self._explorer.updates.emit, "Opening the current state"):
            if problem := child.failure_of_child(pid, view.path / SNAPSHOT_OUTPUT):
                raise UserError(problem)
            self._explorer.open_path(view.folder.current)

    def cancel_for(self, view: RunView) -> None:
        """Give up the one of this run, if it is being made."""
        if self._work is not None and self._work[1] is view:
            self.close()
            self._updates.emit(SnapshotChanged(False))

    def close(self) -> None:
        """Nobody waits for it any more."""
        if self._work is not None:
            child.end_child(self._work[0])
            self._work = None
